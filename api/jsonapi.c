/* JSON:API 1.1 (https://jsonapi.org/format/1.1/): the document's shape, media types, errors. */
#include "config.h"
#include "api/jsonapi.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/json_depth.h"
#include "lib/limits.h"

static void
wipe_and_free(void *p)
{
	if (!p)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void
jsonapi_init(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

/* One parameter of a media type: takes "; name=value" off *s. False at the end; *ret_ok false when it is broken. */
static bool
next_parameter(const char **s, const char **ret_name, size_t *ret_len, bool *ret_ok)
{
	const char *p = *s + strspn(*s, " \t");

	if (*p != ';')
		return false;
	p += 1 + strspn(p + 1, " \t");
	*ret_name = p;
	*ret_len = strcspn(p, "=;, \t");
	p += *ret_len;
	*ret_ok = *ret_len > 0 && *p == '=';
	if (*ret_ok) {
		p++;
		if (*p == '"') {
			const char *end = strchr(p + 1, '"');

			*ret_ok = end != NULL;
			p = end ? end + 1 : p + strlen(p);
		} else {
			p += strcspn(p, ";,");
		}
	}
	*s = p;
	return true;
}

static bool
is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

/* Of one media range at *s, up to the comma or the end: whether we can answer in it. A JSON:API type may have the parameter profile
 * (which we don't know and so ignore) and in Accept a weight, and no other: ext would ask for extensions that we don't have. */
static bool
range_fits(const char **s, bool accept, bool *ret_is_jsonapi)
{
	size_t len = strcspn(*s, ";, \t"), name_len;
	const char *name;
	bool fits, ok, any = is_word(*s, len, "*/*") || is_word(*s, len, "application/*") || is_word(*s, len, "application/json");

	*ret_is_jsonapi = is_word(*s, len, JSONAPI_MEDIA_TYPE);
	fits = *ret_is_jsonapi || (accept && any);
	*s += len;
	while (next_parameter(s, &name, &name_len, &ok)) {
		bool weight = accept && is_word(name, name_len, "q");

		if (!ok || (*ret_is_jsonapi && !weight && !is_word(name, name_len, "profile")))
			fits = false;
		if (ok && weight && strtod(name + 2, NULL) <= 0)
			fits = false;
	}
	*s += strspn(*s, " \t");
	return fits;
}

int
jsonapi_check_media(const struct http_request *r, bool raw, struct error *e)
{
	const char *type = http_header_get(r, "Content-Type");
	bool is_jsonapi, fits = false, asked = false;

	if (!raw && (r->body.len > 0 || (type && strcmp(r->method, "POST") == 0))) {
		if (!type || !range_fits(&type, false, &is_jsonapi) || *type)
			return fail_at(e, E_MEDIA_TYPE, ":Content-Type",
			               "the body has to come as " JSONAPI_MEDIA_TYPE " without media type parameters");
	}
	if (raw && (!type || !is_word(type, strcspn(type, "; \t"), "application/octet-stream")))
		return fail_at(e, E_MEDIA_TYPE, ":Content-Type", "the body has to come as application/octet-stream");
	for (int i = 0; i < r->n_headers; i++) {
		const char *s = r->headers[i].value;

		if (strcasecmp(r->headers[i].name, "Accept") != 0)
			continue;
		for (s += strspn(s, " \t,"); *s; s += strspn(s, " \t,")) {
			asked = true;
			fits = range_fits(&s, true, &is_jsonapi) || fits;
			s += strcspn(s, ",");
		}
	}
	if (asked && !fits)
		return fail_at(e, E_NOT_ACCEPTABLE, ":Accept",
		               "answers come as " JSONAPI_MEDIA_TYPE " without media type parameters");
	return 0;
}

/* "The request MUST include a single resource object as primary data. The resource object MUST contain type and id members" for a change;
 * for a new one the server makes the id. */
static int
check_id(const json_t *data, const char *id, struct error *e)
{
	const char *given = json_string_value(json_object_get(data, "id"));

	if (!id)
		return json_object_get(data, "id") ? fail_at(e, E_FORBIDDEN, "/data/id", "ids are made by the server") : 0;
	if (!given)
		return fail_at(e, E_MALFORMED, "/data", "the resource object needs its id, a string");
	return strcmp(given, id) == 0 ? 0 : fail_at(e, E_CONFLICT, "/data/id", "the id isn't the one in the address");
}

static int
check_members(const json_t *data, struct error *e)
{
	static const char *const known[] = {"type", "id", "attributes", "relationships", "links", "meta"};
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)data, name, value) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || strcmp(known[i], name) == 0;
		if (!found)
			return fail_at(e, E_MALFORMED, "/data", "of use in a resource object are type, id, attributes and relationships alone");
	}
	return 0;
}

