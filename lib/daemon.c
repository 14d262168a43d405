#include <config.h>

#include "lib/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/supervisor.h"

enum { EXIT_OK = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

static volatile sig_atomic_t stopping;
/* The pipe's owner is compared in the handler: a child that has not yet made its own must not wake its parent. */
static volatile pid_t pipe_owner;
static int pipe_fds[2] = {-1, -1};

static void
on_stop(int sig)
{
	int saved = errno;
	static const char byte = 's';

	(void)sig;
	stopping = 1;
	if (pipe_owner == getpid() && write(pipe_fds[1], &byte, 1) < 0)
		stopping = 1; /* full: it is readable already */
	errno = saved;
}

void
daemon_after_fork(void)
{
	if (pipe_fds[0] >= 0) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
	}
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		perror("pipe");
		abort();
	}
	pipe_owner = getpid();
	/* A signal that came before is kept in the flag. */
	if (stopping)
		on_stop(SIGTERM);
}

int
daemon_stop_fd(void)
{
	return pipe_fds[0];
}

bool
daemon_stopping(void)
{
	return stopping != 0;
}

void
daemon_wait(void)
{
	struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};

	while (!stopping)
		(void)poll(&p, 1, -1);
}

void
daemon_ready(void)
{
	supervisor_tell("READY=1");
}

/* libgnutls comes along with others' libraries and sets itself up in each process, 1 MB and some milliseconds of it, which most of them don't want:
 * this is how a program tells it not to (GNUTLS_SKIP_GLOBAL_INIT). Who does want it calls gnutls_global_init(), as libmicrohttpd does. */
int _gnutls_global_init_skip(void);
__attribute__((visibility("default"))) int
_gnutls_global_init_skip(void)
{
	return 1;
}

static void
catch_signals(void)
{
	struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	daemon_after_fork();
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* Most threads wait most of the time: as many heaps as the C library gives them, eight for each processor, would hold memory that nobody uses. */
static void
save_memory(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	(void)mallopt(M_ARENA_MAX, n > 0 && n < 1024 ? (int)(2 * n) : 2);
}

/* Memory holds secrets: no core file, and no other process of this user may look into it. */
static void
close_up(void)
{
	const struct rlimit none = {0, 0};

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak checker attaches to its own process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static void
help(const struct daemon *d, FILE *to)
{
	fprintf(to, "Usage: siegel-%s [--config FILE] [--check-config]\n%s\n\n", d->name, d->summary);
	fprintf(to, "  --config FILE     configuration (%s/siegel.conf)\n", SIEGEL_SYSCONFDIR);
	fprintf(to, "  --check-config    check the configuration and exit\n");
	if (d->extra_option)
		fprintf(to, "  --%s FILE  %s\n", d->extra_option, d->extra_help);
	fprintf(to, "  --version         print the version and exit\n  --help            print this text and exit\n");
}

struct request {
	const char *config, *extra;
	bool check;
};

/* -1 to go on, or an exit status. */
static int
parse(const struct daemon *d, int argc, char **argv, struct request *ret)
{
	const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{d->extra_option, required_argument, NULL, 'x'}, /* an empty name ends the table */
		{NULL, 0, NULL, 0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			ret->config = optarg;
			break;
		case 'k':
			ret->check = true;
			break;
		case 'x':
			ret->extra = optarg;
			break;
		case 'v':
			printf("siegel-%s %s\n", d->name, PACKAGE_VERSION);
			return EXIT_OK;
		case 'h':
			help(d, stdout);
			return EXIT_OK;
		default:
			help(d, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		help(d, stderr);
		return EXIT_USAGE;
	}
	return -1;
}

static int
load(const struct daemon *d, const char *path, struct config **ret, enum log_level *ret_level, struct error *e)
{
	CLEANUP(config_free) struct config *c = NULL;
	int level;

	if (config_load(path, &c, e) < 0)
		return -1;
	level = log_level_parse(config_str(c, OPT_log_level));
	if (level < 0)
		return fail(e, E_BAD_VALUE, "[log] level is none of error, warning, notice, info, debug");
	if (d->check && d->check(c, e) < 0)
		return -1;
	*ret_level = (enum log_level)level;
	*ret = TAKE(c);
	return 0;
}

static int
run(const struct daemon *d, const struct config *c, const char *extra)
{
	struct error e = {0};
	int rc;

	if (extra) {
		rc = d->extra(c, extra, &e);
	} else {
		log_event(LOG_LEVEL_NOTICE, "start", "version", PACKAGE_VERSION, "instance", config_str(c, OPT_instance_name),
		          NULL);
		rc = d->run(c, &e);
		supervisor_tell("STOPPING=1");
	}
	if (rc < 0) {
		log_error(LOG_LEVEL_ERROR, extra ? "failed" : "ended by a fault", &e);
		return EXIT_FAULT;
	}
	if (!extra)
		log_event(LOG_LEVEL_NOTICE, "stop", NULL);
	return EXIT_OK;
}

int
daemon_main(const struct daemon *d, int argc, char **argv)
{
	CLEANUP(config_free) struct config *c = NULL;
	struct request request = {.config = SIEGEL_SYSCONFDIR "/siegel.conf"};
	enum log_level level;
	struct error e = {0};
	int rc = parse(d, argc, argv, &request);

	if (rc >= 0)
		return rc;
	save_memory();
	close_up();
	log_open(d->name, LOG_LEVEL_INFO);
	if (load(d, request.config, &c, &level, &e) < 0) {
		if (request.check)
			fprintf(stderr, "siegel-%s: %s\n", d->name, e.detail);
		else
			log_error(LOG_LEVEL_ERROR, "bad configuration", &e);
		return EXIT_USAGE;
	}
	if (request.check) {
		printf("%s is correct\n", request.config);
		return EXIT_OK;
	}
	log_open(d->name, level);
	catch_signals();
	return run(d, c, request.extra);
}
