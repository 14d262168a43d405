/* The API's description in OpenAPI 3.1, made from the same tables as the API itself: for programs that make clients of it, and for the help
 * of siegelctl. */
#include "config.h"
#include "api/api.h"

#include <stdio.h>
#include <string.h>

#include "api/jsonapi.h"
#include "api/list.h"
#include "api/rights.h"
#include "api/router.h"
#include "api/schemas.h" /* structures: the files of api/schemas/, by their names */
#include "api/write.h"
#include "lib/limits.h"

#define JSON_REF __attribute__((cleanup(json_free_p)))

static void
json_free_p(json_t **p)
{
	json_decref(*p);
}

/* --- schemas --- */

static json_t *
schema_of(enum attribute_type type)
{
	switch (type) {
	case ATTRIBUTE_INT:
		return json_pack("{s:s}", "type", "integer");
	case ATTRIBUTE_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case ATTRIBUTE_TIME:
		return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
	case ATTRIBUTE_TEXTS:
		return json_pack("{s:s,s:{s:s}}", "type", "array", "items", "type", "string");
	case ATTRIBUTE_METADATA:
		return json_pack("{s:s,s:{s:s}}", "type", "object", "additionalProperties", "type", "string");
	case ATTRIBUTE_HEX:
	case ATTRIBUTE_SHA256:
		return json_pack("{s:s,s:s}", "type", "string", "pattern", "^([0-9a-f]{2})*$");
	case ATTRIBUTE_PEM:
	case ATTRIBUTE_PEMS:
		return json_pack("{s:s,s:s}", "type", "string", "contentMediaType", "application/x-pem-file");
	case ATTRIBUTE_JSON:
		return json_object(); /* anything */
	default:
		return json_pack("{s:s}", "type", "string");
	}
}

/* The texts that there are, or NULL when it may be any. written: without those in brackets, which are only shown. */
static json_t *
values_of(const struct attribute *at, bool written)
{
	const struct choice *choice = at->by ? at->by->choices : NULL;
	const char *word = at->values;
	json_t *list;

	if (!word && !choice)
		return NULL;
	list = json_array();
	for (; !word && choice->name; choice++)
		json_array_append_new(list, json_string(choice->name));
	while (word && *word) {
		size_t len = strcspn(word, " "), bracket = *word == '(';

		if (!bracket || !written)
			json_array_append_new(list, json_stringn(word + bracket, len - 2 * bracket));
		word += len + (word[len] == ' ');
	}
	return list;
}

/* What is the same of an attribute wherever it stands. */
static json_t *
attribute_schema(const struct attribute *at, bool written)
{
	json_t *schema = schema_of(at->type), *values = values_of(at, written), *item = json_object_get(schema, "items");

	if (values)
		json_object_set_new(item ? item : schema, "enum", values);
	if (at->schema) {
		char ref[128];

		snprintf(ref, sizeof ref, "#/components/schemas/%s", at->schema);
		json_object_set_new(schema, "$ref", json_string(ref));
	}
	if (at->text)
		json_object_set_new(schema, "description", json_string(at->text));
	if (at->of)
		json_object_set_new(schema, "x-siegel-resource", json_string(at->of));
	if (at->flags & ATTRIBUTE_LINES)
		json_object_set_new(schema, "contentMediaType", json_string("text/plain"));
	return schema;
}

static void
mark(json_t *schema, const char *word, bool so)
{
	if (so)
		json_object_set_new(schema, word, json_true());
}

/* How a list can be asked for it. */
static void
mark_flags(json_t *schema, unsigned flags)
{
	mark(schema, "x-siegel-filter", flags & ATTRIBUTE_FILTER);
	mark(schema, "x-siegel-sort", flags & ATTRIBUTE_SORT);
	mark(schema, "x-siegel-on-request", flags & ATTRIBUTE_ON_REQUEST);
}

/* One that is shown. */
static void
add_shown(json_t *properties, const struct attribute *at, bool once)
{
	json_t *schema = attribute_schema(at, false);

	mark(schema, "readOnly", once || !(at->flags & ATTRIBUTE_WRITE));
	mark(schema, "x-siegel-once", once);
	mark_flags(schema, at->flags);
	json_object_set_new(properties, at->name, schema);
}

