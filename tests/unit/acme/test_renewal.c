/* Renewal information without a store: identifiers of certificates and windows (RFC 9773 4); and whose requests a limit counts together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/acme/rate_limit.h"
#include "enroll/acme/renewal_info.h"
#include "lib/limits.h"
#undef fail /* check.h has one of its own */
#include <check.h>

#define DAY INT64_C(86400)
#define BEGIN INT64_C(1800000000)

static struct arena *a;

static void
setup(void)
{
	a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
}

static void
teardown(void)
{
	arena_free(a);
}

START_TEST(test_certid)
{
	static const uint8_t number[] = {0x87, 0x65, 0x43, 0x21};
	struct bytes key_id, serial;
	struct error e;
	/* The example of RFC 9773 4.1. */
	ck_assert_int_eq(acme_certid_parse(a, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", &key_id, &serial, &e), 0);
	ck_assert_uint_eq(key_id.len, 20);
	ck_assert_uint_eq(serial.len, sizeof(number));
	ck_assert_mem_eq(serial.data, number, sizeof(number));
	ck_assert_int_eq(acme_certid_parse(a, "aQ.AQ", &key_id, &serial, &e), 0);
	ck_assert_uint_eq(serial.data[0], 1);
}
END_TEST

static const char *const bad[] = {
    "",          ".",        "aQ",          "aQ.",           ".AQ",          "aQ.AQ.",      "aQ.AQ.AQ", "aQ==.AQ",
    "aQ.AQ==",   "aQ .AQ",   "aR.AQ" /* bits behind the last octet */,       "aQ.AR",       "aQ.AA" /* 0 */,
    "aQ.AAE" /* 00 01 */,    "aQ.gA" /* -128 */,             "aQ.h2VDIQ",    "aQ.+/8",      "aQ.A",     "aQ\n.AQ",
};

START_TEST(test_certid_bad)
{
	struct bytes key_id, serial;
	struct error e;
	ck_assert_int_eq(acme_certid_parse(a, bad[_i], &key_id, &serial, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
}
END_TEST

START_TEST(test_certid_long)
{
	char text[LIMIT_ACME_CERTID_BYTES + 2];
	struct bytes key_id, serial;
	struct error e;
	memset(text, 'A', sizeof(text));
	memcpy(text, "aQ.AQ", 5);
	text[LIMIT_ACME_CERTID_BYTES - 1] = '\0'; /* 156 octets behind the dot: 117 */
	ck_assert_int_eq(acme_certid_parse(a, text, &key_id, &serial, &e), 0);
	text[LIMIT_ACME_CERTID_BYTES - 1] = 'A';
	text[LIMIT_ACME_CERTID_BYTES + 1] = '\0';
	ck_assert_int_eq(acme_certid_parse(a, text, &key_id, &serial, &e), -1);
}
END_TEST

/* Lives from seconds to ten years: always in the last third, never empty, over before the end; spread over a twelfth. */
START_TEST(test_window)
{
	static const int64_t lives[] = {60, 3600, DAY, 6 * DAY, 47 * DAY, 90 * DAY, 398 * DAY, 3650 * DAY};
	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		struct acme_renewal r = {.begins = BEGIN, .ends = BEGIN + lives[i]};
		int64_t first = INT64_MAX, last = 0;
		for (int n = 0; n < 500; n++) {
			struct bytes serial = {(const uint8_t *)&n, sizeof(n)};
			struct acme_window w = acme_renewal_window(&r, serial, BEGIN), again = acme_renewal_window(&r, serial, BEGIN + lives[i] / 2);
			ck_assert_int_ge(w.start, BEGIN + lives[i] / 3 * 2);
			ck_assert_int_eq(w.end - w.start, lives[i] / 12);
			ck_assert_int_le(w.end, BEGIN + lives[i] / 6 * 5);
			ck_assert(w.start == again.start && w.end == again.end);
			ck_assert(w.retry_after >= 60 && w.retry_after <= 6 * 3600);
			first = w.start < first ? w.start : first;
			last = w.start > last ? w.start : last;
		}
		ck_assert_int_ge(last - first, lives[i] / 12 / 10 * 8);
	}
}
END_TEST

START_TEST(test_window_of_nothing)
{
	struct acme_renewal r = {.begins = BEGIN, .ends = BEGIN}, ended = {.begins = BEGIN, .ends = BEGIN - DAY};
	struct acme_window w = acme_renewal_window(&r, BYTES_STR("x"), BEGIN);
	ck_assert_int_gt(w.end, w.start);
	w = acme_renewal_window(&ended, BYTES_STR("x"), BEGIN); /* a CA over it ended before it began */
	ck_assert_int_gt(w.end, w.start);
	ck_assert_int_le(w.start, BEGIN);
}
END_TEST

START_TEST(test_window_moved)
{
	struct acme_renewal r = {.begins = BEGIN, .ends = BEGIN + 90 * DAY, .at_once = true, .advised_from = BEGIN + 5 * DAY, .advised_to = BEGIN + 6 * DAY};
	struct acme_window w = acme_renewal_window(&r, BYTES_STR("x"), BEGIN + DAY);
	ck_assert(w.start < w.end && w.end < BEGIN + DAY); /* whatever was advised */
	r.at_once = false;
	w = acme_renewal_window(&r, BYTES_STR("x"), BEGIN + DAY);
	ck_assert(w.start == BEGIN + 5 * DAY && w.end == BEGIN + 6 * DAY);
	r.advised_from = BEGIN + 80 * DAY;
	r.advised_to = BEGIN + 81 * DAY;
	w = acme_renewal_window(&r, BYTES_STR("x"), BEGIN + DAY);
	ck_assert_int_lt(w.start, BEGIN + 70 * DAY); /* advice makes nothing later */
}
END_TEST

START_TEST(test_address)
{
	static const struct {
		const char *client, *whose;
	} rows[] = {
	    {"192.0.2.7", "192.0.2.7"},
	    {"::ffff:192.0.2.7", "192.0.2.7"},
	    {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
	    {"2001:db8:1:2::1", "2001:db8:1:2::/64"},
	    {"2001:db8:1:3::1", "2001:db8:1:3::/64"},
	    {"::1", "::/64"},
	    {"", ""},
	    {"unix:", "unix:"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(acme_limit_address(a, rows[i].client), rows[i].whose);
}
END_TEST

START_TEST(test_refusal)
{
	struct acme_exchange x = {.arena = a, .endpoint = {.label = "x", .settings = "{\"orders_per_hour\":7}"}};
	struct error e = {0};
	ck_assert_int_eq(acme_limit_refuse(&x, "own", NULL, 0, &e), 0);
	ck_assert_int_eq(acme_limit_refuse(&x, "orders", NULL, 1234, &e), -1);
	ck_assert(e.code == E_TOO_MANY && e.retry_after_sec == 1234 && strstr(e.detail, "orders_per_hour: ") && strstr(e.detail, " 7 "));
	ck_assert_int_eq(acme_limit_refuse(&x, "failures", "dns:a.example", 5, &e), -1);
	ck_assert(strstr(e.detail, "dns:a.example") && strstr(e.detail, " 60 "));
	ck_assert_int_eq(acme_limit_refuse(&x, "pending", NULL, 7 * DAY, &e), -1);
	ck_assert_uint_eq(e.retry_after_sec, 3600); /* the client can do something about it before */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("renewal");
	TCase *c = tcase_create("renewal");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_certid);
	tcase_add_loop_test(c, test_certid_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(c, test_certid_long);
	tcase_add_test(c, test_window);
	tcase_add_test(c, test_window_of_nothing);
	tcase_add_test(c, test_window_moved);
	tcase_add_test(c, test_address);
	tcase_add_test(c, test_refusal);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
