/* Jobs over many certificates: what their steps have in common. */
#include <stdlib.h>
#include <string.h>

#include "ca/jobs/many.h"

/* Of those that a job counted, the next ones: nothing else is touched, whatever fits the filter by now. */
static int
span_of_counted(struct job_run *j, int64_t counted, int64_t after, int limit, struct many_span *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	json_t *choice = json_copy(json_object_get(j->parameters, "choice"));
	ret->size = job_size(j, limit);
	struct db_param row[] = {DB_INT(counted), DB_INT(after), DB_INT(ret->size)};
	int rc = db_query(j->desk->db, "SELECT r_ids, r_last FROM certificate_counted_next($1::int8, $2::int8, $3::int)", row, ARRAY_LEN(row),
	                  false, &r, e);
	if (rc == 0 && db_is_null(r, 0, 0))
		rc = fail(e, E_CONFLICT, "what was counted isn't kept any more: it is more than a week ago, or others were counted since");
	if (rc == 0) {
		json_object_set_new(choice, "ids", json_loads(db_text(r, 0, 0), 0, NULL));
		ret->upto = db_int(r, 0, 1);
		ret->choice = json_dumps(choice, JSON_COMPACT);
	}
	json_decref(choice);
	return rc;
}

int
many_span(struct job_run *j, int64_t after, int64_t to, int limit, struct many_span *ret, struct error *e)
{
	int64_t counted = json_integer_value(json_object_get(j->parameters, "counted"));
	*ret = (struct many_span){0};
	if (counted && after < to && span_of_counted(j, counted, after, limit, ret, e) < 0)
		return -1;
	if (!counted || after >= to) {
		ret->size = job_size(j, to > after ? to - after : 1);
		ret->upto = after + ret->size;
		ret->choice = json_dumps(json_object_get(j->parameters, "choice"), JSON_COMPACT);
	}
	return ret->choice ? 0 : fail(e, E_INTERNAL, "the choice of a job can't be written");
}

int
many_refused(const struct db_result *next)
{
	int n = 0;
	for (int i = 0; i < db_rows(next); i++)
		n += !db_is_null(next, i, NEXT_EFFECT);
	return n;
}

void
many_columns(struct job_run *j, struct batch *b, const char *action, const char *detail, const struct db_result *next)
{
	struct db_array *id = batch_column(b, DB_ARRAY_INT8);
	struct audit_columns audit = batch_audit_columns(b);
	for (int i = 0; i < db_rows(next); i++) {
		struct audit_row row = {
		    .at_us = now_us(),
		    .tenant_id = j->tenant_id,
		    .actor = j->actor,
		    .action = action,
		    .object = arena_printf(j->arena, "certificate/%lld", (long long)db_int(next, i, NEXT_ID)),
		    .detail = detail,
		};
		if (!db_is_null(next, i, NEXT_EFFECT))
			continue;
		db_array_add_int(id, db_int(next, i, NEXT_ID));
		batch_audit(b, &audit, &row);
	}
}

/* Why one isn't done. */
static const char *
reason_text(struct job_run *j, const struct db_result *next, int i)
{
	const char *wish = strcmp(db_text(next, i, NEXT_EFFECT), "approve") == 0 ? "others have to approve it: " : "";
	if (db_is_null(next, i, NEXT_POLICY))
		return arena_strdup(j->arena, db_text(next, i, NEXT_MESSAGE));
	return arena_printf(j->arena, "%s%s (policy %s, rule %s)", wish, db_text(next, i, NEXT_MESSAGE), db_text(next, i, NEXT_POLICY),
			    db_text(next, i, NEXT_RULE));
}

int
many_pass_over(struct job_run *j, struct batch *b, const struct db_result *next, struct error *e)
{
	batch_begin(b,
		    "INSERT INTO job_item (job_id, tenant_id, n, status, object, detail) SELECT $1::int8, $2::int, $3::int8 + u.n, 'failed',"
		    " 'certificate/' || u.id, u.detail FROM unnest($4::bigint[], $5::text[]) WITH ORDINALITY AS u(id, detail, n)",
		    NULL);
	char job[24], tenant[24], before[24];
	b->params[b->n_params++] = DB_TEXT(db_int_text(job, j->id));
	b->params[b->n_params++] = DB_TEXT(db_int_text(tenant, j->tenant_id));
	b->params[b->n_params++] = DB_TEXT(db_int_text(before, j->done + j->failed));
	struct db_array *id = batch_column(b, DB_ARRAY_INT8), *detail = batch_column(b, DB_ARRAY_TEXT);
	for (int i = 0; i < db_rows(next); i++) {
		if (db_is_null(next, i, NEXT_EFFECT))
			continue;
		db_array_add_int(id, db_int(next, i, NEXT_ID));
		batch_text(detail, reason_text(j, next, i));
	}
	return batch_finish(b, e) < 0 ? -1 : db_query(j->desk->db, b->sql, b->params, b->n_params, false, NULL, e);
}
