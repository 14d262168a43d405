/* Jobs over many certificates: what their steps have in common. */
#include <string.h>

#include "ca/jobs/many.h"

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
