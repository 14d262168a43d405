#include <config.h>

#include "lib/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "lib/secret.h"
#include "tests/unit/lib/suites.h"

enum { BAD = 99 }; /* exit status that says that a check in a child failed */

static bool
readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0); /* interrupted by the very signal that is waited for */
	return n == 1;
}

static int
run_until_stop(const struct config *c, struct error *e)
{
	struct rlimit core;

	(void)c;
	(void)e;
	getrlimit(RLIMIT_CORE, &core);
	if (core.rlim_cur != 0 || umask(0) != 077)
		_exit(BAD);
#ifndef __SANITIZE_ADDRESS__
	if (prctl(PR_GET_DUMPABLE) != 0)
		_exit(BAD);
#endif
	raise(SIGPIPE);
	if (daemon_stopping() || readable(daemon_stop_fd(), 0))
		_exit(BAD);
	daemon_ready();
	raise(SIGTERM);
	daemon_wait();
	return daemon_stopping() && readable(daemon_stop_fd(), 0) ? 0 : fail(e, E_INTERNAL, "the stop wasn't seen");
}

static int
run_fault(const struct config *c, struct error *e)
{
	(void)c;
	return fail(e, E_STORE, "no store");
}

/* A signal to a child wakes that child, neither its parent nor its brother. */
static int
run_family(const struct config *c, struct error *e)
{
	pid_t kids[2];
	int status, ready[2];
	char byte;

	(void)c;
	if (pipe(ready) < 0)
		_exit(BAD);
	for (int i = 0; i < 2; i++) {
		kids[i] = fork();
		if (kids[i] == 0) {
			daemon_after_fork();
			if (write(ready[1], "r", 1) != 1)
				_exit(BAD);
			_exit(readable(daemon_stop_fd(), 5000) && daemon_stopping() ? 10 + i : BAD);
		}
	}
	if (read(ready[0], &byte, 1) != 1 || read(ready[0], &byte, 1) != 1)
		_exit(BAD);
	kill(kids[1], SIGTERM);
	if (waitpid(kids[1], &status, 0) != kids[1] || WEXITSTATUS(status) != 11)
		_exit(BAD);
	if (readable(daemon_stop_fd(), 50) || waitpid(kids[0], &status, WNOHANG) != 0)
		_exit(BAD);
	kill(kids[0], SIGINT);
	if (waitpid(kids[0], &status, 0) != kids[0] || WEXITSTATUS(status) != 10)
		_exit(BAD);
	return readable(daemon_stop_fd(), 50) ? fail(e, E_INTERNAL, "woken by a child's signal") : 0;
}

/* A signal between fork() and daemon_after_fork() isn't lost, and doesn't wake the parent. */
static int
run_early(const struct config *c, struct error *e)
{
	int status;
	pid_t kid = fork();

	(void)c;
	if (kid == 0) {
		raise(SIGTERM);
		daemon_after_fork();
		_exit(readable(daemon_stop_fd(), 1000) ? 0 : BAD);
	}
	if (waitpid(kid, &status, 0) != kid || WEXITSTATUS(status) != 0)
		_exit(BAD);
	return readable(daemon_stop_fd(), 50) ? fail(e, E_INTERNAL, "woken by a child's signal") : 0;
}

static long
locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmLck: %ld", &kb) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kb;
}

/* A child's secrets are locked as well: the heap is its own. Where nothing may be locked, nothing is tried. */
static int
run_locked(const struct config *c, struct error *e)
{
	int status;
	pid_t kid = fork();

	(void)c;
	if (kid == 0) {
		static char page[1 << 20];
		struct secret *s;

		daemon_after_fork();
		if (mlock(page, sizeof(page)) < 0)
			_exit(0);
		munlock(page, sizeof(page));
		s = secret_new("x", 1);
		_exit(s->len == 1 && locked_kb() >= 1024 ? 0 : BAD);
	}
	if (waitpid(kid, &status, 0) != kid || WEXITSTATUS(status) != 0)
		return fail(e, E_INTERNAL, "a child's secrets aren't locked");
	return 0;
}

static int
check_no(const struct config *c, struct error *e)
{
	(void)c;
	return fail(e, E_BAD_VALUE, "never right");
}

