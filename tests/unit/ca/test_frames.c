/* Bytes that are no message: the connection is closed, and the worker lives. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/ipc/frame.h"
#include "tests/unit/ca/client.h"

static pid_t before[8];
static size_t n_before;

static void
setup(void)
{
	for (int i = 0; i < 2000 && (n_before = engine_children(before)) != 6; i++) /* they are forked one after the other */
		usleep(10000);
	ck_assert_uint_eq(n_before, 6);
}

/* All processes are those of before, and issue. */
static void
teardown(void)
{
	pid_t after[8];
	struct asking q;
	ck_assert_uint_eq(engine_children(after), n_before);
	ck_assert_mem_eq(before, after, n_before * sizeof(*before));
	for (int i = 0; i < 4; i++) {
		ask(&q, 1, "lives.example");
		client_expect_issued(client_issue(&q));
	}
}

static const struct {
	const char *what;
	size_t len;
	uint8_t data[16];
} bad[] = {
    {"no message", 4, {0, 0, 0, 0}},
    {"longer than a frame may be", 8, {0, 4, 0, 1, 1, 2, 3, 4}},
    {"as long as can be said", 8, {255, 255, 255, 255, 1, 2, 3, 4}},
    {"not protobuf", 8, {0, 0, 0, 4, 255, 255, 255, 255}},
    {"a submessage longer than its message", 7, {0, 0, 0, 3, 0x0a, 0x7f, 0}},
    {"a submessage of the wrong wire type", 6, {0, 0, 0, 2, 0x08, 1}},
    {"a varint without end", 15, {0, 0, 0, 11, 0x30, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
    {"two messages", 12, {0, 0, 0, 2, 0x32, 0, 0, 0, 0, 2, 0x32, 0}},
    {"a message and a byte", 7, {0, 0, 0, 2, 0x32, 0, 0}},
};

START_TEST(test_bad)
{
	static const char *const callers[] = {"api", "est", "sched"};
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		int fd = client_connect(callers[i]);
		client_send_bytes(fd, bad[_i].data, bad[_i].len);
		ck_assert_msg(client_closed(fd), "%s: answered", bad[_i].what);
		close(fd);
	}
}
END_TEST

/* The next request before the reply to the first. */
START_TEST(test_impatient)
{
	struct asking q;
	int fd = client_connect("api");
	ask(&q, 1, "one.example");
	q.issue.key_type = writable("rsa4096"); /* takes longer than the machine may keep this process from its second request */
	client_send_issue(fd, &q);
	usleep(20000);
	client_send_issue(fd, &q);
	ck_assert(client_closed(fd));
	close(fd);
}
END_TEST

/* A message in single bytes is a message. */
START_TEST(test_slow)
{
	static const uint8_t status[] = {0, 0, 0, 2, 0x32, 0};
	static const char *const callers[] = {"api", "sched"};
	int fd = client_connect(callers[_i]);
	for (size_t i = 0; i < sizeof(status); i++) {
		client_send_bytes(fd, &status[i], 1);
		usleep(2000);
	}
	Siegel__Reply *reply = client_reply(fd);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_STATUS);
	siegel__reply__free_unpacked(reply, NULL);
	close(fd);
}
END_TEST

/* Half a message, and gone; a whole one, and gone before the reply. */
START_TEST(test_gone)
{
	struct asking q;
	for (int i = 0; i < 20; i++) {
		int fd = client_connect("api");
		if (i % 2) {
			ask(&q, 1, "gone.example");
			client_send_issue(fd, &q);
		} else {
			client_send_bytes(fd, "\0\0\1\0half", 8);
		}
		close(fd);
	}
}
END_TEST

/* A good message with changed bytes: any reply or none. */
START_TEST(test_mutations)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	struct asking q;
	ask(&q, 1, "mutated.example");
	ask_with_key(&q, 9, 9);
	request.operation_case = SIEGEL__REQUEST__OPERATION_ISSUE;
	request.issue = &q.issue;
	size_t len = siegel__request__get_packed_size(&request);
	uint8_t *data = xcalloc(1, len + 4);
	srandom(4711);
	for (int i = 0; i < 300; i++) {
		frame_head(data, len);
		siegel__request__pack(&request, data + 4);
		for (long n = random() % 4; n >= 0; n--)
			data[4 + (size_t)random() % len] = (uint8_t)random();
		int fd = client_connect("api");
		client_send_bytes(fd, data, len + 4);
		siegel__reply__free_unpacked(client_reply(fd), NULL);
		close(fd);
	}
	free(data);
}
END_TEST

/* Whoever isn't the user of [peers] gets no word, even where the file lets him in. */
START_TEST(test_stranger)
{
	int status = 1;
	if (getuid() != 0)
		return; /* only root can be somebody else */
	ck_assert_int_eq(chmod(getenv("SIEGEL_TEST_DIR"), 0755), 0);
	ck_assert_int_eq(chmod(house_path("sockets/ca.api.sock"), 0666), 0);
	int fd = client_connect("api"); /* and root is let in all the while */
	pid_t pid = fork();
	if (pid == 0) {
		static const uint8_t ask_status[] = {0, 0, 0, 2, 0x32, 0};
		ck_assert_int_eq(chmod(house_path("siegel.conf"), 0644), 0);
		ck_assert_int_eq(setuid(65534), 0);
		int stranger = client_connect("api");
		client_send_bytes(stranger, ask_status, sizeof(ask_status));
		_exit(client_closed(stranger) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(chmod(house_path("sockets/ca.api.sock"), 0660), 0);
	ck_assert_int_eq(status, 0);
	close(fd);
}
END_TEST

TCase *
tcase_frames(void)
{
	TCase *c = tcase_create("frames");
	tcase_add_unchecked_fixture(c, engine_start, NULL);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(c, test_impatient);
	tcase_add_loop_test(c, test_slow, 0, 2);
	tcase_add_test(c, test_gone);
	tcase_add_test(c, test_mutations);
	tcase_add_test(c, test_stranger);
	tcase_set_timeout(c, 120);
	return c;
}
