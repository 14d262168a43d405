/* The suites of this program, each in the file of what it tests. */
#ifndef SIEGEL_TESTS_UNIT_CLI_SUITES_H
#define SIEGEL_TESTS_UNIT_CLI_SUITES_H
#include <check.h>

#undef fail /* an old name of check.h; ours is the function of lib/error.h */

TCase *tcase_args(void);
TCase *tcase_table(void);
TCase *tcase_migrate(void);
TCase *tcase_verify(void);
TCase *tcase_command_line(void);

#endif
