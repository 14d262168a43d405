/* Counts the certificates that an operation on many would change, however long that takes, and notes which: what is then done is bound to them. From
 * one id to the next, as many in a step as a second allows. What is issued after the beginning isn't counted. */
#include <stdlib.h>
#include <string.h>

#include "ca/jobs.h"
#include "lib/limits.h"

#define FIRST_STEP 20000 /* ids; how many the next step takes follows from its time */

static int64_t
state(const struct job_run *j, const char *name)
{
	return json_integer_value(json_object_get(j->state, name));
}

static void
set_state(struct job_run *j, const char *name, int64_t n)
{
	json_object_set_new(j->state, name, json_integer(n));
}

/* What no count that came to its end has noted goes, and of the others all but the newest; what a job is at work on stays. */
static int
sweep(struct job_run *j, struct error *e)
{
	struct db_param row[] = {DB_INT(j->tenant_id), DB_INT(LIMIT_COUNTS_KEPT - 1)};
	return db_query(j->desk->db,
	                "DELETE FROM certificate_counted c"
	                " USING (SELECT k.id, k.status, row_number() OVER (PARTITION BY k.status ORDER BY k.id DESC) AS n FROM job k"
	                " WHERE k.tenant_id = $1::int AND k.kind = 'count' AND k.status IN ('done', 'failed', 'cancelled')"
	                " AND k.created_at > now() - interval '8 days') o WHERE c.job_id = o.id AND (o.status <> 'done' OR o.n > $2::int)"
	                " AND NOT EXISTS (SELECT FROM job w WHERE w.tenant_id = $1::int AND w.status IN ('queued', 'running')"
	                " AND w.parameters ->> 'counted' = o.id::text)",
	                row, ARRAY_LEN(row), false, NULL, e);
}

static int
begin(struct job_run *j, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(j->tenant_id)};
	if (sweep(j, e) < 0 ||
	    db_query(j->desk->db, "SELECT r_total, r_first, r_last FROM certificate_counted_begin($1::int)", row, 1, false, &r, e) < 0)
		return -1;
	j->total = db_int(r, 0, 0);
	set_state(j, "first", db_int(r, 0, 1));
	set_state(j, "last", db_int(r, 0, 1));
	set_state(j, "to", db_int(r, 0, 2));
	set_state(j, "size", FIRST_STEP);
	return 0;
}

/* Those up to the next id. How far it is follows from the ids: certificates that are looked through aren't counted one by one. */
static int
look(struct job_run *j, const char *choice, int64_t reason, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int64_t first = state(j, "first"), after = state(j, "last"), to = state(j, "to"), size = job_size(j, to - after);
	struct db_param row[] = {DB_INT(j->id), DB_INT(j->tenant_id), DB_TEXT(choice), DB_INT(reason), DB_INT(after), DB_INT(after + size)};
	bool late;
	if (job_query(j, size, "SELECT certificate_counted_add($1::int8, $2::int, $3::jsonb, $4::int, $5::int8, $6::int8)", row, ARRAY_LEN(row),
	              &late, &r, e) < 0)
		return strncmp(db_sqlstate(j->desk->db), "22", 2) == 0 ? fail(e, E_BAD_VALUE, "filter: a value isn't of its type") : -1;
	if (late)
		return 0;
	set_state(j, "count", state(j, "count") + db_int(r, 0, 0));
	set_state(j, "last", after + size);
	j->done = (int64_t)((double)j->total * (double)(after + size - first) / (double)(to - first));
	if (after + size >= to)
		set_state(j, "size", LIMIT_JUDGED); /* from now on: how many are judged */
	json_object_set_new(j->result, "count", json_integer(state(j, "count")));
	return 0;
}

/* The first of them, and what policies would say. */
static int
end(struct job_run *j, const char *document, bool *ret_more, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int64_t judged = job_size(j, LIMIT_JUDGED);
	struct db_param row[] = {DB_INT(j->id), DB_INT(j->tenant_id), DB_TEXT(document), DB_INT(judged)};
	if (job_query(j, judged, "SELECT r_last, r_sample, r_refused FROM certificate_counted_end($1::int8, $2::int, $3::jsonb, $4::int)", row,
	              ARRAY_LEN(row), ret_more, &r, e) < 0)
		return -1;
	if (*ret_more)
		return 0;
	j->done = j->total;
	json_object_set_new(j->result, "count", json_integer(state(j, "count")));
	json_object_set_new(j->result, "last", json_integer(db_int(r, 0, 0)));
	json_object_set_new(j->result, "sample", json_loads(db_text(r, 0, 1), 0, NULL));
	json_object_set_new(j->result, "refused", json_integer(db_int(r, 0, 2)));
	json_object_set_new(j->result, "judged", json_integer(judged));
	return 0;
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	json_t *choice, *document;
	json_int_t reason;
	if (json_unpack((json_t *)(uintptr_t)j->parameters, "{s:o,s:I,s:o}", "choice", &choice, "reason", &reason, "document", &document) < 0)
		return fail(e, E_INTERNAL, "the parameters of the job can't be read");
	if (!json_object_get(j->state, "to") && begin(j, e) < 0)
		return -1;
	char *text = json_dumps(state(j, "last") < state(j, "to") ? choice : document, JSON_COMPACT);
	int rc;
	*ret_more = true;
	if (state(j, "last") < state(j, "to"))
		rc = look(j, text ? text : "{\"ids\":[]}", reason, e);
	else
		rc = end(j, text ? text : "{}", ret_more, e);
	free(text);
	return rc;
}

extern const struct job_kind job_count;
const struct job_kind job_count = {.name = "count", .step = step};
