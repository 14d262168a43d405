/* Addresses, messages in a GET, parameters of passwords, addresses of webhooks; and the gate's row that nobody wrote. */
#include <stdlib.h>
#include <string.h>
#include "enroll/scep/scep.h"
#include "lib/https_url.h"
#include "lib/limits.h"
#include "tests/unit/scep/suites.h"

struct route_case {
	const char *method, *path, *operation; /* operation NULL: none in the query */
	int status;
	const char *label, *name;
};

static const struct route_case routes[] = {
    {"GET", "/scep/line", "GetCACaps", 200, "line", "GetCACaps"},
    {"GET", "/scep/line/", "getcacaps", 200, "line", "GetCACaps"},
    {"HEAD", "/scep/line", "GetCACert", 200, "line", "GetCACert"},
    {"GET", "/scep/line/pkiclient.exe", "GetNextCACert", 200, "line", "GetNextCACert"},
    {"POST", "/scep/line/cgi-bin/pkiclient.exe", "PKIOperation", 200, "line", "PKIOperation"},
    {"GET", "/scep/line/CERTSRV/mscep/MSCEP.dll", "PKIOperation", 200, "line", "PKIOperation"},
    {"GET", "/scep", "GetCACaps", 200, "", "GetCACaps"},
    {"GET", "/scep/", "GetCACaps", 200, "", "GetCACaps"},
    {"GET", "/cgi-bin/pkiclient.exe", "GetCACaps", 200, "", "GetCACaps"},
    {"POST", "/certsrv/mscep/mscep.dll/pkiclient.exe", "PKIOperation", 200, "", "PKIOperation"},
    {"GET", "/scep/pkiclient.exe", "GetCACaps", 200, "", "GetCACaps"},
    {"GET", "/scep/line", NULL, 400, NULL, NULL},
    {"GET", "/scep/line", "", 400, NULL, NULL},
    {"GET", "/scep/line", "UpdateReq", 400, NULL, NULL},
    {"GET", "/scep/line", "PKIOperation ", 400, NULL, NULL},
    {"POST", "/scep/line", "GetCACert", 405, NULL, NULL},
    {"PUT", "/scep/line", "PKIOperation", 405, NULL, NULL},
    {"DELETE", "/scep/line", "GetCACert", 405, NULL, NULL},
    {"GET", "/scep/line/other", "GetCACaps", 404, NULL, NULL},
    {"GET", "/scep/line/pkiclient.exe/more", "GetCACaps", 404, NULL, NULL},
    {"GET", "/scepter/line", "GetCACaps", 404, NULL, NULL},
    {"GET", "/other", "GetCACaps", 404, NULL, NULL},
    {"GET", "/scep//line", "GetCACaps", 404, NULL, NULL},
};

START_TEST(test_route)
{
	const struct route_case *c = &routes[_i];
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	const struct http_header query[] = {{"Operation", c->operation}};
	const struct http_request r = {.method = c->method, .path = c->path, .query = query, .n_query = c->operation ? 1 : 0, .arena = a};
	const struct scep_operation *op = NULL;
	const char *label = NULL;
	struct error e = {0};
	int result = scep_route(&r, &label, &op, &e);
	ck_assert_msg(result == (c->status == 200 ? 0 : -1), "%s: %s", c->path, e.detail);
	ck_assert_int_eq(error_http_status(e.code), c->status);
	if (result == 0) {
		ck_assert_str_eq(op->name, c->name);
		ck_assert_str_eq(label ? label : "", c->label);
	}
}
END_TEST

START_TEST(test_message_of_a_get)
{
	static const struct {
		const char *text, *octets; /* octets NULL: refused */
	} cases[] = {
	    {"+/+/", "\xfb\xff\xbf"}, {" / /", "\xfb\xff\xbf"}, {"AQI=", "\x01\x02"}, {"AQI", "\x01\x02"}, {"AQ", "\x01"}, {"", NULL}, {"A", NULL},
	    {"A!==", NULL}, {"AQI=AQI=", NULL}, {"====", NULL}, {"AQI=\n", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		const struct http_header query[] = {{"message", cases[i].text}, {"MESSAGE", cases[i].text}};
		struct http_request r = {.method = "GET", .query = query, .n_query = 1, .arena = a};
		struct bytes got = {0};
		struct error e = {0};
		int result = scep_message_decode(&r, &got, &e);
		ck_assert_msg((result == 0) == (cases[i].octets != NULL), "%s: %s", cases[i].text, e.detail);
		if (result == 0)
			ck_assert(got.len == strlen(cases[i].octets) && memcmp(got.data, cases[i].octets, got.len) == 0);
		else
			ck_assert_int_eq(e.code, E_MALFORMED);
		r.n_query = 2;
		ck_assert_int_eq(scep_message_decode(&r, &got, &e), -1);
	}
}
END_TEST

/* A row that forgot to say what it needs, and a number that is none, let nobody through: there is no line for them. */
START_TEST(test_closed)
{
	struct scep_exchange x = {.fail = -1};
	struct scep_message m = {.transaction = ""};
	struct scep_grant g = {0};
	const struct scep_message_type forgotten = {.type = 18, .name = "UpdateReq"};
	struct error e = {0};
	const int needs[] = {(int)forgotten.need, 77, -1};
	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		ck_assert_int_eq(scep_authorise(&x, (enum scep_need)needs[i], &m, NULL, &g, &e), -1);
		ck_assert_int_eq(e.code, E_FORBIDDEN);
	}
	ck_assert_int_eq(scep_authorise(&x, SCEP_NEED_ENROL, &m, NULL, &g, &e), -1); /* without a request there is nothing to enrol */
	ck_assert_int_eq(g.who.tenant_id, 0);
}
END_TEST

