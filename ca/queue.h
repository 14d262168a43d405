/* Jobs that wait for a lane, in the order in which they came. */
#ifndef SIEGEL_CA_QUEUE_H
#define SIEGEL_CA_QUEUE_H
#include "ca/worker.h"

struct queue {
	struct job *first, **last;
	size_t n;
};

/* An empty one. */
void queue_init(struct queue *q);
/* Takes the job over, as the last one. */
void queue_put(struct queue *q, struct job *job);
/* Takes up to LIMIT_BATCH jobs that may go together and whose time (not_before_us) has come: issues, look-ups, or, with may_revoke, one
 * revocation. ret has room for them; how many. */
size_t queue_take(struct queue *q, struct job **ret, bool may_revoke, int64_t now);
/* What is known of who asks: connections that have asked a moment ago or wait for an answer, and those that wait. */
struct clients {
	size_t active, waiting;
};
/* Whether a batch that would begin with what is in q had better wait for more: several clients have been asking, and not all of them wait already.
 * It does for as long as the last batch took (took_us), which is what a request waits that comes just after one began, and at most GATHER_US. So
 * a client that is alone never waits, and nobody does when all are here. */
#define GATHER_US 8000 /* batches of a slow disk go on beside each other: no whole one is waited for */
bool queue_gathers(const struct queue *q, const struct clients *clients, int64_t took_us, int64_t now);
/* Takes the first one; NULL: there is none. */
struct job *queue_pop(struct queue *q);
/* Takes all; the chain of jobs ends with NULL. */
struct job *queue_empty(struct queue *q);

#endif
