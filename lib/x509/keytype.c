#include "lib/x509/keytype.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/der.h"

DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

/* AlgorithmIdentifiers are short and never change: they stand here as DER. */
#define DER_LIT(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}
#define EC_ALGORITHM "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"

/* Key usages that make sense for a key. */
#define SIGNING (1u << USAGE_DIGITAL_SIGNATURE | 1u << USAGE_NON_REPUDIATION | 1u << USAGE_KEY_CERT_SIGN | 1u << USAGE_CRL_SIGN)
#define SIGNING_ENCIPHERING (SIGNING | 1u << USAGE_KEY_ENCIPHERMENT | 1u << USAGE_DATA_ENCIPHERMENT) /* RFC 3279 2.3.1 */
#define SIGNING_AGREEING (SIGNING | 1u << USAGE_KEY_AGREEMENT | 1u << USAGE_ENCIPHER_ONLY | 1u << USAGE_DECIPHER_ONLY) /* RFC 8813 3 */
#define ENCIPHERING (1u << USAGE_KEY_ENCIPHERMENT)                                                   /* RFC 9935 5 */

/* RSA of any size: rows without one, from which those with one are made. RFC 4055 1.2: a PSS key has no parameters or those to which it
 * is bound. */
#define RSA_ANY                                                                                                                           \
	{.name = "rsa", .family = KEY_RSA, .group = "RSA", .algorithm = DER_LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"), \
	 .signature = &sigalg_list[RSA_SHA256], .usages = SIGNING_ENCIPHERING, .slow = true}
#define RSAPSS_ANY                                                                                                                        \
	{.name = "rsapss", .family = KEY_RSA_PSS, .group = "RSA-PSS", .algorithm = DER_LIT("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), \
	 .signature = &sigalg_list[RSAPSS_SHA256], .usages = SIGNING, .slow = true}

/* RFC 5480 4: the digest is as strong as the curve. */
#define CURVE(word, field, order, factor, openssl, head, parameters)                                                                      \
	{.name = (word), .family = KEY_EC, .bits = (field), .group = (openssl), .algorithm = DER_LIT(head EC_ALGORITHM parameters),         \
	 .signature = &sigalg_list[(field) <= 256 ? ECDSA_SHA256 : (field) <= 384 ? ECDSA_SHA384 : ECDSA_SHA512], .usages = SIGNING_AGREEING, \
	 .order_bits = (order), .cofactor = (factor)},

/* Keys that sign the whole message: the AlgorithmIdentifiers of key and signature are the same, without parameters. */
#define PURE(word, kind, size, openssl, oid, signer, takes_long)                                                                           \
	{.name = (word), .family = (kind), .bits = (size), .group = (openssl), .algorithm = DER_LIT(oid), .usages = SIGNING,                  \
	 .signature = &(const struct sigalg){.name = (word), .algorithm = DER_LIT(oid)}, .ocsp = (signer), .slow = (takes_long)}
#define ED(word, size, openssl, last) PURE(word, KEY_ED, size, openssl, "\x30\x05\x06\x03\x2b\x65" last, NULL, false)
#define NIST(last) "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04" last
#define MLDSA(n, last) PURE("mldsa" #n, KEY_MLDSA, 0, "ML-DSA-" #n, NIST("\x03" last), "mldsa" #n, false)
/* An OCSP signer has to sign quickly: it is ML-DSA of the same category of strength. */
#define SLHDSA(word, openssl, last, signer) PURE("slhdsa-" word, KEY_SLHDSA, 0, "SLH-DSA-" openssl, NIST("\x03" last), signer, true)
#define MLKEM(n, last)                                                                                                                     \
	{.name = "mlkem" #n, .family = KEY_MLKEM, .group = "ML-KEM-" #n, .algorithm = DER_LIT(NIST("\x04" last)), .usages = ENCIPHERING}

static const struct keytype rows[] = {
#include "lib/x509/curves.def"
    ED("ed25519", 256, "ED25519", "\x70"),
    ED("ed448", 456, "ED448", "\x71"),
    /* FIPS 204, RFC 9881 */
    MLDSA(44, "\x11"),
    MLDSA(65, "\x12"),
    MLDSA(87, "\x13"),
    /* FIPS 205, RFC 9909 */
    SLHDSA("sha2-128s", "SHA2-128s", "\x14", "mldsa44"),
    SLHDSA("sha2-128f", "SHA2-128f", "\x15", "mldsa44"),
    SLHDSA("sha2-192s", "SHA2-192s", "\x16", "mldsa65"),
    SLHDSA("sha2-192f", "SHA2-192f", "\x17", "mldsa65"),
    SLHDSA("sha2-256s", "SHA2-256s", "\x18", "mldsa87"),
    SLHDSA("sha2-256f", "SHA2-256f", "\x19", "mldsa87"),
    SLHDSA("shake-128s", "SHAKE-128s", "\x1a", "mldsa44"),
    SLHDSA("shake-128f", "SHAKE-128f", "\x1b", "mldsa44"),
    SLHDSA("shake-192s", "SHAKE-192s", "\x1c", "mldsa65"),
    SLHDSA("shake-192f", "SHAKE-192f", "\x1d", "mldsa65"),
    SLHDSA("shake-256s", "SHAKE-256s", "\x1e", "mldsa87"),
    SLHDSA("shake-256f", "SHAKE-256f", "\x1f", "mldsa87"),
    /* FIPS 203, RFC 9935: for end entities alone */
    MLKEM(512, "\x01"),
    MLKEM(768, "\x02"),
    MLKEM(1024, "\x03"),
};

/* Ranges for profiles: all types of the family with at least so many bits (of the modulus, of the curve's order), or all. group is the
 * type that the engine makes. */
#define RANGE(kind, word, least, made)                                                                                                     \
	{.name = word ">=" #least, .family = (kind), .bits = (least), .group = (made), .at_least = true}
#define ALL(kind, word, made) {.name = (word), .family = (kind), .group = (made), .at_least = true}
static const struct keytype ranges[] = {
    RANGE(KEY_RSA, "rsa", 2048, "rsa2048"),       RANGE(KEY_RSA, "rsa", 3072, "rsa3072"),       RANGE(KEY_RSA, "rsa", 4096, "rsa4096"),
    RANGE(KEY_RSA_PSS, "rsapss", 2048, "rsapss2048"), RANGE(KEY_RSA_PSS, "rsapss", 3072, "rsapss3072"),
    RANGE(KEY_RSA_PSS, "rsapss", 4096, "rsapss4096"), RANGE(KEY_EC, "ec", 224, "p256"), RANGE(KEY_EC, "ec", 256, "p256"),
    RANGE(KEY_EC, "ec", 384, "p384"),
    ALL(KEY_MLDSA, "mldsa", "mldsa65"),
    ALL(KEY_SLHDSA, "slhdsa", "slhdsa-sha2-128s"),
    ALL(KEY_MLKEM, "mlkem", "mlkem768"),
};

#define RSA_STEP 8
#define RSA_SIZES ((LIMIT_RSA_MAX_BITS - LIMIT_RSA_MIN_BITS) / RSA_STEP + 1)
static const int usual_sizes[] = {2048, 2560, 3072, 4096, 5120, 6144, 7680, 8192};
static const struct keytype rsa_any[] = {RSA_ANY, RSAPSS_ANY};
static struct keytype rsa_rows[ARRAY_LEN(rsa_any)][RSA_SIZES];

static void
make_rsa_rows(void)
{
	static char names[ARRAY_LEN(rsa_any)][RSA_SIZES][16];
	for (size_t i = 0; i < ARRAY_LEN(rsa_any); i++)
		for (size_t k = 0; k < RSA_SIZES; k++) {
			struct keytype *t = &rsa_rows[i][k];
			*t = rsa_any[i];
			t->bits = LIMIT_RSA_MIN_BITS + (int)k * RSA_STEP;
			snprintf(names[i][k], sizeof(names[i][k]), "%s%d", rsa_any[i].name, t->bits);
			t->name = names[i][k];
			if (t->bits > 3072)
				t->signature = &sigalg_list[t->family == KEY_RSA ? RSA_SHA512 : RSAPSS_SHA512];
		}
}

/* The row of a size, NULL when there is none. */
static const struct keytype *
rsa_row(size_t kind, long bits)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	if (bits < LIMIT_RSA_MIN_BITS || bits > LIMIT_RSA_MAX_BITS || bits % RSA_STEP || pthread_once(&once, make_rsa_rows) != 0)
		return NULL;
	return &rsa_rows[kind][(bits - LIMIT_RSA_MIN_BITS) / RSA_STEP];
}

static const struct keytype *
rsa_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rsa_any); i++) {
		size_t len = strlen(rsa_any[i].name);
		const char *digits = name + len;
		if (strncmp(name, rsa_any[i].name, len) == 0 && strlen(digits) == 4 && strspn(digits, "0123456789") == 4)
			return rsa_row(i, strtol(digits, NULL, 10));
	}
	return NULL;
}

const struct keytype *
keytype_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return rsa_by_name(name);
}

