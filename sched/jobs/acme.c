/* What ACME leaves behind: nonces that ran out, orders and authorizations a week after their end, windows of limits. The store's own function
 * does it; this process writes nothing. */
#include "config.h"
#include "lib/log.h"
#include "sched/jobs.h"

#define SWEEP_ROWS 10000 /* of each kind at a time: well under a second */

static int
run(struct sched *s, struct error *e)
{
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	char rows[24];

	if (db_query(s->db, "SELECT acme_sweep($1::int)", (struct db_param[]){DB_INT(SWEEP_ROWS)}, 1, false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) > 0)
		log_event(LOG_LEVEL_INFO, "acme swept", "rows", db_int_text(rows, db_int(r, 0, 0)), NULL);
	if (db_int(r, 0, 0) >= SWEEP_ROWS)
		s->wake_ms = 0;
	return 0;
}

const struct job job_acme = {.name = "acme", .period_sec = OPT_sched_acme_sweep_sec, .run = run};
