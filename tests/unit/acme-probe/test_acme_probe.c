/* What may be reached, what CAA records say, what a responder's certificate must be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enroll/acme-probe/caa_records.h"
#include "enroll/acme-probe/egress.h"
#include "enroll/acme-probe/task.h"
#include "tests/unit/acme-probe/suites.h"

struct config *
config_of(const char *text)
{
	char path[] = "/tmp/siegel-probe-XXXXXX";
	struct config *c = NULL;
	struct error e;
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int rc = config_load(path, &c, &e);
	unlink(path);
	ck_assert_msg(rc == 0, "%s", e.detail);
	return c;
}

static struct egress *
egress_of(const char *lines, struct error *e)
{
	char text[1000];
	struct egress *eg = NULL;
	snprintf(text, sizeof(text), "[acme_probe]\n%s\n", lines);
	struct config *c = config_of(text);
	int rc = egress_open(c, &eg, e);
	config_free(c);
	return rc == 0 ? eg : NULL;
}

struct reach_case {
	const char *address;
	uint16_t port;
	bool good;
};

static const struct reach_case reached[] = {
    {"10.0.0.5", 80, true}, {"10.0.0.5", 443, true}, {"192.168.1.1", 80, true}, {"8.8.8.8", 80, true}, {"100.64.0.1", 80, true}, {"198.18.0.1", 80, true},
    {"fd00::1", 443, true}, {"2606:4700::1111", 80, true}, {"64:ff9b::a00:5", 80, true}, {"2002:a00:5::1", 80, true},
    {"10.0.0.5", 22, false}, {"10.0.0.5", 8080, false}, {"127.0.0.1", 80, false}, {"127.9.9.9", 80, false}, {"0.0.0.0", 80, false}, {"0.1.2.3", 80, false},
    {"169.254.0.1", 80, false}, {"224.0.0.1", 80, false}, {"239.1.1.1", 80, false}, {"240.0.0.1", 80, false}, {"255.255.255.255", 80, false},
    {"192.0.0.8", 80, false}, {"192.0.2.1", 80, false}, {"198.51.100.1", 80, false}, {"203.0.113.1", 80, false}, {"192.88.99.1", 80, false},
    {"::", 80, false}, {"::1", 80, false}, {"::ffff:10.0.0.5", 80, false}, {"::ffff:127.0.0.1", 80, false}, {"::10.0.0.5", 80, false},
    {"fe80::1", 80, false}, {"febf::1", 80, false}, {"fec0::1", 80, false}, {"ff02::1", 80, false}, {"100::1", 80, false}, {"2001:db8::1", 80, false},
    {"3fff:fff::1", 80, false}, {"2001:10::1", 80, false}, {"2001:2f::1", 80, false}, {"5f00::1", 80, false},
    {"64:ff9b::127.0.0.1", 80, false}, {"64:ff9b:1::127.0.0.1", 80, false}, {"64:ff9b:1:7f00:0:100::", 80, false},
    {"64:ff9b:1:0:7f:0:100:0", 80, false}, {"2002:7f00:1::1", 80, false}, {"2002:a9fe:a9fe::1", 80, false},
    {"2001:0:7f00:1::", 80, false}, {"2001:0:808:808::80ff:fffe", 80, false}, {"2001:0:a00:5::f5ff:fffa", 80, true},
    {"fd00::5efe:7f00:1", 80, false}, {"fd00::200:5efe:a9fe:1", 80, false}, {"fd00::5efe:a00:5", 80, true},
    {"100.100.100.200", 80, false}, {"168.63.129.16", 80, false}, {"169.254.169.254", 80, false}, {"fd00:ec2::254", 80, false},
    {"64:ff9b::168.63.129.16", 80, false}, {"100.100.100.201", 80, true}, {"fd00:ec2::255", 80, true},
};

START_TEST(test_what_is_of_the_inner_network)
{
	static const char *const inner[] = {"10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "198.19.0.1", "127.0.0.1", "169.254.1.1", "fd12::1", "fc00::1",
	                                    "::1", "fe80::1", "64:ff9b::10.0.0.1", "2002:a00:1::1"};
	static const char *const outer[] = {"8.8.8.8", "172.32.0.1", "100.128.0.1", "11.0.0.1", "192.169.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"};
	struct address a;
	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		ck_assert_msg(address_parse(inner[i], &a) && address_is_private(&a), "%s", inner[i]);
	for (size_t i = 0; i < ARRAY_LEN(outer); i++)
		ck_assert_msg(address_parse(outer[i], &a) && !address_is_private(&a), "%s", outer[i]);
}
END_TEST

START_TEST(test_what_is_reached)
{
	struct error e;
	CLEANUP(egress_free) struct egress *eg = egress_of("", &e);
	ck_assert_ptr_nonnull(eg);
	for (size_t i = 0; i < ARRAY_LEN(reached); i++) {
		struct address a;
		ck_assert_msg(address_parse(reached[i].address, &a), "%s", reached[i].address);
		int rc = egress_check(eg, NULL, 0, &a, reached[i].port, &e);
		ck_assert_msg((rc == 0) == reached[i].good, "%s port %u", reached[i].address, reached[i].port);
		ck_assert(rc == 0 || e.code == E_FORBIDDEN);
	}
}
END_TEST

START_TEST(test_own_endpoints)
{
	struct error e;
	char loopback[] = "127.0.0.0/8", other[] = "10.0.0.0/8", broken[] = "10.0.0.0/99";
	char *networks[] = {loopback, other, broken};
	struct address a, b;
	CLEANUP(egress_free) struct egress *eg = egress_of("own_endpoints = 127.0.0.1:5002 [::1]:22\nnetworks = 10.1.0.0/16", &e);
	ck_assert_ptr_nonnull(eg);
	ck_assert(address_parse("127.0.0.1", &a));
	ck_assert_int_eq(egress_check(eg, NULL, 0, &a, 5002, &e), 0);
	ck_assert_int_eq(egress_check(eg, networks, 2, &a, 5002, &e), 0);
	ck_assert_int_eq(egress_check(eg, networks + 1, 1, &a, 5002, &e), -1);
	ck_assert_int_eq(egress_check(eg, NULL, 0, &a, 80, &e), -1);
	ck_assert_int_eq(egress_check(eg, networks, 3, &a, 5002, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert(address_parse("::1", &b));
	ck_assert_int_eq(egress_check(eg, NULL, 0, &b, 22, &e), 0);
	ck_assert(address_parse("10.1.255.255", &a));
	ck_assert_int_eq(egress_check(eg, NULL, 0, &a, 80, &e), 0);
	ck_assert(address_parse("10.2.0.0", &a));
	ck_assert_int_eq(egress_check(eg, NULL, 0, &a, 80, &e), -1);
	ck_assert_int_eq(egress_check(eg, networks + 1, 1, &a, 80, &e), -1); /* a directory doesn't widen what the operator allows */
}
END_TEST

