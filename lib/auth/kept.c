#include "lib/auth/kept.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES 64 /* of an account or a role, by the store's own rule */
#define PLACES 256    /* evidence has one place, by its hash; two that share one take turns */

struct place {
	uint8_t hash[SHA256_DIGEST_LENGTH];
	int64_t asked_ms; /* 0: empty */
	bool last;        /* the store went since: for principals_last() alone */
	struct principal who;
	char name[NAME_BYTES], role[NAME_BYTES];
};

struct principals {
	pthread_mutex_t lock;
	struct place places[PLACES];
	bool heard;          /* the store tells of changes: only then is anything kept */
	unsigned generation; /* counts changes: what was asked before one isn't kept after it */
};

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct principals *
principals_new(void)
{
	struct principals *p = xcalloc(1, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void
principals_free(struct principals *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void
clear(struct principals *p, const bool *heard)
{
	pthread_mutex_lock(&p->lock);
	if (heard && !*heard)
		for (size_t i = 0; i < PLACES; i++)
			p->places[i].last = true;
	else
		memset(p->places, 0, sizeof(p->places));
	p->generation++;
	p->heard = heard ? *heard : p->heard;
	pthread_mutex_unlock(&p->lock);
}

void
principals_changed(void *ctx, bool heard)
{
	clear(ctx, &heard);
}

void
principals_forget(struct principals *p)
{
	clear(p, NULL);
}

static struct place *
place_of(struct principals *p, const uint8_t *hash)
{
	return &p->places[hash[0] % PLACES];
}

/* With the lock held. */
static bool
take(const struct place *place, const uint8_t *hash, struct arena *a, struct principal *ret)
{
	if (memcmp(place->hash, hash, sizeof(place->hash)) != 0)
		return false;
	*ret = place->who;
	ret->name = arena_strdup(a, place->name);
	ret->role = arena_strdup(a, place->role);
	return true;
}

bool
principals_last(struct principals *p, struct bytes evidence, struct arena *a, struct principal *ret)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(evidence.data, evidence.len, hash);
	const struct place *place = place_of(p, hash);
	pthread_mutex_lock(&p->lock);
	bool found = !p->heard && place->asked_ms && now_ms() - place->asked_ms < PRINCIPALS_LAST_MS && take(place, hash, a, ret);
	pthread_mutex_unlock(&p->lock);
	return found;
}

bool
principals_find(struct principals *p, struct bytes evidence, struct arena *a, struct principal *ret, struct principals_question *ret_question)
{
	struct principals_question *q = ret_question;
	SHA256(evidence.data, evidence.len, q->hash);
	struct place *place = place_of(p, q->hash);
	q->asked_ms = now_ms();
	pthread_mutex_lock(&p->lock);
	bool found = place->asked_ms && !place->last && q->asked_ms - place->asked_ms < PRINCIPALS_MS && take(place, q->hash, a, ret);
	q->generation = p->generation;
	pthread_mutex_unlock(&p->lock);
	return found;
}

void
principals_keep(struct principals *p, const struct principals_question *q, const struct principal *who)
{
	if ((who->evidence != EVIDENCE_TOKEN && who->evidence != EVIDENCE_PASSWORD && who->evidence != EVIDENCE_SESSION) ||
		strlen(who->name) >= NAME_BYTES ||
	    strlen(who->role) >= NAME_BYTES)
		return;
	struct place *place = place_of(p, q->hash);
	pthread_mutex_lock(&p->lock);
	if (p->heard && p->generation == q->generation) {
		memcpy(place->hash, q->hash, sizeof(q->hash));
		place->asked_ms = q->asked_ms;
		place->last = false;
		place->who = *who;
		snprintf(place->name, sizeof(place->name), "%s", who->name);
		snprintf(place->role, sizeof(place->role), "%s", who->role);
		place->who.name = place->name;
		place->who.role = place->role;
	}
	pthread_mutex_unlock(&p->lock);
}
