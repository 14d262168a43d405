/* Registration authorities on a real store and a real token: made (ca/ra.c), signing and decrypting (ca/ra_key.c). What they make and take is made and
 * read by OpenSSL. */
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/ra.h"
#include "ca/ra_key.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct desk d;
static struct arena *a;
static struct error e;

static void
setup(void)
{
	house_open(&h, "test.ra.house");
	a = arena_new(8 << 20);
	desk_init(&d, h.config, "test.ra");
	ck_assert_msg(desk_prepare(&d, true, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(ra_secret_init(&e), 0);
}

static void
teardown(void)
{
	desk_close(&d);
	arena_free(a);
	house_close(&h);
}

static struct db_result *
newest(void)
{
	struct db_result *r = NULL;
	ck_assert_int_eq(db_query(h.db, "SELECT serial, certificate, key_ref FROM ra WHERE ca_id = 2 ORDER BY not_after DESC, not_before DESC LIMIT 1", NULL, 0,
				  true, &r, &e), 0);
	ck_assert_int_eq(db_rows(r), 1);
	return r;
}

/* A registration authority of the issuing CA; each test has one, a key takes a second. */
static struct ra_key *
made(void)
{
	Siegel__MadeRa m = SIEGEL__MADE_RA__INIT;
	struct ra_key *k = NULL;
	if (house_number(&h, "SELECT count(*) FROM ra WHERE ca_id = 2") == 0)
		ck_assert_msg(ra_make(&d, 2, &m, a, &e) == 0, "%s", e.detail);
	struct db_result *r = newest();
	struct bytes ref = db_bytes(r, 0, 2, NULL);
	ck_assert_msg(ra_key_new(1, 2, db_bytes(r, 0, 1, NULL), arena_strndup(a, (const char *)ref.data, ref.len), &k, &e) == 0, "%s", e.detail);
	db_result_free(r);
	return k;
}

START_TEST(test_made)
{
	struct authority *ca = house_issuing(&h);
	Siegel__MadeRa m = SIEGEL__MADE_RA__INIT;
	ck_assert_msg(ra_make(&d, 2, &m, a, &e) == 0, "%s", e.detail);
	ck_assert_int_ge(m.not_after, time(NULL) + 364 * 86400);
	struct db_result *r = newest();
	struct bytes der = db_bytes(r, 0, 1, NULL), ref = db_bytes(r, 0, 2, NULL);
	ck_assert(bytes_equal(db_bytes(r, 0, 0, NULL), (struct bytes){m.serial.data, m.serial.len}));
	ck_assert_msg(ref.len > 6 && memcmp(ref.data, "token:", 6) == 0, "the key isn't on the token");
	const unsigned char *p = der.data, *q = ca->cert.whole.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len), *issuer = d2i_X509(NULL, &q, (long)ca->cert.whole.len);
	ck_assert_int_eq(X509_verify(x, X509_get0_pubkey(issuer)), 1);
	ck_assert_int_eq(X509_check_issued(issuer, x), X509_V_OK);
	ck_assert(EVP_PKEY_is_a(X509_get0_pubkey(x), "RSA"));
	ck_assert_int_eq(EVP_PKEY_get_bits(X509_get0_pubkey(x)), 3072);
	ck_assert_uint_eq(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	ck_assert_int_eq(sk_ASN1_OBJECT_num(purposes), 2);
	char text[2][32];
	for (int i = 0; i < 2; i++)
		OBJ_obj2txt(text[i], sizeof(text[i]), sk_ASN1_OBJECT_value(purposes, i), 1);
	ck_assert_str_eq(text[0], "1.3.6.1.5.5.7.3.28"); /* id-kp-cmcRA */
	ck_assert_str_eq(text[1], "1.3.6.1.5.5.7.3.32"); /* id-kp-cmKGA */
	EXTENDED_KEY_USAGE_free(purposes);
	X509_free(x);
	X509_free(issuer);
	db_result_free(r);
	ck_assert_str_eq(test_one(h.db, "SELECT string_agg(action || ' ' || actor, ',' ORDER BY seq) FROM (SELECT * FROM audit WHERE chain ="
					" 'test.ra' ORDER BY seq DESC LIMIT 2) AS last"),
			 "certificate.intent engine:clerk,certificate.issued engine:clerk");
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM certificate x JOIN ra USING (ca_id, serial) WHERE x.der <> ra.certificate"), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent WHERE chain = 'test.ra'"), 0);
}
END_TEST

