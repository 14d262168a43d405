#include "config.h"
#include "api/token_cache.h"

#include <string.h>

#include "lib/auth/kept.h"
#include "lib/db/listener.h"
#include "lib/limits.h"

static struct principals *kept, *kept_sessions, *kept_background; /* what a page asks by itself doesn't stand for what somebody does */
static struct db_listener *listener;

static void
changed(void *ctx, bool heard)
{
	(void)ctx;
	principals_changed(kept, heard);
	principals_changed(kept_sessions, heard);
	principals_changed(kept_background, heard);
}

int
token_cache_start(const struct config *c, struct error *e)
{
	static const char *const channels[] = {"credentials_changed", NULL};

	kept = principals_new();
	kept_sessions = principals_new();
	kept_background = principals_new();
	return db_listener_start(c, "siegel_api", channels, "credentials", changed, NULL, &listener, e);
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
	if (kept_sessions)
		principals_forget(kept_sessions);
	if (kept_background)
		principals_forget(kept_background);
}

typedef int (*looker)(struct db *db, const char *secret, struct arena *a, struct principal *ret, struct error *e);

static int
get(struct principals *known, looker look, struct db_pool *pool, const char *secret, struct arena *a, struct principal *ret, struct error *e)
{
	struct bytes evidence = {(const uint8_t *)secret, strnlen(secret, LIMIT_TOKEN_BYTES + 1)};
	struct principals_question question;
	struct principal who = {0};
	struct db *db;
	int rc;

	if (principals_find(known, evidence, a, ret, &question))
		return 0;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	rc = look(db, secret, a, &who, e);
	db_pool_give(pool, db);
	if (rc < 0)
		return -1;
	principals_keep(known, &question, &who);
	*ret = who;
	return 0;
}

int
token_cache_get(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e)
{
	return get(kept, auth_token, pool, token, a, ret, e);
}

static int
used_session(struct db *db, const char *cookie, struct arena *a, struct principal *ret, struct error *e)
{
	return auth_session(db, cookie, true, a, ret, e);
}

static int
background_session(struct db *db, const char *cookie, struct arena *a, struct principal *ret, struct error *e)
{
	return auth_session(db, cookie, false, a, ret, e);
}

int
token_cache_session(struct db_pool *pool, const char *cookie, bool used, struct arena *a, struct principal *ret, struct error *e)
{
	return used ? get(kept_sessions, used_session, pool, cookie, a, ret, e) : get(kept_background, background_session, pool, cookie, a, ret, e);
}
