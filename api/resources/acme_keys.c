/* External account keys of ACME: who has one may make an account at a directory that wants it. Shown once, when it is made; nobody reads it here. */
#include "config.h"
#include "api/resources/acme.h"

#include "api/list.h"
#include "api/write.h"

#define USED_UP "k.accounts >= k.max_accounts"

static const struct filtering by_status = {
	.choices = (const struct choice[]){
	    {"good", "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND NOT " USED_UP},
	    {"used", "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND " USED_UP},
	    {"expired", "k.revoked_at IS NULL AND k.expires_at <= now()"},
	    {"revoked", "k.revoked_at IS NOT NULL"},
	    {NULL, NULL}},
};

static const struct attribute attributes[] = {
	{"kid", "k.kid", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "the key's identifier, which clients are given with it"},
	{"status",
	 "CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired' WHEN " USED_UP " THEN 'used' ELSE 'good' END",
	 ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "good, used (as many accounts as it may have), expired or revoked", &by_status},
	{"names", "k.names", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE,
	 "what its accounts get without a challenge: dns:host, dns:.domain (the domain, all below it, wildcards), ip:network"},
	{"max_accounts", "k.max_accounts", ATTRIBUTE_INT, ATTRIBUTE_CREATE, "how many accounts may be made with it; one when left out"},
	{"accounts", "k.accounts", ATTRIBUTE_INT, 0, "how many were"},
	{"expires_at", "k.expires_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER, "no account is made with it from then on; those that there are stay"},
	{"revoked_at", "k.revoked_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"commands", ACME_COMMANDS("n.id IS NOT NULL", "k.kid", "'\"$KEY\"'"), ATTRIBUTE_JSON, ATTRIBUTE_WITH_URL,
	 "ready command lines for its directory, with the key in $KEY; null without a directory, and for a client that can't use it"},
	{"requestor", "k.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"created_at", "k.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	OWNERSHIP_ATTRIBUTES("k"),
};

static const struct attribute inputs[] = {
	{"hours", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE, "how long accounts may be made with it; 30 days when left out, for ever when null"},
};
static const struct attribute once[] = {{"key", NULL, ATTRIBUTE_TEXT, 0, "the key in base64url, as clients of ACME want it"}};

static const struct attribute revoke_members[] = {
	{"accounts", NULL, ATTRIBUTE_BOOL, 0, "true: the accounts that were made with it are revoked as well"},
};

static const struct relationship relationships[] = {
	{"directory", "acme_directories", "k.endpoint_id", ATTRIBUTE_CREATE | ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/acme_keys", RIGHT_READ, list_many},
	{"GET", "/acme_keys/{id}", RIGHT_READ, list_one},
	{"POST", "/acme_keys", RIGHT_CODES, write_create, "acme_key.create"},
	{"PATCH", "/acme_keys/{id}", RIGHT_CODES, write_update, "acme_key.update"},
	{"POST", "/acme_keys/{id}/revoke", RIGHT_CODES, write_action, "acme_key.revoke", MEMBERS(revoke_members),
	    .text = "withdraws it: no account is made with it any more, and those that were lose the names that it gave them"},
	{"DELETE", "/acme_keys/{id}", RIGHT_CODES, write_delete, "acme_key.revoke", .text = "the same as revoke: it stays in the list"},
};

const struct resource resource_acme_keys = {
	.path = "acme_keys",
	.types = {"acme_keys"},
	.from = "acme_key k LEFT JOIN endpoint n ON n.id = k.endpoint_id",
	.id_sql = "k.id",
	.id_where = "k.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.inputs = inputs,
	.n_inputs = ARRAY_LEN(inputs),
	.once = once,
	.n_once = ARRAY_LEN(once),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
