#include <locale.h>

#include "tests/unit/cli/suites.h"

int
main(void)
{
	Suite *suite = suite_create("cli");
	SRunner *runner;
	int failed;

	setlocale(LC_CTYPE, "C.UTF-8");
	suite_add_tcase(suite, tcase_args());
	suite_add_tcase(suite, tcase_table());
	suite_add_tcase(suite, tcase_migrate());
	suite_add_tcase(suite, tcase_verify());
	suite_add_tcase(suite, tcase_command_line());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