/* One that is sent. */
static void
add_input(json_t *properties, const struct attribute *at)
{
	json_t *schema = attribute_schema(at, true);

	if (at->flags & ATTRIBUTE_SECRET) {
		json_object_set_new(schema, "format", json_string("password"));
		json_object_set_new(schema, "writeOnly", json_true());
	}
	json_object_set_new(properties, at->name, schema);
}

/* An object with just these attributes; flag 0: all of them. */
static void
add_inputs(json_t *properties, json_t *required, const struct attribute *list, int n, unsigned flag)
{
	for (int i = 0; i < n; i++) {
		if (flag && !(list[i].flags & flag))
			continue;
		add_input(properties, &list[i]);
		if (list[i].flags & ATTRIBUTE_REQUIRED && flag != ATTRIBUTE_UPDATE)
			json_array_append_new(required, json_string(list[i].name));
	}
}

/* The attributes that a request has: of an action its members, else what the resource lets be written. */
static json_t *
request_attributes(const struct resource *res, const struct route *route)
{
	json_t *properties = json_object(), *required = json_array(), *wanted = json_array(), *schema;
	unsigned flag = route->handle == write_create ? ATTRIBUTE_CREATE : route->handle == write_update ? ATTRIBUTE_UPDATE : 0;

	add_inputs(properties, required, route->members, route->n_members, 0);
	if (flag) {
		add_inputs(properties, required, res->attributes, res->n_attributes, flag);
		add_inputs(properties, required, res->inputs, res->n_inputs, flag);
	}
	for (int i = 0; flag && i < res->n_relationships; i++) {
		const struct relationship *rel = &res->relationships[i];

		if (rel->flags & flag)
			json_object_set_new(properties, rel->name,
			                    json_pack("{s:s,s:s,s:s,s:b}", "type", "string", "description",
			                              "name of one of them; or as a relationship", "x-siegel-resource", rel->type,
			                              "x-siegel-relationship", true));
		if (rel->flags & ATTRIBUTE_REQUIRED && flag == ATTRIBUTE_CREATE)
			json_array_append_new(wanted, json_string(rel->name));
	}
	schema = json_pack("{s:s,s:o,s:o,s:b}", "type", "object", "properties", properties, "required", required, "additionalProperties", false);
	if (json_array_size(wanted)) /* as an attribute or as a relationship, which "required" can't say */
		json_object_set(schema, "x-siegel-required-relationships", wanted);
	json_decref(wanted);
	return schema;
}

/* What is shown. */
static json_t *
component(const struct resource *res)
{
	json_t *types = json_array(), *attributes = json_object(), *relationships = json_object();

	for (int i = 0; i < RESOURCE_MAX_TYPES && res->types[i]; i++)
		json_array_append_new(types, json_string(res->types[i]));
	for (int i = 0; i < res->n_attributes; i++)
		add_shown(attributes, &res->attributes[i], false);
	for (int i = 0; i < res->n_once; i++)
		add_shown(attributes, &res->once[i], true);
	for (int i = 0; i < res->n_relationships; i++) {
		const struct relationship *rel = &res->relationships[i];
		json_t *schema = json_pack("{s:s,s:s}", "$ref", "#/components/schemas/relationship", "x-siegel-resource", rel->type);

		mark_flags(schema, rel->flags);
		json_object_set_new(relationships, rel->name, schema);
	}
	return json_pack("{s:s,s:{s:{s:o},s:{s:s},s:{s:s,s:o},s:{s:s,s:o}},s:[s,s]}", "type", "object", "properties", "type", "enum", types, "id",
	                 "type", "string", "attributes", "type", "object", "properties", attributes, "relationships", "type", "object",
	                 "properties", relationships, "required", "type", "id");
}

static json_t *
content(json_t *schema)
{
	return json_pack("{s:{s:o}}", JSONAPI_MEDIA_TYPE, "schema", schema);
}

/* --- requests --- */

static bool
has_document(const struct route *route)
{
	return !route->raw_bytes && (strcmp(route->method, "POST") == 0 || strcmp(route->method, "PATCH") == 0);
}

