/* JSON Web Keys (RFC 7517) of ACME accounts, and what they sign. Nothing here asks the store. */
#ifndef SIEGEL_ENROLL_ACME_JWK_H
#define SIEGEL_ENROLL_ACME_JWK_H
#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include "lib/arena.h"
#include "lib/x509/jose.h"

#define JWK_THUMBPRINT_BYTES 32

struct jwk {
	EVP_PKEY *key;
	struct bytes spki;          /* DER */
	const char *canonical;      /* the required members, as RFC 7638 3 hashes them: JSON */
	uint8_t thumbprint[JWK_THUMBPRINT_BYTES];
};

/* A public key, RFC 7518 6 and RFC 8037 2: RSA of LIMIT_RSA_MIN_BITS to LIMIT_RSA_MAX_BITS, EC on P-256, P-384 and P-521, OKP with Ed25519 and
 * Ed448. The members that make it have their one form: numbers without zeros in front, coordinates of the curve's length; members of a private key
 * are refused. E_BAD_KEY, E_MALFORMED. What is not the key lives in the arena; the caller frees with jwk_free(). */
int jwk_parse(struct arena *a, const json_t *object, struct jwk *ret, struct error *e) MUST_CHECK;
/* The same of a key that jwk_parse() took before, such as an account's, or that has to equal one: whether RSA keys are sound (lib/x509/keycheck.h)
 * isn't looked at again. */
int jwk_parse_known(struct arena *a, const json_t *object, struct jwk *ret, struct error *e) MUST_CHECK;
void jwk_free(struct jwk *k); /* accepts one that was never parsed */

/* Whether a SubjectPublicKeyInfo holds this key, however it writes it. */
bool jwk_is(const struct jwk *k, struct bytes spki);

/* jose_verify() with that key. */
int jwk_verify(const struct jwk *k, const char *alg, struct bytes data, struct bytes signature, struct error *e) MUST_CHECK;

#endif
