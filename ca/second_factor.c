/* Each change is one statement: workers answer at the same time, and none holds a lock between two. */
#include "ca/second_factor.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/totp.h"
#include "lib/secret.h"

int
second_factor_must_wait(int64_t wait_sec, struct error *e)
{
	if (wait_sec <= 0)
		return 0;
	(void)fail_at(e, E_TOO_MANY, "code", "too many wrong codes: wait %lld seconds", (long long)wait_sec);
	e->retry_after_sec = (unsigned)wait_sec;
	return -1;
}

/* Counts the attempt. *ret_sealed stays empty when there is no second factor that is in force. */
static int
attempt(struct db *db, const Siegel__CheckSecondFactor *q, struct arena *a, struct bytes *ret_sealed, int64_t *ret_last_step, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *wait CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(q->account_id), DB_INT(q->tenant_id)};
	if (db_query(db,
	             "UPDATE second_factor SET failures = failures + 1, failed_at = now() WHERE account_id = $1::int8 AND tenant_id = $2::int"
	             " AND sealed IS NOT NULL AND " SECOND_FACTOR_WAIT " = 0 RETURNING sealed, last_step",
	             row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 1) {
		*ret_sealed = db_bytes(r, 0, 0, a);
		*ret_last_step = db_int(r, 0, 1);
		return 0;
	}
	if (db_query(db, "SELECT greatest(1, " SECOND_FACTOR_WAIT ") FROM second_factor"
	                 " WHERE account_id = $1::int8 AND tenant_id = $2::int AND sealed IS NOT NULL",
	             row, 2, false, &wait, e) < 0)
		return -1;
	return db_rows(wait) ? second_factor_must_wait(db_int(wait, 0, 0), e) : 0;
}

/* "Each step once" (RFC 6238 5.2) is this statement's; another second factor, set up meanwhile, isn't touched by it. */
static int
use_code(struct db *db, struct hsm *hsm, const Siegel__CheckSecondFactor *q, struct arena *a, struct bytes sealed, int64_t last_step, bool *ret,
	struct error *e)
{
	struct secret *secret CLEANUP(secret_free) = NULL;
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (hsm_unseal(hsm, arena_printf(a, SECOND_FACTOR_CONTEXT, (long long)q->account_id), sealed, &secret, e) < 0)
		return -1;
	int64_t step = totp_step((struct bytes){secret->data, secret->len}, q->code, now_us() / 1000000, last_step);
	*ret = false;
	if (!step)
		return 0;
	struct db_param row[] = {DB_INT(q->account_id), DB_INT(step), DB_BYTES(sealed.data, sealed.len)};
	if (db_query(db,
	             "UPDATE second_factor SET last_step = $2::int8, failures = 0 WHERE account_id = $1::int8 AND last_step < $2::int8"
	             " AND sealed = $3::bytea RETURNING 1",
	             row, 3, false, &r, e) < 0)
		return -1;
	*ret = db_rows(r) == 1;
	return 0;
}

/* Takes it off the list. Case, blanks and hyphens don't count. Nobody guesses 80 bits, so that no wrong codes of the app, whoever tries them, keep the
 * owner out who has one of these. */
static int
use_recovery(struct db *db, const Siegel__CheckSecondFactor *q, bool *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	char plain[SECOND_FACTOR_RECOVERY_BYTES + 1];
	uint8_t hash[32];
	size_t n = 0;
	for (const char *c = q->recovery_code; *c; c++)
		if (*c != ' ' && *c != '-')
			plain[n++] = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	bool hashed = EVP_Digest(plain, n, hash, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_cleanse(plain, sizeof(plain));
	if (!hashed)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	struct db_param row[] = {DB_INT(q->account_id), DB_BYTES(hash, sizeof(hash)), DB_INT(q->tenant_id)};
	if (db_query(db,
	             "UPDATE second_factor SET recovery = array_remove(recovery, $2::bytea), failures = 0 WHERE account_id = $1::int8"
	             " AND tenant_id = $3::int AND $2::bytea = ANY (recovery) RETURNING 1",
	             row, 3, false, &r, e) < 0)
		return -1;
	*ret = db_rows(r) == 1;
	return 0;
}

int
second_factor_check(struct db *db, struct hsm *hsm, const Siegel__CheckSecondFactor *q, struct arena *a, bool *ret_good, struct error *e)
{
	struct bytes sealed = {0};
	int64_t last_step = 0;
	bool good = false;
	if (!*q->code == !*q->recovery_code || strlen(q->code) > SECOND_FACTOR_CODE_BYTES ||
	    strlen(q->recovery_code) > SECOND_FACTOR_RECOVERY_BYTES)
		return fail(e, E_MALFORMED, "a code of up to %d octets or a recovery code of up to %d is wanted, one of them",
		            SECOND_FACTOR_CODE_BYTES, SECOND_FACTOR_RECOVERY_BYTES);
	if (*q->recovery_code)
		return use_recovery(db, q, ret_good, e);
	if (attempt(db, q, a, &sealed, &last_step, e) < 0 || (sealed.len && use_code(db, hsm, q, a, sealed, last_step, &good, e) < 0))
		return -1;
	*ret_good = good;
	return 0;
}
