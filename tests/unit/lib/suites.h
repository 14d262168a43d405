/* The suites of this program, each in the file of what it tests. */
#ifndef SIEGEL_TESTS_UNIT_LIB_SUITES_H
#define SIEGEL_TESTS_UNIT_LIB_SUITES_H
#include <check.h>
#include <stdbool.h>

#undef fail /* an old name of check.h; ours is the function of lib/error.h */

TCase *tcase_error(void);
TCase *tcase_utf8(void);
TCase *tcase_text(void);
TCase *tcase_json_depth(void);
TCase *tcase_memory(void);
TCase *tcase_secret(void);
TCase *tcase_log(void);
TCase *tcase_config(void);
TCase *tcase_daemon(void);
TCase *tcase_sock(void);
TCase *tcase_password(void);

/* A folder of this run that only we may read; the path ends without a slash. The caller removes what it puts there. */
const char *test_dir(void);
/* Writes text into <test_dir>/name with the mode and returns the path, which is good until the next call. */
const char *test_file(const char *name, const void *data, size_t len, unsigned mode);
/* True when fn() ends its process by abort(); tried in a child. */
bool test_aborts(void (*fn)(void));

#endif
