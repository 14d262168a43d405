/* The guard without a socket, and the server with one. */
#include "lib/http/http.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */

#define MAX_BODY 1000
#define MAX_RAW 100000

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1024 * 1024);
}

static void
teardown(void)
{
	arena_free(arena);
}

/* What the guard says to a request; E_NONE when it lets it through. lines: "name:value" separated by newlines. */
static enum error_code
guard(const char *method, const char *path, const char *lines)
{
	struct http_header h[16];
	struct http_request r = {.method = method, .raw_path = path, .headers = h, .arena = arena};
	char *text = arena_strdup(arena, lines), *line, *colon;
	struct error e;

	while ((line = strsep(&text, "\n"))) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		h[r.n_headers++] = (struct http_header){line, colon + 1};
	}
	if (http_decode(arena, path, &r.path, &e) || http_guard(&r, MAX_BODY, &e))
		return e.code;
	return E_NONE;
}

START_TEST(test_guard)
{
	static const struct {
		const char *method, *path, *headers;
		enum error_code code;
	} cases[] = {
		{"GET", "/api/v2.0/certificates", "Host:a.example", E_NONE},
		{"POST", "/", "Host:[::1]:8443\nContent-Length:1000", E_NONE},
		{"POST", "/", "Host:a\nTransfer-Encoding:chunked", E_NONE},
		{"GET", "/a%20b/%e2%82%ac", "Host:a", E_NONE},
		{"GET", "/", "", E_MALFORMED},
		{"GET", "/", "Host:", E_MALFORMED},
		{"GET", "/", "Host:a\nhost:b", E_MALFORMED},
		{"GET", "/", "Host:a/b", E_MALFORMED},
		{"POST", "/", "Host:a\nContent-Length:1\nContent-Length:2", E_MALFORMED},
		{"POST", "/", "Host:a\nContent-Length:1\nTransfer-Encoding:chunked", E_MALFORMED},
		{"POST", "/", "Host:a\nTransfer-Encoding:gzip, chunked", E_MALFORMED},
		{"POST", "/", "Host:a\nContent-Length:-1", E_MALFORMED},
		{"POST", "/", "Host:a\nContent-Length:0x10", E_MALFORMED},
		{"POST", "/", "Host:a\nContent-Length:1001", E_TOO_LARGE},
		{"POST", "/", "Host:a\nContent-Length:99999999999999999999999", E_TOO_LARGE},
		{"POST", "/", "Host:a\nContent-Encoding:gzip", E_MEDIA_TYPE},
		{"GET", "/", "Host:a\nUpgrade:websocket", E_MALFORMED},
		{"GET", "/", "Host:a\nExpect:anything", E_MALFORMED},
		{"GET", "/", "Host:a\nX-Y:a\x01" "b", E_MALFORMED},
		{"GET", "/", "Host:a\nX Y:b", E_MALFORMED},
		{"POST", "/", "Host:a\nIdempotency-Key:a\nIdempotency-Key:b", E_MALFORMED},
		{"GET", "/", "Host:a\nAuthorization:a\nAuthorization:b", E_MALFORMED},
		{"GET", "/", "Host:a\nX-Siegel-Client-Cert:a\nx-siegel-client-cert:b", E_MALFORMED},
		{"TRACE", "/", "Host:a", E_BAD_METHOD},
		{"CONNECT", "/", "Host:a", E_BAD_METHOD},
		{"PUT", "/", "Host:a", E_BAD_METHOD},
		{"get", "/", "Host:a", E_BAD_METHOD},
		{"GET", "/..%2fetc", "Host:a", E_MALFORMED},
		{"GET", "/a/../b", "Host:a", E_MALFORMED},
		{"GET", "/a/%2e", "Host:a", E_MALFORMED},
		{"GET", "/%252e%252e/", "Host:a", E_MALFORMED},
		{"GET", "/%00", "Host:a", E_MALFORMED},
		{"GET", "/%0a", "Host:a", E_MALFORMED},
		{"GET", "/%c0%af", "Host:a", E_MALFORMED},
		{"GET", "/%ed%a0%80", "Host:a", E_MALFORMED},
		{"GET", "/%4", "Host:a", E_MALFORMED},
		{"GET", "/%zz", "Host:a", E_MALFORMED},
		{"GET", "/a\\b", "Host:a", E_MALFORMED},
		{"GET", "http://b/", "Host:a", E_MALFORMED},
		{"GET", "*", "Host:a", E_MALFORMED},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(guard(cases[i].method, cases[i].path, cases[i].headers) == cases[i].code, "case %zu: %s %s", i,
		              cases[i].method, cases[i].path);
}
END_TEST

START_TEST(test_long_address)
{
	char *path = arena_alloc(arena, 9000);

	memset(path, 'a', 8999);
	path[0] = '/';
	ck_assert_int_eq(guard("GET", path, "Host:a"), E_URI_TOO_LONG);
}
END_TEST

START_TEST(test_client_cert)
{
	const struct http_header h[] = {{"x-siegel-client-cert", "-----BEGIN%20X-----%0AMA%2B%00%zz"}}, none[] = {{"X-Siegel-Client-Cert", ""}};
	struct http_request r = {.headers = h, .n_headers = 1, .arena = arena}, empty = {.headers = none, .n_headers = 1, .arena = arena};

	/* What isn't an escape stays, NUL among it: the reader of the PEM refuses it. */
	ck_assert_str_eq(http_client_cert_pem(&r), "-----BEGIN X-----\nMA+%00%zz");
	ck_assert_ptr_null(http_client_cert_pem(&empty));
}
END_TEST

/* The server: answers with what it understood. */
static void
handle(void *ctx, struct http_request *r, struct http_answer *a)
{
	const char *q = http_query_get(r, "filter[a]");
	const char *pem = http_client_cert_pem(r);
	char *text = arena_printf(r->arena, "%s %s q=%s body=%zu client=%s id=%s cert=%s", r->method, r->path, q ? q : "-", r->body.len, r->client,
	                          r->request_id, pem ? pem : "-");

	(void)ctx;
	a->status = 200;
	a->content_type = "text/plain";
	a->body = BYTES_STR(text);
	a->secret = strcmp(r->path, "/secret") == 0;
}

/* A body that is made while it is sent: 1000 pieces of 1000 octets, and of "/broken" half of them. */
#define PIECES 1000
static int streams_done;

struct pieces {
	int n, break_at;
};

static ssize_t
next_piece(void *ctx, uint8_t *to, size_t max)
{
	struct pieces *p = ctx;

	if (p->n == p->break_at)
		return -1;
	if (p->n++ == PIECES)
		return 0;
	ck_assert_uint_ge(max, 1000);
	memset(to, 'p', 1000);
	return 1000;
}

static void
pieces_done(void *ctx)
{
	free(ctx);
	__atomic_fetch_add(&streams_done, 1, __ATOMIC_SEQ_CST);
}

static void
handle_stream(void *ctx, struct http_request *r, struct http_answer *a)
{
	struct pieces *p = xcalloc(1, sizeof *p);
	struct http_stream *s = arena_alloc(r->arena, sizeof *s);

	(void)ctx;
	p->break_at = strcmp(r->path, "/broken") == 0 ? PIECES / 2 : -1;
	*s = (struct http_stream){next_piece, pieces_done, p};
	a->status = 200;
	a->stream = s;
}

static void
refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	char *text = arena_printf(r->arena, "refused: %s", error_name(e->code));

	a->content_type = "text/plain";
	a->body = BYTES_STR(text);
}

