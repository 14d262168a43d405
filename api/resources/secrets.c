/* Secrets that are kept for others: what is known of them; their value only when it is fetched. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
    {"name", "s.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED},
    {"kind", "s.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED, "symmetric, password or data",
	 .values = "symmetric password data"},
    {"delivery", "s.delivery", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE,
     "many, or once: a version is destroyed as it is handed out", .values = "many once"},
    {"device", "s.device", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE, "whose it is, such as the number of a meter"},
    {"expires_at", "s.expires_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
    {"number", "s.current", ATTRIBUTE_INT, 0, "of its newest version"},
    {"versions",
     "(SELECT jsonb_agg(jsonb_build_object('number', v.n, 'made', v.made, 'length', v.length, 'fetched', v.fetched, 'last_fetched_at', "
     "v.last_fetched_at, 'destroyed_at', v.destroyed_at, 'created_at', v.created_at) ORDER BY v.n) FROM secret_version v WHERE v.secret_id = s.id)",
     ATTRIBUTE_JSON, 0},
    {"requestor", "s.requestor", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER},
    {"version", "s.version", ATTRIBUTE_INT, 0},
    {"created_at", "s.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
    OWNERSHIP_ATTRIBUTES("s"),
};

static const struct attribute recipe[] = {
	{"value", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE | ATTRIBUTE_SECRET, "base64; left out: it is made"},
	{"algorithm", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "of a symmetric key: aes128, aes192, aes256, hmac-sha256, hmac-sha512",
	 .values = "aes128 aes192 aes256 hmac-sha256 hmac-sha512"},
	{"length", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE, "octets of a key, letters of a password"},
	{"alphabet", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_CREATE, "of a password: readable, letters, all or digits",
	 .values = "readable letters all digits"},
	{"days", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE | ATTRIBUTE_UPDATE, "until it expires"},
};

static const struct attribute delivery[] = {
	{"number", NULL, ATTRIBUTE_INT, 0, "of the version; left out: the newest"},
	{"format", NULL, ATTRIBUTE_TEXT, 0, "plain, aes-kw (RFC 3394), aes-kwp (RFC 5649) or cms (RFC 5652)",
	 .values = "plain aes-kw aes-kwp cms"},
	{"kek", NULL, ATTRIBUTE_INT, 0, "id of the secret under which it is wrapped", .of = "secrets"},
	{"recipient", NULL, ATTRIBUTE_PEM, 0, "certificate (PEM) for which it is encrypted"},
};

static const struct relationship relationships[] = {{"certificate", "certificates", "s.certificate_id", ATTRIBUTE_CREATE}};

static const struct route routes[] = {
    {"GET", "/secrets", RIGHT_READ, list_many},
    {"GET", "/secrets/{id}", RIGHT_READ, list_one},
    {"POST", "/secrets", RIGHT_SECRETS, write_create, "secret.create"},
    {"PATCH", "/secrets/{id}", RIGHT_SECRETS, write_update, "secret.update"},
    {"DELETE", "/secrets/{id}", RIGHT_SECRETS, write_delete, "secret.delete"},
    {"POST", "/secrets/{id}/rotate", RIGHT_SECRETS, write_action, "secret.rotate", .members = recipe, .n_members = 4,
     .text = "makes a new version"},
    {"POST", "/secrets/{id}/fetch", RIGHT_SECRETS_TAKE, write_action, "secret.fetch", MEMBERS(delivery), ROUTE_RESULT,
     .text = "hands it out"},
};

const struct resource resource_secrets = {
	.path = "secrets",
	.types = {"secrets"},
	.from = "secret s",
	.id_sql = "s.id",
	.id_where = "s.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = ARRAY_LEN(relationships),
	.inputs = recipe,
	.n_inputs = ARRAY_LEN(recipe),
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
