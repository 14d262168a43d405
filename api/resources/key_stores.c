/* Key stores: tokens and encrypted files, as the engine sees them. They aren't rows of the store but of siegel.conf; the same for all tenants. */
#include "config.h"
#include "api/api.h"

#include <string.h>

#include "api/jsonapi.h"
#include "api/query.h"
#include "api/write.h"

#define ANSWER_MAX_BYTES 65536

/* All of them, or the one of that name. */
static int
answer(struct call *c, const char *name, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(ANSWER_MAX_BYTES);
	json_t *result, *store, *none = json_object();
	bool found = false;
	size_t i;

	if (query_short_list(c->request, e) < 0) {
		json_decref(none);
		return -1;
	}
	if (write_ask(c, "key_store.list", none, &result, e) < 0) {
		json_decref(none);
		return -1;
	}
	json_decref(none);
	jsonapi_begin(&j);
	if (!name)
		jw_open_array(&j, "data");
	json_array_foreach(json_object_get(result, "stores"), i, store) {
		const char *id = json_string_value(json_object_get(store, "name"));
		char *text;

		if (!id || (name && strcmp(name, id) != 0))
			continue;
		found = true;
		jw_open(&j, name ? "data" : NULL);
		jw_text(&j, "type", "key_stores");
		jw_text(&j, "id", id);
		text = json_dumps(store, JSON_COMPACT);
		jw_raw(&j, "attributes", text);
		free(text);
		jw_close(&j);
	}
	if (!name)
		jw_close_array(&j);
	jw_close(&j);
	json_decref(result);
	return !name || found ? call_answer(c, 200, &j, e) : fail(e, E_NOT_FOUND, "there is no such resource");
}

static int
many(struct call *c, struct error *e)
{
	return answer(c, NULL, e);
}

static int
one(struct call *c, struct error *e)
{
	return answer(c, c->id, e);
}

static int
rotate(struct call *c, struct error *e)
{
	json_t *body = json_pack("{s:s}", "name", c->id), *result = NULL;
	int done = c->request->body.len ? fail(e, E_MALFORMED, "this takes no body") : write_ask(c, "key_store.rotate", body, &result, e);

	json_decref(body);
	json_decref(result);
	return done < 0 ? -1 : answer(c, c->id, e);
}

/* For the description: as the engine says it. */
static const struct attribute attributes[] = {
	{"name", NULL, ATTRIBUTE_TEXT},
	{"kind", NULL, ATTRIBUTE_TEXT, .values = "token files"},
	{"is_default", NULL, ATTRIBUTE_BOOL, 0, "who names none gets this one"},
	{"present", NULL, ATTRIBUTE_BOOL, 0, "the token is plugged in, the folder is there"},
	{"usable", NULL, ATTRIBUTE_BOOL},
	{"why", NULL, ATTRIBUTE_TEXT, 0, "why it can't be used"},
	{"key_types", NULL, ATTRIBUTE_TEXTS, 0, "of keys that it can make"},
	{"label", NULL, ATTRIBUTE_TEXT},
	{"serial", NULL, ATTRIBUTE_TEXT},
	{"manufacturer", NULL, ATTRIBUTE_TEXT},
	{"model", NULL, ATTRIBUTE_TEXT},
	{"sessions", NULL, ATTRIBUTE_INT, 0, "that are open now"},
	{"sessions_max", NULL, ATTRIBUTE_INT},
};

static const struct route routes[] = {
	{"GET", "/key_stores", RIGHT_READ, many, .flags = ROUTE_LIST,
	 .text = "lists them: whether each is there and can be used, and which keys it can make"},
	{"GET", "/key_stores/{id}", RIGHT_READ, one, .text = "shows the one of that name"},
	{"POST", "/key_stores/{id}/rotate", RIGHT_KEY_STORES, rotate,
	 .text = "makes a new key under which secrets are sealed in a token; older ones go on to open. In the house tenant alone"},
};

const struct resource resource_key_stores = {
	.path = "key_stores",
	.types = {"key_stores"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
