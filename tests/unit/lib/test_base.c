#include <config.h>

#include "tests/unit/lib/suites.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/siegel-test.XXXXXX";

const char *
test_dir(void)
{
	return dir;
}

const char *
test_file(const char *name, const void *data, size_t len, unsigned mode)
{
	static char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

bool
test_aborts(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		const struct rlimit none = {0, 0};
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(null, STDERR_FILENO);
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int
main(void)
{
	char command[64];
	Suite *suite = suite_create("lib");
	SRunner *runner;
	int failed;

	if (!mkdtemp(dir))
		return 1;
	suite_add_tcase(suite, tcase_error());
	suite_add_tcase(suite, tcase_utf8());
	suite_add_tcase(suite, tcase_text());
	suite_add_tcase(suite, tcase_json_depth());
	suite_add_tcase(suite, tcase_memory());
	suite_add_tcase(suite, tcase_secret());
	suite_add_tcase(suite, tcase_log());
	suite_add_tcase(suite, tcase_config());
	suite_add_tcase(suite, tcase_daemon());
	suite_add_tcase(suite, tcase_sock());
	suite_add_tcase(suite, tcase_password());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0 || failed != 0;
}
