/* The tenant's profiles: what a certificate of each kind may be. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"name", "p.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"kind", "p.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"title", "p.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"version", "p.version", ATTRIBUTE_INT, 0},
	{"definition", "p.definition", ATTRIBUTE_JSON, 0},
	{"created_at", "p.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct route routes[] = {
	{"GET", "/profiles", RIGHT_READ, list_many},
	{"GET", "/profiles/{id}", RIGHT_READ, list_one},
};

const struct resource resource_profiles = {
	.path = "profiles",
	.types = {"profiles"},
	.from = "profile p",
	.id_sql = "p.id",
	.id_where = "p.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.default_sort = "id",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
