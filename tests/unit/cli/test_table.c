#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/cli/suites.h"

static const char *const headings[] = {"NAME", "STATE", "N"};

/* What table_print() writes; the caller frees. */
static char *
printed(const struct table *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	table_print(t, f);
	fclose(f);
	return text;
}

START_TEST(test_aligned)
{
	struct arena *a = arena_new(1 << 20);
	struct table *t = table_new(a, headings, 3);
	char cell[] = "temporary";
	char *text;

	table_row(t, (const char *[]){"a", "on", "1"});
	table_row(t, (const char *[]){"long name", NULL, "12"});
	table_row(t, (const char *[]){cell, "off", NULL});
	table_row(t, (const char *[]){"alone", "", ""});
	memset(cell, 'x', sizeof(cell) - 1); /* cells are copied */
	text = printed(t);
	ck_assert_str_eq(text, "NAME       STATE  N\n"
	                       "a          on     1\n"
	                       "long name         12\n"
	                       "temporary  off\n"
	                       "alone\n");
	free(text);
	arena_free(a);
}
END_TEST

START_TEST(test_width)
{
	struct arena *a = arena_new(1 << 20);
	struct table *t = table_new(a, headings, 3);
	char *text;

	ck_assert_uint_eq(text_width("abc"), 3);
	ck_assert_uint_eq(text_width("\xc3\xa4"), 1);
	ck_assert_uint_eq(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide characters */
	ck_assert_uint_eq(text_width("e\xcc\x81"), 1);                /* a letter and a mark upon it */
	ck_assert_uint_eq(text_width(""), 0);
	table_row(t, (const char *[]){"\xc3\xa4", "x", "1"});
	table_row(t, (const char *[]){"\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5", "x", "1"});
	text = printed(t);
	ck_assert_str_eq(text, "NAME    STATE  N\n"
	                       "\xc3\xa4       x      1\n"
	                       "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5  x      1\n");
	free(text);
	arena_free(a);
}
END_TEST

START_TEST(test_hostile)
{
	struct arena *a = arena_new(1 << 20);
	struct table *t = table_new(a, headings, 3);
	char *text;

	table_row(t, (const char *[]){"\x1b[2J\n\r\t", "\xff\xc2\x9b", "\xe2\x80\xaegpj"});
	text = printed(t);
	ck_assert_ptr_nonnull(strstr(text, "\\x1b[2J\\x0a\\x0d\\x09  \\xff\\xc2\\x9b  \\xe2\\x80\\xaegpj\n"));
	for (const char *p = text; *p; p++)
		ck_assert(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	free(text);
	arena_free(a);
}
END_TEST

START_TEST(test_empty)
{
	struct arena *a = arena_new(1 << 20);
	char *text = printed(table_new(a, headings, 3));

	ck_assert_str_eq(text, "none\n");
	free(text);
	arena_free(a);
}
END_TEST

TCase *
tcase_table(void)
{
	TCase *t = tcase_create("table");

	tcase_add_test(t, test_aligned);
	tcase_add_test(t, test_width);
	tcase_add_test(t, test_hostile);
	tcase_add_test(t, test_empty);
	return t;
}
