/* Jobs: long work, done in steps by the engine's runner. A kind is a file of ca/jobs/ and a line in its list. */
#ifndef SIEGEL_CA_JOBS_H
#define SIEGEL_CA_JOBS_H
#include <jansson.h>

#include "ca/desk.h"

/* One job under way. */
struct job_run {
	struct desk *desk;
	struct arena *arena;      /* plain memory of this step */
	const struct job_kind *kind;
	int64_t id, account_id;   /* account_id: who asked for it */
	int32_t tenant_id;
	const char *actor;        /* "rest:admin", for audit rows */
	const json_t *parameters; /* as the operation that made the job wrote them */
	json_t *state;            /* an object, the kind's own: how far it is; stored with each step */
	json_t *result;           /* an object, the kind's own: what is shown once it is done */
	int64_t total, done, failed; /* total -1: not known */
	void *context;            /* the kind's own between two steps; nothing must depend on it: it is lost with the process */
};

struct job_kind {
	const char *name;
	bool keys;   /* needs the key store */
	bool to_the_end; /* of use to nobody when half of it is done: it can't be cancelled */
	/* A step, of about a second at most, in a transaction that the runner opened and that stores the progress as well: so a step is done once or
	 * not at all. *ret_more: another one is wanted. -1: with E_STORE, E_KEY_STORE or E_UNAVAILABLE the step is tried again later, with anything
	 * else the job has failed and *e is what its owner reads. */
	int (*step)(struct job_run *j, bool *ret_more, struct error *e);
	void (*close)(struct job_run *j); /* frees context; NULL: there is none */
};

extern const struct job_kind *const job_kinds[]; /* ended by NULL */
/* The kind of that name, or NULL. */
const struct job_kind *job_kind_of(const char *name);

/* For steps. An item of the report: what became of one thing, "done", "repeated", "skipped" or "failed"; counts it in done or failed. */
int job_item(struct job_run *j, const char *status, const char *object, const char *detail, struct error *e) MUST_CHECK;
/* A query of a step over stored certificates that holds conditions against them, whose time nobody knows: the server ends it after
 * LIMIT_JOB_QUERY_MS, then *ret_late is true, nothing of it is done and the step ends with 0 and *ret_more, so that other jobs come between.
 * size: how much of them it is about, from job_size(); the next step's is less when it was late, and more when it was quick. E_UNAVAILABLE when
 * it is late with a size of 1. */
int job_query(struct job_run *j, int64_t size, const char *sql, const struct db_param *params, int n_params, bool *ret_late, struct db_result **ret,
	      struct error *e) MUST_CHECK;
int64_t job_size(const struct job_run *j, int64_t max);
/* An audit row of the step. */
int job_audit(struct job_run *j, const char *action, const char *object, const char *detail, struct error *e) MUST_CHECK;

#endif
