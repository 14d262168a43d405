/* A list as a file. Each page is a look-up of its own by key, so that no transaction lasts, and memory is that of a page whatever the list has. */
#include "config.h"
#include "api/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/list.h"
#include "api/write.h"
#include "lib/log.h"

#define PAGE_BYTES (8 * 1024 * 1024) /* of text; a page whose rows are longer is fetched in smaller ones */
#define ROW_BYTES (4 * 1024 * 1024)
#define ARENA_BYTES LIMIT_REQUEST_ARENA_BYTES
#define RETRY_SEC 30
#define METADATA_PREFIX "metadata."
#define MARK "\xEF\xBB\xBF"

const struct attribute export_members[3] = {
	{"format", NULL, ATTRIBUTE_TEXT, 0, "csv (when left out) or json"},
	{"columns", NULL, ATTRIBUTE_TEXT, 0, "attributes, id, type and metadata.KEY, separated by commas"},
	{"bom", NULL, ATTRIBUTE_BOOL, 0, "true: a byte order mark before CSV, for spreadsheets"},
};

static const char default_columns[] =
	"id,common_name,subject,names,serial,status,profile,issuer,not_before,not_after,created_at,requestor,source,key_type,owner,metadata,"
	"revoked_at,revocation_reason,fingerprint_sha256";

enum column_kind { COLUMN_OF_ID, COLUMN_OF_TYPE, COLUMN_OF_ATTRIBUTE, COLUMN_OF_KEY };

struct column {
	enum column_kind kind;
	const char *name;             /* as it was asked for */
	const struct attribute *at;   /* COLUMN_OF_ATTRIBUTE, COLUMN_OF_KEY: metadata's */
	const char *key;              /* COLUMN_OF_KEY */
	int place;                    /* among the columns of the rows */
};

/* One export under way. It outlives the request's handler, so it has its own memory. */
struct export {
	struct arena *own, *page, *row; /* until its end; until the end of a page, of a row */
	struct http_request request;
	struct call call;
	struct query query;
	struct column columns[LIMIT_EXPORT_COLUMNS];
	int n_columns;
	uint32_t fields;
	bool csv, bom, begun, first, last;
	char *cursor;                 /* of the next page; freed here */
	json_t *metadata;             /* of the row, once a column wants one of its keys */
	struct export_made made;
};

/* --- places --- */

static int
take_place(struct api *api, int32_t tenant_id, bool keep, struct error *e)
{
	int free_place = -1, own = 0;

	pthread_mutex_lock(&api->export_lock);
	for (int i = 0; i < LIMIT_EXPORTS; i++) {
		own += api->exports[i] == tenant_id;
		if (!api->exports[i])
			free_place = i;
	}
	if (own >= LIMIT_EXPORTS_TENANT)
		free_place = -1;
	if (free_place >= 0 && keep)
		api->exports[free_place] = tenant_id;
	pthread_mutex_unlock(&api->export_lock);
	if (free_place >= 0)
		return 0;
	(void)fail(e, E_TOO_MANY, "%d exports of the tenant, or %d of all, are under way: wait until one is done", LIMIT_EXPORTS_TENANT,
	           LIMIT_EXPORTS);
	e->retry_after_sec = RETRY_SEC;
	return -1;
}

static void
give_place(struct api *api, int32_t tenant_id)
{
	int i = 0;

	pthread_mutex_lock(&api->export_lock);
	while (i < LIMIT_EXPORTS - 1 && api->exports[i] != tenant_id)
		i++;
	api->exports[i] = 0;
	pthread_mutex_unlock(&api->export_lock);
}

/* --- what is asked for --- */

