/* Sessions in the store: made and ended in one transaction with their audit row, on the connection that holds the chain api.tokens. */
#ifndef SIEGEL_API_SESSION_STORE_H
#define SIEGEL_API_SESSION_STORE_H
#include "api/api.h"
#include "api/passkey.h"
#include "lib/secret.h"

/* What somebody says who signs in: a name with a password that he chose or a one-time code, or a passkey, or that he showed a certificate. */
struct login_claim {
	const char *tenant; /* NULL: the house */
	const char *name;
	const char *password;
	const char *code;
	const struct passkey_proof *passkey;
	const char *card_code, *card_verifier;
};

/* Checks the claim and makes a session of c->who, which is set; a code is used up by it and by nothing that fails. *ret_cookie is what the browser is
 * to keep; the caller frees it. E_UNAUTHENTICATED for what is wrong, E_FORBIDDEN for what is good and doesn't open this account (auth_admit()), each
 * with its own audit row; E_UNAVAILABLE when too many passwords are being hashed. */
int session_make(struct call *c, const struct login_claim *claim, struct secret **ret_cookie, struct error *e) MUST_CHECK;
/* The session of c->who has proved its second factor, by a code, a recovery code or a passkey (what says which), and has the cookie from now on.
 * E_UNAUTHENTICATED when it ended meanwhile. */
int session_prove(struct call *c, const struct secret *cookie, const char *what, const struct passkey_proof *passkey, struct error *e) MUST_CHECK;
/* A challenge for a new passkey is answered: E_UNAUTHENTICATED when it was before. */
int session_challenge(struct call *c, const struct passkey_challenge *challenge, struct error *e) MUST_CHECK;
/* c->who, who showed a certificate, gets a code for the browser that has the verifier of that challenge (SHA-256, 32 octets). E_FORBIDDEN with the
 * pointer AUTH_WITHDRAWN. */
int session_handoff(struct call *c, const char *code, struct bytes challenge, struct error *e) MUST_CHECK;
/* He gets none: the audit row of that. */
int session_handoff_refused(struct call *c, const char *why, struct error *e) MUST_CHECK;
/* Ends all sessions of the account but the one over which this is asked. */
int session_end_others(struct call *c, struct error *e) MUST_CHECK;
/* It hasn't: the audit row of that. */
int session_refuse(struct call *c, struct error *e) MUST_CHECK;
/* Ends a session of c->who's, or with RIGHT_ACCOUNTS of anybody's in the tenant. E_NOT_FOUND. */
int session_end(struct call *c, const char *id, struct error *e) MUST_CHECK;

#endif
