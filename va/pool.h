/* Threads that answer what waits, in batches: what came while they were busy is taken together, so that one look-up serves many. A
 * batch forms by itself; nobody waits for one to fill. */
#ifndef SIEGEL_VA_POOL_H
#define SIEGEL_VA_POOL_H
#include "lib/error.h"
#include "lib/mem.h"

/* The head of what waits; the owner puts it first into a struct of its own. */
struct pool_item {
	struct pool_item *next;
};

/* Handles n items, which are the callee's from then on. */
typedef void (*pool_work)(void *ctx, struct pool_item **items, int n);
#define POOL_BATCH 64

struct pool;
/* Starts the threads. The caller frees *ret when nothing is added any more; what waits is handled before. */
int pool_new(int threads, pool_work work, void *ctx, struct pool **ret, struct error *e) MUST_CHECK;
void pool_free(struct pool *p); /* accepts NULL */
DEFINE_CLEANUP(struct pool, pool_free)
void pool_add(struct pool *p, struct pool_item *item);

#endif
