#include "ca/desk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/batch.h"
#include "lib/daemon.h"
#include "lib/ipc/frame.h"
#include "lib/log.h"

#define MAX_CONNECTIONS 128
#define FRAME_WAIT_MS 5000

void
desk_init(struct desk *d, const struct config *c, const char *chain_name)
{
	*d = (struct desk){.config = c, .chain_name = chain_name, .registry = registry_new()};
}

void
desk_close(struct desk *d)
{
	registry_free(d->registry); /* before the key store that its keys come from */
	hsm_close(d->hsm);
	db_free(d->db);
}

static int
prepare_store(struct desk *d, struct error *e)
{
	if (!d->db || !db_alive(d->db)) {
		d->ready = false;
		if (d->db ? db_reconnect(d->db, e) < 0 : db_connect(d->config, "siegel_ca", &d->db, e) < 0)
			return -1;
	}
	if (d->ready)
		return 0;
	if (audit_open(d->db, d->chain_name, &d->chain, e) < 0 || intents_abandon(d->db, d->chain_name, e) < 0)
		return -1;
	d->ready = true;
	return 0;
}

int
desk_prepare(struct desk *d, bool keys, struct error *e)
{
	int bad = 0;
	if (prepare_store(d, e) < 0)
		return -1;
	if (keys && !d->hsm && hsm_open(d->config, &d->hsm, e) < 0)
		return -1;
	return registry_refresh(d->registry, d->db, &bad, e);
}

void
desk_recover(struct desk *d, const struct error *e)
{
	log_error(LOG_LEVEL_ERROR, "not done", e);
	d->ready = false;
	if (d->db && db_alive(d->db)) { /* gives the chain's lock back */
		db_free(d->db);
		d->db = NULL;
	}
}

void
desk_resume(struct desk *d)
{
	if (d->db && db_alive(d->db) && !db_fresh(d->db)) {
		db_free(d->db);
		d->db = NULL;
	}
}

int
desk_begin(struct desk *d, struct error *e)
{
	return db_query(d->db, "BEGIN", NULL, 0, false, NULL, e);
}

int
desk_audit(struct desk *d, const struct audit_row *row, struct error *e)
{
	return audit_append(d->db, &d->chain, row, e);
}

int
desk_commit(struct desk *d, struct error *e)
{
	return db_query(d->db, "COMMIT", NULL, 0, false, NULL, e);
}

int
desk_rollback(struct desk *d, const struct audit_chain *before, struct error *e)
{
	if (db_query(d->db, "ROLLBACK", NULL, 0, false, NULL, e) < 0)
		return -1;
	d->chain = *before;
	return 0;
}

/* --- connections --- */

struct connection {
	int fd;
	enum caller caller;
};

/* Reads one request, which is there or nearly, and answers it. False: the connection is done. */
static bool
take(const struct desk_service *s, const struct connection *c)
{
	struct buf in BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + 4), frame BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES);
	struct error e;
	size_t len = 0;
	int rc;
	while ((rc = frame_peek((struct bytes){in.data, in.len}, &len, &e)) > 0 && !in.overflow) {
		uint8_t data[16384];
		struct pollfd p = {c->fd, POLLIN, 0};
		ssize_t n = poll(&p, 1, FRAME_WAIT_MS) > 0 ? recv(c->fd, data, sizeof(data), 0) : 0;
		if (n <= 0)
			return false;
		buf_add(&in, data, (size_t)n);
	}
	/* A client that sends more before it has its reply breaks the rules. */
	Siegel__Request *request = rc == 0 && in.len == len + 4 ? siegel__request__unpack(NULL, len, in.data + 4) : NULL;
	if (!request) {
		log_event(LOG_LEVEL_WARNING, "a client broke the rules: connection closed", "caller", caller_name(c->caller), NULL);
		return false;
	}
	s->answer(s->ctx, c->caller, request, &frame);
	siegel__request__free_unpacked(request, NULL);
	return send(c->fd, frame.data, frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len;
}

static void
take_channel(int channel, struct connection *connections, size_t *n)
{
	struct connection c;
	if (channel_take(channel, &c.caller, &c.fd) != CHANNEL_TAKEN)
		return;
	if (*n == MAX_CONNECTIONS) {
		close(c.fd);
		channel_tell(channel, CHANNEL_CLOSED);
	} else {
		setsockopt(c.fd, SOL_SOCKET, SO_SNDBUF, &(int){LIMIT_FRAME_BYTES}, sizeof(int));
		connections[(*n)++] = c;
	}
}

void
desk_serve(const struct desk_service *s, int channel)
{
	struct connection connections[MAX_CONNECTIONS] = {{0}};
	size_t n = 0;
	channel_tell(channel, CHANNEL_READY);
	while (!daemon_stopping()) {
		int timeout = s->idle ? s->idle(s->ctx) : -1, wake = s->wake_fd ? s->wake_fd(s->ctx) : -1;
		struct pollfd p[3 + MAX_CONNECTIONS] = {{channel, POLLIN, 0}, {daemon_stop_fd(), POLLIN, 0}, {wake, POLLIN, 0}};
		for (size_t i = 0; i < n; i++)
			p[3 + i] = (struct pollfd){connections[i].fd, POLLIN, 0};
		size_t polled = n;
		if (poll(p, 3 + polled, timeout) < 0 && errno != EINTR)
			break;
		if (p[0].revents & POLLHUP)
			break; /* the master is gone */
		for (size_t i = polled; i-- > 0;)
			if (p[3 + i].revents && !take(s, &connections[i])) {
				close(connections[i].fd);
				connections[i] = connections[--n];
				channel_tell(channel, CHANNEL_CLOSED);
			}
		if (p[0].revents & POLLIN)
			take_channel(channel, connections, &n);
	}
	for (size_t i = 0; i < n; i++)
		close(connections[i].fd);
}