static int
find_column(const struct resource *res, const char *name, struct column *ret)
{
	bool key = strncmp(name, METADATA_PREFIX, strlen(METADATA_PREFIX)) == 0;

	*ret = (struct column){.name = name};
	if (strcmp(name, "id") == 0 || strcmp(name, "type") == 0) {
		ret->kind = *name == 'i' ? COLUMN_OF_ID : COLUMN_OF_TYPE;
		return 0;
	}
	for (int i = 0; i < res->n_attributes; i++) {
		const struct attribute *at = &res->attributes[i];

		if (strcmp(at->name, key ? "metadata" : name) != 0)
			continue;
		ret->kind = key ? COLUMN_OF_KEY : COLUMN_OF_ATTRIBUTE;
		ret->at = at;
		ret->key = key ? name + strlen(METADATA_PREFIX) : NULL;
		return key && (!*ret->key || strlen(ret->key) > LIMIT_METADATA_KEY_BYTES) ? -1 : 0;
	}
	return -1;
}

static int
parse_columns(struct export *x, const char *list, struct error *e)
{
	const struct resource *res = x->call.resource;

	for (const char *s = list; *s;) {
		size_t len = strcspn(s, ",");
		char *name = arena_strndup(x->own, s, len);

		if (x->n_columns == LIMIT_EXPORT_COLUMNS)
			return fail_at(e, E_MALFORMED, "?columns", "at most %d columns", LIMIT_EXPORT_COLUMNS);
		if (find_column(res, name, &x->columns[x->n_columns]))
			return fail_at(e, E_MALFORMED, "?columns", "there is no such column: attributes, id, type and metadata.KEY are columns");
		for (int i = 0; i < x->n_columns; i++)
			if (strcmp(x->columns[i].name, name) == 0)
				return fail_at(e, E_MALFORMED, "?columns", "a column comes twice");
		if (x->columns[x->n_columns].at)
			x->fields |= UINT32_C(1) << (x->columns[x->n_columns].at - res->attributes);
		x->n_columns++;
		s += len + (s[len] == ',');
	}
	for (int i = 0; i < x->n_columns; i++) {
		struct column *col = &x->columns[i];

		col->place = COLUMN_FIELDS;
		for (int k = 0; col->at && k < col->at - res->attributes; k++)
			col->place += (x->fields & UINT32_C(1) << k) != 0;
	}
	return x->n_columns ? 0 : fail_at(e, E_MALFORMED, "?columns", "columns is empty");
}

static int
parse_flag(const char *name, const char *value, bool *ret, struct error *e)
{
	if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return fail_at(e, E_MALFORMED, name, "true or false is wanted");
	*ret = value && strcmp(value, "true") == 0;
	return 0;
}

