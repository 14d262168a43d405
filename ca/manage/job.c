/* Jobs: who asked for one, or may look after all, can end it. */
#include "ca/batch.h"
#include "ca/jobs.h"
#include "ca/manage.h"

static int
cancel(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *there CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (manage_body_end(m, e) < 0)
		return -1;
	if (db_query(m->desk->db,
		     "UPDATE job SET cancel = true WHERE id = $1::int8 AND tenant_id = $2::int AND status IN ('queued', 'running') RETURNING kind",
		     row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0) {
		if (db_query(m->desk->db, "SELECT status FROM job WHERE id = $1::int8 AND tenant_id = $2::int", row, 2, false, &there, e) < 0)
			return -1;
		return db_rows(there) ? fail(e, E_CONFLICT, "the job has ended: it is %s", db_text(there, 0, 0))
				      : fail(e, E_NOT_FOUND, "there is no such job");
	}
	const struct job_kind *kind = job_kind_of(db_text(r, 0, 0));
	if (kind && kind->to_the_end)
		return fail(e, E_CONFLICT, "a job of this kind goes on to its end: half of it is of use to nobody");
	m->object = arena_printf(m->arena, "job/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "kind", db_text(r, 0, 0), NULL);
	return 0;
}

extern const struct manage_op manage_job_ops[];
const struct manage_op manage_job_ops[] = {
    {"job.cancel", "job.cancelled", RIGHT_JOBS, MANAGE_DIRECT, cancel},
    {0},
};
