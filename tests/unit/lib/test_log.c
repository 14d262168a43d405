#include "lib/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/limits.h"
#include "lib/utf8.h"
#include "tests/unit/lib/suites.h"

static char text[65536];
static int saved;

/* Between begin() and end() standard error goes into text. */
static void
begin(void)
{
	const char *path = test_file("log", "", 0, 0600);
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);

	fflush(stderr);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	close(fd);
}

static void
end(void)
{
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	dup2(saved, STDERR_FILENO);
	close(saved);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
}

START_TEST(test_line)
{
	unsetenv("JOURNAL_STREAM");
	log_open("ca", LOG_LEVEL_INFO);
	begin();
	log_event(LOG_LEVEL_INFO, "certificate issued", "serial", "0a", "profile", NULL, NULL);
	log_event(LOG_LEVEL_DEBUG, "unseen", NULL);
	end();
	ck_assert_ptr_eq(strstr(text, "time=\""), text);
	ck_assert_ptr_nonnull(strstr(text, " level=\"info\" process=\"ca\" "));
	ck_assert_ptr_nonnull(strstr(text, " event=\"certificate issued\" serial=\"0a\" profile=-\n"));
	ck_assert_ptr_null(strstr(text, "unseen"));
}
END_TEST

START_TEST(test_journal)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open("ca", LOG_LEVEL_DEBUG);
	unsetenv("JOURNAL_STREAM");
	begin();
	log_event(LOG_LEVEL_WARNING, "slow", "ms", "12", NULL);
	end();
	ck_assert_str_eq(text, "<4>ca: event=\"slow\" ms=\"12\"\n");
}
END_TEST

START_TEST(test_hostile)
{
	log_open("ca", LOG_LEVEL_INFO);
	begin();
	log_event(LOG_LEVEL_INFO, "x", "v", "a\" b=\"\\\n\r\x1b\xff\xc3\xa4\xe2\x80\xae", NULL);
	end();
	ck_assert_ptr_nonnull(strstr(text, "v=\"a\\\" b=\\\"\\\\\\x0a\\x0d\\x1b\\xff\xc3\xa4\\xe2\\x80\\xae\"\n"));
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

START_TEST(test_cut)
{
	char value[LIMIT_LOG_VALUE + 10];
	const char *found;

	memset(value, 'y', sizeof(value));
	value[LIMIT_LOG_VALUE - 1] = '\xc3';
	value[LIMIT_LOG_VALUE] = '\xa4';
	value[sizeof(value) - 1] = '\0';
	log_open("ca", LOG_LEVEL_INFO);
	begin();
	log_event(LOG_LEVEL_INFO, "x", "v", value, NULL);
	end();
	found = strstr(text, "v=\"");
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(strspn(found + 3, "y"), LIMIT_LOG_VALUE - 1);
	ck_assert_str_eq(found + 3 + LIMIT_LOG_VALUE - 1, "...\"\n");
}
END_TEST

/* Many values of bytes that each need four: the line stays whole and ends. */
START_TEST(test_too_many)
{
	char value[LIMIT_LOG_VALUE + 1];

	memset(value, '\x01', sizeof(value));
	value[LIMIT_LOG_VALUE] = '\0';
	log_open("ca", LOG_LEVEL_INFO);
	begin();
	log_event(LOG_LEVEL_INFO, "x", "a", value, "b", value, "c", value, "d", value, "e", value, "f", value, "g", value, "h", value,
	          "i", value, NULL);
	end();
	ck_assert_ptr_nonnull(strstr(text, " g=\""));
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	ck_assert_int_eq(text[strlen(text) - 2], '"');
}
END_TEST

START_TEST(test_error_line)
{
	struct error e;

	fail_at(&e, E_POLICY, "/data/attributes/cn", "not allowed");
	log_open("api", LOG_LEVEL_INFO);
	begin();
	log_error(LOG_LEVEL_INFO, "refused", &e);
	end();
	ck_assert_ptr_nonnull(strstr(text, " code=\"policy\" pointer=\"/data/attributes/cn\" detail=\"not allowed\"\n"));
}
END_TEST

START_TEST(test_levels)
{
	ck_assert_int_eq(log_level_parse("error"), LOG_LEVEL_ERROR);
	ck_assert_int_eq(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	ck_assert_int_eq(log_level_parse("loud"), -1);
	ck_assert_int_eq(log_level_parse(""), -1);
}
END_TEST

TCase *
tcase_log(void)
{
	TCase *t = tcase_create("log");

	tcase_add_test(t, test_line);
	tcase_add_test(t, test_journal);
	tcase_add_test(t, test_hostile);
	tcase_add_test(t, test_cut);
	tcase_add_test(t, test_too_many);
	tcase_add_test(t, test_error_line);
	tcase_add_test(t, test_levels);
	return t;
}
