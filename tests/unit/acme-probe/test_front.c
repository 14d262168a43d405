/* siegel-acme's side of the probe, with probes that this test plays: those that answer, end in the middle, say nothing, or aren't the probe. */
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enroll/acme/probe.h"
#include "lib/ipc/frame_io.h"
#include "lib/limits.h"
#include "lib/sock.h"
#include "tests/unit/acme-probe/suites.h"

enum way { ANSWER, END_AT_ONCE, END_LATER, SILENCE, RUBBISH, TWICE };

struct player {
	const struct config *config;
	enum way way;
	int answers; /* then it ends */
	pthread_t thread;
};

static char folder[100];
static struct config *config;
static struct acme_probe *probe;

static void
open_all(void)
{
	char text[400];
	struct error e;
	snprintf(folder, sizeof(folder), "/tmp/siegel-front-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(text, sizeof(text), "[sockets]\ndir = %s\n[peers]\nacme_probe = %s\n", folder, getpwuid(geteuid())->pw_name);
	config = config_of(text);
	ck_assert_msg(acme_probe_open(config, &probe, &e) == 0, "%s", e.detail);
}

static void
close_all(void)
{
	char path[200];
	acme_probe_close(probe);
	config_free(config);
	snprintf(path, sizeof(path), "%s/acme-probe.sock", folder);
	unlink(path);
	rmdir(folder);
}

static int
answer(int fd, const Siegel__Task *t, struct buf *b, int times, struct error *e)
{
	Siegel__Finding f;
	uint8_t packed[1000];
	siegel__finding__init(&f);
	f.good = true;
	f.detail = t->identifier;
	size_t len = siegel__finding__pack(&f, packed + 4);
	for (int i = 0; i < times; i++) {
		buf_clear(b);
		buf_add(b, packed, len + 4);
		if (frame_write(fd, b, FRAME_FOREVER, -1, e) < 0)
			return -1;
	}
	return 0;
}

static void *
play(void *ctx)
{
	struct player *p = ctx;
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + 4);
	struct bytes message;
	struct error e;
	int fd;
	ck_assert_int_eq(sock_connect(p->config, "acme-probe", &fd, &e), 0);
	for (int n = 0; n < p->answers; n++) {
		if (p->way == END_AT_ONCE || frame_read(fd, &b, FRAME_FOREVER, -1, &message, &e) < 0 || p->way == END_LATER)
			break;
		if (p->way == SILENCE) {
			poll(NULL, 0, 2500);
			break;
		}
		if (p->way == RUBBISH) {
			ck_assert_int_eq(send(fd, "\0\0\0\2\377\377", 6, MSG_NOSIGNAL), 6);
			continue;
		}
		Siegel__Task *t = siegel__task__unpack(NULL, message.len, message.data);
		ck_assert_ptr_nonnull(t);
		int rc = answer(fd, t, &b, p->way == TWICE ? 2 : 1, &e);
		siegel__task__free_unpacked(t, NULL);
		if (rc < 0)
			break;
	}
	close(fd);
	return NULL;
}

static void
start(struct player *p, enum way way, int answers)
{
	int before = acme_probe_connections(probe);
	*p = (struct player){config, way, answers, 0};
	ck_assert_int_eq(pthread_create(&p->thread, NULL, play, p), 0);
	for (int i = 0; i < 300 && way != END_AT_ONCE && acme_probe_connections(probe) == before; i++)
		poll(NULL, 0, 10);
}

static int
ask(const char *identifier, int deadline_ms, struct error *e)
{
	Siegel__Task t;
	Siegel__Finding *f = NULL;
	char text[100];
	siegel__task__init(&t);
	snprintf(text, sizeof(text), "%s", identifier);
	t.identifier = text;
	t.deadline_ms = deadline_ms;
	int rc = acme_probe_run(probe, &t, &f, e);
	if (rc < 0)
		return -1;
	ck_assert(f->good);
	ck_assert_str_eq(f->detail, identifier);
	siegel__finding__free_unpacked(f, NULL);
	return 0;
}

