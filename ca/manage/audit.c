/* The audit log, held against itself: a job goes through all rows of a range. */
#include "ca/batch.h"
#include "ca/manage.h"

/* One at a time for each tenant: it reads the rows of all, as the chains are everybody's. */
static int
verify(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id)};
	int64_t since, until;
	if (manage_int(m, "since_us", 0, 0, INT64_MAX, 0, &since, e) < 0 || manage_int(m, "until_us", 0, 1, INT64_MAX, 0, &until, e) < 0 ||
	    manage_body_end(m, e) < 0)
		return -1;
	if (until && until < since)
		return fail_at(e, E_BAD_VALUE, "until_us", "until_us: the range ends before it begins");
	if (db_query(m->desk->db,
		     "SELECT id FROM job WHERE tenant_id = $1::int AND kind = 'audit_verify' AND status IN ('queued', 'running') LIMIT 1", row, 1,
		     false, &r, e) < 0)
		return -1;
	if (db_rows(r))
		return fail(e, E_CONFLICT, "the log is being verified already: job %lld", (long long)db_int(r, 0, 0));
	json_t *parameters CLEANUP(json_decref) = json_pack("{s:I,s:I}", "since_us", (json_int_t)since, "until_us", (json_int_t)until);
	return manage_job(m, "audit_verify", parameters, e);
}

extern const struct manage_op manage_audit_ops[];
const struct manage_op manage_audit_ops[] = {
    {"audit.verify", "", RIGHT_AUDIT_READ, MANAGE_DIRECT, verify},
    {0},
};
