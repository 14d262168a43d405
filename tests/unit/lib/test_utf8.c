#include "lib/utf8.h"

#include <string.h>

#include "lib/mem.h"
#include "tests/unit/lib/suites.h"

static const char *const good[] = {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbd", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
static const char *const bad[] = {
	"\x80",             /* a byte that only continues */
	"\xc0\x80",         /* overlong NUL */
	"\xc1\xbf",         /* overlong */
	"\xe0\x9f\xbf",     /* overlong */
	"\xf0\x8f\xbf\xbf", /* overlong */
	"\xed\xa0\x80",     /* surrogate */
	"\xf4\x90\x80\x80", /* beyond U+10FFFF */
	"\xf8\x88\x80\x80\x80",
	"\xff",
	"\xc3",
	"\xe2\x82",
	"\xc3(",
};

START_TEST(test_valid)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(utf8_valid(good[i], strlen(good[i])), "good %zu", i);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!utf8_valid(bad[i], strlen(bad[i])), "bad %zu", i);
}
END_TEST

START_TEST(test_printable)
{
	static const char *const marks[] = {"\n", "\x1b", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6", "\xd8\x9c", ""};
	uint32_t point = 0;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		ck_assert_uint_eq(utf8_printable((const uint8_t *)marks[i], strlen(marks[i])), 0);
	ck_assert_uint_eq(utf8_printable((const uint8_t *)"\xe2\x82\xac", 3), 3);
	ck_assert_uint_eq(utf8_next((const uint8_t *)"\xe2\x82\xac", 3, &point), 3);
	ck_assert_uint_eq(point, 0x20ac);
}
END_TEST

START_TEST(test_whole)
{
	ck_assert_uint_eq(utf8_whole("ab\xe2\x82", 4), 2);
	ck_assert_uint_eq(utf8_whole("ab\xe2\x82\xac", 5), 5);
	ck_assert_uint_eq(utf8_whole("ab", 2), 2);
	ck_assert_uint_eq(utf8_whole("", 0), 0);
	ck_assert_uint_eq(utf8_whole("\xf0", 1), 0);
}
END_TEST

TCase *
tcase_utf8(void)
{
	TCase *t = tcase_create("utf8");

	tcase_add_test(t, test_valid);
	tcase_add_test(t, test_printable);
	tcase_add_test(t, test_whole);
	return t;
}
