/* The steps of signing in over a session: the second factor, the password, and setting them up. */
#include "config.h"
#include "api/resources/session_steps.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "api/jsonapi.h"
#include "api/passkey.h"
#include "api/rights.h"
#include "api/session_store.h"
#include "api/token_cache.h"
#include "api/write.h"
#include "lib/limits.h"
#include "lib/x509/jose.h"
#include "lib/x509/pem.h"
#include "lib/x509/webauthn.h"

#define FACTOR_CODE_BYTES 16
#define RECOVERY_CODE_BYTES 40
#define PASSKEY_NAME_BYTES 63
#define COOKIE_BYTES 32
#define TIMEOUT_MS 240000 /* less than a challenge's life: the browser is the one to say that it was too long */
#define WRONG_CODE "the code is wrong, was used before, or the clock of the device is off"

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
session_body(struct call *c, const struct secret *cookie, const json_t *attributes, json_t **ret, struct error *e)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	json_t *body;

	if (cookie && EVP_Digest(cookie->data, cookie->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	body = attributes ? json_deep_copy(attributes) : json_object();
	json_object_set_new(body, "session", json_integer((json_int_t)c->who.session_id));
	if (cookie)
		json_object_set_new(body, "hash", json_string(base64_encode(c->arena, (struct bytes){hash, 32})));
	*ret = body;
	return 0;
}

static int
step_body(struct call *c, const struct secret *cookie, json_t **ret, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};

	return read_step(c, &d, e) ? -1 : session_body(c, cookie, d.attributes, ret, e);
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
	return session_show(c, 200, cookie ? (const char *)cookie->data : NULL, result, e);
}

int
session_step_with_cookie(struct call *c, struct error *e)
{
	return step(c, true, e);
}

int
session_step_alone(struct call *c, struct error *e)
{
	return step(c, false, e);
}

/* --- the second factor: proved by everybody who signs in, so it doesn't wait in the manager's queue behind what takes long --- */