static json_t *
request_body(const struct resource *res, const struct route *route)
{
	bool update = route->handle == write_update, action = strchr(route->pattern + 1, '/') && !update;
	json_t *data = json_object(), *required = json_array();

	if (route->raw_bytes)
		return json_pack("{s:b,s:{s:{}}}", "required", true, "content", "application/octet-stream");
	json_object_set_new(data, "type", json_pack("{s:s}", "const", action ? strrchr(route->pattern, '/') + 1 : res->types[0]));
	json_array_append_new(required, json_string("type"));
	if (update) {
		json_object_set_new(data, "id", json_pack("{s:s}", "type", "string"));
		json_array_append_new(required, json_string("id"));
	}
	json_object_set_new(data, "attributes", request_attributes(res, route));
	if (route->handle == write_create || update)
		json_object_set_new(data, "relationships", json_pack("{s:s,s:{s:s}}", "type", "object", "additionalProperties", "$ref",
		                                                     "#/components/schemas/relationship"));
	return json_pack("{s:b,s:o}", "required", !action, "content",
	                 content(json_pack("{s:s,s:{s:{s:s,s:o,s:o}},s:[s]}", "type", "object", "properties", "data", "type", "object", "properties",
	                                   data, "required", required, "required", "data")));
}

static void
add_parameter(json_t *list, const char *in, const char *name, json_t *schema, bool required, const char *text)
{
	json_t *p = json_pack("{s:s,s:s,s:o}", "in", in, "name", name, "schema", schema);

	if (required)
		json_object_set_new(p, "required", json_true());
	if (text)
		json_object_set_new(p, "description", json_string(text));
	json_array_append_new(list, p);
}

/* It is shown: as a table of the store, or as its file says. */
static bool
has_schema(const struct resource *res)
{
	return res->n_attributes > 0;
}

static void
add_list_parameters(struct arena *a, json_t *list, const struct resource *res, bool pages)
{
	const char *sorts = "id";

	for (int i = 0; i < res->n_attributes; i++) {
		const struct attribute *at = &res->attributes[i];
		bool metadata = at->type == ATTRIBUTE_METADATA, text = metadata || at->type == ATTRIBUTE_TEXTS;

		if (at->flags & ATTRIBUTE_FILTER)
			add_parameter(list, "query", arena_printf(a, "filter[%s%s]", at->name, metadata ? ".KEY" : ""),
			              schema_of(text ? ATTRIBUTE_TEXT : at->type), false, metadata ? "KEY: one of its keys" : at->text);
		if (at->flags & ATTRIBUTE_SORT)
			sorts = arena_printf(a, "%s, %s", sorts, at->name);
	}
	for (int i = 0; i < res->n_relationships; i++)
		if (res->relationships[i].flags & ATTRIBUTE_FILTER)
			add_parameter(list, "query", arena_printf(a, "filter[%s]", res->relationships[i].name), schema_of(ATTRIBUTE_INT), false,
			              "its id");
	add_parameter(list, "query", "sort", schema_of(ATTRIBUTE_TEXT), false,
	              arena_printf(a, "%s; with a minus before it: the other way round", sorts));
	if (!pages)
		return;
	add_parameter(list, "query", "page[size]", schema_of(ATTRIBUTE_INT), false, arena_printf(a, "1 to %d", LIMIT_PAGE_SIZE));
	add_parameter(list, "query", "page[after]", schema_of(ATTRIBUTE_TEXT), false, "a cursor: follow links.next");
}

static json_t *
parameters(struct arena *a, const struct resource *res, const struct route *route)
{
	json_t *list = json_array();
	bool look = route->handle == list_many || route->handle == list_one;

	if (strstr(route->pattern, "{id}"))
		add_parameter(list, "path", "id", schema_of(ATTRIBUTE_TEXT), true, NULL);
	if (route->handle == list_many || route->flags & ROUTE_FILE)
		add_list_parameters(a, list, res, !(route->flags & ROUTE_FILE));
	for (int i = 0; look && i < RESOURCE_MAX_TYPES && res->types[i]; i++)
		add_parameter(list, "query", arena_printf(a, "fields[%s]", res->types[i]), schema_of(ATTRIBUTE_TEXT), false,
		              "these fields alone, separated by commas");
	if (look && res->n_relationships)
		add_parameter(list, "query", "include", schema_of(ATTRIBUTE_TEXT), false,
		              "relationships whose other ends come along, separated by commas");
	if (route->flags & ROUTE_CREATES)
		add_parameter(list, "header", "Idempotency-Key", schema_of(ATTRIBUTE_TEXT), false,
		              "a repetition with the same key gets the same certificate");
	if (route->handle == write_update)
		add_parameter(list, "header", "If-Match", schema_of(ATTRIBUTE_TEXT), false, "the ETag that the change rests on");
	for (int i = 0; (route->raw_bytes || route->flags & ROUTE_FILE) && i < route->n_members; i++)
		add_parameter(list, "query", route->members[i].name, schema_of(route->members[i].type), route->members[i].flags & ATTRIBUTE_REQUIRED,
		              route->members[i].text);
	return list;
}

