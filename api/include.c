#include "config.h"
#include "api/include.h"

#include <string.h>

#include "api/page.h"

#define SQL_MAX_BYTES 16384
#define IDS_MAX (LIMIT_PAGE_SIZE * RESOURCE_MAX_FIELDS)

/* The ids to look for, each once. */
struct ids {
	const char *list[IDS_MAX];
	int n;
};

/* Who may not show the other collection doesn't get it by the back door. */
static int
check_right(const struct call *c, const struct resource *res, struct error *e)
{
	return call_sees(c, res) ? 0 : fail_at(e, E_FORBIDDEN, "?include", "the role %s may not look at %s", c->who.role, res->path);
}

/* What is among the rows themselves, or was found before, isn't shown a second time. */
static void
add_id(struct ids *ids, const char *id, const struct db_result *rows, int n)
{
	for (int row = 0; row < n; row++)
		if (strcmp(db_text(rows, row, COLUMN_ID), id) == 0)
			return;
	for (int i = 0; i < ids->n; i++)
		if (strcmp(ids->list[i], id) == 0)
			return;
	if (ids->n < IDS_MAX)
		ids->list[ids->n++] = id;
}

/* The ids that the relationships of one inclusion have in all rows. */
static void
collect(const struct call *c, const struct inclusion *in, const struct db_result *r, int n, const struct query *q, struct ids *ids)
{
	uint32_t fields = query_fields(q);
	int col = COLUMN_FIELDS;

	for (int i = 0; i < c->resource->n_attributes; i++)
		col += (fields & UINT32_C(1) << i) != 0;
	for (int i = 0; i < c->resource->n_relationships; i++) {
		bool selected = fields & UINT32_C(1) << (c->resource->n_attributes + i);

		for (int row = 0; selected && in->relationships & UINT32_C(1) << i && row < n; row++)
			if (!db_is_null(r, row, col))
				add_id(ids, db_text(r, row, col), r, in->resource == c->resource ? n : 0);
		col += selected;
	}
}

static int
write_one(struct call *c, struct json *j, const struct inclusion *in, const struct ids *ids, struct arena *scratch, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *found = NULL;
	BUF_CLEANUP struct buf sql = BUF_INIT(SQL_MAX_BYTES), list = BUF_INIT(IDS_MAX * 24);
	const struct resource *of = c->resource, *to = in->resource;
	struct query q = {0};

	/* Ids are ours: digits, letters, '-' and '.'. */
	for (int i = 0; i < ids->n; i++)
		buf_printf(&list, "%s%s", i ? "," : "{", ids->list[i]);
	buf_add_str(&list, "}");
	buf_add_byte(&list, 0);
	memcpy(q.fields, in->fields, sizeof q.fields);
	buf_printf(&sql, "SELECT (%s)::text, ''", to->id_sql);
	list_columns(&sql, to, query_fields(&q));
	buf_printf(&sql, " FROM %s WHERE %s AND %s = ANY ($1::%s[])", to->from, to->where ? to->where : "true", to->id_sql, to->id_cast);
	if (buf_check(&list, e) || page_query(c, &sql, &DB_TEXT((const char *)list.data), 1, &found, e))
		return -1;
	c->resource = to;
	for (int row = 0; row < db_rows(found); row++) {
		jw_open(j, NULL);
		list_write(c, j, found, row, &q, query_fields(&q), scratch);
		jw_close(j);
		arena_reset(scratch);
	}
	c->resource = of;
	return 0;
}

int
include_write(struct call *c, struct json *j, const struct db_result *r, int n, const struct query *q, struct arena *scratch, struct error *e)
{
	int result = 0;

	if (q->n_included == 0)
		return 0;
	jw_open_array(j, "included");
	for (int i = 0; i < q->n_included && result == 0; i++) {
		struct ids *ids = arena_alloc(c->arena, sizeof *ids);

		ids->n = 0;
		collect(c, &q->included[i], r, n, q, ids);
		result = check_right(c, q->included[i].resource, e);
		if (result == 0 && ids->n)
			result = write_one(c, j, &q->included[i], ids, scratch, e);
	}
	jw_close_array(j);
	call_release_db(c);
	return result;
}
