#include "lib/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lib/suites.h"

START_TEST(test_defaults)
{
	struct config *c;
	struct error e;

	ck_assert_int_eq(config_load(test_file("conf", "", 0, 0600), &c, &e), 0);
	ck_assert_str_eq(config_str(c, OPT_log_level), "info");
	ck_assert_int_eq(config_int(c, OPT_database_port), 5432);
	ck_assert_str_eq(config_str(c, OPT_ca_pin_file), "");
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *row = &option_table[i];

		ck_assert_str_eq(config_str(c, (enum option_id)i), row->def);
		if (row->type == OPTION_INT) {
			ck_assert_int_ge(config_int(c, (enum option_id)i), row->min);
			ck_assert_int_le(config_int(c, (enum option_id)i), row->max);
		}
	}
	config_free(c);
	config_free(NULL);
}
END_TEST

START_TEST(test_values)
{
	static const char text[] = "\xef\xbb\xbf# comment\n; other\n\n[ca]\r\nworkers = 8\npin_file=/run/pin ; said here\n"
				   "[instance]\nname = B\xc3\xa4r \n[ca]\nlanes: 2\nmaster_key_file =\n[va]";
	struct config *c;
	struct error e = {0};

	ck_assert_msg(config_load(test_file("conf", text, sizeof(text) - 1, 0600), &c, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(config_int(c, OPT_ca_workers), 8);
	ck_assert_int_eq(config_int(c, OPT_ca_lanes), 2);
	ck_assert_str_eq(config_str(c, OPT_ca_pin_file), "/run/pin");
	ck_assert_str_eq(config_str(c, OPT_instance_name), "B\xc3\xa4r");
	ck_assert_str_eq(config_str(c, OPT_ca_master_key_file), "");
	config_free(c);
}
END_TEST

/* A text goes on in lines that begin with a blank. */
START_TEST(test_long)
{
	static const char text[] = "[ca]\ntokens = pkcs11:one\n\tpkcs11:two\n  pkcs11:three\nworkers = 3\n";
	struct config *c;
	struct error e = {0};

	ck_assert_msg(config_load(test_file("conf", text, sizeof(text) - 1, 0600), &c, &e) == 0, "%s", e.detail);
	ck_assert_str_eq(config_str(c, OPT_ca_tokens), "pkcs11:one pkcs11:two pkcs11:three");
	ck_assert_int_eq(config_int(c, OPT_ca_workers), 3);
	config_free(c);
}
END_TEST

static const struct {
	const char *text, *wanted;
} mistakes[] = {
	{"[ca]\nworkers = 1\n 2\n", ":3: \"workers\" in [ca] is given twice"},
	{"[ca]\n\nworkers = 1\nworkers = 2\n", ":4: \"workers\" in [ca] is given twice"},
	{"[ca]\nworkers = 1\n[va]\n[ca]\nworkers = 1\n", ":5: \"workers\" in [ca] is given twice"},
	{"[ca]\nworkers = 1\n  2\n", ":3: "}, /* inih would take an indented line as more of the value */
	{"[ca]\nworker = 1\n", ":2: there is no option \"worker\" in [ca]"},
	{"\n[cb]\nworkers = 1\n", ":2: there is no section [cb]"},
	{"[cb]\n", ":1: there is no section [cb]"},
	{"workers = 1\n", ":1: \"workers\" stands before the first [section]"},
	{"[ca]\nworkers = 65\n", ":2: \"workers\" wants a whole number from 0 to 64"},
	{"[ca]\nworkers = -1\n", ":2: "},
	{"[ca]\nworkers =\n", ":2: "},
	{"[ca]\nworkers = 1x\n", ":2: "},
	{"[ca]\nworkers = 0x10\n", ":2: "},
	{"[ca]\nworkers = +1\n", ":2: "},
	{"[ca]\nworkers = 99999999999999999999\n", ":2: "},
	{"[ca]\npin_file = run/pin\n", ":2: \"pin_file\" wants an absolute path"},
	{"[ca]\nkey_dir =\n", ":2: \"key_dir\" wants an absolute path"},
	{"[ca]\nnonsense\n", ":2: "},
	{"[ca\nworkers = 1\n", ":1: "},
};

START_TEST(test_mistakes)
{
	const char *text = mistakes[_i].text;
	struct config *c = NULL;
	struct error e = {0};

	ck_assert_int_eq(config_load(test_file("conf", text, strlen(text), 0600), &c, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(e.detail, mistakes[_i].wanted) != NULL, "%s", e.detail);
	ck_assert_ptr_eq(strstr(e.detail, test_dir()), e.detail);
}
END_TEST

START_TEST(test_broken_lines)
{
	struct config *c = NULL;
	struct error e;
	char text[600];

	ck_assert_int_eq(config_load(test_file("conf", "[ca]\nworkers = 1\0\n", 18, 0600), &c, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.detail, ":2: the line holds a NUL"));
	memset(text, 'x', sizeof(text));
	memcpy(text, "[instance]\nname = ", 18);
	ck_assert_int_eq(config_load(test_file("conf", text, sizeof(text), 0600), &c, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.detail, ":2: the line is longer than"));
	ck_assert_int_eq(config_load("/nonexistent/siegel.conf", &c, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_int_eq(config_load(test_dir(), &c, &e), -1);
	ck_assert_ptr_null(c);
}
END_TEST

TCase *
tcase_config(void)
{
	TCase *t = tcase_create("config");

	tcase_add_test(t, test_defaults);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_long);
	tcase_add_loop_test(t, test_mistakes, 0, (int)ARRAY_LEN(mistakes));
	tcase_add_test(t, test_broken_lines);
	return t;
}
