/* Public keys that are to be certified: known, sound, strong enough; and proof that the client has the private key. */
#ifndef SIEGEL_CA_PUBLICKEY_H
#define SIEGEL_CA_PUBLICKEY_H
#include <openssl/evp.h>

#include "lib/x509/csr.h"
#include "lib/x509/keytype.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)

/* Loads the key of a SubjectPublicKeyInfo (its algorithm and its bits) after checking it: a type of the registry in its usual DER;
 * EC points uncompressed, on the curve and of its group (RFC 5480 2.2), curves not under LIMIT_EC_MIN_BITS; no points of small order
 * of Ed25519 and Ed448; RSA moduli of LIMIT_RSA_MIN_BITS to LIMIT_RSA_MAX_BITS, odd, free of factors below 752, not of close primes,
 * not of the ROCA shape; RSA exponents odd, 65537 to 2^64; none that stands on a list of ca/blocklist.h. E_BAD_KEY else;
 * E_UNSUPPORTED when the cryptographic library lacks the type. The caller frees *ret_key. */
int publickey_load(struct bytes algorithm, struct bytes bits, const struct keytype **ret_type, EVP_PKEY **ret_key, struct error *e) MUST_CHECK;

/* Verifies the signature of a CSR by its own key: proof of possession. MD5 and SHA-1 are refused, and keys that can't
 * sign. E_BAD_CSR. */
int csr_verify(const struct csr *csr, const struct keytype *type, EVP_PKEY *key, struct error *e) MUST_CHECK;

#endif
