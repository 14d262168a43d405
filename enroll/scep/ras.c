/* The registration authorities of a profile: whom messages may be for. Each message asks, and they change once in months, so they are kept for a
 * second; the engine looks for itself whether one is still good. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "enroll/scep/scep.h"
#include "lib/limits.h"

enum { PLACES = 64, KEEP_MS = 1000 };

struct place {
	int32_t tenant_id, ca_id;
	int64_t until_ms;
	struct arena *arena; /* of what is kept; NULL: empty */
	struct enroll_ra ras[SCEP_RAS_MAX];
	size_t n;
};

struct scep_ras {
	pthread_mutex_t lock;
	struct place places[PLACES]; /* a CA has one place, by its id; two that share one take turns */
};

struct scep_ras *
scep_ras_new(void)
{
	struct scep_ras *p = xcalloc(1, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void
scep_ras_free(struct scep_ras *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < PLACES; i++)
		arena_free(p->places[i].arena);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
copy(struct arena *a, const struct enroll_ra *from, size_t n, struct enroll_ra *to)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		to[i].serial.data = arena_dup(a, from[i].serial.data, from[i].serial.len);
		to[i].certificate.data = arena_dup(a, from[i].certificate.data, from[i].certificate.len);
	}
}

/* Newest first, then those of the CAs that the endpoint's followed: their clients go on asking them. */
static int
ask(struct scep_exchange *x, struct enroll_ra ret[SCEP_RAS_MAX], size_t *ret_n, struct error *e)
{
	struct scep_ca line[SCEP_LINE_MAX];
	int n_line = 0;
	size_t n = 0;
	if (scep_line(x, line, &n_line, e) < 0)
		return -1;
	for (int i = 0; i < n_line; i++) {
		size_t more = 0;
		if (enroll_ra_list(scep_enroll(x->scep), x->endpoint.tenant_id, line[i].id, x->arena, ret + n, &more, e) == 0)
			n += more;
		else if (i == 0 || e->code != E_UNAVAILABLE)
			return -1;
	}
	*ret_n = n;
	return 0;
}

static void
keep(struct scep_ras *p, const struct endpoint *ep, const struct enroll_ra *ras, size_t n, int64_t asked_ms)
{
	pthread_mutex_lock(&p->lock);
	struct place *place = &p->places[(uint32_t)ep->ca_id % PLACES];
	arena_free(place->arena);
	*place = (struct place){
	    .tenant_id = ep->tenant_id,
	    .ca_id = ep->ca_id,
	    .until_ms = asked_ms + KEEP_MS,
	    .arena = arena_new(LIMIT_REQUEST_ARENA_BYTES),
	    .n = n,
	};
	copy(place->arena, ras, n, place->ras);
	pthread_mutex_unlock(&p->lock);
}

int
scep_find_ras(struct scep_exchange *x, struct enroll_ra ret[SCEP_RAS_MAX], size_t *ret_n, struct error *e)
{
	struct scep_ras *p = scep_ras_of(x->scep);
	int64_t asked = now_ms(); /* before the store is: an answer counts from the question */
	pthread_mutex_lock(&p->lock);
	const struct place *place = &p->places[(uint32_t)x->endpoint.ca_id % PLACES];
	bool found = place->arena && place->until_ms > asked && place->ca_id == x->endpoint.ca_id && place->tenant_id == x->endpoint.tenant_id;
	if (found) {
		copy(x->arena, place->ras, place->n, ret);
		*ret_n = place->n;
	}
	pthread_mutex_unlock(&p->lock);
	if (found)
		return 0;
	if (ask(x, ret, ret_n, e) < 0)
		return -1;
	keep(p, &x->endpoint, ret, *ret_n, asked);
	return 0;
}
