/* CMC as it is read and written, CRMF requests, and what SMIMECapabilities come to. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include "enroll/est/cmc.h"
#include "enroll/est/protection.h"
#include "lib/limits.h"
#include "lib/x509/keytype.h"
#include "lib/x509/oid.h"
#include "tests/unit/est/suites.h"

#define NONCE "0123456789abcdef"

static struct arena *a;
static struct error e;
static EVP_PKEY *key;

static void
setup(void)
{
	a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
}

static void
teardown(void)
{
	EVP_PKEY_free(key);
	arena_free(a);
}

static void
put_control(struct buf *b, long id, uint8_t number, int tag, const char *value)
{
	const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x07, number};
	size_t control = der_begin(b, DER_SEQUENCE);
	der_put_small(b, id);
	der_put(b, DER_OID, oid, sizeof(oid));
	size_t values = der_begin(b, DER_SET);
	der_put_str(b, tag, value);
	der_close(b, values);
	der_close(b, control);
}

/* A CertReqMsg, with the tag that it has alone (0x30) or in a PKIData (0xa1). */
static void
put_crmf(struct buf *b, int tag, long id)
{
	struct buf request BUF_CLEANUP = BUF_INIT(4096);
	unsigned char *spki = NULL;
	uint8_t signature[128];
	size_t len = sizeof(signature);
	int spki_len = i2d_PUBKEY(key, &spki);
	size_t whole = der_begin(&request, DER_SEQUENCE);
	der_put_small(&request, id);
	size_t template = der_begin(&request, DER_SEQUENCE);
	size_t subject = der_begin(&request, DER_CONTEXT_CONSTRUCTED(5));
	der_put_raw(&request, OID_BYTES("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01x"));
	der_close(&request, subject);
	spki[0] = DER_CONTEXT_CONSTRUCTED(6);
	der_put_raw(&request, (struct bytes){spki, (size_t)spki_len});
	der_close(&request, template);
	der_close(&request, whole);
	OPENSSL_free(spki);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ck_assert(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 && EVP_DigestSign(ctx, signature, &len, request.data, request.len) == 1);
	EVP_MD_CTX_free(ctx);
	size_t message = der_begin(b, tag);
	der_put_raw(b, (struct bytes){request.data, request.len});
	size_t proof = der_begin(b, DER_CONTEXT_CONSTRUCTED(1));
	der_put_raw(b, OID_BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"));
	der_put_bits(b, signature, len);
	der_close(b, proof);
	der_close(b, message);
}

static struct bytes
kept(const struct buf *b)
{
	ck_assert(!b->overflow);
	return (struct bytes){arena_dup(a, b->data, b->len), b->len};
}

static struct bytes
message(int n_requests, bool twice)
{
	struct buf b BUF_CLEANUP = BUF_INIT(65536);
	size_t data = der_begin(&b, DER_SEQUENCE), list = der_begin(&b, DER_SEQUENCE);
	put_control(&b, 2, 6, DER_OCTET_STRING, NONCE);
	put_control(&b, 3, 5, DER_INTEGER, "\x12\x34");
	put_control(&b, 4, twice ? 6 : 4, DER_OCTET_STRING, "back");
	der_close(&b, list);
	size_t requests = der_begin(&b, DER_SEQUENCE);
	for (int i = 0; i < n_requests; i++)
		put_crmf(&b, DER_CONTEXT_CONSTRUCTED(1), 7 + i);
	der_close(&b, requests);
	der_put(&b, DER_SEQUENCE, "", 0);
	der_put(&b, DER_SEQUENCE, "", 0);
	der_close(&b, data);
	return kept(&b);
}

START_TEST(test_read)
{
	struct cmc_request q;
	ck_assert_msg(cmc_parse(a, message(1, false), &q, &e) == 0, "%s", e.detail);
	ck_assert(q.crmf && q.body_part == 7 && q.has_nonce && q.has_data);
	ck_assert(bytes_equal(q.sender_nonce, BYTES_STR(NONCE)) && bytes_equal(q.data_return, BYTES_STR("back")));
	ck_assert(bytes_equal(q.transaction_id, OID_BYTES("\x02\x02\x12\x34")));
	ck_assert_msg(cmc_check_request(a, &q, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(q.failure, CMC_NO_FAILURE);
}
END_TEST

START_TEST(test_refused)
{
	struct cmc_request q;
	ck_assert(cmc_parse(a, message(0, false), &q, &e) < 0 && e.code == E_UNSUPPORTED && q.has_nonce);
	ck_assert(cmc_parse(a, message(2, false), &q, &e) < 0 && e.code == E_UNSUPPORTED && q.failure == CMC_BAD_REQUEST);
	ck_assert(cmc_parse(a, message(1, true), &q, &e) < 0 && e.code == E_MALFORMED && strstr(e.detail, "twice"));
	ck_assert(cmc_parse(a, (struct bytes){0}, &q, &e) < 0 && q.status == CMC_FAILED);
	struct bytes good = message(1, false);
	for (size_t n = 0; n < good.len; n++)
		ck_assert(cmc_parse(a, (struct bytes){good.data, n}, &q, &e) < 0);
}
END_TEST

/* A request without a proof of possession, and with one that isn't a signature, is told from one that can't be read. */
START_TEST(test_proof_is_wanted)
{
	const struct bytes ends[] = {{0}, OID_BYTES("\x80\x00")}; /* raVerified, RFC 4211 4 */
	struct buf b BUF_CLEANUP = BUF_INIT(4096);
	struct csr csr;
	put_crmf(&b, DER_SEQUENCE, 1);
	ck_assert_msg(crmf_parse(a, kept(&b), &csr, &e) == 0, "%s", e.detail);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct buf without BUF_CLEANUP = BUF_INIT(4096);
		size_t message = der_begin(&without, DER_SEQUENCE);
		der_put_raw(&without, csr.info);
		der_put_raw(&without, ends[i]);
		der_close(&without, message);
		struct cmc_request q = {.request = kept(&without), .crmf = true};
		ck_assert(cmc_check_request(a, &q, &e) < 0 && e.code == E_BAD_CSR);
		ck_assert_int_eq(q.failure, CMC_POP_REQUIRED);
	}
	struct cmc_request q = {.request = OID_BYTES("\x30\x00"), .crmf = true};
	ck_assert(cmc_check_request(a, &q, &e) < 0);
	ck_assert_int_eq(q.failure, CMC_BAD_REQUEST);
}
END_TEST

/* Nothing of a request can be turned over and still be what was signed. */
START_TEST(test_every_bit_of_a_crmf_request)
{
	struct buf b BUF_CLEANUP = BUF_INIT(4096);
	struct csr csr;
	put_crmf(&b, DER_SEQUENCE, 1);
	struct bytes good = kept(&b);
	ck_assert_msg(crmf_parse(a, good, &csr, &e) == 0, "%s", e.detail);
	for (size_t n = 0; n < good.len; n++)
		ck_assert(crmf_parse(a, (struct bytes){good.data, n}, &csr, &e) < 0 && e.code == E_BAD_CSR);
	for (size_t bit = 0; bit < good.len * 8; bit++) {
		uint8_t *turned = arena_dup(a, good.data, good.len);
		turned[bit / 8] ^= (uint8_t)(1 << bit % 8);
		struct cmc_request q = {.request = {turned, good.len}, .crmf = true};
		/* An algorithm that isn't known here passes, for the engine to decide. */
		bool other = crmf_parse(a, q.request, &csr, &e) == 0 &&
		    !bytes_equal(csr.signature_algorithm, OID_BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"));
		ck_assert_msg(other || cmc_check_request(a, &q, &e) < 0, "bit %zu", bit);
	}
}
END_TEST

START_TEST(test_written)
{
	struct cmc_request q;
	struct cmc_answer answer = {.status = CMC_FAILED, .failure = CMC_BAD_IDENTITY, .text = "no", .nonce = BYTES_STR("mine")};
	struct bytes out;
	ck_assert_int_eq(cmc_parse(a, message(1, false), &q, &e), 0);
	ck_assert_int_eq(cmc_encode(a, &q, &answer, &out, &e), 0);
#define ID_CMC "\x06\x08\x2b\x06\x01\x05\x05\x07\x07"
	ck_assert(memmem(out.data, out.len, ID_CMC "\x19\x31\x11\x30\x0f\x02\x01\x02\x30\x03\x02\x01\x07\x0c\x02no\x02\x01\x07", 29));
	ck_assert(memmem(out.data, out.len, ID_CMC "\x05\x31\x04\x02\x02\x12\x34", 16));
	ck_assert(memmem(out.data, out.len, ID_CMC "\x07\x31\x12\x04\x10" NONCE, 30));
	ck_assert(memmem(out.data, out.len, ID_CMC "\x06\x31\x06\x04\x04mine", 18));
	ck_assert(memmem(out.data, out.len, ID_CMC "\x04\x31\x06\x04\x04" "back", 18));
	ck_assert_mem_eq(out.data + out.len - 4, "\x30\x00\x30\x00", 4);
	answer.status = CMC_PENDING;
	ck_assert_int_eq(cmc_encode(a, &q, &answer, &out, &e), 0);
	ck_assert(memmem(out.data, out.len, "\x02\x01\x03\x30\x03\x02\x01\x07\x0c\x02no", 12) && !memmem(out.data, out.len, "no\x02\x01", 4));
}
END_TEST

START_TEST(test_failures)
{
	for (int code = E_NONE + 1; code < E_COUNT; code++) {
		enum cmc_failure f = (enum cmc_failure)error_cmc_fail_info((enum error_code)code);
		int status = error_http_status((enum error_code)code);
		ck_assert_int_eq(f == CMC_TRY_LATER, status == 503 || status == 429);
		ck_assert_int_eq(f == CMC_BAD_IDENTITY, status == 401 || status == 403);
		ck_assert(f >= CMC_BAD_ALG && f <= CMC_TRY_LATER);
	}
}
END_TEST

#define AES128_CBC "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x02"
#define AES256_CBC "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a"
#define AES256_GCM "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e"
#define DES3_CBC "\x30\x0a\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07"
#define WRAP128 "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x05"
#define OAEP "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"
#define OAEP_ODD "\x30\x10\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x03\x02\x01\x01"
#define SHA256 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define MGF1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define OAEP_SHA256 "\x30\x3c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x2f\xa0\x0f\x30\x0d" SHA256 "\x05\x00\xa1\x1c\x30\x1a" MGF1 "\x30\x0d" SHA256 "\x05\x00"
#define OAEP_SHA256_SHORT "\x30\x38\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x2b\xa0\x0d\x30\x0b" SHA256 "\xa1\x1a\x30\x18" MGF1 "\x30\x0b" SHA256
#define PKCS1 "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define DH_SHA384 "\x30\x08\x06\x06\x2b\x81\x04\x01\x0b\x02"
#define DH_SHA1 "\x30\x0b\x06\x09\x2b\x81\x05\x10\x86\x48\x3f\x00\x02"
#define LIST(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}

static const struct {
	struct bytes capabilities;
	const char *cipher; /* NULL: refused */
	bool oaep;
	int kdf, wrap_bytes;
} wishes[] = {
    {LIST(""), "AES-256-CBC", false, 0, 32},
    {LIST(AES128_CBC AES256_CBC), "AES-128-CBC", false, 0, 32},
    {LIST(DES3_CBC AES256_CBC), "AES-256-CBC", false, 0, 32},
    {LIST(AES256_GCM AES128_CBC WRAP128 DH_SHA384), "AES-128-CBC", false, 1, 16},
    {LIST(WRAP128), "AES-256-CBC", false, 0, 16},
    {LIST(PKCS1 OAEP), "AES-256-CBC", true, 0, 32},
    {LIST(OAEP_SHA256 OAEP), "AES-256-CBC", true, 0, 32},
    {LIST(OAEP_SHA256_SHORT), "AES-256-CBC", true, 0, 32}, /* RFC 4055 2.1: with NULL and without */
    {LIST(OAEP_ODD PKCS1), "AES-256-CBC", false, 0, 32},
    {LIST(DH_SHA1 DH_SHA384), "AES-256-CBC", false, 1, 32},
    {LIST(AES256_GCM), NULL, false, 0, 0},
    {LIST(DES3_CBC), NULL, false, 0, 0},
    {LIST(OAEP_ODD), NULL, false, 0, 0},
    {LIST(DH_SHA1), NULL, false, 0, 0},
    {LIST("\x04\x01x"), NULL, false, 0, 0},
    {LIST("\x30\x00"), NULL, false, 0, 0},
};

START_TEST(test_wishes)
{
	struct protection_wishes w;
	int rc = protection_wishes_read(wishes[_i].capabilities, &w, &e);
	ck_assert_int_eq(rc, wishes[_i].cipher ? 0 : -1);
	if (rc < 0) {
		ck_assert(e.code == E_UNSUPPORTED || e.code == E_BAD_CSR);
		return;
	}
	ck_assert_str_eq(w.cipher->name, wishes[_i].cipher);
	ck_assert(w.oaep == wishes[_i].oaep && w.kdf == wishes[_i].kdf && w.wrap_bytes == wishes[_i].wrap_bytes && (!w.oaep || w.digest));
}
END_TEST

/* A key of a size that isn't among those that the client takes isn't used. */
START_TEST(test_recipient_for_secret)
{
	struct protection_wishes w;
	struct protection p = {0};
	ck_assert_int_eq(protection_wishes_read((struct bytes)LIST(WRAP128), &w, &e), 0);
	ck_assert(recipient_for_secret(a, BYTES_STR("id"), BYTES_STR("wrapped"), 32, &w, &p, &e) < 0 && e.code == E_UNSUPPORTED);
	ck_assert_int_eq(recipient_for_secret(a, BYTES_STR("id"), BYTES_STR("wrapped"), 16, &w, &p, &e), 0);
	static const char wanted[] = "\xa2\x1f\x02\x01\x04\x30\x04\x04\x02id\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x05\x04\x07wrapped";
	ck_assert_uint_eq(p.recipient.len, sizeof(wanted) - 1);
	ck_assert_mem_eq(p.recipient.data, wanted, sizeof(wanted) - 1);
	ck_assert_int_eq(p.version, 2);
}
END_TEST

TCase *
tcase_cmc(void)
{
	TCase *t = tcase_create("cmc");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_proof_is_wanted);
	tcase_add_test(t, test_every_bit_of_a_crmf_request);
	tcase_add_test(t, test_written);
	tcase_add_test(t, test_failures);
	tcase_add_loop_test(t, test_wishes, 0, (int)ARRAY_LEN(wishes));
	tcase_add_test(t, test_recipient_for_secret);
	return t;
}
