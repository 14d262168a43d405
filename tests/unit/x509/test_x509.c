/* The readers and writers of lib/x509, against OpenSSL as the other party where there is one. */
#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/dn.h"
#include "lib/x509/keytype.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"
#include "lib/x509/text.h"

#define LIT(s) ((struct bytes){(const uint8_t *)(s), sizeof(s) - 1})

static struct arena *a;
static struct error e;

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

/* --- DER --- */

static const struct {
	const char *what;
	struct bytes der;
	bool good;
} heads[] = {
    {"short form", {(const uint8_t *)"\x04\x01x", 3}, true},
    {"empty", {(const uint8_t *)"\x04\x00", 2}, true},
    {"cut in the head", {(const uint8_t *)"\x04", 1}, false},
    {"cut in the content", {(const uint8_t *)"\x04\x02x", 3}, false},
    {"indefinite", {(const uint8_t *)"\x04\x80x\0\0", 5}, false},
    {"long form for a short length", {(const uint8_t *)"\x04\x81\x01x", 4}, false},
    {"zero in front of a length", {(const uint8_t *)"\x04\x82\x00\x80", 4}, false},
    {"2^31-1", {(const uint8_t *)"\x04\x84\x7f\xff\xff\xff", 6}, false},
    {"eight octets of length", {(const uint8_t *)"\x04\x88\x7f\xff\xff\xff\xff\xff\xff\xff", 10}, false},
    {"high tag number", {(const uint8_t *)"\x1f\x81\x01\x00", 4}, false},
};

START_TEST(test_head)
{
	struct der d = der_of(heads[_i].der);
	int rc = der_get_any(&d, "it", NULL, NULL, NULL, &e);
	ck_assert_msg((rc == 0) == heads[_i].good, "%s", heads[_i].what);
	if (rc < 0)
		ck_assert_int_eq(e.code, E_MALFORMED);
}
END_TEST

START_TEST(test_round_trip)
{
	/* around each place where a length gets an octet more */
	static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
	struct buf b BUF_CLEANUP = BUF_INIT(1 << 20);
	uint8_t *data = calloc(1, 65536);
	struct der content, inner;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		buf_clear(&b);
		size_t outer = der_begin(&b, DER_SEQUENCE);
		der_put(&b, DER_OCTET_STRING, data, lengths[i]);
		der_close(&b, outer);
		struct der d = der_of((struct bytes){b.data, b.len});
		ck_assert_int_eq(der_get(&d, DER_SEQUENCE, "s", &content, &e), 0);
		ck_assert_int_eq(der_end(&d, "s", &e), 0);
		ck_assert_int_eq(der_get(&content, DER_OCTET_STRING, "o", &inner, &e), 0);
		ck_assert_uint_eq(der_bytes(&inner).len, lengths[i]);
		ck_assert(der_at_end(&content));
	}
	free(data);
}
END_TEST

START_TEST(test_trailing)
{
	struct der d = der_of(LIT("\x05\x00\x00")), content;
	ck_assert_int_eq(der_get(&d, DER_NULL, "n", &content, &e), 0);
	ck_assert_int_eq(der_end(&d, "n", &e), -1);
	ck_assert_str_eq(e.detail, "n: 1 octets too many");
}
END_TEST