static void
must_be_away(const char *identifier, int deadline_ms)
{
	struct error e = {0};
	ck_assert_int_eq(ask(identifier, deadline_ms, &e), -1);
	ck_assert_msg(e.code == E_UNAVAILABLE && e.retry_after_sec > 0, "%s", e.detail);
}

START_TEST(test_tasks)
{
	struct player p;
	struct error e;
	ck_assert_int_eq(acme_probe_connections(probe), 0);
	must_be_away("dns:a.example", 50);
	start(&p, ANSWER, 3);
	ck_assert_int_eq(acme_probe_connections(probe), 1);
	ck_assert_msg(ask("dns:a.example", 5000, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(ask("dns:b.example", 5000, &e), 0);
	ck_assert_int_eq(ask("dns:a.example", 0, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_int_eq(ask("dns:a.example", LIMIT_PROBE_TASK_MS + 1, &e), -1);
	ck_assert_int_eq(ask("dns:c.example", 5000, &e), 0);
	pthread_join(p.thread, NULL);
	must_be_away("dns:a.example", 50);
	ck_assert_int_eq(acme_probe_connections(probe), 0);
}
END_TEST

/* A task waits for a connection that isn't there yet; one that ended while it was idle is passed over. */
START_TEST(test_waiting)
{
	struct player gone, p;
	struct error e;
	start(&gone, END_AT_ONCE, 1);
	pthread_join(gone.thread, NULL);
	start(&p, ANSWER, 1);
	ck_assert_msg(ask("dns:a.example", 5000, &e) == 0, "%s", e.detail);
	pthread_join(p.thread, NULL);
}
END_TEST

START_TEST(test_probes_that_fail)
{
	static const enum way ways[] = {END_LATER, RUBBISH, SILENCE};
	struct player p, good;
	struct error e;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		start(&p, ways[i], 1);
		must_be_away("dns:a.example", 500);
		ck_assert_int_eq(acme_probe_connections(probe), 0);
		pthread_join(p.thread, NULL);
	}
	/* What was said twice is never taken for the answer to the next task. */
	start(&p, TWICE, 1);
	(void)ask("dns:first.example", 500, &e);
	poll(NULL, 0, 50);
	start(&good, ANSWER, 1);
	ck_assert_msg(ask("dns:second.example", 2000, &e) == 0, "%s", e.detail);
	pthread_join(p.thread, NULL);
	pthread_join(good.thread, NULL);
}
END_TEST

static atomic_int done;

static void *
ask_many(void *ctx)
{
	struct error e;
	char text[40];
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "dns:t%ld-%d.example", (long)(intptr_t)ctx, i);
		if (ask(text, 10000, &e) == 0)
			atomic_fetch_add(&done, 1);
	}
	return NULL;
}

START_TEST(test_many)
{
	struct player players[3];
	pthread_t threads[8];
	done = 0;
	for (int i = 0; i < 3; i++)
		start(&players[i], ANSWER, 100000);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_many, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(done, 1600);
	acme_probe_close(probe); /* the players stand on this stack, and look at it once more after their last answer */
	probe = NULL;
	for (int i = 0; i < 3; i++)
		pthread_join(players[i].thread, NULL);
}
END_TEST

static void *
ask_silent(void *ctx)
{
	must_be_away(ctx, 30000);
	return NULL;
}

START_TEST(test_close_ends_tasks)
{
	char name[] = "dns:a.example";
	struct player p;
	pthread_t threads[2];
	start(&p, SILENCE, 1);
	for (int i = 0; i < 2; i++) /* one has the connection, one waits for it */
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_silent, name), 0);
	poll(NULL, 0, 200);
	int64_t begin = frame_now_ms();
	acme_probe_close(probe);
	ck_assert_int_lt(frame_now_ms() - begin, 1500);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_join(p.thread, NULL);
	probe = NULL;
}
END_TEST

TCase *
front_case(void)
{
	TCase *c = tcase_create("front");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, open_all, close_all);
	tcase_add_test(c, test_tasks);
	tcase_add_test(c, test_waiting);
	tcase_add_test(c, test_probes_that_fail);
	tcase_add_test(c, test_many);
	tcase_add_test(c, test_close_ends_tasks);
	return c;
}
