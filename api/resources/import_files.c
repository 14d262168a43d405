/* The files that were handed in for an import. What is in them isn't shown. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"name", "f.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"kind", "f.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .values = "data passwords"},
	{"size_bytes", "f.size_bytes", ATTRIBUTE_INT, 0},
	{"complete", "f.complete", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER},
	{"created_at", "f.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {{"import", "imports", "f.import_id", ATTRIBUTE_FILTER}};

static const struct route routes[] = {
	{"GET", "/import_files", RIGHT_READ, list_many},
	{"GET", "/import_files/{id}", RIGHT_READ, list_one},
};

const struct resource resource_import_files = {
	.path = "import_files",
	.types = {"import_files"},
	.from = "import_file f",
	.id_sql = "f.id",
	.id_where = "f.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