/* The request's copy, with those parameters alone that the list has; the rest is read here. */
static int
parse(struct export *x, const struct http_request *r, struct error *e)
{
	struct http_header *query = arena_alloc(x->own, sizeof *query * (size_t)(r->n_query + 1));
	const char *format = http_query_get(r, "format"), *columns = http_query_get(r, "columns");

	x->request = (struct http_request){.arena = x->own, .query = query, .request_id = arena_strdup(x->own, r->request_id), .client = "-"};
	for (int i = 0; i < r->n_query; i++) {
		const char *name = r->query[i].name;

		for (int k = 0; k < i; k++)
			if (strcmp(name, r->query[k].name) == 0)
				return fail_at(e, E_MALFORMED, "?", "a query parameter comes twice");
		if (strcmp(name, "format") == 0 || strcmp(name, "columns") == 0 || strcmp(name, "bom") == 0)
			continue;
		if (strncmp(name, "filter[", 7) != 0 && strcmp(name, "sort") != 0)
			return fail_at(e, E_MALFORMED, arena_printf(x->own, "?%.80s", name), "there is no such query parameter here");
		query[x->request.n_query++] = (struct http_header){arena_strdup(x->own, name), arena_strdup(x->own, r->query[i].value)};
	}
	if (format && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
		return fail_at(e, E_MALFORMED, "?format", "format is csv or json");
	x->csv = !format || strcmp(format, "csv") == 0;
	if (parse_flag("?bom", http_query_get(r, "bom"), &x->bom, e) || parse_columns(x, columns ? columns : default_columns, e) ||
	    query_parse(&x->request, x->call.resource, false, &x->query, e))
		return -1;
	for (int i = 0; i < RESOURCE_MAX_TYPES; i++)
		x->query.fields[i] = x->fields;
	x->query.page_size = LIMIT_PAGE_SIZE;
	return 0;
}

/* Who took what away. */
static int
note(struct call *c, const struct export *x, struct error *e)
{
	json_t *query = json_object(), *body, *result = NULL;
	const char *names = "";
	int failed;

	for (int i = 0; i < x->request.n_query; i++)
		json_object_set_new(query, x->request.query[i].name, json_string(x->request.query[i].value));
	for (int i = 0; i < x->n_columns; i++)
		names = arena_printf(c->arena, "%s%s%s", names, i ? "," : "", x->columns[i].name);
	body = json_pack("{s:s,s:s,s:o}", "format", x->csv ? "csv" : "json", "columns", names, "query", query);
	failed = write_ask(c, "certificate.export", body, &result, e);
	json_decref(body);
	json_decref(result);
	return failed;
}

/* --- cells --- */

/* What a spreadsheet begins a formula with, also in full width, and what it drops before looking (OWASP, CSV injection). */
static bool
is_formula(const char *s)
{
	static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"}; /* =, +, -, @ */

	if (*s == '\t' || *s == '\r' || *s == '\n')
		return true;
	s += strspn(s, " ");
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (strncmp(s, wide[i], 3) == 0)
			return true;
	return *s && strchr("=+-@", *s);
}

void
export_csv_cell(struct buf *b, const char *text)
{
	buf_add_byte(b, '"');
	if (is_formula(text))
		buf_add_byte(b, '\'');
	for (const char *p = text; *p; p++) {
		unsigned char ch = (unsigned char)*p;

		/* Where lists are separated by semicolons a spreadsheet begins a cell behind one, quotes or not. */
		if (p > text && p[-1] == ';' && is_formula(p + strspn(p, "\"")))
			buf_add_byte(b, '\'');
		if ((ch < 0x20 && ch != '\t' && ch != '\n' && ch != '\r') || ch == 0x7f) {
			buf_add_str(b, "\xEF\xBF\xBD");
			continue;
		}
		if (ch == '"')
			buf_add_byte(b, '"');
		buf_add_byte(b, ch);
	}
	buf_add_byte(b, '"');
}

/* A JSON value as a cell has it: texts as they are, several of them separated by spaces, which names don't have. */
static void
add_plain(struct buf *out, const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL), *item;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
			buf_printf(out, "%s%s", i ? " " : "", json_is_string(item) ? json_string_value(item) : "");
	} else if (json_is_string(value)) {
		buf_add_str(out, json_string_value(value));
	} else if (value && !json_is_null(value)) {
		buf_add_str(out, text);
	}
	json_decref(value);
}

/* Good until the end of the row; NULL: there is none. */
static const char *
value_of_key(struct export *x, const struct column *col, const struct db_result *r, int row)
{
	if (!x->metadata && !db_is_null(r, row, col->place))
		x->metadata = json_loads(db_text(r, row, col->place), 0, NULL);
	return json_string_value(json_object_get(x->metadata, col->key));
}

/* What isn't text in the store, by way of JSON. */
static void
other_cell(struct export *x, const struct column *col, const struct db_result *r, int row)
{
	JSON_CLEANUP struct json j = JSON_INIT(ROW_BYTES);
	BUF_CLEANUP struct buf text = BUF_INIT(ROW_BYTES);

	list_attribute(&x->call, &j, &(struct attribute){NULL, NULL, col->at->type}, r, row, col->place, x->row);
	buf_add_byte(&j.out, 0);
	if (!j.out.overflow)
		add_plain(&text, (const char *)j.out.data);
	buf_add_byte(&text, 0);
	export_csv_cell(&x->made.out, text.overflow ? "" : (const char *)text.data);
}

