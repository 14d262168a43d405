/* Connections for threads. Those used last are given out first, so that the others may rest. */
#include "config.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/db/db_private.h"

#define POOL_WAIT_SEC 5

struct db_pool {
	const struct config *config;
	char role[64];
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct db **idle;
	int n_idle, n_all, max;
};

int
db_pool_new(const struct config *c, const char *role, int max, struct db_pool **ret, struct error *e)
{
	pthread_condattr_t attr;

	if (max < 1)
		return fail(e, E_INTERNAL, "a pool needs at least one connection");
	struct db_pool *p = xcalloc(1, sizeof(*p));
	p->config = c;
	snprintf(p->role, sizeof(p->role), "%s", role);
	p->max = max;
	p->idle = xcalloc((size_t)max, sizeof(struct db *));
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->freed, &attr);
	pthread_condattr_destroy(&attr);
	*ret = p;
	return 0;
}

void
db_pool_free(struct db_pool *p)
{
	if (!p)
		return;
	for (int i = 0; i < p->n_idle; i++)
		db_free(p->idle[i]);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	free(p->idle);
	free(p);
}

/* A connection that rests, or NULL with a place reserved for a new one; -1: none came free in time. */
static int
wait_free(struct db_pool *p, struct db **ret)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += POOL_WAIT_SEC;
	pthread_mutex_lock(&p->lock);
	while (p->n_idle == 0 && p->n_all == p->max && r == 0)
		r = pthread_cond_timedwait(&p->freed, &p->lock, &until);
	*ret = NULL;
	if (p->n_idle > 0) {
		*ret = p->idle[--p->n_idle];
		r = 0;
	} else if (p->n_all < p->max) {
		p->n_all++;
		r = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return r == 0 ? 0 : -1;
}

static void
give_up_place(struct db_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->n_all--;
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&p->lock);
}

int
db_pool_take(struct db_pool *p, struct db **ret, struct error *e)
{
	CLEANUP(db_free)
	struct db *db = NULL;
	int r = 0;

	if (wait_free(p, &db) < 0)
		return fail(e, E_UNAVAILABLE, "all connections to the store are in use");
	if (!db)
		r = db_connect(p->config, p->role, &db, e);
	else if (!db_fresh(db))
		r = db_reconnect(db, e);
	if (r < 0) {
		give_up_place(p);
		return fail(e, E_STORE, "the store can't be reached");
	}
	*ret = TAKE(db);
	return 0;
}

void
db_pool_give(struct db_pool *p, struct db *db)
{
	struct error e;

	if (!db)
		return;
	/* A request that failed half-way leaves its transaction open. */
	if (db_alive(db) && db->phase == PHASE_IDLE && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		(void)!db_exec(db, "ROLLBACK", &e);
	if (db_alive(db) && (db->phase != PHASE_IDLE || PQtransactionStatus(db->conn) != PQTRANS_IDLE))
		db_drop(db);
	pthread_mutex_lock(&p->lock);
	p->idle[p->n_idle++] = db;
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&p->lock);
}
