/* Bodies, certs-only, request keys. */
#include <openssl/cms.h>
#include <openssl/pkcs7.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/cms.h"
#include "enroll/est/est.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"
#include "tests/unit/est/suites.h"

/* What a body must become: octets that start as a SEQUENCE does; the engine reads the rest. */
static const uint8_t der[] = {0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x7f};

static struct bytes
bytes_of(const char *text)
{
	return BYTES_STR(text);
}

static void
expect_der(struct arena *a, struct bytes body)
{
	struct bytes got = {0};
	struct error e = {0};
	ck_assert_msg(est_csr_decode(a, body, &got, &e) == 0, "%.*s: %s", (int)body.len, (const char *)body.data, e.detail);
	ck_assert_uint_eq(got.len, sizeof(der));
	ck_assert_mem_eq(got.data, der, sizeof(der));
}

START_TEST(test_bodies)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	static const char *const bodies[] = {
	    "MAYCAQACAX8=",
	    "MAYCAQACAX8=\n",
	    "MAYC\nAQAC\nAX8=\n",
	    "MAYC\r\nAQAC\r\nAX8=\r\n\r\n",
	    "\r\n  MAYCAQACAX8= \r\n",
	    "M\nA\nY\nC\nA\nQ\nA\nC\nA\nX\n8\n=\n",
	    "-----BEGIN CERTIFICATE REQUEST-----\nMAYCAQACAX8=\n-----END CERTIFICATE REQUEST-----\n",
	    "-----BEGIN NEW CERTIFICATE REQUEST-----\r\nMAYCAQACAX8=\r\n-----END NEW CERTIFICATE REQUEST-----\r\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		expect_der(a, bytes_of(bodies[i]));
	expect_der(a, (struct bytes){der, sizeof(der)});
}
END_TEST

START_TEST(test_bodies_refused)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	static const char *const bodies[] = {
	    "",
	    "\r\n\r\n",
	    "!!!!",
	    "MAYCAQACAX8",
	    "MAYCAQACAX8==",
	    "MAYC=AQACAX8=",
	    "MAYCAQACAX8=MAYCAQACAX8=",
	    "MAYCAQACAX8=;",
	    "AAECAwQ=", /* base64 of what isn't a SEQUENCE */
	    "-----BEGIN CERTIFICATE-----\nMAYCAQACAX8=\n-----END CERTIFICATE-----\n",
	    "-----BEGIN CERTIFICATE REQUEST-----\nMAYCAQACAX8=\n",
	    "<html>no</html>",
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct bytes got;
		struct error e = {0};
		ck_assert_msg(est_csr_decode(a, bytes_of(bodies[i]), &got, &e) == -1, "%s", bodies[i]);
		ck_assert_int_eq(error_http_status(e.code), 400);
		ck_assert_str_ne(e.detail, "");
	}
	struct bytes got;
	struct error e = {0};
	uint8_t *large = arena_alloc(a, LIMIT_CSR_BYTES + 1);
	large[0] = 0x30;
	ck_assert_int_eq(est_csr_decode(a, (struct bytes){large, LIMIT_CSR_BYTES + 1}, &got, &e), -1);
	ck_assert_int_eq(error_http_status(e.code), 413);
}
END_TEST

/* A body of nothing but line ends is read in one pass and refused. */
START_TEST(test_line_ends_alone)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes got;
	struct error e = {0};
	char *text = arena_alloc(a, LIMIT_BODY_BYTES);
	for (size_t i = 0; i + 1 < LIMIT_BODY_BYTES; i += 2)
		memcpy(text + i, "\r\n", 2);
	ck_assert_int_eq(est_csr_decode(a, (struct bytes){(const uint8_t *)text, LIMIT_BODY_BYTES}, &got, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
}
END_TEST

static struct bytes
make_cert(struct arena *a, const char *cn)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_set_version(cert, X509_VERSION_3);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	unsigned char *out = NULL;
	int len = i2d_X509(cert, &out);
	struct bytes b = {arena_dup(a, out, (size_t)len), (size_t)len};
	OPENSSL_free(out);
	X509_free(cert);
	EVP_PKEY_free(key);
	return b;
}

/* The certificate is among those of the CMS. */
static bool
has(STACK_OF(X509) *all, struct bytes cert)
{
	for (int i = 0; i < sk_X509_num(all); i++) {
		unsigned char *out = NULL;
		int len = i2d_X509(sk_X509_value(all, i), &out);
		bool same = (size_t)len == cert.len && memcmp(out, cert.data, cert.len) == 0;
		OPENSSL_free(out);
		if (same)
			return true;
	}
	return false;
}

