/* JSON:API documents, media types, error objects, the writer. */
#include "api/jsonapi.h"

#include <stdio.h>

#include "tests/unit/api/suites.h"

static enum error_code
parse(const char *text, const char **ret_pointer)
{
	static struct error e;
	struct document d = {0};

	e = (struct error){0};
	if (document_parse(BYTES_STR(text), "cert_server", &d, &e) == 0)
		document_free(&d);
	if (ret_pointer)
		*ret_pointer = e.pointer;
	return e.code;
}

START_TEST(test_parse)
{
	static const struct {
		const char *text;
		enum error_code code;
		const char *pointer;
	} cases[] = {
		{"{ \"data\": { \"type\": \"cert_server\", \"attributes\": { \"cn\": \"Certificate\", \"cert_days\": 3650 } } }", E_NONE, ""},
		{"{\"data\":{\"type\":\"cert_server\"},\"jsonapi\":{\"version\":\"1.1\"},\"meta\":{}}", E_NONE, ""},
		{"", E_MALFORMED, ""},
		{"{", E_MALFORMED, ""},
		{"[]", E_MALFORMED, ""},
		{"null", E_MALFORMED, ""},
		{"{}", E_MALFORMED, "/data"},
		{"{\"data\":[]}", E_MALFORMED, "/data"},
		{"{\"data\":{}}", E_MALFORMED, "/data"},
		{"{\"data\":{\"type\":7}}", E_MALFORMED, "/data"},
		{"{\"data\":{\"type\":\"cert_client\"}}", E_CONFLICT, "/data/type"},
		{"{\"data\":{\"type\":\"cert_server\",\"id\":\"1\"}}", E_FORBIDDEN, "/data/id"},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":[]}}", E_MALFORMED, "/data/attributes"},
		{"{\"data\":{\"type\":\"cert_server\",\"relationships\":{}}}", E_UNSUPPORTED, "/data/relationships"},
		{"{\"data\":{\"type\":\"cert_server\"}} x", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\"}}{}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"type\":\"cert_server\"}}", E_MALFORMED, ""},
		{"\xef\xbb\xbf{\"data\":{\"type\":\"cert_server\"}}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":{\"cert_days\":NaN}}}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":{\"cert_days\":1e999}}}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":{\"cert_days\":99999999999999999999}}}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":{\"cn\":\"\\ud800\"}}}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":{\"cn\":\"a\\u0000b\"}}}", E_MALFORMED, ""},
		{"{\"data\":{\"type\":\"cert_server\",\"attributes\":{\"cn\":\"\xff\"}}}", E_MALFORMED, ""},
	};
	const char *pointer;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(parse(cases[i].text, &pointer) == cases[i].code, "case %zu: %s", i, cases[i].text);
		ck_assert_str_eq(pointer, cases[i].pointer);
	}
}
END_TEST

START_TEST(test_depth)
{
	char text[20001];

	memset(text, '[', 10000);
	text[10000] = '\0';
	ck_assert_int_eq(parse(text, NULL), E_MALFORMED);
	memset(text, '{', 10000);
	ck_assert_int_eq(parse(text, NULL), E_MALFORMED);
	/* Brackets within strings don't nest. */
	ck_assert_int_eq(parse("{\"data\":{\"type\":\"cert_server\",\"meta\":\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}}", NULL), E_NONE);
}
END_TEST

START_TEST(test_values)
{
	struct document d = {0};
	const char *s, *text = "{\"data\":{\"type\":\"t\",\"attributes\":{\"s\":\"abc\",\"n\":7,\"r\":1.5,\"none\":null,\"empty\":\"\"}}}";
	struct error e = {0};
	int64_t n;

	ck_assert_int_eq(document_parse(BYTES_STR(text), "t", &d, &e), 0);
	ck_assert_int_eq(document_text(&d, "s", 3, &s, &e), 0);
	ck_assert_str_eq(s, "abc");
	ck_assert_int_eq(document_text(&d, "s", 2, &s, &e), -1);
	ck_assert_str_eq(e.pointer, "/data/attributes/s");
	ck_assert_int_eq(document_text(&d, "none", 2, &s, &e), 0);
	ck_assert_ptr_null(s);
	ck_assert_int_eq(document_text(&d, "absent", 2, &s, &e), 0);
	ck_assert_int_eq(document_text(&d, "empty", 2, &s, &e), -1);
	ck_assert_int_eq(document_text(&d, "n", 2, &s, &e), -1);
	ck_assert_int_eq(document_int(&d, "n", 1, 7, &n, &e), 0);
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(document_int(&d, "n", 8, 9, &n, &e), -1);
	ck_assert_int_eq(document_int(&d, "r", 1, 9, &n, &e), -1);
	ck_assert_int_eq(document_int(&d, "s", 1, 9, &n, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	document_free(&d);
}
END_TEST

static enum error_code
media(const char *content_type, const char *accept)
{
	struct http_header h[2];
	struct http_request r = {.method = "POST", .headers = h, .body = BYTES_STR("{}"), .arena = test_arena};
	struct error e = {0};

	if (content_type)
		h[r.n_headers++] = (struct http_header){"Content-Type", content_type};
	if (accept)
		h[r.n_headers++] = (struct http_header){"Accept", accept};
	return jsonapi_check_media(&r, false, &e) ? e.code : E_NONE;
}

START_TEST(test_media)
{
	static const char *const good_types[] = {"application/vnd.api+json", "Application/Vnd.Api+JSON", "application/vnd.api+json;profile=\"http://a/b,c\""};
	static const char *const bad_types[] = {
		"application/vnd.api+json; charset=utf-8", "application/json", "text/plain", "multipart/form-data; boundary=x", "",
		"application/vnd.api+json; ext=\"http://x\"", "application/vnd.api+json, text/plain", "application/vnd.api+json;",
	};
	static const char *const good_accepts[] = {
		"application/vnd.api+json", "*/*", "text/html, */*;q=0.1", "application/*", "application/json",
		"application/vnd.api+json; charset=utf-8, application/vnd.api+json", "application/vnd.api+json;q=0.5",
		"application/vnd.api+json; profile=\"http://x\"",
	};
	static const char *const bad_accepts[] = {
		"text/html", "application/vnd.api+json; charset=utf-8", "application/vnd.api+json; ext=\"http://x\"", "application/xml",
		"application/vnd.api+json;q=0",
	};

	for (size_t i = 0; i < ARRAY_LEN(good_types); i++)
		ck_assert_msg(media(good_types[i], NULL) == E_NONE, "%s", good_types[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_types); i++)
		ck_assert_msg(media(bad_types[i], NULL) == E_MEDIA_TYPE, "%s", bad_types[i]);
	ck_assert_int_eq(media(NULL, NULL), E_MEDIA_TYPE);
	for (size_t i = 0; i < ARRAY_LEN(good_accepts); i++)
		ck_assert_msg(media(good_types[0], good_accepts[i]) == E_NONE, "%s", good_accepts[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_accepts); i++)
		ck_assert_msg(media(good_types[0], bad_accepts[i]) == E_NOT_ACCEPTABLE, "%s", bad_accepts[i]);
}
END_TEST

START_TEST(test_errors)
{
	static const char *const pointers[] = {"/data/attributes/cn", "?sort", ":Accept"};
	static const char *const members[] = {"\"source\":{\"pointer\":\"/data/attributes/cn\"}", "\"source\":{\"parameter\":\"sort\"}",
	                                      "\"source\":{\"header\":\"Accept\"}"};
	struct http_request r = {.arena = test_arena, .request_id = "0011223344556677"};

	for (size_t i = 0; i < ARRAY_LEN(pointers); i++) {
		struct http_answer a = {0};
		struct error e;
		char *text;

		(void)fail_at(&e, E_BAD_VALUE, pointers[i], "a \"quoted\" %s", "name");
		e.retry_after_sec = 7;
		jsonapi_error_answer(&r, &e, &a);
		text = arena_strndup(test_arena, (const char *)a.body.data, a.body.len);
		ck_assert_int_eq(a.status, 422);
		ck_assert_str_eq(a.content_type, "application/vnd.api+json");
		ck_assert_ptr_nonnull(strstr(text, members[i]));
		ck_assert_ptr_nonnull(strstr(text, "\"id\":\"0011223344556677\",\"status\":\"422\",\"code\":\"bad_value\""));
		ck_assert_ptr_nonnull(strstr(text, "\"detail\":\"a \\\"quoted\\\" name\""));
		ck_assert_str_eq(a.headers[0].name, "Retry-After");
		ck_assert_str_eq(a.headers[0].value, "7");
	}
}
END_TEST

START_TEST(test_writer)
{
	JSON_CLEANUP struct json j = JSON_INIT(1000);
	json_t *back;

	jw_open(&j, NULL);
	jw_text(&j, "t", "a\"b\\c\nd\x01\x7f\xc3\xa9");
	jw_int(&j, "i", -9);
	jw_bool(&j, "b", true);
	jw_null(&j, "n");
	jw_time(&j, "at", 1767225599);
	jw_open_array(&j, "l");
	jw_text(&j, NULL, "x");
	jw_open(&j, NULL);
	jw_close(&j);
	jw_close_array(&j);
	jw_raw(&j, "r", "{\"a\":1}");
	jw_close(&j);
	back = json_loadb((const char *)j.out.data, j.out.len, 0, NULL);
	ck_assert_ptr_nonnull(back);
	ck_assert_str_eq(json_string_value(json_object_get(back, "t")), "a\"b\\c\nd\x01\x7f\xc3\xa9");
	ck_assert_str_eq(json_string_value(json_object_get(back, "at")), "2025-12-31T23:59:59Z");
	ck_assert_int_eq(json_integer_value(json_object_get(back, "i")), -9);
	ck_assert_uint_eq(json_array_size(json_object_get(back, "l")), 2);
	json_decref(back);
}
END_TEST

TCase *
tcase_document(void)
{
	TCase *t = tcase_create("document");

	tcase_add_checked_fixture(t, test_arena_begin, test_arena_end);
	tcase_add_test(t, test_parse);
	tcase_add_test(t, test_depth);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_media);
	tcase_add_test(t, test_errors);
	tcase_add_test(t, test_writer);
	return t;
}
