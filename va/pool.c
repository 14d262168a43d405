#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include "va/pool.h"

struct pool {
	pthread_mutex_t lock; /* around all below but the threads */
	pthread_cond_t wanted;
	struct pool_item *first, **last;
	int n_waiting, n_idle;
	bool stop;
	pool_work work;
	void *ctx;
	int n_threads;
	pthread_t *threads;
};

/* Takes this thread's share of what waits, so that the others have work too. 0 when the pool is to end. */
static int
batch_take(struct pool *p, struct pool_item *items[POOL_BATCH])
{
	int n = 0, share;

	pthread_mutex_lock(&p->lock);
	while (p->n_waiting == 0 && !p->stop) {
		p->n_idle++;
		pthread_cond_wait(&p->wanted, &p->lock);
		p->n_idle--;
	}
	share = (p->n_waiting + p->n_threads - 1) / p->n_threads;
	while (n < share && n < POOL_BATCH) {
		items[n++] = p->first;
		p->first = p->first->next;
	}
	p->n_waiting -= n;
	if (p->n_waiting == 0)
		p->last = &p->first;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void *
serve(void *arg)
{
	struct pool *p = arg;
	struct pool_item *items[POOL_BATCH];
	int n;

	while ((n = batch_take(p, items)) > 0)
		p->work(p->ctx, items, n);
	return NULL;
}

int
pool_new(int threads, pool_work work, void *ctx, struct pool **ret, struct error *e)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->last = &p->first;
	p->work = work;
	p->ctx = ctx;
	p->threads = xcalloc((size_t)threads, sizeof(*p->threads));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	for (int started = 0; started < threads; started++) {
		pthread_mutex_lock(&p->lock);
		p->n_threads = started + 1;
		pthread_mutex_unlock(&p->lock);
		if (pthread_create(&p->threads[started], NULL, serve, p) != 0) {
			pthread_mutex_lock(&p->lock);
			p->n_threads = started;
			pthread_mutex_unlock(&p->lock);
			pool_free(p);
			return fail(e, E_INTERNAL, "no thread to answer with");
		}
	}
	*ret = p;
	return 0;
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
}

void
pool_add(struct pool *p, struct pool_item *item)
{
	bool wake;

	item->next = NULL;
	pthread_mutex_lock(&p->lock);
	*p->last = item;
	p->last = &item->next;
	p->n_waiting++;
	wake = p->n_idle > 0;
	pthread_mutex_unlock(&p->lock);
	if (wake)
		pthread_cond_signal(&p->wanted);
}
