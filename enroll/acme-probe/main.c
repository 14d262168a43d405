/* siegel-acme-probe: goes out to look whether somebody controls a name. Threads, each with a connection to siegel-acme, which gives it one task at a
 * time. */
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "enroll/acme-probe/drop.h"
#include "enroll/acme-probe/task.h"
#include "lib/daemon.h"
#include "lib/ipc/frame_io.h"
#include "lib/log.h"
#include "lib/sock.h"

enum { PAUSE_MS = 1000, SEND_MS = 10000 };

struct worker {
	const struct probe *probe;
	uid_t acme;
	pthread_t thread;
};

static atomic_int connected;
static atomic_flag missed = ATOMIC_FLAG_INIT;

static int
answer(int fd, const Siegel__Finding *f, struct buf *b, struct error *e)
{
	size_t len = siegel__finding__get_packed_size(f);
	uint8_t *packed = xcalloc(1, len + 4);
	siegel__finding__pack(f, packed + 4);
	buf_clear(b);
	buf_add(b, packed, len + 4);
	free(packed);
	return frame_write(fd, b, frame_now_ms() + SEND_MS, daemon_stop_fd(), e);
}

/* One task; -1 ends the connection. */
static int
serve_one(struct worker *w, int fd, struct buf *b, struct arena *a, struct error *e)
{
	struct bytes message;
	if (frame_read(fd, b, FRAME_FOREVER, daemon_stop_fd(), &message, e) < 0)
		return -1;
	Siegel__Task *asked = siegel__task__unpack(NULL, message.len, message.data);
	if (!asked)
		return fail(e, E_MALFORMED, "a task can't be read");
	const Siegel__Finding *f = task_run(w->probe, asked, a);
	log_event(f->good ? LOG_LEVEL_INFO : LOG_LEVEL_NOTICE, f->good ? "validated" : "not validated", "request", asked->request_id, "identifier",
	          asked->identifier, "address", f->address, "problem", f->problem, "detail", f->detail, NULL);
	int rc = answer(fd, f, b, e);
	siegel__task__free_unpacked(asked, NULL);
	return rc;
}

static void
serve(struct worker *w, int fd)
{
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + 4);
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_PROBE_ARENA_BYTES);
	struct error e = {0};
	while (serve_one(w, fd, &b, a, &e) == 0)
		arena_reset(a);
	if (e.code != E_UNAVAILABLE)
		log_error(LOG_LEVEL_WARNING, "connection given up", &e);
}

/* The socket's folder belongs to the installation, yet tasks are taken from siegel-acme's user alone. */
static int
open_connection(struct worker *w, int *ret_fd, struct error *e)
{
	uid_t peer;
	int fd;
	if (sock_connect(w->probe->config, "acme-probe", &fd, e) < 0)
		return -1;
	int rc = sock_peer(fd, &peer, e);
	if (rc == 0 && peer != w->acme)
		rc = fail(e, E_FORBIDDEN, "who listens on acme-probe.sock isn't the user of [peers] acme");
	if (rc < 0) {
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

static void *
work(void *ctx)
{
	struct worker *w = ctx;
	struct error e;
	int fd;
	while (!daemon_stopping()) {
		if (open_connection(w, &fd, &e) == 0) {
			if (atomic_fetch_add(&connected, 1) == 0)
				log_event(LOG_LEVEL_NOTICE, "connected to siegel-acme", NULL);
			serve(w, fd);
			close(fd);
			if (atomic_fetch_sub(&connected, 1) == 1 && !daemon_stopping())
				log_event(LOG_LEVEL_WARNING, "siegel-acme isn't connected any more", NULL);
		} else if (e.code == E_FORBIDDEN) {
			log_error(LOG_LEVEL_ERROR, "not the one that is wanted", &e);
		} else if (!atomic_flag_test_and_set(&missed)) {
			log_event(LOG_LEVEL_NOTICE, "siegel-acme isn't there yet", "detail", e.detail, NULL);
		}
		struct pollfd p = {.fd = daemon_stop_fd(), .events = POLLIN};
		if (!daemon_stopping())
			poll(&p, 1, PAUSE_MS);
	}
	return NULL;
}

static int
check(const struct config *c, struct error *e)
{
	CLEANUP(egress_free) struct egress *eg = NULL;
	CLEANUP(names_free) struct names *n = NULL;
	return egress_open(c, &eg, e) < 0 ? -1 : names_open(c, &n, e);
}

static int
run_threads(struct worker *workers, int n, struct error *e)
{
	int up = 0, rc = 0;
	while (rc == 0 && up < n) {
		workers[up] = workers[0];
		rc = pthread_create(&workers[up].thread, NULL, work, &workers[up]);
		up += rc == 0;
	}
	if (rc == 0) {
		daemon_ready();
		daemon_wait();
	}
	if (rc != 0)
		return fail(e, E_UNAVAILABLE, "no thread can be made"); /* the process ends, and the threads with it */
	for (int i = 0; i < up; i++)
		pthread_join(workers[i].thread, NULL);
	return 0;
}

static int
run(const struct config *c, struct error *e)
{
	struct probe p = {.config = c, .stop_fd = daemon_stop_fd()};
	int n = (int)config_int(c, OPT_acme_probe_threads);
	uid_t acme;
	p.http_port = (uint16_t)config_int(c, OPT_acme_probe_http_port);
	p.https_port = (uint16_t)config_int(c, OPT_acme_probe_https_port);
	if (sock_user(config_str(c, OPT_peers_acme), &acme, e) < 0 || egress_open(c, &p.egress, e) < 0)
		return -1;
	/* What the libraries read and make once, they do now. */
	bool good = OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) == 1;
	if (!good || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		(void)fail(e, E_INTERNAL, "libcurl or OpenSSL can't be set up");
	else if (drop_powers(e) == 0) {
		struct worker *workers = xcalloc((size_t)n, sizeof(*workers));
		workers[0] = (struct worker){.probe = &p, .acme = acme};
		int rc = run_threads(workers, n, e);
		free(workers);
		egress_free(p.egress);
		return rc;
	}
	egress_free(p.egress);
	return -1;
}

int
main(int argc, char **argv)
{
	static const struct daemon probe = {
	    .name = "acme-probe",
	    .summary = "validation of ACME's challenges: goes out and looks who controls a name",
	    .run = run,
	    .check = check,
	};
	return daemon_main(&probe, argc, argv);
}
