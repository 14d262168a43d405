/* Signature algorithms: what stands in certificates, CRLs, OCSP answers and CSRs as AlgorithmIdentifier, and how it is made and verified.
 * Those that hash first are rows here; the others (EdDSA, ML-DSA, SLH-DSA) belong to one type of key and stand in its row. */
#ifndef SIEGEL_LIB_X509_SIGALG_H
#define SIEGEL_LIB_X509_SIGALG_H
#include <openssl/evp.h>
#include <stdbool.h>

#include "lib/mem.h"

/* SLH-DSA-SHA2-256f (FIPS 205 table 2); RSA-8192 has 1024, ML-DSA-87 4627. */
#define SIGALG_MAX_BYTES 49856

struct sigalg {
	const char *name;       /* "ecdsa-sha384": the word in requests, rows and answers */
	struct bytes algorithm; /* DER: AlgorithmIdentifier */
	const char *digest;     /* OpenSSL's name; NULL: the whole message is signed */
	bool pss;               /* RSASSA-PSS (RFC 8017 8.1) with MGF1 of the same digest and a salt of its length (RFC 4055 3.1) */
};

enum sigalg_index {
	ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, RSA_SHA256, RSA_SHA384, RSA_SHA512, RSAPSS_SHA256, RSAPSS_SHA384, RSAPSS_SHA512, SIGALG_COUNT
};
/* Those that hash first (RFC 5758 3.2, RFC 4055 5 and 3.1). MD5 and SHA-1 aren't known. */
extern const struct sigalg sigalg_list[SIGALG_COUNT];

/* A context that signs or verifies digests: init is EVP_PKEY_sign_init or EVP_PKEY_verify_init. For rows with a digest alone. NULL on
 * failure. The caller frees it; it may be kept and used again, which is worth it: setting one up costs as much as a signature with
 * P-256 (OpenSSL 3.0). */
EVP_PKEY_CTX *sigalg_context(const struct sigalg *s, EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *));
/* Signs data. *kept is a context for this key that is made at the first use and kept by the caller (NULL before, freed by him; it stays
 * NULL for rows without digest). ret takes *ret_len octets, SIGALG_MAX_BYTES are enough for all. */
bool sigalg_sign(const struct sigalg *s, EVP_PKEY *key, EVP_PKEY_CTX **kept, struct bytes data, uint8_t *ret, size_t *ret_len);
/* Verifies; kept as above. */
bool sigalg_verify(const struct sigalg *s, EVP_PKEY *key, EVP_PKEY_CTX **kept, struct bytes data, struct bytes signature);

#endif
