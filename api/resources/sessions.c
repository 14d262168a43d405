/* Sessions of browsers: signing in step by step, what is signed in, and out again. A cookie is all that the browser holds; it changes with each
 * step. */
#include "config.h"
#include "api/api.h"

#include <string.h>

#include <openssl/evp.h>

#include "api/jsonapi.h"
#include "api/list.h"
#include "api/rights.h"
#include "api/session_store.h"
#include "api/token_cache.h"
#include "api/write.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"

#define NAME_MAX_BYTES 63
#define CODE_MAX_BYTES 128
#define FACTOR_CODE_BYTES 16
#define RECOVERY_CODE_BYTES 40
#define COOKIE_BYTES 32
#define WRONG_CODE "the code is wrong, was used before, or the clock of the device is off"

#define ME "nullif(current_setting('siegel.account', true), '')::int8"

static const struct attribute attributes[] = {
    {"name", "a.name", ATTRIBUTE_TEXT, 0, "the account's"},
    {"title", "a.title", ATTRIBUTE_TEXT, 0, "the person's name"},
    {"role", "a.role", ATTRIBUTE_TEXT, 0, .of = "roles"},
    {"rights", "account_rights(a.id)", ATTRIBUTE_TEXTS, 0, "words of GET /rights", .of = "rights"},
    {"tenant", "(SELECT t.name FROM tenant t WHERE t.id = s.tenant_id)", ATTRIBUTE_TEXT, 0},
    {"evidence", "s.evidence", ATTRIBUTE_TEXT, 0, "password or one_time", .values = "password one_time"},
    {"missing", "s.missing", ATTRIBUTE_TEXTS, 0,
     "what is to be done, in this order, before the session may do anything else: second_factor (prove it), password (set one), totp (set it up)",
	 .values = "second_factor password totp"},
    {"current", "coalesce(s.id = nullif(current_setting('siegel.session', true), '')::int8, false)", ATTRIBUTE_BOOL, 0,
     "the one over which this is asked"},
    {"recovery_codes_left", "(SELECT cardinality(f.recovery) FROM second_factor f WHERE f.account_id = s.account_id AND f.confirmed_at IS NOT NULL)",
     ATTRIBUTE_INT, 0, "null without a second factor"},
    {"client", "s.client", ATTRIBUTE_TEXT, 0, "address"},
    {"agent", "s.agent", ATTRIBUTE_TEXT, 0, "what the browser calls itself"},
    {"created_at", "s.created_at", ATTRIBUTE_TIME, 0},
    {"used_at", "s.used_at", ATTRIBUTE_TIME, 0, "to the minute"},
    {"expires_at", "s.expires_at", ATTRIBUTE_TIME, 0, "twelve hours after signing in; half an hour after its last use in any case"},
};

static const struct relationship relationships[] = {{"account", "accounts", "s.account_id", 0}};

/* --- the cookie --- */

static void
set_cookie(struct call *c, const char *value)
{
	http_answer_header(c->answer, "Set-Cookie",
	                   arena_printf(c->arena, SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s", value,
	                                *value ? "" : "; Max-Age=0"));
}

/* The session as it is now, with what came of the step (once), and its new cookie. */
static int
show(struct call *c, int status, const char *cookie, const json_t *once, struct error *e)
{
	c->id = arena_printf(c->arena, "%lld", (long long)c->who.session_id);
	c->once = once;
	if (list_one(c, e))
		return -1;
	c->answer->status = status;
	c->answer->secret = true;
	if (cookie)
		set_cookie(c, cookie);
	return 0;
}

/* --- signing in --- */

