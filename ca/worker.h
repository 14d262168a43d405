/* A worker: an event loop without threads that takes requests from its connections, gathers them into batches and keeps several
 * batches in flight, each on a lane. */
#ifndef SIEGEL_CA_WORKER_H
#define SIEGEL_CA_WORKER_H
#include "ca/batch.h"
#include "ca/channel.h"
#include "lib/config.h"

struct worker;

/* One request under way. */
struct job {
	struct job *next;
	struct connection *connection; /* NULL once the client has gone: the work is done all the same */
	Siegel__Request *request;
	struct order *order;           /* of an issue */
	int64_t started_us, not_before_us; /* not_before_us: not to be tried again earlier */
	int tries;
	enum error_code failure;       /* why it wasn't signed or stored */
};

/* Runs until the process is to stop or the channel to the master ends. index names its audit chains. */
int worker_run(const struct config *c, int index, int channel, struct error *e);

/* For lanes: the answer to a job, after which the job is gone. */
void worker_answer(struct worker *w, struct job *job, struct buf *frame);
void worker_answer_error(struct worker *w, struct job *job, const struct error *e);
/* Refuses what a client may not have: the same, and a row of the audit log, at most a few each second. */
void worker_refuse(struct worker *w, struct job *job, const struct error *e);
/* Puts a job back to the queue, to be taken again in delay_ms. */
void worker_requeue(struct worker *w, struct job *job, int delay_ms);
struct hsm *worker_hsm(struct worker *w); /* NULL: there is no key store at all */
/* CAs or profiles changed in the store: they are read anew as soon as a lane is idle. */
void worker_rules_changed(struct worker *w);
const struct registry *worker_registry(const struct worker *w);

#endif