static int
check_resource(const json_t *data, const char *type, const char *id, bool relationships, struct document *d, struct error *e)
{
	const json_t *t = json_object_get(data, "type"), *attributes = json_object_get(data, "attributes");
	const json_t *related = json_object_get(data, "relationships");

	if (!json_is_object(data))
		return fail_at(e, E_MALFORMED, "/data", "the document needs one resource object in data");
	if (!json_is_string(t))
		return fail_at(e, E_MALFORMED, "/data", "the resource object needs a type, which is %s here", type);
	if (strcmp(json_string_value(t), type) != 0)
		return fail_at(e, E_CONFLICT, "/data/type", "the type is %s here", type);
	if (check_id(data, id, e))
		return -1;
	if (related && !relationships)
		return fail_at(e, E_UNSUPPORTED, "/data/relationships", "relationships can't be set here; use attributes");
	if (attributes && !json_is_object(attributes))
		return fail_at(e, E_MALFORMED, "/data/attributes", "attributes have to be an object");
	if (related && !json_is_object(related))
		return fail_at(e, E_MALFORMED, "/data/relationships", "relationships have to be an object");
	d->attributes = json_object_get(data, "attributes");
	d->relationships = json_object_get(data, "relationships");
	return check_members(data, e);
}

static int
parse(struct bytes body, const char *type, const char *id, bool relationships, struct document *ret, struct error *e)
{
	struct document d = {0};
	json_error_t why;

	if (body.len == 0)
		return fail(e, E_MALFORMED, "the body is empty; a JSON:API document with a resource object of type %s is wanted", type);
	if (json_is_deeper(body, LIMIT_JSON_DEPTH))
		return fail(e, E_MALFORMED, "the document nests deeper than %d", LIMIT_JSON_DEPTH);
	d.root = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, &why);
	if (!d.root)
		return fail(e, E_MALFORMED, "the body isn't JSON: line %d, column %d", why.line, why.column);
	if (!json_is_object(d.root)) {
		document_free(&d);
		return fail(e, E_MALFORMED, "the document has to be an object with data");
	}
	if (check_resource(json_object_get(d.root, "data"), type, id, relationships, &d, e)) {
		document_free(&d);
		return -1;
	}
	*ret = d;
	return 0;
}

int
document_parse(struct bytes body, const char *type, struct document *ret, struct error *e)
{
	return parse(body, type, NULL, false, ret, e);
}

int
document_parse_for(struct bytes body, const char *type, const char *id, struct document *ret, struct error *e)
{
	return parse(body, type, id, true, ret, e);
}

void
document_free(struct document *d)
{
	json_decref(d->root);
	*d = (struct document){0};
}

void
document_pointer(char ret[96], const char *name)
{
	static const char start[] = "/data/attributes";
	size_t n = sizeof start;

	memcpy(ret, start, sizeof start);
	if (strlen(name) > (96 - sizeof start) / 2 - 1)
		return;
	ret[n - 1] = '/';
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			ret[n++] = '~';
		ret[n++] = *name == '~' ? '0' : *name == '/' ? '1' : *name;
	}
	ret[n] = '\0';
}

