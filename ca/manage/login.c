/* How a person signs in to a session: the password that he chooses, his second factor. Each is done over a session, which gets another cookie by it
 * (siegel-api made that and says its hash), so that one that somebody saw or planted before is worth nothing. That a second factor is proved, which
 * everybody does who signs in, is a worker's: ca/second_factor.c. None of it waits in the manager's queue (MANAGE_PROMPT). */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "ca/batch.h"
#include "ca/manage/account.h"
#include "ca/second_factor.h"
#include "ca/totp.h"
#include "lib/limits.h"
#include "lib/password.h"
#include "lib/x509/pem.h"

#define RECOVERY_CODES 10
#define RECOVERY_BYTES 10 /* 80 bits: a plain SHA-256 is enough */

static const char FACTOR[] = "second_factor", PASSWORD[] = "password", TOTP[] = "totp", PASSKEY[] = "passkey";

/* The session that the body names, locked. */
struct login {
	int64_t session;
	const char *account; /* its name */
	bool wants_factor, wants_password, wants_totp, wants_passkey; /* what is missing */
	bool has_factor;                                              /* the account: an app or a passkey */
	bool proved;                                                  /* one was shown lately */
};

static bool
lists(const char *missing, const char *word)
{
	const char *at = strstr(missing, word);
	size_t n = strlen(word);
	return at && (at == missing || at[-1] == ',') && (at[n] == ',' || !at[n]);
}

static int
load_session(struct manage *m, int64_t id, struct login *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_INT(m->who->account_id)};
	if (db_query(m->desk->db,
	             "SELECT array_to_string(s.missing, ','), a.name, has_second_factor(a.id),"
	             " coalesce(s.proved_at > now() - interval '" MANAGE_PROOF_AGE "', false) FROM session s JOIN account a ON a.id = s.account_id"
	             " WHERE s.id = $1::int8 AND s.account_id = $2::int8 AND s.expires_at > now() FOR UPDATE OF s",
	             row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	const char *missing = db_text(r, 0, 0);
	*ret = (struct login){.session = id,
	                      .account = arena_strdup(m->arena, db_text(r, 0, 1)),
	                      .wants_factor = lists(missing, FACTOR),
	                      .wants_password = lists(missing, PASSWORD),
	                      .wants_totp = lists(missing, TOTP),
	                      .wants_passkey = lists(missing, PASSKEY),
	                      .has_factor = db_bool(r, 0, 2),
	                      .proved = db_bool(r, 0, 3)};
	return 0;
}

static int
read_session(struct manage *m, struct login *ret, struct bytes *ret_hash, struct error *e)
{
	int64_t id;
	if (manage_int(m, "session", MANAGE_REQUIRED, 1, INT64_MAX, 0, &id, e) < 0)
		return -1;
	if (ret_hash && manage_bytes(m, "hash", MANAGE_REQUIRED, 32, ret_hash, e) < 0)
		return -1;
	return load_session(m, id, ret, e);
}

/* A step is done: the session lacks it no more and has another cookie. When nothing is missing any more, its twelve hours begin. */
static int
step_done(struct manage *m, const struct login *l, const char *what, struct bytes hash, struct error *e)
{
	struct db_param row[] = {DB_INT(l->session), DB_TEXT(what), DB_BYTES(hash.data, hash.len)};
	return db_query(m->desk->db,
	                "UPDATE session SET hash = $3::bytea, missing = array_remove(missing, $2::text),"
	                " proved_at = CASE WHEN $2::text IN ('totp', 'passkey') THEN now() ELSE proved_at END,"
	                " expires_at = CASE WHEN missing <> '{}' AND array_remove(missing, $2::text) = '{}' THEN now() + interval '12 hours' ELSE "
	                "expires_at END"
	                " WHERE id = $1::int8",
	                row, 3, false, NULL, e);
}

static int
end_others(struct manage *m, const struct login *l, struct error *e)
{
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(l->session)};
	return db_query(m->desk->db, "DELETE FROM session WHERE account_id = $1::int8 AND id <> $2::int8", row, 2, false, NULL, e);
}