static int
extra(const struct config *c, const char *arg, struct error *e)
{
	(void)c;
	return strcmp(arg, "plan.json") == 0 ? 0 : fail(e, E_BAD_VALUE, "other argument");
}

static const struct daemon plain = {.name = "x", .summary = "a test", .run = run_until_stop};
static const struct daemon faulty = {.name = "x", .summary = "a test", .run = run_fault};
static const struct daemon family = {.name = "x", .summary = "a test", .run = run_family};
static const struct daemon locked = {.name = "x", .summary = "a test", .run = run_locked};
static const struct daemon early = {.name = "x", .summary = "a test", .run = run_early};
static const struct daemon picky = {.name = "x", .summary = "a test", .run = run_until_stop, .check = check_no};
static const struct daemon more = {
	.name = "x", .summary = "a test", .run = run_fault, .extra_option = "bootstrap", .extra_help = "make it", .extra = extra};

/* The exit status of daemon_main() in a child, with up to four arguments. */
static int
start(const struct daemon *d, const char *a, const char *b, const char *c, const char *f)
{
	int status = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		const char *args[] = {"siegel-x", a, b, c, f, NULL};
		char *argv[6];
		int argc = 0, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		signal(SIGTERM, SIG_DFL);
		dup2(null, STDERR_FILENO);
		dup2(null, STDOUT_FILENO);
		while (args[argc]) {
			argv[argc] = strdup(args[argc]);
			argc++;
		}
		argv[argc] = NULL;
		_exit(daemon_main(d, argc, argv));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(test_stop)
{
	const char *conf = test_file("x.conf", "[log]\nlevel = debug\n", 20, 0600);

	ck_assert_int_eq(start(&plain, "--config", conf, NULL, NULL), 0);
	ck_assert_int_eq(start(&faulty, "--config", conf, NULL, NULL), 1);
}
END_TEST

START_TEST(test_fork)
{
	const char *conf = test_file("x.conf", "", 0, 0600);

	ck_assert_int_eq(start(&family, "--config", conf, NULL, NULL), 0);
	ck_assert_int_eq(start(&early, "--config", conf, NULL, NULL), 0);
	/* in one process for all tests the heap may be there from another test, and children have it without the lock */
	if (!CRYPTO_secure_malloc_initialized())
		ck_assert_int_eq(start(&locked, "--config", conf, NULL, NULL), 0);
}
END_TEST

START_TEST(test_options)
{
	const char *conf = test_file("x.conf", "", 0, 0600);

	ck_assert_int_eq(start(&plain, "--help", NULL, NULL, NULL), 0);
	ck_assert_int_eq(start(&plain, "--version", NULL, NULL, NULL), 0);
	ck_assert_int_eq(start(&plain, "--loud", NULL, NULL, NULL), 2);
	ck_assert_int_eq(start(&plain, "word", NULL, NULL, NULL), 2);
	ck_assert_int_eq(start(&plain, "--bootstrap", "plan.json", "--config", conf), 2);
	ck_assert_int_eq(start(&more, "--bootstrap", "plan.json", "--config", conf), 0);
	ck_assert_int_eq(start(&more, "--bootstrap", "no.json", "--config", conf), 1);
}
END_TEST

START_TEST(test_check_config)
{
	const char *conf = test_file("x.conf", "", 0, 0600);

	ck_assert_int_eq(start(&faulty, "--check-config", "--config", conf, NULL), 0);
	ck_assert_int_eq(start(&picky, "--check-config", "--config", conf, NULL), 2);
	ck_assert_int_eq(start(&picky, "--config", conf, NULL, NULL), 2);
	ck_assert_int_eq(start(&plain, "--config", "/nonexistent", NULL, NULL), 2);
	conf = test_file("x.conf", "[log]\nlevel = loud\n", 19, 0600);
	ck_assert_int_eq(start(&plain, "--check-config", "--config", conf, NULL), 2);
}
END_TEST

TCase *
tcase_daemon(void)
{
	TCase *t = tcase_create("daemon");

	tcase_add_test(t, test_stop);
	tcase_add_test(t, test_fork);
	tcase_add_test(t, test_options);
	tcase_add_test(t, test_check_config);
	return t;
}