START_TEST(test_certs_only)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes certs[3], out = {0};
	for (int i = 0; i < 3; i++)
		certs[i] = make_cert(a, arena_printf(a, "certificate %d", i));
	for (int n = 1; n <= 3; n++) {
		struct error e = {0};
		ck_assert_int_eq(cms_certs_only_encode(a, certs, n, NULL, 0, &out, &e), 0);
		const unsigned char *p = out.data;
		CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)out.len);
		ck_assert_ptr_nonnull(cms);
		ck_assert_ptr_eq(p, out.data + out.len);
		ck_assert_int_eq(OBJ_obj2nid(CMS_get0_type(cms)), NID_pkcs7_signed);
		ck_assert_int_eq(OBJ_obj2nid(CMS_get0_eContentType(cms)), NID_pkcs7_data);
		STACK_OF(X509) *got = CMS_get1_certs(cms);
		ck_assert_int_eq(sk_X509_num(got), n);
		for (int i = 0; i < n; i++)
			ck_assert(has(got, certs[i]));
		ck_assert_ptr_null(CMS_get0_SignerInfos(cms) && sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0 ? cms : NULL);
		/* DER: OpenSSL's own encoding of what it read is the same. */
		unsigned char *again = NULL;
		int len = i2d_CMS_ContentInfo(cms, &again);
		ck_assert_uint_eq((size_t)len, out.len);
		ck_assert_mem_eq(again, out.data, out.len);
		OPENSSL_free(again);
		sk_X509_pop_free(got, X509_free);
		CMS_ContentInfo_free(cms);
		/* Older clients read it as PKCS#7. */
		p = out.data;
		PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)out.len);
		ck_assert_ptr_nonnull(p7);
		ck_assert_int_eq(sk_X509_num(p7->d.sign->cert), n);
		PKCS7_free(p7);
	}
	/* The order is DER's, whatever came in. */
	struct bytes turned[3] = {certs[2], certs[0], certs[1]}, second = {0};
	struct error e = {0};
	ck_assert_int_eq(cms_certs_only_encode(a, turned, 3, NULL, 0, &second, &e), 0);
	ck_assert_uint_eq(second.len, out.len);
	ck_assert_mem_eq(second.data, out.data, out.len);
}
END_TEST

START_TEST(test_request_key)
{
	const struct principal account = {.tenant_id = 1, .account_id = 5}, other = {.tenant_id = 1, .account_id = 6},
	                       device = {.tenant_id = 1, .certificate_id = 5}, tenant = {.tenant_id = 2, .account_id = 5};
	const struct bytes csr = BYTES_STR("csr"), csr2 = BYTES_STR("csr2");
	const struct enroll_request requests[] = {
	    {.who = &account, .csr = csr, .operation = "simpleenroll"}, {.who = &account, .csr = csr, .operation = "simplereenroll"},
	    {.who = &account, .csr = csr2, .operation = "simpleenroll"}, {.who = &other, .csr = csr, .operation = "simpleenroll"},
	    {.who = &device, .csr = csr, .operation = "simpleenroll"}, {.who = &tenant, .csr = csr, .operation = "simpleenroll"},
	};
	uint8_t keys[ARRAY_LEN(requests) + 1][ENROLL_KEY_BYTES], again[ENROLL_KEY_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		enroll_request_key("est", &requests[i], keys[i]);
	enroll_request_key("scep", &requests[0], keys[ARRAY_LEN(requests)]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		for (size_t j = i + 1; j < ARRAY_LEN(keys); j++)
			ck_assert_mem_ne(keys[i], keys[j], ENROLL_KEY_BYTES);
	enroll_request_key("est", &requests[0], again);
	ck_assert_mem_eq(again, keys[0], ENROLL_KEY_BYTES);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("est");
	TCase *t = tcase_create("bodies");
	tcase_add_test(t, test_bodies);
	tcase_add_test(t, test_bodies_refused);
	tcase_add_test(t, test_line_ends_alone);
	tcase_add_test(t, test_certs_only);
	tcase_add_test(t, test_request_key);
	suite_add_tcase(s, t);
	suite_add_tcase(s, tcase_operations());
	suite_add_tcase(s, tcase_cmc());
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
