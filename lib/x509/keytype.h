/* The registry of key types: one row for each kind and size of key that we know. */
#ifndef SIEGEL_LIB_X509_KEYTYPE_H
#define SIEGEL_LIB_X509_KEYTYPE_H
#include <openssl/evp.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/secret.h"

enum key_family { KEY_EC, KEY_RSA, KEY_ED };

struct keytype {
	const char *name;       /* "p256": the word in profiles, requests and answers */
	enum key_family family;
	int bits;               /* of the field or the modulus */
	const char *group;      /* OpenSSL's name: a curve, or "ED25519" */
	struct bytes algorithm; /* DER: AlgorithmIdentifier of its SubjectPublicKeyInfo (RFC 3279, 5480, 8410) */
	const char *digest;     /* with which it signs as a CA or a signer; NULL: none of its own (EdDSA) */
	struct bytes signature; /* DER: AlgorithmIdentifier of such a signature */
	bool on_token;          /* PKCS#11 2.40 mechanisms hold it; else the encrypted key store does */
};

/* By name; NULL when there is none. */
const struct keytype *keytype_by_name(const char *name);
/* The n-th row, NULL behind the last. */
const struct keytype *keytype_at(size_t n);
/* The row of a SubjectPublicKeyInfo's algorithm (DER) and, for RSA, its size; NULL when there is none. */
const struct keytype *keytype_by_algorithm(struct bytes algorithm, int rsa_bits);
/* Makes a key pair in this process. The caller frees *ret. */
int keytype_generate(const struct keytype *t, EVP_PKEY **ret, struct error *e) MUST_CHECK;
/* A private key as PKCS#8 DER (RFC 5958), unencrypted. The caller frees *ret. */
int keytype_to_pkcs8(EVP_PKEY *key, struct secret **ret, struct error *e) MUST_CHECK;
/* Undoes it. E_KEY_STORE for anything else, also with bytes behind it. The caller frees *ret. */
int keytype_from_pkcs8(struct bytes der, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