const struct keytype *
keytype_at(size_t n)
{
	if (n < ARRAY_LEN(rows))
		return &rows[n];
	n -= ARRAY_LEN(rows);
	size_t kind = n / ARRAY_LEN(usual_sizes);
	return kind < ARRAY_LEN(rsa_any) ? rsa_row(kind, usual_sizes[n % ARRAY_LEN(usual_sizes)]) : NULL;
}

const struct keytype *
keytype_by_algorithm(struct bytes algorithm, int rsa_bits)
{
	for (size_t i = 0; i < ARRAY_LEN(rsa_any); i++)
		if (bytes_equal(rsa_any[i].algorithm, algorithm))
			return rsa_row(i, rsa_bits);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (bytes_equal(rows[i].algorithm, algorithm))
			return &rows[i];
	for (int i = RSAPSS_SHA256; i <= RSAPSS_SHA512; i++)
		if (bytes_equal(sigalg_list[i].algorithm, algorithm))
			return rsa_row(1, rsa_bits);
	return NULL;
}

const struct keytype *
keytype_rule(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (strcmp(ranges[i].name, word) == 0)
			return &ranges[i];
	return keytype_by_name(word);
}

bool
keytype_fits(const struct keytype *rule, const struct keytype *type)
{
	if (rule == type)
		return true;
	return rule->at_least && rule->family == type->family && (type->family == KEY_EC ? type->order_bits : type->bits) >= rule->bits;
}

