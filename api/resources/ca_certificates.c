/* Certificates for the keys of CAs: own and former ones, link and cross-certificates, and what stands over a CA with an issuer elsewhere. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"kind", "c.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "own, previous, link_new_with_old, link_old_with_new, cross or chain",
	 .values = "own previous link_new_with_old link_old_with_new cross chain"},
	{"subject", "c.subject", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"issuer", "c.issuer", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"serial", "c.serial", ATTRIBUTE_HEX, ATTRIBUTE_FILTER},
	{"not_before", "c.not_before", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"not_after", "c.not_after", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"fingerprint_sha256", "c.certificate", ATTRIBUTE_SHA256, 0},
	{"created_at", "c.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"pem", "c.certificate", ATTRIBUTE_PEM, 0},
};

static const struct relationship relationships[] = {
	{"ca", "cas", "c.ca_id", ATTRIBUTE_FILTER},
	{"signer", "cas", "c.issuer_id", ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/ca_certificates", RIGHT_READ, list_many},
	{"GET", "/ca_certificates/{id}", RIGHT_READ, list_one},
};

const struct resource resource_ca_certificates = {
	.path = "ca_certificates",
	.types = {"ca_certificates"},
	.from = "ca_certificate c",
	.id_sql = "c.id",
	.id_where = "c.id = $1::int8",
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
