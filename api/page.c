/* A page's SQL is put together from fixed parts of the resource's table; what the client sent goes as parameters. Pages go by key, not by
 * offset: (sort value, id) behind those of the last member. */
#include "config.h"
#include "api/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/cursor.h"

#define SQL_MAX_BYTES 131072 /* each alternative has the look-ups of all */
#define SQLSTATE_TIMEOUT "57014"
/* Of a page: groups of filters, or what makes rows somebody's own; page_own of a resource gives no more (resources/certificate.h: 16 owners, two). */
#define MAX_ALTERNATIVES 18

enum { COLUMN_ID, COLUMN_SORT, COLUMN_FITS, COLUMN_PLACE };

/* A cursor's value begins with how its page was found, so that the next one needn't try the other way first. */
#define STRAIGHT 's'
#define WINDOW 'w'

struct params {
	struct db_param list[2 * LIMIT_FILTERS + MAX_ALTERNATIVES + 4];
	const char *texts[2 * LIMIT_FILTERS + MAX_ALTERNATIVES + 4];
	int n;
};

/* The statement under way. */
struct statement {
	struct call *c;
	const struct query *q;
	struct buf sql;
	struct params params;
	const char *list; /* what its cursors belong to */
	const struct db_result *own; /* what makes rows somebody's own: the number of a condition, and a value; NULL: all of the tenant are shown */
};

/* Each alternative has the same values of what has to hold in all: one parameter for all of them. */
static int
param_add(struct params *p, const char *text)
{
	for (int i = 0; i < p->n; i++)
		if (p->texts[i] == text)
			return i + 1;
	p->texts[p->n] = text;
	p->list[p->n++] = DB_TEXT(text);
	return p->n;
}

static const char *
sql_type(enum attribute_type type)
{
	switch (type) {
	case ATTRIBUTE_INT:
		return "int8";
	case ATTRIBUTE_BOOL:
		return "boolean";
	case ATTRIBUTE_TIME:
		return "timestamptz";
	case ATTRIBUTE_HEX:
		return "bytea";
	default:
		return "text";
	}
}

int
page_query(struct call *c, struct buf *sql, const struct db_param *params, int n, struct db_result **ret, struct error *e)
{
	buf_add_byte(sql, 0);
	if (buf_check(sql, e) || call_db(c, e))
		return -1;
	if (db_query_text(c->db, (const char *)sql->data, params, n, ret, e)) {
		if (strcmp(db_sqlstate(c->db), SQLSTATE_TIMEOUT) == 0)
			return fail(e, E_UNAVAILABLE, "the look-up took too long; narrow it by filters, or sort by id");
		return -1;
	}
	return 0;
}

/* "x.ca_id = 3" or "x.ca_id = ANY ('{3,7}')" with the ids that a look-up gives. They stand in the text, so that the planner sees how many
 * rows they have. */
static int
where_ids(struct statement *s, const char *column, const char *sql, const struct db_param *params, int n, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	BUF_CLEANUP struct buf text = BUF_INIT(SQL_MAX_BYTES);

	buf_printf(&text, "%s LIMIT %d", sql, LIMIT_FOUND_IDS + 1);
	if (page_query(s->c, &text, params, n, &r, e))
		return -1;
	if (db_rows(r) > LIMIT_FOUND_IDS)
		return fail_at(e, E_MALFORMED, "?filter", "a filter fits more than %d objects by their name; say more of it", LIMIT_FOUND_IDS);
	/* Equal to one: the rows of an index are then in the order of what follows in it, which they aren't for an array. */
	if (db_rows(r) == 1) {
		buf_printf(&s->sql, " AND %s = %lld", column, (long long)db_int(r, 0, 0));
		return 0;
	}
	buf_printf(&s->sql, " AND %s = ANY ('{", column);
	for (int i = 0; i < db_rows(r); i++)
		buf_printf(&s->sql, "%s%lld", i ? "," : "", (long long)db_int(r, i, 0));
	buf_add_str(&s->sql, "}')");
	return 0;
}

