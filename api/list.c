/* Resources of the store as documents: one, or the page of a collection that api/page.c found. */
#include "config.h"
#include "api/list.h"

#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

#include "api/include.h"
#include "api/jsonapi.h"
#include "api/page.h"
#include "lib/x509/pem.h"

#define SQL_MAX_BYTES 16384
#define BODY_MAX_BYTES (LIMIT_REQUEST_ARENA_BYTES - 1024 * 1024) /* the answer is copied into the arena, beside the request */

/* The expression that shows an attribute: always text, bytea or an array of text. */
static void
select_attribute(struct buf *sql, const struct attribute *at)
{
	if (at->type == ATTRIBUTE_TIME)
		buf_printf(sql, ", to_char((%s) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", at->sql);
	else if (at->type == ATTRIBUTE_TEXTS)
		buf_printf(sql, ", array_to_json(%s)", at->sql);
	else
		buf_printf(sql, ", %s", at->sql);
}

void
list_columns(struct buf *sql, const struct resource *res, uint32_t fields)
{
	if (res->type_sql)
		buf_printf(sql, ", %s", res->type_sql);
	else
		buf_printf(sql, ", '%s'", res->types[0]);
	for (int i = 0; i < res->n_attributes; i++)
		if (fields & UINT32_C(1) << i)
			select_attribute(sql, &res->attributes[i]);
	for (int i = 0; i < res->n_relationships; i++)
		if (fields & UINT32_C(1) << (res->n_attributes + i))
			buf_printf(sql, ", (%s)::text", res->relationships[i].id_sql);
}

static void
write_pems(struct json *j, const char *name, const char *hex_list, struct arena *scratch)
{
	struct buf text = BUF_INIT(BODY_MAX_BYTES);
	const char *s = hex_list;

	while (*s) {
		size_t len = strcspn(s, ","), n = len / 2;
		uint8_t *der = arena_alloc(scratch, n);
		unsigned byte;

		for (size_t i = 0; i < n; i++)
			der[i] = sscanf(s + 2 * i, "%2x", &byte) == 1 ? (uint8_t)byte : 0;
		buf_add_str(&text, pem_encode(scratch, "CERTIFICATE", (struct bytes){der, n}));
		s += len + (s[len] == ',');
	}
	buf_add_byte(&text, 0);
	jw_text(j, name, (const char *)text.data);
	buf_free(&text);
}

static void
write_sha256(struct json *j, const char *name, struct bytes in, struct arena *scratch)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(in.data, in.len, digest, NULL, EVP_sha256(), NULL) != 1)
		jw_null(j, name);
	else
		jw_text(j, name, arena_hex(scratch, digest, 32));
}

/* The text with the edge's address in the place of each $URL. An address has no character that JSON would write otherwise. */
static const char *
with_url(const char *text, const char *url, struct arena *scratch)
{
	const char *out = "", *at;

	for (; (at = strstr(text, "$URL")); text = at + 4)
		out = arena_printf(scratch, "%s%.*s%s", out, (int)(at - text), text, url);
	return arena_printf(scratch, "%s%s", out, text);
}

void
list_attribute(const struct call *c, struct json *j, const struct attribute *at, const struct db_result *r, int row, int col, struct arena *scratch)
{
	struct bytes b;
	const char *text = db_text(r, row, col);

	if (db_is_null(r, row, col)) {
		jw_null(j, at->name);
		return;
	}
	if (at->flags & ATTRIBUTE_WITH_URL)
		text = with_url(text, c->api->base_url, scratch);
	switch (at->type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_TIME:
		jw_text(j, at->name, text);
		break;
	case ATTRIBUTE_INT:
		jw_int(j, at->name, db_int(r, row, col));
		break;
	case ATTRIBUTE_BOOL:
		jw_bool(j, at->name, db_bool(r, row, col));
		break;
	case ATTRIBUTE_TEXTS:
	case ATTRIBUTE_JSON:
	case ATTRIBUTE_METADATA:
		jw_raw(j, at->name, text);
		break;
	case ATTRIBUTE_PEMS:
		write_pems(j, at->name, db_text(r, row, col), scratch);
		break;
	case ATTRIBUTE_HEX:
		b = db_bytes(r, row, col, scratch);
		jw_text(j, at->name, arena_hex(scratch, b.data, b.len));
		break;
	case ATTRIBUTE_PEM:
		jw_text(j, at->name, pem_encode(scratch, "CERTIFICATE", db_bytes(r, row, col, scratch)));
		break;
	case ATTRIBUTE_SHA256:
		write_sha256(j, at->name, db_bytes(r, row, col, scratch), scratch);
		break;
	}
}