START_TEST(test_integers)
{
	static const struct {
		struct bytes der;
		int good;
		long value;
	} cases[] = {
	    {{(const uint8_t *)"\x02\x01\x00", 3}, 1, 0},        {{(const uint8_t *)"\x02\x01\x7f", 3}, 1, 127},
	    {{(const uint8_t *)"\x02\x02\x00\x80", 4}, 1, 128},  {{(const uint8_t *)"\x02\x00", 2}, 0, 0},
	    {{(const uint8_t *)"\x02\x02\x00\x7f", 4}, 0, 0},    {{(const uint8_t *)"\x02\x01\x80", 3}, 0, 0},
	    {{(const uint8_t *)"\x02\x02\xff\x80", 4}, 0, 0},    {{(const uint8_t *)"\x02\x02\x03\xe9", 4}, 0, 0}, /* 1001 > 1000 */
	    {{(const uint8_t *)"\x02\x05\x01\0\0\0\0", 7}, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct der d = der_of(cases[i].der);
		long v = -1;
		ck_assert_int_eq(der_get_small(&d, "n", 1000, &v, &e), cases[i].good ? 0 : -1);
		if (cases[i].good)
			ck_assert_int_eq(v, cases[i].value);
	}
}
END_TEST

START_TEST(test_booleans_bits_oids)
{
	struct bytes b;
	bool v;
	struct der d = der_of(LIT("\x01\x01\x01"));
	ck_assert_int_eq(der_get_bool(&d, "b", &v, &e), -1); /* true is ff in DER */
	d = der_of(LIT("\x01\x01\xff"));
	ck_assert_int_eq(der_get_bool(&d, "b", &v, &e), 0);
	ck_assert(v);
	d = der_of(LIT("\x03\x02\x01\x80"));
	ck_assert_int_eq(der_get_bits(&d, "b", &b, &e), -1); /* unused bits */
	d = der_of(LIT("\x03\x00"));
	ck_assert_int_eq(der_get_bits(&d, "b", &b, &e), -1);
	d = der_of(LIT("\x06\x03\x55\x04\x03"));
	ck_assert_int_eq(der_get_oid(&d, "o", &b, &e), 0);
	d = der_of(LIT("\x06\x02\x55\x84")); /* ends within an arc */
	ck_assert_int_eq(der_get_oid(&d, "o", &b, &e), -1);
	d = der_of(LIT("\x06\x03\x55\x80\x03")); /* padded arc */
	ck_assert_int_eq(der_get_oid(&d, "o", &b, &e), -1);
	d = der_of(LIT("\x06\x00"));
	ck_assert_int_eq(der_get_oid(&d, "o", &b, &e), -1);
}
END_TEST

START_TEST(test_times)
{
	/* the switch of forms (RFC 5280 4.1.2.5), a leap day, the end of time */
	static const struct {
		int64_t t;
		const char *text;
		int tag;
	} cases[] = {
	    {0, "700101000000Z", DER_UTC_TIME},
	    {2524607999, "491231235959Z", DER_UTC_TIME},
	    {2524608000, "20500101000000Z", DER_GENERALIZED_TIME},
	    {1709164800, "240229000000Z", DER_UTC_TIME},
	    {2147483648, "380119031408Z", DER_UTC_TIME},
	    {253402300799, "99991231235959Z", DER_GENERALIZED_TIME},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b BUF_CLEANUP = BUF_INIT(64);
		int64_t back = -1;
		der_put_time(&b, cases[i].t);
		ck_assert_int_eq(b.data[0], cases[i].tag);
		ck_assert(bytes_equal((struct bytes){b.data + 2, b.len - 2}, BYTES_STR(cases[i].text)));
		struct der d = der_of((struct bytes){b.data, b.len});
		ck_assert_int_eq(der_get_time(&d, "t", &back, &e), 0);
		ck_assert_int_eq(back, cases[i].t);
	}
	static const char *const bad[] = {"230229000000Z", "231301000000Z", "230101240000Z", "230101006000Z", "2301010000Z", "230101000000+0100",
	    "23010100000aZ", "230101000000.5Z", ""};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf b BUF_CLEANUP = BUF_INIT(64);
		int64_t t;
		der_put_str(&b, DER_UTC_TIME, bad[i]);
		struct der d = der_of((struct bytes){b.data, b.len});
		ck_assert_msg(der_get_time(&d, "t", &t, &e) == -1, "%s", bad[i]);
	}
}
END_TEST

/* --- base64 and PEM --- */