static const struct attribute claim_members[] = {
    {"name", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED, "the account's"},
    {"tenant", NULL, ATTRIBUTE_TEXT, 0, "its tenant; the house when left out"},
    {"password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "the one that its owner chose"},
    {"one_time_code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "or a one-time code, which is used up"},
};

static int
read_claim(const struct document *d, struct login_claim *ret, struct error *e)
{
	const char *name;
	char at[96];
	json_t *value;
	bool known;

	json_object_foreach(d->attributes, name, value)
	{
		known = false;
		for (size_t i = 0; i < ARRAY_LEN(claim_members); i++)
			known = known || strcmp(name, claim_members[i].name) == 0;
		document_pointer(at, name);
		if (!known)
			return fail_at(e, E_BAD_VALUE, at, "there is no such attribute");
	}
	if (document_text(d, "name", NAME_MAX_BYTES, &ret->name, e) || document_text(d, "tenant", NAME_MAX_BYTES, &ret->tenant, e) ||
	    document_text(d, "password", LIMIT_PASSWORD_BYTES, &ret->password, e) || document_text(d, "one_time_code", CODE_MAX_BYTES, &ret->code, e))
		return -1;
	if (!ret->name)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/name", "name: the account's name is wanted");
	if (!ret->password == !ret->code)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/password", "password or one_time_code is wanted, one of them");
	return 0;
}

/* Guessing is slowed down as in signing in for a token, by address and by address and account. */
static int
sign_in(struct call *c, const struct login_claim *claim, struct secret **ret, struct error *e)
{
	const char *key = arena_printf(c->arena, "account %s %s", c->request->client, claim->name);

	if (rights_throttle(c, e) || throttle_check(key, e))
		return -1;
	if (session_make(c, claim, ret, e)) {
		if (e->code == E_UNAUTHENTICATED) {
			rights_failed(c);
			throttle_failed(key);
		}
		return -1;
	}
	throttle_ok(key);
	return 0;
}

static int
post(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	CLEANUP(secret_free) struct secret *cookie = NULL;
	struct login_claim claim = {0};

	if (http_header_get(c->request, "Authorization"))
		return fail_at(e, E_MALFORMED, ":Authorization", "signing in takes the document alone");
	if (c->request->n_query)
		return fail_at(e, E_MALFORMED, arena_printf(c->arena, "?%.80s", c->request->query[0].name), "there are no query parameters here");
	if (rights_same_origin(c, e) || document_parse(c->request->body, "sessions", &d, e) || read_claim(&d, &claim, e) ||
	    sign_in(c, &claim, &cookie, e))
		return -1;
	if (show(c, 201, (const char *)cookie->data, NULL, e))
		return -1;
	http_answer_header(c->answer, "Location", call_link(c, "sessions", c->id));
	return 0;
}

/* --- the steps --- */

static const struct attribute password_members[] = {
    {"password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED | ATTRIBUTE_SECRET, "the new one: 12 characters at least"},
    {"current_password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "the one that it replaces; not after a one-time code"},
};
static const struct attribute factor_members[] = {
    {"code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "six digits that the app shows"},
    {"recovery_code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "or one of the recovery codes, which is used up"},
};
static const struct attribute totp_members[] = {{"code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "of the second factor that is to be replaced"}};
static const struct attribute confirm_members[] = {{"code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED | ATTRIBUTE_SECRET,
    "six digits that the app shows"}};

/* The document, whose attributes have to be among the route's. */
static int
read_step(struct call *c, struct document *d, struct error *e)
{
	const char *name;
	json_t *value;
	char at[96];
	bool known;

	if (c->request->n_query)
		return fail_at(e, E_MALFORMED, arena_printf(c->arena, "?%.80s", c->request->query[0].name), "there are no query parameters here");
	if (c->request->body.len && document_parse(c->request->body, strrchr(c->route->pattern, '/') + 1, d, e))
		return -1;
	json_object_foreach(d->attributes, name, value)
	{
		known = false;
		for (int i = 0; i < c->route->n_members; i++)
			known = known || strcmp(name, c->route->members[i].name) == 0;
		document_pointer(at, name);
		if (!known)
			return fail_at(e, E_BAD_VALUE, at, "there is no such attribute");
	}
	return 0;
}

/* Those attributes and the session; with a new cookie its hash. */
static int
step_body(struct call *c, const struct secret *cookie, json_t **ret, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	unsigned char hash[EVP_MAX_MD_SIZE];
	json_t *body;

	if (read_step(c, &d, e))
		return -1;
	if (cookie && EVP_Digest(cookie->data, cookie->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	body = d.attributes ? json_deep_copy(d.attributes) : json_object();
	json_object_set_new(body, "session", json_integer((json_int_t)c->who.session_id));
	if (cookie)
		json_object_set_new(body, "hash", json_string(base64_encode(c->arena, (struct bytes){hash, 32})));
	*ret = body;
	return 0;
}

/* The engine's words for the members are the document's. */
static int
at_attribute(struct call *c, struct error *e)
{
	char at[96];

	if (e->pointer[0] && !strchr("/?:", e->pointer[0])) {
		document_pointer(at, arena_strdup(c->arena, e->pointer));
		memcpy(e->pointer, at, sizeof e->pointer);
	}
	return -1;
}

static const char *
step_key(const struct call *c)
{
	return arena_printf(c->arena, "session of account %lld", (long long)c->who.account_id);
}

/* One step, asked of the engine, whose operation has the name of the address. Wrong evidence is slowed down for the account, wherever it comes
 * from. */
static int
step(struct call *c, bool new_cookie, struct error *e)
{
	CLEANUP(secret_free) struct secret *cookie = NULL;
	json_auto_t *body = NULL, *result = NULL;
	const char *key = step_key(c);

	if (!c->who.session_id)
		return fail(e, E_FORBIDDEN, "that is done over a session, in a browser");
	if (throttle_check(key, e) || (new_cookie && secret_random_text(COOKIE_BYTES, &cookie, e)) || step_body(c, cookie, &body, e))
		return -1;
	if (write_ask(c, arena_printf(c->arena, "login.%s", strrchr(c->route->pattern, '/') + 1), body, &result, e))
		return at_attribute(c, e);
	token_cache_clear();
	if (!json_is_true(json_object_get(result, "accepted"))) {
		throttle_failed(key);
		return strstr(c->route->pattern, "password") ? fail_at(e, E_BAD_VALUE, "/data/attributes/current_password",
		                                                       "current_password: it is another one")
		                                             : fail_at(e, E_BAD_VALUE, "/data/attributes/code", WRONG_CODE);
	}
	json_object_del(result, "accepted");
	return show(c, 200, cookie ? (const char *)cookie->data : NULL, result, e);
}

static int
step_with_cookie(struct call *c, struct error *e)
{
	return step(c, true, e);
}

static int
step_alone(struct call *c, struct error *e)
{
	return step(c, false, e);
}

/* --- the second factor: proved by everybody who signs in, so it doesn't wait in the manager's queue behind what takes long --- */

static int
wants_factor(struct call *c, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (call_db(c, e) || db_query(c->db, "SELECT 'second_factor' = ANY (missing) FROM session WHERE id = $1::int8",
	                              (struct db_param[]){DB_INT(c->who.session_id)}, 1, false, &r, e))
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	return db_bool(r, 0, 0) ? 0 : fail(e, E_CONFLICT, "this session has proved its second factor, or needs none");
}

static int
ask_factor(struct call *c, const char *code, const char *recovery, bool *ret, struct error *e)
{
	Siegel__CheckSecondFactor q = SIEGEL__CHECK_SECOND_FACTOR__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;

	q.tenant_id = c->who.tenant_id;
	q.account_id = c->who.account_id;
	if (code)
		q.code = arena_strdup(c->arena, code);
	if (recovery)
		q.recovery_code = arena_strdup(c->arena, recovery);
	request.operation_case = SIEGEL__REQUEST__OPERATION_SECOND_FACTOR;
	request.second_factor = &q;
	call_release_db(c);
	if (engine_call(call_engine(c), &request, &reply, e))
		return at_attribute(c, e);
	bool answered = reply->result_case == SIEGEL__REPLY__RESULT_SECOND_FACTOR;
	*ret = answered && reply->second_factor->good;
	engine_reply_free(reply);
	return answered ? 0 : fail(e, E_INTERNAL, "the engine's reply isn't about a second factor");
}

static int
prove_factor(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	CLEANUP(secret_free) struct secret *cookie = NULL;
	const char *code = NULL, *recovery = NULL, *key = step_key(c);
	bool good = false;

	if (!c->who.session_id)
		return fail(e, E_FORBIDDEN, "that is done over a session, in a browser");
	if (throttle_check(key, e) || read_step(c, &d, e) || document_text(&d, "code", FACTOR_CODE_BYTES, &code, e) ||
	    document_text(&d, "recovery_code", RECOVERY_CODE_BYTES, &recovery, e))
		return -1;
	if (!code == !recovery)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/code", "code or recovery_code is wanted, one of them");
	if (wants_factor(c, e) || secret_random_text(COOKIE_BYTES, &cookie, e) || ask_factor(c, code, recovery, &good, e))
		return -1;
	if (!good) {
		throttle_failed(key);
		return session_refuse(c, e) ? -1 : fail_at(e, E_BAD_VALUE, "/data/attributes/code", WRONG_CODE);
	}
	if (session_prove(c, cookie, recovery ? "recovery code" : "code", e))
		return -1;
	token_cache_clear();
	return show(c, 200, (const char *)cookie->data, NULL, e);
}

/* --- looking, leaving --- */

static int
current(struct call *c, struct error *e)
{
	if (!c->who.session_id)
		return fail(e, E_NOT_FOUND, "you aren't signed in by a session");
	c->id = arena_printf(c->arena, "%lld", (long long)c->who.session_id);
	return list_one(c, e);
}

static int
end(struct call *c, struct error *e)
{
	bool own = !c->id;

	if (own && !c->who.session_id)
		return fail(e, E_NOT_FOUND, "you aren't signed in by a session");
	if (!own && !id_is_number(c->id))
		return fail(e, E_NOT_FOUND, "there is no such session");
	if (session_end(c, own ? arena_printf(c->arena, "%lld", (long long)c->who.session_id) : c->id, e))
		return -1;
	c->answer->status = 204;
	if (own)
		set_cookie(c, "");
	return 0;
}

static const struct route routes[] = {
    {"GET", "/sessions", RIGHT_ACCOUNT, list_many, .text = "lists one's own, and with accounts.manage those of the tenant"},
    {"POST", "/sessions", RIGHT_PUBLIC, post, MEMBERS(claim_members),
     .text = "signs in: a browser gets a cookie, and the answer says what is missing"},
    {"GET", "/sessions/current", RIGHT_ACCOUNT, current, .flags = ROUTE_UNFINISHED, .text = "shows the one over which this is asked"},
    {"DELETE", "/sessions/current", RIGHT_ACCOUNT, end, .flags = ROUTE_UNFINISHED, .text = "signs out"},
    {"POST", "/sessions/current/second_factor", RIGHT_ACCOUNT, prove_factor, MEMBERS(factor_members),
     .flags = ROUTE_UNFINISHED,
     .text = "proves the second factor"},
    {"POST", "/sessions/current/password", RIGHT_ACCOUNT, step_with_cookie, MEMBERS(password_members), .flags = ROUTE_UNFINISHED,
     .text = "sets the password, or another one; all other sessions of the account end"},
    {"POST", "/sessions/current/totp", RIGHT_ACCOUNT, step_alone, MEMBERS(totp_members), .flags = ROUTE_UNFINISHED,
     .text = "gives a secret for an app (RFC 6238), shown once as secret and uri; it counts when it is confirmed"},
    {"POST", "/sessions/current/totp_confirm", RIGHT_ACCOUNT, step_with_cookie, MEMBERS(confirm_members),
     .flags = ROUTE_UNFINISHED,
     .text = "makes that secret the second factor, and shows its recovery_codes this once"},
    {"GET", "/sessions/{id}", RIGHT_ACCOUNT, list_one},
    {"DELETE", "/sessions/{id}", RIGHT_ACCOUNT, end, .text = "ends one"},
};

const struct resource resource_sessions = {
    .path = "sessions",
    .types = {"sessions"},
    .from = "session s JOIN account a ON a.id = s.account_id",
    .where = "s.expires_at > now() AND s.used_at > now() - interval '30 minutes'"
	     " AND (s.account_id = " ME " OR 'accounts.manage' = ANY (account_rights(" ME ")))",
    .id_sql = "s.id",
    .id_where = "s.id = $1::int8",
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