static int
where_lookup(struct statement *s, const struct filter *f, struct error *e)
{
	const struct filtering *by = f->attribute->by;
	char sql[256];

	if (by->lookup)
		return where_ids(s, by->column, by->lookup, &DB_TEXT(f->value), 1, e);
	snprintf(sql, sizeof sql,
	         f->op == FILTER_CONTAINS ? "SELECT id FROM %s WHERE position(lower($1::text) IN lower(%s)) > 0"
	         : f->op == FILTER_IN     ? "SELECT id FROM %s WHERE %s = ANY (string_to_array($1::text, ','))"
	                                  : "SELECT id FROM %s WHERE %s = $1::text", by->table, by->name);
	return where_ids(s, by->column, sql, &DB_TEXT(f->value), 1, e);
}

/* A fixed condition in which $V stands for the value and $K for the key of metadata. */
static void
where_hint(struct buf *sql, const char *hint, int value, int key)
{
	buf_add_str(sql, " AND ");
	for (const char *p = hint; *p; p++) {
		if (*p == '$' && (p[1] == 'V' || p[1] == 'K'))
			buf_printf(sql, "$%d::text", *++p == 'V' ? value : key);
		else
			buf_add_byte(sql, (uint8_t)*p);
	}
}

/* exact: without what only leads an index to the rows. */
static int
where_filter(struct statement *s, const struct filter *f, bool exact, struct error *e)
{
	static const char *const ops[] = {"=", "<", "<=", ">", ">="};
	const struct attribute *at = f->attribute;
	int key = 0, n;

	if (f->condition) {
		buf_printf(&s->sql, " AND %s", f->condition);
		return 0;
	}
	if (at->by && at->by->column)
		return where_lookup(s, f, e);
	n = param_add(&s->params, f->value);
	if (f->key)
		key = param_add(&s->params, f->key);
	if (at->by && at->by->hint && f->op == FILTER_EQ && !exact)
		where_hint(&s->sql, at->by->hint, n, key);
	if (f->key && f->op == FILTER_CONTAINS)
		buf_printf(&s->sql, " AND position(lower($%d::text) IN lower(%s ->> $%d::text)) > 0", n, at->sql, key);
	else if (f->key && f->op == FILTER_IN)
		buf_printf(&s->sql, " AND %s ->> $%d::text = ANY (string_to_array($%d::text, ','))", at->sql, key, n);
	else if (f->key)
		buf_printf(&s->sql, " AND %s ->> $%d::text = $%d::text", at->sql, key, n);
	else if (f->op == FILTER_IN)
		buf_printf(&s->sql, " AND %s = ANY (string_to_array($%d::text, ','))", at->sql, n);
	else if (at->type == ATTRIBUTE_TEXTS && f->op == FILTER_EQ)
		buf_printf(&s->sql, " AND $%d::text = ANY (%s)", n, at->sql);
	else if (at->type == ATTRIBUTE_TEXTS)
		buf_printf(&s->sql, " AND position(lower($%d::text) IN lower(array_to_string(%s, ' '))) > 0", n, at->sql);
	else if (f->op == FILTER_CONTAINS)
		buf_printf(&s->sql, " AND position(lower($%d::text) IN lower(%s)) > 0", n, at->sql);
	else
		buf_printf(&s->sql, " AND %s %s $%d::%s", at->sql, ops[f->op], n, sql_type(at->type));
	return 0;
}

static int
where_group(struct statement *s, int group, bool exact, struct error *e)
{
	for (int i = 0; i < s->q->n_filters; i++)
		if (s->q->filters[i].group == group && where_filter(s, &s->q->filters[i], exact, e))
			return -1;
	return 0;
}

/* What has to hold, and of the groups this one; 0: one of them. */
static int
where_filters(struct statement *s, int group, bool exact, struct error *e)
{
	const struct resource *res = s->c->resource;

	if (res->page_ids && where_ids(s, res->page_ids_column, res->page_ids, NULL, 0, e))
		return -1;
	if (where_group(s, 0, exact, e))
		return -1;
	if (group || !s->q->groups)
		return group ? where_group(s, group, exact, e) : 0;
	buf_add_str(&s->sql, " AND (false");
	for (int i = 1; i <= LIMIT_FILTER_GROUPS; i++) {
		if (!(s->q->groups & UINT32_C(1) << i))
			continue;
		buf_add_str(&s->sql, " OR (true");
		if (where_group(s, i, exact, e))
			return -1;
		buf_add_byte(&s->sql, ')');
	}
	buf_add_byte(&s->sql, ')');
	return 0;
}

