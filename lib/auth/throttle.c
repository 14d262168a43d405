/* Failures by key, in a table of fixed size: a set of eight places for each hash, the oldest gives way. Who fills the table with
 * invented keys only makes it forget; he can't make it grow. */
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/auth/auth.h"

enum {
	SETS = 512, /* with 8 places of 24 bytes: 96 KiB */
	PLACES = 8,
	FAILURES_MAX = 10, /* a person who mistypes stays below it */
	WINDOW_SEC = 60,
};

struct place {
	uint64_t key; /* keyed hash of the caller's key; 0: free */
	int64_t since_sec;
	unsigned failures;
};

static struct {
	pthread_mutex_t lock;
	bool seeded;
	uint8_t seed[16]; /* so that nobody outside can choose which keys share a set */
	struct place places[SETS][PLACES];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t
now_sec(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* With the lock held. */
static uint64_t
key_hash(const char *key)
{
	if (!table.seeded) {
		if (RAND_bytes(table.seed, sizeof(table.seed)) != 1)
			abort(); /* without randomness nothing in this process is safe */
		table.seeded = true;
	}
	uint8_t in[sizeof(table.seed) + SHA256_DIGEST_LENGTH], out[SHA256_DIGEST_LENGTH];
	memcpy(in, table.seed, sizeof(table.seed));
	SHA256((const unsigned char *)key, strlen(key), in + sizeof(table.seed));
	SHA256(in, sizeof(in), out);
	uint64_t h;
	memcpy(&h, out, sizeof(h));
	return h ? h : 1;
}

/* The key's place, or NULL; a window that has passed is forgotten on the way. With the lock held. */
static struct place *
find(uint64_t h, int64_t now)
{
	struct place *set = table.places[h % SETS];
	for (int i = 0; i < PLACES; i++) {
		if (set[i].key && now - set[i].since_sec >= WINDOW_SEC)
			set[i] = (struct place){0};
		if (set[i].key == h)
			return &set[i];
	}
	return NULL;
}

int
throttle_check(const char *key, struct error *e)
{
	return throttle_check_of(key, FAILURES_MAX, e);
}

int
throttle_check_of(const char *key, unsigned most, struct error *e)
{
	pthread_mutex_lock(&table.lock);
	int64_t now = now_sec();
	const struct place *p = find(key_hash(key), now);
	int64_t wait_sec = p && p->failures >= most ? p->since_sec + WINDOW_SEC - now : 0;
	pthread_mutex_unlock(&table.lock);
	if (wait_sec <= 0)
		return 0;
	fail(e, E_TOO_MANY, "%u attempts to sign in failed within a minute; try again in %d s", most, (int)wait_sec);
	e->retry_after_sec = (unsigned)wait_sec;
	return -1;
}

void
throttle_failed(const char *key)
{
	pthread_mutex_lock(&table.lock);
	int64_t now = now_sec();
	uint64_t h = key_hash(key);
	struct place *p = find(h, now);
	if (!p) {
		struct place *set = table.places[h % SETS];
		p = &set[0];
		for (int i = 1; i < PLACES && p->key; i++)
			if (!set[i].key || set[i].since_sec < p->since_sec)
				p = &set[i];
		*p = (struct place){.key = h, .since_sec = now};
	}
	p->failures++; /* within a minute it doesn't come round */
	pthread_mutex_unlock(&table.lock);
}

void
throttle_ok(const char *key)
{
	pthread_mutex_lock(&table.lock);
	struct place *p = find(key_hash(key), now_sec());
	if (p)
		*p = (struct place){0};
	pthread_mutex_unlock(&table.lock);
}
