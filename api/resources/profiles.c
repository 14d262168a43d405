/* The tenant's profiles: what a certificate of each kind may be. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"name", "p.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
	 "small letters, digits, - and _"},
	{"kind", "p.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE,
	 "cert_server, cert_client, cert_device or certificate", .values = "cert_server cert_client cert_device certificate"},
	{"title", "p.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE, "its name for people"},
	{"definition", "p.definition", ATTRIBUTE_JSON, ATTRIBUTE_WRITE, "what certificates look like: doc/profiles.md",
	 .schema = "profile_definition"},
	OWNERSHIP_ATTRIBUTES("p"),
	{"version", "p.version", ATTRIBUTE_INT, 0},
	{"created_at", "p.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct attribute inputs[] = {
	{"template", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "name of a template that the definition is put over", .of = "profile_templates"},
};

/* What a sample is, of a profile that is stored and of one that isn't. */
#define SAMPLE \
	{"csr", NULL, ATTRIBUTE_TEXT, 0, "PEM; left out: as if the key were made here"}, \
	{"key_type", NULL, ATTRIBUTE_TEXT, 0, "without csr"}, \
	{"subject", NULL, ATTRIBUTE_JSON, 0, "an object: {\"CN\": \"www.example.com\"}; left out: the CSR's"}, \
	{"names", NULL, ATTRIBUTE_TEXTS, 0, "with their kinds, dns:www.example.com; left out: the CSR's"}, \
	{"days", NULL, ATTRIBUTE_INT, 0, "left out: the profile's"}, \
	{"ca", NULL, ATTRIBUTE_TEXT, 0, "left out: the default CA"}, \
	{"owner", NULL, ATTRIBUTE_TEXT}, \
	{"metadata", NULL, ATTRIBUTE_JSON}

static const struct attribute evaluate[] = {
	SAMPLE,
	{"definition", NULL, ATTRIBUTE_JSON, 0, "in the place of the one that is stored, to try a change", .schema = "profile_definition"},
};
static const struct attribute evaluate_new[] = {
	SAMPLE,
	{"kind", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED, .values = "cert_server cert_client cert_device certificate"},
	{"definition", NULL, ATTRIBUTE_JSON, ATTRIBUTE_REQUIRED, "of a profile that isn't stored", .schema = "profile_definition"},
};

static const struct route routes[] = {
	{"GET", "/profiles", RIGHT_READ, list_many},
	{"GET", "/profiles/{id}", RIGHT_READ, list_one},
	{"POST", "/profiles", RIGHT_PROFILES, write_create, "profile.create"},
	{"PATCH", "/profiles/{id}", RIGHT_PROFILES, write_update, "profile.update"},
	{"POST", "/profiles/{id}/evaluate", RIGHT_READ, write_action, "profile.evaluate", MEMBERS(evaluate), ROUTE_RESULT,
	 .text = "says what would become of a request, under the policies in force; nothing is signed or stored"},
	{"POST", "/profiles/evaluate", RIGHT_READ, write_action, "profile.evaluate", MEMBERS(evaluate_new), ROUTE_RESULT,
	 .text = "says what would become of a request by a profile that isn't stored"},
	{"DELETE", "/profiles/{id}", RIGHT_PROFILES, write_delete, "profile.delete"},
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
	.inputs = inputs,
	.n_inputs = ARRAY_LEN(inputs),
	.default_sort = "id",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
