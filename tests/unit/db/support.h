/* What the tests against a cluster share. */
#ifndef SIEGEL_TESTS_UNIT_DB_SUPPORT_H
#define SIEGEL_TESTS_UNIT_DB_SUPPORT_H
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include "lib/config.h"
#include "lib/db/db.h"

/* The configuration that tests/unit/with-postgres made. */
const struct config *test_config(void);
/* A connection as that role; the test fails without. */
struct db *test_db(const char *role);
/* Runs one statement that must succeed; the first field as text, good until the next call. */
const char *test_one(struct db *db, const char *sql);
/* Runs one statement that must fail; its SQLSTATE, good until the next call. */
const char *test_refused(struct db *db, const char *sql);
/* Runs one statement of psql as the cluster's superuser, who isn't known to the product. */
void test_superuser(const char *sql);
/* main() of a program of one suite. */
int test_main(Suite *suite);

#endif
