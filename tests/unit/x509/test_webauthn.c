/* WebAuthn on tests/data/webauthn: expected.json says what becomes of each. And each good one cut off anywhere, or with any octet changed. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/x509/webauthn.h"
#undef fail /* check.h has one of its own */
#include <check.h>

#define FOLDER TOP_SRCDIR "/tests/data/webauthn/"

static struct arena *a;
static struct error e;

static void
setup(void)
{
	a = arena_new(64 * 1024 * 1024);
}

static void
teardown(void)
{
	arena_free(a);
}

static struct bytes
read_file(const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), FOLDER "%s.cbor", name);
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	uint8_t *data = arena_alloc(a, WEBAUTHN_OBJECT_BYTES);
	size_t len = fread(data, 1, WEBAUTHN_OBJECT_BYTES, f);
	fclose(f);
	return (struct bytes){data, len};
}

static int
take(struct bytes object)
{
	struct bytes data, spki;
	struct webauthn_data d;
	return webauthn_object_parse(object, &data, &e) < 0 || webauthn_data_parse(data, "localhost", true, &d, &e) < 0 ||
	               webauthn_key_parse(d.cose_key, a, &spki, &e) < 0
	           ? -1
	           : 0;
}

START_TEST(test_files)
{
	json_error_t why;
	json_t *expected = json_load_file(FOLDER "expected.json", 0, &why), *cause;
	const char *name;
	ck_assert_msg(expected != NULL, "%s", why.text);
	ck_assert_uint_ge(json_object_size(expected), 20);
	json_object_foreach(expected, name, cause)
	{
		int rc = take(read_file(name));
		ck_assert_msg((rc == 0) == json_is_null(cause), "%s: %s", name, rc ? e.detail : "taken");
		ck_assert_msg(rc == 0 || strstr(e.detail, json_string_value(cause)), "%s: %s", name, e.detail);
	}
	json_decref(expected);
}
END_TEST

START_TEST(test_cut_and_bent)
{
	static const char *const names[] = {"good-es256", "good-eddsa"};
	struct bytes whole = read_file(names[_i]);
	uint8_t *bent = arena_dup(a, whole.data, whole.len);
	for (size_t len = 0; len < whole.len; len++)
		ck_assert_int_eq(take((struct bytes){whole.data, len}), -1);
	for (size_t i = 0; i < whole.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bent[i] ^= (uint8_t)(1u << bit);
			(void)!take((struct bytes){bent, whole.len}); /* mostly refused; never more than read */
			bent[i] ^= (uint8_t)(1u << bit);
		}
	ck_assert_int_eq(take(whole), 0);
}
END_TEST

START_TEST(test_client_data)
{
	static const char *const origins[] = {"https://localhost", "https://pki.example:8443", NULL};
	static const struct webauthn_site site = {"localhost", origins};
	static const struct {
		const char *json;
		enum error_code code; /* E_COUNT: taken */
	} table[] = {
	    {"{\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://localhost\"}", E_COUNT},
	    {"{\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://pki.example:8443\",\"crossOrigin\":false,\"more\":[]}", E_COUNT},
	    {"{\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://localhost\",\"crossOrigin\":true}", E_FORBIDDEN},
	    {"{\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://localhost/\"}", E_FORBIDDEN},
	    {"{\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://pki.example\"}", E_FORBIDDEN},
	    {"{\"type\":\"webauthn.create\",\"challenge\":\"AQID\",\"origin\":\"https://localhost\"}", E_FORBIDDEN},
	    {"{\"type\":\"webauthn.get\",\"type\":\"webauthn.get\",\"challenge\":\"AQID\",\"origin\":\"https://localhost\"}", E_MALFORMED},
	    {"{\"type\":\"webauthn.get\",\"challenge\":\"A=\",\"origin\":\"https://localhost\"}", E_MALFORMED},
	    {"{\"type\":\"webauthn.get\",\"challenge\":7,\"origin\":\"https://localhost\"}", E_MALFORMED},
	    {"[]", E_MALFORMED},
	    {"", E_MALFORMED},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct bytes challenge = {0};
		int rc = webauthn_client_data(BYTES_STR(table[i].json), "webauthn.get", &site, a, &challenge, &e);
		ck_assert_msg((rc == 0) == (table[i].code == E_COUNT), "%s", table[i].json);
		if (rc)
			ck_assert_msg(e.code == table[i].code, "%s: %s", table[i].json, e.detail);
		else
			ck_assert_uint_eq(challenge.len, 3);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("webauthn");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_files);
	tcase_add_loop_test(c, test_cut_and_bent, 0, 2);
	tcase_add_test(c, test_client_data);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
