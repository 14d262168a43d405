/* Whether a public key is sound, beyond its size: what is wrong with it makes its signatures worth nothing. */
#ifndef SIEGEL_LIB_X509_KEYCHECK_H
#define SIEGEL_LIB_X509_KEYCHECK_H
#include <openssl/bn.h>

#include "lib/x509/keytype.h"

/* An RSA modulus that is odd, free of factors below 752, not of close primes and not of the ROCA shape (CVE-2017-15361); an exponent that is odd,
 * from 65537 to 2^64. Sizes are checked before: arithmetic on long numbers is slow. E_BAD_KEY. */
int keycheck_rsa(const BIGNUM *n, const BIGNUM *exponent, struct error *e) MUST_CHECK;
/* For Ed25519 and Ed448: the encoding of a point of small order, or of none. */
bool keycheck_is_small_order(const struct keytype *type, struct bytes bits);

#endif
