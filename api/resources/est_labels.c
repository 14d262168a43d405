/* Labels of EST: one door each by which devices of this tenant enrol. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/resources/lines.h"
#include "api/write.h"

/* The two parts of the answer; the file with the key goes. */
#define PART(n) "tr -d ''\\r'' < answer.mime | awk ''/^--/ {n++; body=0} body && n==" n " {print} /^$/ {body=1}'' | openssl base64 -d -A"
#define SERVERKEYGEN                                                                                                   \
	"CASE WHEN coalesce(n.settings->>'key_delivery', 'any') <> 'encrypted' AND NOT EXISTS (SELECT FROM profile p WHERE p.id = n.profile_id" \
	" AND p.definition->>'key_origin' = 'client') THEN '(umask 077 && ' || " POST " || " EVIDENCE " || " PKCS10("device.csr")             \
	" || '/serverkeygen -o answer.mime --fail-with-body && " PART("1") " | openssl pkey -inform DER -out made.key && " PART("2")         \
	" | openssl pkcs7 -inform DER -print_certs -out made.crt || ! cat answer.mime; state=$?; rm answer.mime; exit $state)' END"
#define COMMANDS                                                                                                       \
	"jsonb_build_object('curl_cacerts', " EST_CACERTS ", 'curl_enroll', " EST_ENROLL ","                             \
	" 'curl_reenroll', CASE WHEN n.auth && '{certificate,both}' THEN " POST                                             \
	" || CASE WHEN 'certificate' = ANY (n.auth) THEN '' ELSE " SECRET " END || " IDENTITY                               \
	" || " PKCS10("next.csr") " || '/simplereenroll ' || " DECODE("next.crt") " END,"                                              \
	" 'curl_csrattrs', 'curl --cacert root.pem ' || " EST_URL " || '/csrattrs | openssl base64 -d -A | openssl asn1parse -inform DER -i',"  \
	" 'curl_serverkeygen', " SERVERKEYGEN ","                                                                        \
	" 'strongswan_cacerts', " EST_PKI_CACERTS ", 'strongswan_enroll', " EST_PKI_ENROLL ","                             \
	" 'strongswan_reenroll', CASE WHEN 'certificate' = ANY (n.auth) THEN 'pki --est --url ' || " PKI_URL                     \
	" || ' --cacert root.pem' || " ISSUER " || ' --in next.csr --cert device.crt --key device.key --outform pem > next.crt' END)"

static const struct attribute attributes[] = {
	{"name", "n.label", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
	 "the label in the address: small letters, digits, and . _ - behind the first; unique among all tenants"},
	{"enabled", "n.enabled", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "false: its path is as if it weren't there"},
	{"auth", "n.auth", ATTRIBUTE_TEXTS, ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED,
	 "a list of what is evidence: password, code, certificate, both (a certificate, and a password or code with it)",
	 .values = "password code certificate both"},
	{"settings", "n.settings", ATTRIBUTE_JSON, ATTRIBUTE_WRITE,
	 "names_from: what a manufacturer's certificate says of the new one: serial_number (the default), serial_number_only, same or any;"
	 " devices_of:"
	 " whose certificates renew: ca (the default, this path's) or tenant; retry_window_sec: for how long"
	 " the same request gets the same certificate; key_delivery: encrypted, when keys that are made here go out encrypted alone (default: any)",
	 .schema = "est_label_settings"},
	{"anchors", "(SELECT string_agg(encode(u.a, 'hex'), ',' ORDER BY u.i) FROM unnest(n.anchors) WITH ORDINALITY AS u(a, i))", ATTRIBUTE_PEMS,
	 ATTRIBUTE_WRITE | ATTRIBUTE_ON_REQUEST, "certificates (PEM) under which those of manufacturers are taken"},
	{"url", EST_URL, ATTRIBUTE_TEXT, ATTRIBUTE_WITH_URL, "where clients send their requests"},
	{"commands", COMMANDS, ATTRIBUTE_JSON, ATTRIBUTE_WITH_URL,
	 "ready command lines of curl and strongSwan; null for what the label doesn't take. device.csr, next.csr: requests in DER or PEM"},
	OWNERSHIP_ATTRIBUTES("n"),
	{"version", "n.version", ATTRIBUTE_INT, 0},
	{"created_at", "n.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {
	{"ca", "cas", "n.ca_id", ATTRIBUTE_WRITE | ATTRIBUTE_FILTER},
	{"profile", "profiles", "n.profile_id", ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED | ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/est_labels", RIGHT_READ, list_many},
	{"GET", "/est_labels/{id}", RIGHT_READ, list_one},
	{"POST", "/est_labels", RIGHT_ENROLMENT, write_create, "est_label.create"},
	{"PATCH", "/est_labels/{id}", RIGHT_ENROLMENT, write_update, "est_label.update"},
	{"DELETE", "/est_labels/{id}", RIGHT_ENROLMENT, write_delete, "est_label.delete",
	    .text = "closes it for good; codes that are bound to it go with it"},
};

const struct resource resource_est_labels = {
	.path = "est_labels",
	.types = {"est_labels"},
	.from = "endpoint n",
	.where = "n.protocol = 'est'",
	.id_sql = "n.id",
	.id_where = "n.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
