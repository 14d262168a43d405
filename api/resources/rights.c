/* Rights: the list that this program has (lib/rights.def), with what each is for. */
#include "config.h"
#include "api/api.h"

#include "api/jsonapi.h"
#include "api/query.h"

static int
get(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(16384);

	if (query_short_list(c->request, e) < 0)
		return -1;
	jsonapi_begin(&j);
	jw_open_array(&j, "data");
	for (int r = RIGHT_ACCOUNT + 1; r < RIGHT_COUNT; r++) {
		jw_open(&j, NULL);
		jw_text(&j, "type", "rights");
		jw_text(&j, "id", right_word((enum right)r));
		jw_open(&j, "attributes");
		jw_text(&j, "text", right_text((enum right)r));
		jw_bool(&j, "changes", right_changes((enum right)r));
		jw_bool(&j, "yours", c->who.rights & RIGHT_BIT(r));
		jw_close(&j);
		jw_close(&j);
	}
	jw_close_array(&j);
	jw_close(&j);
	return call_answer(c, 200, &j, e);
}

/* For the description. */
static const struct attribute attributes[] = {
	{"text", NULL, ATTRIBUTE_TEXT, 0, "what it is for"},
	{"changes", NULL, ATTRIBUTE_BOOL, 0, "false: it only looks"},
	{"yours", NULL, ATTRIBUTE_BOOL, 0, "who asks has it"},
};

static const struct route routes[] = {{"GET", "/rights", RIGHT_ACCOUNT, get, .flags = ROUTE_LIST, .text = "all rights, and which of them one has"}};

const struct resource resource_rights = {
	.path = "rights",
	.types = {"rights"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
