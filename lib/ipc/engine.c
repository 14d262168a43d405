/* The client's side of the engine's door: one request, one reply, on a connection that is kept. */
#include "config.h"
#include "lib/ipc/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "lib/ipc/frame.h"
#include "lib/limits.h"
#include "lib/mem.h"
#include "lib/sock.h"

#define FIRST_BUFFER_BYTES 8192 /* an answer with certificate and chain is under 4 KiB */

struct engine {
	const struct config *config;
	char socket[32];
	int64_t wait_ms; /* for a reply */
	int fd;          /* -1: not connected */
	uint8_t *data;   /* the frame that is sent, then the one that is received */
	size_t cap;
};

/* How a try on one connection ended. */
enum outcome {
	OUTCOME_REPLY,
	OUTCOME_NOT_TAKEN, /* the engine never read the whole request: a repetition is safe */
	OUTCOME_UNKNOWN,   /* it may have been carried out */
	OUTCOME_FAULT,     /* *e says it: a repetition wouldn't help */
};

struct engine *
engine_new(const struct config *c, const char *caller)
{
	struct engine *en = xcalloc(1, sizeof *en);

	en->config = c;
	snprintf(en->socket, sizeof en->socket, "ca.%s", caller);
	en->wait_ms = strcmp(caller, "manage") == 0 ? LIMIT_MANAGE_CALL_MS : LIMIT_ENGINE_CALL_MS;
	en->fd = -1;
	en->cap = FIRST_BUFFER_BYTES;
	en->data = xcalloc(1, en->cap);
	return en;
}

static void
disconnect(struct engine *en)
{
	if (en->fd >= 0)
		close(en->fd);
	en->fd = -1;
}

void
engine_free(struct engine *en)
{
	if (!en)
		return;
	disconnect(en);
	OPENSSL_cleanse(en->data, en->cap);
	free(en->data);
	free(en);
}

