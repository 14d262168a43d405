/* Orders of ACME: what became of each, and why it failed. */
#include "config.h"
#include "api/resources/acme.h"

#include "api/list.h"

#define ISO(t) "to_char((" t ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
/* An authorization that counts, or that does no more: the store says what siegel-acme is told as well. */
#define WON "acme_authz_stands(z)"
#define LOST "(NOT " WON " AND (z.status <> 'pending' OR z.expires_at <= now()))"
#define OF_ORDER "FROM acme_authz z WHERE z.id = ANY (o.authz_ids) AND z.account_id = o.account_id"

/* RFC 8555 7.1.6: what is stored is what was done to it; "ready", and what its authorizations and its age make of it, is found out. */
#define STATUS "acme_order_status(o.status, o.expires_at, o.authz_ids)"
static const struct choice statuses[] = {
	{"pending", "o.status = 'pending' AND " STATUS " = 'pending'"},
	{"ready", "o.status = 'pending' AND " STATUS " = 'ready'"},
	{"processing", "o.status = 'processing'"},
	{"valid", "o.status = 'valid'"},
	{"invalid", "(o.status = 'invalid' OR (o.status = 'pending' AND " STATUS " = 'invalid'))"},
	{NULL, NULL}};
static const struct filtering by_status = {.choices = statuses};

/* A name: by the certificates that have it, and the accounts that were asked to prove it. */
static const struct filtering by_names = {
	.hint = "(o.certificate_id = ANY (ARRAY(SELECT l.certificate_id FROM certificate_label l WHERE l.label = left($V, 512)))"
	    " OR (o.status <> 'valid' AND o.account_id = ANY (ARRAY(SELECT z.account_id FROM acme_authz z"
	    " WHERE z.identifier = regexp_replace($V, '^dns:[*][.]', 'dns:')))))"};

#define NAME "CASE WHEN z.wildcard THEN regexp_replace(z.identifier, '^dns:', 'dns:*.') ELSE z.identifier END"
#define AUTHZ_STATUS "CASE WHEN z.status IN ('pending', 'valid') AND z.expires_at <= now() THEN 'expired' ELSE z.status END"
#define CHALLENGES                                                                                                     \
	"(SELECT coalesce(json_agg(json_build_object('type', c.type, 'status', c.status, 'attempts', c.attempts, 'validated_at', "            \
	ISO("c.validated_at") ", 'problem', c.error, 'log', c.log) ORDER BY c.id), '[]') FROM acme_challenge c WHERE c.authz_id = z.id)"
#define AUTHORIZATIONS                                                                                                 \
	"(SELECT coalesce(json_agg(json_build_object('identifier', " NAME ", 'status', " AUTHZ_STATUS ", 'method', z.method, 'validated_at', " \
	ISO("z.validated_at") ", 'expires_at', " ISO("z.expires_at") ", 'challenges', " CHALLENGES ") ORDER BY z.id), '[]') " OF_ORDER ")"

/* One sentence: what it waits for, or why it failed. */
#define WHAT_FAILED                                                                                                    \
	"(SELECT string_agg(" NAME " || ' ' || coalesce('(' || c.type || '): ' || coalesce(c.error->>'detail', 'no reason was noted')," \
	" CASE " AUTHZ_STATUS " WHEN 'expired' THEN 'wasn''t proved in time' WHEN 'deactivated' THEN 'was given up by the client'"      \
	" WHEN 'revoked' THEN 'was revoked' WHEN 'valid' THEN 'was proved as isn''t allowed any more' ELSE 'wasn''t proved' END), '; '" \
	" ORDER BY z.id)"                                                                                              \
	" FROM acme_authz z LEFT JOIN acme_challenge c ON c.authz_id = z.id AND c.status = 'invalid'"                      \
	" WHERE z.id = ANY (o.authz_ids) AND z.account_id = o.account_id AND " LOST ")"
#define WHAT_WAITS                                                                                                     \
	"(SELECT 'not proved yet: ' || string_agg(" NAME " || coalesce((SELECT ' (' || string_agg(c.type || CASE c.status WHEN 'processing' THEN"  \
	" ' is being looked at' ELSE '' END, ', ' ORDER BY c.id) || ')' FROM acme_challenge c WHERE c.authz_id = z.id), ''), '; ' ORDER BY z.id)" \
	" " OF_ORDER " AND NOT " WON ")"
#define EXPLANATION                                                                                                    \
	"CASE o.status WHEN 'invalid' THEN coalesce(o.error->>'detail', 'no reason was noted')"                              \
	" WHEN 'processing' THEN CASE WHEN o.caa_since IS NULL THEN 'the certificate is being made, or others have to approve it'"  \
	" ELSE 'a name server doesn''t give the CAA records of a name: it is asked again' END"                              \
	" WHEN 'pending' THEN CASE " STATUS " WHEN 'invalid' THEN coalesce(" WHAT_FAILED ", CASE WHEN (SELECT count(*) " OF_ORDER ")"  \
	" = cardinality(o.authz_ids) THEN 'the client didn''t finalize it in time' ELSE 'the names weren''t proved in time' END)" \
	" WHEN 'ready' THEN 'all names are proved: the client has to finalize it' ELSE " WHAT_WAITS " END END"

static const struct attribute attributes[] = {
	{"status", STATUS, ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "pending, ready, processing, valid or invalid (RFC 8555 7.1.6)", &by_status},
	{"names", "o.identifiers", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER, "what was ordered, such as dns:a.example", &by_names},
	{"explanation", EXPLANATION, ATTRIBUTE_TEXT, 0, "what it waits for, or why it failed"},
	{"profile_name", "o.profile", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "the directory's word for the profile; null: its default"},
	{"error", "o.error", ATTRIBUTE_JSON, 0, "the problem document (RFC 7807) that the client is shown"},
	{"authorizations", AUTHORIZATIONS, ATTRIBUTE_JSON, ATTRIBUTE_ON_REQUEST,
	 "a list: identifier, status, method, and its challenges, each with status, problem and the validation's log"},
	{"replaces", "o.replaces", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "the certificate whose place it takes (RFC 9773 5)"},
	{"expires_at", "o.expires_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"finalized_at", "o.finalized_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"created_at", "o.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
};

/* By the index of accounts: orders of a directory are those of its accounts. */
static const struct filtering by_directory = {
	.hint = "o.account_id = ANY (ARRAY(SELECT a.id FROM acme_account a WHERE a.endpoint_id = $V::int8))"};

static const struct relationship relationships[] = {
	{"account", "acme_accounts", "o.account_id", ATTRIBUTE_FILTER},
	{"directory", "acme_directories", "o.endpoint_id", ATTRIBUTE_FILTER, &by_directory},
	{"profile", "profiles", "o.profile_id", ATTRIBUTE_FILTER},
	{"certificate", "certificates", "o.certificate_id", ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/acme_orders", RIGHT_READ, list_many},
	{"GET", "/acme_orders/{id}", RIGHT_READ, list_one},
};

const struct resource resource_acme_orders = {
	.path = "acme_orders",
	.types = {"acme_orders"},
	.from = "acme_order o",
	.page_from = "acme_order o",
	.id_sql = "o.id",
	.id_where = "o.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
