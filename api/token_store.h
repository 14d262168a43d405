/* Tokens in the store: made and revoked in one transaction with their audit row, on a connection that holds the chain api.tokens. */
#ifndef SIEGEL_API_TOKEN_STORE_H
#define SIEGEL_API_TOKEN_STORE_H
#include "api/api.h"
#include "lib/secret.h"

struct new_token {
	int64_t id;
	struct secret *text;    /* the caller frees it */
	const char *expires_at; /* in the call's arena */
};

/* Checks the account's password or uses up its one-time code, and makes a token of 12 hours for it; c->who is set. Nothing is used up
 * when it fails. E_UNAUTHENTICATED for wrong credentials. */
int token_make(struct call *c, const char *authorization, struct new_token *ret, struct error *e) MUST_CHECK;
/* Revokes a token of c->who. E_NOT_FOUND when it has no such one in force. */
int token_revoke(struct call *c, const char *id, struct error *e) MUST_CHECK;
/* For what goes into the chain as well (api/session_store.c): runs work in a transaction on api->token_db, which is committed when it gives 0. */
int token_transaction(struct call *c, int (*work)(struct call *c, void *ctx, struct error *e), void *ctx, struct error *e) MUST_CHECK;
/* In it: an audit row of c->who. */
int token_audit(struct call *c, const char *action, const char *object, struct error *e) MUST_CHECK;
/* The same with a word more in its detail: "why" and "wrong code". */
int token_audit_word(struct call *c, const char *action, const char *object, const char *name, const char *word, struct error *e) MUST_CHECK;
void token_store_close(struct api *api);

#endif
