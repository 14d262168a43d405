/* Revokes, holds or releases many certificates: some hundred in a step, each with its audit row. Idempotent: what is done already isn't meant
 * any more, and the cursor is the last id. */
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/jobs.h"

#define STEP 500 /* certificates: well under a second, and their CAs' rows aren't held for longer */

static void
add_columns(struct job_run *j, struct batch *b, int reason, const struct db_result *ids)
{
	struct db_array *id = batch_column(b, DB_ARRAY_INT8);
	struct audit_columns audit = batch_audit_columns(b);
	const char *detail = detail_text(j->arena, "reason", arena_printf(j->arena, "%d", reason), "job",
					 arena_printf(j->arena, "job/%lld", (long long)j->id), NULL);
	for (int i = 0; i < db_rows(ids); i++) {
		struct audit_row row = {
		    .at_us = now_us(),
		    .tenant_id = j->tenant_id,
		    .actor = j->actor,
		    .action = reason == REASON_HOLD ? "certificate.held" : reason == REASON_RELEASE ? "certificate.released" : "certificate.revoked",
		    .object = arena_printf(j->arena, "certificate/%lld", (long long)db_int(ids, i, 0)),
		    .detail = detail,
		};
		db_array_add_int(id, db_int(ids, i, 0));
		batch_audit(b, &audit, &row);
	}
}

/* Those of one step, which are locked. */
static int
revoke(struct job_run *j, int reason, const struct db_result *ids, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	batch_begin(b,
		    "SELECT certificate_revoke_many($1::text, $2::int, $3::int, $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],"
		    " $9::text[], $10::bytea[])",
		    &j->desk->chain);
	char tenant[24], number[24];
	b->params[b->n_params++] = DB_TEXT(db_int_text(tenant, j->tenant_id));
	b->params[b->n_params++] = DB_TEXT(db_int_text(number, reason));
	add_columns(j, b, reason, ids);
	int rc = batch_finish(b, e);
	if (rc == 0)
		rc = db_query(j->desk->db, b->sql, b->params, b->n_params, false, NULL, e);
	if (rc == 0)
		j->desk->chain = b->next;
	batch_free(b);
	free(b);
	return rc;
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *ids CLEANUP(db_result_free) = NULL;
	json_t *choice = json_object_get(j->parameters, "choice");
	int reason = (int)json_integer_value(json_object_get(j->parameters, "reason"));
	char *text = json_dumps(choice, JSON_COMPACT);
	j->total = json_integer_value(json_object_get(j->parameters, "count"));
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(text ? text : "{}"), DB_INT(reason),
	    DB_INT(json_integer_value(json_object_get(j->state, "last"))), DB_INT(json_integer_value(json_object_get(j->parameters, "last"))),
	    DB_INT(STEP)};
	int rc = db_query(j->desk->db, "SELECT i FROM certificate_next($1::int, $2::jsonb, $3::int, $4::int8, $5::int8, $6::int) i", row,
			  ARRAY_LEN(row), false, &ids, e);
	free(text);
	if (rc < 0 || (db_rows(ids) && revoke(j, reason, ids, e) < 0))
		return -1;
	int n = db_rows(ids);
	if (n)
		json_object_set_new(j->state, "last", json_integer(db_int(ids, n - 1, 0)));
	j->done += n;
	*ret_more = n == STEP;
	if (!*ret_more) /* others were faster with some */
		json_object_set_new(j->result, "changed", json_integer(j->done));
	return 0;
}

extern const struct job_kind job_revoke;
const struct job_kind job_revoke = {.name = "revoke", .step = step};
