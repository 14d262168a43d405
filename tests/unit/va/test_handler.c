#include <config.h>

#include "tests/unit/va/suites.h"

#include <stdio.h>
#include <string.h>
#include "lib/x509/pem.h"
#include "va/handler.h"

/* 2026-01-02 03:04:05 */
#define NOW 1767323045

static struct arena *arena;
static struct signers *signers;
static struct responder *responder;
static struct handler handler;
static struct http_header headers[2];

static int64_t
now(void)
{
	return NOW;
}

static int
lookup(void *ctx, struct status_query *queries, int n, struct error *e)
{
	(void)ctx;
	(void)e;
	for (int i = 0; i < n; i++)
		queries[i].status = (struct cert_status){.state = CERT_GOOD};
	return 0;
}

static void
setup(void)
{
	struct responder_options o = {.lookup = lookup, .answer_sec = 3600};
	struct error e;

	arena = arena_new(1024 * 1024);
	ck_assert_int_eq(signers_new(&signers, &e), 0);
	o.signers = signers;
	ck_assert_int_eq(responder_new(&o, &responder, &e), 0);
	handler = (struct handler){.responder = responder, .cache_sec = 5, .now = now};
}

static void
teardown(void)
{
	responder_free(responder);
	signers_free(signers);
	arena_free(arena);
}

static struct http_answer
send(const char *method, const char *path, const char *type, struct bytes body)
{
	struct http_request r = {.method = method, .path = path, .raw_path = path, .headers = headers, .body = body, .arena = arena,
	                         .request_id = "0123456789abcdef", .client = "-"};
	struct http_answer a = {.status = 0};

	if (type)
		headers[r.n_headers++] = (struct http_header){"Content-Type", type};
	handler_handle(&handler, &r, &a);
	return a;
}

static const char *
header(const struct http_answer *a, const char *name)
{
	for (int i = 0; i < a->n_headers; i++) {
		if (strcmp(a->headers[i].name, name) == 0)
			return a->headers[i].value;
	}
	return "";
}

static void
check_status(const char *method, const char *path, const char *type, struct bytes body, int want)
{
	struct http_answer a = send(method, path, type, body);

	ck_assert_msg(a.status == want, "%s %s: %d instead of %d", method, path, a.status, want);
	if (want != 200)
		ck_assert_str_eq(header(&a, "Cache-Control"), "no-store");
}

START_TEST(http_faults)
{
	static const uint8_t big[LIMIT_OCSP_REQUEST_BYTES + 1];
	struct bytes none = {NULL, 0};
	struct http_answer a;

	check_status("PUT", "/ocsp", NULL, none, 405);
	check_status("DELETE", "/ocsp/AAAA", NULL, none, 405);
	check_status("POST", "/ocsp", NULL, none, 415);
	check_status("POST", "/ocsp", "text/plain", none, 415);
	check_status("POST", "/ocsp", "application/ocsp-requests", none, 415);
	check_status("POST", "/ocsp", "application/ocsp-request", (struct bytes){big, sizeof(big)}, 413);
	check_status("POST", "/ocsp/x", "application/ocsp-request", none, 404);
	check_status("GET", "/", NULL, none, 404);
	check_status("GET", "/ocspx", NULL, none, 404);
	check_status("POST", "/ocsp", "Application/OCSP-Request; charset=x", none, 200);
	check_status("POST", "/ocsp/", "application/ocsp-request", none, 200);
	check_status("GET", "/ocsp", NULL, none, 200);
	check_status("HEAD", "/ocsp/MAA=", NULL, none, 200);
	a = send("OPTIONS", "/ocsp", NULL, none);
	ck_assert_str_eq(header(&a, "Allow"), "GET, HEAD, POST");
}
END_TEST

/* What isn't a request is answered by malformedRequest, which no cache may keep. */
START_TEST(malformed)
{
	const char *paths[] = {"/ocsp", "/ocsp/", "/ocsp/%", "/ocsp/%4", "/ocsp/%zz", "/ocsp/M", "/ocsp/MAA%253D", "/ocsp/MA=A", "/ocsp/MAA==",
	                       "/ocsp/====", "/ocsp/MAA=/x", "/ocsp/M-_A", "/ocsp/MAA%00", "/ocsp/MAA%0A", "/ocsp/MAA "};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct http_answer a = send("GET", paths[i], NULL, (struct bytes){NULL, 0});

		ck_assert_int_eq(a.status, 200);
		ck_assert_str_eq(a.content_type, "application/ocsp-response");
		ck_assert_msg(a.body.len == 5 && a.body.data[4] == OCSP_MALFORMED_REQUEST, "%s", paths[i]);
		ck_assert_str_eq(header(&a, "Cache-Control"), "no-store");
	}
}
END_TEST

static void
check_decode(const char *path, const void *want, size_t len)
{
	struct bytes der;
	struct error e = {.detail = ""};

	ck_assert_msg(handler_path_decode(arena, path, &der, &e) == 0, "%s: %s", path, e.detail);
	ck_assert_uint_eq(der.len, len);
	ck_assert_mem_eq(der.data, want, len);
}

