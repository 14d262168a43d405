/* The CRLs that were issued. The list itself is a file at the address url; here is when, with what number and how many entries. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"number", "l.number", ATTRIBUTE_INT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"issuer", "k.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"this_update", "l.this_update", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"next_update", "l.next_update", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"entries", "l.entries", ATTRIBUTE_INT, 0},
	{"size_bytes", "l.size_bytes", ATTRIBUTE_INT, 0},
	{"sha256", "l.sha256", ATTRIBUTE_HEX, 0},
	{"url", "k.crl_url", ATTRIBUTE_TEXT, 0},
	{"created_at", "l.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {{"ca", "cas", "l.ca_id"}};

static const struct route routes[] = {
	{"GET", "/crls", RIGHT_READ, list_many},
	{"GET", "/crls/{id}", RIGHT_READ, list_one},
};

const struct resource resource_crls = {
	.path = "crls",
	.types = {"crls"},
	.from = "crl l JOIN ca k ON k.id = l.ca_id",
	/* the CA's id and the number */
	.id_sql = "(l.ca_id || '-' || l.number)",
	.id_where = "l.ca_id = split_part($1::text, '-', 1)::int4 AND l.number = split_part($1::text, '-', 2)::int8",
	.id_cast = "text",
	.valid_id = id_is_pair,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.default_sort = "-created_at",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
