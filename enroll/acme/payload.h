/* What payloads say by their form alone: nothing here asks the store. Each is the beginning of its operation, in that operation's file. */
#ifndef SIEGEL_ENROLL_ACME_PAYLOAD_H
#define SIEGEL_ENROLL_ACME_PAYLOAD_H
#include "enroll/acme/acme.h"
#include "lib/db/array.h"
#include "lib/x509/cert.h"

/* account.c: "contact" of newAccount and of the account (RFC 8555 7.3); *ret_is false: it says nothing of them. The caller made the array of texts.
 * E_MALFORMED, E_CONTACT_SCHEME, E_BAD_CONTACT. */
int acme_read_contacts(struct acme_exchange *x, struct db_array *ret, bool *ret_is, struct error *e) MUST_CHECK;
/* external.c: externalAccountBinding but for its MAC (RFC 8555 7.3.4): for the key and the address of x. The caller frees by jws_free(). E_MALFORMED,
 * E_BAD_ALGORITHM, E_BAD_KEY. */
int acme_read_external(struct acme_exchange *x, const json_t *object, struct jws *ret, struct error *e) MUST_CHECK;
/* key_change.c: the inner JWS of keyChange (RFC 8555 7.3.5), verified, by the account and from the key of x. The caller frees by jwk_free(), also on
 * failure. E_MALFORMED, E_BAD_ALGORITHM, E_BAD_KEY, E_FORBIDDEN. */
int acme_read_key_change(struct acme_exchange *x, struct jwk *ret, struct error *e) MUST_CHECK;
/* revoke_cert.c: certificate and reason of revokeCert (RFC 8555 7.6). The certificate is in the arena. E_MALFORMED, E_BAD_REASON. */
int acme_read_revocation(struct acme_exchange *x, struct cert *ret, int *ret_reason, struct error *e) MUST_CHECK;
/* device_attest.c: the attestation object of device-attest-01 (draft-ietf-acme-device-attest 5), in the arena. E_MALFORMED, E_TOO_LARGE. */
int acme_read_attestation(struct acme_exchange *x, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
