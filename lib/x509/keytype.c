#include "lib/x509/keytype.h"

#include <limits.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/x509/der.h"

/* AlgorithmIdentifiers are short and never change: they stand here as DER. */
#define DER_LIT(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}
#define EC_ALGORITHM "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define P256 "\x30\x13" EC_ALGORITHM "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384 "\x30\x10" EC_ALGORITHM "\x06\x05\x2b\x81\x04\x00\x22"
#define P521 "\x30\x10" EC_ALGORITHM "\x06\x05\x2b\x81\x04\x00\x23"
#define BP256 "\x30\x14" EC_ALGORITHM "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07"
#define BP384 "\x30\x14" EC_ALGORITHM "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"
#define BP512 "\x30\x14" EC_ALGORITHM "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"
#define RSA "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
#define ED25519 "\x30\x05\x06\x03\x2b\x65\x70"
#define ED448 "\x30\x05\x06\x03\x2b\x65\x71"
#define ECDSA_SHA256 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define ECDSA_SHA384 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define ECDSA_SHA512 "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define RSA_SHA256 "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
#define RSA_SHA512 "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00"

static const struct keytype rows[] = {
    {"p256", KEY_EC, 256, "P-256", DER_LIT(P256), "SHA256", DER_LIT(ECDSA_SHA256), true},
    {"p384", KEY_EC, 384, "P-384", DER_LIT(P384), "SHA384", DER_LIT(ECDSA_SHA384), true},
    {"p521", KEY_EC, 521, "P-521", DER_LIT(P521), "SHA512", DER_LIT(ECDSA_SHA512), true},
    {"brainpoolp256r1", KEY_EC, 256, "brainpoolP256r1", DER_LIT(BP256), "SHA256", DER_LIT(ECDSA_SHA256), true},
    {"brainpoolp384r1", KEY_EC, 384, "brainpoolP384r1", DER_LIT(BP384), "SHA384", DER_LIT(ECDSA_SHA384), true},
    {"brainpoolp512r1", KEY_EC, 512, "brainpoolP512r1", DER_LIT(BP512), "SHA512", DER_LIT(ECDSA_SHA512), true},
    {"rsa2048", KEY_RSA, 2048, NULL, DER_LIT(RSA), "SHA256", DER_LIT(RSA_SHA256), true},
    {"rsa3072", KEY_RSA, 3072, NULL, DER_LIT(RSA), "SHA256", DER_LIT(RSA_SHA256), true},
    {"rsa4096", KEY_RSA, 4096, NULL, DER_LIT(RSA), "SHA512", DER_LIT(RSA_SHA512), true},
    {"rsa8192", KEY_RSA, 8192, NULL, DER_LIT(RSA), "SHA512", DER_LIT(RSA_SHA512), true},
    {"ed25519", KEY_ED, 256, "ED25519", DER_LIT(ED25519), NULL, DER_LIT(ED25519), false},
    {"ed448", KEY_ED, 456, "ED448", DER_LIT(ED448), NULL, DER_LIT(ED448), false},
};

const struct keytype *
keytype_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct keytype *
keytype_at(size_t n)
{
	return n < ARRAY_LEN(rows) ? &rows[n] : NULL;
}

const struct keytype *
keytype_by_algorithm(struct bytes algorithm, int rsa_bits)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (bytes_equal(rows[i].algorithm, algorithm) && (rows[i].family != KEY_RSA || rows[i].bits == rsa_bits))
			return &rows[i];
	return NULL;
}

int
keytype_generate(const struct keytype *t, EVP_PKEY **ret, struct error *e)
{
	EVP_PKEY *key = NULL;
	if (t->family == KEY_RSA)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)t->bits);
	else if (t->family == KEY_EC)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", t->group);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, t->group);
	if (!key)
		return fail(e, E_UNSUPPORTED, "the cryptographic library made no %s key", t->name);
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
