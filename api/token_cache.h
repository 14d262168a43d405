/* Tokens to principals. What the store said of a token holds for TOKEN_CACHE_MS: a production line asks thousands of times a second
 * with one token, and a look-up for each would be a tenth of a certificate's cost. The store tells at once when a credential or an
 * account changes, and then everything is forgotten; while it can't tell, nothing is kept. Refusals are never kept. */
#ifndef SIEGEL_API_TOKEN_CACHE_H
#define SIEGEL_API_TOKEN_CACHE_H
#include "lib/auth/auth.h"

#define TOKEN_CACHE_MS 1000

/* As auth_token(), on a connection of the pool when the store is asked. For threads. */
int token_cache_get(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* Forgets everything: after a change of tokens by this process, which needn't wait for the store's word. */
void token_cache_clear(void);
/* Starts to listen to the store, in a thread of its own that ends when the process is to stop. Without it nothing is kept. */
int token_cache_start(const struct config *c, struct error *e) MUST_CHECK;
/* Waits for that thread. */
void token_cache_stop(void);

#endif