const struct keytype *
keytype_made(const struct keytype *rule)
{
	const struct keytype *made = rule->at_least ? keytype_by_name(rule->group) : rule;
	return made ? made : &rows[0];
}

int
keytype_check(const struct keytype *t, struct error *e)
{
	if (t->family == KEY_EC && !t->at_least && t->order_bits < LIMIT_EC_MIN_BITS)
		return fail(e, E_BAD_KEY, "key: %s is too weak: curves of at least %d bits are taken", t->name, LIMIT_EC_MIN_BITS);
	return 0;
}

int
keytype_available(const struct keytype *t, struct error *e)
{
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_name(NULL, t->family == KEY_EC ? "EC" : t->group, NULL);
	if (ctx && (t->family != KEY_EC || (EVP_PKEY_paramgen_init(ctx) == 1 && EVP_PKEY_CTX_set_group_name(ctx, t->group) == 1)))
		return 0;
	return fail(e, E_UNSUPPORTED, "key: the cryptographic library here (%s) has no %s", OpenSSL_version(OPENSSL_VERSION_STRING), t->group);
}

const struct sigalg *
keytype_signature_at(const struct keytype *t, size_t n)
{
	int first = t->family == KEY_EC ? ECDSA_SHA256 : t->family == KEY_RSA ? RSA_SHA256 : RSAPSS_SHA256;
	int count = t->family == KEY_EC || t->family == KEY_RSA_PSS ? 3 : t->family == KEY_RSA ? 6 : 0;
	if (n == 0)
		return t->signature;
	for (int i = first; i < first + count; i++)
		if (&sigalg_list[i] != t->signature && --n == 0)
			return &sigalg_list[i];
	return NULL;
}

const struct sigalg *
keytype_signature(const struct keytype *t, const char *name)
{
	const struct sigalg *s;
	for (size_t i = 0; (s = keytype_signature_at(t, i)) != NULL; i++)
		if (!*name || strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

const struct sigalg *
keytype_signature_by_algorithm(const struct keytype *t, struct bytes algorithm)
{
	const struct sigalg *s;
	for (size_t i = 0; (s = keytype_signature_at(t, i)) != NULL; i++)
		if (bytes_equal(s->algorithm, algorithm))
			return s;
	return NULL;
}

int
keytype_generate(const struct keytype *t, EVP_PKEY **ret, struct error *e)
{
	EVP_PKEY *key = NULL;
	if (keytype_check(t, e) < 0)
		return -1;
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_name(NULL, t->family == KEY_EC ? "EC" : t->group, NULL);
	bool ready = ctx && EVP_PKEY_keygen_init(ctx) == 1;
	if (ready && t->family == KEY_EC)
		ready = EVP_PKEY_CTX_set_group_name(ctx, t->group) == 1;
	if (ready && (t->family == KEY_RSA || t->family == KEY_RSA_PSS))
		ready = EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, t->bits) == 1;
	if (!ready || EVP_PKEY_generate(ctx, &key) != 1)
		return keytype_available(t, e) < 0 ? -1 : fail(e, E_INTERNAL, "the cryptographic library made no %s key", t->name);
	*ret = key;
	return 0;
}

int
keytype_to_pkcs8(EVP_PKEY *key, struct secret **ret, struct error *e)
{
	unsigned char *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
	PKCS8_PRIV_KEY_INFO_free(info);
	if (len <= 0)
		return fail(e, E_INTERNAL, "a private key can't be encoded");
	*ret = secret_new(der, (size_t)len);
	OPENSSL_clear_free(der, (size_t)len);
	return 0;
}

int
keytype_from_pkcs8(struct bytes der, EVP_PKEY **ret, struct error *e)
{
	const unsigned char *p = der.data;
	PKCS8_PRIV_KEY_INFO *info = der.len <= LONG_MAX ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len) : NULL;
	EVP_PKEY *key = info && p == der.data + der.len ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	if (!key)
		return fail(e, E_KEY_STORE, "a private key isn't PKCS#8, or of a kind that isn't known here");
	*ret = key;
	return 0;
}
