/* A worker: an event loop without threads that takes requests from its connections, gathers them into batches and keeps several
 * batches in flight, each on a lane. */
#ifndef SIEGEL_CA_WORKER_H
#define SIEGEL_CA_WORKER_H
#include "ca/batch.h"
#include "ca/channel.h"
#include "ca/verdict.h"
#include "lib/config.h"

struct worker;

/* One request under way. */
struct job {
	struct job *next;
	struct connection *connection; /* NULL once the client has gone: the work is done all the same */
	Siegel__Request *request;
	struct order *order;           /* of an issue; NULL while the certificate that it replaces is looked up */
	struct predecessor *predecessor; /* that certificate; NULL: none, or not yet */
	int64_t judged;                /* the epoch in which policies let it pass; 0: not yet */
	int64_t started_us, not_before_us; /* not_before_us: not to be tried again earlier */
	bool approved;                 /* people have: policies aren't asked again */
	int64_t outdated_approval;     /* 0, or one of the same request that came to something else then */
	int tries;
	enum error_code failure;       /* why it wasn't signed or stored */
};

/* What a lane has to do for it next. */
enum job_step { JOB_ISSUE, JOB_LOOKUP, JOB_REVOKE };
static inline enum job_step
job_step(const struct job *job)
{
	return job->order ? JOB_ISSUE : job->request->operation_case == SIEGEL__REQUEST__OPERATION_REVOKE ? JOB_REVOKE : JOB_LOOKUP;
}

/* Runs until the process is to stop or the channel to the master ends. index names its audit chains. */
int worker_run(const struct config *c, int index, int channel, struct error *e);

/* For lanes: the answer to a job, after which the job is gone. */
void worker_answer(struct worker *w, struct job *job, struct buf *frame);
void worker_answer_error(struct worker *w, struct job *job, const struct error *e);
/* Refuses what a client may not have: the same, and a row of the audit log, at most a few each second. */
void worker_refuse(struct worker *w, struct job *job, const struct error *e);
/* Puts a job back to the queue, to be taken again in delay_ms. */
void worker_requeue(struct worker *w, struct job *job, int delay_ms);
/* The certificate that a job's is to replace was looked up: it goes on. */
void worker_found(struct worker *w, struct job *job);
/* A batch of certificates was under way for so long, in microseconds. */
void worker_took(struct worker *w, int64_t us);
/* A connection on which nothing is under way, for a statement that takes no time; NULL when there is none now. */
struct db *worker_idle_db(struct worker *w);
struct hsm *worker_hsm(struct worker *w); /* NULL: there is no key store at all */
/* CAs, profiles or doors changed in the store: they are read anew as soon as a lane is idle. */
void worker_rules_changed(struct worker *w);
/* What is known of policies, and reads it anew over a lane's connection when intent_add() said that it is old. */
const struct policy_tenants *worker_policies(const struct worker *w);
int worker_policies_changed(struct worker *w, struct db *db, struct error *e) MUST_CHECK;
/* Decides a job anew whose request policies have changed. On failure the job has no order. */
int worker_decide_again(struct worker *w, struct job *job, const char *document, struct error *e) MUST_CHECK;
const struct registry *worker_registry(const struct worker *w);

#endif
