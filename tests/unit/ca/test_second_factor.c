/* Second factors on a real store, sealed by a real key store: ca/second_factor.c. The codes are those of ca/totp.c, which has the RFC's vectors. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/second_factor.h"
#include "ca/totp.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct arena *a;
static struct error e;
static int64_t account;

static const char secret[] = "12345678901234567890", other[] = "09876543210987654321";

static void
set_up_factor(const char *octets)
{
	struct buf sealed BUF_CLEANUP = BUF_INIT(TOTP_SECRET_BYTES + HSM_SEAL_OVERHEAD);
	const char *context = arena_printf(a, SECOND_FACTOR_CONTEXT, (long long)account);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	ck_assert_msg(hsm_seal(h.hsm, "", context, octets, TOTP_SECRET_BYTES, &sealed, &e) == 0, "%s", e.detail);
	SHA256((const unsigned char *)"abcdefghijklmnop", 16, hash);
	struct db_param row[] = {DB_INT(account), DB_BYTES(sealed.data, sealed.len), DB_BYTES(hash, sizeof(hash))};
	ck_assert_msg(db_query(h.db,
	                       "INSERT INTO second_factor (account_id, tenant_id, sealed, confirmed_at, recovery) VALUES ($1::int8, 1, $2::bytea, now(),"
	                       " ARRAY[$3::bytea]) ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0, failures = 0",
	                       row, 3, false, NULL, &e) == 0, "%s", e.detail);
}

static void
setup(void)
{
	CLEANUP(db_free) struct db *db = test_db("siegel_owner");
	house_open(&h, "test.second");
	a = arena_new(1 << 20);
	account = strtoll(test_one(db, "INSERT INTO account (tenant_id, name, role) VALUES (1, 'second', 'administrator') RETURNING id"), NULL, 10);
	set_up_factor(secret);
}

static void
teardown(void)
{
	test_superuser("DELETE FROM siegel.second_factor");
	test_superuser("DELETE FROM siegel.account WHERE name = 'second'");
	arena_free(a);
	house_close(&h);
}

static Siegel__CheckSecondFactor
question(const char *code, const char *recovery)
{
	Siegel__CheckSecondFactor q = SIEGEL__CHECK_SECOND_FACTOR__INIT;
	q.tenant_id = 1;
	q.account_id = account;
	q.code = arena_strdup(a, code);
	q.recovery_code = arena_strdup(a, recovery);
	return q;
}

static const char *
code_of(const char *octets, int off)
{
	char code[TOTP_DIGITS + 1];
	totp_code(BYTES_STR(octets), now_us() / 1000000 / TOTP_STEP_SEC + off, code);
	return arena_strdup(a, code);
}

static void
expect(const Siegel__CheckSecondFactor q, bool wanted)
{
	bool good = !wanted;
	ck_assert_msg(second_factor_check(h.db, h.hsm, &q, a, &good, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(good, wanted);
}

/* RFC 6238 5.2: neither the same one again nor an older one. */
START_TEST(once)
{
	const char *now = code_of(secret, 0), *before = code_of(secret, -1);
	expect(question(now, ""), true);
	expect(question(now, ""), false);
	expect(question(before, ""), false);
	expect(question("", "ABCD-efgh ijkl-mnop"), true);
	expect(question("", "abcdefghijklmnop"), false);
}
END_TEST

START_TEST(whose_it_isnt)
{
	Siegel__CheckSecondFactor q = question(code_of(secret, 0), "");
	q.tenant_id = 2;
	expect(q, false);
	q.tenant_id = 1;
	q.account_id += 1000;
	expect(q, false);
	expect(question(code_of(other, 0), ""), false);
	expect(question(code_of(secret, 0), ""), true);
	set_up_factor(other);
	expect(question(code_of(secret, 1), ""), false);
	test_superuser("UPDATE siegel.second_factor SET pending = sealed, sealed = NULL, confirmed_at = NULL");
	expect(question(code_of(other, 0), ""), false); /* not confirmed yet */
}
END_TEST

/* Five wrong ones, of either kind; then one waits, also with a right one. What is right makes an end of counting. */
START_TEST(wrong_ones_are_counted)
{
	bool good = false;
	for (int i = 0; i < 4; i++)
		expect(i % 2 ? question("000000x", "") : question("", "aaaa-bbbb"), false);
	expect(question(code_of(secret, 0), ""), true);
	for (int i = 0; i < 5; i++)
		expect(question("000000x", ""), false);
	Siegel__CheckSecondFactor q = question(code_of(secret, 1), "");
	ck_assert_int_eq(second_factor_check(h.db, h.hsm, &q, a, &good, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_MANY);
	ck_assert_uint_ge(e.retry_after_sec, 1);
	ck_assert_uint_le(e.retry_after_sec, 2);
	test_superuser("UPDATE siegel.second_factor SET failed_at = now() - interval '3 seconds'");
	expect(q, true);
	test_superuser("UPDATE siegel.second_factor SET failures = 1000, failed_at = now()");
	ck_assert_int_eq(second_factor_check(h.db, h.hsm, &q, a, &good, &e), -1);
	ck_assert_uint_le(e.retry_after_sec, 900);
	ck_assert_uint_ge(e.retry_after_sec, 890);
}
END_TEST

START_TEST(no_question)
{
	bool good = false;
	const Siegel__CheckSecondFactor questions[] = {question("", ""), question("123456", "abcd"), question("12345678901234567", ""),
	                                               question("", "12345678901234567890123456789012345678901")};
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		ck_assert_int_eq(second_factor_check(h.db, h.hsm, &questions[i], a, &good, &e), -1);
		ck_assert_int_eq(e.code, E_MALFORMED);
	}
}
END_TEST

TCase *
tcase_second_factor(void)
{
	TCase *c = tcase_create("second_factor");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, once);
	tcase_add_test(c, whose_it_isnt);
	tcase_add_test(c, wrong_ones_are_counted);
	tcase_add_test(c, no_question);
	return c;
}
