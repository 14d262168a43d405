#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/unit/cli/suites.h"

static const struct arg_spec common[] = {
	{"config", ARG_VALUE, "FILE", ""}, {"json", ARG_FLAG, NULL, ""}, {NULL, ARG_FLAG, NULL, NULL}};
static const struct arg_spec own[] = {
	{"dns", ARG_MANY, "NAME", ""}, {"days", ARG_VALUE, "N", ""}, {NULL, ARG_FLAG, NULL, NULL}};

/* Splits a line at blanks and parses it; "''" is an empty word. */
static int
parse(const char *line, struct args *ret, struct error *e)
{
	static char copy[4096];
	static char *argv[512];
	int argc = 0;

	snprintf(copy, sizeof(copy), "siegelctl %s", line);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " ")) {
		if (strcmp(p, "''") == 0)
			*p = '\0';
		argv[argc++] = p;
	}
	return args_parse(argc, argv, 1, common, own, ret, e);
}

START_TEST(test_all_kinds)
{
	struct args a;
	struct error e;
	size_t at = 0;
	long n = 0;

	ck_assert_int_eq(parse("cert --dns a --json issue --dns=b --config /c --days 7 -- --x -", &a, &e), 0);
	ck_assert_uint_eq(a.n_words, 4);
	ck_assert_str_eq(a.words[0], "cert");
	ck_assert_str_eq(a.words[1], "issue");
	ck_assert_str_eq(a.words[2], "--x");
	ck_assert_str_eq(a.words[3], "-");
	ck_assert_str_eq(args_next(&a, "dns", &at), "a");
	ck_assert_str_eq(args_next(&a, "dns", &at), "b");
	ck_assert_ptr_null(args_next(&a, "dns", &at));
	ck_assert(args_has(&a, "json"));
	ck_assert(!args_has(&a, "jso"));
	ck_assert_str_eq(args_get(&a, "config"), "/c");
	ck_assert_int_eq(args_number(&a, "days", 1, 10, 3, &n, &e), 0);
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(args_number(&a, "none", 1, 10, 3, &n, &e), 0);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(parse("--config= --days '' - --json", &a, &e), 0);
	ck_assert_str_eq(args_get(&a, "config"), "");
	ck_assert_str_eq(args_get(&a, "days"), "");
	ck_assert_uint_eq(a.n_words, 1);
}
END_TEST

static const struct {
	const char *line, *why;
} refused[] = {
	{"--color", "there is no option --color here"},
	{"--dn a", "there is no option --dn here"},
	{"--jsonx", "there is no option --jsonx here"},
	{"-v", "there is no option -v here"},
	{"--days", "--days wants a value"},
	{"--json=yes", "--json takes no value"},
	{"--days 1 --days 2", "--days is given twice"},
	{"--json --json", "--json is given twice"},
	{"--=", "there is no option -- here"},
};

START_TEST(test_refused)
{
	struct args a;
	struct error e = {0};

	ck_assert_int_eq(parse(refused[_i].line, &a, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
	ck_assert_str_eq(e.detail, refused[_i].why);
}
END_TEST

START_TEST(test_too_many_options)
{
	struct args a;
	struct error e;
	char line[4000] = "";

	for (int i = 0; i < ARGS_MAX; i++)
		strcat(line, "--dns a ");
	ck_assert_int_eq(parse(line, &a, &e), 0);
	strcat(line, "--dns a");
	ck_assert_int_eq(parse(line, &a, &e), -1);
}
END_TEST

START_TEST(test_numbers)
{
	static const char *const bad[] = {"''", "x", "1x", "0", "11", "-1", "+1", "1.5", "0x1", "99999999999999999999"};
	struct args a;
	struct error e;
	char line[64];
	long n = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(line, sizeof(line), "--days %s", bad[i]);
		ck_assert_int_eq(parse(line, &a, &e), 0);
		ck_assert_int_eq(args_number(&a, "days", 1, 10, 3, &n, &e), -1);
		ck_assert_str_eq(e.detail, "--days wants a whole number from 1 to 10");
		ck_assert_int_eq(n, 77);
	}
}
END_TEST

TCase *
tcase_args(void)
{
	TCase *t = tcase_create("args");

	tcase_add_test(t, test_all_kinds);
	tcase_add_loop_test(t, test_refused, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(t, test_too_many_options);
	tcase_add_test(t, test_numbers);
	return t;
}
