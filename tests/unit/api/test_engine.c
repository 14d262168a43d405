/* The client's side of the engine's door, against a peer that answers, dies, or breaks the rules. */
#include "lib/ipc/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipc/frame.h"
#include "lib/limits.h"
#include "lib/sock.h"
#include "tests/unit/api/suites.h"

/* What the peer does with one connection each. */
enum act { ACT_ANSWER, ACT_ERROR, ACT_CLOSE_UNREAD, ACT_CLOSE_READ, ACT_GARBAGE, ACT_TOO_LONG, ACT_TRAILING };

static struct {
	const enum act *acts;
	int n, requests, fd;
	char dir[64], path[80];
	struct config *config;
	pthread_t thread;
} peer;

static void
send_reply(int fd, const Siegel__Reply *reply, size_t extra)
{
	uint8_t data[4096] = {0};
	size_t len = siegel__reply__get_packed_size(reply);

	frame_head(data, len);
	siegel__reply__pack(reply, data + 4);
	ck_assert_int_eq(send(fd, data, len + 4 + extra, MSG_NOSIGNAL), (ssize_t)(len + 4 + extra));
}

static void
act(int fd, enum act what)
{
	Siegel__StatusReport report = SIEGEL__STATUS_REPORT__INIT;
	Siegel__Error error;
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	uint8_t in[4096];

	if (what == ACT_CLOSE_UNREAD) {
		recv(fd, in, 1, MSG_PEEK);
		return;
	}
	if (recv(fd, in, sizeof in, 0) <= 0)
		return;
	peer.requests++;
	report.workers = 3;
	reply.result_case = SIEGEL__REPLY__RESULT_STATUS;
	reply.status = &report;
	if (what == ACT_ERROR) {
		siegel__error__init(&error);
		error.code = (char *)(uintptr_t)"policy";
		error.pointer = (char *)(uintptr_t)"names/0";
		error.detail = (char *)(uintptr_t)"no such names here";
		error.retry_after_sec = 9;
		reply.result_case = SIEGEL__REPLY__RESULT_ERROR;
		reply.error = &error;
	}
	if (what == ACT_ANSWER || what == ACT_ERROR)
		send_reply(fd, &reply, 0);
	else if (what == ACT_TRAILING)
		send_reply(fd, &reply, 3);
	else if (what == ACT_GARBAGE)
		send(fd, "\0\0\0\2\xff\xff", 6, MSG_NOSIGNAL);
	else if (what == ACT_TOO_LONG)
		send(fd, "\xff\0\0\0", 4, MSG_NOSIGNAL);
}

static void *
peer_run(void *ctx)
{
	for (int i = 0; i < peer.n; i++) {
		int fd;

		while ((fd = accept(peer.fd, NULL, NULL)) < 0)
			usleep(1000);
		act(fd, peer.acts[i]);
		close(fd);
	}
	return ctx;
}