START_TEST(test_base64)
{
	static const struct {
		const char *text;
		int len; /* of what it decodes to, -1: refused */
	} cases[] = {{"QQ==", 1}, {"QUI=", 2}, {"QUJD", 3}, {"Q U\r\nJ\tD\n", 3}, {"QUJD\n", 3}, {"QUJ", -1}, {"Q", -1}, {"QQ=", -1}, {"QQ===", -1},
	    {"QR==", -1}, {"QUJ=", -1}, {"QUJD=", -1}, {"QQ==QQ==", -1}, {"QU-D", -1}, {"", -1}, {"====", -1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes b = {0};
		int rc = base64_decode(a, cases[i].text, strlen(cases[i].text), &b, &e);
		ck_assert_msg(cases[i].len < 0 ? rc == -1 : rc == 0 && b.len == (size_t)cases[i].len, "%s", cases[i].text);
	}
	uint8_t data[97];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t n = 1; n <= sizeof(data); n++) {
		struct bytes back;
		char *text = base64_encode(a, (struct bytes){data, n});
		ck_assert_int_eq(base64_decode(a, text, strlen(text), &back, &e), 0);
		ck_assert(bytes_equal(back, (struct bytes){data, n}));
	}
}
END_TEST

START_TEST(test_pem)
{
	uint8_t data[200] = {1, 2, 3};
	struct bytes in = {data, sizeof(data)}, out;
	char *pem = pem_encode(a, "THING", in);
	ck_assert_int_eq(pem_decode(a, pem, strlen(pem), "THING", NULL, &out, &e), 0);
	ck_assert(bytes_equal(in, out));
	ck_assert_int_eq(pem_decode(a, pem, strlen(pem), "OTHER", "THING", &out, &e), 0);
	ck_assert_int_eq(pem_decode(a, pem, strlen(pem), "OTHER", NULL, &out, &e), -1);
	char *two = arena_printf(a, "%s%s", pem, pem);
	ck_assert_int_eq(pem_decode(a, two, strlen(two), "THING", NULL, &out, &e), -1);
	char *crlf = arena_printf(a, "\r\n-----BEGIN THING-----\r\nAQID\r\n-----END THING-----\r\n");
	ck_assert_int_eq(pem_decode(a, crlf, strlen(crlf), "THING", NULL, &out, &e), 0);
	static const char *const bad[] = {"", "-----BEGIN THING-----", "-----BEGIN THING-----\nAQID\n-----END OTHER-----\n", "x-----BEGIN THING-----\nAQID\n-----END THING-----\n",
	    "-----BEGIN THING-----\nProc-Type: 4\n\nAQID\n-----END THING-----\n", "-----BEGIN THING-----\n-----END THING-----\n"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(pem_decode(a, bad[i], strlen(bad[i]), "THING", NULL, &out, &e) == -1, "%s", bad[i]);
}
END_TEST

/* --- names and text --- */

START_TEST(test_text)
{
	static const struct {
		const char *s;
		bool good;
	} cases[] = {{"plain", true}, {"Müller & Söhne", true}, {"\xf0\x9f\x94\x91", true}, {"", false}, {"a\nb", false}, {"a\x7f", false},
	    {"\xc2\x85", false}, {"a\xe2\x80\xae""b", false}, {"\xef\xbb\xbfx", false}, {"\xc0\x80", false}, {"\xed\xa0\x80", false}, {"\xff", false},
	    {"\xf4\x90\x80\x80", false}, {"\xef\xbf\xbf", false}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg((text_check(cases[i].s, strlen(cases[i].s), 64, "it", &e) == 0) == cases[i].good, "case %zu", i);
	ck_assert_int_eq(text_check("abcde", 5, 4, "it", &e), -1);
	ck_assert_int_eq(text_check("a\0b", 3, 4, "it", &e), -1);
}
END_TEST

START_TEST(test_dn)
{
	const struct dn_value in[] = {{dn_type_by_name("C"), "DE"}, {dn_type_by_name("o"), "Müller, Söhne + \"Co\""}, {dn_type_by_name("CN"), " x#"}};
	struct dn_value out[8];
	size_t n = 0;
	struct buf b BUF_CLEANUP = BUF_INIT(4096);
	dn_put(&b, in, ARRAY_LEN(in));
	struct bytes der = {b.data, b.len};
	ck_assert_int_eq(dn_parse(a, der, out, ARRAY_LEN(out), &n, &e), 0);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++) {
		ck_assert_ptr_eq(out[i].type, in[i].type);
		ck_assert_str_eq(out[i].value, in[i].value);
	}
	ck_assert_str_eq(dn_text(a, der), "CN=\\ x#,O=Müller\\, Söhne \\+ \\\"Co\\\",C=DE");
	/* OpenSSL reads the same */
	const unsigned char *p = der.data;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(name);
	ck_assert_int_eq(X509_NAME_entry_count(name), 3);
	X509_NAME_free(name);
	ck_assert_int_eq(dn_parse(a, der, out, 2, &n, &e), -1);
	ck_assert_ptr_null(dn_type_by_name("nonsense"));
}
END_TEST

START_TEST(test_dn_check)
{
	static const struct {
		const char *type, *value;
		bool good;
	} cases[] = {{"C", "DE", true}, {"C", "de", false}, {"C", "DEU", false}, {"C", "D", false}, {"serialNumber", "A-1", true}, {"serialNumber", "A_1", false},
	    {"DC", "example", true}, {"DC", "ex\xc3\xa4mple", false}, {"CN", "a\nb", false}, {"CN", "%s%n", true}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dn_value v = {dn_type_by_name(cases[i].type), cases[i].value};
		ck_assert_msg((dn_check(&v, &e) == 0) == cases[i].good, "%s=%s", cases[i].type, cases[i].value);
	}
}
END_TEST

/* --- key types --- */

static struct bytes
algorithm_of(EVP_PKEY *key, unsigned char **ret_der)
{
	int len = i2d_PUBKEY(key, ret_der);
	struct der d = der_of((struct bytes){*ret_der, (size_t)len}), content;
	struct bytes algorithm;
	ck_assert_int_eq(der_get(&d, DER_SEQUENCE, "spki", &content, &e), 0);
	ck_assert_int_eq(der_get_any(&content, "algorithm", NULL, &algorithm, NULL, &e), 0);
	return algorithm;
}

/* Our AlgorithmIdentifier is the one that OpenSSL writes; and so are the facts of the curve. */
static void
check_key(const struct keytype *t, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	struct bytes algorithm = algorithm_of(key, &der);
	ck_assert_msg(bytes_equal(algorithm, t->algorithm), "%s", t->name);
	ck_assert_ptr_eq(keytype_by_algorithm(algorithm, t->bits), t);
	OPENSSL_free(der);
	if (t->family != KEY_EC)
		return;
	BIGNUM *order = NULL, *cofactor = NULL;
	uint8_t point[256];
	size_t len;
	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_COFACTOR, &cofactor), 1);
	ck_assert_int_eq(BN_num_bits(order), t->order_bits);
	ck_assert_msg(BN_is_word(cofactor, (BN_ULONG)t->cofactor), "%s", t->name);
	ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
	ck_assert_uint_eq(len, 1 + 2 * (((size_t)t->bits + 7) / 8));
	BN_free(order);
	BN_free(cofactor);
}

