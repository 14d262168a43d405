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
/* Takes all; the chain of jobs ends with NULL. */
struct job *queue_empty(struct queue *q);

#endif