START_TEST(test_passwords)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	static const uint8_t salt[16] = {1, 2, 3}, iv[16] = {4, 5, 6};
	static const char *const prfs[] = {"hmac-sha1", "hmac-sha256", "hmac-sha512"}, *const ciphers[] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
	for (size_t i = 0; i < 9; i++) {
		const struct scep_password p = {
		    .salt = {salt, sizeof(salt)}, .iterations = 10000, .prf = prfs[i % 3], .cipher = cms_cipher_by_name(ciphers[i / 3]), .iv = {iv, sizeof(iv)}};
		struct cms_enveloped v = {.kind = CMS_PASSWORD};
		struct scep_password got;
		struct bytes derivation;
		struct error e = {0};
		ck_assert_int_eq(scep_password_encode(a, &p, &derivation, &v.key_algorithm, &e), 0);
		v.derivation_algorithm = (struct bytes){derivation.data + 2, derivation.len - 2};
		ck_assert_msg(scep_password_parse(&v, &got, &e) == 0, "%s", e.detail);
		ck_assert_str_eq(got.prf, p.prf);
		ck_assert_ptr_eq(got.cipher, p.cipher);
		ck_assert_int_eq(got.iterations, 10000);
		ck_assert(bytes_equal(got.salt, p.salt) && bytes_equal(got.iv, p.iv));
		for (size_t cut = 0; cut < v.derivation_algorithm.len; cut++) {
			struct cms_enveloped less = v;
			less.derivation_algorithm.len = cut;
			ck_assert_int_eq(scep_password_parse(&less, &got, &e), -1);
		}
	}
}
END_TEST

START_TEST(test_webhook_addresses)
{
	static const char allowed[] = "  hook.example  other.example:8443\n[::1]:9443\t10.0.0.1 ";
	static const char *const good[] = {
	    "https://hook.example",           "https://hook.example/", "https://HOOK.example/a/b?c=d%20e", "https://hook.example:443/", "https://other.example:8443",
	    "https://other.example:8443?x=y", "https://[::1]:9443/",   "https://10.0.0.1/x",
	};
	static const char *const bad[] = {
	    "",
	    "hook.example",
	    "http://hook.example/",
	    "HTTPS://hook.example/",
	    "file:///etc/passwd",
	    "https:/hook.example",
	    "https:///hook.example",
	    "https://hook.example:8443/",
	    "https://other.example/",
	    "https://hook.example.evil/",
	    "https://evil.hook.example/",
	    "https://hook.example@evil/",
	    "https://user@hook.example/",
	    "https://hook.example#x",
	    "https://hook.example/#x",
	    "https://hook.example/ x",
	    "https://hook.example/\n",
	    "https://hook.example\\@evil/",
	    "https://hook.example:/",
	    "https://hook.example:0443/",
	    "https://hook.example:443443/",
	    "https://hook.example:4x3/",
	    "https://[::1]/",
	    "https://[::1",
	    "https://[hook.example]/",
	    "https://10.0.0.10/",
	    "https://0x0a000001/",
	    "https://hook.example\xc3\xa4/",
	};
	struct error e;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(https_url_check(good[i], allowed, &e) == 0, "%s: %s", good[i], e.detail);
		ck_assert_int_eq(https_url_check(good[i], "", &e), -1);
		ck_assert_int_eq(https_url_check(good[i], "   ", &e), -1);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(https_url_check(bad[i], allowed, &e) == -1 && e.code == E_BAD_VALUE, "%s", bad[i]);
	static const struct {
		const char *url;
		bool ok;
	} below[] = {
	    {"https://hook.example/scep", true},          {"https://hook.example/scep/a/b?c=d/../e", true},
	    {"https://hook.example/scep?c", true},        {"https://hook.example/dir/x", true},
	    {"https://hook.example/scepx", false},        {"https://hook.example/", false},
	    {"https://hook.example", false},              {"https://hook.example?/scep", false},
	    {"https://hook.example/scep/../admin", false}, {"https://hook.example/scep/./x", false},
	    {"https://hook.example/scep/%2e%2e/x", false}, {"https://hook.example/scep//x", false},
	    {"https://hook.example/scep/..;/x", false},   {"https://hook.example/dir", false},
	    {"https://hook.example/SCEP", false},         {"https://hook.example:8443/scep", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(below); i++)
		ck_assert_msg((https_url_check(below[i].url, "other.example hook.example/scep hook.example/dir/", &e) == 0) == below[i].ok, "%s",
			      below[i].url);
	char *text = malloc(HTTPS_URL_BYTES + 2);
	memset(text, 'a', HTTPS_URL_BYTES + 1);
	memcpy(text, "https://hook.example/", 21);
	text[HTTPS_URL_BYTES + 1] = '\0';
	ck_assert_int_eq(https_url_check(text, allowed, &e), -1);
	text[HTTPS_URL_BYTES] = '\0';
	ck_assert_int_eq(https_url_check(text, allowed, &e), 0);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scep");
	TCase *t = tcase_create("scep");
	tcase_add_loop_test(t, test_route, 0, ARRAY_LEN(routes));
	tcase_add_test(t, test_message_of_a_get);
	tcase_add_test(t, test_closed);
	tcase_add_test(t, test_passwords);
	tcase_add_test(t, test_webhook_addresses);
	suite_add_tcase(s, t);
	suite_add_tcase(s, tcase_cms_data());
	suite_add_tcase(s, tcase_cms_write());
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