START_TEST(test_settings)
{
	static const char *const bad[] = {"networks = 10.0.0.1/8", "networks = 10.0.0.0/33", "networks = fd00::/129", "networks = 10.0.0.0/", "networks = lan",
	    "networks = 10.0.0.0/-1", "own_endpoints = 127.0.0.1", "own_endpoints = 127.0.0.1:", "own_endpoints = 127.0.0.1:65536", "own_endpoints = ::1:80",
	    "own_endpoints = [127.0.0.1]:80", "own_endpoints = [::1:80", "own_endpoints = localhost:80"};
	struct error e;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(egress_of(bad[i], &e) == NULL, "%s", bad[i]);
		ck_assert_int_eq(e.code, E_BAD_VALUE);
	}
}
END_TEST

START_TEST(test_host_names)
{
	char longest[260];
	static const char *const good[] = {"a", "a.example", "_acme-challenge.a.example", "xn--mnchen-3ya.example", "1.2.3.4a", "A-b.C"};
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a.b-", "1", "1.2.3.4", "a b", "a/b", "a:1", "*.a", "a\\b", "\303\244.de"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(host_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!host_valid(bad[i]), "%s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[63] = longest[127] = longest[191] = '.';
	longest[253] = '\0';
	ck_assert(host_valid(longest));
	longest[253] = 'a';
	longest[254] = '\0';
	ck_assert(!host_valid(longest));
}
END_TEST

