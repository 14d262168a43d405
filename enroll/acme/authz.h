/* Authorizations, RFC 8555 7.1.4. */
#ifndef SIEGEL_ENROLL_ACME_AUTHZ_H
#define SIEGEL_ENROLL_ACME_AUTHZ_H
#include "enroll/acme/acme.h"

#define ACME_AUTHZ_COLUMNS "r_found, r_id, r_identifier, r_wildcard, r_status, r_expires, r_challenges"
struct acme_authz {
	int64_t id;
	const char *identifier;
	bool wildcard;
	const char *status, *expires;
	json_t *challenges;      /* as the store gives them, with their numbers */
};
/* The row of ACME_AUTHZ_COLUMNS; the caller frees with acme_authz_free(). E_NOT_FOUND, E_FORBIDDEN. */
int acme_authz_read(struct acme_exchange *x, const struct db_result *r, const char *what, struct acme_authz *ret, struct error *e) MUST_CHECK;
void acme_authz_free(struct acme_authz *z); /* accepts one that was never read */
/* A challenge as clients see it (RFC 8555 8), of one of z->challenges; the caller frees it. */
json_t *acme_challenge_json(struct acme_exchange *x, const json_t *row);
/* The answer to a pending challenge of type device-attest-01 (draft-ietf-acme-device-attest 5): the attestation in x->payload is verified, and what
 * came of it stored; *z is read again. E_BAD_ATTESTATION when it isn't good: the challenge is invalid then. E_MALFORMED without one: it stays. */
int acme_device_attest(struct acme_exchange *x, const json_t *challenge, struct acme_authz *z, struct error *e) MUST_CHECK;

#endif
