/* Long work, done by the engine one after the other: how far it is, and what became of each item. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"kind", "j.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER,
	 .values = "import revoke annotate count advise_renewal batch remove_directory dry_run audit_verify"},
	{"status", "j.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "queued, running, done, failed or cancelled",
	 .values = "queued running done failed cancelled"},
	{"cancel", "j.cancel", ATTRIBUTE_BOOL, 0, "whether its end was asked for"},
	{"total", "j.total", ATTRIBUTE_INT, 0, "how many items there are; null: not known yet"},
	{"done", "j.done", ATTRIBUTE_INT, 0},
	{"failed", "j.failed", ATTRIBUTE_INT, 0},
	{"parameters", "j.parameters", ATTRIBUTE_JSON, 0},
	{"result", "j.result", ATTRIBUTE_JSON, 0},
	{"error", "j.error", ATTRIBUTE_TEXT, 0},
	{"requestor", "j.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"created_at", "j.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"started_at", "j.started_at", ATTRIBUTE_TIME, 0},
	{"ended_at", "j.ended_at", ATTRIBUTE_TIME, 0},
};

static const struct route routes[] = {
	{"GET", "/jobs", RIGHT_READ, list_many},
	{"GET", "/jobs/{id}", RIGHT_READ, list_one},
	{"POST", "/jobs/{id}/cancel", RIGHT_JOBS, write_action, "job.cancel", .text = "ends it before its next item; what is done stays"},
};

const struct resource resource_jobs = {
	.path = "jobs",
	.types = {"jobs"},
	.from = "job j",
	.id_sql = "j.id",
	.id_where = "j.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
