/* Accounts of ACME, as their clients made them. */
#include "config.h"
#include "api/resources/acme.h"

#include "api/list.h"
#include "api/write.h"

static const struct choice statuses[] = {
	{"valid", "a.status = 'valid'"}, {"deactivated", "a.status = 'deactivated'"}, {"revoked", "a.status = 'revoked'"}, {NULL, NULL}};
static const struct filtering by_status = {.choices = statuses};
/* RFC 7638, as it stands behind the token in a key authorization. */
#define THUMBPRINT "translate(encode(a.thumbprint, 'base64'), '+/=', '-_')"
static const struct filtering by_thumbprint = {
	.hint = "a.thumbprint = CASE WHEN $V ~ '^[A-Za-z0-9_-]{43}$' THEN decode(translate($V, '-_', '+/') || '=', 'base64') END"};

static const struct attribute attributes[] = {
	{"status", "a.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_UPDATE,
	 "valid; deactivated: by its client; revoked: by the house, and all that can be set here. Both are for ever", &by_status,
	 .values = "(valid) (deactivated) revoked"},
	{"contacts", "a.contacts", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER, "addresses that the client gave, such as mailto:admin@a.example"},
	{"thumbprint", THUMBPRINT, ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "of the account's key (RFC 7638)", &by_thumbprint},
	{"key_type", "a.jwk->>'kty' || coalesce(' ' || (a.jwk->>'crv'), '')", ATTRIBUTE_TEXT, 0, "of the account's key, as RFC 7518 has it"},
	{"jwk", "a.jwk", ATTRIBUTE_JSON, ATTRIBUTE_ON_REQUEST, "the account's public key (RFC 7517)"},
	{"names", "a.names", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER | ATTRIBUTE_UPDATE,
	 "what it gets without a challenge: dns:host, dns:.domain (the domain, all below it, wildcards), ip:network"},
	{"names_by_key", "CASE WHEN k.revoked_at IS NULL THEN k.names END", ATTRIBUTE_TEXTS, 0,
	 "the same by the external account key that it was made with, as long as that isn't revoked"},
	{"terms_agreed_at", "a.terms_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"address", "a.address", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "that it was made from"},
	{"url", "'$URL/acme/' || n.label || '/acct/' || a.id", ATTRIBUTE_TEXT, ATTRIBUTE_WITH_URL,
	 "what its client calls it, and what CAA records name it by"},
	OWNERSHIP_ATTRIBUTES("a"),
	{"version", "a.version", ATTRIBUTE_INT, 0},
	{"created_at", "a.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {
	{"directory", "acme_directories", "a.endpoint_id", ATTRIBUTE_FILTER},
	{"key", "acme_keys", "a.key_id", ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/acme_accounts", RIGHT_READ, list_many},
	{"GET", "/acme_accounts/{id}", RIGHT_READ, list_one},
	{"PATCH", "/acme_accounts/{id}", RIGHT_ENROLMENT, write_update, "acme_account.update"},
};

const struct resource resource_acme_accounts = {
	.path = "acme_accounts",
	.types = {"acme_accounts"},
	.from = "acme_account a JOIN endpoint n ON n.id = a.endpoint_id LEFT JOIN acme_key k ON k.id = a.key_id",
	.where = "n.protocol = 'acme'", /* those of a deleted directory are on their way out */
	.id_sql = "a.id",
	.id_where = "a.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