/* The fixed condition of a page: page_ids stands for what needs other tables. */
static const char *
page_where(const struct resource *res)
{
	return res->page_ids ? NULL : res->where;
}

/* What the cursor says: *ret_value is NULL when there is none. */
static int
read_cursor(const struct statement *s, char *ret_how, const char **ret_value, const char **ret_id, struct error *e)
{
	*ret_how = STRAIGHT;
	*ret_value = NULL;
	if (!s->q->after)
		return 0;
	if (cursor_decode(s->c->arena, s->c->api->cursor_key, s->list, s->q->after, ret_value, ret_id, e) || !**ret_value)
		return fail_at(e, E_MALFORMED, "?page[after]", "the cursor belongs to another list, or was changed");
	*ret_how = **ret_value;
	++*ret_value;
	return 0;
}

static void
where_after(struct statement *s, const char *value, const char *id)
{
	const struct resource *res = s->c->resource;
	const struct query *q = s->q;
	const char *op = q->descending ? "<" : ">";
	int n;

	if (!q->sort) {
		buf_printf(&s->sql, " AND %s %s $%d::%s", res->id_sql, op, param_add(&s->params, id), res->id_cast);
		return;
	}
	n = param_add(&s->params, value);
	buf_printf(&s->sql, " AND (%s, %s) %s ($%d::%s, $%d::%s)", q->sort->sql, res->id_sql, op, n, sql_type(q->sort->type),
	           param_add(&s->params, id), res->id_cast);
}

static void
order_by(struct statement *s)
{
	const char *direction = s->q->descending ? "DESC" : "ASC";

	buf_add_str(&s->sql, "ORDER BY ");
	if (s->q->sort)
		buf_printf(&s->sql, "%s %s, ", s->q->sort->sql, direction);
	buf_printf(&s->sql, "%s %s", s->c->resource->id_sql, direction);
}

static int
make_cursor(const struct statement *s, char how, const struct db_result *r, int row, const char **ret, struct error *e)
{
	char *cursor;

	if (cursor_encode(s->c->arena, s->c->api->cursor_key, s->list, arena_printf(s->c->arena, "%c%s", how, db_text(r, row, COLUMN_SORT)),
	                  db_text(r, row, COLUMN_ID), &cursor, e))
		return -1;
	*ret = cursor;
	return 0;
}

static void
statement_begin(struct statement *s, struct call *c, const struct query *q)
{
	*s = (struct statement){
		.c = c,
		.q = q,
		.sql = BUF_INIT(SQL_MAX_BYTES),
		.list = query_identity(c->request, c->resource, q, c->who.tenant_id),
	};
}

/* The first rows of a page behind its columns; group as for where_filters(), own: the row of s->own, or -1. */
static int
rest_of_select(struct statement *s, const char *from, const char *where, int own, int group, const char *value, const char *id, struct error *e)
{
	buf_printf(&s->sql, " FROM %s WHERE %s", from, where ? where : "true");
	if (own >= 0)
		where_hint(&s->sql, s->c->resource->page_own_conditions[db_int(s->own, own, 0)],
		           param_add(&s->params, db_text(s->own, own, 1)), 0);
	if (where_filters(s, group, false, e))
		return -1;
	if (value)
		where_after(s, value, id);
	buf_add_byte(&s->sql, ' ');
	order_by(s);
	buf_printf(&s->sql, " LIMIT %d", s->q->page_size + 1);
	return 0;
}

/* The first rows of each alternative by the index that suits it, put together: those of the whole are among them. What makes rows somebody's own
 * comes first: it is less than what filters find. */
static int
select_alternatives(struct statement *s, const char *from, const char *where, const char *value, const char *id, struct error *e)
{
	const char *sort = s->q->sort ? s->q->sort->sql : "''::text", *direction = s->q->descending ? "DESC" : "ASC", *between = "";
	int n = s->own ? db_rows(s->own) : LIMIT_FILTER_GROUPS + 1;

	buf_add_str(&s->sql, "SELECT i::text, s::text FROM (");
	for (int i = s->own ? 0 : 1; i < n; i++) {
		if (!s->own && !(s->q->groups & UINT32_C(1) << i))
			continue;
		buf_printf(&s->sql, "%s(SELECT %s AS i, %s AS s", between, s->c->resource->id_sql, sort);
		if (rest_of_select(s, from, where, s->own ? i : -1, s->own ? 0 : i, value, id, e))
			return -1;
		buf_add_byte(&s->sql, ')');
		between = " UNION ";
	}
	buf_printf(&s->sql, ") u ORDER BY s %s, i %s LIMIT %d", direction, direction, s->q->page_size + 1);
	return 0;
}