START_TEST(test_keytypes)
{
	const struct keytype *t;
	size_t made = 0;
	for (size_t i = 0; (t = keytype_at(i)) != NULL; i++) {
		ck_assert_ptr_eq(keytype_by_name(t->name), t);
		ck_assert_ptr_eq(keytype_rule(t->name), t);
		ck_assert_ptr_eq(keytype_by_algorithm(t->algorithm, t->bits), t);
		EVP_PKEY *key = NULL;
		if (keytype_check(t, &e) < 0) {
			ck_assert_ptr_nonnull(strstr(e.detail, "too weak"));
			ck_assert_int_eq(keytype_generate(t, &key, &e), -1);
			ck_assert_int_eq(e.code, E_BAD_KEY);
			continue;
		}
		if (keytype_available(t, &e) < 0) {
			ck_assert_int_eq(keytype_generate(t, &key, &e), -1);
			ck_assert_int_eq(e.code, E_UNSUPPORTED);
			ck_assert_ptr_nonnull(strstr(e.detail, "cryptographic library"));
			continue;
		}
		if (t->slow && (t->bits > 2048 || t->family == KEY_SLHDSA))
			continue; /* the same code */
		ck_assert_msg(keytype_generate(t, &key, &e) == 0, "%s: %s", t->name, e.detail);
		check_key(t, key);
		EVP_PKEY_free(key);
		made++;
	}
	ck_assert_uint_ge(made, 40);
}
END_TEST