/* --- CAA --- */

static int
judge(const char *flags_tag, const char *value, const struct caa_question *q)
{
	uint8_t record[300];
	struct error e;
	size_t tag = strlen(flags_tag + 1), len = strlen(value);
	record[0] = flags_tag[0] == '!' ? 0x80 : 0;
	record[1] = (uint8_t)tag;
	memcpy(record + 2, flags_tag + 1, tag);
	memcpy(record + 2 + tag, value, len);
	struct bytes one = {record, 2 + tag + len};
	return caa_judge(&one, 1, q, &e);
}

START_TEST(test_caa)
{
	char ca[] = "ca.example", other[] = "x.example";
	char *issuers[] = {other, ca};
	struct caa_question q = {issuers, 2, "https://ca/acct/1", "http-01", false};
	static const struct {
		const char *tag, *value;
		bool good;
	} cases[] = {
		{" issue", "ca.example", true}, {" issue", "\t CA.EXAMPLE \t", true}, {" issue", "x.example", true}, {" issue", "y.example", false},
		{" issue", "", false}, {" issue", ";", false}, {" issue", " ; ", false}, {" issue", "ca.example.", false},
		{" issue", "ca.example;accounturi=https://ca/acct/1", true}, {" issue", "ca.example; accounturi = https://ca/acct/1 ; ", true},
		{" issue", "ca.example;accounturi=https://ca/acct/11", false}, {" issue", "ca.example;accounturi=https://ca/acct/", false},
		{" issue", "ca.example;validationmethods=http-01", true}, {" issue", "ca.example;validationmethods=dns-01,http-01", true},
		{" issue", "ca.example;validationmethods=http-0", false}, {" issue", "ca.example;validationmethods=http-01;validationmethods=http-01", false},
		{" issue", "ca.example;;accounturi=https://ca/acct/1", false}, {" issue", "ca.example;-a=b", false}, {" issue", "ca.example;a-=b", false},
		{" issue", "ca.example;a-b=c", true}, {" issue", "ca.example;a", false},
		{"!issue", "ca.example", true}, {"!Iodef", "x", true}, {"!issuemail", ";", true}, {"!tbs", "x", false}, {" tbs", "x", true}, {" i-sue", "x", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg((judge(cases[i].tag, cases[i].value, &q) == 0) == cases[i].good, "%s \"%s\"", cases[i].tag, cases[i].value);
	q.n_issuers = 0;
	ck_assert_int_eq(judge(" issue", "ca.example", &q), -1);
	struct bytes broken[] = {{(const uint8_t *)"\x00", sizeof("\x00") - 1}, {(const uint8_t *)"\x00\x05", sizeof("\x00\x05") - 1}, {(const uint8_t *)"\x00\x00issue", sizeof("\x00\x00issue") - 1}, {(const uint8_t *)"\x00\x09issue", sizeof("\x00\x09issue") - 1}};
	struct error e;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		ck_assert_int_eq(caa_judge(&broken[i], 1, &q, &e), -1);
	ck_assert_int_eq(caa_judge(NULL, 0, &q, &e), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("acme-probe");
	TCase *c = tcase_create("policy");
	tcase_add_test(c, test_what_is_reached);
	tcase_add_test(c, test_what_is_of_the_inner_network);
	tcase_add_test(c, test_own_endpoints);
	tcase_add_test(c, test_settings);
	tcase_add_test(c, test_host_names);
	tcase_add_test(c, test_caa);
	suite_add_tcase(s, c);
	suite_add_tcase(s, front_case());
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
