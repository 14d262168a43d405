/* newAuthz and the authorization's resource, RFC 8555 7.4.1, 7.5 and 7.5.2. */
#include "enroll/acme/authz.h"

#include <string.h>

#include "enroll/acme/identifier.h"
#include "enroll/acme/order.h"
#include "enroll/acme/rate_limit.h"

int
acme_authz_read(struct acme_exchange *x, const struct db_result *r, const char *what, struct acme_authz *ret, struct error *e)
{
	enum { FOUND, ID, IDENTIFIER, WILDCARD, STATUS, EXPIRES, CHALLENGES };
	if (acme_own(r, what, e) < 0)
		return -1;
	json_t *challenges = json_loads(db_text(r, 0, CHALLENGES), 0, NULL);
	if (!challenges)
		return fail(e, E_INTERNAL, "the challenges can't be read");
	*ret = (struct acme_authz){
	    .id = db_int(r, 0, ID),
	    .identifier = arena_strdup(x->arena, db_text(r, 0, IDENTIFIER)),
	    .wildcard = db_bool(r, 0, WILDCARD),
	    .status = arena_strdup(x->arena, db_text(r, 0, STATUS)),
	    .expires = arena_strdup(x->arena, db_text(r, 0, EXPIRES)),
	    .challenges = challenges,
	};
	return 0;
}

void
acme_authz_free(struct acme_authz *z)
{
	json_decref(z->challenges);
	z->challenges = NULL;
}

json_t *
acme_challenge_json(struct acme_exchange *x, const json_t *row)
{
	json_t *c = json_copy((json_t *)(uintptr_t)row);
	json_object_set_new(c, "url", json_string(acme_url(x, "chall", json_integer_value(json_object_get(row, "id")))));
	json_object_del(c, "id");
	return c;
}

static bool
has_status(const json_t *row, const char *status)
{
	return strcmp(json_string_value(json_object_get(row, "status")), status) == 0;
}

/* Of one that is valid the challenge that made it so, of one that is invalid those that failed (RFC 8555 7.1.4). */
static void
answer_authz(struct acme_exchange *x, struct http_answer *a, const struct acme_authz *z)
{
	json_t *d = json_object(), *list = json_array();
	bool processing = false;
	for (size_t i = 0; i < json_array_size(z->challenges); i++) {
		const json_t *row = json_array_get(z->challenges, i);
		processing = processing || has_status(row, "processing");
		if ((strcmp(z->status, "valid") == 0 || strcmp(z->status, "invalid") == 0) && !has_status(row, z->status))
			continue;
		json_array_append_new(list, acme_challenge_json(x, row));
	}
	json_object_set_new(d, "identifier", acme_identifier_json(z->identifier));
	json_object_set_new(d, "status", json_string(z->status));
	json_object_set_new(d, "expires", json_string(z->expires));
	json_object_set_new(d, "challenges", list);
	if (z->wildcard)
		json_object_set_new(d, "wildcard", json_true());
	if (processing && strcmp(z->status, "pending") == 0)
		http_answer_header(a, "Retry-After", arena_printf(x->arena, "%d", ACME_POLL_SEC));
	x->detail = z->status;
	acme_answer_json(x, a, d);
}

static int
handle_new(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *identifier = NULL, *token = NULL;
	struct acme_authz z = {0};
	if (acme_identifier_parse(x->arena, json_object_get(x->payload, "identifier"), &identifier, e) < 0 || acme_token(x, &token, e) < 0)
		return -1;
	if (strncmp(identifier, "dns:*.", 6) == 0) /* RFC 8555 7.4.1 */
		return fail(e, E_MALFORMED, "a wildcard can't be authorised in advance (RFC 8555 7.4.1)");
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_INT(x->account.id), DB_TEXT(identifier),
	                               DB_TEXT(acme_identifier_kinds(x->arena, x->endpoint.auth, identifier)), DB_TEXT(token),
	                               DB_INT(acme_order_hours(x)), DB_INT(acme_authz_hours(x)), DB_INT(acme_limits_of(x).orders),
	                               DB_INT(acme_limits_of(x).failures), DB_INT(acme_limits_of(x).pending)};
	if (acme_query(x,
	               "SELECT " ACME_AUTHZ_COLUMNS
	               ", r_wait FROM acme_authz_limited($1::int8, $2::int8, $3::text, $4::text, $5::text, $6::int, $7::int,"
	               " $8::int, $9::int, $10::int)",
	               row, ARRAY_LEN(row), &r, e) < 0 ||
	    acme_limit_refuse(x, db_text(r, 0, 0), identifier, db_int(r, 0, 7), e) < 0)
		return -1;
	if (strcmp(db_text(r, 0, 0), "account") == 0)
		return fail(e, E_FORBIDDEN, "the account isn't valid any more (RFC 8555 7.3.6)");
	if (strcmp(db_text(r, 0, 0), "kinds") == 0)
		return fail(e, E_REJECTED_NAME, "no challenge of this directory is one for this identifier");
	if (acme_authz_read(x, r, "authorization", &z, e) < 0)
		return -1;
	a->status = 201;
	http_answer_header(a, "Location", acme_url(x, "authz", z.id));
	answer_authz(x, a, &z);
	acme_authz_free(&z);
	return 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	static const struct acme_statement get = {
	    .signed_sql =
	        "SELECT " ACME_AUTHZ_COLUMNS " FROM acme_signed_authz($1::bytea, $2::bytea, $3::bytea, $4::int8, $5::int8, $6::int8)",
	    .sql = "SELECT " ACME_AUTHZ_COLUMNS " FROM acme_authz_get($1::int8, $2::int8, false)",
	    .skip = 1,
	};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *status = NULL;
	struct acme_authz z = {0};
	if (acme_text(x->payload, "status", NULL, &status, e) < 0)
		return -1;
	if (x->payload && (!status || strcmp(status, "deactivated") != 0))
		return fail(e, E_MALFORMED, "\"status\" of an authorization can be set to \"deactivated\" alone (RFC 8555 7.5.2)");
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_INT(x->account.id), DB_INT(x->ids[0])};
	int result = status ? acme_query(x, "SELECT " ACME_AUTHZ_COLUMNS " FROM acme_authz_deactivate($1::int8, $2::int8)", row + 1, 2, &r, e)
	                    : acme_query_signed(x, &get, row, ARRAY_LEN(row), &r, e);
	if (result < 0 || acme_authz_read(x, r, "authorization", &z, e) < 0)
		return -1;
	answer_authz(x, a, &z);
	acme_authz_free(&z);
	return 0;
}

const struct acme_operation acme_new_authz = {
    .name = "newAuthz", .path = "new-authz", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT, .post = handle_new};
const struct acme_operation acme_authz_resource = {
    .name = "authorization", .path = "authz/#", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT_OR_EMPTY, .late = true, .post = handle};
