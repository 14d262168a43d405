/* Bearer tokens to principals, kept for a moment (lib/auth/kept.h). The store tells at once when a credential or an account changes, and then
 * everything is forgotten. */
#ifndef SIEGEL_API_TOKEN_CACHE_H
#define SIEGEL_API_TOKEN_CACHE_H
#include "lib/auth/auth.h"

/* As auth_token(), on a connection of the pool when the store is asked. For threads. */
int token_cache_get(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* As auth_session(), the same way. */
int token_cache_session(struct db_pool *pool, const char *cookie, bool used, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* While the store can't be heard: who that token, or with session that cookie, was when it went (principals_last()). */
bool token_cache_last(const char *secret, bool session, struct arena *a, struct principal *ret) MUST_CHECK;
/* Since when the store hasn't been heard, in seconds since 1970; 0: it is. */
int64_t token_cache_lost_at(void);
/* Forgets everything: after a change of tokens by this process, which needn't wait for the store's word. */
void token_cache_clear(void);
/* To be called first: starts to listen to the store, in a thread of its own. */
int token_cache_start(const struct config *c, struct error *e) MUST_CHECK;
/* Ends that thread. */
void token_cache_stop(void);

#endif
