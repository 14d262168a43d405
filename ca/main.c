/* siegel-ca: the engine. This process, the master, listens for its callers, knows them by their user, and hands each connection to the
 * worker that has the fewest; it holds no key and no database connection. Workers, the manager, the runner and the clerk are its children: one that
 * ends is started again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/blocklist.h"
#include "ca/bootstrap.h"
#include "ca/clerk.h"
#include "ca/import/split.h"
#include "ca/manage.h"
#include "ca/ra_key.h"
#include "ca/runner.h"
#include "ca/worker.h"
#include "hsm/hsm.h"
#include "lib/daemon.h"
#include "lib/log.h"
#include "lib/sock.h"

#define MAX_CHILDREN 69
#define START_WAIT_MS 5000    /* starts come one after the other: PKCS#11 modules fail when many begin at once */
#define RESTART_PAUSE_US 200000
#define WATCH_MS 500          /* how often it is looked whether a child waits for a token for too long */

struct child {
	pid_t pid;
	int channel;     /* -1: not running */
	int connections;
	int64_t started_us;
	bool ready;
};

/* Children that there is one of, behind the workers: from the end. */
enum { CHILD_CLERK = 1, CHILD_RUNNER, CHILD_MANAGER, CHILD_LOGIN, CHILD_SINGLE_COUNT = 4 };

struct master {
	const struct config *config;
	struct child children[MAX_CHILDREN]; /* workers, and behind them those that are one of a kind */
	size_t n;
	int listeners[CALLER_COUNT];
	uid_t users[CALLER_COUNT];
};

static _Noreturn void
child_main(struct master *m, size_t index, int channel)
{
	struct error e;
	daemon_after_fork();
	board_take_place(index);
	/* A child without its master has nobody to work for. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (int c = 0; c < CALLER_COUNT; c++)
		close(m->listeners[c]);
	for (size_t i = 0; i < m->n; i++)
		if (m->children[i].channel >= 0)
			close(m->children[i].channel);
	int rc;
	switch (m->n - index) {
	case CHILD_CLERK:
		rc = clerk_run(m->config, channel, &e);
		break;
	case CHILD_RUNNER:
		rc = runner_run(m->config, channel, &e);
		break;
	case CHILD_MANAGER:
		rc = manager_run(m->config, channel, &e);
		break;
	case CHILD_LOGIN:
		rc = manager_run_logins(m->config, channel, &e);
		break;
	default:
		rc = worker_run(m->config, (int)index, channel, &e);
	}
	if (rc < 0)
		log_error(LOG_LEVEL_ERROR, "a child ended", &e);
	_exit(rc < 0);
}

static void
start_child(struct master *m, size_t index)
{
	struct child *child = &m->children[index];
	int pair[2];
	board_clear(index);
	child->started_us = now_us();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_event(LOG_LEVEL_ERROR, "socketpair", "error", strerror(errno), NULL);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		child_main(m, index, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		log_event(LOG_LEVEL_ERROR, "fork", "error", strerror(errno), NULL);
		close(pair[0]);
		return;
	}
	*child = (struct child){.pid = pid, .channel = pair[0], .started_us = child->started_us};
}

static void
child_ended(struct child *child)
{
	int status = 0;
	close(child->channel);
	child->channel = -1;
	child->ready = false;
	child->connections = 0;
	if (waitpid(child->pid, &status, 0) == child->pid && !daemon_stopping()) {
		char pid[16], how[16];
		snprintf(pid, sizeof(pid), "%d", (int)child->pid);
		snprintf(how, sizeof(how), "%d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		log_event(LOG_LEVEL_ERROR, "a worker ended and is started again", "pid", pid, WIFSIGNALED(status) ? "signal" : "status", how, NULL);
	}
	child->pid = 0;
}

static void
take_report(struct child *child)
{
	char octet;
	ssize_t n = recv(child->channel, &octet, 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		child_ended(child);
	else if (octet == CHANNEL_READY)
		child->ready = true;
	else if (octet == CHANNEL_CLOSED && child->connections > 0)
		child->connections--;
}

/* The ready worker with the fewest connections: they are kept open, so that even shares of them are even shares of the work. */
static struct child *
choose(struct master *m, enum caller caller)
{
	struct child *best = NULL;
	if (caller == CALLER_SCHED || caller == CALLER_MANAGE || caller == CALLER_LOGIN) {
		int which = caller == CALLER_SCHED ? CHILD_CLERK : caller == CALLER_MANAGE ? CHILD_MANAGER : CHILD_LOGIN;
		struct child *single = &m->children[m->n - (size_t)which];
		return single->channel >= 0 ? single : NULL;
	}
	for (size_t i = 0; i + CHILD_SINGLE_COUNT < m->n; i++) {
		struct child *c = &m->children[i];
		if (c->channel >= 0 && c->ready && (!best || c->connections < best->connections))
			best = c;
	}
	return best;
}

static void
take_connection(struct master *m, enum caller caller)
{
	struct error e;
	uid_t uid;
	int fd = accept4(m->listeners[caller], NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE) /* the caller stays in the queue: try again a little later, not at once for ever */
			usleep(10000);
		return;
	}
	if (sock_peer(fd, &uid, &e) < 0 || (uid != m->users[caller] && uid != geteuid())) { /* our own: the runner, which asks as siegel-api does */
		char text[16];
		snprintf(text, sizeof(text), "%u", (unsigned)uid);
		log_event(LOG_LEVEL_WARNING, "a stranger at the engine's door", "socket", caller_name(caller), "uid", text, NULL);
	} else {
		struct child *child = choose(m, caller);
		if (child && channel_pass(child->channel, caller, fd))
			child->connections++;
	}
	close(fd);
}

