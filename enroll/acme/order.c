/* newOrder and the order's resource, RFC 8555 7.4. */
#include "enroll/acme/order.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enroll/acme/identifier.h"
#include "enroll/acme/rate_limit.h"
#include "enroll/acme/renewal_info.h"
#include "lib/db/array.h"
#include "lib/limits.h"
#include "lib/text.h"

#define POLL_PART 10 /* a tenth of what it has waited */
#define POLL_MOST_SEC 60

int64_t
acme_order_hours(const struct acme_exchange *x)
{
	return acme_setting(&x->endpoint, ACME_SETTING_order_hours);
}

int64_t
acme_authz_hours(const struct acme_exchange *x)
{
	return acme_setting(&x->endpoint, ACME_SETTING_authz_hours);
}

int64_t
acme_valid_hours(const struct endpoint *ep)
{
	int64_t hours = acme_setting(ep, ACME_SETTING_authz_hours);
	return hours > 0 ? hours : acme_setting(ep, ACME_SETTING_order_hours);
}

int
acme_token(struct acme_exchange *x, const char **ret, struct error *e)
{
	uint8_t octets[32]; /* RFC 8555 11.3 asks for 128 bits at least */
	if (RAND_bytes(octets, sizeof(octets)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	*ret = base64url_encode(x->arena, (struct bytes){octets, sizeof(octets)});
	return 0;
}

int
acme_order_read(struct acme_exchange *x, const struct db_result *r, struct acme_order *ret, struct error *e)
{
	enum { FOUND, TAKE_IT, ID, STATUS, EXPIRES, IDENTIFIERS, AUTHZ, PROFILE, REPLACES, ERROR, CSR, PROFILE_NAME, CAA };
	if (acme_own(r, "order", e) < 0)
		return -1;
	*ret = (struct acme_order){
	    .found = arena_strdup(x->arena, db_text(r, 0, FOUND)),
	    .take = db_bool(r, 0, TAKE_IT),
	    .id = db_int(r, 0, ID),
	    .status = arena_strdup(x->arena, db_text(r, 0, STATUS)),
	    .expires = arena_strdup(x->arena, db_text(r, 0, EXPIRES)),
	    .identifiers = arena_strdup(x->arena, db_text(r, 0, IDENTIFIERS)),
	    .authz = arena_strdup(x->arena, db_text(r, 0, AUTHZ)),
	    .profile = arena_strdup(x->arena, db_text(r, 0, PROFILE)),
	    .replaces = arena_strdup(x->arena, db_text(r, 0, REPLACES)),
	    .error = arena_strdup(x->arena, db_text(r, 0, ERROR)),
	    .csr = db_bytes(r, 0, CSR, x->arena),
	    .profile_name = arena_strdup(x->arena, db_text(r, 0, PROFILE_NAME)),
	    .caa = arena_strdup(x->arena, db_text(r, 0, CAA)),
	};
	x->order = ret->id;
	return 0;
}

static json_t *
identifiers_json(struct arena *a, const char *text)
{
	json_t *list = json_array();
	while (*text) {
		size_t len = strcspn(text, "\n");
		json_array_append_new(list, acme_identifier_json(arena_strndup(a, text, len)));
		text += len + (text[len] == '\n');
	}
	return list;
}

static json_t *
authz_json(struct acme_exchange *x, const char *text)
{
	json_t *list = json_array();
	const char *id;
	size_t len;
	while (words_next(&text, &id, &len))
		json_array_append_new(list, json_string(arena_printf(x->arena, "%s/authz/%.*s", x->url, (int)len, id)));
	return list;
}

/* Retry-After of an order that is processed: who has waited for long is asked to come less often. An order's age is known by its end. */
static unsigned
poll_sec(const struct acme_exchange *x, const struct acme_order *o)
{
	struct tm tm = {0};
	if (o->wait_sec || !strptime(o->expires, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return o->wait_sec ? o->wait_sec : ACME_POLL_SEC;
	int64_t age = (int64_t)time(NULL) - (timegm(&tm) - acme_order_hours(x) * 3600), wait = age / POLL_PART;
	return wait < ACME_POLL_SEC ? ACME_POLL_SEC : wait > POLL_MOST_SEC ? POLL_MOST_SEC : (unsigned)wait;
}

void
acme_order_answer(struct acme_exchange *x, struct http_answer *a, const struct acme_order *o)
{
	json_t *d = json_object();
	const char *url = acme_url(x, "order", o->id);
	json_object_set_new(d, "status", json_string(o->status));
	json_object_set_new(d, "expires", json_string(o->expires));
	json_object_set_new(d, "identifiers", identifiers_json(x->arena, o->identifiers));
	json_object_set_new(d, "authorizations", authz_json(x, o->authz));
	json_object_set_new(d, "finalize", json_string(arena_printf(x->arena, "%s/finalize", url)));
	if (*o->profile)
		json_object_set_new(d, "profile", json_string(o->profile));
	if (*o->replaces)
		json_object_set_new(d, "replaces", json_string(o->replaces));
	if (*o->error)
		json_object_set_new(d, "error", json_loads(o->error, 0, NULL));
	if (strcmp(o->status, "valid") == 0)
		json_object_set_new(d, "certificate", json_string(acme_url(x, "cert", o->id)));
	if (strcmp(o->status, "processing") == 0)
		http_answer_header(a, "Retry-After", arena_printf(x->arena, "%u", poll_sec(x, o)));
	http_answer_header(a, "Location", url);
	x->detail = o->status;
	acme_answer_json(x, a, d);
}

/* The identifiers of a payload, sorted, each once. All that are refused are named (RFC 8555 6.7.1). */
static int
read_identifiers(struct acme_exchange *x, const char **ret, size_t *ret_n, struct error *e)
{
	const json_t *list = json_object_get(x->payload, "identifiers"), *v;
	int64_t most = acme_setting(&x->endpoint, ACME_SETTING_names);
	size_t i, n = 0, refused = 0;
	struct error first;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return fail(e, E_MALFORMED, "\"identifiers\" has to be a list with at least one (RFC 8555 7.4)");
	if (json_array_size(list) > LIMIT_ACME_NAMES || (int64_t)json_array_size(list) > most)
		return fail(e, E_REJECTED_NAME, "an order of this directory has up to %lld identifiers",
		            (long long)(most < LIMIT_ACME_NAMES ? most : LIMIT_ACME_NAMES));
	json_array_foreach(list, i, v) {
		struct error why;
		if (acme_identifier_parse(x->arena, v, &ret[n], &why) == 0) {
			n++;
			continue;
		}
		const char *type = json_string_value(json_object_get(v, "type")), *value = json_string_value(json_object_get(v, "value"));
		if (type && value)
			acme_subproblem(x, arena_printf(x->arena, "%s:%s", type, value), &why);
		if (refused++ == 0)
			first = why;
	}
	if (refused > 0) {
		*e = first;
		return -1;
	}
	*ret_n = acme_identifiers_sort(ret, n);
	return 0;
}

/* What stands in the way of a new order. */
static int
refuse(struct acme_exchange *x, const struct db_result *r, const char *profile, struct error *e)
{
	const char *found = db_text(r, 0, 0);
	if (strcmp(found, "account") == 0)
		return fail(e, E_FORBIDDEN, "the account isn't valid any more (RFC 8555 7.3.6)");
	if (strcmp(found, "profile") == 0)
		return fail(e, E_NO_PROFILE, *profile ? "there is no profile \"%.60s\": the directory names those that there are"
		                                      : "this directory has no profile that holds when none is named%s", profile);
	if (strcmp(found, "replaces") == 0)
		return fail(e, E_NOT_FOUND, "\"replaces\" names no certificate of this account that has one of these identifiers (RFC 9773 5)");
	if (strcmp(found, "replaced") == 0)
		return fail(e, E_REPLACED, "another order has taken the place of the certificate that \"replaces\" names (RFC 9773 5)");
	if (strcmp(found, "kinds") == 0) {
		fail(e, E_REJECTED_NAME, "no challenge of this directory is one for it");
		acme_subproblem(x, arena_strdup(x->arena, db_text(r, 0, 5)), e);
		return fail(e, E_REJECTED_NAME, "%.150s: no challenge of this directory is one for it", db_text(r, 0, 5));
	}
	return acme_limit_refuse(x, found, db_text(r, 0, 5), db_int(r, 0, 13), e);
}

struct wanted {
	const char *names[LIMIT_ACME_NAMES];
	size_t n;
	const char *profile, *replaces;
	struct bytes key_id, serial;
};

static int
store(struct acme_exchange *x, const struct wanted *w, struct db_result **ret, struct error *e)
{
	static const struct acme_statement statement = {
	    .signed_sql = "SELECT " ACME_ORDER_SIGNED
	                  ", r_wait FROM acme_signed_order($1::bytea, $2::bytea, $3::bytea, $4::int8, $5::int8, $6::text[], $7::text[], $8::text[],"
	                  " $9::text, $10::text, $11::bytea, $12::bytea, $13::int, $14::int, $15::int, $16::int, $17::int)",
	    .sql = "SELECT " ACME_ORDER_COLUMNS
	           ", r_wait FROM acme_order_limited($1::int8, $2::int8, $3::text[], $4::text[], $5::text[], $6::text, $7::text, $8::bytea,"
	           " $9::bytea, $10::int, $11::int, $12::int, $13::int, $14::int)",
	};
	const struct acme_limits most = acme_limits_of(x);
	struct db_array lists[3];
	struct db_param params[3];
	int result = 0;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		db_array_init(&lists[i], DB_ARRAY_TEXT, LIMIT_ACME_NAMES * (LIMIT_SAN_BYTES + 300));
	for (size_t i = 0; result == 0 && i < w->n; i++) {
		const char *token = NULL, *kinds = acme_identifier_kinds(x->arena, x->endpoint.auth, w->names[i]);
		result = acme_token(x, &token, e);
		if (result == 0) {
			db_array_add(&lists[0], w->names[i], strlen(w->names[i]));
			db_array_add(&lists[1], kinds, strlen(kinds));
			db_array_add(&lists[2], token, strlen(token));
		}
	}
	for (size_t i = 0; result == 0 && i < ARRAY_LEN(lists); i++)
		result = db_array_param(&lists[i], &params[i], e);
	if (result == 0) {
		const struct db_param row[] = {
		    DB_INT(x->endpoint.id), DB_INT(x->account.id), params[0], params[1], params[2], DB_TEXT(w->profile),
		    w->replaces ? DB_TEXT(w->replaces) : DB_NULL, w->replaces ? DB_BYTES(w->key_id.data, w->key_id.len) : DB_NULL,
		    w->replaces ? DB_BYTES(w->serial.data, w->serial.len) : DB_NULL, DB_INT(acme_order_hours(x)), DB_INT(acme_authz_hours(x)),
		    DB_INT(most.orders), DB_INT(most.failures), DB_INT(most.pending),
		};
		result = acme_query_signed(x, &statement, row, ARRAY_LEN(row), ret, e);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		db_array_free(&lists[i]);
	return result;
}

static int
handle_new(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct wanted w = {0};
	struct acme_order o;
	if (json_object_get(x->payload, "notBefore") || json_object_get(x->payload, "notAfter"))
		return fail(e, E_MALFORMED,
		            "\"notBefore\" and \"notAfter\" aren't taken: the profile says how long a certificate is valid (RFC 8555 7.4)");
	if (acme_text(x->payload, "profile", "", &w.profile, e) < 0 || acme_text(x->payload, "replaces", NULL, &w.replaces, e) < 0 ||
	    (w.replaces && acme_certid_parse(x->arena, w.replaces, &w.key_id, &w.serial, e) < 0) || read_identifiers(x, w.names, &w.n, e) < 0 ||
	    store(x, &w, &r, e) < 0 || refuse(x, r, w.profile, e) < 0 || acme_order_read(x, r, &o, e) < 0)
		return -1;
	a->status = 201;
	acme_order_answer(x, a, &o);
	return 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	static const struct acme_statement statement = {
	    .signed_sql =
	        "SELECT " ACME_ORDER_SIGNED " FROM acme_signed_order_get($1::bytea, $2::bytea, $3::bytea, $4::int8, $5::int8, $6::int8, $7::int)",
	    .sql = "SELECT " ACME_ORDER_COLUMNS " FROM acme_order_get($1::int8, $2::int8, $3::int)",
	    .skip = 1,
	};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct acme_order o;
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_INT(x->account.id), DB_INT(x->ids[0]), DB_INT(ACME_LEASE_SEC)};
	if (acme_query_signed(x, &statement, row, ARRAY_LEN(row), &r, e) < 0 ||
	    acme_order_read(x, r, &o, e) < 0 || (o.take && acme_order_issue(x, &o, e) < 0))
		return -1;
	acme_order_answer(x, a, &o);
	return 0;
}

const struct acme_operation acme_new_order = {
    .name = "newOrder", .path = "new-order", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT, .late = true, .post = handle_new};
const struct acme_operation acme_order_resource = {
    .name = "order", .path = "order/#", .signer = ACME_ACCOUNT, .payload = ACME_EMPTY, .late = true, .post = handle};
