/* Certificates that a job counted, however long that took: what is then done to them is bound to it. */
#include <stdlib.h>
#include <string.h>

#include "ca/manage/certificate.h"

#define OPEN_MAX 5 /* counts of a tenant that wait or run: each reads all of its certificates */

static int
load(struct manage *m, int64_t id, int reason, struct meant *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_INT(m->who->tenant_id), DB_INT(m->who->account_id)};
	if (db_query(m->desk->db,
		     "SELECT status, created_at > now() - interval '7 days', parameters ->> 'reason', parameters -> 'choice', result ->> 'count',"
		     " result ->> 'last', result ->> 'count' = '0' OR EXISTS (SELECT FROM certificate_counted c WHERE c.job_id = job.id)"
		     " FROM job WHERE id = $1::int8 AND tenant_id = $2::int AND account_id = $3::int8 AND kind = 'count'",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "counted", "counted: it isn't a job of yours that counted certificates");
	if (strcmp(db_text(r, 0, 0), "done") != 0)
		return fail_at(e, E_CONFLICT, "counted", "counted: that job isn't done, or came to no end");
	if (!db_bool(r, 0, 1))
		return fail_at(e, E_CONFLICT, "counted", "counted: that is more than a week ago; count them again");
	if (!db_bool(r, 0, 6))
		return fail_at(e, E_CONFLICT, "counted", "counted: that isn't kept any more, for others were counted since; count them again");
	if (db_int(r, 0, 2) != reason)
		return fail_at(e, E_BAD_VALUE, "counted", "counted: that job counted which ones something else would change");
	ret->choice = json_loads(db_text(r, 0, 3), 0, NULL);
	ret->counted = id;
	ret->count = db_int(r, 0, 4);
	ret->last = db_int(r, 0, 5);
	return ret->choice ? 0 : fail(e, E_INTERNAL, "the choice of a job can't be read");
}

int
certificate_read_meant(struct manage *m, int reason, struct meant *ret, struct error *e)
{
	const char *id;
	*ret = (struct meant){0};
	if (!manage_has(m, "counted"))
		return certificate_read_choice(m, &ret->choice, e);
	if (manage_text(m, "counted", MANAGE_REQUIRED, 18, &id, e) < 0)
		return -1;
	if (manage_has(m, "ids") || manage_has(m, "filter") || manage_has(m, "condition"))
		return fail_at(e, E_BAD_VALUE, "counted", "counted says which certificates: ids, filter and condition don't come with it");
	if (!*id || strspn(id, "0123456789") != strlen(id))
		return fail_at(e, E_BAD_VALUE, "counted", "counted isn't the id of a job");
	return load(m, strtoll(id, NULL, 10), reason, ret, e);
}

int
certificate_check_expected(const struct meant *meant, int64_t found, int64_t expected, struct error *e)
{
	if (expected < 0 && !meant->counted && !json_object_get(meant->choice, "ids"))
		return fail_at(e, E_BAD_VALUE, "expected", "expected is missing: the dry run says how many are meant");
	return expected < 0 || found == expected ? 0 : fail_at(e, E_CONFLICT, "expected",
		"%lld certificates are meant now, and not %lld: look at them again", (long long)found, (long long)expected);
}

json_t *
certificate_job_parameters(const struct meant *meant, int64_t last, int64_t count)
{
	json_t *p = json_pack("{s:O,s:I,s:I}", "choice", meant->choice, "last", (json_int_t)last, "count", (json_int_t)count);
	if (meant->counted)
		json_object_set_new(p, "counted", json_integer(meant->counted));
	return p;
}

int
certificate_count_by_job(struct manage *m, const struct meant *meant, int reason, const json_t *document, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id)};
	if (meant->counted)
		return fail_at(e, E_BAD_VALUE, "counted", "counted: these were counted already");
	if (db_query(m->desk->db, "SELECT count(*) FROM job WHERE status IN ('queued', 'running') AND kind = 'count' AND tenant_id = $1::int", row, 1,
		     false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) >= OPEN_MAX)
		return fail(e, E_CONFLICT, "%d counts are under way already: wait for one, or cancel one", OPEN_MAX);
	json_t *parameters = json_pack("{s:O,s:i,s:O}", "choice", meant->choice, "reason", reason, "document", document);
	int rc = parameters ? manage_job(m, "count", parameters, e) : fail(e, E_INTERNAL, "the job can't be written down");
	json_decref(parameters);
	return rc;
}
