/* Private keys that are kept, by their certificates. A key leaves after others have approved: whoever wants it asks, waits, and asks again. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"subject", "x.subject", ATTRIBUTE_TEXT, 0},
	{"key_type", "x.key_type", ATTRIBUTE_TEXT, 0},
	{"not_after", "x.not_after", ATTRIBUTE_TIME, 0},
	{"archived_at", "k.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {{"certificate", "certificates", "k.certificate_id"}};

static const struct attribute wishes[] = {
	{"reason", NULL, ATTRIBUTE_TEXT, 0, "for those who approve; wanted when it is asked for first"},
	{"pkcs12_password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "the key comes as PKCS#12 in place of PEM"},
};

static const struct route routes[] = {
	{"GET", "/archived_keys", RIGHT_READ, list_many},
	{"GET", "/archived_keys/{id}", RIGHT_READ, list_one},
	{"POST", "/archived_keys/{id}/recover", RIGHT_RECOVER, write_action, "key.recover", MEMBERS(wishes), ROUTE_RESULT,
	 .text = "202 with the approval that it waits for; asked again once that is given, the key, once"},
};

const struct resource resource_archived_keys = {
	.path = "archived_keys",
	.types = {"archived_keys"},
	.from = "archived_key k JOIN certificate x ON x.tenant_id = k.tenant_id AND x.id = k.certificate_id",
	.id_sql = "k.certificate_id",
	.id_where = "k.certificate_id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