int
document_text(const struct document *d, const char *name, size_t max_bytes, const char **ret, struct error *e)
{
	const json_t *v = json_object_get(d->attributes, name);
	char at[96];

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	document_pointer(at, name);
	if (!json_is_string(v))
		return fail_at(e, E_BAD_VALUE, at, "%s has to be a string", name);
	if (json_string_length(v) == 0)
		return fail_at(e, E_BAD_VALUE, at, "%s is empty; leave it out instead", name);
	if (json_string_length(v) > max_bytes)
		return fail_at(e, E_BAD_VALUE, at, "%s is longer than %zu bytes", name, max_bytes);
	*ret = json_string_value(v);
	return 0;
}

int
document_int(const struct document *d, const char *name, int64_t min, int64_t max, int64_t *ret, struct error *e)
{
	const json_t *v = json_object_get(d->attributes, name);
	char at[96];

	*ret = 0;
	if (!v || json_is_null(v))
		return 0;
	document_pointer(at, name);
	if (!json_is_integer(v))
		return fail_at(e, E_BAD_VALUE, at, "%s has to be a whole number", name);
	if (json_integer_value(v) < min || json_integer_value(v) > max)
		return fail_at(e, E_BAD_VALUE, at, "%s has to lie between %lld and %lld", name, (long long)min, (long long)max);
	*ret = json_integer_value(v);
	return 0;
}

void
jsonapi_begin(struct json *j)
{
	jw_open(j, NULL);
	jw_raw(j, "jsonapi", "{\"version\":\"1.1\"}");
}

static void
write_source(struct json *j, const char *pointer)
{
	if (!*pointer)
		return;
	jw_open(j, "source");
	if (*pointer == '?')
		jw_text(j, "parameter", pointer + 1);
	else if (*pointer == ':')
		jw_text(j, "header", pointer + 1);
	else
		jw_text(j, "pointer", pointer);
	jw_close(j);
}

/* The text without its values, which are {1}, {2}, …, and these: for programs that say it in another language. */
static void
write_text(struct json *j, const struct error *e)
{
	char text[sizeof(e->detail) + 4 * ERROR_VALUES], value[sizeof(e->detail)];
	size_t n = 0, at = 0;

	for (unsigned i = 0; i < e->n_values; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s{%u}", (int)(e->values[i].at - at), e->detail + at, i + 1);
		at = (size_t)e->values[i].at + e->values[i].len;
	}
	snprintf(text + n, sizeof text - n, "%s", e->detail + at);
	jw_open(j, "meta");
	jw_text(j, "text", text);
	jw_open_array(j, "values");
	for (unsigned i = 0; i < e->n_values; i++) {
		snprintf(value, sizeof value, "%.*s", (int)e->values[i].len, e->detail + e->values[i].at);
		jw_text(j, NULL, value);
	}
	jw_close_array(j);
	if (*e->message_de)
		jw_text(j, "message_de", e->message_de);
	jw_close(j);
}

void
jsonapi_error_answer(const struct http_request *r, const struct error *e, struct http_answer *a)
{
	JSON_CLEANUP struct json j = JSON_INIT(8192);
	int status = error_http_status(e->code);
	char text[12];

	snprintf(text, sizeof text, "%d", status);
	jsonapi_begin(&j);
	jw_open_array(&j, "errors");
	jw_open(&j, NULL);
	jw_text(&j, "id", r->request_id ? r->request_id : "-");
	jw_text(&j, "status", text);
	jw_text(&j, "code", error_name(e->code));
	jw_text(&j, "title", error_title(e->code));
	jw_text(&j, "detail", e->detail);
	write_source(&j, e->pointer);
	write_text(&j, e);
	jw_close(&j);
	jw_close_array(&j);
	jw_close(&j);
	a->status = status;
	a->content_type = JSONAPI_MEDIA_TYPE;
	a->body = (struct bytes){arena_dup(r->arena, j.out.data, j.out.len), j.out.len};
	if (e->retry_after_sec)
		http_answer_header(a, "Retry-After", arena_printf(r->arena, "%u", e->retry_after_sec));
}
