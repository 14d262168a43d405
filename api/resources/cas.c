/* The tenant's CAs: one for each key. What is done to them the engine does (ca/manage/authority*.c). */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

/* RFC 7468 7: lines of 64 characters. */
#define CSR_PEM                                                                                                        \
	"('-----BEGIN CERTIFICATE REQUEST-----' || E'\\n' || rtrim(regexp_replace(translate(encode(k.csr, 'base64'),"    \
	" E'\\n', ''), '(.{64})', E'\\\\1\\n', 'g'), E'\\n') || E'\\n-----END CERTIFICATE REQUEST-----\\n')"

static const struct attribute attributes[] = {
	{"name", "k.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED, "small letters, digits and -"},
	{"status", "k.status", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "pending, active, offline, disabled, superseded, revoked or retired",
	 .values = "pending active offline disabled superseded revoked retired"},
	{"is_default", "k.is_default", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "who asks without naming a CA gets this one"},
	{"external", "k.external", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE, "its certificate comes from elsewhere"},
	{"generation", "k.generation", ATTRIBUTE_INT, 0, "of its key: 2 after the first roll-over"},
	{"subject", "k.subject", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"key_type", "k.key_type", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE},
	{"signature", "k.signature", ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "its signature algorithm; null: the default of its key type"},
	{"key_store", "ca_key_store(k.id)", ATTRIBUTE_TEXT, ATTRIBUTE_CREATE,
	 "where its key lies: file, token (the first one) or the label of another token; null: elsewhere. To make one, the store's name",
	 .of = "key_stores"},
	{"key_id", "k.ski", ATTRIBUTE_HEX, ATTRIBUTE_FILTER},
	{"not_before", "k.not_before", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"not_after", "k.not_after", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"serves_until", "k.serves_until", ATTRIBUTE_TIME, ATTRIBUTE_FILTER, "until then the status of a certificate of its may be asked for;"
	    " null: it never issued"},
	{"ocsp_url", "k.ocsp_url", ATTRIBUTE_TEXT, ATTRIBUTE_WRITE, "for what it issues from now on"},
	{"crl_url", "k.crl_url", ATTRIBUTE_TEXT, ATTRIBUTE_WRITE, "for what it issues from now on"},
	{"ca_url", "k.ca_url", ATTRIBUTE_TEXT, ATTRIBUTE_WRITE, "for what it issues from now on"},
	{"crl_interval_sec", "k.crl_interval_sec", ATTRIBUTE_INT, ATTRIBUTE_WRITE, "a list at least this often"},
	{"crl_overlap_sec", "k.crl_overlap_sec", ATTRIBUTE_INT, ATTRIBUTE_WRITE, "a list is good for this much longer"},
	{"crl_number", "k.crl_number", ATTRIBUTE_INT, 0},
	{"fingerprint_sha256", "k.certificate", ATTRIBUTE_SHA256, 0},
	OWNERSHIP_ATTRIBUTES("k"),
	{"version", "k.version", ATTRIBUTE_INT, 0},
	{"created_at", "k.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"pem", "k.certificate", ATTRIBUTE_PEM, 0},
	{"csr", CSR_PEM, ATTRIBUTE_TEXT, ATTRIBUTE_LINES, "of an external CA: what its issuer is to sign"},
};

static const struct attribute inputs[] = {
	{"subject", NULL, ATTRIBUTE_JSON, ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
	 "a list of pairs: [[\"CN\", \"Example Root\"], [\"O\", \"Example\"]]"},
	{"digest", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "in place of signature: sha256, sha384 or sha512", .values = "sha256 sha384 sha512"},
	{"profile", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "root-ca, sub-ca or another one of CAs", .of = "profiles"},
	{"path_length", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE, "CAs that may stand below it"},
	{"days", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE},
	{"offline", NULL, ATTRIBUTE_BOOL, ATTRIBUTE_WRITE, "it issues CAs, CRLs and OCSP signers alone"},
	{"base_url", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_WRITE, "in place of the three URLs"},
};

static const struct relationship relationships[] = {
	{"parent", "cas", "k.parent_id", ATTRIBUTE_CREATE},
	{"successor", "cas", "k.successor_id", 0},
};

static const struct attribute revoke_members[] = {{"reason", NULL, ATTRIBUTE_INT, 0, "RFC 5280 5.3.1"}};
static const struct attribute retire_members[] = {{"revoke", NULL, ATTRIBUTE_BOOL, 0, "what lives below it is revoked"}};
static const struct attribute enable_members[] = {{"offline", NULL, ATTRIBUTE_BOOL, 0}};
static const struct attribute install_members[] = {
	{"certificate", NULL, ATTRIBUTE_PEM, ATTRIBUTE_REQUIRED, "PEM: its own and all over it, up to the root"},
};
static const struct attribute cross_members[] = {
	{"ca", NULL, ATTRIBUTE_TEXT, 0, "one of ours, by name", .of = "cas"},
	{"certificate", NULL, ATTRIBUTE_PEM, 0, "PEM of one elsewhere"},
	{"csr", NULL, ATTRIBUTE_PEM, 0, "PEM of one elsewhere"},
	{"profile", NULL, ATTRIBUTE_TEXT, 0, .of = "profiles"},
	{"path_length", NULL, ATTRIBUTE_INT, 0},
	{"days", NULL, ATTRIBUTE_INT, 0},
};
static const struct attribute renew_members[] = {{"profile", NULL, ATTRIBUTE_TEXT, 0, .of = "profiles"},
	{"path_length", NULL, ATTRIBUTE_INT, 0}, {"days", NULL, ATTRIBUTE_INT, 0}};
static const struct attribute rollover_members[] = {
	{"key_type", NULL, ATTRIBUTE_TEXT, 0},
	{"digest", NULL, ATTRIBUTE_TEXT, 0, .values = "sha256 sha384 sha512"},
	{"signature", NULL, ATTRIBUTE_TEXT, 0},
	{"key_store", NULL, ATTRIBUTE_TEXT, 0, .of = "key_stores"},
	{"profile", NULL, ATTRIBUTE_TEXT, 0, .of = "profiles"},
	{"path_length", NULL, ATTRIBUTE_INT, 0},
	{"days", NULL, ATTRIBUTE_INT, 0},
};

static const struct route routes[] = {
	{"GET", "/cas", RIGHT_READ, list_many},
	{"GET", "/cas/{id}", RIGHT_READ, list_one},
	{"POST", "/cas", RIGHT_CAS, write_create, "ca.create"},
	{"PATCH", "/cas/{id}", RIGHT_CAS, write_update, "ca.update"},
	{"DELETE", "/cas/{id}", RIGHT_CAS, write_delete, "ca.delete"},
	{"POST", "/cas/{id}/disable", RIGHT_CAS, write_action, "ca.disable", .text = "it issues nothing for a time"},
	{"POST", "/cas/{id}/enable", RIGHT_CAS, write_action, "ca.enable", MEMBERS(enable_members), .text = "it issues again"},
	{"POST", "/cas/{id}/retire", RIGHT_CAS, write_action, "ca.retire", MEMBERS(retire_members), .text = "it ends; refused while something of"
	    " it lives"},
	{"POST", "/cas/{id}/revoke", RIGHT_CAS, write_action, "ca.revoke", MEMBERS(revoke_members), .text = "its certificates are revoked, and it"
	    " issues nothing"},
	{"POST", "/cas/{id}/install", RIGHT_CAS, write_action, "ca.install", MEMBERS(install_members), .text = "the certificate of an external CA"},
	{"POST", "/cas/{id}/cross", RIGHT_CAS, write_action, "ca.cross", MEMBERS(cross_members), ROUTE_RESULT,
	 .text = "a certificate by this CA for the key of another one"},
	{"POST", "/cas/{id}/renew", RIGHT_CAS, write_action, "ca.renew", MEMBERS(renew_members), .text = "a new certificate for the same key"},
	{"POST", "/cas/{id}/rollover", RIGHT_CAS, write_action, "ca.rollover", MEMBERS(rollover_members),
	    .text = "a new key, which takes over name and default"},
};

const struct resource resource_cas = {
	.path = "cas",
	.types = {"cas"},
	.from = "ca k",
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
	.default_sort = "id",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
