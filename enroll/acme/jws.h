/* A request's JWS (RFC 7515) as RFC 8555 6.2 wants it: flattened JSON, one signature, all headers protected. */
#ifndef SIEGEL_ENROLL_ACME_JWS_H
#define SIEGEL_ENROLL_ACME_JWS_H
#include "enroll/acme/jwk.h"

struct jws {
	json_t *header;           /* the protected header */
	const char *alg, *nonce, *url, *kid; /* nonce, kid: NULL when it isn't there */
	const json_t *jwk;        /* NULL: it isn't there; exactly one of jwk and kid is */
	struct bytes signed_data; /* what the signature is over */
	struct bytes payload, signature;
};

/* Reads JSON strictly: UTF-8, no member twice, not deeper than LIMIT_JSON_DEPTH, nothing behind it. E_MALFORMED names what. The caller frees *ret. */
int jws_json(struct bytes text, const char *what, json_t **ret, struct error *e) MUST_CHECK;
/* Takes a body apart; nothing is verified yet. E_MALFORMED: no flattened JWS, an unprotected header, "crit", "b64", not exactly one of jwk and kid,
 * no url. E_BAD_ALGORITHM: not one of jose_algorithms, nor (with external, RFC 8555 7.3.4) HS256, HS384 or HS512. Texts live in the arena; the
 * caller frees with jws_free(). */
int jws_parse(struct arena *a, struct bytes body, bool external, struct jws *ret, struct error *e) MUST_CHECK;
/* The same for a JWS that is a member of a payload. */
int jws_of_json(struct arena *a, const json_t *object, bool external, struct jws *ret, struct error *e) MUST_CHECK;
void jws_free(struct jws *j); /* accepts one that was never parsed */

#endif
