/* Passkeys: looked at, named, removed. They are added over a session: sessions.c. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"


static const struct attribute attributes[] = {
    {"name", "p.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_UPDATE, "by which its owner knows it again"},
    {"account_name", "a.name", ATTRIBUTE_TEXT, 0, "whose it is"},
    {"user_verified", "p.user_verified", ATTRIBUTE_BOOL, 0, "it asked for a PIN or a finger when it was made"},
    {"created_at", "p.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
    {"used_at", "p.used_at", ATTRIBUTE_TIME, 0, "last; null: never"},
};

static const struct relationship relationships[] = {{"account", "accounts", "p.account_id", ATTRIBUTE_FILTER}};

/* One's own is removed over the session that proved a second factor lately, so that the engine has to know which. */
static int
remove_one(struct call *c, struct error *e)
{
	json_auto_t *body = json_object(), *result = NULL;

	if (!id_is_number(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	if (c->request->body.len || c->request->n_query)
		return fail(e, E_MALFORMED, "DELETE has no body here, and no query parameters");
	json_object_set_new(body, "session", json_integer((json_int_t)c->who.session_id));
	if (write_ask(c, "login.passkey_remove", body, &result, e))
		return -1;
	c->answer->status = 204;
	return 0;
}

static const struct route routes[] = {
    {"GET", "/passkeys", RIGHT_ACCOUNT, list_many, .text = "lists one's own, and with accounts.manage those of the tenant"},
    {"GET", "/passkeys/{id}", RIGHT_ACCOUNT, list_one},
    {"PATCH", "/passkeys/{id}", RIGHT_ACCOUNT, write_update, "login.passkey_name", .text = "names one's own"},
    {"DELETE", "/passkeys/{id}", RIGHT_ACCOUNT, remove_one, .text = "removes it, and ends the sessions that it made; one's own: over a session"},
};

const struct resource resource_passkeys = {
    .path = "passkeys",
    .types = {"passkeys"},
    .from = "passkey p JOIN account a ON a.id = p.account_id",
    .where = "(p.account_id = portal_account() OR 'accounts.manage' = ANY (account_rights(portal_account())))",
    .id_sql = "p.id",
    .id_where = "p.id = $1::int8",
    .id_cast = "int8",
    .valid_id = id_is_number,
    .attributes = attributes,
    .n_attributes = ARRAY_LEN(attributes),
    .relationships = relationships,
    .n_relationships = ARRAY_LEN(relationships),
    .by_account = true,
    .routes = routes,
    .n_routes = ARRAY_LEN(routes),
};