/* The page by one statement, as the planner likes it best. */
static int
straight(struct statement *s, const char *from, const char *where, const char *columns, const char *value, const char *id, struct page *ret,
         struct error *e)
{
	struct page page = {0};

	if (s->own || (s->q->groups && !*columns)) {
		if (select_alternatives(s, from, where, value, id, e))
			return -1;
	} else {
		buf_printf(&s->sql, "SELECT (%s)::text, (%s)::text%s", s->c->resource->id_sql, s->q->sort ? s->q->sort->sql : "''", columns);
		if (rest_of_select(s, from, where, -1, 0, value, id, e))
			return -1;
	}
	if (page_query(s->c, &s->sql, s->params.list, s->params.n, &page.r, e))
		return -1;
	page.n = db_rows(page.r);
	if (page.n > s->q->page_size) {
		page.n = s->q->page_size;
		if (make_cursor(s, STRAIGHT, page.r, page.n - 1, &page.cursor, e)) {
			db_result_free(page.r);
			return -1;
		}
	}
	*ret = page;
	return 0;
}

/* The page among the next members of the list: a walk along the order's index, whatever the filters are. */
static int
window(struct statement *s, int size, const char *value, const char *id, struct page *ret, struct error *e)
{
	const struct resource *res = s->c->resource;
	const char *sort = s->q->sort ? s->q->sort->sql : "''";
	struct page page = {0};
	int last = -1;

	buf_printf(&s->sql, "SELECT i::text, s, fits, place FROM (SELECT %s AS i, (%s)::text AS s, row_number() OVER (", res->id_sql, sort);
	order_by(s);
	buf_add_str(&s->sql, ") AS place, coalesce(true");
	if (where_filters(s, 0, true, e))
		return -1;
	buf_printf(&s->sql, ", false) AS fits FROM %s WHERE %s", res->page_from, page_where(res) ? page_where(res) : "true");
	if (value)
		where_after(s, value, id);
	buf_add_byte(&s->sql, ' ');
	order_by(s);
	buf_printf(&s->sql, " LIMIT %d) w WHERE fits OR place = %d ORDER BY place LIMIT %d", size, size, s->q->page_size + 1);
	if (page_query(s->c, &s->sql, s->params.list, s->params.n, &page.r, e))
		return -1;
	while (page.n < db_rows(page.r) && page.n < s->q->page_size && db_bool(page.r, page.n, COLUMN_FITS))
		page.n++;
	if (page.n == s->q->page_size && db_rows(page.r) > page.n)
		last = page.n - 1;
	else if (db_rows(page.r) > 0 && db_int(page.r, db_rows(page.r) - 1, COLUMN_PLACE) == size)
		last = db_rows(page.r) - 1;
	if (last >= 0 && make_cursor(s, WINDOW, page.r, last, &page.cursor, e)) {
		db_result_free(page.r);
		return -1;
	}
	if (last >= page.n)
		page.stopped = arena_strdup(s->c->arena, db_text(page.r, last, COLUMN_ID));
	*ret = page;
	return 0;
}

int
page_rows(struct call *c, const struct query *q, const char *columns, struct page *ret, struct error *e)
{
	struct statement s;
	const char *value, *id = NULL;
	char how;
	int result;

	statement_begin(&s, c, q);
	result = read_cursor(&s, &how, &value, &id, e) ? -1 : straight(&s, c->resource->from, c->resource->where, columns, value, id, ret, e);
	buf_free(&s.sql);
	return result;
}

/* Statements end after so many milliseconds, until limit_end(). */
static int
limit_begin(struct call *c, int ms, struct error *e)
{
	return call_db(c, e) ? -1 : db_query(c->db, "SELECT set_config('statement_timeout', $1::text, false)", &DB_INT(ms), 1, false, NULL, e);
}