/* What is before it in the session's list, and by a one-time code from the machine a passkey and nothing else. */
static int
check_complete(const struct login *l, struct error *e)
{
	if (l->wants_factor || l->wants_password || l->wants_passkey)
		return fail(e, E_FORBIDDEN, "this session lacks another thing first: %s",
		            l->wants_factor ? FACTOR : l->wants_password ? PASSWORD : PASSKEY);
	return 0;
}

/* Who took somebody's place at his screen doesn't make himself at home in his account. */
static int
check_proved(const struct login *l, struct error *e)
{
	if (l->wants_factor || l->wants_password)
		return fail(e, E_FORBIDDEN, "this session lacks another thing first: %s", l->wants_factor ? FACTOR : PASSWORD);
	/* It came by a certificate: what it sets up would stay when that is revoked. */
	if (!l->has_factor && !l->wants_totp && !l->wants_passkey)
		return fail_at(e, E_FORBIDDEN, ":Cookie",
		               "the account has no second factor, and this session can't set up the first one: sign in by a one-time code from"
		               " an administrator first");
	if (l->has_factor && !l->proved)
		return fail_at(e, E_FORBIDDEN, ":Cookie", MANAGE_PROVE_AGAIN);
	return 0;
}

static void
tell(struct manage *m, const char *what)
{
	m->object = arena_printf(m->arena, "account/%lld", (long long)m->who->account_id);
	m->detail = detail_text(m->arena, "name", m->who->name, "what", what, NULL);
}

/* --- the second factor --- */

struct factor {
	bool there, confirmed;
	struct secret *secret, *pending; /* freed by the caller */
	int64_t last_step, wait_sec;
};

static const char *
context(struct manage *m)
{
	return arena_printf(m->arena, SECOND_FACTOR_CONTEXT, (long long)m->who->account_id);
}

static void
factor_free(struct factor *f)
{
	secret_free(f->secret);
	secret_free(f->pending);
}
#define FACTOR_CLEANUP __attribute__((cleanup(factor_free)))

static int
unseal(struct manage *m, const struct db_result *r, int col, struct secret **ret, struct error *e)
{
	if (db_is_null(r, 0, col))
		return 0;
	return hsm_unseal(m->desk->hsm, context(m), db_bytes(r, 0, col, m->arena), ret, e);
}

static int
load_factor(struct manage *m, struct factor *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id)};
	if (db_query(m->desk->db,
	             "SELECT sealed, pending, last_step, " SECOND_FACTOR_WAIT " FROM second_factor WHERE account_id = $1::int8 FOR UPDATE", row, 1,
	             false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return 0;
	ret->there = true;
	ret->confirmed = !db_is_null(r, 0, 0);
	ret->last_step = db_int(r, 0, 2);
	ret->wait_sec = db_int(r, 0, 3);
	return unseal(m, r, 0, &ret->secret, e) < 0 || unseal(m, r, 1, &ret->pending, e) < 0 ? -1 : 0;
}

/* The answer of a check that failed: no error, for then its count would be undone with it. */
static int
refuse_code(struct manage *m, struct error *e)
{
	struct db_param row[] = {DB_INT(m->who->account_id)};
	m->ret_result = json_pack("{s:b}", "accepted", 0);
	if (db_query(m->desk->db, "UPDATE second_factor SET failures = failures + 1, failed_at = now() WHERE account_id = $1::int8", row, 1,
	             false, NULL, e) < 0)
		return -1;
	return manage_audit(m, "session.refused", arena_printf(m->arena, "account/%lld", (long long)m->who->account_id),
	                    detail_text(m->arena, "name", m->who->name, "why", "second factor", NULL), e);
}

static int
use_step(struct manage *m, int64_t step, struct error *e)
{
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(step)};
	return db_query(m->desk->db, "UPDATE second_factor SET last_step = $2::int8, failures = 0 WHERE account_id = $1::int8", row, 2, false,
	                NULL, e);
}

static int
read_code(struct manage *m, unsigned flags, const char **ret, struct error *e)
{
	return manage_text(m, "code", flags, SECOND_FACTOR_CODE_BYTES, ret, e);
}

