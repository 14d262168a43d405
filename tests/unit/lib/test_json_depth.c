#include "lib/json_depth.h"

#include "tests/unit/lib/suites.h"

START_TEST(test_depth)
{
	static const struct {
		const char *text;
		int depth;
	} rows[] = {
	    {"", 0}, {"1", 0}, {"{}", 1}, {"[[]]", 2}, {"[{\"a\":[1]}]", 3}, {"[[],[],[]]", 2}, {"[[[", 3},
	    {"[\"[[[\"]", 1}, {"[\"\\\"[[\"]", 1}, {"[\"\\\\\",[[]]]", 3}, {"\"[", 0}, {"\"\\", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(!json_is_deeper(BYTES_STR(rows[i].text), rows[i].depth), "%s", rows[i].text);
		if (rows[i].depth > 0)
			ck_assert_msg(json_is_deeper(BYTES_STR(rows[i].text), rows[i].depth - 1), "%s", rows[i].text);
	}
}
END_TEST

TCase *
tcase_json_depth(void)
{
	TCase *t = tcase_create("json_depth");

	tcase_add_test(t, test_depth);
	return t;
}
