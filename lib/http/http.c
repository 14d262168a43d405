/* libmicrohttpd behind the edge. A request's plain memory and its state are one "exchange", taken from a list of free ones, so
 * that a request costs no allocation of its own beyond what libmicrohttpd does. */
#include "config.h"
#include "lib/http/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "lib/limits.h"
#include "lib/mem.h"
#include "lib/sock.h"

#define MAX_HEADERS 64               /* a browser behind the edge sends about 20 */
#define MAX_QUERY 64                 /* LIMIT_FILTERS, fields for each type, sort, page */
#define CONNECTION_MEMORY (64 * 1024) /* header with a client certificate of an ML-DSA-87 key, URL-encoded */
#define STACK_BYTES (256 * 1024)     /* nothing of ours recurses; the default of 8 MiB times connections would be locked in */
#define MAX_BIG 8                    /* bodies over max_body_bytes in memory at the same time */
#define IDLE_SEC 90                  /* longer than the edge keeps an idle connection (60 s), so that the edge closes first */

struct exchange {
	struct http_request request;
	struct http_header headers[MAX_HEADERS], query[MAX_QUERY];
	struct http_server *server;
	struct exchange *next;
	int64_t started_ms;
	const char *uri;      /* as sent */
	uint8_t *body;
	size_t body_cap;
	size_t body_max;
	bool big;             /* body is memory of its own, wiped when it is done */
	bool refused;         /* what comes of the body is thrown away, then refusal is the answer */
	bool from_edge;
	struct error refusal;
	struct bytes secret;  /* to be wiped when sent */
	bool begun, overlong, bad_header, later;
	struct MHD_Connection *connection; /* once it is answered later */
	struct http_answer answer;         /* the same */
};

struct http_server {
	struct http_options options;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock; /* guards the list */
	struct exchange *free;
	int n_free;
	int n_later;          /* requests that another thread is to answer */
	int n_big;
	bool stopping;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct exchange *
exchange_take(struct http_server *s)
{
	struct exchange *x;

	pthread_mutex_lock(&s->lock);
	x = s->free;
	if (x) {
		s->free = x->next;
		s->n_free--;
	}
	pthread_mutex_unlock(&s->lock);
	if (!x) {
		x = xcalloc(1, sizeof *x);
		x->request.arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	}
	x->server = s;
	x->started_ms = now_ms();
	return x;
}

static void
exchange_free(struct exchange *x)
{
	arena_free(x->request.arena);
	free(x);
}

static void
exchange_give(struct exchange *x)
{
	struct http_server *s = x->server;
	struct arena *arena = x->request.arena;

	if (x->secret.len)
		OPENSSL_cleanse((void *)(uintptr_t)x->secret.data, x->secret.len);
	if (x->big)
		OPENSSL_clear_free(x->body, x->body_cap);
	arena_reset(arena);
	x->request = (struct http_request){.arena = arena};
	x->uri = NULL;
	x->body = NULL;
	x->body_cap = 0;
	x->secret = (struct bytes){0};
	pthread_mutex_lock(&s->lock);
	s->n_big -= x->big;
	x->begun = x->overlong = x->bad_header = x->later = x->big = x->refused = false;
	if (s->n_free < s->options.max_connections) {
		x->next = s->free;
		s->free = x;
		s->n_free++;
		x = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	if (x)
		exchange_free(x);
}

void
http_answer_header(struct http_answer *a, const char *name, const char *value)
{
	if (a->n_headers < (int)ARRAY_LEN(a->headers))
		a->headers[a->n_headers++] = (struct http_header){name, value};
}

/* The address as it was sent: libmicrohttpd's own reading of it isn't used. */
static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = exchange_take(cls);

	(void)connection;
	x->uri = arena_strdup(x->request.arena, uri);
	return x;
}

static size_t
keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

/* What the edge says about the client. */
static bool
is_identity(const char *header)
{
	static const char *const names[] = {"X-Siegel-Client-Cert", "X-Siegel-Host", "X-Real-IP", "X-Request-Id"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(header, names[i]) == 0)
			return true;
	return false;
}

static bool
is_edge(const struct http_server *s, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct error e;
	uid_t uid;

	return s->options.edge && info && sock_peer(info->connect_fd, &uid, &e) == 0 && uid == *s->options.edge;
}

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct exchange *x = cls;

