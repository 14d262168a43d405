/* What all processes share at start and stop. */
#ifndef SIEGEL_LIB_DAEMON_H
#define SIEGEL_LIB_DAEMON_H
#include <stdbool.h>
#include "lib/config.h"

struct daemon {
	const char *name;    /* the process's word: "ca", "est", "va", "api", "sched" */
	const char *summary; /* one line for --help */
	/* Runs until daemon_stopping(); 0, or -1 with *e. Calls daemon_ready() when requests are taken. */
	int (*run)(const struct config *c, struct error *e);
	/* Checks beyond the option table for --check-config; may be NULL. */
	int (*check)(const struct config *c, struct error *e);
	/* Extra long options, NULL when there are none: name takes an argument and runs fn instead of run (such as --bootstrap). */
	const char *extra_option;
	const char *extra_help;
	int (*extra)(const struct config *c, const char *arg, struct error *e);
};

/* main() of a process: options --config FILE (default /etc/siegel/siegel.conf), --check-config, --version, --help; umask 077,
 * no core dumps, not dumpable, SIGPIPE ignored, SIGTERM and SIGINT stop, log. Returns the exit status: 0 stopped
 * on request, 1 fault, 2 usage or configuration. */
int daemon_main(const struct daemon *d, int argc, char **argv);
/* Tells systemd that the process is ready (READY=1); without systemd it does nothing. */
void daemon_ready(void);
/* A descriptor that becomes readable when the process is to stop; wait for it with poll. */
int daemon_stop_fd(void);
bool daemon_stopping(void);
/* To be called first in every child that fork() made after daemon_main() began: gives it a stop descriptor of its own, so that
 * a signal to one process wakes that process alone. A signal that came before isn't lost. */
void daemon_after_fork(void);
/* Blocks until the process is to stop. */
void daemon_wait(void);

#endif