/* A code of the app that is in force is a proof as any other. */
static int
note_proof(struct manage *m, const struct login *l, struct error *e)
{
	struct db_param row[] = {DB_INT(l->session)};
	return db_query(m->desk->db, "UPDATE session SET proved_at = now() WHERE id = $1::int8", row, 1, false, NULL, e);
}

static int
store_pending(struct manage *m, const struct secret *secret, struct error *e)
{
	struct buf sealed BUF_CLEANUP = BUF_INIT(TOTP_SECRET_BYTES + HSM_SEAL_OVERHEAD);
	if (hsm_seal(m->desk->hsm, "", context(m), secret->data, secret->len, &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id), DB_BYTES(sealed.data, sealed.len)};
	return db_query(m->desk->db,
	                "INSERT INTO second_factor (account_id, tenant_id, pending) VALUES ($1::int8, $2::int, $3::bytea)"
	                " ON CONFLICT (account_id) DO UPDATE SET pending = excluded.pending",
	                row, 3, false, NULL, e);
}

/* A secret for an app, shown once. One that is in force stays until the new one is confirmed; its code is as good as another proof of just now. */
static int
begin_totp(struct manage *m, struct error *e)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	struct factor f FACTOR_CLEANUP = {0};
	struct secret *secret CLEANUP(secret_free) = NULL;
	char text[TOTP_SECRET_BYTES * 8 / 5 + 1];
	const char *code;
	struct login l;
	if (read_session(m, &l, NULL, e) < 0 || read_code(m, 0, &code, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (check_complete(&l, e) < 0 || load_factor(m, &f, e) < 0)
		return -1;
	if (!f.confirmed || !code) {
		if (check_proved(&l, e) < 0)
			return -1;
	} else {
		if (second_factor_must_wait(f.wait_sec, e) < 0)
			return -1;
		int64_t step = f.secret ? totp_step((struct bytes){f.secret->data, f.secret->len}, code, now_us() / 1000000, f.last_step) : 0;
		if (!step)
			return refuse_code(m, e);
		if (use_step(m, step, e) < 0 || note_proof(m, &l, e) < 0)
			return -1;
	}
	secret = secret_new(NULL, TOTP_SECRET_BYTES);
	if (RAND_priv_bytes(secret->data, TOTP_SECRET_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	for (int i = 0; i < TOTP_SECRET_BYTES * 8 / 5; i++) { /* RFC 4648 6; 160 bits are 32 letters without padding */
		int bit = 5 * i, octet = bit / 8;
		unsigned pair = (unsigned)secret->data[octet] << 8 | (octet + 1 < TOTP_SECRET_BYTES ? secret->data[octet + 1] : 0u);
		text[i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	text[sizeof(text) - 1] = '\0';
	if (store_pending(m, secret, e) < 0)
		return -1;
	m->ret_result = json_pack("{s:b,s:s,s:s}", "accepted", 1, "secret", text, "uri",
	                          arena_printf(m->arena, "otpauth://totp/Siegel:%s?secret=%s&issuer=Siegel&algorithm=SHA1&digits=%d&period=%d",
	                                       l.account, text,
	                                       TOTP_DIGITS, TOTP_STEP_SEC));
	OPENSSL_cleanse(text, sizeof(text));
	return 0;
}

/* New recovery codes in place of all that were before: into the result, and their hashes as an array's text. */
static int
make_recovery(struct manage *m, const char **ret, struct error *e)
{
	json_t *codes = json_array();
	const char *hashes = "{";
	json_object_set_new(m->ret_result, "recovery_codes", codes);
	for (int i = 0; i < RECOVERY_CODES; i++) {
		struct secret *s CLEANUP(secret_free) = NULL;
		uint8_t hash[32];
		char hex[2 * sizeof(hash) + 1];
		if (secret_random_text(RECOVERY_BYTES, &s, e) < 0)
			return -1;
		if (EVP_Digest(s->data, s->len, hash, NULL, EVP_sha256(), NULL) != 1)
			return fail(e, E_INTERNAL, "SHA-256 isn't available");
		for (size_t k = 0; k < sizeof(hash); k++)
			snprintf(hex + 2 * k, 3, "%02x", hash[k]);
		hashes = arena_printf(m->arena, "%s%s\"\\\\x%s\"", hashes, i ? "," : "", hex);
		const char *t = (const char *)s->data; /* in fours, for people */
		json_array_append_new(codes, json_sprintf("%.4s-%.4s-%.4s-%.4s", t, t + 4, t + 8, t + 12));
	}
	*ret = arena_printf(m->arena, "%s}", hashes);
	return 0;
}

static int
confirm_totp(struct manage *m, struct error *e)
{
	struct factor f FACTOR_CLEANUP = {0};
	const char *code, *recovery;
	struct bytes hash;
	struct login l;
	if (read_session(m, &l, &hash, e) < 0 || read_code(m, MANAGE_REQUIRED, &code, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (load_factor(m, &f, e) < 0 || second_factor_must_wait(f.wait_sec, e) < 0)
		return -1;
	if (!f.pending || check_complete(&l, e) < 0)
		return fail(e, E_CONFLICT, "nothing waits to be confirmed: ask for a secret first");
	if (check_proved(&l, e) < 0)
		return -1;
	int64_t step = totp_step((struct bytes){f.pending->data, f.pending->len}, code, now_us() / 1000000, 0);
	if (!step)
		return refuse_code(m, e);
	m->ret_result = json_pack("{s:b}", "accepted", 1);
	if (make_recovery(m, &recovery, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(step), DB_TEXT(recovery)};
	if (db_query(m->desk->db,
	             "UPDATE second_factor SET sealed = pending, pending = NULL, confirmed_at = now(), last_step = $2::int8, recovery = "
	             "$3::bytea[], failures = 0"
	             " WHERE account_id = $1::int8",
	             row, 3, false, NULL, e) < 0 ||
	    end_others(m, &l, e) < 0)
		return -1;
	tell(m, f.confirmed ? "another" : "first");
	return step_done(m, &l, TOTP, hash, e);
}

/* The app goes where a passkey stays, or where the account isn't opened by a password with it anyway. Recovery codes stay with a passkey. */
static int
remove_totp(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *done CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id)};
	struct bytes hash;
	struct login l;
	if (read_session(m, &l, &hash, e) < 0 || manage_body_end(m, e) < 0 || check_complete(&l, e) < 0 || check_proved(&l, e) < 0 ||
	    db_query(m->desk->db, "SELECT EXISTS (SELECT FROM passkey WHERE account_id = $1::int8), account_sign_in($1::int8) <> 'any'", row, 1,
	             false, &r, e) < 0)
		return -1;
	if (!db_bool(r, 0, 0) && !db_bool(r, 0, 1))
		return fail(e, E_CONFLICT, "it is the account's only second factor: set up another one first");
	if (db_query(m->desk->db,
	             db_bool(r, 0, 0) ? "UPDATE second_factor SET sealed = NULL, pending = NULL, confirmed_at = NULL, last_step = 0, failures = 0"
	                                " WHERE account_id = $1::int8 AND confirmed_at IS NOT NULL RETURNING account_id"
	                              : "DELETE FROM second_factor WHERE account_id = $1::int8 AND confirmed_at IS NOT NULL RETURNING account_id",
	             row, 1, false, &done, e) < 0)
		return -1;
	if (db_rows(done) == 0)
		return fail(e, E_CONFLICT, "the account has no app");
	m->ret_result = json_pack("{s:b}", "accepted", 1);
	tell(m, "app");
	return end_others(m, &l, e) < 0 ? -1 : step_done(m, &l, "", hash, e);
}

/* --- the password --- */

/* The one in force; *ret false: it is another, or there is none. */
static int
is_password(struct manage *m, const char *password, bool *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id)};
	uint8_t hash[PASSWORD_HASH_BYTES];
	if (db_query(m->desk->db, "SELECT salt, hash FROM credential WHERE account_id = $1::int8 AND kind = 'login' AND revoked_at IS NULL", row,
	             1, false, &r, e) < 0)
		return -1;
	*ret = false;
	if (db_rows(r) == 0)
		return 0;
	struct bytes salt = db_bytes(r, 0, 0, m->arena), wanted = db_bytes(r, 0, 1, m->arena);
	if (password_hash(BYTES_STR(password), salt.data, hash, e) < 0)
		return -1;
	*ret = secret_equal(hash, sizeof(hash), wanted.data, wanted.len);
	return 0;
}

static int
store_password(struct manage *m, const char *password, struct error *e)
{
	uint8_t salt[PASSWORD_SALT_BYTES], hash[PASSWORD_HASH_BYTES];
	if (RAND_bytes(salt, sizeof(salt)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (password_hash(BYTES_STR(password), salt, hash, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id), DB_BYTES(hash, sizeof(hash)), DB_BYTES(salt, sizeof(salt))};
	if (db_query(m->desk->db, "UPDATE credential SET revoked_at = now() WHERE account_id = $1::int8 AND kind = 'login' AND revoked_at IS "
	                          "NULL",
	             row, 1, false,
	             NULL, e) < 0)
		return -1;
	return db_query(m->desk->db,
	                "INSERT INTO credential (tenant_id, account_id, kind, hash, salt) VALUES ($2::int, $1::int8, 'login', $3::bytea, "
	                "$4::bytea)",
	                row, 4, false,
	                NULL, e);
}

/* The first after a one-time code, or another in place of the one that is given with it. All other sessions of the account end. */
static int
set_password(struct manage *m, struct error *e)
{
	const char *password, *current;
	struct bytes hash;
	struct login l;
	bool same = true;
	if (read_session(m, &l, &hash, e) < 0 || manage_text(m, "password", MANAGE_REQUIRED, LIMIT_PASSWORD_BYTES, &password, e) < 0 ||
	    manage_text(m, "current_password", 0, LIMIT_PASSWORD_BYTES, &current, e) < 0 || manage_body_end(m, e) < 0 ||
	    password_check(password, l.account, e) < 0)
		return -1;
	if (l.wants_factor)
		return fail(e, E_FORBIDDEN, "this session lacks another thing first: %s", FACTOR);
	if (!l.wants_password) {
		if (check_complete(&l, e) < 0)
			return -1;
		if (!current)
			return fail_at(e, E_BAD_VALUE, "current_password", "current_password: the password that is changed is wanted");
		if (check_proved(&l, e) < 0 || is_password(m, current, &same, e) < 0)
			return -1;
	}
	if (!same) {
		m->ret_result = json_pack("{s:b}", "accepted", 0);
		return manage_audit(m, "session.refused", arena_printf(m->arena, "account/%lld", (long long)m->who->account_id),
		                    detail_text(m->arena, "name", m->who->name, "why", "current password", NULL), e);
	}
	if (store_password(m, password, e) < 0 || end_others(m, &l, e) < 0)
		return -1;
	m->ret_result = json_pack("{s:b}", "accepted", 1);
	tell(m, l.wants_password ? "first" : "another");
	return step_done(m, &l, PASSWORD, hash, e);
}

/* --- passkeys: siegel-api has taken apart what the browser brought, and verified it --- */

static int
check_passkeys(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id)};
	if (db_query(m->desk->db, "SELECT count(*) FROM passkey WHERE account_id = $1::int8", row, 1, false, &r, e) < 0)
		return -1;
	return db_int(r, 0, 0) < LIMIT_PASSKEYS ? 0 : fail(e, E_CONFLICT, "an account has at most %d passkeys: remove one first", LIMIT_PASSKEYS);
}

static int
name_refused(struct manage *m, struct error *e)
{
	return manage_taken(m, "name", "name: there is a passkey of that name, or this one is registered already", e);
}

/* Recovery codes come with the first second factor, whichever that is. */
static int
store_recovery(struct manage *m, struct error *e)
{
	const char *recovery;
	if (make_recovery(m, &recovery, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id), DB_TEXT(recovery)};
	return db_query(m->desk->db,
	                "INSERT INTO second_factor (account_id, tenant_id, recovery) VALUES ($1::int8, $2::int, $3::bytea[])"
	                " ON CONFLICT (account_id) DO UPDATE SET recovery = excluded.recovery, pending = NULL, failures = 0",
	                row, 3, false, NULL, e);
}

/* The session by a one-time code is that of the passkey that it registered: its account is opened by nothing else. */
static int
become_passkeys(struct manage *m, const struct login *l, int64_t passkey, struct error *e)
{
	struct db_param row[] = {DB_INT(l->session), DB_INT(passkey)};
	return db_query(m->desk->db, "UPDATE session SET evidence = 'passkey', passkey_id = $2::int8 WHERE id = $1::int8", row, 2, false, NULL, e);
}

static int
add_passkey(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name;
	struct bytes hash, id, key;
	int64_t count;
	int verified;
	struct login l;
	if (read_session(m, &l, &hash, e) < 0 || manage_text(m, "name", MANAGE_REQUIRED, 63, &name, e) < 0 ||
	    manage_bytes(m, "credential_id", MANAGE_REQUIRED, 1023, &id, e) < 0 ||
	    manage_bytes(m, "public_key", MANAGE_REQUIRED, 2048, &key, e) < 0 ||
	    manage_int(m, "sign_count", MANAGE_REQUIRED, 0, UINT32_MAX, 0, &count, e) < 0 ||
	    manage_bool(m, "user_verified", MANAGE_REQUIRED, &verified, e) < 0 || manage_body_end(m, e) < 0 || check_proved(&l, e) < 0 ||
	    check_passkeys(m, e) < 0)
		return -1;
	if (l.wants_passkey && verified != 1)
		return fail_at(e, E_BAD_VALUE, "user_verified", "user_verified: a passkey that asks for a PIN or a finger is wanted");
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_INT(m->who->account_id), DB_TEXT(name), DB_BYTES(id.data, id.len),
	                         DB_BYTES(key.data, key.len), DB_INT(count), DB_TEXT(verified ? "true" : "false")};
	if (db_query(m->desk->db,
	             "INSERT INTO passkey (tenant_id, account_id, name, credential_id, public_key, sign_count, user_verified)"
	             " VALUES ($1::int, $2::int8, $3::text, $4::bytea, $5::bytea, $6::int8, $7::boolean) RETURNING id",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return name_refused(m, e);
	if (l.wants_passkey && become_passkeys(m, &l, db_int(r, 0, 0), e) < 0)
		return -1;
	m->ret_result = json_pack("{s:b}", "accepted", 1);
	if (!l.has_factor && (store_recovery(m, e) < 0 || end_others(m, &l, e) < 0))
		return -1;
	m->object = arena_printf(m->arena, "account/%lld", (long long)m->who->account_id);
	m->detail = detail_text(m->arena, "name", m->who->name, "passkey", name, NULL);
	return step_done(m, &l, l.wants_passkey ? PASSKEY : TOTP, hash, e);
}

/* Of the tenant, in m->id; *ret_name for the log. */
static int
load_passkey(struct manage *m, int64_t *ret_account, const char **ret_name, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT account_id, name FROM passkey WHERE id = $1::int8 AND tenant_id = $2::int FOR UPDATE", row, 2, false, &r,
	             e) < 0)
		return -1;
	bool own = db_rows(r) && db_int(r, 0, 0) == m->who->account_id;
	if (!own && !(db_rows(r) && m->rights & RIGHT_BIT(RIGHT_ACCOUNTS)))
		return fail(e, E_NOT_FOUND, "there is no such passkey");
	*ret_account = db_int(r, 0, 0);
	*ret_name = arena_strdup(m->arena, db_text(r, 0, 1));
	m->object = arena_printf(m->arena, "account/%lld", (long long)*ret_account);
	return 0;
}

static int
rename_passkey(struct manage *m, struct error *e)
{
	const char *name, *old;
	int64_t account;
	if (manage_text(m, "name", MANAGE_REQUIRED, 63, &name, e) < 0 || manage_body_end(m, e) < 0 || load_passkey(m, &account, &old, e) < 0)
		return -1;
	if (account != m->who->account_id)
		return fail(e, E_FORBIDDEN, "a passkey is named by whose it is");
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(name)};
	if (db_query(m->desk->db, "UPDATE passkey SET name = $2::text WHERE id = $1::int8", row, 2, false, NULL, e) < 0)
		return name_refused(m, e);
	m->detail = detail_text(m->arena, "passkey", old, "name", name, NULL);
	return 0;
}

/* One's own: over a session that has proved a second factor lately. Somebody else's: by who manages accounts and may do all that this one may. The
 * last second factor stays in both cases: to take it away has an operation of its own, which may want an approval. */
static int
may_remove(struct manage *m, int64_t account, int64_t session, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(account), DB_INT(m->id)};
	bool own = account == m->who->account_id;
	struct account other;
	struct login l;
	if (own && !session)
		return fail(e, E_FORBIDDEN, "one's own passkey is removed over a session, in a browser");
	if ((own ? load_session(m, session, &l, e) < 0 || check_proved(&l, e) < 0 : account_load(m, account, NULL, &other, e) < 0) ||
	    db_query(m->desk->db,
	             "SELECT EXISTS (SELECT FROM second_factor WHERE account_id = $1::int8 AND confirmed_at IS NOT NULL)"
	             " OR EXISTS (SELECT FROM passkey WHERE account_id = $1::int8 AND id <> $2::int8)",
	             row, 2, false, &r, e) < 0)
		return -1;
	if (db_bool(r, 0, 0))
		return 0;
	return own ? fail(e, E_CONFLICT, "it is the account's only second factor: set up another one first")
	           : fail(e, E_CONFLICT, "it is the account's only second factor: reset that instead");
}

/* One's own way in stays. */
static int
check_opens(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id)};
	if (db_query(m->desk->db, "SELECT account_opens($1::int8)", row, 1, false, &r, e) < 0)
		return -1;
	if (db_bool(r, 0, 0))
		return 0;
	return fail(e, E_CONFLICT, "the account has to sign in by it, and has nothing else for that: set up another one first");
}