	(void)kind;
	if (x->request.n_headers == MAX_HEADERS) {
		x->overlong = true;
		return MHD_NO;
	}
	if (!value)
		value = "";
	if (!x->from_edge && is_identity(key))
		return MHD_YES;
	/* Versions of libmicrohttpd differ: some let a NUL through, 0.9.75 cuts the value there. The edge refuses it before us. */
	if (strlen(key) != key_len || strlen(value) != value_len)
		x->bad_header = true;
	x->headers[x->request.n_headers++] = (struct http_header){key, value};
	return MHD_YES;
}

static void
drop_line_ends(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '%' && s[1] == '0' && strchr("AaDd", s[2]) && s[2])
			s += 3;
		else
			*out++ = *s++;
	}
	*out = '\0';
}

/* application/x-www-form-urlencoded writes a space as '+'. */
static int
decode_query_part(struct exchange *x, const char *from, size_t len, const char **ret, struct error *e)
{
	char *part = arena_strndup(x->request.arena, from, len);

	if (x->server->options.drops_line_ends)
		drop_line_ends(part);

	for (char *p = part; *p; p++)
		if (*p == '+')
			*p = ' ';
	return http_decode(x->request.arena, part, ret, e);
}

static int
parse_query(struct exchange *x, const char *s, struct error *e)
{
	struct http_request *r = &x->request;

	while (*s) {
		size_t len = strcspn(s, "&"), name_len = strcspn(s, "=&");
		struct http_header *q = &x->query[r->n_query];
		const char *value = name_len < len ? s + name_len + 1 : "";

		if (len > 0) {
			if (r->n_query == MAX_QUERY)
				return fail(e, E_MALFORMED, "the address has more than %d query parameters", MAX_QUERY);
			if (decode_query_part(x, s, name_len, &q->name, e) ||
			    decode_query_part(x, value, name_len < len ? len - name_len - 1 : 0, &q->value, e))
				return -1;
			r->n_query++;
		}
		s += len;
		if (*s)
			s++;
	}
	return 0;
}

static bool
valid_request_id(const char *s)
{
	size_t n = s ? strspn(s, "0123456789abcdef") : 0;

	return n >= 16 && n <= 64 && !s[n];
}

static void
set_identity(struct exchange *x)
{
	struct http_request *r = &x->request;
	unsigned char random[8];
	const char *id = http_header_get(r, "X-Request-Id");
	const char *client = http_header_get(r, "X-Real-IP");

	if (!valid_request_id(id)) {
		if (RAND_bytes(random, sizeof random) != 1)
			memset(random, 0, sizeof random);
		id = arena_hex(r->arena, random, sizeof random);
	}
	r->request_id = id;
	r->client = client && *client && strlen(client) < 64 ? client : "-";
}

/* Fills x->request from what libmicrohttpd read, all but the body. */
static int
read_head(struct exchange *x, struct MHD_Connection *connection, const char *method, struct error *e)
{
	struct http_request *r = &x->request;
	const char *uri = x->uri ? x->uri : "";
	size_t path_len = strcspn(uri, "?");

	r->server = x->server;
	r->method = arena_strdup(r->arena, method);
	r->headers = x->headers;
	r->query = x->query;
	r->path = "";
	r->raw_path = arena_strndup(r->arena, uri, path_len);
	r->body = (struct bytes){(const uint8_t *)"", 0};
	x->from_edge = is_edge(x->server, connection);
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_header, x);
	set_identity(x);
	if (x->overlong)
		return fail(e, E_MALFORMED, "the request has more than %d headers", MAX_HEADERS);
	if (x->bad_header)
		return fail(e, E_MALFORMED, "a header has a NUL (RFC 9110 5.5)");
	if (strlen(uri) > LIMIT_URI_BYTES)
		return fail(e, E_URI_TOO_LONG, "the address is longer than %d bytes", LIMIT_URI_BYTES);
	if (http_decode(r->arena, r->raw_path, &r->path, e)) {
		r->path = "";
		return -1;
	}
	if (parse_query(x, uri[path_len] ? uri + path_len + 1 : "", e))
		return -1;
	x->body_max = x->server->options.max_body_bytes;
	return http_guard(r, x->server->options.admit ? x->server->options.max_raw_bytes : x->body_max, e);
}

/* Takes one of the few places for big bodies. */
static int
take_big(struct exchange *x, size_t first_bytes, struct error *e)
{
	struct http_server *s = x->server;

	pthread_mutex_lock(&s->lock);
	x->big = s->n_big < MAX_BIG;
	s->n_big += x->big;
	pthread_mutex_unlock(&s->lock);
	if (!x->big) {
		(void)fail(e, E_UNAVAILABLE, "%d large bodies are being read; send this one again in a moment", MAX_BIG);
		e->retry_after_sec = 2;
		return -1;
	}
	x->body = xcalloc(1, first_bytes);
	x->body_cap = first_bytes;
	return 0;
}