static struct http_server *server;
static char socket_path[64];

static http_handler handler = handle;
static uid_t edge; /* as whom the edge is thought to work */

/* "/big" takes big bodies, "/forbidden" none. */
static int
admit(void *ctx, struct http_request *r, size_t *ret_max_bytes, struct error *e)
{
	(void)ctx;
	if (strcmp(r->path, "/forbidden") == 0)
		return fail(e, E_FORBIDDEN, "not here");
	*ret_max_bytes = strcmp(r->path, "/big") == 0 ? MAX_RAW : MAX_BODY;
	return 0;
}

static void
start(int threads)
{
	struct http_options o = {.threads = threads, .max_connections = 8, .max_body_bytes = MAX_BODY, .refuse = refuse, .handle = handler,
	                         .admit = admit, .max_raw_bytes = MAX_RAW, .edge = &edge};
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct error e;

	snprintf(socket_path, sizeof socket_path, "/tmp/siegel-test-http.%ld", (long)getpid());
	memcpy(u.sun_path, socket_path, sizeof socket_path);
	unlink(socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&u, sizeof u), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(http_serve(fd, &o, &server, &e), 0);
}

static void
stop(void)
{
	http_stop(server);
	unlink(socket_path);
}

static int
connected(void)
{
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(u.sun_path, socket_path, sizeof socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&u, sizeof u), 0);
	return fd;
}

