#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <openssl/evp.h>
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/x509/pem.h"
#include "va/handler.h"

#define PATH "/ocsp"
#define TYPE_REQUEST "application/ocsp-request"
#define TYPE_RESPONSE "application/ocsp-response"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* Decodes escapes into text, which has room for all of s. Once only: what is still an escape afterwards isn't base64. */
static int
percent_decode(const char *s, char *text, size_t *ret_len, struct error *e)
{
	size_t n = 0;

	while (*s) {
		char c = *s++;

		if (c == '%') {
			int hi = hex_value(s[0]), lo = hi < 0 ? -1 : hex_value(s[1]);

			if (lo < 0)
				return fail(e, E_MALFORMED, "broken percent escape in the path (RFC 3986 2.1)");
			c = (char)(hi << 4 | lo);
			s += 2;
		}
		text[n++] = c;
	}
	*ret_len = n;
	return 0;
}

int
handler_path_decode(struct arena *a, const char *raw_path, struct bytes *ret, struct error *e)
{
	const char *s = raw_path + strlen(PATH);
	char *text;
	size_t n, i = 0, padding;

	/* A client whose configured address ends in a slash sends two; base64 of a request begins with "M". */
	while (*s == '/')
		s++;
	text = arena_alloc(a, strlen(s) + 4);
	if (percent_decode(s, text, &n, e) < 0)
		return -1;
	while (i < n && is_base64(text[i]))
		i++;
	padding = n - i;
	n = i;
	while (i < n + padding && text[i] == '=')
		i++;
	if (n == 0 || i != n + padding || padding > 2 || n % 4 == 1 || (padding > 0 && (n + padding) % 4 != 0))
		return fail(e, E_MALFORMED, "path holds no base64 (RFC 6960 appendix A.1)");
	while (n % 4 != 0)
		text[n++] = '=';
	return base64_decode(a, text, n, ret, e);
}

static void
text_answer(struct http_answer *a, int status, const char *text)
{
	a->status = status;
	a->content_type = "text/plain; charset=utf-8";
	a->body = BYTES_STR(text);
	http_answer_header(a, "Cache-Control", "no-store");
}