START_TEST(test_renewed)
{
	Siegel__MadeRa m = SIEGEL__MADE_RA__INIT;
	struct ra_key *old = made();
	int64_t before = house_number(&h, "SELECT count(*) FROM ra WHERE ca_id = 2");
	/* one that lives stays: messages to it are on their way */
	ck_assert_msg(ra_make(&d, 2, &m, a, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ra WHERE ca_id = 2"), before + 1);
	/* those that ended go, with their keys */
	test_superuser("UPDATE siegel.ra SET not_after = now() - interval '1 second' WHERE ca_id = 2");
	ck_assert_msg(ra_make(&d, 2, &m, a, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ra WHERE ca_id = 2"), 1);
	EVP_PKEY *gone = NULL;
	ck_assert_int_eq(hsm_key_load(d.hsm, old->key_ref, old->public_key, &gone, &e), -1);
	ra_key_free(old);
}
END_TEST

START_TEST(test_template_copied)
{
	Siegel__MadeRa m = SIEGEL__MADE_RA__INIT;
	int bad = 0;
	test_superuser("UPDATE siegel.profile SET name = 'elsewhere' WHERE tenant_id = 1 AND name = 'registration-authority'");
	ck_assert_int_eq(registry_refresh(d.registry, d.db, &bad, &e), 0);
	ck_assert_int_eq(ra_make(&d, 2, &m, a, &e), -1);
	ck_assert_int_eq(e.code, E_NOT_FOUND);
	test_superuser("INSERT INTO siegel.profile_template SELECT 'registration-authority', kind, title, title, '', '', definition FROM siegel.profile"
		       " WHERE name = 'elsewhere' AND tenant_id = 1");
	ck_assert_msg(ra_make(&d, 2, &m, a, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM audit WHERE chain = 'test.ra' AND action = 'profile.created'"), 1);
	ck_assert_int_eq(ra_make(&d, 9999, &m, a, &e), -1);
	ck_assert_int_eq(e.code, E_NOT_FOUND);
	ck_assert_int_eq(ra_make(&d, 1, &m, a, &e), -1); /* a root that is offline issues nothing */
	ck_assert_int_eq(e.code, E_NOT_FOUND);
	test_superuser("DELETE FROM siegel.profile_template WHERE name = 'registration-authority'");
}
END_TEST

/* --- signatures --- */

static X509_ATTRIBUTE *
find(STACK_OF(X509_ATTRIBUTE) *list, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = X509at_get_attr_by_OBJ(list, o, -1);
	ASN1_OBJECT_free(o);
	return at < 0 ? NULL : X509at_get_attr(list, at);
}

static void
expect_value(STACK_OF(X509_ATTRIBUTE) *list, const char *oid, int type, const char *text, int len)
{
	X509_ATTRIBUTE *x = find(list, oid);
	ck_assert_msg(x != NULL, "%s isn't there", oid);
	ck_assert_int_eq(X509_ATTRIBUTE_count(x), 1);
	ASN1_STRING *s = X509_ATTRIBUTE_get0_data(x, 0, type, NULL);
	ck_assert_msg(s != NULL, "%s is of another type", oid);
	ck_assert_int_eq(ASN1_STRING_length(s), len);
	ck_assert_mem_eq(ASN1_STRING_get0_data(s), text, (size_t)len);
}

static STACK_OF(X509_ATTRIBUTE) *
signed_by(struct ra_key *k, const Siegel__RaSign *q, const EVP_MD *md)
{
	Siegel__RaSigned s = SIEGEL__RA_SIGNED__INIT;
	ck_assert_msg(ra_key_sign(k, d.hsm, q, a, &s, &e) == 0, "%s", e.detail);
	const unsigned char *p = s.certificate.data, *at = s.signed_attributes.data;
	X509 *x = d2i_X509(NULL, &p, (long)s.certificate.len);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	ck_assert_int_eq(EVP_DigestVerifyInit(c, NULL, md, NULL, X509_get0_pubkey(x)), 1);
	ck_assert_int_eq(EVP_DigestVerify(c, s.signature.data, s.signature.len, s.signed_attributes.data, s.signed_attributes.len), 1);
	EVP_MD_CTX_free(c);
	X509_free(x);
	STACK_OF(X509_ATTRIBUTE) *list = NULL;
	ASN1_TYPE *any = d2i_ASN1_TYPE(NULL, &at, (long)s.signed_attributes.len);
	ck_assert_int_eq(any->type, V_ASN1_SET);
	const unsigned char *in = any->value.set->data, *end = in + any->value.set->length;
	long len;
	int tag, class;
	ck_assert_int_ne(ASN1_get_object(&in, &len, &tag, &class, end - in) & 0x80, 0x80);
	list = sk_X509_ATTRIBUTE_new_null();
	while (in < end) {
		X509_ATTRIBUTE *one = d2i_X509_ATTRIBUTE(NULL, &in, end - in);
		ck_assert_ptr_nonnull(one);
		sk_X509_ATTRIBUTE_push(list, one);
	}
	ASN1_TYPE_free(any);
	return list;
}

static uint8_t nonce[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0};
static uint8_t digest[64] = {0xaa, 0xbb};

static void
scep(Siegel__RaSign *q, Siegel__ScepReply *r)
{
	siegel__ra_sign__init(q);
	siegel__scep_reply__init(r);
	q->digest = writable("sha256");
	q->content_digest = (ProtobufCBinaryData){32, digest};
	q->answer_case = SIEGEL__RA_SIGN__ANSWER_SCEP_REPLY;
	q->scep_reply = r;
	r->transaction_id = writable("0A1B2C");
	r->sender_nonce = (ProtobufCBinaryData){16, nonce};
	r->recipient_nonce = (ProtobufCBinaryData){16, nonce};
}

START_TEST(test_scep_reply)
{
	struct ra_key *k = made();
	Siegel__RaSign q;
	Siegel__ScepReply r;
	scep(&q, &r);
	STACK_OF(X509_ATTRIBUTE) *list = signed_by(k, &q, EVP_sha256());
	ck_assert_int_eq(X509at_get_attr_count(list), 7);
	expect_value(list, "2.16.840.1.113733.1.9.7", V_ASN1_PRINTABLESTRING, "0A1B2C", 6);
	expect_value(list, "2.16.840.1.113733.1.9.2", V_ASN1_PRINTABLESTRING, "3", 1);
	expect_value(list, "2.16.840.1.113733.1.9.3", V_ASN1_PRINTABLESTRING, "0", 1);
	expect_value(list, "2.16.840.1.113733.1.9.5", V_ASN1_OCTET_STRING, (const char *)nonce, 16);
	expect_value(list, "2.16.840.1.113733.1.9.6", V_ASN1_OCTET_STRING, (const char *)nonce, 16);
	expect_value(list, "1.2.840.113549.1.9.4", V_ASN1_OCTET_STRING, (const char *)digest, 32);
	ck_assert_ptr_nonnull(find(list, "1.2.840.113549.1.9.3"));
	sk_X509_ATTRIBUTE_pop_free(list, X509_ATTRIBUTE_free);
	/* a failure without content, for a client that has only SHA-1 */
	q.digest = writable("sha1");
	q.content_digest.len = 0;
	r.pki_status = 2;
	r.fail_info = 4;
	r.fail_text = writable("no such certificate");
	list = signed_by(k, &q, EVP_sha1());
	expect_value(list, "2.16.840.1.113733.1.9.4", V_ASN1_PRINTABLESTRING, "4", 1);
	expect_value(list, "1.3.6.1.5.5.7.24.1", V_ASN1_UTF8STRING, "no such certificate", 19);
	expect_value(list, "1.2.840.113549.1.9.4", V_ASN1_OCTET_STRING,
		     "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09", 20);
	sk_X509_ATTRIBUTE_pop_free(list, X509_ATTRIBUTE_free);
	ra_key_free(k);
}
END_TEST

/* What can't be in an answer is refused: the engine doesn't sign what it isn't told in its own terms. */
START_TEST(test_scep_refused)
{
	struct ra_key *k = made();
	Siegel__RaSigned s = SIEGEL__RA_SIGNED__INIT;
	Siegel__RaSign q;
	Siegel__ScepReply r;
#define REFUSED(change)                                                                                                                            \
	scep(&q, &r);                                                                                                                              \
	change;                                                                                                                                    \
	ck_assert_int_eq(ra_key_sign(k, d.hsm, &q, a, &s, &e), -1);                                                                                \
	ck_assert_msg(e.code == E_BAD_VALUE, "%s", e.detail)
	REFUSED(r.transaction_id = writable(""));
	REFUSED(r.transaction_id = writable("a*b"));
	REFUSED(r.pki_status = 1);
	REFUSED(r.fail_info = 1);
	REFUSED(r.pki_status = 2; r.fail_info = 5);
	REFUSED(r.pki_status = 2; r.fail_text = writable("\xff"));
	REFUSED(r.sender_nonce.len = 15);
	REFUSED(q.content_digest.len = 31);
	REFUSED(q.digest = writable("md5"));
	REFUSED(q.answer_case = SIEGEL__RA_SIGN__ANSWER__NOT_SET);
	ra_key_free(k);
}
END_TEST

START_TEST(test_other_answers)
{
	struct ra_key *k = made();
	Siegel__CmcReply cmc = SIEGEL__CMC_REPLY__INIT;
	Siegel__KeyPackage package = SIEGEL__KEY_PACKAGE__INIT;
	Siegel__RaSign q = SIEGEL__RA_SIGN__INIT;
	char oid[64];
	q.digest = writable("sha512");
	q.content_digest = (ProtobufCBinaryData){64, digest};
	for (int i = 0; i < 2; i++) {
		q.answer_case = i ? SIEGEL__RA_SIGN__ANSWER_KEY_PACKAGE : SIEGEL__RA_SIGN__ANSWER_CMC_REPLY;
		if (i)
			q.key_package = &package;
		else
			q.cmc_reply = &cmc;
		STACK_OF(X509_ATTRIBUTE) *list = signed_by(k, &q, EVP_sha512());
		ck_assert_int_eq(X509at_get_attr_count(list), 2);
		OBJ_obj2txt(oid, sizeof(oid), X509_ATTRIBUTE_get0_data(find(list, "1.2.840.113549.1.9.3"), 0, V_ASN1_OBJECT, NULL), 1);
		ck_assert_str_eq(oid, i ? "2.16.840.1.101.2.1.2.78.5" : "1.3.6.1.5.5.7.12.3");
		sk_X509_ATTRIBUTE_pop_free(list, X509_ATTRIBUTE_free);
	}
	ra_key_free(k);
}
END_TEST

/* --- decryption --- */

static const struct scheme {
	const char *name;
	int padding;
	const char *md;
} schemes[] = {{"rsa-pkcs1", RSA_PKCS1_PADDING, NULL}, {"rsa-oaep-sha1", RSA_PKCS1_OAEP_PADDING, "SHA1"}, {"rsa-oaep-sha256", RSA_PKCS1_OAEP_PADDING, "SHA256"}};

static size_t
encrypt(EVP_PKEY *key, const struct scheme *s, const uint8_t *plain, size_t len, uint8_t out[1024])
{
	size_t n = 1024;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	ck_assert_int_eq(EVP_PKEY_encrypt_init(c), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(c, s->padding), 1);
	if (s->md) {
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_get_digestbyname(s->md)), 1);
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_get_digestbyname(s->md)), 1);
	}
	ck_assert_int_eq(EVP_PKEY_encrypt(c, out, &n, plain, len), 1);
	EVP_PKEY_CTX_free(c);
	return n;
}

static void
decrypted(struct ra_key *k, const char *scheme, const uint8_t *cipher, size_t len, int key_bytes, uint8_t ret[RA_CONTENT_KEY_MAX])
{
	Siegel__RaDecrypt q = SIEGEL__RA_DECRYPT__INIT;
	uint8_t copy[1024];
	memcpy(copy, cipher, len);
	q.scheme = writable(scheme);
	q.encrypted_key = (ProtobufCBinaryData){len, copy};
	q.key_bytes = key_bytes;
	memset(ret, 0, RA_CONTENT_KEY_MAX);
	ck_assert_msg(ra_key_decrypt(k, d.hsm, &q, ret, &e) == 0, "%s", e.detail);
}

/* Whatever is wrong: an answer of the right length that nobody knows, always the same. */
static void
expect_rejected(struct ra_key *k, const struct scheme *s, const uint8_t *cipher, size_t len, const uint8_t *not_this)
{
	uint8_t once[RA_CONTENT_KEY_MAX], again[RA_CONTENT_KEY_MAX], zeros[RA_CONTENT_KEY_MAX] = {0};
	decrypted(k, s->name, cipher, len, 32, once);
	decrypted(k, s->name, cipher, len, 32, again);
	ck_assert_mem_eq(once, again, 32);
	ck_assert_mem_ne(once, zeros, 32);
	ck_assert_mem_ne(once, not_this, 32);
}

static void
try_key(struct ra_key *k)
{
	uint8_t plain[64], cipher[1024], out[RA_CONTENT_KEY_MAX];
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		const struct scheme *s = &schemes[i];
		for (int n = 16; n <= 32; n += 8) {
			size_t len = encrypt(k->public_key, s, plain, (size_t)n, cipher);
			decrypted(k, s->name, cipher, len, n, out);
			ck_assert_mem_eq(out, plain, (size_t)n);
		}
		size_t len = encrypt(k->public_key, s, plain, 32, cipher);
		expect_rejected(k, s, cipher, len - 1, plain);
		expect_rejected(k, s, cipher, 0, plain);
		expect_rejected(k, &schemes[(i + 1) % 3], cipher, len, plain); /* the other padding */
		cipher[len - 1] ^= 1;
		expect_rejected(k, s, cipher, len, plain);
		memset(cipher, 0xff, len); /* above the modulus */
		expect_rejected(k, s, cipher, len, plain);
		memset(cipher, 0, len);
		expect_rejected(k, s, cipher, len, plain);
		for (size_t n = 31; n <= 33; n += 2) /* a key of another length than the content cipher's */
			expect_rejected(k, s, cipher, encrypt(k->public_key, s, plain, n, cipher), plain);
	}
	/* a zero among the padding (RFC 8017 7.2.2) */
	static const struct scheme raw = {"", RSA_NO_PADDING, NULL};
	uint8_t em[512] = {0, 2};
	size_t size = (size_t)EVP_PKEY_get_size(k->public_key);
	memset(em + 2, 0x55, size - 2);
	em[size - 33] = 0;
	memcpy(em + size - 32, plain, 32);
	size_t len = encrypt(k->public_key, &raw, em, size, cipher);
	decrypted(k, "rsa-pkcs1", cipher, len, 32, out);
	ck_assert_mem_eq(out, plain, 32);
	for (size_t at = 0; at < size - 32; at += at == 2 ? size - 36 : 1) { /* each octet that matters, and some between */
		em[at] ^= at == 1 ? 3 : at == size - 33 ? 1 : at == 0 ? 1 : 0x55;
		expect_rejected(k, &schemes[0], cipher, encrypt(k->public_key, &raw, em, size, cipher), plain);
		em[at] ^= at == 1 ? 3 : at == size - 33 ? 1 : at == 0 ? 1 : 0x55;
	}
}

START_TEST(test_decrypted_on_token)
{
	struct ra_key *k = made();
	try_key(k);
	ra_key_free(k);
}
END_TEST

START_TEST(test_decrypted_in_files)
{
	struct ra_key *k = made();
	char ref[HSM_REF_BYTES];
	EVP_PKEY_free(k->public_key);
	k->public_key = NULL;
	ck_assert_msg(hsm_key_generate_decrypting(d.hsm, HSM_FILE_STORE, keytype_by_name("rsa2048"), "x", ref, &k->private_key, &e) == 0, "%s", e.detail);
	k->key_ref = ref;
	k->public_key = EVP_PKEY_dup(k->private_key);
	try_key(k);
	ra_key_free(k);
}
END_TEST

START_TEST(test_decrypt_refused)
{
	struct ra_key *k = made();
	Siegel__RaDecrypt q = SIEGEL__RA_DECRYPT__INIT;
	uint8_t out[RA_CONTENT_KEY_MAX];
	q.scheme = writable("rsa-pkcs1");
	for (int n = -1; n < 70; n++)
		if (n != 16 && n != 24 && n != 32) {
			q.key_bytes = n;
			ck_assert_int_eq(ra_key_decrypt(k, d.hsm, &q, out, &e), -1);
			ck_assert_int_eq(e.code, E_BAD_VALUE);
		}
	q.key_bytes = 16;
	q.scheme = writable("rsa");
	ck_assert_int_eq(ra_key_decrypt(k, d.hsm, &q, out, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	/* keys of CAs don't decrypt */
	ck_assert_int_eq(hsm_key_generate_decrypting(d.hsm, "", keytype_by_name("p256"), "x", (char[HSM_REF_BYTES]){0}, &k->private_key, &e), -1);
	ck_assert_int_eq(e.code, E_UNSUPPORTED);
	ra_key_free(k);
}
END_TEST

/* --- passwords --- */

static uint8_t salt[] = {0x12, 0x34, 0x56, 0x78, 0x78, 0x56, 0x34, 0x12}, iv3[] = {0xba, 0xf1, 0xca, 0x79, 0x31, 0x21, 0x3c, 0x4e};
/* RFC 3211 3 */
static const char phrase[] = "All n-entities must communicate with other n-entities via n-1 entiteeheehees";
static uint8_t content[] = {0x8c, 0x63, 0x7d, 0x88, 0x72, 0x23, 0xa2, 0xf9, 0x65, 0xb5, 0x66, 0xeb, 0x01, 0x4b, 0x0f, 0xa5,
                            0xd5, 0x23, 0x00, 0xa3, 0xf7, 0xea, 0x40, 0xff, 0xfc, 0x57, 0x72, 0x03, 0xc7, 0x1b, 0xaf, 0x3b};
static uint8_t wrapped[] = {0xc0, 0x3c, 0x51, 0x4a, 0xbd, 0xb9, 0xe2, 0xc5, 0xaa, 0xc0, 0x38, 0x57, 0x2b, 0x5e, 0x24, 0x55, 0x38, 0x76, 0xb3, 0x77,
                            0xaa, 0xfb, 0x82, 0xec, 0xa5, 0xa9, 0xd7, 0x3f, 0x8a, 0xb1, 0x43, 0xd9, 0xec, 0x74, 0xe6, 0xca, 0xd7, 0xdb, 0x26, 0x0c};

static void
ask_password(Siegel__Password *q)
{
	siegel__password__init(q);
	q->salt = (ProtobufCBinaryData){sizeof(salt), salt};
	q->iv = (ProtobufCBinaryData){sizeof(iv3), iv3};
	q->iterations = 500;
	q->prf = writable("hmac-sha1");
	q->cipher = writable("des-ede3-cbc");
	q->key_bytes = 32;
	q->direction_case = SIEGEL__PASSWORD__DIRECTION_ENCRYPTED_KEY;
	q->encrypted_key = (ProtobufCBinaryData){sizeof(wrapped), wrapped};
}

START_TEST(test_password)
{
	struct bytes good = {(const uint8_t *)phrase, sizeof(phrase) - 1}, bad = {(const uint8_t *)phrase, sizeof(phrase) - 2};
	uint8_t out[RA_WRAPPED_MAX], other[RA_WRAPPED_MAX];
	size_t len = 0;
	Siegel__Password q;
	ask_password(&q);
	ck_assert_msg(ra_password(good, &q, out, &len, &e) == 0, "%s", e.detail);
	ck_assert_uint_eq(len, 32);
	ck_assert_mem_eq(out, content, 32);
	/* a wrong password gives a key that opens nothing, always the same */
	ck_assert_int_eq(ra_password(bad, &q, out, &len, &e), 0);
	ck_assert_int_eq(ra_password(bad, &q, other, &len, &e), 0);
	ck_assert_uint_eq(len, 32);
	ck_assert_mem_ne(out, content, 32);
	ck_assert_mem_eq(out, other, 32);
	/* so does a key of another length, and what can't be one */
	q.key_bytes = 16;
	ck_assert_int_eq(ra_password(good, &q, out, &len, &e), 0);
	ck_assert_mem_ne(out, content, 16);
	for (size_t n = 0; n <= sizeof(wrapped); n++) {
		ask_password(&q);
		q.encrypted_key.len = n;
		ck_assert_int_eq(ra_password(good, &q, out, &len, &e), 0);
		ck_assert(n == sizeof(wrapped) || memcmp(out, content, 32) != 0);
	}
}
END_TEST

START_TEST(test_password_wrapped)
{
	static const char *const ciphers[] = {"aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des-ede3-cbc"};
	static const char *const prfs[] = {"hmac-sha1", "hmac-sha256", "hmac-sha512"};
	struct bytes good = {(const uint8_t *)phrase, sizeof(phrase) - 1};
	uint8_t out[RA_WRAPPED_MAX], back[RA_WRAPPED_MAX], iv[16] = {7};
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		for (size_t n = 16; n <= 32; n += 8) {
			Siegel__Password q;
			size_t len = 0, again = 0;
			ask_password(&q);
			q.cipher = writable(ciphers[i]);
			q.prf = writable(prfs[i % 3]);
			q.iv = (ProtobufCBinaryData){i == 3 ? 8 : 16, iv};
			q.iterations = 10000;
			q.direction_case = SIEGEL__PASSWORD__DIRECTION_CONTENT_KEY;
			q.content_key = (ProtobufCBinaryData){n, content};
			ck_assert_msg(ra_password(good, &q, out, &len, &e) == 0, "%s", e.detail);
			q.direction_case = SIEGEL__PASSWORD__DIRECTION_ENCRYPTED_KEY;
			q.encrypted_key = (ProtobufCBinaryData){len, out};
			q.key_bytes = (int32_t)n;
			ck_assert_int_eq(ra_password(good, &q, back, &again, &e), 0);
			ck_assert_uint_eq(again, n);
			ck_assert_mem_eq(back, content, n);
		}
}
END_TEST

START_TEST(test_password_refused)
{
	struct bytes good = {(const uint8_t *)phrase, sizeof(phrase) - 1};
	uint8_t out[RA_WRAPPED_MAX];
	size_t len = 0;
	Siegel__Password q;
#define WRONG(...)                                                                                                                                 \
	ask_password(&q);                                                                                                                          \
	__VA_ARGS__;                                                                                                                               \
	ck_assert_int_eq(ra_password(good, &q, out, &len, &e), -1);                                                                                \
	ck_assert_msg(e.code == E_BAD_VALUE, "%s", e.detail)
	WRONG(q.iterations = 0);
	WRONG(q.iterations = LIMIT_PASSWORD_ITERATIONS + 1);
	WRONG(q.salt.len = 7);
	WRONG(q.iv.len = 7);
	WRONG(q.prf = writable("hmac-md5"));
	WRONG(q.cipher = writable("des-cbc"));
	WRONG(q.key_bytes = 33);
	WRONG(q.direction_case = SIEGEL__PASSWORD__DIRECTION__NOT_SET);
	WRONG(q.direction_case = SIEGEL__PASSWORD__DIRECTION_CONTENT_KEY; q.content_key = (ProtobufCBinaryData){16, content}); /* 500 are too few */
}
END_TEST

/* RFC 3394 4.6 */
START_TEST(test_wrap_key)
{
	uint8_t kek[32], key[32], out[RA_CONTENT_KEY_MAX + 8];
	size_t len = 0;
	for (size_t i = 0; i < 32; i++)
		kek[i] = (uint8_t)i;
	for (size_t i = 0; i < 16; i++) {
		key[i] = (uint8_t)(i * 0x11);
		key[16 + i] = (uint8_t)i;
	}
	ck_assert_int_eq(ra_wrap_key((struct bytes){kek, 32}, (struct bytes){key, 32}, out, &len, &e), 0);
	ck_assert_uint_eq(len, 40);
	ck_assert_mem_eq(out, "\x28\xc9\xf4\x04\xc4\xb8\x10\xf4\xcb\xcc\xb3\x5c\xfb\x87\xf8\x26\x3f\x57\x86\xe2\xd8\x0e\xd3\x26\xcb\xc7\xf0\xe7"
			 "\x1a\x99\xf4\x3b\xfb\x98\x8b\x9b\x7a\x02\xdd\x21", 40);
	ck_assert_int_eq(ra_wrap_key((struct bytes){kek, 20}, (struct bytes){key, 32}, out, &len, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
}
END_TEST

TCase *
tcase_ra(void)
{
	TCase *c = tcase_create("ra");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_made);
	tcase_add_test(c, test_renewed);
	tcase_add_test(c, test_template_copied);
	tcase_add_test(c, test_scep_reply);
	tcase_add_test(c, test_scep_refused);
	tcase_add_test(c, test_other_answers);
	tcase_add_test(c, test_decrypted_on_token);
	tcase_add_test(c, test_decrypted_in_files);
	tcase_add_test(c, test_decrypt_refused);
	tcase_add_test(c, test_password);
	tcase_add_test(c, test_password_wrapped);
	tcase_add_test(c, test_password_refused);
	tcase_add_test(c, test_wrap_key);
	tcase_set_timeout(c, 120);
	return c;
}
