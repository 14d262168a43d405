/* The tenant's CAs, read-only: they are made on the local console. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"name", "k.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"status", "k.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"is_default", "k.is_default", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER},
	{"subject", "k.subject", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"key_id", "k.ski", ATTRIBUTE_HEX, ATTRIBUTE_FILTER},
	{"not_before", "k.not_before", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"not_after", "k.not_after", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"ocsp_url", "k.ocsp_url", ATTRIBUTE_TEXT, 0},
	{"crl_url", "k.crl_url", ATTRIBUTE_TEXT, 0},
	{"ca_url", "k.ca_url", ATTRIBUTE_TEXT, 0},
	{"crl_interval_sec", "k.crl_interval_sec", ATTRIBUTE_INT, 0},
	{"crl_number", "k.crl_number", ATTRIBUTE_INT, 0},
	{"fingerprint_sha256", "k.certificate", ATTRIBUTE_SHA256, 0},
	{"created_at", "k.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"pem", "k.certificate", ATTRIBUTE_PEM, 0},
};

static const struct relationship relationships[] = {{"parent", "cas", "k.parent_id"}};

static const struct route routes[] = {
	{"GET", "/cas", RIGHT_READ, list_many},
	{"GET", "/cas/{id}", RIGHT_READ, list_one},
};

const struct resource resource_cas = {
	.path = "cas",
	.types = {"cas"},
	.from = "ca k",
	.id_sql = "k.id",
	.id_where = "k.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.default_sort = "id",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