/* That of a complete session proves once more who sits there. */
static int
wants_factor(struct call *c, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (call_db(c, e) || db_query(c->db, "SELECT 'second_factor' = ANY (missing) OR missing = '{}' FROM session WHERE id = $1::int8",
	                              (struct db_param[]){DB_INT(c->who.session_id)}, 1, false, &r, e))
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	return db_bool(r, 0, 0) ? 0 : fail(e, E_CONFLICT, "this session lacks another thing first, or the account has no second factor");
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

/* A session's challenges are its own. */
static const char *
binding(const struct call *c)
{
	return arena_printf(c->arena, "session %lld", (long long)c->who.session_id);
}

/* What is shown to prove it: one of the three. */
struct shown {
	const char *code, *recovery;
	const json_t *passkey;
	struct passkey_proof proof;
};

static int
read_shown(const struct document *d, struct shown *ret, struct error *e)
{
	ret->passkey = json_object_get(d->attributes, "passkey");
	if (document_text(d, "code", FACTOR_CODE_BYTES, &ret->code, e) || document_text(d, "recovery_code", RECOVERY_CODE_BYTES, &ret->recovery, e))
		return -1;
	if (!!ret->code + !!ret->recovery + !!ret->passkey != 1)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/code", "code, recovery_code or passkey is wanted, one of them");
	return 0;
}

static int
check_shown(struct call *c, struct shown *s, bool *ret_good, struct error *e)
{
	if (!s->passkey)
		return ask_factor(c, s->code, s->recovery, ret_good, e);
	*ret_good = passkey_read_proof(c, s->passkey, PASSKEY_PROVE, binding(c), false, c->who.account_id, &s->proof, e) == 0;
	return *ret_good || e->code == E_UNAUTHENTICATED ? 0 : -1;
}

/* A session is as good as before: what isn't right is the attribute. */
static int
wrong(const struct shown *s, struct error *e)
{
	char why[sizeof e->detail];

	if (!s->passkey)
		return fail_at(e, E_BAD_VALUE, "/data/attributes/code", WRONG_CODE);
	memcpy(why, e->detail, sizeof why);
	return fail_at(e, E_BAD_VALUE, "/data/attributes/passkey", "%s", why);
}

/* Wrong codes of the app make others wait who try some, and nobody who has a recovery code or a passkey: those aren't guessed. */
int
session_prove_factor(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	CLEANUP(secret_free) struct secret *cookie = NULL;
	struct shown s = {0};
	const char *key;
	bool good = false;

	if (!c->who.session_id)
		return fail(e, E_FORBIDDEN, "that is done over a session, in a browser");
	if (read_step(c, &d, e) || read_shown(&d, &s, e))
		return -1;
	key = s.code ? step_key(c) : arena_printf(c->arena, "%s, %s", step_key(c), c->request->client);
	if (throttle_check(key, e) || wants_factor(c, e) || secret_random_text(COOKIE_BYTES, &cookie, e) || check_shown(c, &s, &good, e))
		return -1;
	if (good && session_prove(c, cookie, s.passkey ? "passkey" : s.recovery ? "recovery code" : "code", s.passkey ? &s.proof : NULL, e)) {
		if (e->code != E_UNAUTHENTICATED || !e->pointer[0])
			return -1;
		good = false; /* the challenge was answered before, or the passkey is a copy */
	}
	if (!good) {
		struct error why = {0};

		throttle_failed(key);
		return session_refuse(c, &why) ? (*e = why, -1) : wrong(&s, e);
	}
	token_cache_clear();
	return session_show(c, 200, (const char *)cookie->data, NULL, e);
}

/* --- passkeys --- */

/* "AAEC": what is octets in WebAuthn is base64url here. */
static json_t *
descriptors(struct call *c, const struct db_result *r)
{
	json_t *list = json_array();

	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(list, json_pack("{s:s,s:s}", "type", "public-key", "id",
		                                      base64url_encode(c->arena, db_bytes(r, i, 0, c->arena))));
	return list;
}

static int
own_passkeys(struct call *c, json_t **ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (call_db(c, e) || db_query(c->db, "SELECT credential_id FROM passkey WHERE account_id = $1::int8 ORDER BY id",
	                              (struct db_param[]){DB_INT(c->who.account_id)}, 1, false, &r, e))
		return -1;
	*ret = descriptors(c, r);
	return 0;
}

/* The answer: a resource object of its own type with the options as one attribute. */
static int
show_options(struct call *c, json_t *options, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(65536);
	char *text = json_dumps(options, JSON_COMPACT);

	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", strrchr(c->route->pattern, '/') + 1);
	jw_text(&j, "id", c->request->request_id);
	jw_open(&j, "attributes");
	jw_raw(&j, "public_key", text);
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	free(text);
	json_decref(options);
	c->answer->secret = true;
	return call_answer(c, 200, &j, e);
}

static int
no_passkeys(struct error *e)
{
	return fail(e, E_CONFLICT, "there are no passkeys here: the edge is called by an address, and they want a name");
}

int
session_passkey_options(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *site = passkey_site(c), *title;
	json_t *known, *algorithms;
	char *challenge;

	if (!c->who.session_id)
		return fail(e, E_FORBIDDEN, "that is done over a session, in a browser");
	if (!site)
		return no_passkeys(e);
	if (read_step(c, &d, e) || passkey_challenge(c, PASSKEY_REGISTER, binding(c), &challenge, e) || call_db(c, e) ||
	    db_query(c->db, "SELECT uuid_send(handle), title FROM account WHERE id = $1::int8", (struct db_param[]){DB_INT(c->who.account_id)}, 1,
	             false, &r, e) ||
	    own_passkeys(c, &known, e))
		return -1;
	algorithms = json_array();
	for (int i = 0; webauthn_algorithms[i]; i++)
		json_array_append_new(algorithms, json_pack("{s:s,s:i}", "type", "public-key", "alg", webauthn_algorithms[i]));
	title = db_text(r, 0, 1);
	return show_options(c,
	                    json_pack("{s:{s:s,s:s},s:{s:s,s:s,s:s},s:s,s:o,s:i,s:o,s:{s:s,s:b,s:s},s:s}", "rp", "id", site, "name", "Siegel", "user",
	                              "id", base64url_encode(c->arena, db_bytes(r, 0, 0, c->arena)), "name", c->who.name, "displayName",
	                              *title ? title : c->who.name, "challenge", challenge, "pubKeyCredParams", algorithms, "timeout", TIMEOUT_MS,
	                              "excludeCredentials", known, "authenticatorSelection", "residentKey", "required", "requireResidentKey", 1,
	                              "userVerification", "required", "attestation", "none"),
	                    e);
}

int
session_passkey_add(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	CLEANUP(secret_free) struct secret *cookie = NULL;
	json_auto_t *body = NULL, *result = NULL;
	const char *object, *client, *name;
	struct passkey_made made;

	if (!c->who.session_id)
		return fail(e, E_FORBIDDEN, "that is done over a session, in a browser");
	if (read_step(c, &d, e) || document_text(&d, "name", PASSKEY_NAME_BYTES, &name, e) ||
	    document_text(&d, "attestation_object", WEBAUTHN_OBJECT_BYTES * 2, &object, e) ||
	    document_text(&d, "client_data", WEBAUTHN_CLIENT_DATA_BYTES * 2, &client, e))
		return -1;
	if (!name || !object || !client)
		return fail_at(e, E_BAD_VALUE, name ? "/data/attributes/attestation_object" : "/data/attributes/name",
		               "name, attestation_object and client_data are wanted");
	if (passkey_read_made(c, object, client, binding(c), &made, e))
		return -1;
	if (session_challenge(c, &made.challenge, e))
		return e->code == E_UNAUTHENTICATED ? fail_at(e, E_BAD_VALUE, "/data/attributes/client_data", "the challenge was answered before")
		                                    : -1;
	if (secret_random_text(COOKIE_BYTES, &cookie, e) || session_body(c, cookie, NULL, &body, e))
		return -1;
	json_object_set_new(body, "name", json_string(name));
	json_object_set_new(body, "credential_id", json_string(base64_encode(c->arena, made.credential_id)));
	json_object_set_new(body, "public_key", json_string(base64_encode(c->arena, made.public_key)));
	json_object_set_new(body, "sign_count", json_integer(made.sign_count));
	json_object_set_new(body, "user_verified", json_boolean(made.user_verified));
	if (write_ask(c, "login.passkey", body, &result, e))
		return at_attribute(c, e);
	token_cache_clear();
	json_object_del(result, "accepted");
	return session_show(c, 200, (const char *)cookie->data, result, e);
}

/* For a second factor: the account's own; for signing in: whichever the authenticator has for us. */
int
session_challenge_prove(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	const char *site = passkey_site(c);
	json_t *known;
	char *challenge;

	if (!c->who.session_id)
		return fail(e, E_FORBIDDEN, "that is done over a session, in a browser");
	if (!site)
		return no_passkeys(e);
	if (read_step(c, &d, e) || passkey_challenge(c, PASSKEY_PROVE, binding(c), &challenge, e) || own_passkeys(c, &known, e))
		return -1;
	if (json_array_size(known) == 0) {
		json_decref(known);
		return fail(e, E_CONFLICT, "the account has no passkey");
	}
	return show_options(c,
	                    json_pack("{s:s,s:s,s:i,s:o,s:s}", "challenge", challenge, "rpId", site, "timeout", TIMEOUT_MS, "allowCredentials", known,
	                              "userVerification", "preferred"),
	                    e);
}

int
session_challenge_sign_in(struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};
	CLEANUP(secret_free) struct secret *browser = NULL;
	const char *site = passkey_site(c);
	char *challenge;

	if (!site)
		return no_passkeys(e);
	if (rights_same_origin(c, e) || read_step(c, &d, e) || secret_random_text(COOKIE_BYTES, &browser, e) ||
	    passkey_challenge(c, PASSKEY_SIGN_IN, (const char *)browser->data, &challenge, e))
		return -1;
	http_answer_header(c->answer, "Set-Cookie",
	                   arena_printf(c->arena, PASSKEY_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=300",
	                                (const char *)browser->data));
	return show_options(c,
	                    json_pack("{s:s,s:s,s:i,s:[],s:s}", "challenge", challenge, "rpId", site, "timeout", TIMEOUT_MS, "allowCredentials",
	                              "userVerification", "required"),
	                    e);
}
