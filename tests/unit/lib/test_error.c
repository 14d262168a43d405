#include "lib/error.h"

#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"
#include "tests/unit/lib/suites.h"

START_TEST(test_fill)
{
	struct error e = {.retry_after_sec = 7, .pointer = "/old"};

	ck_assert_int_eq(fail(&e, E_BAD_CSR, "%d bytes are %s", 12, "too few"), -1);
	ck_assert_int_eq(e.code, E_BAD_CSR);
	ck_assert_str_eq(e.detail, "12 bytes are too few");
	ck_assert_str_eq(e.pointer, "");
	ck_assert_uint_eq(e.retry_after_sec, 0);
	ck_assert_int_eq(fail_at(&e, E_BAD_VALUE, "/data/attributes/cn", "wants a text"), -1);
	ck_assert_str_eq(e.pointer, "/data/attributes/cn");
	ck_assert_int_eq(fail_at(&e, E_CONFLICT, e.pointer, "again"), -1);
	ck_assert_str_eq(e.pointer, "/data/attributes/cn");
}
END_TEST

START_TEST(test_hostile_text)
{
	struct error e;
	char text[1000];

	fail(&e, E_MALFORMED, "a%sb", "\n\x1b[2J\x7f\xc2\x9b\xff\xe2\x80\xae");
	ck_assert_str_eq(e.detail, "a??[2J???????b");
	/* the cut falls into a character of two bytes */
	memset(text, 'x', sizeof(text));
	text[sizeof(e.detail) - 2] = '\xc3';
	text[sizeof(e.detail) - 1] = '\xa4';
	text[sizeof(text) - 1] = '\0';
	fail(&e, E_MALFORMED, "%s", text);
	ck_assert_uint_eq(strlen(e.detail), sizeof(e.detail) - 2);
	ck_assert(utf8_valid(e.detail, strlen(e.detail)));
	ck_assert_ptr_null(strchr(e.detail, '?'));
	fail_at(&e, E_MALFORMED, text, "x");
	ck_assert_uint_eq(strlen(e.pointer), sizeof(e.pointer) - 1);
}
END_TEST

static const char *
value(const struct error *e, unsigned i)
{
	static char text[sizeof(e->detail)];

	snprintf(text, sizeof(text), "%.*s", (int)e->values[i].len, e->detail + e->values[i].at);
	return text;
}

START_TEST(test_values)
{
	struct error e;
	char text[1000];

	fail(&e, E_BAD_VALUE, "%s is longer than %zu bytes: 100%%, %.3s, %*d", "cn", (size_t)64, "abcdef", 4, 7);
	ck_assert_str_eq(e.detail, "cn is longer than 64 bytes: 100%, abc,    7");
	ck_assert_uint_eq(e.n_values, 4);
	ck_assert_str_eq(value(&e, 0), "cn");
	ck_assert_str_eq(value(&e, 1), "64");
	ck_assert_str_eq(value(&e, 2), "abc");
	ck_assert_str_eq(value(&e, 3), "   7");
	fail(&e, E_BAD_VALUE, "nothing in it");
	ck_assert_uint_eq(e.n_values, 0);
	fail(&e, E_BAD_VALUE, "%s%s", "", "\x03x\x02y");
	ck_assert_uint_le(e.n_values, ERROR_VALUES);
	for (unsigned i = 0; i < e.n_values; i++)
		ck_assert_uint_le(e.values[i].at + (size_t)e.values[i].len, strlen(e.detail));
	fail(&e, E_BAD_VALUE, "%d%d%d%d%d%d%d%d%d%d", 1, 2, 3, 4, 5, 6, 7, 8, 9, 0);
	ck_assert_str_eq(e.detail, "1234567890");
	ck_assert_uint_eq(e.n_values, ERROR_VALUES);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fail(&e, E_BAD_VALUE, "%d is %s", 1, text);
	ck_assert_uint_eq(strlen(e.detail), sizeof(e.detail) - 1);
	ck_assert_uint_eq(e.n_values, 0);
}
END_TEST

START_TEST(test_rows)
{
	ck_assert_str_eq(error_name(E_BAD_CSR), "bad_csr");
	ck_assert_int_eq(error_http_status(E_NOT_FOUND), 404);
	for (int i = 0; i < E_COUNT; i++) {
		ck_assert_ptr_nonnull(error_name((enum error_code)i));
		ck_assert_ptr_nonnull(error_title((enum error_code)i));
		ck_assert_int_ge(error_http_status((enum error_code)i), 200);
	}
	ck_assert_str_eq(error_name((enum error_code)9999), "internal");
	ck_assert_int_eq(error_http_status((enum error_code)-1), 500);
}
END_TEST

TCase *
tcase_error(void)
{
	TCase *t = tcase_create("error");

	tcase_add_test(t, test_fill);
	tcase_add_test(t, test_hostile_text);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_rows);
	return t;
}
