/* What became of each line of a batch: GET /batch_items?filter[batch]=7. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"n", "i.n", ATTRIBUTE_INT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, "its number within the batch"},
	{"name", "i.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"status", "i.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "open, waiting, done or failed", .values = "open waiting done failed"},
	{"replaces", "i.replaces_id::text", ATTRIBUTE_TEXT, 0, "id of the certificate that is renewed"},
	{"error", "i.error", ATTRIBUTE_TEXT, 0, "why it failed; of one that wasn't approved: rejected, withdrawn or expired"},
	{"message_de", "policy_german(i.error)", ATTRIBUTE_TEXT, 0, "of the rule of a policy that error is about: what it says in German"},
	{"fetched_at", "i.fetched_at", ATTRIBUTE_TIME, 0},
};

static const struct relationship relationships[] = {
	{"batch", "batches", "i.batch_id", ATTRIBUTE_FILTER},
	{"certificate", "certificates", "i.certificate_id", ATTRIBUTE_FILTER},
	{"approval", "approvals", "i.approval_id", ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/batch_items", RIGHT_READ, list_many, .flags = ROUTE_OWN},
	{"GET", "/batch_items/{id}", RIGHT_READ, list_one, .flags = ROUTE_OWN},
};

const struct resource resource_batch_items = {
	.path = "batch_items",
	.types = {"batch_items"},
	.from = "batch_item i",
	.id_sql = "(i.batch_id || '-' || i.n)",
	.id_where = "i.batch_id = split_part($1::text, '-', 1)::int8 AND i.n = split_part($1::text, '-', 2)::int8",
	.id_cast = "text",
	.valid_id = id_is_pair,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.default_sort = "n",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
