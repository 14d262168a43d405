/* What one may ask for: names and titles of profiles, without their rules. With certificates.own those that the role names. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"name", "p.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"title", "p.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"kind", "p.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "cert_server, cert_client, cert_device or certificate",
	 .values = "cert_server cert_client cert_device certificate"},
};

static const struct route routes[] = {
	{"GET", "/offers", RIGHT_ISSUE, list_many, .flags = ROUTE_OWN},
	{"GET", "/offers/{id}", RIGHT_ISSUE, list_one, .flags = ROUTE_OWN},
};

const struct resource resource_offers = {
	.path = "offers",
	.types = {"offers"},
	.from = "profile p",
	.where = "p.id IN (SELECT unnest(portal_profiles()))",
	.id_sql = "p.id",
	.id_where = "p.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.by_account = true,
	.default_sort = "title",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
