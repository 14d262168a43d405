/* What waits for the word of n of m people, and what became of it. Nobody approves what he asked for himself. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

#define DECISIONS_SQL                                                                                                  \
	"(SELECT coalesce(json_agg(json_build_object('account', d.account, 'approves', d.approves, 'comment', d.comment,"  \
	" 'at', to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) ORDER BY d.created_at), '[]')" \
	" FROM approval_decision d WHERE d.approval_id = a.id AND d.version = a.version)"

#define TOKEN "-H \"Authorization: Bearer $SIEGEL_TOKEN\""
#define CURL(action) "'curl --fail-with-body --cacert root.pem -X POST " TOKEN " $URL/api/v2.0/approvals/' || a.id || '/" action "'"
#define CTL(action) "'siegelctl approvals " action " ' || a.id"
#define COMMANDS                                                                                                       \
	"CASE WHEN a.status IN ('open', 'approved') THEN jsonb_build_object('siegelctl_approve', " CTL("approve") ","         \
	" 'siegelctl_reject', " CTL("reject") ", 'curl_approve', " CURL("approve") ", 'curl_reject', " CURL("reject") ") END"

static const struct attribute attributes[] = {
	{"operation", "a.operation", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "what will be done: ca.create, certificate.issue"},
	{"object", "a.object_id", ATTRIBUTE_INT, ATTRIBUTE_FILTER, "the id of what it is done to"},
	{"body", "a.body", ATTRIBUTE_JSON, ATTRIBUTE_UPDATE, "what was asked for; a change voids the decisions"},
	{"reason", "a.reason", ATTRIBUTE_TEXT, 0, "why the policy wants it"},
	{"status", "a.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "open, approved, rejected, withdrawn, expired, done or failed",
	 .values = "open approved rejected withdrawn expired done failed"},
	{"wanted", "a.wanted", ATTRIBUTE_INT, 0, "how many have to approve"},
	{"approvers", "a.approvers", ATTRIBUTE_JSON, 0, "what each rule wants: how many, with which right or role"},
	{"deciders", "approval_deciders(a.id)", ATTRIBUTE_TEXTS, ATTRIBUTE_ON_REQUEST, "names of up to ten people who may decide on it"},
	{"decisions", DECISIONS_SQL, ATTRIBUTE_JSON, 0},
	{"requestor", "a.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"result", "a.result", ATTRIBUTE_JSON, 0},
	{"error", "a.error", ATTRIBUTE_TEXT, 0},
	{"commands", COMMANDS, ATTRIBUTE_JSON, ATTRIBUTE_WITH_URL,
	 "ready command lines of siegelctl and curl to decide; null when nothing is to be decided"},
	OWNERSHIP_ATTRIBUTES("a"),
	{"version", "a.version", ATTRIBUTE_INT, 0},
	{"created_at", "a.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"expires_at", "a.expires_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"decided_at", "a.decided_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
};

static const struct attribute comment[] = {{"comment", NULL, ATTRIBUTE_TEXT, 0, "for the others, and the audit log"}};

static const struct route routes[] = {
	{"GET", "/approvals", RIGHT_READ, list_many, .flags = ROUTE_OWN},
	{"GET", "/approvals/{id}", RIGHT_READ, list_one, .flags = ROUTE_OWN},
	{"PATCH", "/approvals/{id}", RIGHT_ACCOUNT, write_update, "approval.update"},
	{"POST", "/approvals/{id}/approve", RIGHT_APPROVE, write_action, "approval.approve", MEMBERS(comment), .text = "says yes to it"},
	{"POST", "/approvals/{id}/reject", RIGHT_APPROVE, write_action, "approval.reject", MEMBERS(comment), .text = "says no: it won't be done"},
	{"POST", "/approvals/{id}/withdraw", RIGHT_ACCOUNT, write_action, "approval.withdraw", MEMBERS(comment),
	    .text = "takes back what one asked for"},
};

const struct resource resource_approvals = {
	.path = "approvals",
	.types = {"approvals"},
	.from = "approval a",
	.id_sql = "a.id",
	.id_where = "a.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
