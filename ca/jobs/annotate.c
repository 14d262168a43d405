/* Owner and metadata of many certificates: some hundred in a step, each with its audit row. Policies are asked about each as if it were the only one;
 * what they refuse, or want others to approve, is passed over. A step that comes again notes the same once more, and the cursor is the last id. */
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/jobs.h"
#include "ca/jobs/many.h"
#include "lib/limits.h"

#define STEP 500

/* The detail of each audit row. */
static const char *
detail_of(struct job_run *j)
{
	const json_t *p = j->parameters, *set = json_object_get(p, "set"), *remove = json_object_get(p, "remove");
	char *added = json_dumps(set ? set : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
	char *taken = json_dumps(remove ? remove : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);
	const char *owner = json_string_value(json_object_get(p, "owner"));
	const char *detail = detail_text(j->arena, "job", arena_printf(j->arena, "job/%lld", (long long)j->id), "metadata_set", added ? added : "",
					 "metadata_remove", taken ? taken : "", owner ? "owner" : NULL, owner, NULL);
	free(added);
	free(taken);
	return detail;
}

/* '{"a","b"}' of an array of texts without quotes and backslashes: keys of metadata have neither. */
static const char *
array_text(struct job_run *j, const json_t *keys)
{
	const char *text = "{";
	size_t i;
	json_t *key;
	json_array_foreach((json_t *)(uintptr_t)keys, i, key)
		text = arena_printf(j->arena, "%s%s\"%s\"", text, i ? "," : "", json_string_value(key));
	return arena_printf(j->arena, "%s}", text);
}

static int
annotate(struct job_run *j, struct batch *b, const struct db_result *next, struct error *e)
{
	const json_t *set = json_object_get(j->parameters, "set");
	char *added = set ? json_dumps(set, JSON_COMPACT) : NULL, tenant[24];
	batch_begin(b,
		    "SELECT certificate_annotate_many($1::text, $2::int, $3::text, $4::jsonb, $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],"
		    " $9::text[], $10::text[], $11::text[], $12::bytea[])",
		    &j->desk->chain);
	b->params[b->n_params++] = DB_TEXT(db_int_text(tenant, j->tenant_id));
	b->params[b->n_params++] = DB_TEXT(json_string_value(json_object_get(j->parameters, "owner")));
	b->params[b->n_params++] = DB_TEXT(added ? added : "{}");
	b->params[b->n_params++] = DB_TEXT(array_text(j, json_object_get(j->parameters, "remove")));
	many_columns(j, b, "certificate.changed", detail_of(j), next);
	int rc = batch_finish(b, e) < 0 || db_query(j->desk->db, b->sql, b->params, b->n_params, false, NULL, e) < 0 ? -1 : 0;
	free(added);
	if (rc == 0)
		j->desk->chain = b->next;
	return rc;
}

static int
carry_out(struct job_run *j, const struct db_result *next, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	int n = db_rows(next), failed = many_refused(next), rc = failed ? many_pass_over(j, b, next, e) : 0;
	if (rc == 0 && failed < n)
		rc = annotate(j, b, next, e);
	j->failed += failed;
	j->done += n - failed;
	batch_free(b);
	free(b);
	return rc;
}

static int
find_next(struct job_run *j, int64_t after, const struct many_span *span, bool *ret_late, struct db_result **ret, struct error *e)
{
	const json_t *set = json_object_get(j->parameters, "set");
	char *asked = json_dumps(json_object_get(j->parameters, "document"), JSON_COMPACT), *added = set ? json_dumps(set, JSON_COMPACT) : NULL;
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(span->choice), DB_TEXT(asked ? asked : "{}"),
	    DB_TEXT(added ? added : "{}"), DB_TEXT(array_text(j, json_object_get(j->parameters, "remove"))), DB_INT(LIMIT_METADATA_KEYS),
	    DB_INT(after), DB_INT(span->upto), DB_INT(STEP)};
	int rc = job_query(j, span->size,
			   "SELECT r_id, r_effect, r_message, r_policy, r_rule FROM certificate_annotate_next($1::int, $2::jsonb, $3::jsonb,"
			   " $4::jsonb, $5::text[], $6::int, $7::int8, $8::int8, $9::int)",
			   row, ARRAY_LEN(row), ret_late, ret, e);
	free(asked);
	free(added);
	return rc;
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *next CLEANUP(db_result_free) = NULL;
	bool late;
	int64_t to = json_integer_value(json_object_get(j->parameters, "last")), after = json_integer_value(json_object_get(j->state, "last"));
	struct many_span span;
	j->total = json_integer_value(json_object_get(j->parameters, "count"));
	if (many_span(j, after, to, STEP, &span, e) < 0)
		return -1;
	int rc = find_next(j, after, &span, &late, &next, e);
	free(span.choice);
	if (rc < 0)
		return -1;
	*ret_more = late;
	if (late)
		return 0;
	int n = db_rows(next);
	if (n && carry_out(j, next, e) < 0)
		return -1;
	after = n == STEP ? db_int(next, n - 1, NEXT_ID) : span.upto;
	json_object_set_new(j->state, "last", json_integer(after));
	*ret_more = after < to;
	if (!*ret_more)
		json_object_set_new(j->result, "changed", json_integer(j->done));
	return 0;
}

extern const struct job_kind job_annotate;
const struct job_kind job_annotate = {.name = "annotate", .step = step};
