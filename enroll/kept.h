/* Answers that are the same for everybody on a path, kept for some seconds: a flood of requests without evidence reaches store and engine once in
 * that time, and what changed is seen that late at most. */
#ifndef SIEGEL_ENROLL_KEPT_H
#define SIEGEL_ENROLL_KEPT_H
#include <pthread.h>
#include <time.h>
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/error.h"

#define KEPT_PLACES 64
#define KEPT_SEC 5

/* One for each operation, which begins as KEPT_INIT. */
struct kept {
	/* A path has one place, by the hash of its label; two that share one take turns. */
	struct kept_place {
		pthread_mutex_t lock; /* held while it is made: all others who want that place would ask the same */
		char *key;            /* NULL: nothing is kept */
		struct buf body;
		time_t since_sec;
	} places[KEPT_PLACES];
};
#define KEPT_INIT {.places = {[0 ... KEPT_PLACES - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}}}

/* The answer for that key, which says of what it is (tenant, label, CA or profile), in the arena: kept, or else made by make() with ctx.
 * Thread-safe. */
int kept_get(struct kept *k, struct arena *a, const char *label, const char *key, int (*make)(void *ctx, struct bytes *ret, struct error *e),
             void *ctx, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
