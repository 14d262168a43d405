/* Revokes, holds or releases many certificates: some hundred in a step, each with its audit row. The policies are asked about each as they would be
 * if it were the only one; what they refuse, or want others to approve, is passed over. Idempotent: what is done already isn't meant any more, and
 * the cursor is the last id. */
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/jobs.h"
#include "ca/jobs/many.h"

#define STEP 500 /* certificates: well under a second, and their CAs' rows aren't held for longer */

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
	const char *job = arena_printf(j->arena, "job/%lld", (long long)j->id);
	many_columns(j, b, reason == REASON_HOLD ? "certificate.held" : reason == REASON_RELEASE ? "certificate.released" : "certificate.revoked",
		     detail_text(j->arena, "reason", arena_printf(j->arena, "%d", reason), "job", job, NULL),
		     next);
	if (batch_finish(b, e) < 0 || db_query(j->desk->db, b->sql, b->params, b->n_params, false, NULL, e) < 0)
		return -1;
	j->desk->chain = b->next;
	return 0;
}

/* What of one step is done, and what isn't. */
static int
carry_out(struct job_run *j, int reason, const struct db_result *next, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	int failed = many_refused(next), n = db_rows(next), rc = failed ? many_pass_over(j, b, next, e) : 0;
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
	json_t *document;
	json_int_t reason, to, count;
	bool late;
	if (json_unpack((json_t *)(uintptr_t)j->parameters, "{s:o,s:I,s:I,s:I}", "document", &document, "reason", &reason,
			"last", &to, "count", &count) < 0)
		return fail(e, E_INTERNAL, "the parameters of the job can't be read");
	j->total = count;
	int64_t after = json_integer_value(json_object_get(j->state, "last"));
	struct many_span span;
	if (many_span(j, after, to, STEP, &span, e) < 0)
		return -1;
	char *asked = json_dumps(document, JSON_COMPACT);
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(span.choice), DB_INT(reason), DB_TEXT(asked ? asked : "{}"), DB_INT(after),
	    DB_INT(span.upto), DB_INT(STEP)};
	int rc = job_query(j, span.size,
			   "SELECT r_id, r_effect, r_message, r_policy, r_rule FROM certificate_next($1::int, $2::jsonb, $3::int, $4::jsonb,"
			   " $5::int8, $6::int8, $7::int)",
			   row, ARRAY_LEN(row), &late, &next, e);
	free(span.choice);
	free(asked);
	if (rc < 0)
		return -1;
	*ret_more = late;
	if (late)
		return 0;
	int n = db_rows(next);
	if (n && carry_out(j, (int)reason, next, e) < 0)
		return -1;
	after = n == STEP ? db_int(next, n - 1, NEXT_ID) : span.upto;
	json_object_set_new(j->state, "last", json_integer(after));
	*ret_more = after < to;
	if (!*ret_more) /* others were faster with some */
		json_object_set_new(j->result, "changed", json_integer(j->done));
	return 0;
}

extern const struct job_kind job_revoke;
const struct job_kind job_revoke = {.name = "revoke", .step = step};
