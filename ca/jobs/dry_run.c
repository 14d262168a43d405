/* Holds the rules of a policy against every certificate of its tenant: what would it have refused? */
#include <string.h>

#include "ca/jobs.h"

#define STEP 5000        /* certificates at most: a fraction of a second, with the usual rules */
#define EXAMPLES_MAX 20

static void
count(json_t *o, const char *name, int64_t n)
{
	json_object_set_new(o, name, json_integer(json_integer_value(json_object_get(o, name)) + n));
}

/* Adds what a step says of each rule to what the steps before said. */
static void
add_rules(json_t *sum, const json_t *step)
{
	size_t i, k;
	json_t *rule, *example;
	json_array_foreach(step, i, rule)
	{
		json_t *known = NULL;
		for (k = 0; k < json_array_size(sum); k++)
			if (json_equal(json_object_get(json_array_get(sum, k), "place"), json_object_get(rule, "place")))
				known = json_array_get(sum, k);
		if (!known) {
			json_array_append(sum, rule);
			continue;
		}
		count(known, "count", json_integer_value(json_object_get(rule, "count")));
		json_t *examples = json_object_get(known, "examples");
		json_array_foreach(json_object_get(rule, "examples"), k, example)
			if (json_array_size(examples) < EXAMPLES_MAX)
				json_array_append(examples, example);
	}
}

static int
begin(struct job_run *j, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(j->tenant_id)};
	if (db_query(j->desk->db, "SELECT coalesce(max(id), 0), count(*) FROM certificate WHERE tenant_id = $1::int", row, 1, false, &r, e) < 0)
		return -1;
	json_object_set_new(j->state, "to", json_integer(db_int(r, 0, 0))); /* what is issued meanwhile isn't looked at */
	json_object_set_new(j->state, "last", json_integer(0));
	json_object_set_new(j->result, "rules", json_array());
	j->total = db_int(r, 0, 1);
	return 0;
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name, *operations, *condition = NULL, *rules;
	json_int_t ca_id, profile_id;
	bool late;
	if (!json_object_get(j->state, "to") && begin(j, e) < 0)
		return -1;
	if (json_unpack((json_t *)(uintptr_t)j->parameters, "{s:s,s:I,s:I,s:s,s?s,s:s}", "name", &name, "ca_id", &ca_id, "profile_id", &profile_id,
			"operations", &operations, "condition", &condition, "rules", &rules) < 0)
		return fail(e, E_INTERNAL, "the parameters of the job can't be read");
	int64_t size = job_size(j, STEP);
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(name), ca_id ? DB_INT(ca_id) : DB_NULL, profile_id ? DB_INT(profile_id) : DB_NULL,
	    DB_TEXT(operations), DB_TEXT(condition), DB_TEXT(rules), DB_INT(json_integer_value(json_object_get(j->state, "last"))), DB_INT(size)};
	if (job_query(j, size,
		      "SELECT r_count, r_last, r_refused, r_approval, r_changed, r_rules FROM policy_dry_run((SELECT array_agg(c) FROM"
		      " policy_compile(0, $2::text, $1::int, $3::int, $4::int, $5::text[], $6::text, $7::jsonb) c), $1::int, $8::int8, $9::int)",
		      row, ARRAY_LEN(row), &late, &r, e) < 0)
		return -1;
	*ret_more = late;
	if (late)
		return 0;
	json_t *said = json_loads(db_text(r, 0, 5), 0, NULL);
	add_rules(json_object_get(j->result, "rules"), said);
	json_decref(said);
	count(j->result, "certificates", db_int(r, 0, 0));
	count(j->result, "refused", db_int(r, 0, 2));
	count(j->result, "approval", db_int(r, 0, 3));
	count(j->result, "changed", db_int(r, 0, 4));
	json_object_set_new(j->state, "last", json_integer(db_int(r, 0, 1)));
	j->done += db_int(r, 0, 0);
	*ret_more = db_int(r, 0, 0) == size && db_int(r, 0, 1) < json_integer_value(json_object_get(j->state, "to"));
	return 0;
}

extern const struct job_kind job_dry_run;
const struct job_kind job_dry_run = {.name = "dry_run", .step = step};
