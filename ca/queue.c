#include "ca/queue.h"

#include <string.h>

void
queue_init(struct queue *q)
{
	*q = (struct queue){.last = &q->first};
}

void
queue_put(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
	q->n++;
}

struct job *
queue_pop(struct queue *q)
{
	struct job *job = q->first;
	if (job) {
		q->first = job->next;
		q->n--;
		if (!q->first)
			queue_init(q);
	}
	return job;
}

struct job *
queue_empty(struct queue *q)
{
	struct job *first = q->first;
	queue_init(q);
	return first;
}

bool
queue_gathers(const struct queue *q, const struct clients *clients, int64_t took_us, int64_t now)
{
	int64_t longest = took_us < GATHER_US ? took_us : GATHER_US;
	return q->first && clients->active > 1 && clients->waiting < clients->active && now - q->first->started_us < longest;
}

static bool
same_key(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
	return a.len && bytes_equal((struct bytes){a.data, a.len}, (struct bytes){b.data, b.len});
}

/* Two orders that one statement may store: another request key, and no public key of which one of them wants to know where else it is
 * certified: the store answers that for what is committed. */
static bool
may_go_together(const struct job *a, const struct job *b)
{
	if (same_key(a->request->issue->request_key, b->request->issue->request_key))
		return false;
	enum key_reuse reuse = a->order->profile->key_reuse, other = b->order->profile->key_reuse;
	if (other > reuse)
		reuse = other;
	return reuse == REUSE_ALLOW || memcmp(a->order->spki_hash, b->order->spki_hash, sizeof(a->order->spki_hash)) != 0 ||
	       (reuse == REUSE_SAME_SUBJECT && strcmp(a->order->subject_text, b->order->subject_text) == 0);
}

size_t
queue_take(struct queue *q, struct job **ret, bool may_revoke, int64_t now)
{
	struct job *rest = NULL, **rest_last = &rest;
	size_t n = 0;
	bool full = false;
	for (struct job *job = q->first, *next; job; job = next) {
		next = job->next;
		enum job_step step = job_step(job);
		bool fits = !full && job->not_before_us <= now && (n == 0 ? step != JOB_REVOKE || may_revoke : step == job_step(ret[0]));
		for (size_t i = 0; fits && i < n && step == JOB_ISSUE; i++)
			fits = may_go_together(job, ret[i]);
		if (fits) {
			ret[n++] = job;
			q->n--;
			full = n == LIMIT_BATCH || step == JOB_REVOKE;
		} else {
			*rest_last = job;
			rest_last = &job->next;
		}
	}
	*rest_last = NULL;
	q->first = rest;
	q->last = rest ? rest_last : &q->first;
	return n;
}
