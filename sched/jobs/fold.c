/* The counts of dashboards: what batches appended is added up, so that reading them stays quick. The store's own function does it; this
 * process writes nothing. */
#include "config.h"
#include "sched/jobs.h"

#define FOLD_ROWS 100000 /* statistics_fold() takes at most so many at a time */

static int
run(struct sched *s, struct error *e)
{
	CLEANUP(db_result_free)
	struct db_result *r = NULL;

	if (db_query(s->db, "SELECT statistics_fold()", NULL, 0, false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) >= FOLD_ROWS)
		s->wake_ms = 0;
	return 0;
}

const struct job job_fold = {.name = "fold", .period_sec = OPT_sched_fold_sec, .run = run};
