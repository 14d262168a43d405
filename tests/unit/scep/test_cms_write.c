/* What is written is what OpenSSL reads. */
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>
#include "enroll/cms.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"
#include "tests/unit/scep/suites.h"

static EVP_PKEY *key;
static X509 *cert;
static struct bytes cert_der;

static void
make(void)
{
	unsigned char *der = NULL;
	key = EVP_RSA_gen(2048);
	cert = X509_new();
	ck_assert(key && cert && X509_set_version(cert, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711) == 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME *name = X509_get_subject_name(cert);
	ck_assert(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"unit", -1, -1, 0) == 1);
	ck_assert(X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0);
	int len = i2d_X509(cert, &der);
	cert_der = (struct bytes){der, (size_t)len};
}

static void
drop(void)
{
	OPENSSL_free((void *)(uintptr_t)cert_der.data);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static CMS_ContentInfo *
parsed(struct bytes der)
{
	const unsigned char *p = der.data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(cms);
	ck_assert_ptr_eq(p, der.data + der.len);
	return cms;
}

START_TEST(test_certs_only)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes der, certs[] = {cert_der, cert_der};
	struct error e;
	for (int n = 0; n < 3; n++) {
		ck_assert_int_eq(cms_certs_only_encode(a, certs, n, NULL, 0, &der, &e), 0);
		CMS_ContentInfo *cms = parsed(der);
		STACK_OF(X509) *found = CMS_get1_certs(cms);
		ck_assert_int_eq(n ? sk_X509_num(found) : 0, n);
		ck_assert(n == 0 || X509_cmp(sk_X509_value(found, 0), cert) == 0);
		sk_X509_pop_free(found, X509_free);
		CMS_ContentInfo_free(cms);
	}
}
END_TEST

/* Ciphers of any strength, contents of any length around a block's. */
START_TEST(test_enveloped)
{
	static const char *const names[] = {"AES-128-CBC", "aes-192-cbc", "AES-256-CBC", "DES-EDE3-CBC"};
	const struct cms_cipher *cipher = cms_cipher_by_name(names[_i]);
	const struct cms_recipient to = {.kind = CMS_KEY_TRANSPORT, .certificate = cert_der};
	char text[70];
	memset(text, 'x', sizeof(text));
	ck_assert_ptr_nonnull(cipher);
	for (size_t n = 1; n < sizeof(text); n += 5) {
		CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		struct bytes der;
		struct cms_enveloped v;
		struct error e = {0};
		char *data = NULL;
		ck_assert_msg(cms_enveloped_encode(a, OID_PKCS7_DATA, (struct bytes){(const uint8_t *)text, n}, cipher, &to, &der, &e) == 0, "%s", e.detail);
		ck_assert_int_eq(cms_enveloped_parse(a, der, &v, &e), 0);
		ck_assert_ptr_eq(v.cipher, cipher);
		CMS_ContentInfo *cms = parsed(der);
		BIO *out = BIO_new(BIO_s_mem());
		ck_assert_int_eq(CMS_decrypt(cms, key, cert, NULL, out, CMS_BINARY), 1);
		ck_assert_int_eq(BIO_get_mem_data(out, &data), (long)n);
		ck_assert_mem_eq(data, text, n);
		BIO_free(out);
		CMS_ContentInfo_free(cms);
	}
}
END_TEST

/* contentType and messageDigest, as the engine writes them. */
static struct bytes
attributes(struct arena *a, struct bytes content)
{
	uint8_t digest[32];
	struct buf BUF_CLEANUP b = BUF_INIT(512);
	size_t len = 0;
	ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, content.data, content.len, digest, &len), 1);
	size_t set = der_begin(&b, DER_SET);
	const struct {
		struct bytes oid;
		int tag;
		struct bytes value;
	} rows[] = {
	    {OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"), DER_OID, OID_PKCS7_DATA},
	    {OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"), DER_OCTET_STRING, {digest, sizeof(digest)}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t attribute = der_begin(&b, DER_SEQUENCE);
		der_put(&b, DER_OID, rows[i].oid.data, rows[i].oid.len);
		size_t values = der_begin(&b, DER_SET);
		der_put(&b, rows[i].tag, rows[i].value.data, rows[i].value.len);
		der_close(&b, values);
		der_close(&b, attribute);
	}
	der_close(&b, set);
	return (struct bytes){arena_dup(a, b.data, b.len), b.len};
}

START_TEST(test_signed)
{
	static const uint8_t sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
	static const uint8_t rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes content = BYTES_STR("what is signed"), der, to_sign = attributes(a, content);
	uint8_t signature[256];
	size_t len = sizeof(signature);
	struct cms_signed s;
	struct error e = {0};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ck_assert(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 && EVP_DigestSign(ctx, signature, &len, to_sign.data, to_sign.len) == 1);
	EVP_MD_CTX_free(ctx);
	const struct cms_signature by = {to_sign, {sha256, sizeof(sha256)}, {rsa, sizeof(rsa)}, {signature, len}, cert_der, NULL, 0};
	ck_assert_int_eq(cms_signed_encode(a, OID_PKCS7_DATA, content, true, &by, &der, &e), 0);
	ck_assert_msg(cms_signed_parse(a, der, &s, &e) == 0, "%s", e.detail);
	ck_assert_ptr_nonnull(cms_signer_certificate(&s));
	ck_assert_msg(cms_signed_verify(&s, *cms_signer_certificate(&s), false, &e) == 0, "%s", e.detail);
	CMS_ContentInfo *cms = parsed(der);
	BIO *out = BIO_new(BIO_s_mem());
	char *data = NULL;
	ck_assert_int_eq(CMS_verify(cms, NULL, NULL, NULL, out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1);
	ck_assert_int_eq(BIO_get_mem_data(out, &data), (long)content.len);
	ck_assert_mem_eq(data, content.data, content.len);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	/* Nothing is signed: the content isn't there, and that isn't an empty one. */
	ck_assert_int_eq(cms_signed_encode(a, OID_PKCS7_DATA, (struct bytes){0}, false, &by, &der, &e), 0);
	ck_assert_int_eq(cms_signed_parse(a, der, &s, &e), 0);
	ck_assert(!s.has_content);
}
END_TEST

START_TEST(test_recipients_that_cannot_be_encrypted_to)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	X509 *other = X509_dup(cert);
	unsigned char *der = NULL;
	struct bytes ret;
	struct error e = {0};
	ck_assert(ec && X509_set_pubkey(other, ec) == 1 && X509_sign(other, key, EVP_sha256()) > 0);
	int len = i2d_X509(other, &der);
	const struct cms_recipient to = {.kind = CMS_KEY_TRANSPORT, .certificate = {der, (size_t)len}};
	ck_assert_int_eq(cms_enveloped_encode(a, OID_PKCS7_DATA, BYTES_STR("x"), cms_cipher_by_name("AES-256-CBC"), &to, &ret, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_KEY);
	OPENSSL_free(der);
	X509_free(other);
	EVP_PKEY_free(ec);
}
END_TEST

TCase *
tcase_cms_write(void)
{
	TCase *t = tcase_create("cms write");
	tcase_add_unchecked_fixture(t, make, drop);
	tcase_add_test(t, test_certs_only);
	tcase_add_loop_test(t, test_enveloped, 0, 4);
	tcase_add_test(t, test_signed);
	tcase_add_test(t, test_recipients_that_cannot_be_encrypted_to);
	return t;
}
