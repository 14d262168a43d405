/* Guessing is slowed down (R16), and the table can't be made to grow. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include "lib/auth/auth.h"

START_TEST(test_limit)
{
	struct error e = {0};
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(throttle_check("192.0.2.1 line", &e), 0);
		throttle_failed("192.0.2.1 line");
	}
	ck_assert_int_eq(throttle_check("192.0.2.1 line", &e), -1);
	ck_assert_int_eq(e.code, E_TOO_MANY);
	ck_assert_uint_ge(e.retry_after_sec, 1);
	ck_assert_uint_le(e.retry_after_sec, 60);
	/* Others aren't touched. */
	ck_assert_int_eq(throttle_check("192.0.2.2 line", &e), 0);
	ck_assert_int_eq(throttle_check("", &e), 0);
}
END_TEST

START_TEST(test_success_forgets)
{
	struct error e = {0};
	for (int i = 0; i < 30; i++) {
		ck_assert_int_eq(throttle_check("k", &e), 0);
		throttle_failed("k");
		if (i % 5 == 4)
			throttle_ok("k");
	}
	throttle_ok("never seen");
}
END_TEST

START_TEST(test_many_keys)
{
	struct error e = {0};
	char key[32];
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		throttle_failed(key);
	}
	/* It still counts. */
	for (int i = 0; i < 10; i++)
		throttle_failed("after");
	ck_assert_int_eq(throttle_check("after", &e), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("throttle");
	TCase *t = tcase_create("throttle");
	tcase_add_test(t, test_limit);
	tcase_add_test(t, test_success_forgets);
	tcase_add_test(t, test_many_keys);
	suite_add_tcase(s, t);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