static void
peer_start(const enum act *acts, int n)
{
	struct error e = {0};
	FILE *f;

	peer.acts = acts;
	peer.n = n;
	peer.requests = 0;
	snprintf(peer.dir, sizeof peer.dir, "/tmp/siegel-test-engine.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(peer.dir));
	snprintf(peer.path, sizeof peer.path, "%s/conf", peer.dir);
	f = fopen(peer.path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "[sockets]\ndir = %s\n", peer.dir);
	fclose(f);
	ck_assert_msg(config_load(peer.path, &peer.config, &e) == 0, "%s", e.detail);
	ck_assert_msg(sock_listen(peer.config, "ca.api", 0600, &peer.fd, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(pthread_create(&peer.thread, NULL, peer_run, NULL), 0);
}

static void
peer_stop(void)
{
	pthread_join(peer.thread, NULL);
	close(peer.fd);
	unlink(peer.path);
	snprintf(peer.path, sizeof peer.path, "%s/ca.api.sock", peer.dir);
	unlink(peer.path);
	rmdir(peer.dir);
	config_free(peer.config);
}

/* One call to a peer that does these in turn. issue: a request that must not be repeated by itself, with no request key. */
static int
call(const enum act *acts, int n, bool issue, size_t key_len, struct error *e)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Status status = SIEGEL__STATUS__INIT;
	Siegel__Issue message;
	Siegel__Reply *reply = NULL;
	struct engine *en;
	uint8_t key[32] = {1};
	int result;

	siegel__issue__init(&message);
	peer_start(acts, n);
	en = engine_new(peer.config, "api");
	request.operation_case = issue ? SIEGEL__REQUEST__OPERATION_ISSUE : SIEGEL__REQUEST__OPERATION_STATUS;
	if (issue)
		request.issue = &message;
	else
		request.status = &status;
	message.request_key = (ProtobufCBinaryData){key_len, key};
	*e = (struct error){0};
	result = engine_call(en, &request, &reply, e);
	if (result == 0)
		ck_assert_int_eq(reply->status->workers, 3);
	engine_reply_free(reply);
	engine_free(en);
	peer_stop();
	return result;
}

START_TEST(test_answer)
{
	struct error e;

	ck_assert_int_eq(call((const enum act[]){ACT_ANSWER}, 1, false, 0, &e), 0);
	ck_assert_int_eq(call((const enum act[]){ACT_ERROR}, 1, false, 0, &e), -1);
	ck_assert_int_eq(e.code, E_POLICY);
	ck_assert_str_eq(e.pointer, "names/0");
	ck_assert_str_eq(e.detail, "no such names here");
	ck_assert_uint_eq(e.retry_after_sec, 9);
}
END_TEST

START_TEST(test_loss)
{
	struct error e;

	/* Never read: repeated, whatever it is. */
	ck_assert_int_eq(call((const enum act[]){ACT_CLOSE_UNREAD, ACT_ANSWER}, 2, true, 0, &e), 0);
	ck_assert_int_eq(peer.requests, 1);
	/* Read, then lost: repeated with a request key alone. */
	ck_assert_int_eq(call((const enum act[]){ACT_CLOSE_READ, ACT_ANSWER}, 2, true, 32, &e), 0);
	ck_assert_int_eq(peer.requests, 2);
	ck_assert_int_eq(call((const enum act[]){ACT_CLOSE_READ}, 1, true, 0, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	ck_assert_int_eq(peer.requests, 1);
	/* Once, and no more. */
	ck_assert_int_eq(call((const enum act[]){ACT_CLOSE_READ, ACT_CLOSE_READ}, 2, true, 32, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
}
END_TEST

START_TEST(test_broken_peer)
{
	struct error e;

	ck_assert_int_eq(call((const enum act[]){ACT_GARBAGE}, 1, false, 0, &e), -1);
	ck_assert_int_eq(e.code, E_INTERNAL);
	ck_assert_int_eq(call((const enum act[]){ACT_TOO_LONG}, 1, false, 0, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_LARGE);
	ck_assert_int_eq(call((const enum act[]){ACT_TRAILING}, 1, false, 0, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
}
END_TEST

START_TEST(test_frame)
{
	const uint8_t one[] = {0, 0, 0, 2, 'a', 'b', 'c'}, empty[] = {0, 0, 0, 0}, huge[] = {0xff, 0, 0, 0};
	uint8_t head[4];
	struct error e;
	size_t len;

	for (size_t n = 0; n < 6; n++)
		ck_assert_int_eq(frame_peek((struct bytes){one, n}, &len, &e), 1);
	ck_assert_int_eq(frame_peek((struct bytes){one, 7}, &len, &e), 0);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(frame_peek((struct bytes){empty, 4}, &len, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
	ck_assert_int_eq(frame_peek((struct bytes){huge, 4}, &len, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_LARGE);
	frame_head(head, LIMIT_FRAME_BYTES);
	ck_assert_mem_eq(head, "\0\4\0\0", 4);
}
END_TEST

TCase *
tcase_engine(void)
{
	TCase *t = tcase_create("engine");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_answer);
	tcase_add_test(t, test_loss);
	tcase_add_test(t, test_broken_peer);
	tcase_add_test(t, test_frame);
	return t;
}
