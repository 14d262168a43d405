/* Tokens to principals. What the store said of a token holds for TOKEN_CACHE_MS: a production line asks thousands of times a second
 * with one token, and a look-up for each would be a tenth of a certificate's cost. A token that is revoked over REST is out at once;
 * one that is revoked on the console, or whose account is disabled, within that time. Refusals are never kept. */
#ifndef SIEGEL_API_TOKEN_CACHE_H
#define SIEGEL_API_TOKEN_CACHE_H
#include "lib/auth/auth.h"

#define TOKEN_CACHE_MS 1000

/* As auth_token(), on a connection of the pool when the store is asked. For threads. */
int token_cache_get(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;
/* Forgets everything: after a change of tokens. */
void token_cache_clear(void);

#endif
