/* The parts of test_issue. */
#ifndef SIEGEL_TESTS_UNIT_CA_ISSUE_SUITES_H
#define SIEGEL_TESTS_UNIT_CA_ISSUE_SUITES_H
#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */

TCase *tcase_profile(void);
TCase *tcase_rules(void);
TCase *tcase_identity(void);
TCase *tcase_ext(void);

#endif
