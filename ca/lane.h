/* A lane: one database connection, one audit chain, one batch under way. States: idle → (find) → (policy → (approval)) → intent → store →
 * (abandon) → idle; a revocation is a batch of its own, and so are look-ups of certificates that are to be replaced. While one lane waits for
 * its flush, others work. */
#ifndef SIEGEL_CA_LANE_H
#define SIEGEL_CA_LANE_H
#include "ca/worker.h"

enum lane_state {
	LANE_DOWN, LANE_IDLE, LANE_LOOKUP, LANE_FIND, LANE_POLICY, LANE_APPROVAL, LANE_INTENT, LANE_STORE, LANE_ABANDON, LANE_REVOKE, LANE_NOTE
};

struct lane {
	struct worker *worker;
	struct db *db;
	struct audit_chain chain;
	char name[48];
	enum lane_state state;
	struct job *jobs[LIMIT_BATCH]; /* in the order of batch.items, where there are orders */
	size_t n_jobs;
	struct batch batch, lost;      /* lost: orders whose intents are to be marked */
	struct job *lost_jobs[LIMIT_BATCH];
	int64_t epoch; /* of the knowledge by which it was chosen whom policies are asked about */
	struct job *asked[LIMIT_BATCH]; /* those of the jobs that policies are asked about, in the order of batch.items */
	struct job *held[LIMIT_BATCH]; /* wait for an approval: out of jobs, and to be answered once that is stored */
	size_t n_held;
	int tries;                     /* of statements of this batch that the store gave up */
	int watched_fd;                /* for the worker's loop */
	unsigned watched_events;
	int64_t retry_at_us;
	int64_t begun_us;              /* the batch under way */
	int64_t sent_us;               /* when the statement under way was sent */
	bool waits_for_chain;          /* connected, and another still has the chain */
};

/* Connects and takes the chain; intents that a former holder left are marked as abandoned: their serials are never used. E_CONFLICT while another
 * has the chain: it doesn't wait, and is to be called again. */
int lane_open(struct lane *l, const struct config *c, struct error *e) MUST_CHECK;
void lane_close(struct lane *l);
/* Begins a batch of n jobs of one kind (issues with orders, look-ups, or one revocation). Failures answer the jobs. */
void lane_begin(struct lane *l, struct job **jobs, size_t n);
/* Begins to write refusals to the audit log; the notes need not outlive the call. */
void lane_note(struct lane *l, const struct note *notes, size_t n);
/* Gives up a statement that takes too long, and the connection with it: its outcome is unknown. */
void lane_overdue(struct lane *l, int64_t now);
/* The connection is readable or writable. */
void lane_ready(struct lane *l);

#endif
