/* Sessions of browsers: signing in step by step, what is signed in, and out again. A cookie is all that the browser holds; it changes with each
 * step. */
#include "config.h"
#include "api/api.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "api/jsonapi.h"
#include "api/list.h"
#include "api/passkey.h"
#include "api/resources/session_steps.h"
#include "api/rights.h"
#include "api/session_store.h"
#include "api/token_cache.h"
#include "api/write.h"
#include "lib/limits.h"
#include "lib/x509/jose.h"

#define NAME_MAX_BYTES 63
#define CODE_MAX_BYTES 128
#define COOKIE_BYTES 32
#define CARD_CODE_BYTES 128


static const struct attribute attributes[] = {
    {"name", "a.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, "the account's"},
    {"title", "a.title", ATTRIBUTE_TEXT, 0, "the person's name"},
    {"role", "a.role", ATTRIBUTE_TEXT, 0, .of = "roles"},
    {"rights", "account_rights(a.id)", ATTRIBUTE_TEXTS, 0, "words of GET /rights", .of = "rights"},
    {"tenant", "(SELECT t.name FROM tenant t WHERE t.id = s.tenant_id)", ATTRIBUTE_TEXT, 0},
    {"evidence", "s.evidence", ATTRIBUTE_TEXT, 0, "password, one_time, passkey or certificate", .values = "password one_time passkey certificate"},
    {"missing", "s.missing", ATTRIBUTE_TEXTS, 0,
     "what is to be done, in this order, before the session may do anything else: second_factor (prove it), password (set one), totp (set up a "
     "second factor: an app or a passkey), passkey (register one)",
     .values = "second_factor password totp passkey"},
    {"sign_in", "account_sign_in(s.account_id)", ATTRIBUTE_TEXT, 0,
     "by what its account has to sign in: any, passkey (or a certificate), certificate (alone); the stricter one of its own rule and its role's",
     .values = "any passkey certificate"},
    {"current", "coalesce(s.id = nullif(current_setting('siegel.session', true), '')::int8, false)", ATTRIBUTE_BOOL, 0,
     "the one over which this is asked"},
    {"proved_at", "s.proved_at", ATTRIBUTE_TIME, 0,
     "when a second factor or a passkey was last shown (a certificate doesn't count): what changes how one signs in wants that within ten minutes"},
    {"totp", "EXISTS (SELECT FROM second_factor f WHERE f.account_id = s.account_id AND f.confirmed_at IS NOT NULL)", ATTRIBUTE_BOOL, 0,
     "the account has an app"},
    {"passkeys", "(SELECT count(*) FROM passkey p WHERE p.account_id = s.account_id)", ATTRIBUTE_INT, 0, "how many the account has"},
    {"recovery_codes_left",
     "(SELECT cardinality(f.recovery) FROM second_factor f WHERE f.account_id = s.account_id AND has_second_factor(s.account_id))",
     ATTRIBUTE_INT, 0, "null without a second factor"},
    {"client", "s.client", ATTRIBUTE_TEXT, 0, "address"},
    {"agent", "s.agent", ATTRIBUTE_TEXT, 0, "what the browser calls itself"},
    {"created_at", "s.created_at", ATTRIBUTE_TIME, 0},
    {"used_at", "s.used_at", ATTRIBUTE_TIME, 0, "to the minute"},
    {"expires_at", "s.expires_at", ATTRIBUTE_TIME, 0, "twelve hours after signing in; half an hour after its last use in any case"},
};

static const struct relationship relationships[] = {{"account", "accounts", "s.account_id", ATTRIBUTE_FILTER}};

/* --- the cookie --- */

static void
set_cookie(struct call *c, const char *value)
{
	http_answer_header(c->answer, "Set-Cookie",
	                   arena_printf(c->arena, SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s", value,
	                                *value ? "" : "; Max-Age=0"));
}

/* The session as it is now, with what came of the step (once), and its new cookie. */
int
session_show(struct call *c, int status, const char *cookie, const json_t *once, struct error *e)
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
    {"name", NULL, ATTRIBUTE_TEXT, 0, "the account's, with password or one_time_code"},
    {"tenant", NULL, ATTRIBUTE_TEXT, 0, "its tenant; the house when left out"},
    {"password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "the one that its owner chose"},
    {"one_time_code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "or a one-time code, which is used up"},
    {"passkey", NULL, ATTRIBUTE_JSON, 0, "or what navigator.credentials.get() gave for the options of POST /sessions/passkey_challenge, alone"},
    {"card_code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "or the code that came from the host name that asks for a certificate"},
    {"card_verifier", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "with it the text whose SHA-256 went there as challenge"},
};

static int
read_claim(const struct document *d, struct login_claim *ret, const json_t **ret_passkey, struct error *e)
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
	if (document_text(d, "card_code", CARD_CODE_BYTES, &ret->card_code, e) ||
	    document_text(d, "card_verifier", CARD_CODE_BYTES, &ret->card_verifier, e))
		return -1;
	*ret_passkey = json_object_get(d->attributes, "passkey");
	if (!!ret->password + !!ret->code + !!*ret_passkey + !!ret->card_code != 1)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/password", "password, one_time_code, passkey or card_code is wanted, one of them");
	if (!ret->name != !(ret->password || ret->code))
		return fail_at(e, E_BAD_VALUE, "/data/attributes/name", "name: the account's name is wanted with a password or code, and only then");
	if (!ret->card_code != !ret->card_verifier)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/card_verifier", "card_verifier goes with card_code, and only with it");
	return 0;
}

/* Before anybody is known a challenge is bound to the browser that asked for it. */
static int
read_passkey(struct call *c, const json_t *shown, struct passkey_proof *ret, struct error *e)
{
	const char *browser;
	struct error ignored;

	if (rights_cookie(c, PASSKEY_COOKIE, &browser, e))
		return -1;
	if (!browser)
		return fail_at(e, E_BAD_VALUE, ":Cookie", "the cookie " PASSKEY_COOKIE " is missing: ask for a challenge first");
	if (passkey_read_proof(c, shown, PASSKEY_SIGN_IN, browser, true, 0, ret, e) == 0)
		return 0;
	if (e->code == E_UNAUTHENTICATED && ret->who.account_id) {
		c->who = ret->who;
		if (session_refuse(c, &ignored))
			*e = ignored;
		c->who = (struct principal){0};
	}
	return -1;
}

/* Guessing is slowed down as in signing in for a token, by address and by address and account. */
static int
sign_in(struct call *c, struct login_claim *claim, const json_t *shown, struct secret **ret, struct error *e)
{
	const char *key = arena_printf(c->arena, "account %s %s", c->request->client, claim->name ? claim->name : "");
	struct passkey_proof *passkey = shown ? arena_alloc(c->arena, sizeof(*passkey)) : NULL;

	if (rights_throttle(c, e) || throttle_check(key, e))
		return -1;
	claim->passkey = passkey;
	if ((shown && read_passkey(c, shown, passkey, e)) || session_make(c, claim, ret, e)) {
		if (e->code == E_UNAUTHENTICATED || e->code == E_FORBIDDEN) { /* what would be good elsewhere costs as much to look at */
			rights_failed(c);
			throttle_failed(key);
		}
		if (e->code == E_FORBIDDEN && !e->pointer[0])
			snprintf(e->pointer, sizeof e->pointer, "/data/attributes/%s",
			         shown ? "passkey" : claim->password ? "password" : "one_time_code");
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
	const json_t *passkey;

	if (http_header_get(c->request, "Authorization"))
		return fail_at(e, E_MALFORMED, ":Authorization", "signing in takes the document alone");
	if (c->request->n_query)
		return fail_at(e, E_MALFORMED, arena_printf(c->arena, "?%.80s", c->request->query[0].name), "there are no query parameters here");
	if (rights_same_origin(c, e) || document_parse(c->request->body, "sessions", &d, e) || read_claim(&d, &claim, &passkey, e) ||
	    sign_in(c, &claim, passkey, &cookie, e))
		return -1;
	if (session_show(c, 201, (const char *)cookie->data, NULL, e))
		return -1;
	http_answer_header(c->answer, "Location", call_link(c, "sessions", c->id));
	return 0;
}

static const struct attribute password_members[] = {
    {"password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED | ATTRIBUTE_SECRET, "the new one: 12 characters at least"},
    {"current_password", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "the one that it replaces; not after a one-time code"},
};
static const struct attribute factor_members[] = {
    {"passkey", NULL, ATTRIBUTE_JSON, 0, "or what navigator.credentials.get() gave for the options of POST /sessions/current/passkey_challenge"},
    {"code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "six digits that the app shows"},
    {"recovery_code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET, "or one of the recovery codes, which is used up"},
};
static const struct attribute totp_members[] = {{"code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_SECRET,
    "of the app that is to be replaced, in place of another proof of the last ten minutes"}};
static const struct attribute passkey_members[] = {
    {"name", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED, "by which its owner knows it again"},
    {"attestation_object", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED, "of navigator.credentials.create(), base64url"},
    {"client_data", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED, "clientDataJSON of the same, base64url"},
};
static const struct attribute confirm_members[] = {{"code", NULL, ATTRIBUTE_TEXT, ATTRIBUTE_REQUIRED | ATTRIBUTE_SECRET,
    "six digits that the app shows"}};

/* --- a certificate, on a host name of its own --- */

/* Back to the console: what came of it stands behind the #, which no server and no log sees. */
static int
to_console(struct call *c, const char *name, const char *value)
{
	c->answer->status = 303;
	c->answer->secret = true;
	http_answer_header(c->answer, "Location", arena_printf(c->arena, "%s/console/#%s=%s", c->api->base_url, name, value));
	http_answer_header(c->answer, "Referrer-Policy", "no-referrer");
	return 0;
}

static int
refuse_card(struct call *c, const char *why, struct error *e)
{
	if (c->who.tenant_id && session_handoff_refused(c, why, e))
		return -1;
	throttle_failed(arena_printf(c->arena, "card %s", c->request->client));
	return to_console(c, "card_refused", why);
}

/* A page of the console sent the browser here, and it goes back there whatever comes of it. */
static int
show_card(struct call *c, struct error *e)
{
	CLEANUP(secret_free) struct secret *code = NULL;
	const char *pem = http_client_cert_pem(c->request), *text = NULL;
	struct bytes challenge = {0};

	if (!*config_str(c->api->config, OPT_api_card_url))
		return fail(e, E_NOT_FOUND, "signing in by a certificate isn't offered here");
	if (throttle_check(arena_printf(c->arena, "card %s", c->request->client), e))
		return -1;
	for (int i = 0; i < c->request->n_query; i++)
		text = strcmp(c->request->query[i].name, "challenge") == 0 && c->request->n_query == 1 ? c->request->query[i].value : NULL;
	if (!text || base64url_decode(c->arena, text, strlen(text), "challenge", &challenge, e) || challenge.len != 32)
		return fail_at(e, E_MALFORMED, "?challenge", "challenge: the SHA-256 of the console's verifier is wanted, in base64url");
	if (!pem) /* nothing was tried: it doesn't count against those behind the same address */
		return to_console(c, "card_refused", "none");
	if (call_db(c, e))
		return -1;
	if (auth_client_cert(c->db, pem, c->arena, &c->who, e)) {
		c->who = (struct principal){0};
		return e->code == E_FORBIDDEN ? refuse_card(c, e->pointer[0] ? e->pointer : "unreadable", e) : -1;
	}
	if (!c->who.account_id)
		return refuse_card(c, "unbound", e);
	if (secret_random_text(COOKIE_BYTES, &code, e))
		return -1;
	if (session_handoff(c, (const char *)code->data, challenge, e))
		return e->code == E_FORBIDDEN ? refuse_card(c, e->pointer, e) : -1;
	return to_console(c, "card", (const char *)code->data);
}

static int
ways(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(4096);
	const char *card = config_str(c->api->config, OPT_api_card_url);

	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", "ways");
	jw_text(&j, "id", "ways");
	jw_open(&j, "attributes");
	jw_bool(&j, "passkey", passkey_site(c) != NULL);
	jw_text(&j, "card_url", *card ? card : NULL);
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	return call_answer(c, 200, &j, e);
}

/* --- looking, leaving --- */

static int
end_others(struct call *c, struct error *e)
{
	if (!c->who.session_id)
		return fail(e, E_NOT_FOUND, "you aren't signed in by a session");
	if (session_end_others(c, e))
		return -1;
	c->answer->status = 204;
	return 0;
}

static int
current(struct call *c, struct error *e)
{
	if (!c->who.session_id)
		return fail(e, E_NOT_FOUND, "you aren't signed in by a session");
	c->id = arena_printf(c->arena, "%lld", (long long)c->who.session_id);
	if (list_one(c, e) == 0)
		return 0;
	/* It was there a moment ago, when the rights were looked at. */
	return e->code == E_NOT_FOUND ? fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again") : -1;
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
    {"POST", "/sessions", RIGHT_PUBLIC, post, MEMBERS(claim_members), .flags = ROUTE_MADE,
     .text = "signs in: a browser gets a cookie, and the answer says what is missing"},
    {"GET", "/sessions/current", RIGHT_ACCOUNT, current, .flags = ROUTE_UNFINISHED, .text = "shows the one over which this is asked"},
    {"DELETE", "/sessions/current", RIGHT_ACCOUNT, end, .flags = ROUTE_UNFINISHED, .text = "signs out"},
    {"POST", "/sessions/current/second_factor", RIGHT_ACCOUNT, session_prove_factor, MEMBERS(factor_members),
     .flags = ROUTE_UNFINISHED,
     .text = "proves the second factor"},
    {"POST", "/sessions/current/password", RIGHT_ACCOUNT, session_step_with_cookie, MEMBERS(password_members), .flags = ROUTE_UNFINISHED,
     .text = "sets the password, or another one; all other sessions of the account end"},
    {"POST", "/sessions/current/totp", RIGHT_ACCOUNT, session_step_alone, MEMBERS(totp_members), .flags = ROUTE_UNFINISHED,
     .text = "gives a secret for an app (RFC 6238), shown once as secret and uri; it counts when it is confirmed"},
    {"POST", "/sessions/current/totp_confirm", RIGHT_ACCOUNT, session_step_with_cookie, MEMBERS(confirm_members),
     .flags = ROUTE_UNFINISHED,
     .text = "makes that secret the second factor, and shows its recovery_codes this once"},
    {"POST", "/sessions/current/totp_remove", RIGHT_ACCOUNT, session_step_with_cookie,
     .text = "takes the app away, where a passkey stays or the account has to sign in by one or by a certificate"},
    {"POST", "/sessions/passkey_challenge", RIGHT_PUBLIC, session_challenge_sign_in, .flags = ROUTE_RESULT,
     .text = "options (public_key) for navigator.credentials.get(), to sign in by a passkey alone; octets are base64url"},
    {"POST", "/sessions/current/passkey_challenge", RIGHT_ACCOUNT, session_challenge_prove, .flags = ROUTE_UNFINISHED | ROUTE_RESULT,
     .text = "the same, to prove the second factor"},
    {"POST", "/sessions/current/passkey_options", RIGHT_ACCOUNT, session_passkey_options, .flags = ROUTE_UNFINISHED | ROUTE_RESULT,
     .text = "options (public_key) for navigator.credentials.create(), to add a passkey; octets are base64url"},
    {"POST", "/sessions/current/passkey", RIGHT_ACCOUNT, session_passkey_add, MEMBERS(passkey_members), .flags = ROUTE_UNFINISHED,
     .text = "adds it; with the first second factor come recovery_codes, shown this once"},
    {"GET", "/sessions/ways", RIGHT_PUBLIC, ways, .flags = ROUTE_RESULT,
     .text = "how one may sign in beside a password: passkey, and card_url, the address that asks for a certificate, or null"},
    {"GET", "/sessions/card", RIGHT_PUBLIC, show_card, .flags = ROUTE_ELSEWHERE,
     .text = "over TLS with a client certificate, in a browser: 303 to the console with #card=CODE or #card_refused=WHY; the query has challenge"},
    {"DELETE", "/sessions/others", RIGHT_ACCOUNT, end_others, .text = "ends all of the account but the one over which this is asked"},
    {"GET", "/sessions/{id}", RIGHT_ACCOUNT, list_one},
    {"DELETE", "/sessions/{id}", RIGHT_ACCOUNT, end, .text = "ends one"},
};

const struct resource resource_sessions = {
    .path = "sessions",
    .types = {"sessions"},
    .from = "session s JOIN account a ON a.id = s.account_id",
    .where = "s.expires_at > now() AND s.used_at > now() - interval '30 minutes'"
	     " AND (s.account_id = portal_account() OR 'accounts.manage' = ANY (account_rights(portal_account())))",
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
