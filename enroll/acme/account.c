/* newAccount and the account's resource, RFC 8555 7.3 to 7.3.3 and 7.3.6; its list of orders, 7.1.2.1. */
#include "enroll/acme/account.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "enroll/acme/payload.h"
#include "enroll/acme/rate_limit.h"
#include "lib/limits.h"
#include "lib/x509/names.h"

static void
answer_account(struct acme_exchange *x, struct http_answer *a, const struct acme_account *account)
{
	json_t *d = json_object(), *list = json_array();
	json_object_set_new(d, "status", json_string(account->status));
	for (const char *p = account->contacts; *p;) {
		size_t len = strcspn(p, "\n");
		json_array_append_new(list, json_stringn(p, len));
		p += len + (p[len] == '\n');
	}
	if (json_array_size(list) > 0)
		json_object_set(d, "contact", list);
	json_decref(list);
	if (account->terms)
		json_object_set_new(d, "termsOfServiceAgreed", json_true());
	if (*account->binding)
		json_object_set_new(d, "externalAccountBinding", json_loads(account->binding, 0, NULL));
	json_object_set_new(d, "orders", json_string(arena_printf(x->arena, "%s/orders", acme_url(x, "acct", account->id))));
	acme_answer_json(x, a, d);
}

/* RFC 8555 7.3: mailto (RFC 6068) with one address and no header fields. */
static int
check_contact(struct acme_exchange *x, const char *contact, struct error *e)
{
	struct name n;
	struct error why;
	if (strncasecmp(contact, "mailto:", 7) != 0)
		return fail(e, E_CONTACT_SCHEME, "contact \"%.80s\": only mailto: is taken (RFC 8555 7.3)", contact);
	const char *address = contact + 7;
	if (strpbrk(address, ",?") || strlen(address) > LIMIT_ACME_CONTACT_BYTES)
		return fail(e, E_BAD_CONTACT, "contact \"%.80s\": one mail address without header fields is wanted (RFC 8555 7.3)", contact);
	if (name_make(x->arena, NAME_EMAIL, address, strlen(address), false, &n, &why) < 0)
		return fail(e, E_BAD_CONTACT, "contact \"%.80s\": %s", contact, why.detail);
	return 0;
}

int
acme_read_contacts(struct acme_exchange *x, struct db_array *ret, bool *ret_is, struct error *e)
{
	const json_t *list = json_object_get(x->payload, "contact"), *v;
	size_t i;
	*ret_is = list != NULL;
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > LIMIT_ACME_CONTACTS)
		return fail(e, E_MALFORMED, "\"contact\" has to be a list of up to %d addresses", LIMIT_ACME_CONTACTS);
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return fail(e, E_MALFORMED, "\"contact\" has to be a list of texts");
		if (check_contact(x, json_string_value(v), e) < 0)
			return -1;
		db_array_add(ret, json_string_value(v), json_string_length(v));
	}
	return 0;
}

static int
get_flag(struct acme_exchange *x, const char *name, bool *ret, struct error *e)
{
	const json_t *v = json_object_get(x->payload, name);
	if (v && !json_is_boolean(v))
		return fail(e, E_MALFORMED, "\"%s\" has to be true or false", name);
	*ret = json_is_true(v);
	return 0;
}

static int
answer_known(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	if (strcmp(x->account.status, "valid") != 0)
		return fail(e, E_FORBIDDEN, "the account of this key is %s (RFC 8555 7.3.6)", x->account.status);
	http_answer_header(a, "Location", acme_url(x, "acct", x->account.id));
	answer_account(x, a, &x->account);
	return 0;
}

