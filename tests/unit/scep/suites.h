/* The suites of this program, each in the file of what it tests. */
#ifndef SIEGEL_TESTS_UNIT_SCEP_SUITES_H
#define SIEGEL_TESTS_UNIT_SCEP_SUITES_H
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */

TCase *tcase_cms_data(void);
TCase *tcase_cms_write(void);

#endif
