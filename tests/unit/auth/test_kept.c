/* What the store said of evidence is kept for a moment, and never against its word. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include "lib/auth/kept.h"
#include "lib/limits.h"

#define SECRET BYTES_STR("Basic bGluZTE6c2VjcmV0")

static const struct principal line = {.tenant_id = 1, .account_id = 7, .name = "line1", .role = "line", .rights = 5, .evidence = EVIDENCE_PASSWORD};

static struct principals *p;
static struct arena *a;

static void
setup(void)
{
	p = principals_new();
	a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
}

static void
teardown(void)
{
	principals_free(p);
	arena_free(a);
}

/* Asks, and keeps who as the store's answer. */
static void
learn(const struct principal *who)
{
	struct principals_question q;
	struct principal found;
	ck_assert(!principals_find(p, SECRET, a, &found, &q));
	principals_keep(p, &q, who);
}

static bool
known(struct bytes evidence)
{
	struct principals_question q;
	struct principal found = {0};
	if (!principals_find(p, evidence, a, &found, &q))
		return false;
	ck_assert_int_eq(found.account_id, 7);
	ck_assert_int_eq(found.tenant_id, 1);
	ck_assert_uint_eq(found.rights, 5);
	ck_assert_str_eq(found.name, "line1");
	ck_assert_str_eq(found.role, "line");
	return true;
}

START_TEST(test_nothing_while_the_store_is_not_heard)
{
	learn(&line);
	ck_assert(!known(SECRET));
	principals_changed(p, true);
	learn(&line);
	ck_assert(known(SECRET));
	principals_changed(p, false);
	ck_assert(!known(SECRET));
	learn(&line);
	ck_assert(!known(SECRET));
}
END_TEST

static bool
last(struct bytes evidence)
{
	struct principal found = {0};
	if (!principals_last(p, evidence, a, &found))
		return false;
	ck_assert_str_eq(found.name, "line1");
	ck_assert_uint_eq(found.rights, 5);
	return true;
}

START_TEST(test_who_was_good_when_the_store_went)
{
	principals_changed(p, true);
	learn(&line);
	ck_assert(!last(SECRET)); /* as long as it can be asked, it is asked */
	principals_changed(p, false);
	ck_assert(last(SECRET) && !known(SECRET));
	principals_changed(p, false); /* it was looked for in vain */
	ck_assert(last(SECRET) && !last(BYTES_STR("Basic bGluZTE6c2VjcmV1")));
	principals_changed(p, true); /* who knows what changed meanwhile */
	principals_changed(p, false);
	ck_assert(!last(SECRET));
	principals_changed(p, true);
	learn(&line);
	principals_changed(p, true); /* a credential changed, and then it went */
	principals_changed(p, false);
	ck_assert(!last(SECRET));
	principals_changed(p, true);
	learn(&line);
	principals_forget(p);
	principals_changed(p, false);
	ck_assert(!last(SECRET));
}
END_TEST

START_TEST(test_until_something_changes)
{
	principals_changed(p, true);
	learn(&line);
	ck_assert(known(SECRET));
	ck_assert(!known(BYTES_STR("Basic bGluZTE6c2VjcmV1")));
	ck_assert(!known(BYTES_STR("")));
	principals_changed(p, true);
	ck_assert(!known(SECRET));
	learn(&line);
	principals_forget(p);
	ck_assert(!known(SECRET));
	learn(&line); /* still heard */
	ck_assert(known(SECRET));
}
END_TEST

START_TEST(test_what_was_asked_before_a_change)
{
	struct principals_question q;
	struct principal found;
	principals_changed(p, true);
	ck_assert(!principals_find(p, SECRET, a, &found, &q));
	principals_changed(p, true); /* while the store was answering */
	principals_keep(p, &q, &line);
	ck_assert(!known(SECRET));
}
END_TEST

START_TEST(test_for_a_second)
{
	principals_changed(p, true);
	learn(&line);
	usleep((PRINCIPALS_MS + 50) * 1000);
	ck_assert(!known(SECRET));
}
END_TEST

/* What is good once, and what isn't an account's. */
START_TEST(test_never_kept)
{
	static const enum evidence never[] = {EVIDENCE_NONE, EVIDENCE_ONE_TIME, EVIDENCE_CERTIFICATE, EVIDENCE_CODE, EVIDENCE_ANCHOR};
	char longer[65];
	struct principal who = line;
	principals_changed(p, true);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		who.evidence = never[i];
		learn(&who);
		ck_assert(!known(SECRET));
	}
	memset(longer, 'x', 64);
	longer[64] = '\0';
	who = line;
	who.name = longer;
	learn(&who);
	ck_assert(!known(SECRET));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kept");
	TCase *t = tcase_create("kept");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_nothing_while_the_store_is_not_heard);
	tcase_add_test(t, test_who_was_good_when_the_store_went);
	tcase_add_test(t, test_until_something_changes);
	tcase_add_test(t, test_what_was_asked_before_a_change);
	tcase_add_test(t, test_for_a_second);
	tcase_add_test(t, test_never_kept);
	suite_add_tcase(s, t);
	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
