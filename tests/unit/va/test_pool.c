#include <config.h>

#include "tests/unit/va/suites.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "va/handler.h"

#define ITEMS 5000

struct item {
	struct pool_item head;
	int done; /* atomic */
};

static int handled; /* atomic */

static void
work(void *ctx, struct pool_item **items, int n)
{
	(void)ctx;
	ck_assert_int_ge(n, 1);
	ck_assert_int_le(n, POOL_BATCH);
	for (int i = 0; i < n; i++)
		__atomic_add_fetch(&((struct item *)(void *)items[i])->done, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&handled, n, __ATOMIC_RELAXED);
}

/* Everything that was added is handled, once, before the pool is gone. */
START_TEST(each_once)
{
	struct item *items = xcalloc(ITEMS, sizeof(*items));
	struct pool *p;
	struct error e;

	ck_assert_int_eq(pool_new(3, work, NULL, &p, &e), 0);
	for (int i = 0; i < ITEMS; i++)
		pool_add(p, &items[i].head);
	pool_free(p);
	ck_assert_int_eq(handled, ITEMS);
	for (int i = 0; i < ITEMS; i++)
		ck_assert_int_eq(items[i].done, 1);
	free(items);
}
END_TEST

START_TEST(idle_pool_ends)
{
	struct pool *p;
	struct error e;

	ck_assert_int_eq(pool_new(2, work, NULL, &p, &e), 0);
	pool_free(p);
	pool_free(NULL);
}
END_TEST

static int
lookup(void *ctx, struct status_query *queries, int n, struct error *e)
{
	const struct timespec slow = {.tv_nsec = 2000000};

	(void)ctx;
	(void)e;
	nanosleep(&slow, NULL); /* so that others wait meanwhile */
	for (int i = 0; i < n; i++)
		queries[i].status = (struct cert_status){.state = CERT_GOOD};
	return 0;
}

static int64_t
now(void)
{
	return time(NULL);
}

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct bytes question;

static int
listen_here(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/siegel-va-test.%d", (int)getpid());
	unlink(address.sun_path);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

/* One request on a connection of its own; gives the octets of the answer, head and body. */
static size_t
exchange(uint8_t *answer, size_t room)
{
	char head[256];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	ssize_t got;
	int len = snprintf(head, sizeof(head),
	                   "POST /ocsp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/ocsp-request\r\n"
	                   "Content-Length: %zu\r\n\r\n",
	                   question.len);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && write(fd, head, (size_t)len) == len &&
	    write(fd, question.data, question.len) == (ssize_t)question.len) {
		while (n < room && (got = read(fd, answer + n, room - n)) > 0)
			n += (size_t)got;
	}
	close(fd);
	return n;
}

/* Asks and leaves without the answer. */
static void
ask_and_leave(void)
{
	uint8_t none;

	exchange(&none, 0);
}

static void *
ask_often(void *arg)
{
	uint8_t answer[8192];
	long good = 0;

	(void)arg;
	for (int i = 0; i < 20; i++) {
		size_t n = exchange(answer, sizeof(answer) - 1);

		answer[n] = 0;
		good += n > 600 && strncmp((const char *)answer, "HTTP/1.1 200 ", 13) == 0;
	}
	return (void *)(intptr_t)good;
}

/* The whole way but the edge and the store: sockets, epoll threads, waiting requests, batches, answers. Stopping leaves none behind. */
START_TEST(over_a_socket)
{
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct responder_options ro = {.lookup = lookup, .answer_sec = 600};
	struct handler handler = {.cache_sec = 5, .now = now};
	struct http_options o = {.threads = 2, .max_connections = 64, .max_body_bytes = LIMIT_OCSP_REQUEST_BYTES, .refuse = handler_refuse,
	                         .handle = handler_handle, .ctx = &handler, .answers_later = true};
	struct http_server *server;
	pthread_t threads[8];
	struct error e;
	void *good;

	ck_assert_int_eq(signers_new(&ro.signers, &e), 0);
	signers_set(ro.signers, house_set(&h, 1, RESPONDER_BY_KEY));
	ck_assert_int_eq(responder_new(&ro, &handler.responder, &e), 0);
	ck_assert_int_eq(pool_new(2, handler_answer_waiting, &handler, &handler.pool, &e), 0);
	question = house_request(h, EVP_sha1(), 1, 0);
	ck_assert_int_eq(http_serve(listen_here(), &o, &server, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, NULL), 0);
	for (int i = 0; i < 50; i++)
		ask_and_leave();
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &good);
		ck_assert_int_eq((intptr_t)good, 20);
	}
	for (int i = 0; i < 20; i++)
		ask_and_leave();
	http_stop(server);
	pool_free(handler.pool);
	responder_free(handler.responder);
	signers_free(ro.signers);
	house_free(h);
	unlink(address.sun_path);
}
END_TEST

TCase *
tcase_pool(void)
{
	TCase *t = tcase_create("pool");

	tcase_add_test(t, each_once);
	tcase_add_test(t, idle_pool_ends);
	tcase_add_test(t, over_a_socket);
	return t;
}
