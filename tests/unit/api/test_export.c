/* Cells of CSV. */
#include "api/export.h"

#include "lib/buf.h"
#include "tests/unit/api/suites.h"

static const struct {
	const char *text, *cell;
} cases[] = {
	{"", "\"\""}, {"a", "\"a\""}, {"a,b;c", "\"a,b;c\""}, {"say \"x\"", "\"say \"\"x\"\"\""}, {"two\nlines", "\"two\nlines\""},
	/* what a spreadsheet would take for a formula */
	{"=1+1", "\"'=1+1\""}, {"+1", "\"'+1\""}, {"-1", "\"'-1\""}, {"@SUM(1)", "\"'@SUM(1)\""}, {"\t=1", "\"'\t=1\""}, {"\r=1", "\"'\r=1\""},
	{"\n=1", "\"'\n=1\""}, {"  =1", "\"'  =1\""}, {"\xEF\xBC\x9D" "1", "\"'\xEF\xBC\x9D" "1\""}, {"\xEF\xBC\xA0x", "\"'\xEF\xBC\xA0x\""},
	{"1=1", "\"1=1\""}, {"a-b", "\"a-b\""},
	/* the same where a cell begins for programs that separate lists by semicolons */
	{"a;=1+1;b", "\"a;'=1+1;b\""}, {"a; =1", "\"a;' =1\""}, {"a;\"=1", "\"a;'\"\"=1\""}, {"a\\;-1", "\"a\\;'-1\""},
	{"a\n-----END", "\"a\n-----END\""},
	/* what a terminal would obey */
	{"\x1b[2J", "\"\xEF\xBF\xBD[2J\""}, {"a\x7f", "\"a\xEF\xBF\xBD\""},
};

START_TEST(test_cells)
{
	BUF_CLEANUP struct buf b = BUF_INIT(256);

	export_csv_cell(&b, cases[_i].text);
	buf_add_byte(&b, 0);
	ck_assert_str_eq((const char *)b.data, cases[_i].cell);
}
END_TEST

/* Who takes a page drop by drop gets no further than who waits for the next one. */
START_TEST(test_time_is_over)
{
	struct export_made made = {.out = BUF_INIT(256), .until = time(NULL) + 60};
	struct error e;
	uint8_t to[4];

	buf_add_str(&made.out, "abcdefghij");
	ck_assert_int_eq(export_give(&made, to, sizeof to, &e), 4);
	ck_assert_mem_eq(to, "abcd", 4);
	made.until = time(NULL) - 1;
	ck_assert_int_eq(export_give(&made, to, sizeof to, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	made.until = time(NULL) + 60;
	ck_assert_int_eq(export_give(&made, to, sizeof to, &e), 4);
	ck_assert_int_eq(export_give(&made, to, sizeof to, &e), 2);
	ck_assert_mem_eq(to, "ij", 2);
	ck_assert_int_eq(export_give(&made, to, sizeof to, &e), 0);
	buf_free(&made.out);
}
END_TEST

TCase *
tcase_export(void)
{
	TCase *t = tcase_create("export");

	tcase_add_loop_test(t, test_cells, 0, ARRAY_LEN(cases));
	tcase_add_test(t, test_time_is_over);
	return t;
}