/* As it was, before anybody else has the connection. */
static int
limit_end(struct call *c, struct error *e)
{
	return db_alive(c->db) ? db_query(c->db, "RESET statement_timeout", NULL, 0, false, NULL, e) : 0;
}

/* Whether the statement that failed ran into its limit. */
static bool
was_late(const struct call *c)
{
	return c->db && db_alive(c->db) && strcmp(db_sqlstate(c->db), SQLSTATE_TIMEOUT) == 0;
}

/* The straight way, for PAGE_FIRST_MS. *ret_slow: it took longer. */
static int
try_straight(struct statement *s, const char *value, const char *id, bool *ret_slow, struct page *ret, struct error *e)
{
	struct error later;
	int result;

	*ret_slow = false;
	if (limit_begin(s->c, PAGE_FIRST_MS, e))
		return -1;
	result = straight(s, s->c->resource->page_from, page_where(s->c->resource), "", value, id, ret, e);
	*ret_slow = result < 0 && was_late(s->c);
	if (limit_end(s->c, &later)) {
		if (result == 0)
			db_result_free(ret->r);
		*ret_slow = false;
		*e = later;
		return -1;
	}
	return result;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Window after window, until one has members or the time is over. One that takes too long, for its rows lie far apart on a slow disk, is looked
 * through in smaller ones. */
static int
walk(struct call *c, const struct query *q, const char *value, const char *id, int64_t until_ms, struct page *ret, struct error *e)
{
	struct statement s;
	/* Between one's own rows lie those of others, which aren't shown but looked at. */
	int result, size = c->own ? PAGE_WINDOW_OWN : q->sort ? PAGE_WINDOW_SORTED : PAGE_WINDOW_BY_ID;

	for (;;) {
		statement_begin(&s, c, q);
		result = window(&s, size, value, id, ret, e);
		buf_free(&s.sql);
		if (result && was_late(c) && size > PAGE_WINDOW_LEAST) {
			size /= 8;
			continue;
		}
		if (result || ret->n > 0 || !ret->cursor || now_ms() >= until_ms)
			return result;
		/* Its one row is where it ended. */
		value = arena_strdup(c->arena, db_text(ret->r, 0, COLUMN_SORT));
		id = arena_strdup(c->arena, db_text(ret->r, 0, COLUMN_ID));
		db_result_free(ret->r);
	}
}

static int
windows(struct call *c, const struct query *q, const char *value, const char *id, int64_t until_ms, struct page *ret, struct error *e)
{
	struct error later;
	int result;

	if (limit_begin(c, PAGE_WINDOW_MS, e))
		return -1;
	result = walk(c, q, value, id, until_ms, ret, e);
	if (limit_end(c, &later)) {
		if (result == 0)
			db_result_free(ret->r);
		*e = later;
		return -1;
	}
	return result;
}

/* What makes rows theirs who see their own alone; *ret stays NULL for all others. */
static int
look_up_own(struct statement *s, struct db_result **ret, struct error *e)
{
	BUF_CLEANUP struct buf sql = BUF_INIT(SQL_MAX_BYTES);

	if (!s->c->own || !s->c->resource->page_own)
		return 0;
	buf_add_str(&sql, s->c->resource->page_own);
	if (page_query(s->c, &sql, NULL, 0, ret, e))
		return -1;
	if (db_rows(*ret) > MAX_ALTERNATIVES)
		return fail(e, E_INTERNAL, "%d alternatives of a page, of %d that it has places for", db_rows(*ret), MAX_ALTERNATIVES);
	s->own = *ret;
	return 0;
}

int
page_ids(struct call *c, const struct query *q, struct page *ret, struct error *e)
{
	struct statement s;
	int64_t until_ms = now_ms() + PAGE_FIRST_MS;
	const char *value, *id = NULL;
	struct db_result *own = NULL;
	bool slow;
	char how;
	int result = 0;

	statement_begin(&s, c, q);
	if (read_cursor(&s, &how, &value, &id, e) || look_up_own(&s, &own, e))
		result = -1;
	slow = result == 0 && how == WINDOW;
	if (result == 0 && !slow)
		result = try_straight(&s, value, id, &slow, ret, e);
	db_result_free(own);
	buf_free(&s.sql);
	return slow ? windows(c, q, value, id, until_ms, ret, e) : result;
}
