#include "config.h"
#include "api/token_cache.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/log.h"

#define NAME_BYTES 64 /* of an account or a role, by the store's own rule */
#define LISTEN_MS 60000
#define PLACES 256    /* a token has one place, by its hash; two that share one take turns */

struct place {
	uint8_t hash[SHA256_DIGEST_LENGTH];
	int64_t until_ms; /* 0: empty */
	struct principal who;
	char name[NAME_BYTES], role[NAME_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place places[PLACES];
static bool listening;      /* the store tells of changes: only then is anything kept */
static pthread_t listener;
static unsigned generation; /* counts clears: what was asked before one isn't kept after it */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
clear(bool told_from_now_on)
{
	pthread_mutex_lock(&lock);
	memset(places, 0, sizeof(places));
	generation++;
	listening = told_from_now_on;
	pthread_mutex_unlock(&lock);
}

void
token_cache_clear(void)
{
	pthread_mutex_lock(&lock);
	memset(places, 0, sizeof(places));
	generation++;
	pthread_mutex_unlock(&lock);
}

static void
changed(void *ctx, const char *channel, const char *payload)
{
	(void)ctx, (void)channel, (void)payload;
	token_cache_clear();
}

/* Listens for as long as the connection lives. */
static void
listen_once(const struct config *c)
{
	CLEANUP(db_free) struct db *db = NULL;
	struct error e;

	if (db_connect(c, "siegel_api", &db, &e) == 0 && db_listen(db, "credentials_changed", &e) == 0) {
		clear(true);
		while (!daemon_stopping() && db_wait_notify(db, daemon_stop_fd(), LISTEN_MS, changed, NULL, &e) == 0)
			;
	}
	clear(false);
	if (!daemon_stopping())
		log_error(LOG_LEVEL_WARNING, "the store doesn't tell of changed credentials: each request asks", &e);
}

static void *
follow(void *config)
{
	while (!daemon_stopping()) {
		listen_once(config);
		if (!daemon_stopping())
			nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	return NULL;
}

int
token_cache_start(const struct config *c, struct error *e)
{
	union {
		const struct config *in;
		void *out;
	} u = {.in = c};

	if (pthread_create(&listener, NULL, follow, u.out))
		return fail(e, E_INTERNAL, "no thread to listen to the store");
	return 0;
}

void
token_cache_stop(void)
{
	pthread_join(listener, NULL);
}

static bool
find(const uint8_t *hash, struct arena *a, struct principal *ret, unsigned *ret_generation)
{
	struct place *p = &places[hash[0] % PLACES];
	bool found;

	pthread_mutex_lock(&lock);
	found = p->until_ms > now_ms() && memcmp(p->hash, hash, sizeof(p->hash)) == 0;
	if (found) {
		*ret = p->who;
		ret->name = arena_strdup(a, p->name);
		ret->role = arena_strdup(a, p->role);
	}
	*ret_generation = generation;
	pthread_mutex_unlock(&lock);
	return found;
}

static void
keep(const uint8_t *hash, const struct principal *who, int64_t asked_ms, unsigned asked_generation)
{
	struct place *p = &places[hash[0] % PLACES];

	pthread_mutex_lock(&lock);
	if (listening && generation == asked_generation) {
		memcpy(p->hash, hash, sizeof(p->hash));
		p->until_ms = asked_ms + TOKEN_CACHE_MS;
		p->who = *who;
		snprintf(p->name, sizeof(p->name), "%s", who->name);
		snprintf(p->role, sizeof(p->role), "%s", who->role);
		p->who.name = p->name;
		p->who.role = p->role;
	}
	pthread_mutex_unlock(&lock);
}

int
token_cache_get(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct principal who = {0};
	unsigned asked_generation;
	int64_t asked = now_ms(); /* before the store is asked: an answer counts from the question */
	struct db *db;
	int rc;

	SHA256((const unsigned char *)token, strnlen(token, LIMIT_TOKEN_BYTES + 1), hash);
	if (find(hash, a, ret, &asked_generation))
		return 0;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	rc = auth_token(db, token, a, &who, e);
	db_pool_give(pool, db);
	if (rc < 0)
		return -1;
	keep(hash, &who, asked, asked_generation);
	*ret = who;
	return 0;
}