/* --- answers --- */

static json_t *
responses(struct arena *a, const struct resource *res, const struct route *route)
{
	json_t *all = json_object(), *ok = json_pack("{s:s}", "description", "done"), *ref;
	bool makes = route->handle == write_create || route->flags & (ROUTE_CREATES | ROUTE_MADE);
	const char *status = strcmp(route->method, "DELETE") == 0 ? "204" : makes ? "201" : "200";

	json_object_set_new(all, "default", json_pack("{s:s}", "$ref", "#/components/responses/errors"));
	if (route->operation || route->flags & (ROUTE_CREATES | ROUTE_WAITS | ROUTE_JOB))
		json_object_set_new(all, "202", json_pack("{s:s}", "description", "it waits for an approval, or a job does it: Location says which"));
	if (route->flags & ROUTE_ELSEWHERE)
		json_object_set_new(all, "303", json_pack("{s:s}", "description", "Location says where it goes on"));
	if (route->flags & (ROUTE_JOB | ROUTE_ELSEWHERE)) {
		json_decref(ok);
		return all;
	}
	if (has_schema(res) && !(route->flags & (ROUTE_RESULT | ROUTE_FILE)) && strcmp(status, "204") != 0) {
		ref = json_pack("{s:s}", "$ref", arena_printf(a, "#/components/schemas/%s", res->path));
		if (route->handle == list_many || route->flags & ROUTE_LIST)
			ref = json_pack("{s:s,s:o}", "type", "array", "items", ref);
		json_object_set_new(ok, "content", content(json_pack("{s:s,s:{s:o}}", "type", "object", "properties", "data", ref)));
	}
	if (route->flags & ROUTE_PAGE)
		json_object_set_new(ok, "content", json_pack("{s:{s:{s:s}}}", "text/html", "schema", "type", "string"));
	if (route->flags & ROUTE_FILE)
		json_object_set_new(ok, "content", json_pack("{s:{s:{s:s}},s:{s:{s:s}}}", "text/csv", "schema", "type", "string",
		                                             "application/json", "schema", "type", "array"));
	if (route->flags & ROUTE_CREATES)
		json_object_set(all, "200", ok); /* a repetition */
	json_object_set_new(all, status, ok);
	return all;
}

static const char *
summary(const struct route *route)
{
	static const struct {
		int (*handle)(struct call *c, struct error *e);
		const char *text;
	} known[] = {
		{list_many, "lists them"}, {list_one, "shows one"}, {write_create, "makes one"}, {write_update, "changes one"},
		{write_delete, "deletes one"},
	};

	for (size_t i = 0; !route->text && i < ARRAY_LEN(known); i++)
		if (known[i].handle == route->handle)
			return known[i].text;
	return route->text ? route->text : strrchr(route->pattern, '/') + 1;
}

static json_t *
operation(struct arena *a, const struct resource *res, const struct route *route)
{
	json_t *o = json_pack("{s:s,s:[s],s:o,s:o,s:s}", "summary", summary(route), "tags", res->path, "parameters", parameters(a, res, route),
	                      "responses", responses(a, res, route), "x-siegel-right", right_word(route->right));

	if (route->handle == list_many)
		json_object_set_new(o, "x-siegel-default-sort", json_string(res->default_sort ? res->default_sort : "-id"));
	if (route->flags & ROUTE_OWN)
		json_object_set_new(o, "x-siegel-own", json_true());
	if (has_document(route) || route->raw_bytes)
		json_object_set_new(o, "requestBody", request_body(res, route));
	if (route->right == RIGHT_PUBLIC)
		json_object_set_new(o, "security", json_array());
	if (route->right == RIGHT_BASIC)
		json_object_set_new(o, "security", json_pack("[{s:[]}]", "basic"));
	return o;
}

