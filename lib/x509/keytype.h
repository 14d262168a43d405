/* The registry of key types: one row for each kind of key that we know. A new algorithm is one row. */
#ifndef SIEGEL_LIB_X509_KEYTYPE_H
#define SIEGEL_LIB_X509_KEYTYPE_H
#include <openssl/evp.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/secret.h"
#include "lib/x509/sigalg.h"

enum key_family { KEY_EC, KEY_RSA, KEY_RSA_PSS, KEY_ED, KEY_MLDSA, KEY_SLHDSA, KEY_MLKEM };

/* Bits of KeyUsage as RFC 5280 4.2.1.3 counts them. */
enum {
	USAGE_DIGITAL_SIGNATURE = 0, USAGE_NON_REPUDIATION, USAGE_KEY_ENCIPHERMENT, USAGE_DATA_ENCIPHERMENT, USAGE_KEY_AGREEMENT, USAGE_KEY_CERT_SIGN,
	USAGE_CRL_SIGN, USAGE_ENCIPHER_ONLY, USAGE_DECIPHER_ONLY, USAGE_COUNT
};

struct keytype {
	const char *name;       /* "p256", "rsa3072": the word in profiles, requests and answers */
	enum key_family family;
	int bits;               /* of the field or the modulus; 0: the family has no such number */
	const char *group;      /* OpenSSL's name: of the curve, else of the algorithm */
	struct bytes algorithm; /* DER: AlgorithmIdentifier of its SubjectPublicKeyInfo (RFC 3279, 4055, 5480, 8410, 9881, 9909, 9935) */
	const struct sigalg *signature; /* with which it signs unless something else is chosen; NULL: it signs nothing */
	unsigned usages;        /* bit n: key usage n makes sense for such a key */
	const char *ocsp;       /* type of the OCSP signers that speak for a CA with such a key; NULL: the profile's first */
	bool slow;              /* a key takes milliseconds and more to make */
	int order_bits, cofactor; /* of a curve */
	bool at_least;          /* no type, but a range that a profile may name: see keytype_rule() */
};

/* By name; NULL when there is none. "rsa" and "rsapss" take any size from LIMIT_RSA_MIN_BITS to LIMIT_RSA_MAX_BITS that is a multiple
 * of 8 behind them. */
const struct keytype *keytype_by_name(const char *name);
/* The n-th row, NULL behind the last; of RSA and RSA-PSS the usual sizes. Curves that are too weak and types that the library lacks are
 * among them. */
const struct keytype *keytype_at(size_t n);
/* The row of a SubjectPublicKeyInfo's algorithm (DER) and, for RSA, its size; NULL when there is none. RSA-PSS keys may carry
 * parameters that bind them to one of our signature algorithms (RFC 4055 1.2). */
const struct keytype *keytype_by_algorithm(struct bytes algorithm, int rsa_bits);
/* What a profile may write: a type, or a range ("rsa>=3072", "ec>=256", "mldsa"); NULL for anything else. */
const struct keytype *keytype_rule(const char *word);
/* Is type what the rule says? */
bool keytype_fits(const struct keytype *rule, const struct keytype *type);
/* The type of which the engine makes a key by this rule: itself, or the least of the range. */
const struct keytype *keytype_made(const struct keytype *rule) __attribute__((returns_nonnull));
/* E_BAD_KEY when such keys are below the ceilings of lib/limits.h (curves). */
int keytype_check(const struct keytype *t, struct error *e) MUST_CHECK;
/* Does the cryptographic library that this process runs with know it? Asked at run time: OpenSSL 3.5 has ML-DSA, ML-KEM and SLH-DSA.
 * E_UNSUPPORTED when it doesn't. */
int keytype_available(const struct keytype *t, struct error *e) MUST_CHECK;
/* The n-th signature algorithm of such keys, the default first; NULL behind the last. */
const struct sigalg *keytype_signature_at(const struct keytype *t, size_t n);
/* The one of that name (the default for "") or with that AlgorithmIdentifier; NULL when such keys don't make it. */
const struct sigalg *keytype_signature(const struct keytype *t, const char *name);
const struct sigalg *keytype_signature_by_algorithm(const struct keytype *t, struct bytes algorithm);
/* Makes a key pair in this process. E_BAD_KEY, E_UNSUPPORTED as keytype_check() and keytype_available(). The caller frees *ret. */
int keytype_generate(const struct keytype *t, EVP_PKEY **ret, struct error *e) MUST_CHECK;
/* A private key as PKCS#8 DER (RFC 5958), unencrypted. The caller frees *ret. */
int keytype_to_pkcs8(EVP_PKEY *key, struct secret **ret, struct error *e) MUST_CHECK;
/* Undoes it. E_KEY_STORE for anything else, also with bytes behind it. The caller frees *ret. */
int keytype_from_pkcs8(struct bytes der, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
