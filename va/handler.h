/* OCSP over HTTP (RFC 6960 appendix A, RFC 5019 5 and 6). */
#ifndef SIEGEL_VA_HANDLER_H
#define SIEGEL_VA_HANDLER_H
#include "lib/http/http.h"
#include "va/pool.h"
#include "va/responder.h"

struct handler {
	struct responder *responder;
	long cache_sec;        /* for which caches may keep an answer to a GET without nonce; 0: none may */
	int64_t (*now)(void);  /* seconds since 1970 */
	struct pool *pool;     /* where requests wait for an answer; NULL: each is answered in the thread that it came in */
};

/* POST /ocsp with application/ocsp-request, GET and HEAD /ocsp/<base64>. ctx is a struct handler. Has the form of http_handler. */
void handler_handle(void *ctx, struct http_request *r, struct http_answer *a);
/* Answers what waits in the pool. ctx is a struct handler. Has the form of pool_work. */
void handler_answer_waiting(void *ctx, struct pool_item **items, int n);
/* The guard's refusals: a bare HTTP status (RFC 6960 appendix A.1 knows no OCSP answer to what isn't a request). */
void handler_refuse(struct http_request *r, const struct error *e, struct http_answer *a);
/* The request in the path of a GET, percent-decoded once and then base64-decoded (RFC 6960 appendix A.1). Takes what clients and
 * proxies in between make of it: raw "/", "+" and "=", left-out padding, more than one slash before it. E_MALFORMED for anything
 * else. raw_path is the path as sent. */
int handler_path_decode(struct arena *a, const char *raw_path, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