/* --- the document --- */

static json_t *
paths(struct arena *a)
{
	json_t *all = json_object();
	char method[8];

	for (const struct resource *const *r = resource_list; *r; r++) {
		for (int i = 0; i < (*r)->n_routes; i++) {
			const struct route *route = &(*r)->routes[i];
			json_t *item = json_object_get(all, route->pattern);
			size_t n = 0;

			for (; n < sizeof method - 1 && route->method[n]; n++)
				method[n] = (char)(route->method[n] - 'A' + 'a');
			method[n] = '\0';
			if (!item)
				json_object_set_new(all, route->pattern, item = json_object());
			json_object_set_new(item, method, operation(a, *r, route));
		}
	}
	return all;
}

static json_t *
components(void)
{
	json_t *schemas = json_loads(structures, 0, NULL);

	for (const struct resource *const *r = resource_list; *r; r++)
		if (has_schema(*r))
			json_object_set_new(schemas, (*r)->path, component(*r));
	json_object_set_new(schemas, "relationship",
	                    json_pack("{s:s,s:{s:{s:[s,s],s:{s:{s:s},s:{s:s}}}}}", "type", "object", "properties", "data", "type", "object", "null",
	                              "properties", "type", "type", "string", "id", "type", "string"));
	json_object_set_new(schemas, "errors",
	                    json_pack("{s:s,s:{s:{s:s,s:{s:s,s:{s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:o}}}}}", "type", "object",
	                              "properties", "errors", "type", "array", "items", "type", "object", "properties", "id", "type", "string",
	                              "status", "type", "string", "code", "type", "string", "title", "type", "string", "detail", "type",
	                              "string", "source", "type", "object", "meta",
	                              json_pack("{s:s,s:s,s:{s:{s:s},s:{s:s,s:{s:s}},s:{s:s}}}", "type", "object", "description",
	                                        "detail without its values, which are {1}, {2}, …, and these; message_de: what the rule of a policy "
	                                        "that refuses says in German, {1} being its message",
	                                        "properties", "text", "type", "string", "values", "type", "array", "items", "type", "string",
	                                        "message_de", "type", "string")));
	return json_pack("{s:o,s:{s:{s:s,s:o}},s:{s:{s:s,s:s},s:{s:s,s:s},s:{s:s},s:{s:s,s:s,s:s}}}", "schemas", schemas, "responses", "errors",
	                 "description",
	                 "what was wrong", "content", content(json_pack("{s:s}", "$ref", "#/components/schemas/errors")), "securitySchemes", "token",
	                 "type", "http", "scheme", "bearer", "basic", "type", "http", "scheme", "basic", "certificate", "type", "mutualTLS",
	                 "session", "type", "apiKey", "in", "cookie", "name", SESSION_COOKIE);
}

static json_t *
describe(struct arena *a, const char *base_url)
{
	const char *server = arena_printf(a, "%s%s", base_url, API_PREFIX);

	return json_pack("{s:s,s:{s:s,s:s},s:[{s:s}],s:[{s:[]},{s:[]},{s:[]}],s:o,s:o}", "openapi", "3.1.0", "info", "title",
	                 "Siegel: certification authority", "version", "2.0", "servers", "url", server, "security", "token", "certificate", "session",
	                 "paths", paths(a), "components", components());
}

void
openapi_print(void)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	JSON_REF json_t *doc = describe(a, "");

	json_dumpf(doc, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	putchar('\n');
}

static int
get(struct call *c, struct error *e)
{
	JSON_REF json_t *doc = describe(c->arena, c->api->base_url);
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	if (!text)
		return fail(e, E_INTERNAL, "the description can't be written");
	c->answer->status = 200;
	c->answer->content_type = "application/json";
	c->answer->body = (struct bytes){arena_dup(c->arena, text, strlen(text)), strlen(text)};
	http_answer_header(c->answer, "Cache-Control", "max-age=60");
	free(text);
	return 0;
}

static const struct route routes[] = {{"GET", "/openapi.json", RIGHT_PUBLIC, get, .text = "this description of the API, in OpenAPI 3.1"}};

const struct resource resource_openapi = {
	.path = "openapi.json",
	.types = {"openapi"},
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
