/* The lists of what is allowed, and keys that sign. */
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "enroll/cms.h"
#include "lib/limits.h"
#include "lib/x509/keytype.h"
#include "lib/x509/oid.h"

#define EXPONENT_BYTES 8

static const struct cms_digest digests[] = {
    {"SHA256", "sha256", OID_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), false},
    {"SHA384", "sha384", OID_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), false},
    {"SHA512", "sha512", OID_LIT("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), false},
    {"SHA1", "sha1", OID_LIT("\x2b\x0e\x03\x02\x1a"), true},
};

/* RFC 3565 4.1, RFC 3370 5.1. DES and RC2 aren't known. */
static const struct cms_cipher ciphers[] = {
    {"AES-128-CBC", "aes-128-cbc", OID_LIT("\x60\x86\x48\x01\x65\x03\x04\x01\x02"), 16, 16, false},
    {"AES-192-CBC", "aes-192-cbc", OID_LIT("\x60\x86\x48\x01\x65\x03\x04\x01\x16"), 24, 16, false},
    {"AES-256-CBC", "aes-256-cbc", OID_LIT("\x60\x86\x48\x01\x65\x03\x04\x01\x2a"), 32, 16, false},
    {"DES-EDE3-CBC", "des-ede3-cbc", OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x03\x07"), 24, 8, true},
};

const struct cms_digest *
cms_digest_by_oid(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_LEN(digests); i++)
		if (bytes_equal(digests[i].oid, oid))
			return &digests[i];
	return NULL;
}

const struct cms_cipher *
cms_cipher_by_oid(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		if (bytes_equal(ciphers[i].oid, oid))
			return &ciphers[i];
	return NULL;
}

const struct cms_cipher *
cms_cipher_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		if (strcasecmp(ciphers[i].name, name) == 0)
			return &ciphers[i];
	return NULL;
}

/* RSAES-OAEP-params, RFC 4055 4.1: all defaults is SHA-1; SHA-256 in both places, with the NULL of the digests' parameters and without. What is
 * written is the first of its digest. */
#define SHA256_ID "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define MGF1_ID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
static const struct {
	const char *digest;
	struct bytes parameters;
} oaep[] = {
    {"SHA1", OID_LIT("\x30\x00")},
    {"SHA256", OID_LIT("\x30\x2f\xa0\x0f\x30\x0d" SHA256_ID "\x05\x00\xa1\x1c\x30\x1a" MGF1_ID "\x30\x0d" SHA256_ID "\x05\x00")},
    {"SHA256", OID_LIT("\x30\x2b\xa0\x0d\x30\x0b" SHA256_ID "\xa1\x1a\x30\x18" MGF1_ID "\x30\x0b" SHA256_ID)},
};

const char *
cms_oaep_digest(struct bytes parameters)
{
	for (size_t i = 0; i < ARRAY_LEN(oaep); i++)
		if (bytes_equal(oaep[i].parameters, parameters))
			return oaep[i].digest;
	return NULL;
}

struct bytes
cms_oaep_parameters(const char *digest)
{
	for (size_t i = 0; i < ARRAY_LEN(oaep); i++)
		if (strcmp(oaep[i].digest, digest) == 0)
			return oaep[i].parameters;
	return (struct bytes){0};
}

/* The size of an RSA modulus (RFC 8017 A.1.1); 0 for anything else. *ret_exponent is set when it is one that is taken: odd, above 1, of 64 bits at
 * most (FIPS 186-5 A.1.1 allows 256). One as long as the modulus makes a signature a hundred times as dear to verify. */
static int
rsa_bits(struct bytes key, bool *ret_exponent)
{
	struct error e;
	struct der d = der_of(key), seq;
	struct bytes modulus, exponent;
	if (der_get(&d, DER_SEQUENCE, "RSA key", &seq, &e) < 0 || der_get_unsigned(&seq, "RSA modulus", &modulus, &e) < 0 ||
	    der_get_unsigned(&seq, "RSA exponent", &exponent, &e) < 0)
		return 0;
	uint8_t last = exponent.len ? exponent.data[exponent.len - 1] : 0;
	*ret_exponent = exponent.len <= EXPONENT_BYTES && (last & 1) && (exponent.len > 1 || last > 1);
	int bits = (int)(8 * modulus.len);
	for (uint8_t top = modulus.data[0]; bits > 0 && !(top & 0x80); top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

/* The last key that this thread decoded. One message names the same key up to four times, and decoding it costs the library more than using it. */
struct kept {
	size_t len;
	uint8_t spki[1200]; /* RSA of LIMIT_RSA_MAX_BITS has 1060 */
	EVP_PKEY *key;
};
static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void
drop_kept(void *ctx)
{
	struct kept *k = ctx;
	EVP_PKEY_free(k->key);
	free(k);
}

static void
make_kept(void)
{
	if (pthread_key_create(&kept_key, drop_kept) != 0)
		abort();
}

static EVP_PKEY *
decode(struct bytes spki)
{
	const unsigned char *p = spki.data;
	pthread_once(&kept_once, make_kept);
	struct kept *k = pthread_getspecific(kept_key);
	if (k && k->len == spki.len && memcmp(k->spki, spki.data, spki.len) == 0)
		return EVP_PKEY_up_ref(k->key) == 1 ? k->key : NULL;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	if (!key || spki.len > sizeof(k->spki) || EVP_PKEY_up_ref(key) != 1)
		return key;
	if (!k) {
		k = xcalloc(1, sizeof(*k));
		if (pthread_setspecific(kept_key, k) != 0)
			abort();
	}
	EVP_PKEY_free(k->key);
	k->key = key;
	k->len = spki.len;
	memcpy(k->spki, spki.data, spki.len);
	return key;
}

int
cms_public_key(struct bytes spki, const struct keytype **ret_type, EVP_PKEY **ret, struct error *e)
{
	struct der d = der_of(spki), content;
	struct bytes algorithm, bits;
	if (der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 || der_end(&d, "public key", e) < 0 ||
	    der_get_any(&content, "public key's algorithm", NULL, &algorithm, NULL, e) < 0 ||
	    der_get_bits(&content, "public key", &bits, e) < 0 || der_end(&content, "public key", e) < 0)
		return -1;
	bool has_exponent = false;
	int rsa = rsa_bits(bits, &has_exponent);
	const struct keytype *type = keytype_by_algorithm(algorithm, rsa);
	if (!type)
		return fail(e, E_BAD_KEY, "the signer's key is of a kind that isn't known here");
	if ((type->family == KEY_RSA || type->family == KEY_RSA_PSS) && (rsa < LIMIT_RSA_MIN_BITS || rsa > LIMIT_RSA_MAX_BITS))
		return fail(e, E_BAD_KEY, "the signer's RSA key has %d bits; %d to %d are taken", rsa, LIMIT_RSA_MIN_BITS, LIMIT_RSA_MAX_BITS);
	if ((type->family == KEY_RSA || type->family == KEY_RSA_PSS) && !has_exponent)
		return fail(e, E_BAD_KEY, "the signer's RSA key has an exponent that is even, 1 or of over %d bits", 8 * EXPONENT_BYTES);
	if (keytype_check(type, e) < 0 || keytype_available(type, e) < 0)
		return -1;
	EVP_PKEY *key = decode(spki);
	if (!key)
		return fail(e, E_BAD_KEY, "the signer's public key can't be read");
	*ret_type = type;
	*ret = key;
	return 0;
}
