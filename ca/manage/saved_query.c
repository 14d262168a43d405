/* Queries that people keep for themselves, and share with their tenant. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "lib/limits.h"

#define COLUMN_MAX_BYTES 80 /* "metadata." and a key */

/* What a list is asked for: filters and the order, each a text. Whether the values are good is said when it is asked. */
static int
check_query(const json_t *query, struct error *e)
{
	const char *name;
	json_t *value;
	size_t bytes = 0;
	if (json_object_size(query) > LIMIT_FILTERS + 1)
		return fail_at(e, E_BAD_VALUE, "query", "query has at most %d members", LIMIT_FILTERS + 1);
	json_object_foreach((json_t *)(uintptr_t)query, name, value)
	{
		if (strncmp(name, "filter[", 7) != 0 && strcmp(name, "sort") != 0)
			return fail_at(e, E_BAD_VALUE, "query", "query: its members are parameters of the list, filter[…] and sort");
		if (!json_is_string(value))
			return fail_at(e, E_BAD_VALUE, "query", "query: each member is a text");
		bytes += strlen(name) + json_string_length(value);
	}
	return bytes > LIMIT_SAVED_QUERY_BYTES ? fail_at(e, E_BAD_VALUE, "query", "query is longer than %d octets", LIMIT_SAVED_QUERY_BYTES) : 0;
}

/* The array of texts as PostgreSQL reads it. */
static int
read_columns(struct manage *m, const char **ret, struct error *e)
{
	json_t *list, *item;
	size_t i;
	const char *text = "{";
	*ret = NULL;
	if (manage_array(m, "columns", 0, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	if (json_array_size(list) > LIMIT_EXPORT_COLUMNS)
		return fail_at(e, E_BAD_VALUE, "columns", "columns has at most %d names", LIMIT_EXPORT_COLUMNS);
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);
		if (!s || !*s || strlen(s) > COLUMN_MAX_BYTES || strlen(s) != json_string_length(item) ||
		    strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != strlen(s))
			return manage_text_refused(m, "columns", item, i, "isn't the name of an attribute, or metadata and a key", e);
		text = arena_printf(m->arena, "%s%s\"%s\"", text, i ? "," : "", s); /* NULL in quotes is a text */
	}
	*ret = arena_printf(m->arena, "%s}", text);
	return 0;
}

struct saved {
	const char *name, *query, *columns; /* NULL: not said */
	int shared;                         /* -1: not said */
};

static int
read_saved(struct manage *m, unsigned required, struct saved *ret, struct error *e)
{
	json_t *query;
	if (manage_text(m, "name", required, 100, &ret->name, e) < 0 || manage_object(m, "query", required, &query, e) < 0 ||
	    read_columns(m, &ret->columns, e) < 0 || manage_bool(m, "shared", 0, &ret->shared, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (query && check_query(query, e) < 0)
		return -1;
	ret->query = query ? manage_json(m, query) : NULL;
	if (ret->shared == 1 && !(m->rights & RIGHT_BIT(RIGHT_METADATA)))
		return fail_at(e, E_FORBIDDEN, "shared", "shared: who shows a query to all of the tenant needs the right %s",
			       right_word(RIGHT_METADATA));
	return 0;
}

static int
write_detail(struct manage *m, const struct db_result *r)
{
	m->object = arena_printf(m->arena, "saved_query/%lld", (long long)db_int(r, 0, 0));
	m->detail = detail_text(m->arena, "name", db_text(r, 0, 1), "shared", db_bool(r, 0, 2) ? "true" : "false", NULL);
	return 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct saved s;
	if (read_saved(m, MANAGE_REQUIRED, &s, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_INT(m->who->account_id), DB_TEXT(s.name), DB_TEXT(s.query),
	    DB_TEXT(s.columns ? s.columns : "{}"), DB_TEXT(s.shared == 1 ? "true" : "false"), DB_INT(LIMIT_SAVED_QUERIES)};
	if (db_query(m->desk->db,
		     "INSERT INTO saved_query (tenant_id, account_id, name, query, columns, shared)"
		     " SELECT $1::int, $2::int8, $3::text, $4::jsonb, $5::text[], $6::boolean"
		     " WHERE (SELECT count(*) FROM saved_query WHERE account_id = $2::int8) < $7::int8 RETURNING id, name, shared",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_taken(m, "name", "name: you have a query of this name", e);
	if (db_rows(r) == 0)
		return fail(e, E_CONFLICT, "you have %d queries: delete one first", LIMIT_SAVED_QUERIES);
	m->ret_id = db_int(r, 0, 0);
	return write_detail(m, r);
}

/* One's own alone. What isn't shared isn't there for others. */
static int
update(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *there CLEANUP(db_result_free) = NULL;
	struct saved s;
	if (read_saved(m, 0, &s, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_INT(m->who->account_id), DB_INT(m->version), DB_TEXT(s.name),
	    DB_TEXT(s.query), DB_TEXT(s.columns), DB_TEXT(s.shared < 0 ? NULL : s.shared ? "true" : "false")};
	if (db_query(m->desk->db,
		     "UPDATE saved_query SET name = coalesce($5::text, name), query = coalesce($6::jsonb, query),"
		     " columns = coalesce($7::text[], columns), shared = coalesce($8::boolean, shared), version = version + 1"
		     " WHERE id = $1::int8 AND tenant_id = $2::int AND account_id = $3::int8 AND ($4::int = 0 OR version = $4::int)"
		     " RETURNING id, name, shared",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_taken(m, "name", "name: you have a query of this name", e);
	if (db_rows(r) == 1)
		return write_detail(m, r);
	if (db_query(m->desk->db,
		     "SELECT account_id = $3::int8 FROM saved_query WHERE id = $1::int8 AND tenant_id = $2::int"
		     " AND (account_id = $3::int8 OR shared)",
		     row, 3, false, &there, e) < 0)
		return -1;
	if (db_rows(there) == 0)
		return fail(e, E_NOT_FOUND, "there is no such query");
	return db_bool(there, 0, 0) ? fail(e, E_PRECONDITION, "the query was changed meanwhile")
				    : fail(e, E_FORBIDDEN, "the query is somebody else's: save it under a name of your own");
}

/* One's own, and with the right to manage accounts also what others share. */
static int
delete(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *there CLEANUP(db_result_free) = NULL;
	bool all = m->rights & RIGHT_BIT(RIGHT_ACCOUNTS);
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_INT(m->who->account_id), DB_TEXT(all ? "true" : "false")};
	if (manage_body_end(m, e) < 0 ||
	    db_query(m->desk->db,
		     "DELETE FROM saved_query WHERE id = $1::int8 AND tenant_id = $2::int AND (account_id = $3::int8 OR (shared AND $4::boolean))"
		     " RETURNING id, name, shared",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 1)
		return write_detail(m, r);
	if (db_query(m->desk->db, "SELECT 1 FROM saved_query WHERE id = $1::int8 AND tenant_id = $2::int AND shared", row, 2, false, &there, e) < 0)
		return -1;
	return db_rows(there) ? fail(e, E_FORBIDDEN, "the query is somebody else's") : fail(e, E_NOT_FOUND, "there is no such query");
}

extern const struct manage_op manage_saved_query[];
const struct manage_op manage_saved_query[] = {
    {"saved_query.create", "saved_query.created", RIGHT_READ, MANAGE_DIRECT, create},
    {"saved_query.update", "saved_query.changed", RIGHT_READ, MANAGE_DIRECT, update},
    {"saved_query.delete", "saved_query.deleted", RIGHT_READ, MANAGE_DIRECT, delete},
    {0},
};
