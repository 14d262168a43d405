#include "config.h"
#include "api/token_cache.h"

#include <string.h>

#include "lib/auth/kept.h"
#include "lib/db/listener.h"
#include "lib/limits.h"

static struct principals *kept;
static struct db_listener *listener;

int
token_cache_start(const struct config *c, struct error *e)
{
	static const char *const channels[] = {"credentials_changed", NULL};

	kept = principals_new();
	return db_listener_start(c, "siegel_api", channels, "credentials", principals_changed, kept, &listener, e);
}

void
token_cache_stop(void)
{
	db_listener_stop(listener);
	listener = NULL;
}

void
token_cache_clear(void)
{
	if (kept)
		principals_forget(kept);
}

int
token_cache_get(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e)
{
	struct bytes evidence = {(const uint8_t *)token, strnlen(token, LIMIT_TOKEN_BYTES + 1)};
	struct principals_question question;
	struct principal who = {0};
	struct db *db;
	int rc;

	if (principals_find(kept, evidence, a, ret, &question))
		return 0;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	rc = auth_token(db, token, a, &who, e);
	db_pool_give(pool, db);
	if (rc < 0)
		return -1;
	principals_keep(kept, &question, &who);
	*ret = who;
	return 0;
}
