/* Tells clients of ACME when to renew many certificates (RFC 9773), or takes that back: some thousand in a step. Idempotent, and the cursor is the
 * last id. One audit row for all of them is written by the operation that made the job; who advised what stands in the rows. */
#include <stdlib.h>
#include <string.h>

#include "ca/jobs.h"
#include "ca/jobs/many.h"

#define STEP 5000

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	json_t *p = (json_t *)(uintptr_t)j->parameters;
	bool late;
	j->total = json_integer_value(json_object_get(p, "count"));
	int64_t to = json_integer_value(json_object_get(p, "last")), after = json_integer_value(json_object_get(j->state, "last"));
	struct many_span span;
	if (many_span(j, after, to, STEP, &span, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(span.choice),
	                         DB_TEXT(json_string_value(json_object_get(p, "begins"))), DB_TEXT(json_string_value(json_object_get(p, "ends"))),
	                         DB_TEXT(json_string_value(json_object_get(p, "explanation"))), DB_TEXT(j->actor), DB_INT(after),
	                         DB_INT(span.upto < to ? span.upto : to), DB_INT(STEP)};
	int rc = job_query(j, span.size,
			   "SELECT r_count, r_last FROM renewal_advise($1::int, $2::jsonb, $3::timestamptz, $4::timestamptz, $5::text, $6::text,"
			   " $7::int8, $8::int8, $9::int)",
			   row, ARRAY_LEN(row), &late, &r, e);
	free(span.choice);
	if (rc < 0)
		return -1;
	*ret_more = late;
	if (late)
		return 0;
	j->done += db_int(r, 0, 0);
	after = db_int(r, 0, 0) == STEP ? db_int(r, 0, 1) : span.upto;
	json_object_set_new(j->state, "last", json_integer(after));
	*ret_more = after < to;
	if (!*ret_more)
		json_object_set_new(j->result, "changed", json_integer(j->done));
	return 0;
}

extern const struct job_kind job_advise_renewal;
const struct job_kind job_advise_renewal = {.name = "advise_renewal", .step = step};
