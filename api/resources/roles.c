/* Roles: the ready ones, which all tenants have, and those that the tenant made of single rights. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"name", "r.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED, "small letters, digits and _"},
	{"title", "r.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE, "its name for people"},
	{"rights", "r.rights", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED, "words of GET /rights", .of = "rights"},
	{"profiles", "r.profiles", ATTRIBUTE_TEXTS, ATTRIBUTE_WRITE, "names of the profiles by which certificates.own may ask", .of = "profiles"},
	{"sign_in", "r.sign_in", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE,
	 "by what its accounts have to sign in: any (also by a password with a second factor, or a token), passkey (or a certificate),"
	 " certificate (alone); changed over a session that proved lately who sits there",
	 .values = "any passkey certificate"},
	{"ready", "(r.tenant_id IS NULL)", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER, "one that all tenants have and nobody changes"},
	OWNERSHIP_ATTRIBUTES("r"),
	{"version", "r.version", ATTRIBUTE_INT, 0},
	{"created_at", "r.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct route routes[] = {
	{"GET", "/roles", RIGHT_READ, list_many},
	{"GET", "/roles/{id}", RIGHT_READ, list_one},
	{"POST", "/roles", RIGHT_ACCOUNTS, write_create, "role.create"},
	{"PATCH", "/roles/{id}", RIGHT_ACCOUNTS, write_update, "role.update"},
	{"DELETE", "/roles/{id}", RIGHT_ACCOUNTS, write_delete, "role.delete"},
};

const struct resource resource_roles = {
	.path = "roles",
	.types = {"roles"},
	.from = "role r",
	.id_sql = "r.id",
	.id_where = "r.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.default_sort = "name",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