static int
remove_passkey(struct manage *m, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id)};
	int64_t session, account;
	const char *name;
	if (manage_int(m, "session", 0, 0, INT64_MAX, 0, &session, e) < 0 || manage_body_end(m, e) < 0 || load_passkey(m, &account, &name, e) < 0 ||
	    may_remove(m, account, session, e) < 0)
		return -1;
	m->detail = detail_text(m->arena, "passkey", name, NULL);
	if (db_query(m->desk->db, "DELETE FROM passkey WHERE id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	return account == m->who->account_id ? check_opens(m, e) : account_check_remains(m, e);
}

/* For who lost his phone and his recovery codes: an administrator takes the second factor away, and the account sets up another. */
static int
reset_factor(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct account account;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || account_load(m, m->id, NULL, &account, e) < 0)
		return -1;
	if (m->id == m->who->account_id)
		return fail(e, E_FORBIDDEN, "nobody takes away his own second factor: set up another one");
	if (db_query(m->desk->db, "DELETE FROM session WHERE account_id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "SELECT has_second_factor($1::int8)", row, 1, false, &r, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM passkey WHERE account_id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM second_factor WHERE account_id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	if (!db_bool(r, 0, 0))
		return fail(e, E_CONFLICT, "the account has no second factor");
	m->object = arena_printf(m->arena, "account/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", account.name, NULL);
	return account_check_remains(m, e);
}

extern const struct manage_op manage_login[];
/* What one does to one's own sign-in waits for nobody's approval. */
const struct manage_op manage_login[] = {
    {"login.password", "login.password_set", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_NEVER_WAITS | MANAGE_PROMPT, set_password},
    {"login.totp", "login.totp_begun", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_NEVER_WAITS | MANAGE_PROMPT | MANAGE_KEYS, begin_totp},
    {"login.totp_confirm", "login.totp_set", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_NEVER_WAITS | MANAGE_PROMPT | MANAGE_KEYS, confirm_totp},
    {"login.totp_remove", "login.totp_removed", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_PROMPT, remove_totp},
    {"login.passkey", "login.passkey_added", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_NEVER_WAITS | MANAGE_PROMPT, add_passkey},
    {"login.passkey_name", "login.passkey_named", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_PROMPT, rename_passkey},
    {"login.passkey_remove", "login.passkey_removed", RIGHT_ACCOUNT, MANAGE_DIRECT | MANAGE_PROMPT, remove_passkey},
    {"account.reset_second_factor", "account.second_factor_reset", RIGHT_ACCOUNTS, MANAGE_PROOF, reset_factor},
    {0},
};
