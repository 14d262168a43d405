#include "config.h"
#include "api/token_lookup.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

#define NAME_BYTES 64 /* of an account, by the store's own rule */

enum stage { STAGE_OPEN, STAGE_UNDER_WAY, STAGE_DONE };

/* A look-up and those who wait for it: the first of them does it. */
struct lookup {
	struct lookup *next;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	enum stage stage;
	int users;
	pthread_cond_t changed;
	int result;
	struct principal who;
	char name[NAME_BYTES];
	struct error error;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lookup *lookups; /* those that aren't done: at most two of a token */

static struct lookup *
find(const uint8_t *hash, enum stage stage)
{
	for (struct lookup *l = lookups; l; l = l->next)
		if (l->stage == stage && memcmp(l->hash, hash, sizeof(l->hash)) == 0)
			return l;
	return NULL;
}

static struct lookup *
lookup_new(const uint8_t *hash)
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	memcpy(l->hash, hash, sizeof(l->hash));
	if (pthread_cond_init(&l->changed, NULL))
		abort(); /* out of memory for a condition */
	l->next = lookups;
	lookups = l;
	return l;
}

static void
lookup_release(struct lookup *l)
{
	if (--l->users > 0)
		return;
	pthread_cond_destroy(&l->changed);
	free(l);
}

static void
wait_until_done(struct lookup *l)
{
	l->users++;
	while (l->stage != STAGE_DONE)
		pthread_cond_wait(&l->changed, &lock);
}

static void
finish(struct lookup *l)
{
	struct lookup **at = &lookups;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->stage = STAGE_DONE;
	pthread_cond_broadcast(&l->changed);
}

static void
query(struct lookup *l, struct db_pool *pool, const char *token, struct arena *a)
{
	struct principal who = {0};
	struct db *db;

	l->result = db_pool_take(pool, &db, &l->error);
	if (l->result)
		return;
	l->result = auth_token(db, token, a, &who, &l->error);
	db_pool_give(pool, db);
	if (l->result)
		return;
	snprintf(l->name, sizeof(l->name), "%s", who.name);
	l->who = who;
}

/* The first of a look-up waits for the one before it, in which time others join, and then does it. */
static struct lookup *
lead(const uint8_t *hash, struct db_pool *pool, const char *token, struct arena *a)
{
	struct lookup *l = lookup_new(hash), *before = find(hash, STAGE_UNDER_WAY);

	l->users++;
	if (before) {
		wait_until_done(before);
		lookup_release(before);
	}
	l->stage = STAGE_UNDER_WAY;
	pthread_mutex_unlock(&lock);
	query(l, pool, token, a);
	pthread_mutex_lock(&lock);
	finish(l);
	return l;
}

int
token_lookup(struct db_pool *pool, const char *token, struct arena *a, struct principal *ret, struct error *e)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct lookup *l;
	int result;

	SHA256((const unsigned char *)token, strnlen(token, LIMIT_TOKEN_BYTES + 1), hash);
	pthread_mutex_lock(&lock);
	l = find(hash, STAGE_OPEN);
	if (l)
		wait_until_done(l);
	else
		l = lead(hash, pool, token, a);
	result = l->result;
	if (result) {
		*e = l->error;
	} else {
		*ret = l->who;
		ret->name = arena_strdup(a, l->name);
	}
	lookup_release(l);
	pthread_mutex_unlock(&lock);
	return result;
}
