#include "config.h"
#include "api/session_store.h"

#include <stdatomic.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "api/rights.h"
#include "api/token_cache.h"
#include "api/token_store.h"
#include "lib/limits.h"
#include "lib/password.h"
#include "lib/x509/pem.h"

#define COOKIE_BYTES 32
#define AGENT_MAX_BYTES 200

struct make {
	const struct login_claim *claim;
	const uint8_t *hash; /* of the password */
	const struct secret *cookie;
};

/* One after the other of an account's sessions: a table doesn't grow by one person's habits. */
static int
sweep(struct call *c, struct db *db, struct error *e)
{
	struct db_param params[] = {DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_INT(LIMIT_SESSIONS - 1)};

	return db_query(db,
	                "DELETE FROM session WHERE tenant_id = $1::int4 AND (expires_at < now() OR used_at < now() - interval '30 minutes' OR id IN"
	                " (SELECT id FROM session WHERE account_id = $2::int8 ORDER BY id DESC OFFSET $3::int4))",
	                params, 3, false, NULL, e);
}

/* The session that this browser had until now is over. */
static int
leave(struct call *c, struct db *db, struct error *e)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	const char *cookie;

	if (rights_cookie(c, &cookie, e))
		return -1;
	if (!cookie)
		return 0;
	if (EVP_Digest(cookie, strlen(cookie), hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	return db_query(db, "SELECT session_leave($1::bytea)", (struct db_param[]){DB_BYTES(hash, 32)}, 1, false, NULL, e);
}

/* {second_factor}, {totp}, {password,totp}, …: what is to be done before this session may do anything. */
static int
find_missing(struct call *c, struct db *db, bool by_code, const char **ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (db_query(db, "SELECT 1 FROM second_factor WHERE account_id = $1::int8 AND confirmed_at IS NOT NULL",
	             (struct db_param[]){DB_INT(c->who.account_id)}, 1,
	             false, &r, e))
		return -1;
	if (db_rows(r))
		*ret = by_code ? "{second_factor,password}" : "{second_factor}";
	else
		*ret = by_code ? "{password,totp}" : "{totp}";
	return 0;
}

/* Sets c->who. A random password, which is for programs, opens no session. */
static int
prove(struct call *c, const struct make *m, struct db *db, struct error *e)
{
	const char *both;

	if (m->claim->password)
		return auth_login(db, m->claim->name, m->hash, c->arena, &c->who, e);
	both = arena_printf(c->arena, "%s:%s", m->claim->name, m->claim->code);
	both = arena_printf(c->arena, "Basic %s", base64_encode(c->arena, BYTES_STR(both)));
	if (auth_basic(db, both, true, c->arena, &c->who, e))
		return -1;
	return c->who.evidence == EVIDENCE_ONE_TIME ? 0 : fail(e, E_UNAUTHENTICATED, AUTH_SECRET_REFUSED);
}

static int
make_work(struct call *c, void *ctx, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct make *m = ctx;
	const char *missing, *agent = http_header_get(c->request, "User-Agent");
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct db *db = c->api->token_db;

	if (prove(c, m, db, e) || auth_set_tenant(db, c->who.tenant_id, e) || leave(c, db, e) || sweep(c, db, e) ||
	    find_missing(c, db, m->claim->code != NULL, &missing, e))
		return -1;
	if (EVP_Digest(m->cookie->data, m->cookie->len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	/* Who doesn't finish signing in has a quarter of an hour for it. */
	if (db_query(db,
	             "INSERT INTO session (tenant_id, account_id, hash, evidence, missing, client, agent, expires_at) VALUES ($1::int4, $2::int8, "
	             "$3::bytea,"
	             " $4::text, $5::text[], $6::text, $7::text, now() + interval '15 minutes') RETURNING id",
	             (struct db_param[]){DB_INT(c->who.tenant_id), DB_INT(c->who.account_id), DB_BYTES(hash, 32),
	                                 DB_TEXT(evidence_name(c->who.evidence)),
	                                 DB_TEXT(missing), DB_TEXT(c->request->client),
	                                 DB_TEXT(agent ? arena_strndup(c->arena, agent, strnlen(agent, AGENT_MAX_BYTES)) : "")},
	             7, false, &r, e))
		return -1;
	c->who.session_id = db_int(r, 0, 0);
	return token_audit(c, "session.made", arena_printf(c->arena, "session/%lld", (long long)c->who.session_id), e);
}

/* A row for an account that isn't there as well: the time that it takes would tell. */
static int
refused_work(struct call *c, void *ctx, struct error *e)
{
	(void)ctx;
	return token_audit(c, "session.refused", arena_printf(c->arena, "account/%lld", (long long)c->who.account_id), e);
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
	struct make m = {claim, hash, NULL};
	struct bytes salt;
	struct error why;
	int32_t tenant_id;
	int64_t account_id;

	if (fake_salt(c, claim->name, fake, e) || call_db(c, e) ||
	    auth_login_salt(c->db, claim->tenant, claim->name, (struct bytes){fake, sizeof fake}, c->arena, &tenant_id, &account_id, &salt, e))
		return -1;
	if (claim->password && hash_password(c, claim, salt, hash, e))
		return -1;
	call_release_db(c);
	if (secret_random_text(COOKIE_BYTES, &cookie, e))
		return -1;
	m.cookie = cookie;
	if (token_transaction(c, make_work, &m, e)) {
		if (e->code == E_UNAUTHENTICATED) {
			c->who = (struct principal){.tenant_id = tenant_id, .account_id = account_id, .name = account_id ? claim->name : "-"};
			c->who.evidence = claim->password ? EVIDENCE_PASSWORD : EVIDENCE_ONE_TIME;
			if (token_transaction(c, refused_work, NULL, &why))
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
	if (auth_set_tenant(c->api->token_db, c->who.tenant_id, e) ||
	    db_query(c->api->token_db, "SELECT session_proved($1::int8, $2::int8, $3::bytea)", params, 3, false, &r, e))
		return -1;
	if (!db_bool(r, 0, 0))
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	return token_audit_word(c, "login.second_factor_proved", account_object(c), "what", p->what, e);
}

int
session_prove(struct call *c, const struct secret *cookie, const char *what, struct error *e)
{
	struct proof proof = {cookie, what};

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
