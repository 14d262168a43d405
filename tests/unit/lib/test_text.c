#include "lib/text.h"

#include <string.h>

#include "tests/unit/lib/suites.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1 << 20);
}

static void
teardown(void)
{
	arena_free(arena);
}

START_TEST(test_base64url)
{
	/* RFC 4648 10, without padding */
	static const char *const known[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"},
	                                       {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "__4"}, {"\xfb\xef\xbe", "----"}};
	static const char *const wrong[] = {"A", "AAAAA", "AB", "AAB", "Zg==", "Zm8=", "Zm+v", "Zm/v", "Zm 9", "Zm9v\n", "\xc3\xa4\xc3\xa4"};
	struct bytes out;
	struct error e;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct bytes in = {(const uint8_t *)known[i][0], strlen(known[i][0])};
		ck_assert_str_eq(base64url_encode(arena, in), known[i][1]);
		ck_assert_uint_eq(BASE64URL_BYTES(in.len), strlen(known[i][1]) + 1);
		ck_assert_int_eq(base64url_decode(arena, known[i][1], strlen(known[i][1]), "x", &out, &e), 0);
		ck_assert_uint_eq(out.len, in.len);
		ck_assert_mem_eq(out.data, in.data, in.len);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		ck_assert_msg(base64url_decode(arena, wrong[i], strlen(wrong[i]), "thing", &out, &e) < 0, "%s", wrong[i]);
		ck_assert_int_eq(e.code, E_MALFORMED);
		ck_assert_int_eq(strncmp(e.detail, "thing: ", 7), 0);
	}
	ck_assert(base64url_decode(arena, "Zm9v\0A", 6, "x", &out, &e) < 0);
}
END_TEST

/* All lengths and all octets; the caller's memory is written to its end and no further. */
START_TEST(test_base64url_lengths)
{
	uint8_t in[256];
	char text[BASE64URL_BYTES(sizeof(in)) + 1];
	struct bytes out;
	struct error e;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 167 + 13);
	for (size_t len = 0; len <= sizeof(in); len++) {
		memset(text, 'x', sizeof(text));
		base64url_put((struct bytes){in, len}, text);
		ck_assert_uint_eq(strlen(text) + 1, BASE64URL_BYTES(len));
		ck_assert_int_eq(text[BASE64URL_BYTES(len)], 'x');
		ck_assert_int_eq(base64url_decode(arena, text, strlen(text), "x", &out, &e), 0);
		ck_assert_uint_eq(out.len, len);
		ck_assert_mem_eq(out.data, in, len);
	}
}
END_TEST

START_TEST(test_time)
{
	static const struct {
		int64_t at;
		const char *text;
	} rows[] = {{0, "1970-01-01T00:00:00Z"}, {-1, "1969-12-31T23:59:59Z"}, {951782399, "2000-02-28T23:59:59Z"}, {951782400, "2000-02-29T00:00:00Z"},
	            {4102444799, "2099-12-31T23:59:59Z"}, {253402300799, "9999-12-31T23:59:59Z"}, {253402300800, ""}, {INT64_MAX, ""}, {INT64_MIN, ""},
	            {-62135596800, ""}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[TIME_TEXT_BYTES];
		ck_assert_str_eq(time_text(rows[i].at, text), rows[i].text);
	}
}
END_TEST

START_TEST(test_words)
{
	static const struct {
		const char *text, *words;
	} rows[] = {{"", ""}, {",", ""}, {",,,", ""}, {"a", "a|"}, {"a,b", "a|b|"}, {",a,,bc,", "a|bc|"}, {"a b,c", "a b|c|"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[32] = "";
		const char *text = rows[i].text, *word;
		size_t len;
		while (words_next(&text, &word, &len)) {
			strncat(got, word, len);
			strcat(got, "|");
		}
		ck_assert_str_eq(got, rows[i].words);
		ck_assert(!words_next(&text, &word, &len));
	}
}
END_TEST

TCase *
tcase_text(void)
{
	TCase *t = tcase_create("text");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_base64url);
	tcase_add_test(t, test_base64url_lengths);
	tcase_add_test(t, test_time);
	tcase_add_test(t, test_words);
	return t;
}