/* O03: escaped or not, padded or not, with slashes that a proxy or a configured address added. */
START_TEST(path_forms)
{
	static const uint8_t want[] = {0x30, 0x82, 0xff, 0xef, 0xbe, 0xff, 0x01};

	check_decode("/ocsp/MIL/777/AQ==", want, sizeof(want));
	check_decode("/ocsp/MIL%2F777%2FAQ%3D%3D", want, sizeof(want));
	check_decode("/ocsp/MIL%2f777%2fAQ%3d%3d", want, sizeof(want));
	check_decode("/ocsp/MIL/777/AQ", want, sizeof(want));
	check_decode("/ocsp//MIL/777/AQ==", want, sizeof(want));
	check_decode("/ocsp/%4d%49%4c/777/AQ%3D=", want, sizeof(want));
	check_decode("/ocsp/+/+/", "\xfb\xff\xbf", 3);
	check_decode("/ocsp/%2B%2F%2B%2F", "\xfb\xff\xbf", 3);
}
END_TEST

/* The clock of this suite is fixed, so the set is made for its time. */
static struct house *
house_at_now(void)
{
	struct house *h = house_new("CA", 1, 86000, SIGNER_RIGHT);
	struct signer_set *set = house_set(&h, 1, RESPONDER_BY_KEY);

	set->signers[0].not_before = NOW - 60;
	set->signers[0].not_after = NOW + 100000;
	signers_set(signers, set);
	return h;
}

static char *
path_of(struct bytes der)
{
	return arena_printf(arena, "/ocsp/%s", base64_encode(arena, der));
}

/* RFC 5019 6.2. */
START_TEST(caching)
{
	struct house *h = house_at_now();
	struct http_answer a = send("GET", path_of(house_request(h, EVP_sha1(), 1, 0)), NULL, (struct bytes){NULL, 0});

	ck_assert_uint_gt(a.body.len, 5);
	ck_assert_str_eq(header(&a, "Cache-Control"), "max-age=5, public, no-transform, must-revalidate");
	ck_assert_str_eq(header(&a, "Last-Modified"), "Fri, 02 Jan 2026 03:04:05 GMT");
	ck_assert_str_eq(header(&a, "Expires"), "Fri, 02 Jan 2026 04:04:05 GMT");
	ck_assert_uint_eq(strlen(header(&a, "ETag")), 42);
	/* With a nonce, by POST, or when it is told so: nothing to keep. */
	a = send("GET", path_of(house_request(h, EVP_sha1(), 1, 16)), NULL, (struct bytes){NULL, 0});
	ck_assert_uint_gt(a.body.len, 5);
	ck_assert_str_eq(header(&a, "Cache-Control"), "no-store");
	a = send("POST", "/ocsp", "application/ocsp-request", house_request(h, EVP_sha1(), 1, 0));
	ck_assert_uint_gt(a.body.len, 5);
	ck_assert_str_eq(header(&a, "Cache-Control"), "no-store");
	handler.cache_sec = 0;
	a = send("GET", path_of(house_request(h, EVP_sha1(), 1, 0)), NULL, (struct bytes){NULL, 0});
	ck_assert_uint_gt(a.body.len, 5);
	ck_assert_str_eq(header(&a, "Cache-Control"), "no-store");
	ck_assert_str_eq(header(&a, "ETag"), "");
	house_free(h);
}
END_TEST

/* A cache never keeps an answer beyond its nextUpdate. */
START_TEST(cache_ends_with_answer)
{
	struct house *h = house_at_now();
	struct signer_set *set = house_set(&h, 1, RESPONDER_BY_KEY);
	struct http_answer a;

	set->signers[0].not_before = NOW - 60;
	set->signers[0].not_after = NOW + 3;
	signers_set(signers, set);
	a = send("GET", path_of(house_request(h, EVP_sha1(), 1, 0)), NULL, (struct bytes){NULL, 0});
	ck_assert_str_eq(header(&a, "Cache-Control"), "max-age=3, public, no-transform, must-revalidate");
	house_free(h);
}
END_TEST

START_TEST(try_later_is_not_kept)
{
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct http_answer a = send("GET", path_of(house_request(h, EVP_sha1(), 1, 0)), NULL, (struct bytes){NULL, 0});

	ck_assert_uint_eq(a.body.data[4], OCSP_TRY_LATER);
	ck_assert_str_eq(header(&a, "Cache-Control"), "no-store");
	house_free(h);
}
END_TEST

START_TEST(guard_refuses)
{
	struct http_request r = {.arena = arena};
	struct http_answer a = {.status = 0};
	struct error e;

	ck_assert_int_eq(fail(&e, E_TOO_LARGE, "too much"), -1);
	handler_refuse(&r, &e, &a);
	ck_assert_int_eq(a.status, 413);
}
END_TEST

TCase *
tcase_handler(void)
{
	TCase *t = tcase_create("handler");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, http_faults);
	tcase_add_test(t, malformed);
	tcase_add_test(t, path_forms);
	tcase_add_test(t, caching);
	tcase_add_test(t, cache_ends_with_answer);
	tcase_add_test(t, try_later_is_not_kept);
	tcase_add_test(t, guard_refuses);
	return t;
}
