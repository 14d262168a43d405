/* Tenants: the account's own; in the house tenant all of them. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"name", "t.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED},
	{"title", "t.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE},
	{"is_house", "t.is_house", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER, "the first one, whose administrators manage tenants"},
	{"enabled", "t.enabled", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_UPDATE, "false: nobody of it signs in; what it issued stays in force"},
	OWNERSHIP_ATTRIBUTES("t"),
	{"version", "t.version", ATTRIBUTE_INT, 0},
	{"created_at", "t.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct attribute inputs[] = {
	{"administrator", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "name of its first account; admin when left out"},
	{"email", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "that one's mail address"},
	{"profiles", NULL, ATTRIBUTE_BOOL, ATTRIBUTE_CREATE, "whether it gets the house's profiles; it does when left out"},
};
static const struct attribute once[] = {{"secret", NULL, ATTRIBUTE_TEXT, 0, "the code with which its administrator signs in the first time"}};
static const struct attribute invite[] = {
	{"administrator", NULL, ATTRIBUTE_TEXT, 0, "name of the account; admin when left out"},
	{"email", NULL, ATTRIBUTE_TEXT, 0, "its mail address, when it is made"},
};

static const struct route routes[] = {
	{"GET", "/tenants", RIGHT_READ, list_many},
	{"GET", "/tenants/{id}", RIGHT_READ, list_one},
	{"POST", "/tenants", RIGHT_TENANTS, write_create, "tenant.create"},
	{"PATCH", "/tenants/{id}", RIGHT_TENANTS, write_update, "tenant.update"},
	{"POST", "/tenants/{id}/invite", RIGHT_TENANTS, write_action, "tenant.invite", MEMBERS(invite), ROUTE_RESULT,
	 .text = "gives one of its administrators a code to sign in with; the account is made when it isn't there"},
};

const struct resource resource_tenants = {
	.path = "tenants",
	.types = {"tenants"},
	.from = "tenant t",
	.id_sql = "t.id",
	.id_where = "t.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.inputs = inputs,
	.n_inputs = ARRAY_LEN(inputs),
	.once = once,
	.n_once = ARRAY_LEN(once),
	.default_sort = "name",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
