#include "enroll/acme/probe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/ipc/frame_io.h"
#include "lib/limits.h"
#include "lib/sock.h"

enum { CONNECTIONS_MAX = 1024, GRACE_MS = 1000, RETRY_SEC = 5 };

struct acme_probe {
	int listener, wake; /* wake is readable from acme_probe_close() on */
	uid_t user;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a connection is idle, a call has left, or the end */
	int idle[CONNECTIONS_MAX];
	int n_idle, n_busy, waiting;
	bool closing;
};

/* True when the probe's end is still there. It never says anything that wasn't asked. */
static bool
is_alive(int fd)
{
	char octet;
	return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Takes up a connection. Who isn't the probe, and what is more than can be kept, goes. */
static void
take_up(struct acme_probe *p)
{
	struct error e;
	uid_t user;
	int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	bool good = sock_peer(fd, &user, &e) == 0 && user == p->user;
	pthread_mutex_lock(&p->lock);
	good = good && p->n_idle + p->n_busy < CONNECTIONS_MAX;
	if (good) {
		p->idle[p->n_idle++] = fd;
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	if (!good)
		close(fd);
}

/* Idle connections whose probe ended are closed; under the lock. */
static void
drop_dead(struct acme_probe *p)
{
	int kept = 0;
	for (int i = 0; i < p->n_idle; i++) {
		if (is_alive(p->idle[i]))
			p->idle[kept++] = p->idle[i];
		else
			close(p->idle[i]);
	}
	p->n_idle = kept;
}

static void *
watch(void *ctx)
{
	struct acme_probe *p = ctx;
	struct pollfd fds[] = {{.fd = p->listener, .events = POLLIN}, {.fd = p->wake, .events = POLLIN}};
	for (;;) {
		int rc = poll(fds, 2, 1000);
		if (rc > 0 && fds[1].revents)
			return NULL;
		pthread_mutex_lock(&p->lock);
		drop_dead(p);
		pthread_mutex_unlock(&p->lock);
		if (rc > 0)
			take_up(p);
	}
}

static void
release(struct acme_probe *p)
{
	if (p->listener >= 0)
		close(p->listener);
	if (p->wake >= 0)
		close(p->wake);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int
acme_probe_open(const struct config *c, struct acme_probe **ret, struct error *e)
{
	struct acme_probe *p = xcalloc(1, sizeof(*p));
	pthread_condattr_t monotonic;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	p->listener = p->wake = -1;
	int rc = sock_user(config_str(c, OPT_peers_acme_probe), &p->user, e);
	if (rc == 0)
		rc = sock_listen(c, "acme-probe", 0660, &p->listener, e);
	if (rc == 0 && (p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		rc = fail(e, E_UNAVAILABLE, "eventfd: %s", strerror(errno));
	if (rc == 0 && pthread_create(&p->thread, NULL, watch, p) != 0)
		rc = fail(e, E_UNAVAILABLE, "no thread for the probe's connections");
	if (rc < 0) {
		release(p);
		return -1;
	}
	*ret = p;
	return 0;
}

void
acme_probe_stop(struct acme_probe *p)
{
	uint64_t one = 1;
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	if (!p->closing && write(p->wake, &one, sizeof(one)) < 0)
		abort(); /* an eventfd of ours that was never written to */
	p->closing = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

void
acme_probe_close(struct acme_probe *p)
{
	if (!p)
		return;
	acme_probe_stop(p);
	pthread_mutex_lock(&p->lock);
	while (p->n_busy > 0 || p->waiting > 0)
		pthread_cond_wait(&p->changed, &p->lock);
	for (int i = 0; i < p->n_idle; i++)
		close(p->idle[i]);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	release(p);
}

int
acme_probe_connections(struct acme_probe *p)
{
	pthread_mutex_lock(&p->lock);
	drop_dead(p);
	int n = p->n_idle + p->n_busy;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static int
fail_away(struct error *e, const char *why)
{
	(void)fail(e, E_UNAVAILABLE, "%s", why);
	e->retry_after_sec = RETRY_SEC;
	return -1;
}

/* An idle connection, the one that was used last; its caller gives it back. */
static int
borrow(struct acme_probe *p, int64_t end_ms, int *ret_fd, struct error *e)
{
	struct timespec until = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
	int late = 0, fd = -1, up;
	pthread_mutex_lock(&p->lock);
	p->waiting++;
	for (;;) {
		drop_dead(p);
		if (p->closing || p->n_idle > 0 || late)
			break;
		late = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	}
	p->waiting--;
	bool closing = p->closing;
	up = p->n_busy;
	if (!closing && p->n_idle > 0) {
		fd = p->idle[--p->n_idle];
		p->n_busy++;
	}
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	if (fd < 0 && closing)
		return fail_away(e, "this process is to stop");
	if (fd < 0)
		return fail_away(e, up ? "all validations that can be under way are" : "siegel-acme-probe isn't connected");
	*ret_fd = fd;
	return 0;
}

static void
give_back(struct acme_probe *p, int fd, bool good)
{
	pthread_mutex_lock(&p->lock);
	p->n_busy--;
	if (good)
		p->idle[p->n_idle++] = fd;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	if (!good)
		close(fd);
}

static int
exchange(const struct acme_probe *p, int fd, const Siegel__Task *t, int64_t end_ms, Siegel__Finding **ret, struct error *e)
{
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + 4);
	size_t len = siegel__task__get_packed_size(t);
	struct bytes message;
	if (len == 0 || len > LIMIT_FRAME_BYTES)
		return fail(e, E_TOO_LARGE, "the task is too large for the probe");
	uint8_t *packed = xcalloc(1, len + 4);
	siegel__task__pack(t, packed + 4);
	buf_add(&b, packed, len + 4);
	free(packed);
	if (frame_write(fd, &b, end_ms, p->wake, e) < 0 || frame_read(fd, &b, end_ms, p->wake, &message, e) < 0)
		return -1;
	*ret = siegel__finding__unpack(NULL, message.len, message.data);
	return *ret ? 0 : fail(e, E_UNAVAILABLE, "the probe's finding can't be read");
}

int
acme_probe_run(struct acme_probe *p, const Siegel__Task *t, Siegel__Finding **ret, struct error *e)
{
	Siegel__Finding *found = NULL;
	int fd;
	if (t->deadline_ms < 1 || t->deadline_ms > LIMIT_PROBE_TASK_MS)
		return fail(e, E_BAD_VALUE, "a task has from 1 to %d ms", LIMIT_PROBE_TASK_MS);
	if (borrow(p, frame_now_ms() + t->deadline_ms, &fd, e) < 0)
		return -1;
	int rc = exchange(p, fd, t, frame_now_ms() + t->deadline_ms + GRACE_MS, &found, e);
	/* A connection on which something went wrong may bring the finding of this task to the next one: it isn't used again. */
	give_back(p, fd, rc == 0);
	if (rc < 0)
		return e->code == E_TOO_LARGE && !found ? -1 : fail_away(e, "the probe ended or didn't answer; the task may be given again");
	*ret = found;
	return 0;
}
