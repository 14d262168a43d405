/* The suites of this program, each in the file of what it tests. */
#ifndef SIEGEL_TESTS_UNIT_EST_SUITES_H
#define SIEGEL_TESTS_UNIT_EST_SUITES_H
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */

TCase *tcase_operations(void);
TCase *tcase_cmc(void);

#endif
