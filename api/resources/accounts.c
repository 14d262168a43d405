/* Accounts: people and programs, each with one role. */
#include "config.h"
#include "api/api.h"

#include "api/list.h"
#include "api/write.h"

static const struct attribute attributes[] = {
	{"name", "a.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_CREATE | ATTRIBUTE_REQUIRED, "what one signs in with"},
	{"title", "a.title", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE, "the person's name"},
	{"email", "a.email", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE},
	{"role", "a.role", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT | ATTRIBUTE_WRITE | ATTRIBUTE_REQUIRED, "a name of GET /roles",
	 .of = "roles"},
	{"responsible_for", "a.responsible_for", ATTRIBUTE_TEXTS, ATTRIBUTE_WRITE,
	 "owners of certificates that certificates.own sees, beside the account's own name"},
	{"enabled", "a.enabled", ATTRIBUTE_BOOL, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE},
	{"sign_in", "a.sign_in", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_WRITE,
	 "by what it has to sign in: any (also by a password with a second factor, or a token), passkey (or a certificate),"
	 " certificate (alone); changed over a session that proved lately who sits there",
	 .values = "any passkey certificate"},
	{"sign_in_holds", "account_sign_in(a.id)", ATTRIBUTE_TEXT, 0, "the stricter one of that and its role's", .values = "any passkey certificate"},
	{"can_sign_in", "account_opens(a.id)", ATTRIBUTE_BOOL, ATTRIBUTE_ON_REQUEST,
	 "it has what that wants: a passkey, or a certificate that is good"},
	{"second_factor", "has_second_factor(a.id)", ATTRIBUTE_BOOL, 0,
	 "it has one for the console: an app or a passkey"},
	OWNERSHIP_ATTRIBUTES("a"),
	{"version", "a.version", ATTRIBUTE_INT, 0},
	{"created_at", "a.created_at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
};

static const struct route routes[] = {
	{"GET", "/accounts", RIGHT_READ, list_many},
	{"GET", "/accounts/{id}", RIGHT_READ, list_one},
	{"POST", "/accounts", RIGHT_ACCOUNTS, write_create, "account.create"},
	{"PATCH", "/accounts/{id}", RIGHT_ACCOUNTS, write_update, "account.update"},
	{"POST", "/accounts/{id}/reset_second_factor", RIGHT_ACCOUNTS, write_action, "account.reset_second_factor",
	 .text = "takes its second factor away and ends its sessions, for somebody who lost his phone and his recovery codes: signing in sets up "
	  "another"},
	{"DELETE", "/accounts/{id}", RIGHT_ACCOUNTS, write_delete, "account.delete",
	 .text = "ends it: nobody signs in with it any more, and its credentials are good for nothing; what it did stays"},
};

const struct resource resource_accounts = {
	.path = "accounts",
	.types = {"accounts"},
	.from = "account a",
	.id_sql = "a.id",
	.id_where = "a.id = $1::int8",
	.id_cast = "int8",
	.valid_id = id_is_number,
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.default_sort = "name",
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