static uint32_t
fields_of_type(const struct resource *res, const struct query *q, const char *type)
{
	for (int i = 0; i < RESOURCE_MAX_TYPES && res->types[i]; i++)
		if (strcmp(res->types[i], type) == 0)
			return q->fields[i];
	return 0;
}

static void
write_relationship(struct json *j, const struct relationship *rel, const char *id)
{
	jw_open(j, rel->name);
	if (!id) {
		jw_null(j, "data");
	} else {
		jw_open(j, "data");
		jw_text(j, "type", rel->type);
		jw_text(j, "id", id);
		jw_close(j);
	}
	jw_close(j);
}

static bool
has_attribute(const struct resource *res, const char *name)
{
	for (int i = 0; i < res->n_attributes; i++)
		if (strcmp(res->attributes[i].name, name) == 0)
			return true;
	return false;
}

/* What the engine shows this once, such as a secret that it made; what the store shows as well stands there already. */
static void
write_once(const struct call *c, struct json *j)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)c->once, name, value) {
		if (has_attribute(c->resource, name))
			continue;
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

		jw_raw(j, name, text);
		explicit_bzero(text, strlen(text));
		free(text);
	}
}

/* The entity tag of a resource that counts its versions: what If-Match wants. */
static void
add_etag(struct call *c, const struct resource *res, const struct query *q, const struct db_result *r)
{
	uint32_t fields = query_fields(q);
	int col = COLUMN_FIELDS;

	for (int i = 0; i < res->n_attributes; i++) {
		if (!(fields & UINT32_C(1) << i))
			continue;
		if (strcmp(res->attributes[i].name, "version") == 0)
			http_answer_header(c->answer, "ETag", arena_printf(c->arena, "\"%s\"", db_text(r, 0, col)));
		col++;
	}
}

void
list_write(struct call *c, struct json *j, const struct db_result *r, int row, const struct query *q, uint32_t selected,
               struct arena *scratch)
{
	const struct resource *res = c->resource;
	const char *id = db_text(r, row, COLUMN_ID), *type = db_text(r, row, COLUMN_TYPE);
	uint32_t fields = fields_of_type(res, q, type);
	int col = COLUMN_FIELDS;
	bool relationships = false;

	jw_text(j, "type", type);
	jw_text(j, "id", id);
	jw_open(j, "attributes");
	for (int i = 0; i < res->n_attributes; i++) {
		if (fields & UINT32_C(1) << i)
			list_attribute(c, j, &res->attributes[i], r, row, col, scratch);
		col += (selected & UINT32_C(1) << i) != 0;
	}
	write_once(c, j);
	jw_close(j);
	for (int i = 0; i < res->n_relationships; i++) {
		uint32_t bit = UINT32_C(1) << (res->n_attributes + i);

		if (fields & bit) {
			if (!relationships)
				jw_open(j, "relationships");
			relationships = true;
			write_relationship(j, &res->relationships[i], db_is_null(r, row, col) ? NULL : db_text(r, row, col));
		}
		col += (selected & bit) != 0;
	}
	if (relationships)
		jw_close(j);
	jw_open(j, "links");
	jw_text(j, "self", call_link(c, res->self ? res->self : res->path, id));
	jw_close(j);
}