static void
csv_cell(struct export *x, const struct column *col, const struct db_result *r, int row)
{
	const char *text = "";

	if (col->kind == COLUMN_OF_ID || col->kind == COLUMN_OF_TYPE) {
		text = db_text(r, row, col->kind == COLUMN_OF_ID ? COLUMN_ID : COLUMN_TYPE);
	} else if (col->kind == COLUMN_OF_KEY) {
		text = value_of_key(x, col, r, row);
	} else if (!db_is_null(r, row, col->place)) {
		enum attribute_type type = col->at->type;

		if (type != ATTRIBUTE_TEXT && type != ATTRIBUTE_TIME && type != ATTRIBUTE_METADATA) {
			other_cell(x, col, r, row);
			return;
		}
		text = db_text(r, row, col->place);
	}
	export_csv_cell(&x->made.out, text ? text : "");
}

static void
json_cell(struct export *x, struct json *j, const struct column *col, const struct db_result *r, int row)
{
	if (col->kind == COLUMN_OF_ID || col->kind == COLUMN_OF_TYPE)
		jw_text(j, col->name, db_text(r, row, col->kind == COLUMN_OF_ID ? COLUMN_ID : COLUMN_TYPE));
	else if (col->kind == COLUMN_OF_KEY)
		jw_text(j, col->name, value_of_key(x, col, r, row));
	else
		list_attribute(&x->call, j, col->at, r, row, col->place, x->row);
}

static void
add_row(struct export *x, const struct db_result *r, int row)
{
	JSON_CLEANUP struct json j = JSON_INIT(ROW_BYTES);

	if (x->csv) {
		for (int i = 0; i < x->n_columns; i++) {
			if (i)
				buf_add_byte(&x->made.out, ',');
			csv_cell(x, &x->columns[i], r, row);
		}
		buf_add_str(&x->made.out, "\r\n");
		return;
	}
	jw_open(&j, NULL);
	for (int i = 0; i < x->n_columns; i++)
		json_cell(x, &j, &x->columns[i], r, row);
	jw_close(&j);
	buf_add_str(&x->made.out, x->first ? "\n" : ",\n");
	buf_add(&x->made.out, j.out.data, j.out.len);
	x->first = false;
}

static void
add_head(struct export *x)
{
	if (!x->csv) {
		buf_add_byte(&x->made.out, '[');
		return;
	}
	if (x->bom)
		buf_add_str(&x->made.out, MARK);
	for (int i = 0; i < x->n_columns; i++) {
		if (i)
			buf_add_byte(&x->made.out, ',');
		export_csv_cell(&x->made.out, x->columns[i].name);
	}
	buf_add_str(&x->made.out, "\r\n");
}

/* --- pages --- */

/* Whether the account may still see what it takes. */
static int
check_account(struct export *x, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (call_db(&x->call, e) ||
	    db_query(x->call.db, "SELECT 1 FROM account a WHERE a.id = $1::int8 AND a.enabled AND 'read' = ANY (account_rights(a.id))",
	             &DB_INT(x->call.who.account_id), 1, false, &r, e))
		return -1;
	return db_rows(r) == 1 ? 0 : fail(e, E_FORBIDDEN, "the account may not see certificates any more");
}

/* *ret_cursor: of the next page, freed by the caller; NULL: this was the last one. */
static int
add_page(struct export *x, char **ret_cursor, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct page page;
	int result;

	x->query.after = x->cursor;
	if (check_account(x, e) || page_ids(&x->call, &x->query, &page, e))
		return -1;
	result = list_rows_of_ids(&x->call, &x->query, &page, &r, e);
	db_result_free(page.r);
	call_release_db(&x->call); /* whoever asks for a list needn't wait while rows are written */
	for (int row = 0; result == 0 && row < db_rows(r) && !x->made.out.overflow; row++) {
		add_row(x, r, row);
		json_decref(x->metadata);
		x->metadata = NULL;
		arena_reset(x->row);
	}
	if (result || buf_check(&x->made.out, e))
		return -1;
	*ret_cursor = page.cursor ? xstrdup(page.cursor) : NULL;
	return 0;
}

