/* Templates of profiles, as they come with the product. */
#include "config.h"
#include "api/api.h"

#include <string.h>

#include "api/list.h"

static const struct attribute attributes[] = {
	{"name", "t.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"kind", "t.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, .values = "cert_server cert_client cert_device certificate"},
	{"title", "t.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, "its name for people, in English"},
	{"title_de", "t.title_de", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, "in German"},
	{"description", "t.description", ATTRIBUTE_TEXT, 0, "what it is for, in English"},
	{"description_de", "t.description_de", ATTRIBUTE_TEXT, 0, "in German"},
	{"definition", "t.definition", ATTRIBUTE_JSON, 0, "what certificates look like: doc/profiles.md", .schema = "profile_definition"},
};

static const struct route routes[] = {
	{"GET", "/profile_templates", RIGHT_READ, list_many},
	{"GET", "/profile_templates/{id}", RIGHT_READ, list_one},
};

/* The id of a template is its name. */
static bool
valid_name(const char *id)
{
	size_t len = strlen(id);
	return len > 0 && len < 64 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

const struct resource resource_profile_templates = {
	.path = "profile_templates",
	.types = {"profile_templates"},
	.from = "profile_template t",
	.id_sql = "t.name",
	.id_where = "t.name = $1::text",
	.id_cast = "text",
	.valid_id = valid_name,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.default_sort = "name",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
