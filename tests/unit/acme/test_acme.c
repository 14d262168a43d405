/* JWS and keys of ACME, identifiers, routes: what needs no store. */
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/identifier.h"
#include "enroll/acme/rate_limit.h"
#include "lib/limits.h"

#undef fail
#include <check.h>

static struct arena *arena;
static struct error e;

static void
set_up(void)
{
	arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
}

static void
tear_down(void)
{
	arena_free(arena);
}

/* RFC 7638 3.1: the example. */
START_TEST(a_thumbprint_is_that_of_the_rfc)
{
	static const char text[] =
	    "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64"
	    "tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTW"
	    "hAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";
	json_t *jwk = json_loads(text, 0, NULL);
	struct jwk k;
	ck_assert_int_eq(jwk_parse(arena, jwk, &k, &e), 0);
	ck_assert_str_eq(base64url_encode(arena, (struct bytes){k.thumbprint, JWK_THUMBPRINT_BYTES}), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	jwk_free(&k);
	json_decref(jwk);
}
END_TEST

/* RFC 7515 A.3: the example of ES256, whose header isn't ACME's. */
START_TEST(a_signature_is_that_of_the_rfc)
{
	static const char key[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	                          "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
	static const char data[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const char text[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	json_t *jwk = json_loads(key, 0, NULL);
	struct bytes signature;
	struct jwk k;
	ck_assert_int_eq(jwk_parse(arena, jwk, &k, &e), 0);
	ck_assert_int_eq(base64url_decode(arena, text, strlen(text), "x", &signature, &e), 0);
	ck_assert_int_eq(jwk_verify(&k, "ES256", BYTES_STR(data), signature, &e), 0);
	ck_assert_int_lt(jwk_verify(&k, "ES256", BYTES_STR("x"), signature, &e), 0);
	ck_assert_int_eq(e.code, E_FORBIDDEN);
	ck_assert_int_lt(jwk_verify(&k, "RS256", BYTES_STR(data), signature, &e), 0);
	ck_assert_int_eq(e.code, E_BAD_ALGORITHM);
	ck_assert_int_lt(jwk_verify(&k, "none", BYTES_STR(data), (struct bytes){0}, &e), 0);
	jwk_free(&k);
	json_decref(jwk);
}
END_TEST

START_TEST(identifiers_have_one_form)
{
	static const struct {
		const char *json, *text; /* NULL: refused */
		enum error_code code;
	} rows[] = {
	    {"{\"type\":\"dns\",\"value\":\"A.Example\"}", "dns:a.example", E_NONE},
	    {"{\"type\":\"dns\",\"value\":\"*.a.example\"}", "dns:*.a.example", E_NONE},
	    {"{\"type\":\"dns\",\"value\":\"host\"}", "dns:host", E_NONE},
	    {"{\"type\":\"dns\",\"value\":\"xn--mnchen-3ya.example\"}", "dns:xn--mnchen-3ya.example", E_NONE},
	    {"{\"type\":\"dns\",\"value\":\"m\\u00fcnchen.example\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"192.0.2.1\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"a.example.\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"*.*.example\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"a.*.example\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"*\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"dns\",\"value\":\"a_b.example\"}", NULL, E_REJECTED_NAME},
	    {"{\"type\":\"ip\",\"value\":\"192.0.2.1\"}", "ip:192.0.2.1", E_NONE},
	    {"{\"type\":\"ip\",\"value\":\"2001:db8::1\"}", "ip:2001:db8::1", E_NONE},
	    {"{\"type\":\"ip\",\"value\":\"2001:DB8::1\"}", NULL, E_MALFORMED},
	    {"{\"type\":\"ip\",\"value\":\"2001:db8:0::1\"}", NULL, E_MALFORMED},
	    {"{\"type\":\"ip\",\"value\":\"::ffff:192.0.2.1\"}", NULL, E_MALFORMED},
	    {"{\"type\":\"ip\",\"value\":\"192.0.2.01\"}", NULL, E_MALFORMED},
	    {"{\"type\":\"ip\",\"value\":\"fe80::1%eth0\"}", NULL, E_MALFORMED},
	    {"{\"type\":\"ip\",\"value\":\"a.example\"}", NULL, E_MALFORMED},
	    {"{\"type\":\"email\",\"value\":\"a@b.example\"}", NULL, E_NAME_TYPE},
	    {"{\"type\":\"dns\"}", NULL, E_MALFORMED},
	    {"{\"type\":1,\"value\":\"a\"}", NULL, E_MALFORMED},
	    {"[]", NULL, E_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = json_loads(rows[i].json, 0, NULL);
		const char *text = NULL;
		int result = acme_identifier_parse(arena, v, &text, &e);
		json_decref(v);
		if (rows[i].text) {
			ck_assert_msg(result == 0, "%s: %s", rows[i].json, e.detail);
			ck_assert_str_eq(text, rows[i].text);
		} else {
			ck_assert_msg(result < 0 && e.code == rows[i].code, "%s", rows[i].json);
		}
	}
}
END_TEST

START_TEST(challenges_fit_the_identifier)
{
	const unsigned all = ENDPOINT_HTTP_01 | ENDPOINT_DNS_01 | ENDPOINT_DNS_ACCOUNT_01 | ENDPOINT_TLS_ALPN_01 | ENDPOINT_DEVICE_ATTEST_01;
	ck_assert_str_eq(acme_identifier_kinds(arena, all, "dns:a.example"), "http-01,dns-01,dns-account-01,tls-alpn-01");
	ck_assert_str_eq(acme_identifier_kinds(arena, all, "dns:*.a.example"), "dns-01,dns-account-01");
	ck_assert_str_eq(acme_identifier_kinds(arena, all, "ip:192.0.2.1"), "http-01,tls-alpn-01");
	ck_assert_str_eq(acme_identifier_kinds(arena, all, "permanent-identifier:x"), "device-attest-01");
	ck_assert_str_eq(acme_identifier_kinds(arena, ENDPOINT_HTTP_01, "dns:*.a.example"), "");
}
END_TEST

/* A machine has a network of 64 bits to itself, and takes the address that it likes. */
START_TEST(accounts_are_counted_by_network)
{
	static const char *const rows[][2] = {
	    {"192.0.2.1", "192.0.2.1"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
	    {"2001:db8:1:2::", "2001:db8:1:2::/64"}, {"2001:db8:1:3::1", "2001:db8:1:3::/64"}, {"", ""}, {"unix:", "unix:"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(acme_limit_address(arena, rows[i][0]), rows[i][1]);
}
END_TEST

START_TEST(a_path_is_one_operation)
{
	static const struct {
		const char *path, *name; /* NULL: there is none */
	} rows[] = {
	    {"/acme/l/directory", "directory"}, {"/acme/l/new-nonce", "newNonce"}, {"/acme/l/order/12", "order"}, {"/acme/l/order/12/finalize", "finalize"},
	    {"/acme/l/acct/1/orders", "orders"}, {"/acme/l/order/012", NULL}, {"/acme/l/order/", NULL}, {"/acme/l/order/-1", NULL}, {"/acme/l/order/1x", NULL},
	    {"/acme/l/order/1234567890123456789", NULL}, {"/acme/l/order/1/", NULL}, {"/acme/l/directory/", NULL}, {"/acme//directory", NULL}, {"/acme/l", NULL},
	    {"/acme/", NULL}, {"/acme", NULL}, {"/", NULL}, {"/acme/l/order/%31", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_request r = {.method = "GET", .path = rows[i].path, .raw_path = rows[i].path, .arena = arena};
		struct acme_exchange x = {.request = &r, .arena = arena};
		const struct acme_operation *op = NULL;
		const char *label = NULL;
		int result = acme_route(&x, &label, &op, &e);
		ck_assert_msg((result == 0) == (rows[i].name != NULL), "%s", rows[i].path);
		if (rows[i].name)
			ck_assert_str_eq(op->name, rows[i].name);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("acme");
	TCase *t = tcase_create("acme");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_thumbprint_is_that_of_the_rfc);
	tcase_add_test(t, a_signature_is_that_of_the_rfc);
	tcase_add_test(t, identifiers_have_one_form);
	tcase_add_test(t, challenges_fit_the_identifier);
	tcase_add_test(t, accounts_are_counted_by_network);
	tcase_add_test(t, a_path_is_one_operation);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