static int
insert(struct acme_exchange *x, struct db_array *contacts, bool terms, const struct acme_external *external, struct http_answer *a, struct error *e)
{
	enum { ID, MADE, STATUS, CONTACTS, TERMS, BINDING, WAIT };
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db_param list;
	if (db_array_param(contacts, &list, e) < 0)
		return -1;
	const struct db_param row[] = {
	    DB_INT(x->endpoint.id),
	    DB_TEXT(x->key.canonical),
	    DB_BYTES(x->key.thumbprint, JWK_THUMBPRINT_BYTES),
	    list,
	    DB_TEXT(terms ? "true" : "false"),
	    external->key_id ? DB_INT(external->key_id) : DB_NULL,
	    external->binding ? DB_TEXT(external->binding) : DB_NULL,
	    DB_TEXT(x->request->client),
	    DB_TEXT(acme_limit_address(x->arena, x->request->client)),
	    DB_INT(acme_limits_of(x).accounts),
	};
	if (acme_query(x,
	               "SELECT r_id, r_made, r_status, r_contacts, r_terms, r_binding, r_wait"
	               " FROM acme_account_limited($1::int8, $2::text, $3::bytea, $4::text[], $5::boolean, $6::int8, $7::text, $8::text, $9::text, "
	               "$10::int)",
	               row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	if (db_int(r, 0, WAIT) > 0)
		return acme_limit_refuse(x, "accounts", NULL, db_int(r, 0, WAIT), e);
	if (db_rows(r) == 0 || db_is_null(r, 0, ID))
		return fail(e, E_FORBIDDEN,
		            "the external account's key has been used for as many accounts as it is for, or is no longer good (RFC 8555 7.3.4)");
	x->account = (struct acme_account){
	    .id = db_int(r, 0, ID),
	    .status = arena_strdup(x->arena, db_text(r, 0, STATUS)),
	    .contacts = arena_strdup(x->arena, db_text(r, 0, CONTACTS)),
	    .terms = db_bool(r, 0, TERMS),
	    .binding = arena_strdup(x->arena, db_text(r, 0, BINDING)),
	};
	if (db_bool(r, 0, MADE))
		a->status = 201;
	return answer_known(x, a, e);
}

static int
handle_new(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	struct acme_external external = {0};
	bool only_existing = false, terms = false, has_contacts = false;
	if (get_flag(x, "onlyReturnExisting", &only_existing, e) < 0 || get_flag(x, "termsOfServiceAgreed", &terms, e) < 0)
		return -1;
	if (x->account.id)
		return answer_known(x, a, e);
	if (only_existing)
		return fail(e, E_NO_ACCOUNT, "there is no account with this key (RFC 8555 7.3.1)");
	if (!terms && *endpoint_text(&x->endpoint, x->arena, "terms_of_service", ""))
		return fail(e, E_USER_ACTION, "the terms of service have to be agreed to: termsOfServiceAgreed (RFC 8555 7.3)");
	struct db_array contacts;
	db_array_init(&contacts, DB_ARRAY_TEXT, LIMIT_ACME_CONTACTS * (LIMIT_ACME_CONTACT_BYTES + 64));
	int result = -1;
	if (acme_read_contacts(x, &contacts, &has_contacts, e) == 0 && acme_external_check(x, &external, e) == 0)
		result = insert(x, &contacts, terms, &external, a, e);
	db_array_free(&contacts);
	return result;
}

static int
change(struct acme_exchange *x, struct db_array *contacts, bool has_contacts, bool terms, bool deactivate, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db_param list;
	if (db_array_param(contacts, &list, e) < 0)
		return -1;
	const struct db_param row[] = {DB_INT(x->account.id), has_contacts ? list : DB_NULL, DB_TEXT(terms ? "true" : "false"),
	                               DB_TEXT(deactivate ? "true" : "false")};
	if (acme_query(x,
	               "SELECT r_status, r_contacts, r_terms, r_binding FROM acme_account_change($1::int8, $2::text[], $3::boolean, $4::boolean)",
	               row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_FORBIDDEN, "the account isn't valid any more (RFC 8555 7.3.6)");
	x->account.status = arena_strdup(x->arena, db_text(r, 0, 0));
	x->account.contacts = arena_strdup(x->arena, db_text(r, 0, 1));
	x->account.terms = db_bool(r, 0, 2);
	return 0;
}

static int
handle_change(struct acme_exchange *x, bool *ret_changes, struct error *e)
{
	const char *status = NULL;
	bool terms = false, has_contacts = false;
	if (acme_text(x->payload, "status", NULL, &status, e) < 0 || get_flag(x, "termsOfServiceAgreed", &terms, e) < 0)
		return -1;
	if (status && strcmp(status, "deactivated") != 0 && strcmp(status, "valid") != 0)
		return fail(e, E_MALFORMED, "\"status\" can be set to \"deactivated\" alone (RFC 8555 7.3.6)");
	bool deactivate = status && strcmp(status, "deactivated") == 0;
	struct db_array contacts;
	db_array_init(&contacts, DB_ARRAY_TEXT, LIMIT_ACME_CONTACTS * (LIMIT_ACME_CONTACT_BYTES + 64));
	int result = acme_read_contacts(x, &contacts, &has_contacts, e);
	*ret_changes = deactivate || terms || has_contacts;
	if (result == 0 && *ret_changes)
		result = change(x, &contacts, has_contacts, terms, deactivate, e);
	db_array_free(&contacts);
	return result;
}

static int
check_self(struct acme_exchange *x, struct error *e)
{
	return x->ids[0] == x->account.id ? 0 : fail(e, E_FORBIDDEN, "the account is another one than that which signs");
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	bool changes = false;
	if (check_self(x, e) < 0 || (x->payload && handle_change(x, &changes, e) < 0))
		return -1;
	x->detail = changes ? x->account.status : NULL;
	answer_account(x, a, &x->account);
	return 0;
}

/* A page of the list; the next one begins behind its last. */
static int
handle_orders(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *after = http_query_get(x->request, "after");
	if (check_self(x, e) < 0)
		return -1;
	if (x->request->n_query > 0 && (!after || !*after || strlen(after) > 18 || strspn(after, "0123456789") != strlen(after)))
		return fail(e, E_MALFORMED, "the list goes on at an address that it gave itself (RFC 8555 7.1.2.1)");
	if (acme_query(x, "SELECT r_id FROM acme_orders($1::int8, $2::int8, $3::int)",
	               (struct db_param[]){DB_INT(x->account.id), after ? DB_TEXT(after) : DB_NULL, DB_INT(LIMIT_ACME_PAGE + 1)}, 3, &r, e) < 0)
		return -1;
	json_t *list = json_array();
	for (int i = 0; i < db_rows(r) && i < LIMIT_ACME_PAGE; i++)
		json_array_append_new(list, json_string(acme_url(x, "order", db_int(r, i, 0))));
	if (db_rows(r) > LIMIT_ACME_PAGE)
		acme_answer_link(x, a, arena_printf(x->arena, "%s/orders?after=%lld", acme_url(x, "acct", x->account.id),
		                                    (long long)db_int(r, LIMIT_ACME_PAGE - 1, 0)), "next");
	acme_answer_json(x, a, json_pack("{s:o}", "orders", list));
	return 0;
}

const struct acme_operation acme_new_account = {
    .name = "newAccount", .path = "new-account", .signer = ACME_NEW_KEY, .payload = ACME_OBJECT, .post = handle_new};
const struct acme_operation acme_account_resource = {
    .name = "account", .path = "acct/#", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT_OR_EMPTY, .post = handle};
const struct acme_operation acme_account_orders = {
    .name = "orders", .path = "acct/#/orders", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .post = handle_orders};
