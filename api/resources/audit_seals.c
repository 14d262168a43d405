/* Seals on the audit log: the heads of all chains, signed by a key of the key store. They tell of all tenants, so the house alone sees them. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"at", "to_timestamp(s.at_us / 1000000.0)", ATTRIBUTE_TIME, 0},
	{"at_us", "s.at_us", ATTRIBUTE_INT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, "microseconds since 1970"},
	{"heads", "s.heads", ATTRIBUTE_TEXT, 0, "what was signed: a line for each chain, its name, sequence number and hash"},
	{"signature", "s.signature", ATTRIBUTE_HEX, 0},
	{"key_type", "y.key_type", ATTRIBUTE_TEXT, 0},
	{"public_key", "y.public_key", ATTRIBUTE_HEX, 0, "SubjectPublicKeyInfo, DER: compare it with the one that you keep elsewhere"},
};

static const struct route routes[] = {
	{"GET", "/audit_seals", RIGHT_AUDIT_READ, list_many},
	{"GET", "/audit_seals/{id}", RIGHT_AUDIT_READ, list_one},
};

const struct resource resource_audit_seals = {
	.path = "audit_seals",
	.types = {"audit_seals"},
	.from = "audit_seal s JOIN audit_key y ON y.id = s.key_id",
	.where = "works_for_house()",
	.id_sql = "s.id",
	.id_where = "s.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
