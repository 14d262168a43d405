/* Tokens to principals, one look-up for all who wait: requests that come with the same token while a look-up of it is under way
 * share the next one. So each is answered by a look-up that began after it came, and a line with many connections costs one. */
#ifndef SIEGEL_API_TOKEN_LOOKUP_H
#define SIEGEL_API_TOKEN_LOOKUP_H
#include "lib/auth/auth.h"

/* As auth_token(), on a connection of the pool. For threads. */
int token_lookup(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e) MUST_CHECK;

#endif
