/* Revokes, holds or releases many certificates: some hundred in a step, each with its audit row. The policies are asked about each as they would be
 * if it were the only one; what they refuse, or want others to approve, is passed over. Idempotent: what is done already isn't meant any more, and
 * the cursor is the last id. */
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/jobs.h"

#define STEP 500 /* certificates: well under a second, and their CAs' rows aren't held for longer */

/* The columns of certificate_next(). */
enum { NEXT_ID, NEXT_EFFECT, NEXT_MESSAGE, NEXT_POLICY, NEXT_RULE };

static void
add_columns(struct job_run *j, struct batch *b, int reason, const struct db_result *next)
{
	struct db_array *id = batch_column(b, DB_ARRAY_INT8);
	struct audit_columns audit = batch_audit_columns(b);
	const char *detail = detail_text(j->arena, "reason", arena_printf(j->arena, "%d", reason), "job",
					 arena_printf(j->arena, "job/%lld", (long long)j->id), NULL);
	for (int i = 0; i < db_rows(next); i++) {
		struct audit_row row = {
		    .at_us = now_us(),
		    .tenant_id = j->tenant_id,
		    .actor = j->actor,
		    .action = reason == REASON_HOLD ? "certificate.held" : reason == REASON_RELEASE ? "certificate.released" : "certificate.revoked",
		    .object = arena_printf(j->arena, "certificate/%lld", (long long)db_int(next, i, NEXT_ID)),
		    .detail = detail,
		};
		if (!db_is_null(next, i, NEXT_EFFECT))
			continue;
		db_array_add_int(id, db_int(next, i, NEXT_ID));
		batch_audit(b, &audit, &row);
	}
}

/* Those of one step that no policy stands against, which are locked. */
static int
revoke(struct job_run *j, struct batch *b, int reason, const struct db_result *next, struct error *e)
{
	batch_begin(b,
		    "SELECT certificate_revoke_many($1::text, $2::int, $3::int, $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],"
		    " $9::text[], $10::bytea[])",
		    &j->desk->chain);
	char tenant[24], number[24];
	b->params[b->n_params++] = DB_TEXT(db_int_text(tenant, j->tenant_id));
	b->params[b->n_params++] = DB_TEXT(db_int_text(number, reason));
	add_columns(j, b, reason, next);
	if (batch_finish(b, e) < 0 || db_query(j->desk->db, b->sql, b->params, b->n_params, false, NULL, e) < 0)
		return -1;
	j->desk->chain = b->next;
	return 0;
}

/* The items of those that policies stand against; nothing is noted of the others, which are many. */
static int
pass_over(struct job_run *j, struct batch *b, const struct db_result *next, struct error *e)
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
		const char *wish = strcmp(db_text(next, i, NEXT_EFFECT), "approve") == 0 ? "others have to approve it: " : "";
		db_array_add_int(id, db_int(next, i, NEXT_ID));
		batch_text(detail, arena_printf(j->arena, "%s%s (policy %s, rule %s)", wish, db_text(next, i, NEXT_MESSAGE),
						db_text(next, i, NEXT_POLICY), db_text(next, i, NEXT_RULE)));
	}
	return batch_finish(b, e) < 0 ? -1 : db_query(j->desk->db, b->sql, b->params, b->n_params, false, NULL, e);
}

/* What of one step is done, and what isn't. */
static int
carry_out(struct job_run *j, int reason, const struct db_result *next, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	int failed = 0, n = db_rows(next);
	for (int i = 0; i < n; i++)
		failed += !db_is_null(next, i, NEXT_EFFECT);
	int rc = failed ? pass_over(j, b, next, e) : 0;
	if (rc == 0 && failed < n)
		rc = revoke(j, b, reason, next, e);
	j->failed += failed;
	j->done += n - failed;
	batch_free(b);
	free(b);
	return rc;
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *next CLEANUP(db_result_free) = NULL;
	json_t *choice, *document;
	json_int_t reason, to, count;
	bool late;
	if (json_unpack((json_t *)(uintptr_t)j->parameters, "{s:o,s:o,s:I,s:I,s:I}", "choice", &choice, "document", &document, "reason", &reason,
			"last", &to, "count", &count) < 0)
		return fail(e, E_INTERNAL, "the parameters of the job can't be read");
	j->total = count;
	int64_t after = json_integer_value(json_object_get(j->state, "last")), size = job_size(j, to > after ? to - after : 1);
	char *chosen = json_dumps(choice, JSON_COMPACT), *asked = json_dumps(document, JSON_COMPACT);
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(chosen ? chosen : "{}"), DB_INT(reason), DB_TEXT(asked ? asked : "{}"), DB_INT(after),
	    DB_INT(after + size), DB_INT(STEP)};
	int rc = job_query(j, size,
			   "SELECT r_id, r_effect, r_message, r_policy, r_rule FROM certificate_next($1::int, $2::jsonb, $3::int, $4::jsonb,"
			   " $5::int8, $6::int8, $7::int)",
			   row, ARRAY_LEN(row), &late, &next, e);
	free(chosen);
	free(asked);
	if (rc < 0)
		return -1;
	*ret_more = late;
	if (late)
		return 0;
	int n = db_rows(next);
	if (n && carry_out(j, (int)reason, next, e) < 0)
		return -1;
	after = n == STEP ? db_int(next, n - 1, NEXT_ID) : after + size;
	json_object_set_new(j->state, "last", json_integer(after));
	*ret_more = after < to;
	if (!*ret_more) /* others were faster with some */
		json_object_set_new(j->result, "changed", json_integer(j->done));
	return 0;
}

extern const struct job_kind job_revoke;
const struct job_kind job_revoke = {.name = "revoke", .step = step};