/* Whoever waits in a PKCS#11 module for too long never comes back by itself. Its clients ask again, and get another worker. */
static void
end_stalled(struct master *m)
{
	for (size_t i = 0; i < m->n; i++) {
		unsigned store;
		char pid[16], number[16];
		if (m->children[i].channel < 0 || !board_overdue(i, &store))
			continue;
		snprintf(pid, sizeof(pid), "%d", (int)m->children[i].pid);
		snprintf(number, sizeof(number), "%u", store + 1);
		log_event(LOG_LEVEL_ERROR, "a token stalls: the process that waits for it is ended", "token", number, "pid", pid, NULL);
		kill(m->children[i].pid, SIGKILL);
		board_clear(i);
	}
}

/* Waits for events once, at most timeout_ms. Connections wait in the sockets' queues while no worker is ready. */
static void
wait_once(struct master *m, int timeout_ms)
{
	struct pollfd p[1 + CALLER_COUNT + MAX_CHILDREN];
	p[0] = (struct pollfd){daemon_stop_fd(), POLLIN, 0};
	for (int c = 0; c < CALLER_COUNT; c++)
		p[1 + c] = (struct pollfd){choose(m, (enum caller)c) ? m->listeners[c] : -1, POLLIN, 0};
	for (size_t i = 0; i < m->n; i++)
		p[1 + CALLER_COUNT + i] = (struct pollfd){m->children[i].channel, POLLIN, 0};
	int n = poll(p, 1 + CALLER_COUNT + m->n, timeout_ms);
	end_stalled(m);
	if (n <= 0)
		return;
	for (size_t i = 0; i < m->n; i++)
		if (p[1 + CALLER_COUNT + i].revents)
			take_report(&m->children[i]);
	for (int c = 0; c < CALLER_COUNT; c++)
		if (p[1 + c].revents & POLLIN)
			take_connection(m, (enum caller)c);
}

static void
stop_children(struct master *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->children[i].channel >= 0)
			kill(m->children[i].pid, SIGTERM);
	for (size_t i = 0; i < m->n; i++)
		if (m->children[i].channel >= 0)
			child_ended(&m->children[i]);
}

static int
open_doors(struct master *m, struct error *e)
{
	static const enum option_id users[CALLER_COUNT] = {OPT_peers_api, OPT_peers_est, OPT_peers_scep, OPT_peers_acme, OPT_peers_sched,
	                                                 OPT_peers_api, OPT_peers_api};
	for (int c = 0; c < CALLER_COUNT; c++) {
		char name[32];
		snprintf(name, sizeof(name), "ca.%s", caller_name((enum caller)c));
		if (sock_user(config_str(m->config, users[c]), &m->users[c], e) < 0 || sock_listen(m->config, name, 0660, &m->listeners[c], e) < 0)
			return -1;
	}
	return 0;
}

static int
run(const struct config *c, struct error *e)
{
	struct master m = {.config = c};
	long workers = config_int(c, OPT_ca_workers);
	if (workers == 0)
		workers = sysconf(_SC_NPROCESSORS_ONLN) > 2 ? sysconf(_SC_NPROCESSORS_ONLN) : 2;
	m.n = (size_t)(workers > MAX_CHILDREN - CHILD_SINGLE_COUNT ? MAX_CHILDREN - CHILD_SINGLE_COUNT : workers) + CHILD_SINGLE_COUNT;
	for (size_t i = 0; i < m.n; i++)
		m.children[i].channel = -1;
	if (board_share(e) < 0 || ra_secret_init(e) < 0 || open_doors(&m, e) < 0)
		return -1;
	for (size_t i = 0; i < m.n && !daemon_stopping(); i++) {
		start_child(&m, i);
		for (int64_t end = now_us() + START_WAIT_MS * 1000; !m.children[i].ready && now_us() < end && !daemon_stopping();)
			wait_once(&m, 100);
	}
	daemon_ready();
	while (!daemon_stopping()) {
		int timeout = WATCH_MS;
		for (size_t i = 0; i < m.n; i++) {
			if (m.children[i].channel >= 0)
				continue;
			if (now_us() - m.children[i].started_us >= RESTART_PAUSE_US)
				start_child(&m, i);
			else
				timeout = RESTART_PAUSE_US / 1000;
		}
		wait_once(&m, timeout);
	}
	stop_children(&m);
	return 0;
}

static int
check(const struct config *c, struct error *e)
{
	if (hsm_check(c, e) < 0)
		return -1;
	/* Read here, so that all processes of the engine share them, and a list that can't be read stops the start. */
	return blocklist_load(config_str(c, OPT_ca_weak_key_dir), e);
}

int
main(int argc, char **argv)
{
	static const struct daemon ca = {
	    .name = "ca",
	    .summary = "the engine: holds the CA keys, decides, signs, stores",
	    .run = run,
	    .check = check,
	    .extra_option = "bootstrap",
	    .extra_help = "makes the first hierarchy of a tenant from FILE and ends",
	    .extra = bootstrap,
	};
	if (argc == 2 && strcmp(argv[1], "--split") == 0) /* the engine runs itself so, for files that come from elsewhere */
		return split_main();
	return daemon_main(&ca, argc, argv);
}