/* The address of the next page: this one's query with another cursor. */
static char *
next_link(struct call *c, const char *cursor)
{
	const struct http_request *r = c->request;
	struct buf b = BUF_INIT(LIMIT_URI_BYTES * 3);
	char *link;

	buf_add_str(&b, call_link(c, c->resource->path, NULL));
	for (int i = 0; i < r->n_query; i++) {
		if (strcmp(r->query[i].name, "page[after]") == 0)
			continue;
		buf_add_byte(&b, b.len && memchr(b.data, '?', b.len) ? '&' : '?');
		for (int part = 0; part < 2; part++) {
			const char *s = part ? r->query[i].value : r->query[i].name;

			for (; *s; s++) {
				if ((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || strchr("-_.,", *s))
					buf_add_byte(&b, (uint8_t)*s);
				else
					buf_printf(&b, "%%%02X", (unsigned char)*s);
			}
			if (!part)
				buf_add_byte(&b, '=');
		}
	}
	buf_printf(&b, "%cpage%%5Bafter%%5D=%s", b.len && memchr(b.data, '?', b.len) ? '&' : '?', cursor);
	buf_add_byte(&b, 0);
	link = arena_strdup(c->arena, b.overflow ? "" : (const char *)b.data);
	buf_free(&b);
	return link;
}

int
list_rows_of_ids(struct call *c, const struct query *q, const struct page *page, struct db_result **ret, struct error *e)
{
	BUF_CLEANUP struct buf sql = BUF_INIT(SQL_MAX_BYTES), ids = BUF_INIT(SQL_MAX_BYTES);
	const struct resource *res = c->resource;
	const char *direction = q->descending ? "DESC" : "ASC";

	/* Ids are numbers, or letters, digits, dots and hyphens: they need no quotes. */
	for (int i = 0; i < page->n; i++)
		buf_printf(&ids, "%c%s", i ? ',' : '{', db_text(page->r, i, COLUMN_ID));
	buf_add(&ids, page->n ? "}" : "{}", page->n ? 2 : 3);
	buf_printf(&sql, "SELECT (%s)::text, ''", res->id_sql);
	list_columns(&sql, res, query_fields(q));
	buf_printf(&sql, " FROM %s WHERE ", res->from);
	if (res->page_rows)
		buf_add_str(&sql, res->page_rows);
	else
		buf_printf(&sql, "%s = ANY ($1::%s[])", res->id_sql, res->id_cast);
	buf_add_str(&sql, " ORDER BY ");
	if (q->sort)
		buf_printf(&sql, "%s %s, ", q->sort->sql, direction);
	buf_printf(&sql, "%s %s", res->id_sql, direction);
	if (buf_check(&ids, e))
		return -1;
	return page_query(c, &sql, &DB_TEXT((const char *)ids.data), 1, ret, e);
}

/* How far a list was looked through that goes on. */
struct reach {
	const struct attribute *by; /* what it is sorted by, or when its members were made */
	const char *value;          /* NULL: nobody knows */
};

static int
look_up_reach(struct call *c, const struct query *q, const char *id, struct reach *ret, struct error *e)
{
	BUF_CLEANUP struct buf sql = BUF_INIT(SQL_MAX_BYTES);
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct resource *res = c->resource;
	const struct attribute *by = q->sort;

	for (int i = 0; !by && i < res->n_attributes; i++)
		if (strcmp(res->attributes[i].name, "created_at") == 0)
			by = &res->attributes[i];
	if (!id || !by)
		return 0;
	buf_add_str(&sql, "SELECT ''");
	select_attribute(&sql, by);
	buf_printf(&sql, " FROM %s WHERE %s", res->page_from, res->id_where);
	if (page_query(c, &sql, &DB_TEXT(id), 1, &r, e))
		return -1;
	if (db_rows(r) && !db_is_null(r, 0, 1))
		*ret = (struct reach){by, arena_strdup(c->arena, db_text(r, 0, 1))};
	return 0;
}

/* The rows of the page that is asked for. */
static int
find_page(struct call *c, const struct query *q, struct db_result **ret, int *ret_n, const char **ret_cursor, struct reach *ret_reach,
          struct error *e)
{
	BUF_CLEANUP struct buf columns = BUF_INIT(SQL_MAX_BYTES);
	struct page page;
	int result;

	*ret_reach = (struct reach){0};
	if (call_list(c, e))
		return -1;
	if (c->resource->page_from) {
		if (page_ids(c, q, &page, e))
			return -1;
		result = look_up_reach(c, q, page.stopped, ret_reach, e) ? -1 : list_rows_of_ids(c, q, &page, ret, e);
		db_result_free(page.r);
		*ret_n = result == 0 ? db_rows(*ret) : 0;
	} else {
		list_columns(&columns, c->resource, query_fields(q));
		buf_add_byte(&columns, 0);
		result = buf_check(&columns, e) ? -1 : page_rows(c, q, (const char *)columns.data, &page, e);
		if (result == 0) {
			*ret = page.r;
			*ret_n = page.n;
		}
	}
	if (result == 0) {
		*ret_cursor = page.cursor;
		call_release_db(c);
	}
	return result;
}

int
list_many(struct call *c, struct error *e)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	CLEANUP(db_result_free) struct db_result *r = NULL;
	JSON_CLEANUP struct json j = JSON_INIT(BODY_MAX_BYTES);
	const char *cursor;
	struct reach reach;
	struct query q;
	int n;

	if (query_parse(c->request, c->resource, false, &q, e) || find_page(c, &q, &r, &n, &cursor, &reach, e))
		return -1;
	jsonapi_begin(&j);
	jw_open_array(&j, "data");
	for (int row = 0; row < n; row++) {
		jw_open(&j, NULL);
		list_write(c, &j, r, row, &q, query_fields(&q), scratch);
		jw_close(&j);
		arena_reset(scratch);
	}
	jw_close_array(&j);
	if (include_write(c, &j, r, n, &q, scratch, e))
		return -1;
	jw_open(&j, "links");
	if (cursor)
		jw_text(&j, "next", next_link(c, cursor));
	else
		jw_null(&j, "next");
	jw_close(&j);
	if (reach.value) {
		jw_open(&j, "meta");
		jw_text(&j, "looked_by", reach.by->name);
		jw_text(&j, "looked_to", reach.value);
		jw_close(&j);
	}
	jw_close(&j);
	return call_answer(c, 200, &j, e);
}

