/* HTTP behind the edge: libmicrohttpd on a Unix socket, a guard that refuses what must not get through (two Hosts, two
 * Content-Lengths, Content-Length beside Transfer-Encoding, control characters), bounded bodies, an absolute deadline. A handler
 * is a plain function of a request and an answer, so that tests and fuzzers call it without a socket. */
#ifndef SIEGEL_LIB_HTTP_HTTP_H
#define SIEGEL_LIB_HTTP_HTTP_H
#include <stdbool.h>
#include <sys/types.h>
#include "lib/arena.h"
#include "lib/buf.h"

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method; /* "GET" … */
	const char *path;   /* percent-decoded once, "/api/v2.0/…"; no NUL, no "." or ".." segments, valid UTF-8 */
	const char *raw_path; /* as sent, without the query */
	const struct http_header *headers;
	int n_headers;
	const struct http_header *query; /* decoded names and values, in order */
	int n_query;
	struct bytes body;
	struct arena *arena;      /* lives until the answer is sent */
	const char *request_id;   /* 16 to 64 lower-case hexadecimal digits, from X-Request-Id of the edge or made here; goes into the log */
	struct http_server *server; /* NULL without one; of http_later() alone */
	const char *client;       /* address of the client as the edge saw it (X-Real-IP), "-" when unknown */
};

/* The only header of that name (case-insensitive), or NULL when there is none. A header that comes twice is refused before the
 * handler is called when it is one of those that must be single. */
const char *http_header_get(const struct http_request *r, const char *name);
/* The first query value of that name, or NULL. */
const char *http_query_get(const struct http_request *r, const char *name);
/* The client's certificate as the edge passed it (X-Siegel-Client-Cert, URL-encoded PEM) decoded to PEM, or NULL. */
const char *http_client_cert_pem(const struct http_request *r);

/* A body that is made while it is sent, as fast as the client takes it. */
struct http_stream {
	/* The next octets, up to max of them: how many; 0: that was all; -1: it broke, and the client sees that the answer has no end. It may
	 * take its time: only for servers with a thread for each connection. */
	ssize_t (*next)(void *ctx, uint8_t *to, size_t max);
	/* Once, after the last call of next(), also when the client left; the request is gone by then. */
	void (*done)(void *ctx);
	void *ctx;
};

struct http_answer {
	int status;
	const char *content_type;   /* NULL: no body type */
	struct bytes body;          /* from the request's arena, or static */
	struct http_header headers[12];
	int n_headers;
	const struct http_stream *stream; /* from the request's arena; NULL: body is the answer. Never with secret */
	bool secret;                /* the body holds a secret: it is wiped after sending and never cached */
};
void http_answer_header(struct http_answer *a, const char *name, const char *value); /* value lives as long as the arena */

/* Handles one request. Always leaves a complete answer. */
typedef void (*http_handler)(void *ctx, struct http_request *r, struct http_answer *a);

struct http_options {
	int threads;          /* 0: a thread for each connection; else that many epoll threads */
	int max_connections;
	size_t max_body_bytes;
	/* Turns a refusal of the guard (code, detail) into an answer in the protocol's own form. */
	void (*refuse)(struct http_request *r, const struct error *e, struct http_answer *a);
	http_handler handle;
	/* NULL, or says before the body is read what it may be: *ret_max_bytes up to max_raw_bytes, which is max_body_bytes for most. With an
	 * error the body is thrown away and refuse() answers. Called only when a longer body than max_body_bytes, or one of unknown length, is to
	 * come. */
	int (*admit)(void *ctx, struct http_request *r, size_t *ret_max_bytes, struct error *e);
	size_t max_raw_bytes;
	/* The user that the edge works as. What says who the client is (X-Siegel-Client-Cert, X-Siegel-Host, X-Real-IP, X-Request-Id) counts
	 * from him alone, and
	 * is dropped when another one sends it. NULL: from nobody. */
	const uid_t *edge;
	void *ctx;
	bool answers_later;   /* the handler may call http_later(); with epoll threads alone */
	bool drops_line_ends; /* escaped line ends in the query are left out, not refused: clients of SCEP send base64 in lines */
};

/* For a handler that hands its request to another thread: the request waits without holding its epoll thread. Gives the answer for that
 * thread to fill, or NULL when there can't be one (a request without server, as in tests; a server that is stopping): the handler then
 * answers itself. After http_later() the handler leaves both its own answer and the request alone. */
struct http_answer *http_later(struct http_request *r);
/* Sends the answer that http_later() gave. The request is gone afterwards. */
void http_answer_now(struct http_request *r);

struct http_server;
/* Serves on a listening socket until http_stop(). The server owns fd. */
int http_serve(int fd, const struct http_options *o, struct http_server **ret, struct error *e) MUST_CHECK;
void http_stop(struct http_server *s);

/* The guard's checks on a request that is complete but for its body, for tests and fuzzers: 0, or -1 with *e. */
int http_guard(const struct http_request *r, size_t max_body_bytes, struct error *e) MUST_CHECK;
/* Percent-decodes once into the arena; refuses NUL, control characters, broken escapes and bytes that aren't UTF-8. */
int http_decode(struct arena *a, const char *s, const char **ret, struct error *e) MUST_CHECK;

#endif