void
handler_refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	(void)r;
	text_answer(a, error_http_status(e->code), error_title(e->code));
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). Not by strftime, which speaks the locale's language. */
static const char *
http_date(struct arena *a, int64_t t)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t tt = (time_t)t;
	struct tm tm;

	gmtime_r(&tt, &tm);
	return arena_printf(a, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	                    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 5019 6.2: what a cache needs. max-age is short on purpose, so that a revocation is seen soon; Expires is for caches that don't know
 * max-age. */
static void
cache_headers(const struct handler *h, struct arena *arena, const struct ocsp_reply *reply, struct http_answer *a)
{
	unsigned char hash[20];
	int64_t life = reply->next_update - reply->this_update;
	long age = life < h->cache_sec ? (long)life : h->cache_sec;

	http_answer_header(a, "Last-Modified", http_date(arena, reply->this_update));
	http_answer_header(a, "Expires", http_date(arena, reply->next_update));
	if (EVP_Digest(reply->der.data, reply->der.len, hash, NULL, EVP_sha1(), NULL))
		http_answer_header(a, "ETag", arena_printf(arena, "\"%s\"", arena_hex(arena, hash, sizeof(hash))));
	http_answer_header(a, "Cache-Control", arena_printf(arena, "max-age=%ld, public, no-transform, must-revalidate", age));
}

static void
log_reply(const struct http_request *r, const struct ocsp_reply *reply)
{
	enum log_level level;

	switch (reply->status) {
	case OCSP_INTERNAL_ERROR:
		level = LOG_LEVEL_ERROR;
		break;
	case OCSP_TRY_LATER:
		level = LOG_LEVEL_WARNING;
		break;
	default:
		level = LOG_LEVEL_DEBUG; /* the client's own fault, as often as it likes */
	}
	log_event(level, "ocsp request not answered", "request", r->request_id, "client", r->client, "code", error_name(reply->error.code),
	          "detail", reply->error.detail, NULL);
}

/* A request that waits in the pool. */
struct waiting {
	struct pool_item item;
	struct ocsp_job job;
	struct http_request *request;
	struct http_answer *answer;
	bool cacheable;
};

static void
reply_send(const struct handler *h, const struct http_request *r, const struct ocsp_reply *reply, bool cacheable, struct http_answer *a)
{
	if (reply->status != OCSP_SUCCESSFUL)
		log_reply(r, reply);
	a->status = 200;
	a->content_type = TYPE_RESPONSE;
	a->body = reply->der;
	if (cacheable && reply->status == OCSP_SUCCESSFUL && !reply->has_nonce && h->cache_sec > 0)
		cache_headers(h, r->arena, reply, a);
	else
		http_answer_header(a, "Cache-Control", "no-store");
}

static void
unreadable(const struct handler *h, const struct http_request *r, const struct error *e, struct http_answer *a)
{
	struct ocsp_reply reply = {.status = OCSP_MALFORMED_REQUEST, .der = ocsp_error_response(OCSP_MALFORMED_REQUEST), .error = *e};

	reply_send(h, r, &reply, false, a);
}

void
handler_answer_waiting(void *ctx, struct pool_item **items, int n)
{
	const struct handler *h = ctx;
	struct ocsp_job *jobs[POOL_BATCH];

	for (int i = 0; i < n; i++)
		jobs[i] = &((struct waiting *)(void *)items[i])->job; /* the item is its first member */
	responder_answer_many(h->responder, jobs, n, h->now());
	for (int i = 0; i < n; i++) {
		struct waiting *w = (struct waiting *)(void *)items[i];

		reply_send(h, w->request, &w->job.reply, w->cacheable, w->answer);
		http_answer_now(w->request);
	}
}

static void
answer(const struct handler *h, struct http_request *r, struct bytes der, bool cacheable, struct http_answer *a)
{
	struct http_answer *later = h->pool ? http_later(r) : NULL;
	struct ocsp_reply reply;
	struct waiting *w;

	if (later) {
		w = arena_alloc(r->arena, sizeof(*w));
		w->job = (struct ocsp_job){.request = der, .arena = r->arena};
		w->request = r;
		w->answer = later;
		w->cacheable = cacheable;
		pool_add(h->pool, &w->item);
		return;
	}
	responder_answer(h->responder, der, r->arena, h->now(), &reply);
	reply_send(h, r, &reply, cacheable, a);
}

/* The media type without parameters, in any case of letters (RFC 9110 8.3.1). */
static bool
is_request_type(const char *type)
{
	size_t n;

	if (!type)
		return false;
	n = strcspn(type, "; \t");
	return n == strlen(TYPE_REQUEST) && strncasecmp(type, TYPE_REQUEST, n) == 0;
}

static void
handle_post(const struct handler *h, struct http_request *r, struct http_answer *a)
{
	if (strcmp(r->path, PATH) != 0 && strcmp(r->path, PATH "/") != 0)
		text_answer(a, 404, "not found: POST requests go to " PATH);
	else if (!is_request_type(http_header_get(r, "Content-Type")))
		text_answer(a, 415, "the request's media type isn't " TYPE_REQUEST);
	else if (r->body.len > LIMIT_OCSP_REQUEST_BYTES)
		text_answer(a, 413, "the request is too large");
	else
		answer(h, r, r->body, false, a);
}

static void
handle_get(const struct handler *h, struct http_request *r, struct http_answer *a)
{
	struct bytes der;
	struct error e;

	if (handler_path_decode(r->arena, r->raw_path, &der, &e) < 0)
		unreadable(h, r, &e, a);
	else
		answer(h, r, der, true, a);
}

void
handler_handle(void *ctx, struct http_request *r, struct http_answer *a)
{
	const struct handler *h = ctx;
	const char *path = r->raw_path;

	if (strncmp(path, PATH, strlen(PATH)) != 0 || (path[strlen(PATH)] != '\0' && path[strlen(PATH)] != '/')) {
		text_answer(a, 404, "not found");
	} else if (strcmp(r->method, "POST") == 0) {
		handle_post(h, r, a);
	} else if (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0) {
		handle_get(h, r, a);
	} else {
		text_answer(a, 405, "method not allowed: use GET or POST");
		http_answer_header(a, "Allow", "GET, HEAD, POST");
	}
}
