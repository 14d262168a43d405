#include "config.h"
#include "api/session_store.h"

#include <stdatomic.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/passkey.h"
#include "api/rights.h"
#include "api/token_cache.h"
#include "api/token_store.h"
#include "lib/limits.h"
#include "lib/password.h"

#define COOKIE_BYTES 32
#define AGENT_MAX_BYTES 200

struct make {
	const struct login_claim *claim;
	const uint8_t *hash; /* of the password */
	const struct secret *cookie;
	/* By a certificate: */
	int64_t credential_id, certificate_id;
	const char *not_after;
};

/* One after the other of an account's sessions: a table doesn't grow by one person's habits. Those that aren't complete go first, so that who
 * knows the password alone ends nobody's work. */
static int
sweep(struct call *c, struct db *db, struct error *e)
{
	struct db_param params[] = {DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_INT(LIMIT_SESSIONS - 1)};

	return db_query(db,
	                "DELETE FROM session WHERE tenant_id = $1::int4 AND (expires_at < now() OR used_at < now() - interval '30 minutes' OR id IN"
	                " (SELECT id FROM session WHERE account_id = $2::int8 ORDER BY missing = '{}' DESC, id DESC OFFSET $3::int4))",
	                params, 3, false, NULL, e);
}

/* The session that this browser had until now is over. */
static int
leave(struct call *c, struct db *db, struct error *e)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	const char *cookie;

	if (rights_cookie(c, SESSION_COOKIE, &cookie, e))
		return -1;
	if (!cookie)
		return 0;
	if (EVP_Digest(cookie, strlen(cookie), hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	return db_query(db, "SELECT session_leave($1::bytea)", (struct db_param[]){DB_BYTES(hash, 32)}, 1, false, NULL, e);
}

/* {second_factor}, {totp}, {password,totp}, {passkey}, …: what is to be done before this session may do anything. */
static int
find_missing(struct call *c, struct db *db, bool by_code, const char **ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (c->who.evidence == EVIDENCE_PASSKEY || c->who.evidence == EVIDENCE_CERTIFICATE) {
		*ret = "{}"; /* something that one has, and the PIN or the finger that it asks for */
		return 0;
	}
	if (db_query(db, "SELECT has_second_factor($1::int8)", (struct db_param[]){DB_INT(c->who.account_id)}, 1, false, &r, e))
		return -1;
	if (c->who.first)
		*ret = db_bool(r, 0, 0) ? "{second_factor,passkey}" : "{passkey}";
	else if (db_bool(r, 0, 0))
		*ret = by_code ? "{second_factor,password}" : "{second_factor}";
	else
		*ret = by_code ? "{password,totp}" : "{totp}";
	return 0;
}

static int
sha256(struct bytes in, uint8_t ret[EVP_MAX_MD_SIZE], struct error *e)
{
	return EVP_Digest(in.data, in.len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : fail(e, E_INTERNAL, "no SHA-256");
}

/* The code from the card's host name, and what this browser alone knows. */
static int
take_handoff(struct call *c, struct make *m, struct db *db, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	uint8_t code[EVP_MAX_MD_SIZE], challenge[EVP_MAX_MD_SIZE];

	if (sha256(BYTES_STR(m->claim->card_code), code, e) || sha256(BYTES_STR(m->claim->card_verifier), challenge, e) ||
	    db_query(db,
	             "SELECT credential_id, certificate_id, not_after::text, tenant_id, account_id, name, role, rights"
	             " FROM card_handoff_take($1::bytea, $2::bytea)",
	             (struct db_param[]){DB_BYTES(code, 32), DB_BYTES(challenge, 32)}, 2, false, &r, e))
		return -1;
	if (db_rows(r) != 1 || !auth_principal(r, 0, 3, EVIDENCE_CERTIFICATE, c->arena, &c->who))
		return fail(e, E_UNAUTHENTICATED, "the code was used before, is over, or isn't this browser's: show the certificate again");
	m->credential_id = db_int(r, 0, 0);
	m->certificate_id = db_int(r, 0, 1);
	m->not_after = arena_strdup(c->arena, db_text(r, 0, 2));
	return 0;
}

/* Sets c->who. A random password, which is for programs, opens no session. */
static int
prove(struct call *c, struct make *m, struct db *db, struct error *e)
{
	if (m->claim->passkey) {
		if (passkey_accept(c, db, m->claim->passkey, e))
			return -1;
		c->who = m->claim->passkey->who;
		return auth_admit(db, &c->who, e);
	}
	if (m->claim->card_code)
		return take_handoff(c, m, db, e);

	if (m->claim->password)
		return auth_login(db, m->claim->name, m->hash, c->arena, &c->who, e);
	return auth_first(db, m->claim->name, m->claim->code, c->arena, &c->who, e);
}

/* What the browser calls itself, for people: letters that any text has, since who sends others must not be kept from signing in. */
static const char *
agent(struct call *c)
{
	const char *given = http_header_get(c->request, "User-Agent");
	char *text = arena_strndup(c->arena, given ? given : "", given ? strnlen(given, AGENT_MAX_BYTES) : 0);

	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return text;
}

static int
make_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct make *m = ctx;
	const char *missing, *life;
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct db *db = c->api->token_db;

	if (prove(c, m, db, e) || auth_set_tenant(db, c->who.tenant_id, e) || leave(c, db, e) || sweep(c, db, e) ||
	    find_missing(c, db, m->claim->code != NULL, &missing, e))
		return -1;
	if (EVP_Digest(m->cookie->data, m->cookie->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	/* A certificate proves nothing for what changes how one signs in: what was planted over its session would outlive it, and nobody knows
	 * whether a PIN was asked for. */
	/* Who doesn't finish signing in has a quarter of an hour for it. */
	life = strcmp(missing, "{}") == 0 ? "12 hours" : "15 minutes";
	if (db_query(db,
	             "INSERT INTO session (tenant_id, account_id, hash, evidence, missing, client, agent, passkey_id, credential_id, certificate_id,"
	             " proved_at, expires_at) VALUES ($1::int4, $2::int8, $3::bytea, $4::text, $5::text[], $6::text, $7::text, $8::int8, $9::int8,"
	             " $10::int8, CASE WHEN $8::int8 IS NOT NULL THEN now() END, least(now() + $11::text::interval, $12::text::timestamptz))"
	             " RETURNING id",
	             (struct db_param[]){DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_BYTES(hash, 32),
	                                 DB_TEXT(evidence_name(c->who.evidence)), DB_TEXT(missing), DB_TEXT(c->request->client),
	                                 DB_TEXT(agent(c)), m->claim->passkey ? DB_INT(m->claim->passkey->id) : DB_NULL,
	                                 m->credential_id ? DB_INT(m->credential_id) : DB_NULL,
	                                 m->certificate_id ? DB_INT(m->certificate_id) : DB_NULL, DB_TEXT(life), DB_TEXT(m->not_after)},
	             12, false, &r, e))
		return -1;
	c->who.session_id = db_int(r, 0, 0);
	return token_audit(c, "session.made", arena_printf(c->arena, "session/%lld", (long long)c->who.session_id), e);
}

/* A row for an account that isn't there as well: the time that it takes would tell. ctx: why, where the evidence itself was good. */
static int
refused_work(struct call *c, void *ctx, struct error *e)
{
	return token_audit_word(c, "session.refused", arena_printf(c->arena, "account/%lld", (long long)c->who.account_id), ctx ? "why" : NULL, ctx,
	                        e);
}

/* A salt for accounts that aren't there: always the same for one name. */
static int
fake_salt(const struct call *c, const char *name, uint8_t ret[EVP_MAX_MD_SIZE], struct error *e)
{
	unsigned len;

	return HMAC(EVP_sha256(), c->api->cursor_key, sizeof c->api->cursor_key, (const unsigned char *)name, strlen(name), ret, &len)
	           ? 0
	           : fail(e, E_INTERNAL, "no HMAC");
}

static int
hash_password(struct call *c, const struct login_claim *claim, struct bytes salt, uint8_t ret[PASSWORD_HASH_BYTES], struct error *e)
{
	static atomic_int under_way;
	int result;

	if (atomic_fetch_add(&under_way, 1) >= LIMIT_PASSWORD_HASHES) {
		atomic_fetch_sub(&under_way, 1);
		(void)fail(e, E_UNAVAILABLE, "too many are signing in at the same time");
		e->retry_after_sec = 1;
		return -1;
	}
	call_release_db(c);
	result = password_hash(BYTES_STR(claim->password), salt.data, ret, e);
	atomic_fetch_sub(&under_way, 1);
	return result;
}

int
session_make(struct call *c, const struct login_claim *claim, struct secret **ret_cookie, struct error *e)
{
	CLEANUP(secret_free) struct secret *cookie = NULL;
	uint8_t hash[PASSWORD_HASH_BYTES] = {0}, fake[EVP_MAX_MD_SIZE];
	struct make m = {.claim = claim, .hash = hash};
	struct bytes salt = {0};
	struct error why;
	int32_t tenant_id = 0;
	int64_t account_id = 0;

	if (claim->passkey) {
		tenant_id = claim->passkey->who.tenant_id;
		account_id = claim->passkey->who.account_id;
	}
	if (claim->name && (fake_salt(c, claim->name, fake, e) || call_db(c, e) ||
	    auth_login_salt(c->db, claim->tenant, claim->name, (struct bytes){fake, sizeof fake}, c->arena, &tenant_id, &account_id, &salt, e)))
		return -1;
	if (claim->name && claim->password && hash_password(c, claim, salt, hash, e))
		return -1;
	call_release_db(c);
	if (secret_random_text(COOKIE_BYTES, &cookie, e))
		return -1;
	m.cookie = cookie;
	if (token_transaction(c, make_work, &m, e)) {
		if ((e->code == E_UNAUTHENTICATED || e->code == E_FORBIDDEN) && tenant_id) {
			const char *name = claim->passkey ? claim->passkey->who.name : claim->name;
			c->who = (struct principal){.tenant_id = tenant_id, .account_id = account_id, .name = account_id ? name : "-"};
			c->who.evidence = claim->passkey ? EVIDENCE_PASSKEY : claim->password ? EVIDENCE_PASSWORD : EVIDENCE_ONE_TIME;
			char rule[] = "sign_in";
			if (token_transaction(c, refused_work, e->code == E_FORBIDDEN ? rule : NULL, &why))
				*e = why;
		}
		c->who = (struct principal){0};
		return -1;
	}
	token_cache_clear();
	*ret_cookie = TAKE(cookie);
	return 0;
}

struct proof {
	const struct secret *cookie;
	const char *what;
	const struct passkey_proof *passkey; /* NULL: the engine said so */
};

static const char *
account_object(struct call *c)
{
	return arena_printf(c->arena, "account/%lld", (long long)c->who.account_id);
}

static int
prove_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct proof *p = ctx;
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct db_param params[] = {DB_INT(c->who.session_id), DB_INT(c->who.account_id), DB_BYTES(hash, 32)};

	if (EVP_Digest(p->cookie->data, p->cookie->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	if (auth_set_tenant(c->api->token_db, c->who.tenant_id, e) || (p->passkey && passkey_accept(c, c->api->token_db, p->passkey, e)) ||
	    db_query(c->api->token_db, "SELECT session_proved($1::int8, $2::int8, $3::bytea)", params, 3, false, &r, e))
		return -1;
	if (!db_bool(r, 0, 0))
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	return token_audit_word(c, "login.second_factor_proved", account_object(c), "what", p->what, e);
}

int
session_prove(struct call *c, const struct secret *cookie, const char *what, const struct passkey_proof *passkey, struct error *e)
{
	struct proof proof = {cookie, what, passkey};

	call_release_db(c);
	return token_transaction(c, prove_work, &proof, e);
}

static int
wrong_work(struct call *c, void *ctx, struct error *e)
{
	(void)ctx;
	return token_audit_word(c, "session.refused", account_object(c), "why", "second factor", e);
}

int
session_refuse(struct call *c, struct error *e)
{
	call_release_db(c);
	return token_transaction(c, wrong_work, NULL, e);
}

static int
challenge_work(struct call *c, void *ctx, struct error *e)
{
	return passkey_use_challenge(c, c->api->token_db, ctx, e);
}

int
session_challenge(struct call *c, const struct passkey_challenge *challenge, struct error *e)
{
	struct passkey_challenge copy = *challenge;

	call_release_db(c);
	return token_transaction(c, challenge_work, &copy, e);
}

struct card {
	const char *code, *why;
	struct bytes challenge;
};

static int
card_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct card *card = ctx;
	uint8_t hash[EVP_MAX_MD_SIZE], der[EVP_MAX_MD_SIZE];
	struct db *db = c->api->token_db;

	if (auth_set_tenant(db, c->who.tenant_id, e) || sha256(BYTES_STR(card->code), hash, e) || sha256(c->who.certificate, der, e) ||
	    db_query(db, "SELECT card_handoff_sweep()", NULL, 0, false, NULL, e) ||
	    db_query(db,
	             "INSERT INTO card_handoff (hash, challenge, tenant_id, account_id, credential_id, certificate_id, client, expires_at)"
	             " SELECT $1::bytea, $2::bytea, $3::int4, $4::int8, id, $5::int8, $6::text, now() + interval '1 minute' FROM credential"
	             " WHERE kind = 'certificate' AND hash = $7::bytea AND account_id = $4::int8 AND revoked_at IS NULL RETURNING credential_id",
	             (struct db_param[]){DB_BYTES(hash, 32), DB_BYTES(card->challenge.data, card->challenge.len), DB_INT(c->who.tenant_id),
	                                 DB_INT(c->who.account_id), DB_INT(c->who.certificate_id), DB_TEXT(c->request->client), DB_BYTES(der, 32)},
	             7, false, &r, e))
		return -1;
	if (db_rows(r) != 1)
		return fail_at(e, E_FORBIDDEN, AUTH_WITHDRAWN, "the certificate was withdrawn from its account");
	return token_audit(c, "session.certificate_shown", account_object(c), e);
}

int
session_handoff(struct call *c, const char *code, struct bytes challenge, struct error *e)
{
	struct card card = {.code = code, .challenge = challenge};

	call_release_db(c);
	return token_transaction(c, card_work, &card, e);
}

static int
card_refused_work(struct call *c, void *ctx, struct error *e)
{
	const struct card *card = ctx;

	return token_audit_word(c, "session.refused", arena_printf(c->arena, "certificate/%lld", (long long)c->who.certificate_id), "why", card->why,
	                        e);
}

int
session_handoff_refused(struct call *c, const char *why, struct error *e)
{
	struct card card = {.why = why};

	call_release_db(c);
	return token_transaction(c, card_refused_work, &card, e);
}

static int
end_others_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db *db = c->api->token_db;

	(void)ctx;
	if (auth_set_tenant(db, c->who.tenant_id, e) ||
	    db_query(db, "DELETE FROM session WHERE tenant_id = $1::int4 AND account_id = $2::int8 AND id <> $3::int8 RETURNING id",
	             (struct db_param[]){DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_INT(c->who.session_id)}, 3, false, &r, e))
		return -1;
	return token_audit_word(c, "session.others_ended", account_object(c), "sessions", arena_printf(c->arena, "%d", db_rows(r)), e);
}

int
session_end_others(struct call *c, struct error *e)
{
	call_release_db(c);
	if (token_transaction(c, end_others_work, NULL, e))
		return -1;
	token_cache_clear();
	return 0;
}

static int
end_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct db *db = c->api->token_db;
	bool any = rights_allow(c->who.rights, RIGHT_ACCOUNTS);

	if (auth_set_tenant(db, c->who.tenant_id, e) ||
	    db_query(db, "DELETE FROM session WHERE id = $1::int8 AND tenant_id = $2::int4 AND (account_id = $3::int8 OR $4::boolean) RETURNING id",
	             (struct db_param[]){DB_TEXT(ctx), DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_TEXT(any ? "true" : "false")}, 4,
	             false, &r, e))
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_NOT_FOUND, "there is no such session");
	return token_audit(c, "session.ended", arena_printf(c->arena, "session/%lld", (long long)db_int(r, 0, 0)), e);
}

int
session_end(struct call *c, const char *id, struct error *e)
{
	call_release_db(c);
	if (token_transaction(c, end_work, arena_strdup(c->arena, id), e))
		return -1;
	token_cache_clear();
	return 0;
}