static int
fill(struct export *x, struct error *e)
{
	bool first = x->first;
	char *cursor = NULL;
	int result;

	if (time(NULL) > x->made.until)
		return fail(e, E_UNAVAILABLE, "the export took too long");
	x->request.arena = x->call.arena = x->page;
	do {
		buf_clear(&x->made.out);
		x->first = first;
		if (!x->begun)
			add_head(x);
		result = add_page(x, &cursor, e);
		arena_reset(x->page);
	} while (result && e->code == E_TOO_LARGE && (x->query.page_size /= 4) > 0);
	call_release_db(&x->call);
	if (result)
		return -1;
	free(x->cursor);
	x->cursor = cursor;
	x->last = !cursor;
	x->begun = true;
	x->made.sent = 0;
	if (x->last && !x->csv)
		buf_add_str(&x->made.out, "\n]\n");
	return 0;
}

ssize_t
export_give(struct export_made *made, uint8_t *to, size_t max, struct error *e)
{
	size_t n = made->out.len - made->sent < max ? made->out.len - made->sent : max;

	if (n == 0)
		return 0;
	if (time(NULL) > made->until)
		return fail(e, E_UNAVAILABLE, "the export took too long");
	memcpy(to, made->out.data + made->sent, n);
	made->sent += n;
	return (ssize_t)n;
}

static ssize_t
next(void *ctx, uint8_t *to, size_t max)
{
	struct export *x = ctx;
	struct error e;
	ssize_t n;

	while ((n = export_give(&x->made, to, max, &e)) == 0) {
		if (x->begun && x->last)
			return 0;
		if (fill(x, &e)) {
			n = -1;
			break;
		}
	}
	if (n < 0)
		log_event(LOG_LEVEL_WARNING, "export broken off", "request", x->request.request_id, "account", x->call.who.name, "detail", e.detail,
		          NULL);
	return n;
}

static void
export_free(struct export *x)
{
	free(x->cursor);
	buf_free(&x->made.out);
	arena_free(x->own);
	arena_free(x->page);
	arena_free(x->row);
	free(x);
}

static void
done(void *ctx)
{
	struct export *x = ctx;

	give_place(x->call.api, x->call.who.tenant_id);
	export_free(x);
}

/* --- the handler --- */

static struct export *
export_new(const struct call *c)
{
	struct export *x = xcalloc(1, sizeof *x);

	x->own = arena_new(ARENA_BYTES);
	x->page = arena_new(ARENA_BYTES);
	x->row = arena_new(2 * (size_t)ARENA_BYTES);
	x->made.out = BUF_INIT(PAGE_BYTES);
	x->first = true;
	x->made.until = time(NULL) + LIMIT_EXPORT_SEC;
	x->call = (struct call){.api = c->api, .request = &x->request, .arena = x->own, .resource = c->resource, .route = c->route, .who = c->who,
	                        .listing = true};
	x->call.who.name = arena_strdup(x->own, c->who.name);
	x->call.who.role = NULL;
	return x;
}

static void
set_answer(struct call *c, const struct export *x)
{
	char day[16];
	time_t now = time(NULL);
	struct tm tm;

	strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&now, &tm));
	c->answer->status = 200;
	c->answer->content_type = x->csv ? "text/csv; charset=utf-8; header=present" : "application/json";
	http_answer_header(c->answer, "Content-Disposition",
	                   arena_printf(c->arena, "attachment; filename=\"certificates-%s.%s\"", day, x->csv ? "csv" : "json"));
	http_answer_header(c->answer, "X-Content-Type-Options", "nosniff");
	http_answer_header(c->answer, "X-Accel-Buffering", "no"); /* the edge passes it on as it comes, and keeps none of it */
}

int
export_many(struct call *c, struct error *e)
{
	bool look = strcmp(c->request->method, "HEAD") == 0;
	struct export *x = export_new(c);
	struct http_stream *stream;

	if (parse(x, c->request, e) || take_place(c->api, c->who.tenant_id, !look, e)) {
		export_free(x);
		return -1;
	}
	if (!look && note(c, x, e)) {
		give_place(c->api, c->who.tenant_id);
		export_free(x);
		return -1;
	}
	set_answer(c, x);
	if (look) {
		export_free(x);
		return 0;
	}
	stream = arena_alloc(c->arena, sizeof *stream);
	*stream = (struct http_stream){next, done, x};
	c->answer->stream = stream;
	return 0;
}