START_TEST(test_keytype_words)
{
	static const char *const none[] = {"p192", "rsa", "rsapss", "rsa1024", "rsa2047", "rsa2049", "rsa8200", "rsa16384", "rsa 2048", "rsa+2048",
	    "rsa>=3072", "ec>=256", "", "P256", "mldsa", "mlkem256"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		ck_assert_msg(!keytype_by_name(none[i]), "%s", none[i]);
	ck_assert_ptr_null(keytype_by_algorithm(keytype_by_name("rsa2048")->algorithm, 2047));
	ck_assert_ptr_eq(keytype_by_algorithm(keytype_by_name("rsa2048")->algorithm, 2056), keytype_by_name("rsa2056"));
	ck_assert_ptr_null(keytype_rule("rsa>=1024"));
	const struct keytype *rsa = keytype_rule("rsa>=3072"), *ec = keytype_rule("ec>=256");
	ck_assert(rsa && ec);
	ck_assert(keytype_fits(rsa, keytype_by_name("rsa3072")) && keytype_fits(rsa, keytype_by_name("rsa3080")));
	ck_assert(!keytype_fits(rsa, keytype_by_name("rsa3064")) && !keytype_fits(rsa, keytype_by_name("rsapss3072")));
	ck_assert(!keytype_fits(rsa, keytype_by_name("p521")));
	ck_assert(keytype_fits(ec, keytype_by_name("p256")) && keytype_fits(ec, keytype_by_name("sect571r1")));
	ck_assert(!keytype_fits(ec, keytype_by_name("secp224r1")) && !keytype_fits(ec, keytype_by_name("ed25519")));
	ck_assert(keytype_fits(keytype_by_name("p256"), keytype_by_name("p256")) && !keytype_fits(keytype_by_name("p256"), keytype_by_name("p384")));
	ck_assert(keytype_fits(keytype_rule("mlkem"), keytype_by_name("mlkem512")) && !keytype_fits(keytype_rule("mlkem"), keytype_by_name("mldsa44")));
	ck_assert_ptr_eq(keytype_made(keytype_rule("slhdsa")), keytype_by_name("slhdsa-sha2-128s"));
	ck_assert_ptr_eq(keytype_made(rsa), keytype_by_name("rsa3072"));
	ck_assert_ptr_eq(keytype_made(keytype_rule("ec>=384")), keytype_by_name("p384"));
	ck_assert_ptr_eq(keytype_made(keytype_by_name("ed448")), keytype_by_name("ed448"));
}
END_TEST

/* doc/algorithms.md has the word of each row; the sizes of RSA that it doesn't list are said to be between those that it does. */
START_TEST(test_documented)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], text[16384], word[64];
	const struct keytype *t;
	snprintf(path, sizeof(path), "%.4000s/doc/algorithms.md", srcdir ? srcdir : ".");
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s is missing", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; (t = keytype_at(i)) != NULL; i++) {
		const struct sigalg *s;
		snprintf(word, sizeof(word), "`%s`", t->name);
		ck_assert_msg(strstr(text, word) || ((t->family == KEY_RSA || t->family == KEY_RSA_PSS) && t->bits > 2048 && t->bits < 8192), "%s", t->name);
		for (size_t k = 0; (s = keytype_signature_at(t, k)) != NULL; k++) {
			snprintf(word, sizeof(word), "`%s`", s->name);
			ck_assert_msg(strstr(text, word) != NULL, "%s", s->name);
		}
	}
}
END_TEST

