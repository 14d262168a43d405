/* Tokens, passwords, one-time codes. */
#include <stdlib.h>
#include <string.h>
#include "lib/x509/pem.h"
#include "tests/unit/auth/store.h"

static const char one_text[] = "the account or the secret is wrong, expired or revoked";

static void
expect_refused(int result, const struct error *e)
{
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(e->code, E_UNAUTHENTICATED);
	ck_assert_str_eq(e->detail, one_text);
}

static const char *
basic(const char *name, const char *secret)
{
	const char *plain = arena_printf(arena, "%s:%s", name, secret);
	return arena_printf(arena, "Basic %s", base64_encode(arena, BYTES_STR(plain)));
}

/* Names are the tenant's own, but the look-up is over all tenants: secrets have to differ from test to test. */
static const char *
secret(const char *word)
{
	return arena_printf(arena, "%s-%d", word, tenant_id);
}

START_TEST(test_token)
{
	struct principal p;
	struct error e = {0};
	const char *token = secret("token");
	int64_t id = store_account("line1", "operator");
	store_credential(id, "token", token, strlen(token));
	ck_assert_msg(auth_token(db, token, arena, &p, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(p.tenant_id, tenant_id);
	ck_assert_int_eq(p.account_id, id);
	ck_assert_str_eq(p.name, "line1");
	ck_assert_str_eq(p.role, "operator");
	ck_assert(p.rights & RIGHT_BIT(RIGHT_REVOKE) && p.rights & RIGHT_BIT(RIGHT_ACCOUNT));
	ck_assert(!(p.rights & RIGHT_BIT(RIGHT_CAS)));
	ck_assert_int_eq(p.evidence, EVIDENCE_TOKEN);

	char long_one[400];
	memset(long_one, 'a', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	expect_refused(auth_token(db, "unknown", arena, &p, &e), &e);
	expect_refused(auth_token(db, long_one, arena, &p, &e), &e);
	ck_assert_int_eq(auth_token(db, "", arena, &p, &e), -1);
	ck_assert_int_eq(e.code, E_UNAUTHENTICATED);
	ck_assert_int_eq(auth_token(db, NULL, arena, &p, &e), -1);
	/* A token isn't a password, nor the other way round. */
	expect_refused(auth_basic(db, basic("line1", token), true, arena, &p, &e), &e);

	store_sql("UPDATE credential SET expires_at = now() - '1 s'::interval WHERE account_id = $1::int8 RETURNING 1",
	          (struct db_param[]){DB_INT(id)}, 1);
	expect_refused(auth_token(db, token, arena, &p, &e), &e);
	store_sql("UPDATE credential SET expires_at = NULL, revoked_at = now() WHERE account_id = $1::int8 RETURNING 1",
	          (struct db_param[]){DB_INT(id)}, 1);
	expect_refused(auth_token(db, token, arena, &p, &e), &e);
	store_sql("UPDATE credential SET revoked_at = NULL WHERE account_id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	ck_assert_int_eq(auth_token(db, token, arena, &p, &e), 0);
	store_sql("UPDATE account SET enabled = false WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	expect_refused(auth_token(db, token, arena, &p, &e), &e);
}
END_TEST

START_TEST(test_basic)
{
	struct principal p;
	struct error e = {0};
	const char *word = secret("pa:ss");
	int64_t id = store_account("device-line", "requestor");
	store_account("other", "requestor");
	store_credential(id, "password", word, strlen(word));
	ck_assert_msg(auth_basic(db, basic("device-line", word), true, arena, &p, &e) == 0, "%s", e.detail);
	ck_assert_str_eq(p.name, "device-line");
	ck_assert_str_eq(p.role, "requestor");
	ck_assert_int_eq(p.evidence, EVIDENCE_PASSWORD);
	/* The scheme's name has no case, RFC 7617 2. */
	ck_assert_int_eq(auth_basic(db, arena_printf(arena, "bASIC  %s", basic("device-line", word) + 6), true, arena, &p, &e), 0);

	expect_refused(auth_basic(db, basic("device-line", "wrong"), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("device-line", ""), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("nobody", word), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("other", word), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("", word), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("\xff\xfe", word), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("DEVICE-LINE", word), true, arena, &p, &e), &e);
	const uint8_t nul[] = "device-line\0x:y";
	expect_refused(auth_basic(db, arena_printf(arena, "Basic %s", base64_encode(arena, (struct bytes){nul, sizeof(nul) - 1})), true,
	                          arena, &p, &e),
	               &e);
	char *long_one = arena_alloc(arena, 5000);
	memset(long_one, 'a', 4999);
	expect_refused(auth_basic(db, arena_printf(arena, "Basic %s", long_one), true, arena, &p, &e), &e);
}
END_TEST

START_TEST(test_basic_unreadable)
{
	static const char *const headers[] = {NULL, "", "Basic", "Basic ", "Basic !!", "Basic YQ==", "Basic YTpi=YTpi", "Bearer abc", "Digest a:b"};
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct principal p;
		struct error e = {0};
		ck_assert_int_eq(auth_basic(db, headers[i], true, arena, &p, &e), -1);
		ck_assert_int_eq(e.code, E_UNAUTHENTICATED);
		ck_assert_str_eq(auth_basic_name(arena, headers[i]), "");
	}
	ck_assert_str_eq(auth_basic_name(arena, "Basic YTpi"), "a");
}
END_TEST

START_TEST(test_one_time)
{
	struct principal p;
	struct error e = {0};
	const char *code = secret("code");
	int64_t id = store_account("admin", "administrator");
	store_credential(id, "one_time", code, strlen(code));
	ck_assert_int_eq(auth_basic(db, basic("admin", code), false, arena, &p, &e), 0);
	ck_assert_int_eq(p.evidence, EVIDENCE_ONE_TIME);
	ck_assert_int_eq(auth_basic(db, basic("admin", code), true, arena, &p, &e), 0);
	expect_refused(auth_basic(db, basic("admin", code), true, arena, &p, &e), &e);
	expect_refused(auth_basic(db, basic("admin", code), false, arena, &p, &e), &e);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(evidence_name(EVIDENCE_CERTIFICATE), "certificate");
	ck_assert_str_eq(evidence_name((enum evidence)77), "none");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("secrets");
	tcase_add_checked_fixture(t, store_setup, store_teardown);
	tcase_add_test(t, test_token);
	tcase_add_test(t, test_basic);
	tcase_add_test(t, test_basic_unreadable);
	tcase_add_test(t, test_one_time);
	tcase_add_test(t, test_names);
	suite_add_tcase(s, t);
	suite_add_tcase(s, tcase_client_cert());
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
