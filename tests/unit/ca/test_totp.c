/* One-time passwords by the clock, against the vectors of the RFC. */
#include "config.h"
#include "ca/totp.h"

#include <check.h>
#include <stdlib.h>

static const char SECRET[] = "12345678901234567890"; /* RFC 6238 appendix B, for SHA-1 */

START_TEST(vectors)
{
	/* RFC 6238 appendix B has eight digits; six are the last of them. */
	static const struct {
		int64_t at;
		const char *code;
	} rows[] = {{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
	char code[TOTP_DIGITS + 1];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		totp_code(BYTES_STR(SECRET), rows[i].at / TOTP_STEP_SEC, code);
		ck_assert_str_eq(code, rows[i].code);
		ck_assert_int_eq(totp_step(BYTES_STR(SECRET), rows[i].code, rows[i].at, 0), rows[i].at / TOTP_STEP_SEC);
	}
}
END_TEST

START_TEST(one_step_either_way)
{
	const int64_t at = 1111111111, step = at / TOTP_STEP_SEC;
	char code[TOTP_DIGITS + 1];
	for (int64_t off = -3; off <= 3; off++) {
		totp_code(BYTES_STR(SECRET), step + off, code);
		ck_assert_int_eq(totp_step(BYTES_STR(SECRET), code, at, 0), off >= -1 && off <= 1 ? step + off : 0);
	}
}
END_TEST

START_TEST(good_once)
{
	const int64_t at = 1111111111, step = at / TOTP_STEP_SEC;
	char code[TOTP_DIGITS + 1];
	for (int64_t off = -1; off <= 1; off++) {
		totp_code(BYTES_STR(SECRET), step + off, code);
		ck_assert_int_eq(totp_step(BYTES_STR(SECRET), code, at, step), off > 0 ? step + off : 0);
	}
}
END_TEST

START_TEST(no_codes)
{
	static const char *const codes[] = {"", "05047", "0504711", "O50471", " 50471", "050471 ", "......", "-50471"};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		ck_assert_int_eq(totp_step(BYTES_STR(SECRET), codes[i], 1111111111, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("totp");
	TCase *t = tcase_create("totp");
	tcase_add_test(t, vectors);
	tcase_add_test(t, one_step_either_way);
	tcase_add_test(t, good_once);
	tcase_add_test(t, no_codes);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
