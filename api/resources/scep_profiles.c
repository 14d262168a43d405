/* SCEP profiles: one door each by which devices of this tenant enrol over SCEP. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/resources/lines.h"
#include "api/write.h"

/* What an administrator begins with; doc/scep.md has the rest. */
#define SCEP_URL "'$URL/scep/' || n.label"
#define DEVICE "'CN=device'"
#define COMMANDS                                                                                                       \
	"jsonb_build_object("                                                                                          \
	"'curl_capabilities', 'curl --cacert root.pem ''' || " SCEP_URL " || '?operation=GetCACaps''',"                 \
	" 'strongswan_ca', " SCEP_PKI_CA ", 'strongswan_enroll', " SCEP_PKI_ENROLL(DEVICE) ","                            \
	" 'strongswan_renew', " SWAN_CERTIFICATE "'pki --scep --url ' || " SCEP_PLAIN                                    \
	" || ' --in next.key --dn CN=device --cert device.crt --key device.key" SWAN_TRUST " > next.crt' END,"          \
	" 'certmonger_ca', " SCEP_CERTMONGER_CA ", 'certmonger_enroll', " SCEP_CERTMONGER_ENROLL(DEVICE) ","              \
	" 'certmonger_renew', CASE WHEN 'certificate' = ANY (n.auth) THEN 'getcert resubmit -f \"$PWD/device.crt\" -w' END)"

static const struct attribute attributes[] = {
	{"name", "n.label", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
	 "its name in the address: small letters, digits, and . _ - behind the first; unique among all tenants"},
	{"enabled", "n.enabled", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "false: the address is as if it weren't there"},
	{"auth", "n.auth", ATTRIBUTE_TEXTS, ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED,
	 "a list of what is evidence: challenge (the static one), code, webhook, certificate", .values = "challenge code webhook certificate"},
	{"settings", "n.settings", ATTRIBUTE_JSON, ATTRIBUTE_WRITE,
	 "an object that takes the place of the old one as a whole: algorithms (current, legacy), capabilities (exact, all), names_from"
	 " (serial_number, same, any), retry_window_sec, webhook_url; what they mean is in doc/scep.md", .schema = "scep_profile_settings"},
	{"anchors", "(SELECT string_agg(encode(u.a, 'hex'), ',' ORDER BY u.i) FROM unnest(n.anchors) WITH ORDINALITY AS u(a, i))", ATTRIBUTE_PEMS,
	 ATTRIBUTE_WRITE | ATTRIBUTE_ON_REQUEST, "certificates (PEM) under which those of manufacturers are taken"},
	{"url", SCEP_URL, ATTRIBUTE_TEXT, ATTRIBUTE_WITH_URL, "where clients send their requests; the port of plain HTTP takes them as well"},
	{"commands", COMMANDS, ATTRIBUTE_JSON, ATTRIBUTE_WITH_URL,
	 "ready command lines of curl, strongSwan and certmonger; null for what the profile doesn't take; strongSwan's want capabilities all"},
	OWNERSHIP_ATTRIBUTES("n"),
	{"version", "n.version", ATTRIBUTE_INT, 0},
	{"created_at", "n.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct attribute inputs[] = {
	{"challenge", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_WRITE, "the static challenge; left out where auth takes one: it is made"},
};
static const struct attribute once[] = {{"challenge", NULL, ATTRIBUTE_TEXT, 0, "the static challenge that was made"}};

static const struct relationship relationships[] = {
	{"ca", "cas", "n.ca_id", ATTRIBUTE_WRITE | ATTRIBUTE_FILTER},
	{"profile", "profiles", "n.profile_id", ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED | ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/scep_profiles", RIGHT_READ, list_many},
	{"GET", "/scep_profiles/{id}", RIGHT_READ, list_one},
	{"POST", "/scep_profiles", RIGHT_ENROLMENT, write_create, "scep_profile.create"},
	{"PATCH", "/scep_profiles/{id}", RIGHT_ENROLMENT, write_update, "scep_profile.update"},
	{"DELETE", "/scep_profiles/{id}", RIGHT_ENROLMENT, write_delete, "scep_profile.delete",
	    .text = "closes it for good; codes that are bound to it go with it"},
};

const struct resource resource_scep_profiles = {
	.path = "scep_profiles",
	.types = {"scep_profiles"},
	.from = "endpoint n",
	.where = "n.protocol = 'scep'",
	.id_sql = "n.id",
	.id_where = "n.id = $1::int8",
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
