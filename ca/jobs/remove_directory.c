/* Removes what a deleted directory of ACME had: accounts with their orders and authorizations, keys, counts; the directory's row is the last. Some
 * thousand rows in a step. The store says what is left, so that a step that is done again does nothing twice. */
#include "ca/jobs.h"

#define STEP 5000

static void
add(struct job_run *j, const char *name, int64_t n)
{
	json_object_set_new(j->result, name, json_integer(json_integer_value(json_object_get(j->result, name)) + n));
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	enum { ACCOUNTS, ORDERS, AUTHZ, MORE };
	struct db_result *r CLEANUP(db_result_free) = NULL;
	json_t *p = (json_t *)(uintptr_t)j->parameters;
	int64_t size = job_size(j, STEP);
	struct db_param row[] = {DB_INT(j->tenant_id), DB_INT(json_integer_value(json_object_get(p, "directory"))), DB_INT(size)};
	bool late;
	j->total = json_integer_value(json_object_get(p, "accounts"));
	if (job_query(j, size, "SELECT r_accounts, r_orders, r_authz, r_more FROM acme_directory_remove($1::int, $2::int8, $3::int)", row,
		      ARRAY_LEN(row), &late, &r, e) < 0)
		return -1;
	*ret_more = late || db_bool(r, 0, MORE);
	if (late)
		return 0;
	j->done += db_int(r, 0, ACCOUNTS);
	add(j, "accounts", db_int(r, 0, ACCOUNTS));
	add(j, "orders", db_int(r, 0, ORDERS));
	add(j, "authorizations", db_int(r, 0, AUTHZ));
	return 0;
}

extern const struct job_kind job_remove_directory;
const struct job_kind job_remove_directory = {.name = "remove_directory", .to_the_end = true, .step = step};
