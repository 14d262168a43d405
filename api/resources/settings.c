/* The configuration of the appliance, as siegel.conf(5) has it: to look at. Where secrets lie isn't shown, only whether it is said. */
#include "config.h"
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/jsonapi.h"
#include "api/query.h"
#include "lib/config.h"

#define ANSWER_MAX_BYTES 131072

/* What tells of secrets: their files, their words. */
static const enum option_id hidden[] = {
	OPT_ca_pin_file, OPT_ca_tokens, OPT_ca_master_key_file, OPT_ca_master_key, OPT_ca_ocsp_key_file, OPT_va_ocsp_key_file,
	OPT_scep_webhook_token_file,
};

static bool
is_hidden(int id)
{
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if ((int)hidden[i] == id)
			return true;
	return false;
}

/* What is started anew so that a change holds: the process whose section it is, or all. */
static const char *
service_of(struct arena *a, const char *section)
{
	static const char *const own[] = {"ca", "va", "api", "est", "scep", "acme", "acme_probe", "sched"};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strcmp(own[i], section) == 0)
			return arena_printf(a, "siegel-%s", strcmp(section, "acme_probe") == 0 ? "acme-probe" : section);
	return strcmp(section, "cli") == 0 ? "" : "all";
}

static void
put(struct arena *a, struct json *j, const struct config *c, int id, const char *list)
{
	const struct option_row *o = &option_table[id];
	const char *value = o->type == OPTION_INT ? "" : config_str(c, (enum option_id)id);
	char name[128], number[24];

	snprintf(name, sizeof name, "%s.%s", o->section, o->key);
	if (o->type == OPTION_INT) {
		snprintf(number, sizeof number, "%ld", config_int(c, (enum option_id)id));
		value = number;
	}
	jw_open(j, list);
	jw_text(j, "type", "settings");
	jw_text(j, "id", name);
	jw_open(j, "attributes");
	jw_text(j, "section", o->section);
	jw_text(j, "key", o->key);
	if (is_hidden(id))
		jw_null(j, "value");
	else
		jw_text(j, "value", value);
	jw_bool(j, "set", value[0] != '\0');
	jw_text(j, "default", o->def);
	jw_bool(j, "changed", strcmp(value, o->def) != 0);
	jw_text(j, "text", o->help);
	jw_text(j, "value_type", o->type == OPTION_INT ? "number" : o->type == OPTION_PATH ? "path" : "text");
	if (o->type == OPTION_INT) {
		jw_int(j, "minimum", o->min);
		jw_int(j, "maximum", o->max);
	} else {
		jw_null(j, "minimum");
		jw_null(j, "maximum");
	}
	jw_text(j, "restart", service_of(a, o->section));
	jw_close(j);
	jw_close(j);
}

static int
check_house(struct call *c, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (query_short_list(c->request, e) < 0 || call_db(c, e) < 0 || db_query(c->db, "SELECT works_for_house()", NULL, 0, false, &r, e) < 0)
		return -1;
	return db_bool(r, 0, 0) ? 0 : fail(e, E_FORBIDDEN, "the configuration of the appliance is shown in the house tenant alone");
}

static int
many(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(ANSWER_MAX_BYTES);

	if (check_house(c, e) < 0)
		return -1;
	jsonapi_begin(&j);
	jw_open_array(&j, "data");
	for (int i = 0; i < OPT_COUNT; i++)
		put(c->arena, &j, c->api->config, i, NULL);
	jw_close_array(&j);
	jw_close(&j);
	return call_answer(c, 200, &j, e);
}

static int
one(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(ANSWER_MAX_BYTES);
	char name[128];

	if (check_house(c, e) < 0)
		return -1;
	for (int i = 0; i < OPT_COUNT; i++) {
		snprintf(name, sizeof name, "%s.%s", option_table[i].section, option_table[i].key);
		if (strcmp(name, c->id) != 0)
			continue;
		jsonapi_begin(&j);
		put(c->arena, &j, c->api->config, i, "data");
		jw_close(&j);
		return call_answer(c, 200, &j, e);
	}
	return fail(e, E_NOT_FOUND, "there is no such resource");
}

/* For the description. */
static const struct attribute attributes[] = {
	{"section", NULL, ATTRIBUTE_TEXT},
	{"key", NULL, ATTRIBUTE_TEXT},
	{"value", NULL, ATTRIBUTE_TEXT, 0, "what holds; null where it isn't shown"},
	{"set", NULL, ATTRIBUTE_BOOL, 0, "there is a value"},
	{"default", NULL, ATTRIBUTE_TEXT, 0, "what holds where siegel.conf says nothing"},
	{"changed", NULL, ATTRIBUTE_BOOL, 0, "it isn't the default"},
	{"text", NULL, ATTRIBUTE_TEXT, 0, "what it is for"},
	{"value_type", NULL, ATTRIBUTE_TEXT, 0, "what its value is", .values = "(number) (text) (path)"},
	{"minimum", NULL, ATTRIBUTE_INT, 0, "of a number"},
	{"maximum", NULL, ATTRIBUTE_INT, 0, "of a number"},
	{"restart", NULL, ATTRIBUTE_TEXT, 0, "the service that is started anew so that a change holds; all; empty: none"},
};

static const struct route routes[] = {
	{"GET", "/settings", RIGHT_KEY_STORES, many, .flags = ROUTE_LIST,
	 .text = "what siegel.conf says, and what holds where it says nothing; in the house tenant alone"},
	{"GET", "/settings/{id}", RIGHT_KEY_STORES, one, .text = "shows the one of that name, such as sched.seal_sec"},
};

const struct resource resource_settings = {
	.path = "settings",
	.types = {"settings"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
