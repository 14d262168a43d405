/* When a batch waits for more. */
#include <config.h>

#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <stdlib.h>
#include "ca/queue.h"

START_TEST(test_gathers)
{
	static const struct {
		struct clients clients;
		int64_t took_us, waited_us;
		bool gathers;
		const char *why;
	} rows[] = {
	    {{4, 1}, 3000, 0, true, "one of four is here"},
	    {{4, 3}, 3000, 2999, true, "all but one, and the time isn't over"},
	    {{4, 1}, 3000, 3000, false, "as long as the last batch took"},
	    {{4, 1}, 100000, GATHER_US - 1, true, "a slow batch"},
	    {{4, 1}, 100000, GATHER_US, false, "a slow batch is not waited for as a whole"},
	    {{1, 1}, 3000, 0, false, "a client that is alone"},
	    {{0, 0}, 3000, 0, false, "its client has gone"},
	    {{4, 4}, 3000, 0, false, "all are here"},
	    {{4, 1}, 0, 0, false, "the first batch of all"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct job job = {.started_us = 1000000};
		struct queue q;
		queue_init(&q);
		queue_put(&q, &job);
		ck_assert_msg(queue_gathers(&q, &rows[i].clients, rows[i].took_us, job.started_us + rows[i].waited_us) == rows[i].gathers, "%s", rows[i].why);
	}
}
END_TEST

START_TEST(test_nothing_waits_for_nothing)
{
	struct queue q;
	queue_init(&q);
	ck_assert(!queue_gathers(&q, &(struct clients){4, 1}, 3000, 0));
}
END_TEST

START_TEST(test_pop)
{
	struct job jobs[3] = {0};
	struct queue q;
	queue_init(&q);
	ck_assert_ptr_null(queue_pop(&q));
	for (size_t round = 0; round < 2; round++) { /* it takes jobs again after it was empty */
		for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
			queue_put(&q, &jobs[i]);
		for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
			ck_assert_uint_eq(q.n, ARRAY_LEN(jobs) - i);
			ck_assert_ptr_eq(queue_pop(&q), &jobs[i]);
		}
		ck_assert_ptr_null(queue_pop(&q));
		ck_assert_uint_eq(q.n, 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue");
	TCase *c = tcase_create("gathering");
	SRunner *r = srunner_create(s);
	tcase_add_test(c, test_gathers);
	tcase_add_test(c, test_nothing_waits_for_nothing);
	tcase_add_test(c, test_pop);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