void
engine_reply_free(Siegel__Reply *reply)
{
	Siegel__Issued *issued;

	if (!reply)
		return;
	if (reply->result_case == SIEGEL__REPLY__RESULT_ISSUED) {
		issued = reply->issued;
		if (issued->private_key_pem)
			OPENSSL_cleanse(issued->private_key_pem, strlen(issued->private_key_pem));
		if (issued->pkcs12.data)
			OPENSSL_cleanse(issued->pkcs12.data, issued->pkcs12.len);
	}
	if (reply->result_case == SIEGEL__REPLY__RESULT_CONTENT_KEY && reply->content_key->key.data)
		OPENSSL_cleanse(reply->content_key->key.data, reply->content_key->key.len);
	if (reply->result_case == SIEGEL__REPLY__RESULT_MANAGED && reply->managed->result)
		OPENSSL_cleanse(reply->managed->result, strlen(reply->managed->result));
	siegel__reply__free_unpacked(reply, NULL);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A blocking call on the socket waits this long; an overdue engine is then noticed after at most twice the limit. */
static void
set_timeout(const struct engine *en)
{
	struct timeval tv = {.tv_sec = en->wait_ms / 1000, .tv_usec = en->wait_ms % 1000 * 1000};

	setsockopt(en->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(en->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* The buffer keeps what it holds and has room for len bytes. What it held before is wiped: it may be a key. */
static void
reserve(struct engine *en, size_t len)
{
	uint8_t *bigger;

	if (len <= en->cap)
		return;
	bigger = xcalloc(1, len);
	memcpy(bigger, en->data, en->cap);
	OPENSSL_cleanse(en->data, en->cap);
	free(en->data);
	en->data = bigger;
	en->cap = len;
}

static enum outcome
send_request(struct engine *en, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = send(en->fd, en->data + done, len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		/* What was sent in part can't be carried out. */
		if (n < 0)
			return OUTCOME_NOT_TAKEN;
		done += (size_t)n;
	}
	return OUTCOME_REPLY;
}

static enum outcome
receive_reply(struct engine *en, size_t *ret_len, struct error *e)
{
	int64_t deadline = now_ms() + en->wait_ms;
	size_t have = 0;
	ssize_t n;
	int state;

	for (;;) {
		n = recv(en->fd, en->data + have, en->cap - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		/* unix(7): a peer that closes while it has unread bytes resets the connection; so it never took the request. */
		if (n < 0 && errno == ECONNRESET && have == 0)
			return OUTCOME_NOT_TAKEN;
		if (n <= 0)
			return OUTCOME_UNKNOWN;
		have += (size_t)n;
		state = frame_peek((struct bytes){en->data, have}, ret_len, e);
		if (state < 0)
			return OUTCOME_FAULT;
		if (state == 0)
			break;
		if (now_ms() > deadline)
			return OUTCOME_UNKNOWN;
		if (have == en->cap)
			reserve(en, LIMIT_FRAME_BYTES + 4);
	}
	if (have != *ret_len + 4) {
		fail(e, E_MALFORMED, "the engine sent more than a reply");
		return OUTCOME_FAULT;
	}
	return OUTCOME_REPLY;
}

static enum outcome
try_once(struct engine *en, const Siegel__Request *request, size_t request_len, Siegel__Reply **ret, struct error *e)
{
	enum outcome out;
	size_t len = 0;

	if (en->fd < 0) {
		if (sock_connect(en->config, en->socket, &en->fd, e)) {
			en->fd = -1;
			(void)fail(e, E_UNAVAILABLE, "the engine can't be reached");
			e->retry_after_sec = 2;
			return OUTCOME_FAULT;
		}
		set_timeout(en);
	}
	reserve(en, request_len + 4);
	frame_head(en->data, request_len);
	siegel__request__pack(request, en->data + 4);
	out = send_request(en, request_len + 4);
	OPENSSL_cleanse(en->data, request_len + 4);
	if (out == OUTCOME_REPLY)
		out = receive_reply(en, &len, e);
	if (out == OUTCOME_REPLY) {
		*ret = siegel__reply__unpack(NULL, len, en->data + 4);
		OPENSSL_cleanse(en->data, len + 4);
		if (!*ret) {
			fail(e, E_INTERNAL, "the engine's reply can't be read");
			out = OUTCOME_FAULT;
		}
	}
	if (out != OUTCOME_REPLY)
		disconnect(en);
	return out;
}

/* Whether the same message may be sent twice without harm: all but an issue without a request key, and what the manager does. */
static bool
repeatable(const Siegel__Request *request)
{
	if (request->operation_case == SIEGEL__REQUEST__OPERATION_MANAGE)
		return false;
	return request->operation_case != SIEGEL__REQUEST__OPERATION_ISSUE || request->issue->request_key.len > 0;
}

static enum error_code
code_of(const char *name)
{
	for (int i = 0; i < E_COUNT; i++)
		if (strcmp(error_name((enum error_code)i), name) == 0)
			return (enum error_code)i;
	return E_INTERNAL;
}

static int
fail_as_told(const Siegel__Error *told, struct error *e)
{
	fail_at(e, code_of(told->code), told->pointer, "%s", told->detail);
	e->retry_after_sec = told->retry_after_sec;
	e->n_values = 0;
	for (size_t i = 0, end = strlen(e->detail); i + 1 < told->n_values && e->n_values < ERROR_VALUES; i += 2) {
		if (told->values[i] > end || told->values[i + 1] > end - told->values[i])
			break;
		e->values[e->n_values].at = (uint16_t)told->values[i];
		e->values[e->n_values++].len = (uint16_t)told->values[i + 1];
	}
	error_german(e, told->message_de);
	return -1;
}

int
engine_call(struct engine *en, const Siegel__Request *request, Siegel__Reply **ret, struct error *e)
{
	size_t len = siegel__request__get_packed_size(request);
	Siegel__Reply *reply = NULL;
	enum outcome out;

	if (len == 0 || len > LIMIT_FRAME_BYTES)
		return fail(e, E_TOO_LARGE, "the request is too large for the engine");
	out = try_once(en, request, len, &reply, e);
	if (out == OUTCOME_NOT_TAKEN || (out == OUTCOME_UNKNOWN && repeatable(request)))
		out = try_once(en, request, len, &reply, e);
	if (out == OUTCOME_FAULT)
		return -1;
	if (out != OUTCOME_REPLY) {
		fail(e, E_UNAVAILABLE, "the engine didn't answer; whether it carried the request out is unknown");
		e->retry_after_sec = 2;
		return -1;
	}
	if (reply->result_case == SIEGEL__REPLY__RESULT_ERROR) {
		fail_as_told(reply->error, e);
		engine_reply_free(reply);
		return -1;
	}
	*ret = reply;
	return 0;
}
