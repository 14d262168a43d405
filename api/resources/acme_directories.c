/* Directories of ACME: one door each by which servers of this tenant enrol. */
#include "config.h"
#include "api/resources/acme.h"

#include "api/list.h"
#include "api/write.h"

#define WANTS_KEY "n.settings->>'external_account' IS NOT DISTINCT FROM 'required'"
#define PROFILES                                                                                                       \
	"(SELECT jsonb_object_agg(d.name, jsonb_build_object('profile', p.name, 'description', d.description, 'caa', d.caa,"  \
	" 'default', d.is_default)) FROM directory_profile d JOIN profile p ON p.id = d.profile_id WHERE d.endpoint_id = n.id)"

static const struct attribute attributes[] = {
	{"name", "n.label", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
	 "its name in the address: small letters, digits, and . _ - behind the first; unique among all tenants"},
	{"enabled", "n.enabled", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "false: the address is as if it weren't there"},
	{"challenges", "n.auth", ATTRIBUTE_TEXTS, ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED,
	 "a list of the kinds that are offered: http-01, dns-01, dns-account-01, tls-alpn-01, device-attest-01",
	 .values = "http-01 dns-01 dns-account-01 tls-alpn-01 device-attest-01"},
	{"profiles", PROFILES, ATTRIBUTE_JSON, ATTRIBUTE_WRITE,
	 "an object that takes the place of the old one as a whole: what clients call it → {profile, description, caa, default}; caa: CAA records are"
	 " asked for; default: of orders that name none. Left out when it is made: one named default, of profile",
	 .schema = "acme_directory_profiles"},
	{"settings", "n.settings", ATTRIBUTE_JSON, ATTRIBUTE_WRITE,
	 "an object that takes the place of the old one as a whole: external_account (off, optional, required), terms_of_service, website,"
	 " caa_identities, networks, order_hours, authz_hours, names, accounts_per_hour, orders_per_hour, failures_per_hour, pending_authz; what they"
	 " mean is in doc/acme-directories.md",
	 .schema = "acme_directory_settings"},
	{"anchors", "(SELECT string_agg(encode(u.a, 'hex'), ',' ORDER BY u.i) FROM unnest(n.anchors) WITH ORDINALITY AS u(a, i))", ATTRIBUTE_PEMS,
	 ATTRIBUTE_WRITE | ATTRIBUTE_ON_REQUEST, "certificates (PEM) of manufacturers that are trusted to attest: device-attest-01 wants them"},
	{"url", ACME_URL, ATTRIBUTE_TEXT, ATTRIBUTE_WITH_URL, "what clients are given as the address of the server"},
	{"commands", ACME_COMMANDS(WANTS_KEY, "'KID'", "'KEY'"), ATTRIBUTE_JSON, ATTRIBUTE_WITH_URL,
	 "ready command lines; null for a client that knows none of the challenges. root.pem: the root of the server's certificate"},
	OWNERSHIP_ATTRIBUTES("n"),
	{"version", "n.version", ATTRIBUTE_INT, 0},
	{"created_at", "n.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct relationship relationships[] = {
	{"ca", "cas", "n.ca_id", ATTRIBUTE_WRITE | ATTRIBUTE_FILTER},
	{"profile", "profiles", "n.profile_id", ATTRIBUTE_WRITE | ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/acme_directories", RIGHT_READ, list_many},
	{"GET", "/acme_directories/{id}", RIGHT_READ, list_one},
	{"POST", "/acme_directories", RIGHT_ENROLMENT, write_create, "acme_directory.create"},
	{"PATCH", "/acme_directories/{id}", RIGHT_ENROLMENT, write_update, "acme_directory.update"},
	{"DELETE", "/acme_directories/{id}", RIGHT_ENROLMENT, write_delete, "acme_directory.delete", .flags = ROUTE_JOB,
	    .text = "closes it for good, at once; its accounts, orders and keys go with it by a job, certificates stay"},
};

const struct resource resource_acme_directories = {
	.path = "acme_directories",
	.types = {"acme_directories"},
	.from = "endpoint n",
	.where = "n.protocol = 'acme'",
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
