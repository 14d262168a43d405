/* Queries that somebody keeps: what a list of certificates is asked for, and the columns that are shown. One's own, and what others share. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"


static const struct attribute attributes[] = {
	{"name", "q.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED, "of one's own, once"},
	{"query", "q.query", ATTRIBUTE_JSON, ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED,
	 "parameters of GET /certificates, each with a text: filter[…] and sort", .schema = "saved_query"},
	{"columns", "q.columns", ATTRIBUTE_TEXTS, ATTRIBUTE_WRITE, "attributes, and metadata.KEY"},
	{"shared", "q.shared", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE,
	 "true: all accounts of the tenant see it, which wants the right metadata.write"},
	{"own", "coalesce(q.account_id = portal_account(), false)", ATTRIBUTE_BOOL, 0, "whether it is one's own"},
	{"account", "(SELECT a.name FROM account a WHERE a.id = q.account_id)", ATTRIBUTE_TEXT, 0, "whose it is"},
	{"version", "q.version", ATTRIBUTE_INT, 0},
	{"created_at", "q.created_at", ATTRIBUTE_TIME, ATTRIBUTE_SORT},
};

static const struct route routes[] = {
	{"GET", "/saved_queries", RIGHT_READ, list_many},
	{"GET", "/saved_queries/{id}", RIGHT_READ, list_one},
	{"POST", "/saved_queries", RIGHT_READ, write_create, "saved_query.create"},
	{"PATCH", "/saved_queries/{id}", RIGHT_READ, write_update, "saved_query.update"},
	{"DELETE", "/saved_queries/{id}", RIGHT_READ, write_delete, "saved_query.delete"},
};

const struct resource resource_saved_queries = {
	.path = "saved_queries",
	.types = {"saved_queries"},
	.from = "saved_query q",
	.where = "(q.shared OR q.account_id = portal_account())",
	.id_sql = "q.id",
	.id_where = "q.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.by_account = true,
	.default_sort = "name",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
