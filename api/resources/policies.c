/* Policies: rules that the tenant wants kept, each bound to a CA, a profile, or the requests that a condition finds. doc/policies.md has the
 * language. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"name", "y.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED,
	 "small letters, digits, _ and -"},
	{"title", "y.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE},
	{"enabled", "y.enabled", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "whether its rules are in force"},
	{"operations", "y.operations", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "what it is about: certificate.issue when left out"},
	{"condition", "y.condition", ATTRIBUTE_TEXT, ATTRIBUTE_WRITE, "SQL/JSON path that a request has to meet; null: every request"},
	{"rules", "y.rules", ATTRIBUTE_JSON, ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED, "defaults and validations, in order",
	 .schema = "policy_rules"},
	OWNERSHIP_ATTRIBUTES("y"),
	{"version", "y.version", ATTRIBUTE_INT, 0},
	{"created_at", "y.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {
	{"ca", "cas", "y.ca_id", ATTRIBUTE_WRITE},
	{"profile", "profiles", "y.profile_id", ATTRIBUTE_WRITE},
};

/* What a policy on trial may say that the stored one doesn't. */
#define TRIAL                                                                                                          \
	{"operations", NULL, ATTRIBUTE_TEXTS}, {"condition", NULL, ATTRIBUTE_TEXT}, {"rules", NULL, ATTRIBUTE_JSON, .schema = "policy_rules"},       \
		{"ca", NULL, ATTRIBUTE_TEXT, .of = "cas"}, {"profile", NULL, ATTRIBUTE_TEXT, .of = "profiles"}, {"name", NULL, ATTRIBUTE_TEXT}

static const struct attribute evaluate[] = {
	{"document", NULL, ATTRIBUTE_JSON, 0, "a sample request", .schema = "policy_document"},
	{"certificate", NULL, ATTRIBUTE_INT, 0, "or the id of a certificate that was issued", .of = "certificates"},
	TRIAL,
};
static const struct attribute dry_run[] = {
	{"limit", NULL, ATTRIBUTE_INT, 0, "the newest so many certificates, at once; all of them, as a job, when left out"},
	TRIAL,
};

static const struct route routes[] = {
	{"GET", "/policies", RIGHT_READ, list_many},
	{"GET", "/policies/{id}", RIGHT_READ, list_one},
	{"POST", "/policies", RIGHT_POLICIES, write_create, "policy.create"},
	{"PATCH", "/policies/{id}", RIGHT_POLICIES, write_update, "policy.update"},
	{"DELETE", "/policies/{id}", RIGHT_POLICIES, write_delete, "policy.delete"},
	{"POST", "/policies/evaluate", RIGHT_READ, write_action, "policy.evaluate", MEMBERS(evaluate), ROUTE_RESULT,
	 .text = "says what rules that aren't stored would do with a request"},
	{"POST", "/policies/dry_run", RIGHT_POLICIES, write_action, "policy.dry_run", MEMBERS(dry_run), ROUTE_RESULT,
	 .text = "says what rules that aren't stored would have refused of all that was ever issued"},
	{"POST", "/policies/{id}/evaluate", RIGHT_READ, write_action, "policy.evaluate", MEMBERS(evaluate), ROUTE_RESULT,
	 .text = "says which of its rules match a request and what they do"},
	{"POST", "/policies/{id}/dry_run", RIGHT_POLICIES, write_action, "policy.dry_run", MEMBERS(dry_run), ROUTE_RESULT,
	 .text = "says what it would have refused of all that was ever issued"},
};

const struct resource resource_policies = {
	.path = "policies",
	.types = {"policies"},
	.from = "policy y",
	.id_sql = "y.id",
	.id_where = "y.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.default_sort = "name",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
