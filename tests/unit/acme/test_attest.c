/* Attestation statements on tests/data/attest: expected.json says what becomes of each. And each good one cut off anywhere, or with any octet changed. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/acme/attest_parts.h"
#undef fail /* check.h has one of its own */
#include <check.h>

#define FOLDER TOP_SRCDIR "/tests/data/attest/"

static struct arena *a;
static json_t *expected;
static struct endpoint door;
static struct bytes anchors[2], key_authorization;

static struct bytes
read_file(const char *name, const char *suffix)
{
	char path[512];
	snprintf(path, sizeof(path), FOLDER "%s%s", name, suffix);
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	uint8_t *data = arena_alloc(a, LIMIT_ATTESTATION_BYTES + 4096);
	size_t len = fread(data, 1, LIMIT_ATTESTATION_BYTES + 4096, f);
	fclose(f);
	return (struct bytes){data, len};
}

static void
setup(void)
{
	json_error_t why;
	a = arena_new(64 * 1024 * 1024);
	expected = json_load_file(FOLDER "expected.json", 0, &why);
	ck_assert_msg(expected != NULL, "%s", why.text);
	key_authorization = BYTES_STR(arena_strdup(a, json_string_value(json_object_get(expected, "key_authorization"))));
	anchors[0] = read_file("anchor", ".der");
	door = (struct endpoint){.label = "devices", .anchors = anchors, .n_anchors = 1};
}

static void
teardown(void)
{
	json_decref(expected);
	arena_free(a);
}

START_TEST(test_samples)
{
	const char *name;
	json_t *sample;
	size_t good = 0, bad = 0, wrong = 0;
	json_object_foreach(json_object_get(expected, "samples"), name, sample)
	{
		CLEANUP(arena_free) struct arena *own = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		const char *cause = json_string_value(json_object_get(sample, "cause")), *device = json_string_value(json_object_get(sample, "device"));
		struct attest_result r;
		struct error e;
		int rc = acme_attest_verify(&door, read_file(name, ".cbor"), key_authorization, device, own, &r, &e);
		if ((rc == 0) != (cause == NULL) || (rc && (e.code != E_BAD_ATTESTATION || !strstr(e.detail, cause)))) {
			fprintf(stderr, "%s: %s, not: %s\n", name, rc ? e.detail : "taken", cause ? cause : "taken"); /* all of them, not the first alone */
			wrong++;
		} else if (rc == 0) {
			ck_assert_str_eq(arena_hex(own, r.key, sizeof(r.key)), json_string_value(json_object_get(sample, "key")));
			ck_assert_str_eq(r.device, device);
			ck_assert_str_eq(r.format, name[0] == 't' ? "tpm" : "packed");
			ck_assert_msg(strstr(r.text, device) != NULL && strstr(r.text, "Devices") != NULL, "%s", r.text);
			good++;
		} else {
			bad++;
		}
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_ge(good, 30);
	ck_assert_uint_ge(bad, 150);
}
END_TEST

static const char *const whole[] = {"packed-es256", "packed-rs256", "tpm-es256", "tpm-rs256", "tpm-raw-signature"};

START_TEST(test_cut_anywhere)
{
	struct bytes object = read_file(whole[_i], ".cbor");
	for (size_t len = 0; len < object.len; len++) {
		CLEANUP(arena_free) struct arena *own = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		struct attest_result r;
		struct error e;
		struct bytes cut = {len ? arena_dup(own, object.data, len) : (const uint8_t *)"", len};
		ck_assert_msg(acme_attest_verify(&door, cut, key_authorization, "SN-0042", own, &r, &e) < 0, "%s: %zu octets are taken", whole[_i], len);
		ck_assert_int_eq(e.code, E_BAD_ATTESTATION);
	}
}
END_TEST

/* Whatever is changed, no other key and no other device come of it. */
START_TEST(test_changed_anywhere)
{
	struct bytes object = read_file(whole[_i], ".cbor");
	const json_t *sample = json_object_get(json_object_get(expected, "samples"), whole[_i]);
	for (size_t at = 0; at < object.len; at++) {
		CLEANUP(arena_free) struct arena *own = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		struct attest_result r;
		struct error e;
		uint8_t *changed = arena_dup(own, object.data, object.len);
		changed[at] ^= (uint8_t)(1 << at % 8);
		if (acme_attest_verify(&door, (struct bytes){changed, object.len}, key_authorization, "SN-0042", own, &r, &e) < 0)
			ck_assert_int_eq(e.code, E_BAD_ATTESTATION);
		else
			ck_assert_str_eq(arena_hex(own, r.key, sizeof(r.key)), json_string_value(json_object_get(sample, "key")));
	}
}
END_TEST

START_TEST(test_anchors)
{
	struct bytes object = read_file("tpm-es256", ".cbor");
	struct attest_statement s;
	struct attest_result r;
	struct error e;
	door.n_anchors = 0;
	ck_assert_int_eq(acme_attest_verify(&door, object, key_authorization, "SN-0042", a, &r, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_ATTESTATION);
	ck_assert_msg(strstr(e.detail, "no anchors") != NULL, "%s", e.detail);
	ck_assert_int_eq(attest_statement_parse(object, &s, &e), 0);
	door.n_anchors = 1;
	anchors[0] = s.x5c[1]; /* one below the root, and the certificate itself */
	ck_assert_msg(acme_attest_verify(&door, object, key_authorization, "SN-0042", a, &r, &e) == 0, "%s", e.detail);
	anchors[0] = s.x5c[0];
	ck_assert_msg(acme_attest_verify(&door, object, key_authorization, "SN-0042", a, &r, &e) == 0, "%s", e.detail);
	anchors[0] = (struct bytes){s.x5c[1].data, s.x5c[1].len - 1};
	ck_assert_int_eq(acme_attest_verify(&door, object, key_authorization, "SN-0042", a, &r, &e), -1);
	ck_assert_int_eq(e.code, E_INTERNAL); /* not the client's fault */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("attest");
	TCase *c = tcase_create("attest");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, test_samples);
	tcase_add_loop_test(c, test_cut_anywhere, 0, ARRAY_LEN(whole));
	tcase_add_loop_test(c, test_changed_anywhere, 0, ARRAY_LEN(whole));
	tcase_add_test(c, test_anchors);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