/* Sends bytes and gives back all that comes until the server closes, or for half a second. */
static const char *
say(const char *text, size_t len)
{
	static char answer[65536];
	struct timeval half = {.tv_usec = 500000};
	size_t have = 0;
	ssize_t n;
	int fd = connected();

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &half, sizeof half);
	ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
	while (have < sizeof answer - 1 && (n = recv(fd, answer + have, sizeof answer - 1 - have, 0)) > 0)
		have += (size_t)n;
	answer[have] = '\0';
	close(fd);
	return answer;
}
#define SAY(text) say(text, sizeof(text) - 1)

static const int modes[] = {0, 1, 2}; /* a thread for each connection, one epoll thread, two */

START_TEST(test_server)
{
	const char *a;

	edge = getuid();
	start(modes[_i]);
	a = SAY("GET /a%20b?filter%5Ba%5D=x+y HTTP/1.1\r\nHost: h\r\nX-Real-IP: 192.0.2.7\r\nX-Request-Id: 00112233445566778899aabbccddeeff\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "HTTP/1.1 200"));
	ck_assert_ptr_nonnull(strstr(a, "GET /a b q=x y body=0 client=192.0.2.7 id=00112233445566778899aabbccddeeff"));
	a = SAY("POST /secret HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "POST /secret q=- body=5 client=- id="));
	ck_assert_ptr_nonnull(strstr(a, "Cache-Control: no-store"));
	ck_assert_ptr_nonnull(strstr(a, "GET /next q=- body=0"));
	a = SAY("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "body=5"));
	a = SAY("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "HTTP/1.1 200"));
	ck_assert_ptr_null(strstr(a, "q=-"));
	stop();
}
END_TEST

START_TEST(test_stream)
{
	static char whole[2 * 1000 * PIECES];
	const struct timespec pause = {.tv_nsec = 1000000};
	const char *a;
	size_t have = 0;
	ssize_t n;
	int fd;

	handler = handle_stream;
	edge = getuid();
	start(0);
	handler = handle;
	fd = connected();
	ck_assert_int_gt(send(fd, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 46, MSG_NOSIGNAL), 0);
	while ((n = recv(fd, whole + have, sizeof whole - 1 - have, 0)) > 0)
		have += (size_t)n;
	close(fd);
	ck_assert_ptr_nonnull(strstr(whole, "Transfer-Encoding: chunked"));
	ck_assert_uint_gt(have, 1000 * PIECES);
	ck_assert_str_eq(whole + have - 5, "0\r\n\r\n");
	/* What breaks off has no end; who leaves before it is given up. */
	a = SAY("GET /broken HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "HTTP/1.1 200"));
	ck_assert_ptr_null(strstr(a, "\r\n0\r\n\r\n"));
	fd = connected();
	ck_assert_int_gt(send(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27, MSG_NOSIGNAL), 0);
	ck_assert_int_eq(recv(fd, whole, 1, 0), 1);
	close(fd);
	for (int i = 0; i < 5000 && __atomic_load_n(&streams_done, __ATOMIC_SEQ_CST) < 3; i++)
		nanosleep(&pause, NULL);
	ck_assert_int_eq(__atomic_load_n(&streams_done, __ATOMIC_SEQ_CST), 3);
	stop();
}
END_TEST

/* Who isn't the edge is believed nothing about the client. */
START_TEST(test_edge)
{
	const char *a;

	start(modes[_i]);
	edge = getuid() + 1;
	a = SAY("GET / HTTP/1.1\r\nHost: h\r\nX-Real-IP: 192.0.2.7\r\nX-Siegel-Client-Cert: abc\r\n"
	        "X-Request-Id: 00112233445566778899aabbccddeeff\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "client=- id="));
	ck_assert_ptr_null(strstr(a, "id=00112233445566778899aabbccddeeff"));
	ck_assert_ptr_null(strstr(a, "cert=abc"));
	edge = getuid();
	a = SAY("GET / HTTP/1.1\r\nHost: h\r\nX-Siegel-Client-Cert: abc\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(a, "cert=abc"));
	stop();
}
END_TEST

/* A body of n octets to path, with its length or in one chunk. */
static const char *
send_big(const char *path, size_t n, bool chunked)
{
	static char text[2 * MAX_RAW];
	int head;

	if (chunked)
		head = snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", path, n);
	else
		head = snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", path, n);
	memset(text + head, 'x', n);
	memcpy(text + head + n, "\r\n0\r\n\r\n", 8);
	return say(text, (size_t)head + n + (chunked ? 7 : 0));
}

START_TEST(test_big)
{
	start(modes[_i]);
	for (int chunked = 0; chunked < 2; chunked++) {
		/* more often than there are places: each is given back */
		for (int i = 0; i < 10; i++)
			ck_assert_ptr_nonnull(strstr(send_big("/big", MAX_RAW - 7, chunked), "body=99993 "));
		ck_assert_ptr_nonnull(strstr(send_big("/forbidden", MAX_BODY + 1, chunked), "HTTP/1.1 403"));
	}
	ck_assert_ptr_nonnull(strstr(send_big("/", MAX_BODY + 1, false), "HTTP/1.1 413"));
	ck_assert_ptr_nonnull(strstr(send_big("/big", MAX_RAW + 1, false), "HTTP/1.1 413"));
	ck_assert_ptr_null(strstr(send_big("/big", MAX_RAW + 1, true), "HTTP/1.1 200"));
	stop();
}
END_TEST

START_TEST(test_refusals)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabcd", "HTTP/1.1 413"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", "HTTP/1.1 415"},
		{"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405"},
		{"GET /%2e%2e/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
		{"GET /?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
		{"GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n", "HTTP/1.1 400"},
	};

	start(modes[_i]);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *a = say(cases[i].request, strlen(cases[i].request));

		ck_assert_msg(strncmp(a, cases[i].answer, strlen(cases[i].answer)) == 0, "case %zu: %s", i, a);
	}
	stop();
}
END_TEST

START_TEST(test_outgrown_chunks)
{
	char text[3000];
	int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n");

	memset(text + n, 'x', 2000);
	start(0);
	ck_assert_ptr_null(strstr(say(text, (size_t)n + 2000), "HTTP/1.1 200"));
	stop();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("guard"), *u = tcase_create("server");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_guard);
	tcase_add_test(t, test_long_address);
	tcase_add_test(t, test_client_cert);
	suite_add_tcase(s, t);
	tcase_set_timeout(u, 60);
	tcase_add_loop_test(u, test_server, 0, ARRAY_LEN(modes));
	tcase_add_loop_test(u, test_edge, 0, ARRAY_LEN(modes));
	tcase_add_test(u, test_stream);
	tcase_add_loop_test(u, test_big, 0, ARRAY_LEN(modes));
	tcase_add_loop_test(u, test_refusals, 0, ARRAY_LEN(modes));
	tcase_add_test(u, test_outgrown_chunks);
	suite_add_tcase(s, u);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
