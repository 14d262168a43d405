/* The table of operations and the answers that need nothing but the request. */
#include <string.h>
#include "enroll/est/est.h"
#include "lib/limits.h"
#include "tests/unit/est/suites.h"

#define LABEL_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct route_case {
	const char *method, *path, *content_type;
	int status;
	const char *operation, *label;
};

static const struct route_case cases[] = {
    {"GET", "/.well-known/est/cacerts", NULL, 200, "cacerts", NULL},
    {"GET", "/.well-known/est/cacerts", "text/plain", 200, "cacerts", NULL},
    {"HEAD", "/.well-known/est/cacerts", NULL, 200, "cacerts", NULL},
    {"HEAD", "/.well-known/est/simpleenroll", NULL, 405, "simpleenroll", NULL},
    {"POST", "/.well-known/est/simpleenroll", "application/pkcs10", 200, "simpleenroll", NULL},
    {"POST", "/.well-known/est/simpleenroll", NULL, 200, "simpleenroll", NULL},
    {"POST", "/.well-known/est/simplereenroll", "Application/PKCS10; charset=x", 200, "simplereenroll", NULL},
    {"POST", "/.well-known/est/simpleenroll", "application/pkcs7-mime", 415, "simpleenroll", NULL},
    {"POST", "/.well-known/est/simpleenroll", "application/pkcs10x", 415, "simpleenroll", NULL},
    {"POST", "/.well-known/est/simpleenroll", "", 415, "simpleenroll", NULL},
    {"GET", "/.well-known/est/simpleenroll", NULL, 405, "simpleenroll", NULL},
    {"POST", "/.well-known/est/cacerts", "application/pkcs10", 405, "cacerts", NULL},
    {"DELETE", "/.well-known/est/cacerts", NULL, 405, "cacerts", NULL},
    {"POST", "/.well-known/est/fullcmc", "application/pkcs7-mime; smime-type=CMC-request", 200, "fullcmc", NULL},
    {"POST", "/.well-known/est/fullcmc", "application/pkcs10", 415, "fullcmc", NULL},
    {"GET", "/.well-known/est/fullcmc", NULL, 405, "fullcmc", NULL},
    {"POST", "/.well-known/est/line/serverkeygen", "application/pkcs10", 200, "serverkeygen", "line"},
    {"GET", "/.well-known/est/serverkeygen", NULL, 405, "serverkeygen", NULL},
    {"GET", "/.well-known/est/csrattrs", NULL, 200, "csrattrs", NULL},
    {"POST", "/.well-known/est/csrattrs", NULL, 405, "csrattrs", NULL},
    {"GET", "/.well-known/est/", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/cacerts/", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/CACERTS", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/label/cacerts", NULL, 200, "cacerts", "label"},
    {"POST", "/.well-known/est/line-1.a_b/simpleenroll", NULL, 200, "simpleenroll", "line-1.a_b"},
    {"GET", "/.well-known/est/7/simpleenroll", NULL, 405, "simpleenroll", "7"},
    {"GET", "/.well-known/est/" LABEL_64 "/cacerts", NULL, 200, "cacerts", LABEL_64},
    {"GET", "/.well-known/est/" LABEL_64 "a/cacerts", NULL, 404, NULL, NULL},
    /* RFC 7030 3.2.2: an operation's name is no label. */
    {"GET", "/.well-known/est/cacerts/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/label/label/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/label/", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/label", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est//cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/../cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/./cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/-x/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/Label/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/a b/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/a\303\244/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/line/.well-known/est/cacerts", NULL, 200, "cacerts", "line"},
    {"POST", "/7/.well-known/est/simpleenroll", "application/pkcs10", 200, "simpleenroll", "7"},
    {"GET", "/cacerts/.well-known/est/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/line/.well-known/est/other/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/a/b/.well-known/est/cacerts", NULL, 404, NULL, NULL},
    {"GET", "//.well-known/est/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/../.well-known/est/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/Line/.well-known/est/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est/.well-known/est/cacerts", NULL, 404, NULL, NULL},
    {"GET", "/.well-known/est", NULL, 404, NULL, NULL},
    {"GET", "/", NULL, 404, NULL, NULL},
};

START_TEST(test_route)
{
	const struct route_case *c = &cases[_i];
	const struct http_header type = {"Content-Type", c->content_type};
	CLEANUP(arena_free) struct arena *arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	const struct http_request r = {.method = c->method, .path = c->path, .raw_path = c->path, .headers = &type,
	                               .n_headers = c->content_type ? 1 : 0, .arena = arena};
	const struct est_operation *op = NULL;
	const char *label = NULL;
	struct error e = {0};
	int result = est_route(&r, &op, &label, &e);
	ck_assert_int_eq(result, c->status == 200 ? 0 : -1);
	ck_assert_int_eq(error_http_status(e.code), c->status);
	ck_assert_str_eq(op ? op->name : "", c->operation ? c->operation : "");
	ck_assert_str_eq(label ? label : "", c->label ? c->label : "");
}
END_TEST

START_TEST(test_table)
{
	for (size_t i = 0; est_operations[i]; i++) {
		const struct est_operation *op = est_operations[i];
		ck_assert_ptr_nonnull(op->handle);
		ck_assert_ptr_null(strchr(op->name, '/'));
		/* What has a body is known by its sender, RFC 7030 4.2. */
		ck_assert(op->content_type == NULL || op->auth != EST_AUTH_NONE);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(op->name, est_operations[j]->name);
	}
}
END_TEST

static const char *
answer_header(const struct http_answer *a, const char *name)
{
	for (int i = 0; i < a->n_headers; i++)
		if (strcmp(a->headers[i].name, name) == 0)
			return a->headers[i].value;
	return "";
}

START_TEST(test_refusals)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct http_request r = {.method = "POST", .path = "/", .arena = arena};
	for (int code = E_NONE + 1; code < E_COUNT; code++) {
		struct http_answer a = {0};
		struct error e = {0};
		(void)fail(&e, (enum error_code)code, "the cause is here");
		est_refuse(&r, &e, &a);
		ck_assert_int_eq(a.status, error_http_status((enum error_code)code));
		ck_assert_str_eq(a.content_type, "text/plain; charset=utf-8");
		ck_assert_ptr_nonnull(memmem(a.body.data, a.body.len, "the cause is here", 17));
		/* RFC 7617 2 */
		ck_assert_int_eq(strncmp(answer_header(&a, "WWW-Authenticate"), "Basic realm=\"siegel est\"", 24) == 0, a.status == 401);
		ck_assert_int_eq(*answer_header(&a, "Retry-After") != '\0', a.status == 503);
	}
	struct http_answer a = {0};
	const struct error slow = {.code = E_TOO_MANY, .retry_after_sec = 17};
	est_refuse(&r, &slow, &a);
	ck_assert_str_eq(answer_header(&a, "Retry-After"), "17");
}
END_TEST

/* Requests that are refused before the store is asked. */
START_TEST(test_handle_without_store)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct http_request r = {.method = "PUT", .path = "/.well-known/est/simpleenroll", .arena = arena, .request_id = "0", .client = "-"};
	struct http_answer a = {0};
	est_handle(NULL, &r, &a);
	ck_assert_int_eq(a.status, 405);
	ck_assert_str_eq(answer_header(&a, "Allow"), "POST");
	a = (struct http_answer){0};
	r.path = "/.well-known/est/serverkeygen/return";
	est_handle(NULL, &r, &a);
	ck_assert_int_eq(a.status, 404);
}
END_TEST

TCase *
tcase_operations(void)
{
	TCase *t = tcase_create("operations");
	tcase_add_loop_test(t, test_route, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(t, test_table);
	tcase_add_test(t, test_refusals);
	tcase_add_test(t, test_handle_without_store);
	return t;
}