/* Whether the body may come. */
static int
admit(struct exchange *x, struct error *e)
{
	const struct http_options *o = &x->server->options;
	const char *length = http_header_get(&x->request, "Content-Length");
	size_t announced = length ? strtoul(length, NULL, 10) : 0;

	if (!o->admit || (length ? announced <= o->max_body_bytes : !http_header_get(&x->request, "Transfer-Encoding")))
		return 0;
	if (o->admit(o->ctx, &x->request, &x->body_max, e))
		return -1;
	if (announced > x->body_max)
		return fail(e, E_TOO_LARGE, "the body is longer than %zu bytes", x->body_max);
	return x->body_max > o->max_body_bytes ? take_big(x, announced ? announced : o->max_body_bytes, e) : 0;
}

/* A bigger place for the body: from the arena, or for a big one of its own. */
static void
grow(struct exchange *x, size_t cap)
{
	uint8_t *bigger = x->big ? xcalloc(1, cap) : arena_alloc(x->request.arena, cap + 1);

	if (x->request.body.len)
		memcpy(bigger, x->body, x->request.body.len);
	if (x->big)
		OPENSSL_clear_free(x->body, x->body_cap);
	x->body = bigger;
	x->body_cap = cap;
}

static int
add_body(struct exchange *x, const char *data, size_t len, struct error *e)
{
	struct http_request *r = &x->request;
	int64_t limit_ms = x->big || x->refused ? LIMIT_BIG_REQUEST_MS : LIMIT_REQUEST_MS;
	size_t max = x->body_max, cap = x->body_cap;
	const char *announced;

	if (now_ms() - x->started_ms > limit_ms)
		return fail(e, E_MALFORMED, "the body took longer than %lld seconds", (long long)limit_ms / 1000);
	if (x->refused)
		return 0;
	if (len > max - r->body.len)
		return fail(e, E_TOO_LARGE, "the body is longer than %zu bytes", max);
	if (r->body.len + len > cap) {
		announced = cap == 0 ? http_header_get(r, "Content-Length") : NULL;
		cap = announced ? strtoul(announced, NULL, 10) : 2 * (r->body.len + len);
		if (cap < r->body.len + len)
			cap = r->body.len + len;
		if (cap > max)
			cap = max;
		grow(x, cap);
	}
	memcpy(x->body + r->body.len, data, len);
	r->body = (struct bytes){x->body, r->body.len + len};
	return 0;
}

#define STREAM_BLOCK_BYTES 65536

static ssize_t
stream_next(void *cls, uint64_t at, char *to, size_t max)
{
	const struct http_stream *s = cls;
	ssize_t n = s->next(s->ctx, (uint8_t *)to, max);

	(void)at;
	return n > 0 ? n : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void
stream_done(void *cls)
{
	struct http_stream *s = cls;

	s->done(s->ctx);
	free(s);
}

/* The request and its arena are gone before libmicrohttpd is done with the stream. */
static struct MHD_Response *
stream_response(const struct http_stream *stream)
{
	struct http_stream *s = xcalloc(1, sizeof *s);
	struct MHD_Response *response;

	*s = *stream;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_next, s, stream_done);
	if (!response)
		stream_done(s);
	return response;
}

