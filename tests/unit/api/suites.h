/* The suites of this program, each in the file of what it tests. */
#ifndef SIEGEL_TESTS_UNIT_API_SUITES_H
#define SIEGEL_TESTS_UNIT_API_SUITES_H
#include <check.h>
#include <stdlib.h>
#include <string.h>

#undef fail /* an old name of check.h; ours is the function of lib/error.h */

#include "lib/arena.h"

TCase *tcase_document(void);
TCase *tcase_issue(void);
TCase *tcase_query(void);
TCase *tcase_router(void);
TCase *tcase_engine(void);
TCase *tcase_export(void);

/* An arena for one test. */
extern struct arena *test_arena;
void test_arena_begin(void);
void test_arena_end(void);

#endif
