#include "enroll/kept.h"
#include <stdlib.h>
#include <string.h>
#include "lib/limits.h"

#define BODY_MAX (25 * LIMIT_CERT_BYTES) /* a chain with old roots and link certificates */

static unsigned
place_of(const char *label)
{
	uint32_t hash = 2166136261u; /* FNV-1a; labels are those that are in the store */
	for (; *label; label++)
		hash = (hash ^ (uint8_t)*label) * 16777619u;
	return hash % KEPT_PLACES;
}

static time_t
now_sec(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int
fill(struct kept_place *place, const char *key, int (*make)(void *ctx, struct bytes *ret, struct error *e), void *ctx, struct error *e)
{
	struct bytes body = {0};
	if (make(ctx, &body, e) < 0)
		return -1;
	free(place->key);
	place->key = xstrdup(key);
	buf_free(&place->body);
	place->body = BUF_INIT(BODY_MAX);
	buf_add(&place->body, body.data, body.len);
	place->since_sec = now_sec();
	return buf_check(&place->body, e);
}

int
kept_get(struct kept *k, struct arena *a, const char *label, const char *key, int (*make)(void *ctx, struct bytes *ret, struct error *e), void *ctx,
         struct bytes *ret, struct error *e)
{
	struct kept_place *place = &k->places[place_of(label)];
	int rc = 0;
	pthread_mutex_lock(&place->lock);
	if (!place->key || strcmp(place->key, key) != 0 || now_sec() - place->since_sec >= KEPT_SEC)
		rc = fill(place, key, make, ctx, e);
	if (rc == 0)
		*ret = (struct bytes){arena_dup(a, place->body.data, place->body.len), place->body.len};
	pthread_mutex_unlock(&place->lock);
	return rc;
}
