#include "config.h"
#include "tests/unit/db/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct config *config;

const struct config *
test_config(void)
{
	return config;
}

struct db *
test_db(const char *role)
{
	struct error e;
	struct db *db = NULL;

	if (db_connect(config, role, &db, &e) < 0)
		ck_abort_msg("%s: %s", role, e.detail);
	return db;
}

const char *
test_one(struct db *db, const char *sql)
{
	static char text[4096];
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	struct error e;

	if (db_query_text(db, sql, NULL, 0, &r, &e) < 0)
		ck_abort_msg("%s: %s (%s)", sql, e.detail, db_last_message(db));
	snprintf(text, sizeof(text), "%s", db_text(r, 0, 0));
	return text;
}

const char *
test_refused(struct db *db, const char *sql)
{
	struct error e;

	if (db_query_text(db, sql, NULL, 0, NULL, &e) == 0)
		ck_abort_msg("succeeded: %s", sql);
	return db_sqlstate(db);
}

void
test_superuser(const char *sql)
{
	pid_t pid = fork();
	int status = 1;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execlp("psql", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", config_str(config, OPT_database_host), "-U", "postgres", "-d",
		       config_str(config, OPT_database_name), "-o", "/dev/null", "-c", sql, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

int
test_main(Suite *suite)
{
	const char *path = getenv("SIEGEL_TEST_CONF");
	struct error e;

	if (!path) {
		fprintf(stderr, "run under tests/unit/with-postgres\n");
		return 77;
	}
	if (config_load(path, &config, &e) < 0) {
		fprintf(stderr, "%s\n", e.detail);
		return 1;
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	config_free(config);
	return failed ? 1 : 0;
}
