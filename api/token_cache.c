#include "config.h"
#include "api/token_cache.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "lib/auth/kept.h"
#include "lib/db/listener.h"
#include "lib/limits.h"

static struct principals *kept, *kept_sessions, *kept_background; /* what a page asks by itself doesn't stand for what somebody does */
static struct db_listener *listener;
static atomic_llong lost_at;

static void
changed(void *ctx, bool heard)
{
	(void)ctx;
	if (heard || atomic_load(&lost_at) == 0)
		atomic_store(&lost_at, heard ? 0 : (long long)time(NULL));
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

int64_t
token_cache_lost_at(void)
{
	return atomic_load(&lost_at);
}

static struct bytes
evidence_of(const char *secret)
{
	return (struct bytes){(const uint8_t *)secret, strnlen(secret, LIMIT_TOKEN_BYTES + 1)};
}

bool
token_cache_last(const char *secret, bool session, struct arena *a, struct principal *ret)
{
	if (!session)
		return principals_last(kept, evidence_of(secret), a, ret);
	return principals_last(kept_sessions, evidence_of(secret), a, ret) || principals_last(kept_background, evidence_of(secret), a, ret);
}

typedef int (*looker)(struct db *db, const char *secret, struct arena *a, struct principal *ret, struct error *e);

static int
get(struct principals *known, looker look, struct db_pool *pool, const char *secret, struct arena *a, struct principal *ret, struct error *e)
{
	struct principals_question question;
	struct principal who = {0};
	struct db *db;
	int rc;

	if (principals_find(known, evidence_of(secret), a, ret, &question))
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