int
list_one(struct call *c, struct error *e)
{
	CLEANUP(arena_free) struct arena *scratch = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	CLEANUP(db_result_free) struct db_result *r = NULL;
	JSON_CLEANUP struct json j = JSON_INIT(BODY_MAX_BYTES);
	BUF_CLEANUP struct buf sql = BUF_INIT(SQL_MAX_BYTES);
	const struct resource *res = c->resource;
	struct query q;

	if (query_parse(c->request, res, true, &q, e))
		return -1;
	if (!res->valid_id(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	buf_printf(&sql, "SELECT (%s)::text, ''", res->id_sql);
	list_columns(&sql, res, query_fields(&q));
	buf_printf(&sql, " FROM %s WHERE %s AND %s", res->from, res->where ? res->where : "true", res->id_where);
	if (page_query(c, &sql, &DB_TEXT(c->id), 1, &r, e))
		return -1;
	call_release_db(c);
	if (db_rows(r) != 1)
		return fail(e, E_NOT_FOUND, "there is no such resource");
	jsonapi_begin(&j);
	jw_open(&j, "data");
	list_write(c, &j, r, 0, &q, query_fields(&q), scratch);
	jw_close(&j);
	if (include_write(c, &j, r, 1, &q, scratch, e))
		return -1;
	jw_close(&j);
	add_etag(c, res, &q, r);
	return call_answer(c, 200, &j, e);
}