static enum MHD_Result
send_answer(struct exchange *x, struct MHD_Connection *connection, const struct http_answer *a)
{
	struct MHD_Response *response;
	enum MHD_Result ok;

	/* The bytes stay in the arena until on_completed(). */
	response = a->stream ? stream_response(a->stream)
	                     : MHD_create_response_from_buffer(a->body.len, (void *)(uintptr_t)a->body.data, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	if (a->content_type)
		MHD_add_response_header(response, "Content-Type", a->content_type);
	for (int i = 0; i < a->n_headers; i++)
		MHD_add_response_header(response, a->headers[i].name, a->headers[i].value);
	if (a->secret) {
		MHD_add_response_header(response, "Cache-Control", "no-store");
		x->secret = a->body;
	}
	ok = MHD_queue_response(connection, (unsigned)a->status, response);
	MHD_destroy_response(response);
	return ok;
}

static enum MHD_Result
refuse(struct exchange *x, struct MHD_Connection *connection, const struct error *e)
{
	struct http_options *o = &x->server->options;
	struct http_answer a = {.status = error_http_status(e->code)};

	o->refuse(&x->request, e, &a);
	/* Where a request ends is in doubt after a refusal: nothing more is read from this connection. */
	http_answer_header(&a, "Connection", "close");
	return send_answer(x, connection, &a);
}

struct http_answer *
http_later(struct http_request *r)
{
	struct exchange *x = (struct exchange *)(void *)r; /* the request is its first member */
	struct http_server *s = r->server;
	bool stopping;

	if (!s || !s->options.answers_later)
		return NULL;
	pthread_mutex_lock(&s->lock);
	stopping = s->stopping;
	if (!stopping)
		s->n_later++;
	pthread_mutex_unlock(&s->lock);
	if (stopping)
		return NULL;
	x->later = true;
	x->answer = (struct http_answer){0};
	MHD_suspend_connection(x->connection);
	return &x->answer;
}

void
http_answer_now(struct http_request *r)
{
	struct exchange *x = (struct exchange *)(void *)r;

	MHD_resume_connection(x->connection);
}

static void
later_done(struct exchange *x)
{
	x->later = false;
	pthread_mutex_lock(&x->server->lock);
	x->server->n_later--;
	pthread_mutex_unlock(&x->server->lock);
}

/* libmicrohttpd ends the process when it is stopped with a request that waits. */
static void
later_drain(struct http_server *s)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int n;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	n = s->n_later;
	pthread_mutex_unlock(&s->lock);
	while (n > 0) {
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&s->lock);
		n = s->n_later;
		pthread_mutex_unlock(&s->lock);
	}
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *upload_data, size_t *upload_data_size, void **con_cls)
{
	struct exchange *x = *con_cls;
	struct http_server *s = cls;
	struct http_answer a = {0};
	struct error e;

	(void)url;
	(void)version;
	if (!x->begun) {
		x->begun = true;
		if (read_head(x, connection, method, &e))
			return refuse(x, connection, &e);
		/* An answer before the end of a long body might never be seen: who sends it would notice a broken connection first. What is
		 * longer than anything that is taken there isn't waited for. */
		x->refused = admit(x, &x->refusal) < 0;
		if (x->refused && x->refusal.code == E_TOO_LARGE)
			return refuse(x, connection, &x->refusal);
		return MHD_YES;
	}
	if (*upload_data_size) {
		/* No answer can be queued while a body is arriving: the connection is closed. The guard has refused what
		 * announced its length, so this is a body in chunks that outgrew the limit, or one that is too slow. */
		if (add_body(x, upload_data, *upload_data_size, &e))
			return MHD_NO;
		*upload_data_size = 0;
		return MHD_YES;
	}
	if (x->refused)
		return refuse(x, connection, &x->refusal);
	if (x->later) {
		later_done(x);
		return send_answer(x, connection, &x->answer);
	}
	x->connection = connection;
	s->options.handle(s->options.ctx, &x->request, &a);
	/* Another thread may be done with it by now, but the connection goes on in this thread alone, after this. */
	return x->later ? MHD_YES : send_answer(x, connection, &a);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode toe)
{
	struct exchange *x = *con_cls;

	(void)cls;
	(void)connection;
	(void)toe;
	*con_cls = NULL;
	if (!x)
		return;
	if (x->later) /* the client left while it waited: on_request() isn't called again */
		later_done(x);
	exchange_give(x);
}

int
http_serve(int fd, const struct http_options *o, struct http_server **ret, struct error *e)
{
	struct http_server *s = xcalloc(1, sizeof *s);
	unsigned flags = o->threads == 0 ? MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL
	                                 : MHD_USE_EPOLL_INTERNAL_THREAD;
	struct MHD_OptionItem pool[] = {
		{MHD_OPTION_END, 0, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	if (o->answers_later)
		flags |= MHD_ALLOW_SUSPEND_RESUME;
	if (o->threads > 1)
		pool[0] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, o->threads, NULL};
	s->options = *o;
	pthread_mutex_init(&s->lock, NULL);
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
	                             MHD_OPTION_LISTEN_SOCKET, fd,
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->max_connections,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SEC,
	                             MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
	                             MHD_OPTION_STRICT_FOR_CLIENT, 1,
	                             MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	                             MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
	                             MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	                             MHD_OPTION_ARRAY, pool,
	                             MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		pthread_mutex_destroy(&s->lock);
		free(s);
		return fail(e, E_INTERNAL, "the HTTP server can't start: %s", strerror(errno));
	}
	*ret = s;
	return 0;
}

void
http_stop(struct http_server *s)
{
	struct exchange *x;

	if (!s)
		return;
	later_drain(s);
	MHD_stop_daemon(s->daemon);
	while ((x = s->free)) {
		s->free = x->next;
		exchange_free(x);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}
