#include "config.h"
#include "api/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jsonapi.h"
#include "api/list.h"
#include "lib/limits.h"

#define ANSWER_MAX_BYTES (LIMIT_FRAME_BYTES * 2) /* the engine's result, written anew */
#define JSON_REF __attribute__((cleanup(json_free_p)))

static void
json_free_p(json_t **p)
{
	json_decref(*p);
}

/* --- the body --- */

static const struct attribute *
find(const struct attribute *list, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static const struct relationship *
find_relationship(const struct resource *res, const char *name)
{
	for (int i = 0; i < res->n_relationships; i++)
		if (strcmp(res->relationships[i].name, name) == 0)
			return &res->relationships[i];
	return NULL;
}

static int
refuse_read_only(const char *at, struct error *e)
{
	return fail_at(e, E_BAD_VALUE, at, "the attribute is read-only: the server sets it, or it is set once at the beginning");
}

/* A relationship may come as an attribute too, by the other's name: "ca": "issuing". */
static int
check_attribute(const struct resource *res, const char *name, unsigned flag, struct error *e)
{
	const struct attribute *shown = find(res->attributes, res->n_attributes, name), *input = find(res->inputs, res->n_inputs, name);
	const struct relationship *rel = find_relationship(res, name);
	char at[96];

	document_pointer(at, name);
	if ((shown && shown->flags & flag) || (input && input->flags & flag) || (rel && rel->flags & flag))
		return 0;
	if (shown || input || rel)
		return refuse_read_only(at, e);
	return fail_at(e, E_BAD_VALUE, at, "there is no such attribute");
}

/* The name of what a relationship points at, or its id where it has no name. What can't be seen isn't there (R05). */
static int
resolve(struct call *c, const struct relationship *rel, const char *id, const char *at, json_t **ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct resource *res = resource_find(rel->type);
	const struct attribute *name = res ? find(res->attributes, res->n_attributes, "name") : NULL;

	if (!res || !res->valid_id(id))
		return fail_at(e, E_NOT_FOUND, at, "there is no such resource");
	if (call_db(c, e) ||
	    db_query_text(c->db,
	                  arena_printf(c->arena, "SELECT %s FROM %s WHERE %s AND %s", name ? name->sql : res->id_sql, res->from,
	                               res->where ? res->where : "true", res->id_where),
	                  (struct db_param[]){DB_TEXT(id)}, 1, &r, e))
		return -1;
	if (db_rows(r) != 1)
		return fail_at(e, E_NOT_FOUND, at, "there is no such resource");
	*ret = name ? json_string(db_text(r, 0, 0)) : id_is_number(id) ? json_integer(strtoll(id, NULL, 10)) : json_string(id);
	return 0;
}

static int
add_relationship(struct call *c, const char *name, const json_t *value, unsigned flag, json_t *body, struct error *e)
{
	const struct relationship *rel = find_relationship(c->resource, name);
	const json_t *data = json_object_get(value, "data"), *type = json_object_get(data, "type"), *id = json_object_get(data, "id");
	json_t *member = NULL;
	char at[96] = "/data/relationships";

	if (!rel)
		return fail_at(e, E_BAD_VALUE, at, "there is no such relationship");
	snprintf(at, sizeof at, "/data/relationships/%.60s", name);
	if (!(rel->flags & flag))
		return fail_at(e, E_BAD_VALUE, at, "the relationship is read-only: the server sets it, or it is set once at the beginning");
	if (json_object_get(body, name))
		return fail_at(e, E_BAD_VALUE, at, "%s comes twice, as an attribute and as a relationship", name);
	if (json_is_null(data)) {
		json_object_set_new(body, name, json_null());
		return 0;
	}
	if (!json_is_string(type) || !json_is_string(id))
		return fail_at(e, E_MALFORMED, at, "a relationship has data with a type and an id, or null");
	if (strcmp(json_string_value(type), rel->type) != 0)
		return fail_at(e, E_CONFLICT, at, "the type is %s here", rel->type);
	if (resolve(c, rel, json_string_value(id), at, &member, e))
		return -1;
	json_object_set_new(body, name, member);
	return 0;
}

int
write_body(struct call *c, const struct document *d, bool create, json_t **ret, struct error *e)
{
	JSON_REF json_t *body = json_object();
	unsigned flag = create ? ATTRIBUTE_CREATE : ATTRIBUTE_UPDATE;
	const char *name;
	json_t *value;

	json_object_foreach(d->attributes, name, value) {
		if (check_attribute(c->resource, name, flag, e))
			return -1;
		json_object_set(body, name, value);
	}
	json_object_foreach(d->relationships, name, value)
		if (add_relationship(c, name, value, flag, body, e))
			return -1;
	*ret = json_incref(body);
	return 0;
}

/* --- the engine --- */

/* The engine names a member of the body; the client is told where that stood in its document. */
static void
map_pointer(const struct document *d, struct error *e)
{
	char member[sizeof e->pointer];

	if (!e->pointer[0] || strchr("/?:", e->pointer[0]))
		return;
	memcpy(member, e->pointer, sizeof member);
	if (d && json_object_get(d->relationships, member))
		snprintf(e->pointer, sizeof e->pointer, "/data/relationships/%.60s", member);
	else
		snprintf(e->pointer, sizeof e->pointer, "/data/attributes/%.70s", member);
}

/* What can't be seen isn't there, whatever else is wrong with the request: the engine would say so too, but after it looked at the body. */
int
write_check_there(struct call *c, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct resource *res = c->resource;

	if (!res->valid_id(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	if (call_db(c, e) ||
	    db_query_text(c->db,
	                  arena_printf(c->arena, "SELECT 1 FROM %s WHERE %s AND %s", res->from, res->where ? res->where : "true", res->id_where),
	                  (struct db_param[]){DB_TEXT(c->id)}, 1, &r, e))
		return -1;
	return db_rows(r) ? 0 : fail(e, E_NOT_FOUND, "there is no such resource");
}

/* What is written is asked for in whole: the answer's shape has no options. */
static int
check_request(struct call *c, bool query, struct error *e)
{
	if (!query && c->request->n_query)
		return fail_at(e, E_MALFORMED, arena_printf(c->arena, "?%.80s", c->request->query[0].name), "there are no query parameters here");
	/* A certificate is made once for each key; other objects have names for that. What isn't kept isn't promised. */
	if (http_header_get(c->request, "Idempotency-Key"))
		return fail_at(e, E_UNSUPPORTED, ":Idempotency-Key", "this address takes no Idempotency-Key");
	return c->id ? write_check_there(c, e) : 0;
}

/* One operation. *ret is the reply, freed by the caller with engine_reply_free(). */
static int
ask(struct call *c, const char *operation, const json_t *body, int version, struct bytes content, Siegel__Reply **ret, struct error *e)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Manage manage;
	Siegel__Requestor requestor;
	char *text = json_dumps(body, JSON_COMPACT);
	int result;

	siegel__manage__init(&manage);
	call_requestor(c, &requestor);
	manage.requestor = &requestor;
	manage.operation = (char *)(uintptr_t)operation;
	manage.id = c->id && id_is_number(c->id) ? strtoll(c->id, NULL, 10) : 0;
	manage.body = text;
	manage.version = version;
	manage.content = (ProtobufCBinaryData){content.len, (uint8_t *)(uintptr_t)content.data};
	request.operation_case = SIEGEL__REQUEST__OPERATION_MANAGE;
	request.manage = &manage;
	call_release_db(c);
	result = engine_call(strncmp(operation, "login.", 6) == 0 ? call_login(c) : call_manager(c), &request, ret, e);
	explicit_bzero(text, strlen(text)); /* it may hold a secret */
	free(text);
	if (result == 0 && ((*ret)->result_case != SIEGEL__REPLY__RESULT_MANAGED)) {
		engine_reply_free(*ret);
		return fail(e, E_INTERNAL, "the engine's reply isn't one to this request");
	}
	return result;
}

int
write_ask(struct call *c, const char *operation, const json_t *body, json_t **ret, struct error *e)
{
	Siegel__Reply *reply = NULL;
	int result = 0;

	if (ask(c, operation, body, 0, (struct bytes){0}, &reply, e))
		return -1;
	*ret = reply->managed->result && *reply->managed->result ? json_loads(reply->managed->result, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (reply->managed->approval_id || reply->managed->job_id)
		result = fail(e, E_UNAVAILABLE, "it isn't done yet: others have to approve it");
	engine_reply_free(reply);
	return result;
}

/* --- the answer --- */

/* Another resource in place of this route's: what the operation waits for. */
static int
show(struct call *c, const struct resource *res, int64_t id, int status, bool location, struct error *e)
{
	c->resource = res;
	c->id = arena_printf(c->arena, "%lld", (long long)id);
	if (list_one(c, e))
		return -1;
	c->answer->status = status;
	if (location)
		http_answer_header(c->answer, "Location", call_link(c, res->path, c->id));
	return 0;
}

static int
show_result(struct call *c, const json_t *result, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(ANSWER_MAX_BYTES);
	char *text = json_dumps(result ? result : json_null(), JSON_COMPACT | JSON_ENCODE_ANY);

	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", strrchr(c->route->pattern, '/') + 1);
	jw_text(&j, "id", c->id ? c->id : c->request->request_id);
	jw_raw(&j, "attributes", json_is_object(result) ? text : "{}");
	jw_close(&j);
	jw_close(&j);
	explicit_bzero(text, strlen(text));
	free(text);
	return call_answer(c, 200, &j, e);
}

static int
answer(struct call *c, const Siegel__Managed *m, struct error *e)
{
	JSON_REF json_t *result = NULL;
	bool create = c->route->handle == write_create;

	if (m->approval_id)
		return show(c, resource_find("approvals"), m->approval_id, 202, true, e);
	if (m->job_id)
		return show(c, resource_find("jobs"), m->job_id, 202, true, e);
	if (c->route->handle == write_delete) {
		c->answer->status = 204;
		return 0;
	}
	if (m->result && *m->result) {
		result = json_loads(m->result, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(result))
			return fail(e, E_INTERNAL, "the engine's result isn't a JSON object");
		c->answer->secret = true; /* it is shown this once: never cached, and wiped */
	}
	if (c->route->flags & ROUTE_RESULT)
		return show_result(c, result, e);
	c->once = result;
	return show(c, c->resource, m->id, create ? 201 : 200, create, e);
}

/* Asks, answers. d: the document, for the place of a fault; NULL without one. */
static int
carry_out(struct call *c, const char *operation, const struct document *d, const json_t *body, int version, struct error *e)
{
	Siegel__Reply *reply = NULL;
	int result;

	if (ask(c, operation, body, version, (struct bytes){0}, &reply, e)) {
		map_pointer(d, e);
		return -1;
	}
	result = answer(c, reply->managed, e);
	engine_reply_free(reply);
	return result;
}

int
write_operation(struct call *c, const char *operation, const json_t *body, struct error *e)
{
	return carry_out(c, operation, NULL, body, 0, e);
}

/* --- handlers --- */

int
write_create(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	JSON_REF json_t *body = NULL;

	if (check_request(c, false, e) || document_parse_for(c->request->body, c->resource->types[0], NULL, &d, e) ||
	    write_body(c, &d, true, &body, e))
		return -1;
	return carry_out(c, c->route->operation, &d, body, 0, e);
}

/* If-Match with the entity tag of GET (RFC 9110 13.1.1), or the attribute version as it was read, which is taken out of the document. */
static int
take_version(const struct call *c, struct document *d, int *ret, struct error *e)
{
	const char *match = http_header_get(c->request, "If-Match");
	int64_t version = 0;

	if (find(c->resource->attributes, c->resource->n_attributes, "version")) {
		if (document_int(d, "version", 1, INT32_MAX, &version, e))
			return -1;
		json_object_del(d->attributes, "version");
	}
	if (match && strcmp(match, "*") != 0) {
		char *end;
		long tag = match[0] == '"' ? strtol(match + 1, &end, 10) : 0;

		if (tag < 1 || tag > INT32_MAX || strcmp(end, "\"") != 0)
			return fail_at(e, E_MALFORMED, ":If-Match", "If-Match takes the ETag of the resource, such as \"3\"");
		if (version && version != tag)
			return fail_at(e, E_MALFORMED, ":If-Match", "If-Match and the attribute version say different things");
		version = tag;
	}
	*ret = (int)version;
	return 0;
}

/* The type that the document names, where the resource's members have several: a certificate has that of its kind, and the collection's name stands
 * for any. */
static const char *
type_of(const struct call *c)
{
	JSON_REF json_t *root = c->resource->types[1] ? json_loadb((const char *)c->request->body.data, c->request->body.len, 0, NULL) : NULL;
	const char *said = json_string_value(json_object_get(json_object_get(root, "data"), "type"));

	for (int i = 0; said && i < RESOURCE_MAX_TYPES && c->resource->types[i]; i++)
		if (strcmp(said, c->resource->types[i]) == 0)
			return c->resource->types[i];
	return said && strcmp(said, c->resource->path) == 0 ? c->resource->path : c->resource->types[0];
}

int
write_update(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	JSON_REF json_t *body = NULL;
	int version;

	if (check_request(c, false, e) || document_parse_for(c->request->body, type_of(c), c->id, &d, e) ||
	    take_version(c, &d, &version, e) || write_body(c, &d, false, &body, e))
		return -1;
	return carry_out(c, c->route->operation, &d, body, version, e);
}

int
write_delete(struct call *c, struct error *e)
{
	JSON_REF json_t *body = json_object();

	if (check_request(c, false, e))
		return -1;
	if (c->request->body.len)
		return fail(e, E_MALFORMED, "DELETE has no body");
	return carry_out(c, c->route->operation, NULL, body, 0, e);
}

int
write_action(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	JSON_REF json_t *none = json_object();
	const char *name;
	json_t *value;
	char at[96];
	int version = 0;

	if (check_request(c, false, e))
		return -1;
	if (c->request->body.len && (document_parse(c->request->body, strrchr(c->route->pattern, '/') + 1, &d, e) ||
	                             take_version(c, &d, &version, e)))
		return -1;
	json_object_foreach(d.attributes, name, value) {
		document_pointer(at, name);
		if (!find(c->route->members, c->route->n_members, name))
			return fail_at(e, E_BAD_VALUE, at, "there is no such attribute");
	}
	return carry_out(c, c->route->operation, &d, d.attributes ? d.attributes : none, version, e);
}

int
write_raw(struct call *c, struct error *e)
{
	struct bytes whole = c->request->body;
	size_t offset = 0, piece;
	Siegel__Reply *reply = NULL;
	int result;

	if (check_request(c, true, e))
		return -1;
	if (whole.len == 0)
		return fail(e, E_MALFORMED, "the body is empty");
	do {
		JSON_REF json_t *body = json_object();

		for (int i = 0; i < c->request->n_query; i++) {
			const struct http_header *q = &c->request->query[i];

			if (!find(c->route->members, c->route->n_members, q->name) || json_object_get(body, q->name))
				return fail_at(e, E_MALFORMED, arena_printf(c->arena, "?%.80s", q->name),
				               "there is no such query parameter here, or it comes twice");
			json_object_set_new(body, q->name, json_string(q->value));
		}
		piece = whole.len - offset < LIMIT_CONTENT_BYTES ? whole.len - offset : LIMIT_CONTENT_BYTES;
		json_object_set_new(body, "offset", json_integer((json_int_t)offset));
		json_object_set_new(body, "last", json_boolean(offset + piece == whole.len));
		engine_reply_free(reply);
		reply = NULL;
		if (ask(c, c->route->operation, body, 0, (struct bytes){whole.data + offset, piece}, &reply, e)) {
			if (e->pointer[0] && !strchr("/?:", e->pointer[0]))
				memmove(e->pointer + 1, e->pointer, sizeof e->pointer - 2), e->pointer[0] = '?';
			return -1;
		}
		offset += piece;
	} while (offset < whole.len && !reply->managed->approval_id);
	c->request->n_query = 0; /* it spoke of the file, and says nothing of how the resource is shown */
	result = answer(c, reply->managed, e);
	engine_reply_free(reply);
	return result;
}
