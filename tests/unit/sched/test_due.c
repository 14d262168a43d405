/* When something is due. */
#include "config.h"
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include "sched/due.h"

#define SEC DUE_USEC
#define T0 (INT64_C(1700000000) * SEC)

START_TEST(the_first_crl_is_due_at_once)
{
	struct crl_state s = {.interval_sec = 3600};

	ck_assert_int_eq(crl_due_us(&s, 2), 0);
}
END_TEST

START_TEST(crls_follow_their_interval)
{
	struct crl_state s = {.exists = true, .this_update_us = T0, .made_us = T0 + SEC / 2, .interval_sec = 3600};

	ck_assert_int_eq(crl_due_us(&s, 2), T0 + 3600 * SEC);
	/* A revocation that the last CRL has. */
	s.wanted_us = T0 + SEC / 4;
	ck_assert_int_eq(crl_due_us(&s, 2), T0 + 3600 * SEC);
}
END_TEST

START_TEST(a_revocation_makes_a_crl_early)
{
	struct crl_state s = {.exists = true, .this_update_us = T0, .made_us = T0 + SEC / 2, .interval_sec = 3600, .wanted_us = T0 + 100 * SEC};

	/* The last one is longer ago than the shortest interval: now. */
	ck_assert_int_lt(crl_due_us(&s, 2), T0 + 100 * SEC);
	/* Within the shortest interval it is held back. */
	s.wanted_us = T0 + SEC;
	ck_assert_int_eq(crl_due_us(&s, 2), T0 + SEC / 2 + 2 * SEC);
	ck_assert_int_eq(crl_due_us(&s, 0), T0 + SEC / 2);
	/* In the same second as thisUpdate, yet after the CRL was made. */
	s.wanted_us = T0 + 3 * SEC / 4;
	ck_assert_int_eq(crl_due_us(&s, 2), T0 + SEC / 2 + 2 * SEC);
	/* The schedule comes first when it is sooner. */
	s.interval_sec = 60;
	ck_assert_int_eq(crl_due_us(&s, 3600), T0 + 60 * SEC);
}
END_TEST

START_TEST(a_notification_counts_whatever_the_times_say)
{
	struct crl_state s = {
	    .exists = true, .this_update_us = T0, .made_us = T0, .interval_sec = 3600, .wanted_us = T0 - SEC, .notified = true};

	ck_assert_int_eq(crl_due_us(&s, 2), T0 + 2 * SEC);
}
END_TEST

START_TEST(signers_are_renewed_at_half_their_life)
{
	struct signer_state s = {.exists = false};

	ck_assert_int_eq(signer_due_us(&s), 0);
	s = (struct signer_state){.exists = true, .not_before_us = T0, .not_after_us = T0 + 1000 * SEC};
	ck_assert_int_eq(signer_due_us(&s), T0 + 500 * SEC);
}
END_TEST

START_TEST(pauses)
{
	/* Its period, or sooner when it asked for that. */
	ck_assert_int_eq(job_pause_ms(60000, -1, 0, false), 60000);
	ck_assert_int_eq(job_pause_ms(60000, 1500, 0, false), 1500);
	ck_assert_int_eq(job_pause_ms(60000, 0, 0, false), 0);
	ck_assert_int_eq(job_pause_ms(60000, 90000, 0, false), 60000);
	/* After failures longer and longer, up to a minute; up to a second when somebody is away. */
	ck_assert_int_eq(job_pause_ms(60000, 10, 1, false), 250);
	ck_assert_int_eq(job_pause_ms(60000, -1, 2, false), 500);
	ck_assert_int_eq(job_pause_ms(60000, -1, 3, true), 1000);
	ck_assert_int_eq(job_pause_ms(60000, -1, 9, false), 60000);
	ck_assert_int_eq(job_pause_ms(60000, -1, UINT32_MAX, false), 60000);
	ck_assert_int_eq(job_pause_ms(60000, -1, UINT32_MAX, true), 1000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("due");
	TCase *t = tcase_create("due");

	tcase_add_test(t, the_first_crl_is_due_at_once);
	tcase_add_test(t, crls_follow_their_interval);
	tcase_add_test(t, a_revocation_makes_a_crl_early);
	tcase_add_test(t, a_notification_counts_whatever_the_times_say);
	tcase_add_test(t, signers_are_renewed_at_half_their_life);
	tcase_add_test(t, pauses);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
