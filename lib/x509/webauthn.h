/* Web Authentication, level 2 (W3C): what a browser brings from an authenticator is taken apart, strictly, and its signature verified. No statement
 * about the authenticator's make is asked for or believed (attestation "none"): whoever registers one chose it himself. */
#ifndef SIEGEL_LIB_X509_WEBAUTHN_H
#define SIEGEL_LIB_X509_WEBAUTHN_H
#include <stdbool.h>

#include "lib/arena.h"
#include "lib/error.h"

#define WEBAUTHN_ID_BYTES 1023        /* of a credential's id, 6.5.1 */
#define WEBAUTHN_CLIENT_DATA_BYTES 2048
#define WEBAUTHN_OBJECT_BYTES 16384   /* an attestation object: a packed statement with its chain is under 4 KiB, a TPM's under 8 */
#define WEBAUTHN_DATA_BYTES 4096      /* authenticator data of an assertion */
#define WEBAUTHN_SIGNATURE_BYTES 1024

/* COSE algorithms of keys that are taken (RFC 9053, 8812): ES256, EdDSA with Ed25519, RS256. Ended by 0. */
extern const int webauthn_algorithms[];

/* Who we are. */
struct webauthn_site {
	const char *rp_id;
	const char *const *origins; /* ended by NULL */
};

/* Authenticator data, 6.1; views into it. */
struct webauthn_data {
	bool user_present, user_verified;
	uint32_t sign_count;
	struct bytes credential_id, cose_key; /* when there is attested credential data, else empty */
};
/* data is whole authenticator data for rp_id; attested: attested credential data is wanted, else refused. E_MALFORMED, E_FORBIDDEN. */
int webauthn_data_parse(struct bytes data, const char *rp_id, bool attested, struct webauthn_data *ret, struct error *e) MUST_CHECK;
/* An attestation object (6.5.4): its authenticator data; the statement is read over. */
int webauthn_object_parse(struct bytes object, struct bytes *ret_data, struct error *e) MUST_CHECK;
/* A COSE_Key (RFC 9052 7) of one of webauthn_algorithms[] → SubjectPublicKeyInfo, in the arena. E_MALFORMED, E_UNSUPPORTED, E_BAD_KEY. */
int webauthn_key_parse(struct bytes cose, struct arena *a, struct bytes *ret_spki, struct error *e) MUST_CHECK;
/* clientDataJSON (5.8.1): of this type ("webauthn.get"), for one of the site's origins, not from a frame of another site's page. *ret_challenge in the
 * arena: the caller finds out whether it is one of ours. */
int webauthn_client_data(struct bytes json, const char *type, const struct webauthn_site *site, struct arena *a, struct bytes *ret_challenge,
                         struct error *e) MUST_CHECK;
/* 7.2 step 20: the signature over authenticator data and the digest of the client data is by the key. E_FORBIDDEN when it isn't. */
int webauthn_signature(struct bytes spki, struct bytes data, struct bytes client_data, struct bytes signature, struct error *e) MUST_CHECK;

#endif
