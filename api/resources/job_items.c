/* What became of each thing that a job took in hand: GET /job_items?filter[job]=7. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"

static const struct attribute attributes[] = {
	{"n", "i.n", ATTRIBUTE_INT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT, "its number within the job"},
	{"status", "i.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "done, repeated, skipped or failed", .values = "done repeated skipped failed"},
	{"object", "i.object", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"detail", "i.detail", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"message_de", "policy_german(i.detail)", ATTRIBUTE_TEXT, 0, "of the rule of a policy that detail is about: what it says in German"},
};

static const struct relationship relationships[] = {{"job", "jobs", "i.job_id", ATTRIBUTE_FILTER}};

static const struct route routes[] = {
	{"GET", "/job_items", RIGHT_READ, list_many},
	{"GET", "/job_items/{id}", RIGHT_READ, list_one},
};

const struct resource resource_job_items = {
	.path = "job_items",
	.types = {"job_items"},
	.from = "job_item i",
	.id_sql = "(i.job_id || '-' || i.n)",
	.id_where = "i.job_id = split_part($1::text, '-', 1)::int8 AND i.n = split_part($1::text, '-', 2)::int8",
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
