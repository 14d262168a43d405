#include "lib/db/listener.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/log.h"

enum { LISTEN_MS = 60000, AGAIN_MS = 1000 };

struct db_listener {
	const struct config *config;
	const char *const *channels;
	const char *what;
	char role[32];
	void (*changed)(void *ctx, bool heard);
	void *ctx;
	pthread_t thread;
	int stop_fd;
	atomic_bool stopping;
};

static void
told(void *ctx, const char *channel, const char *payload)
{
	struct db_listener *l = ctx;
	(void)channel, (void)payload;
	l->changed(l->ctx, true);
}

/* Listens for as long as the connection lives. */
static void
listen_once(struct db_listener *l)
{
	CLEANUP(db_free) struct db *db = NULL;
	struct error e;
	int rc = db_connect(l->config, l->role, &db, &e);
	for (const char *const *channel = l->channels; rc == 0 && *channel; channel++)
		rc = db_listen(db, *channel, &e);
	if (rc == 0) {
		l->changed(l->ctx, true);
		while (!atomic_load(&l->stopping) && db_wait_notify(db, l->stop_fd, LISTEN_MS, told, l, &e) == 0)
			;
	}
	l->changed(l->ctx, false);
	if (!atomic_load(&l->stopping))
		log_event(LOG_LEVEL_WARNING, "the store doesn't tell of changes: each request asks", "of", l->what, "detail", e.detail, NULL);
}

static void *
follow(void *arg)
{
	struct db_listener *l = arg;
	struct pollfd stop = {.fd = l->stop_fd, .events = POLLIN};
	while (!atomic_load(&l->stopping)) {
		listen_once(l);
		(void)!poll(&stop, 1, AGAIN_MS);
	}
	return NULL;
}

int
db_listener_start(const struct config *c, const char *role, const char *const *channels, const char *what, void (*changed)(void *ctx, bool heard),
                  void *ctx, struct db_listener **ret, struct error *e)
{
	struct db_listener *l = xcalloc(1, sizeof(*l));
	*l = (struct db_listener){.config = c, .channels = channels, .what = what, .changed = changed, .ctx = ctx};
	snprintf(l->role, sizeof(l->role), "%s", role);
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->stop_fd < 0 || pthread_create(&l->thread, NULL, follow, l) != 0) {
		if (l->stop_fd >= 0)
			close(l->stop_fd);
		free(l);
		return fail(e, E_INTERNAL, "no thread to listen to the store");
	}
	*ret = l;
	return 0;
}

void
db_listener_stop(struct db_listener *l)
{
	if (!l)
		return;
	atomic_store(&l->stopping, true);
	(void)!write(l->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
	pthread_join(l->thread, NULL);
	close(l->stop_fd);
	free(l);
}
