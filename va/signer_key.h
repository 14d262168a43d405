/* Keys of OCSP signers as the engine wraps them for us. */
#ifndef SIEGEL_VA_SIGNER_KEY_H
#define SIEGEL_VA_SIGNER_KEY_H
#include <openssl/evp.h>
#include "lib/error.h"
#include "lib/secret.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)

/* Undoes the wrapping of a signer's key: PKCS#8 under lib/seal.h with the context "ocsp-signer:" and the serial in lower-case
 * hexadecimal, so that rows can't be exchanged. E_KEY_STORE when anything doesn't fit. The caller frees *ret. */
int signer_key_unwrap(struct bytes wrapped, struct bytes serial, const struct secret *wrap_key, EVP_PKEY **ret,
                      struct error *e) MUST_CHECK;

#endif
