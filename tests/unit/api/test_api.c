/* Runs the suites of api/. */
#include "tests/unit/api/suites.h"

struct arena *test_arena;

void
test_arena_begin(void)
{
	test_arena = arena_new((size_t)4 * 1024 * 1024);
}

void
test_arena_end(void)
{
	arena_free(test_arena);
}

int
main(void)
{
	Suite *s = suite_create("api");
	SRunner *r;
	int failed;

	suite_add_tcase(s, tcase_document());
	suite_add_tcase(s, tcase_issue());
	suite_add_tcase(s, tcase_query());
	suite_add_tcase(s, tcase_router());
	suite_add_tcase(s, tcase_engine());
	suite_add_tcase(s, tcase_export());
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
