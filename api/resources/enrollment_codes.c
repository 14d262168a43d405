/* One-time codes with which devices enrol. The secret is shown once, when it is made; nobody reads it here. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/resources/lines.h"
#include "api/write.h"

static const struct filtering by_status = {
	.choices = (const struct choice[]){
	    {"good", "c.revoked_at IS NULL AND c.used_at IS NULL AND c.expires_at > now()"},
	    {"used", "c.revoked_at IS NULL AND c.used_at IS NOT NULL"},
	    {"expired", "c.revoked_at IS NULL AND c.used_at IS NULL AND c.expires_at <= now()"},
	    {"revoked", "c.revoked_at IS NOT NULL"},
	    {NULL, NULL}},
};

/* The subject that the code is for, as one word of a shell. */
#define QUOTED(text) "'''' || replace(" text ", '''', '''\\''''') || ''''"
#define WANTED                                                                                                         \
	"coalesce(nullif(concat_ws(', ', 'CN=' || nullif(c.common_name, ''), 'serialNumber=' || nullif(c.serial_number, '')), ''), 'CN=device')"
#define SUBJECT "(" QUOTED(WANTED) ")"
#define URL "CASE n.protocol WHEN 'est' THEN '$URL/.well-known/est/' || n.label WHEN 'scep' THEN '$URL/scep/' || n.label END"
#define COMMANDS                                                                                                       \
	"CASE n.protocol WHEN 'est' THEN jsonb_build_object('curl_cacerts', " EST_CACERTS ", 'curl_enroll', " EST_ENROLL ","  \
	" 'strongswan_cacerts', " EST_PKI_CACERTS ", 'strongswan_enroll', " EST_PKI_ENROLL ")"                             \
	" WHEN 'scep' THEN jsonb_build_object('strongswan_ca', " SCEP_PKI_CA ", 'strongswan_enroll', " SCEP_PKI_ENROLL(SUBJECT) ","  \
	" 'certmonger_ca', " SCEP_CERTMONGER_CA ", 'certmonger_enroll', " SCEP_CERTMONGER_ENROLL(SUBJECT) ") END"

static const struct attribute attributes[] = {
	{"status",
	 "CASE WHEN c.revoked_at IS NOT NULL THEN 'revoked' WHEN c.used_at IS NOT NULL THEN 'used' WHEN c.expires_at <= now() THEN 'expired'"
	 " ELSE 'good' END",
	 ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "good, used, expired or revoked", &by_status},
	{"common_name", "c.common_name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "that the certificate has to have"},
	{"serial_number", "c.serial_number", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "serialNumber that its subject has to have"},
	{"names", "c.names", ATTRIBUTE_TEXTS, ATTRIBUTE_CREATE,
	 "the alternative names that it may have, such as dns:a.example; with a common name or serial number none but these and the common name"},
	{"url", URL, ATTRIBUTE_TEXT, ATTRIBUTE_WITH_URL, "where clients send their requests; null when it isn't bound to a label or profile"},
	{"commands", COMMANDS, ATTRIBUTE_JSON, ATTRIBUTE_WITH_URL,
	 "ready command lines of curl, strongSwan and certmonger at the label or profile that it is bound to; the code goes in the place of SECRET or"
	 " CHALLENGE"},
	{"expires_at", "c.expires_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"used_at", "c.used_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"revoked_at", "c.revoked_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"requestor", "c.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
	{"created_at", "c.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"owner", "c.owner", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "whose it is"},
	{"metadata", "c.metadata", ATTRIBUTE_METADATA, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "free keys with texts"},
};

static const struct attribute inputs[] = {
	{"hours", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE, "how long it is good; a day when left out"},
	{"count", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE, "how many are made at once; the answer is the first, and secrets has all"},
};
static const struct attribute once[] = {
	{"secret", NULL, ATTRIBUTE_TEXT, 0, "the code"},
	{"secrets", NULL, ATTRIBUTE_JSON, 0, "with count: a list of id and secret"},
};

static const struct relationship relationships[] = {
	{"est_label", "est_labels", "CASE n.protocol WHEN 'est' THEN n.id END", ATTRIBUTE_CREATE | ATTRIBUTE_FILTER},
	{"scep_profile", "scep_profiles", "CASE n.protocol WHEN 'scep' THEN n.id END", ATTRIBUTE_CREATE | ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/enrollment_codes", RIGHT_READ, list_many},
	{"GET", "/enrollment_codes/{id}", RIGHT_READ, list_one},
	{"POST", "/enrollment_codes", RIGHT_CODES, write_create, "enrollment_code.create"},
	{"DELETE", "/enrollment_codes/{id}", RIGHT_CODES, write_delete, "enrollment_code.revoke",
	    .text = "withdraws it: it is good for nothing any more"},
};

const struct resource resource_enrollment_codes = {
	.path = "enrollment_codes",
	.types = {"enrollment_codes"},
	.from = "enrollment_code c LEFT JOIN endpoint n ON n.id = c.endpoint_id",
	.id_sql = "c.id",
	.id_where = "c.id = $1::int8",
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