/* What a key signs with: each by its name and its DER, made and verified, and refused when the data or the key are others. */
START_TEST(test_signatures)
{
	static const char *const types[] = {"p256", "p521", "rsa2048", "rsapss2048", "ed25519", "ed448", "mldsa44"};
	static const size_t counts[] = {3, 3, 6, 3, 1, 1, 1};
	const struct keytype *t = keytype_by_name(types[_i]);
	const struct sigalg *s;
	EVP_PKEY *key = NULL, *other = NULL;
	size_t n = 0;
	if (keytype_available(t, &e) == 0) {
		ck_assert_int_eq(keytype_generate(t, &key, &e), 0);
		ck_assert_int_eq(keytype_generate(t, &other, &e), 0);
	}
	for (; (s = keytype_signature_at(t, n)) != NULL; n++) {
		static const uint8_t text[] = "to be signed";
		static uint8_t out[SIGALG_MAX_BYTES];
		EVP_PKEY_CTX *sign = NULL, *verify = NULL, *wrong = NULL;
		ck_assert_ptr_eq(keytype_signature(t, s->name), s);
		ck_assert_ptr_eq(keytype_signature_by_algorithm(t, s->algorithm), s);
		for (int again = 0; key && again < 2; again++) { /* with contexts that are kept */
			size_t len = sizeof(out);
			ck_assert_msg(sigalg_sign(s, key, &sign, (struct bytes){text, sizeof(text)}, out, &len), "%s", s->name);
			ck_assert(sigalg_verify(s, key, &verify, (struct bytes){text, sizeof(text)}, (struct bytes){out, len}));
			ck_assert(!sigalg_verify(s, key, &verify, (struct bytes){text, sizeof(text) - 1}, (struct bytes){out, len}));
			ck_assert(!sigalg_verify(s, key, &verify, (struct bytes){text, sizeof(text)}, (struct bytes){out, len - 1}));
			ck_assert(!sigalg_verify(s, other, &wrong, (struct bytes){text, sizeof(text)}, (struct bytes){out, len}));
		}
		EVP_PKEY_CTX_free(sign);
		EVP_PKEY_CTX_free(verify);
		EVP_PKEY_CTX_free(wrong);
	}
	ck_assert_uint_eq(n, counts[_i]);
	ck_assert_ptr_eq(keytype_signature(t, ""), t->signature);
	ck_assert_ptr_null(keytype_signature(t, "md5"));
	ck_assert_ptr_null(keytype_signature(t, t->family == KEY_EC ? "rsa-sha256" : "ecdsa-sha256"));
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(test_pkcs8)
{
	EVP_PKEY *key = NULL;
	struct secret *der = NULL;
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	ck_assert_int_eq(keytype_to_pkcs8(key, &der, &e), 0);
	const unsigned char *p = der->data;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der->len);
	ck_assert_ptr_nonnull(info);
	EVP_PKEY *back = EVP_PKCS82PKEY(info);
	ck_assert_int_eq(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);
	PKCS8_PRIV_KEY_INFO_free(info);
	ck_assert_int_eq(keytype_from_pkcs8((struct bytes){der->data, der->len}, &back, &e), 0);
	ck_assert_int_eq(EVP_PKEY_eq(key, back), 1);
	EVP_PKEY_free(back);
	/* cut short, and with an octet behind it (the NUL of the secret) */
	ck_assert_int_eq(keytype_from_pkcs8((struct bytes){der->data, der->len - 1}, &back, &e), -1);
	ck_assert_int_eq(keytype_from_pkcs8((struct bytes){der->data, der->len + 1}, &back, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	ck_assert_int_eq(keytype_from_pkcs8((struct bytes){der->data, 0}, &back, &e), -1);
	secret_free(der);
	EVP_PKEY_free(key);
}
END_TEST

/* --- certificates --- */

/* A certificate made by OpenSSL. */
static struct bytes
openssl_certificate(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	unsigned char *der = NULL;
	X509_set_version(x, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x8000000000000001);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)"dev", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &(time_t){1700000000});
	X509_time_adj_ex(X509_getm_notAfter(x), 0, 0, &(time_t){1800000000});
	X509_set_pubkey(x, key);
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {{NID_basic_constraints, "critical,CA:TRUE"}, {NID_ext_key_usage, "clientAuth"}, {NID_subject_alt_name, "DNS:dev.example"},
	                {NID_key_usage, "keyAgreement,decipherOnly"}, {NID_subject_key_identifier, "00112233"}};
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		X509_EXTENSION *x509_ext = X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);
		X509_add_ext(x, x509_ext, -1);
		X509_EXTENSION_free(x509_ext);
	}
	X509_sign(x, key, EVP_sha256());
	int len = i2d_X509(x, &der);
	struct bytes b = {arena_dup(a, der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
	return b;
}

START_TEST(test_cert)
{
	struct bytes der = openssl_certificate();
	struct cert c;
	ck_assert_int_eq(cert_parse(der, &c, &e), 0);
	ck_assert(bytes_equal(c.serial, LIT("\x80\0\0\0\0\0\0\1")));
	ck_assert_int_eq(c.not_before, 1700000000);
	ck_assert_int_eq(c.not_after, 1800000000);
	ck_assert_str_eq(dn_text(a, c.subject), "CN=dev");
	ck_assert(cert_is_ca(&c));
	ck_assert(cert_has_eku(&c, OID_EKU_CLIENT_AUTH, false));
	ck_assert(!cert_has_eku(&c, OID_EKU_SERVER_AUTH, true));
	for (int usage = 0; usage < USAGE_COUNT; usage++)
		ck_assert_int_eq(cert_has_usage(&c, usage, true), usage == USAGE_KEY_AGREEMENT || usage == USAGE_DECIPHER_ONLY);
	ck_assert(cert_has_key_id(&c, LIT("\x00\x11\x22\x33")) && !cert_has_key_id(&c, LIT("\x00\x11\x22")));
	ck_assert(!cert_has_key_id(&c, (struct bytes){0}));
	ck_assert_uint_gt(cert_san(&c).len, 0);
	ck_assert_uint_eq(c.spki_key.len, 65);
}
END_TEST

/* Every cut is refused, and no flipped bit is read beyond the data (the sanitizer build watches). */
START_TEST(test_cert_hostile)
{
	struct bytes der = openssl_certificate();
	struct cert c;
	for (size_t n = 0; n < der.len; n++) {
		uint8_t *cut = malloc(n + 1); /* of its own, so that a read beyond it is seen */
		memcpy(cut, der.data, n);
		ck_assert_int_eq(cert_parse((struct bytes){cut, n}, &c, &e), -1);
		free(cut);
	}
	uint8_t *flipped = malloc(der.len);
	for (size_t bit = 0; bit < der.len * 8; bit++) {
		memcpy(flipped, der.data, der.len);
		flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (cert_parse((struct bytes){flipped, der.len}, &c, &e) == 0) {
			(void)cert_is_ca(&c);
			(void)cert_has_eku(&c, OID_EKU_CLIENT_AUTH, false);
			(void)dn_text(a, c.subject);
		}
	}
	free(flipped);
	uint8_t *more = malloc(der.len + 1);
	memcpy(more, der.data, der.len);
	more[der.len] = 0;
	ck_assert_int_eq(cert_parse((struct bytes){more, der.len + 1}, &c, &e), -1);
	free(more);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("x509");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_head, 0, ARRAY_LEN(heads));
	tcase_add_test(c, test_round_trip);
	tcase_add_test(c, test_trailing);
	tcase_add_test(c, test_integers);
	tcase_add_test(c, test_booleans_bits_oids);
	tcase_add_test(c, test_times);
	tcase_add_test(c, test_base64);
	tcase_add_test(c, test_pem);
	tcase_add_test(c, test_text);
	tcase_add_test(c, test_dn);
	tcase_add_test(c, test_dn_check);
	tcase_add_test(c, test_keytypes);
	tcase_add_test(c, test_keytype_words);
	tcase_add_test(c, test_documented);
	tcase_add_loop_test(c, test_signatures, 0, 7);
	tcase_add_test(c, test_pkcs8);
	tcase_add_test(c, test_cert);
	tcase_add_test(c, test_cert_hostile);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
