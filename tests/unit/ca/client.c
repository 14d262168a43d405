#include "tests/unit/ca/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/ipc/frame.h"
#include "lib/sock.h"

#define REPLY_MS 50000 /* a key of RSA takes that long under a sanitizer on a busy machine */

/* Tests run in the top of the build. */
#define ENGINE "./siegel-ca"

static pid_t master;
static struct error e;

static size_t
children_of(pid_t parent, pid_t ret[8])
{
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(n, 0);
	close(fd);
	size_t count = 0;
	char *at = text;
	for (char *end; count < 8; at = end) {
		long pid = strtol(at, &end, 10);
		if (end == at)
			break;
		ret[count++] = (pid_t)pid;
	}
	return count;
}

size_t
engine_children(pid_t ret[8])
{
	return children_of(master, ret);
}

void
engine_kill(bool clerk)
{
	pid_t before[8], after[8], none[8], victim = 0;
	size_t n = engine_children(before);
	ck_assert_uint_eq(n, 6);
	for (size_t i = 0; i < n; i++)
		if ((children_of(before[i], none) == 0) == clerk) /* a worker has a child that makes keys; of the others the clerk comes last */
			victim = before[i];
	ck_assert_int_gt(victim, 0);
	ck_assert_int_eq(kill(victim, SIGKILL), 0);
	for (int i = 0; i < 100; i++) {
		usleep(50000);
		bool there = false;
		size_t m = engine_children(after);
		for (size_t k = 0; k < m; k++)
			there = there || after[k] == victim;
		if (m == n && !there)
			return;
	}
	ck_abort_msg("no child in place of the one that was ended");
}

static bool
issues(void)
{
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__Status status = SIEGEL__STATUS__INIT;
	struct config *c = NULL;
	int fd = -1;
	q.operation_case = SIEGEL__REQUEST__OPERATION_STATUS;
	q.status = &status;
	ck_assert_int_eq(config_load(house_path("siegel.conf"), &c, &e), 0);
	int rc = sock_connect(c, "ca.api", &fd, &e);
	config_free(c);
	if (rc < 0)
		return false;
	client_send(fd, &q);
	Siegel__Reply *reply = client_reply(fd);
	close(fd);
	bool good = reply && reply->result_case == SIEGEL__REPLY__RESULT_STATUS && reply->status->key_store && reply->status->store;
	siegel__reply__free_unpacked(reply, NULL);
	return good;
}

void
engine_wait(void)
{
	/* One after the other they go to the worker with the fewest connections, so both are asked. */
	int good = 0;
	for (int i = 0; i < 100 && good < 4; i++) {
		good = issues() ? good + 1 : 0;
		if (!good)
			usleep(50000);
	}
	ck_assert_msg(good == 4, "the engine doesn't issue; see %s", house_path("engine.log"));
}

void
engine_start(void)
{
	if (master)
		return;
	house_build();
	master = fork();
	ck_assert_int_ge(master, 0);
	if (master == 0) {
		int log = open(house_path("engine.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(log, 1);
		dup2(log, 2);
		execl(ENGINE, "siegel-ca", "--config", house_path("siegel.conf"), (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && access(house_path("sockets/ca.sched.sock"), F_OK) != 0; i++)
		usleep(50000);
	engine_wait();
}

void
engine_stop(void)
{
	int status = 1;
	kill(master, SIGTERM);
	ck_assert_int_eq(waitpid(master, &status, 0), master);
	ck_assert_int_eq(status, 0);
	master = 0;
}

int
client_connect(const char *caller)
{
	struct config *c = NULL;
	char name[32];
	int fd = -1;
	snprintf(name, sizeof(name), "ca.%s", caller);
	ck_assert_int_eq(config_load(house_path("siegel.conf"), &c, &e), 0);
	ck_assert_msg(sock_connect(c, name, &fd, &e) == 0, "%s", e.detail);
	config_free(c);
	return fd;
}

void
client_send_bytes(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return; /* the engine closed it: the reply that doesn't come says so */
		p += n;
		len -= (size_t)n;
	}
}

void
client_send(int fd, const Siegel__Request *q)
{
	size_t len = siegel__request__get_packed_size(q);
	uint8_t *data = xcalloc(1, len + 4);
	frame_head(data, len);
	siegel__request__pack(q, data + 4);
	client_send_bytes(fd, data, len + 4);
	free(data);
}

void
client_send_issue(int fd, struct asking *q)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	request.operation_case = SIEGEL__REQUEST__OPERATION_ISSUE;
	request.issue = &q->issue;
	client_send(fd, &request);
}

Siegel__Reply *
client_reply(int fd)
{
	struct buf in BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + 4);
	size_t len = 0;
	int rc;
	while ((rc = frame_peek((struct bytes){in.data, in.len}, &len, &e)) > 0) {
		uint8_t data[8192];
		struct pollfd p = {fd, POLLIN, 0};
		ck_assert_msg(poll(&p, 1, REPLY_MS) == 1, "no reply in %d ms", REPLY_MS);
		ssize_t n = recv(fd, data, sizeof(data), 0);
		if (n <= 0)
			return NULL;
		buf_add(&in, data, (size_t)n);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(in.len, len + 4);
	Siegel__Reply *reply = siegel__reply__unpack(NULL, len, in.data + 4);
	ck_assert_ptr_nonnull(reply);
	return reply;
}

bool
client_closed(int fd)
{
	Siegel__Reply *reply = client_reply(fd);
	bool closed = !reply;
	siegel__reply__free_unpacked(reply, NULL);
	return closed;
}

Siegel__Reply *
client_ask(const char *caller, const Siegel__Request *q)
{
	int fd = client_connect(caller);
	client_send(fd, q);
	Siegel__Reply *reply = client_reply(fd);
	close(fd);
	return reply;
}

Siegel__Reply *
client_issue(struct asking *q)
{
	int fd = client_connect("api");
	client_send_issue(fd, q);
	Siegel__Reply *reply = client_reply(fd);
	close(fd);
	return reply;
}

void
client_expect_error(Siegel__Reply *reply, enum error_code code, const char *pointer)
{
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_ERROR);
	ck_assert_msg(strcmp(reply->error->code, error_name(code)) == 0, "%s, not %s: %s", reply->error->code, error_name(code), reply->error->detail);
	if (pointer)
		ck_assert_msg(strcmp(reply->error->pointer, pointer) == 0, "\"%s\", not \"%s\"", reply->error->pointer, pointer);
	siegel__reply__free_unpacked(reply, NULL);
}

int64_t
client_expect_issued(Siegel__Reply *reply)
{
	ck_assert_ptr_nonnull(reply);
	ck_assert_msg(reply->result_case == SIEGEL__REPLY__RESULT_ISSUED, "%s",
		      reply->result_case == SIEGEL__REPLY__RESULT_ERROR ? reply->error->detail : "another kind of reply");
	int64_t id = reply->issued->certificate->id;
	ck_assert_int_gt(id, 0);
	siegel__reply__free_unpacked(reply, NULL);
	return id;
}
