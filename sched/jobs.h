/* What a job is, and all of them. */
#ifndef SIEGEL_SCHED_JOBS_H
#define SIEGEL_SCHED_JOBS_H
#include "lib/config.h"
#include "lib/db/db.h"
#include "lib/ipc/engine.h"

/* CAs for which a notification asked for a CRL that isn't made yet. */
struct wanted {
	int64_t *ca_ids;
	size_t count, cap;
};

#define ANCHOR_DIGEST_BYTES 32

/* What jobs work with. One thread. */
struct sched {
	const struct config *config;
	struct db *db; /* role siegel_sched */
	struct engine *engine; /* as "sched" */
	struct wanted wanted;
	uint8_t anchored[ANCHOR_DIGEST_BYTES]; /* SHA-256 of the heads that were anchored last; zeros: none yet */
	int64_t wake_ms; /* set by a job that wants to run again before its period is over: in that many milliseconds; -1: it doesn't */
};

struct job {
	const char *name;
	enum option_id period_sec; /* the option that says how often it runs */
	/* Does what is due now. -1: it is logged and tried again soon; what can be done is done all the same. */
	int (*run)(struct sched *s, struct error *e);
	/* A channel of the database (NOTIFY) that makes the job run at once; NULL: none. */
	const char *channel;
	void (*notified)(struct sched *s, const char *payload);
};

extern const struct job job_crl, job_signer, job_ra, job_sweep, job_anchor, job_seal, job_fold, job_acme;
/* All jobs, in the order in which they run when several are due; ended by NULL. */
extern const struct job *const job_list[];

#endif
