/* Passkeys (WebAuthn 2): challenges, and what a browser brings for them. */
#ifndef SIEGEL_API_PASSKEY_H
#define SIEGEL_API_PASSKEY_H
#include "api/api.h"

/* The domain that passkeys are for; NULL when they can't be had here: the edge has an address and no name (WebAuthn 5.1.2). */
const char *passkey_site(struct call *c);

/* What a challenge is good for. */
enum passkey_use { PASSKEY_REGISTER, PASSKEY_PROVE, PASSKEY_SIGN_IN };
/* A new challenge for that use, good for five minutes, once, and for who has that binding (a session's number, a browser's cookie), as base64url in the
 * arena. It is written down nowhere. E_INTERNAL. */
int passkey_challenge(struct call *c, enum passkey_use use, const char *binding, char **ret, struct error *e) MUST_CHECK;

/* A credential that was made, in the arena. */
struct passkey_made {
	struct bytes credential_id, public_key; /* SubjectPublicKeyInfo */
	uint32_t sign_count;
	bool user_verified;
	struct passkey_challenge {
		uint8_t hash[32];
		int64_t expires_us;
	} challenge;
};
/* Takes apart and verifies what navigator.credentials.create() gave (7.1): texts in base64url. E_BAD_VALUE with the attribute that is at fault. */
int passkey_read_made(struct call *c, const char *attestation_object, const char *client_data, const char *binding, struct passkey_made *ret,
                      struct error *e) MUST_CHECK;

/* An assertion that is good but for its challenge and its count, which the store judges. */
struct passkey_proof {
	struct principal who;
	int64_t id;
	uint32_t sign_count;
	struct passkey_challenge challenge;
};
/* Takes apart and verifies what navigator.credentials.get() gave (7.2), an object with id, authenticator_data, client_data, signature and user_handle
 * in base64url. verified: the authenticator has to have asked for a PIN or a finger. account: whose it has to be; 0: it says so itself, by its user
 * handle. E_BAD_VALUE at /data/attributes/passkey for one that can't be read, E_UNAUTHENTICATED for one that isn't good; ret->who is set then
 * too, when it is known whose it is. */
int passkey_read_proof(struct call *c, const json_t *proof, enum passkey_use use, const char *binding, bool verified, int64_t account,
                       struct passkey_proof *ret, struct error *e) MUST_CHECK;

/* In token_transaction(): nobody answered this challenge before. E_UNAUTHENTICATED. */
int passkey_use_challenge(struct call *c, struct db *db, const struct passkey_challenge *challenge, struct error *e) MUST_CHECK;
/* The same, and the authenticator's count goes up. */
int passkey_accept(struct call *c, struct db *db, const struct passkey_proof *proof, struct error *e) MUST_CHECK;

#endif
