/* What accounts sign in with. The secret itself is shown once, when it is made; the store has its hash alone, and nobody reads that here. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"kind", "d.kind", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED,
		"token, password, one_time or certificate; login: the password that its owner chose, which nobody else makes",
	 .values = "token password one_time certificate (login)"},
	{"expires_at", "d.expires_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"used_at", "d.used_at", ATTRIBUTE_TIME, 0, "of a one-time code"},
	{"revoked_at", "d.revoked_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER},
	{"created_at", "d.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct attribute inputs[] = {
	{"hours", NULL, ATTRIBUTE_INT, ATTRIBUTE_CREATE, "how long it is good; a one-time code a day, the others for ever when left out"},
	{"certificate", NULL, ATTRIBUTE_PEM, ATTRIBUTE_CREATE, "of the kind certificate: it as PEM"},
};
static const struct attribute once[] = {{"secret", NULL, ATTRIBUTE_TEXT, 0, "the token, password or code that was made"}};

static const struct relationship relationships[] = {
	{"account", "accounts", "d.account_id", ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED | ATTRIBUTE_FILTER},
};

static const struct route routes[] = {
	{"GET", "/credentials", RIGHT_ACCOUNTS, list_many},
	{"GET", "/credentials/{id}", RIGHT_ACCOUNTS, list_one},
	{"POST", "/credentials", RIGHT_ACCOUNTS, write_create, "credential.create"},
	{"DELETE", "/credentials/{id}", RIGHT_ACCOUNTS, write_delete, "credential.revoke", .text = "withdraws it: it is good for nothing any more"},
};

const struct resource resource_credentials = {
	.path = "credentials",
	.types = {"credentials"},
	.from = "credential d",
	.id_sql = "d.id",
	.id_where = "d.id = $1::int8",
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
