/* Signatures of JSON (RFC 7515, RFC 7518) by public keys. */
#ifndef SIEGEL_LIB_X509_JOSE_H
#define SIEGEL_LIB_X509_JOSE_H
#include <openssl/evp.h>
#include <stdbool.h>
#include "lib/text.h"

/* The signature of the algorithms that may be used (RFC 8555 6.2): RS256, ES256, ES384, ES512, EdDSA. E_BAD_ALGORITHM: another one, or one that
 * isn't the key's; E_FORBIDDEN: it is wrong. */
int jose_verify(EVP_PKEY *key, const char *alg, struct bytes data, struct bytes signature, struct error *e) MUST_CHECK;
/* Is it one of them? */
bool jose_knows_algorithm(const char *alg);
/* Their names, ended by NULL. */
extern const char *const jose_algorithms[];

#endif
