/* Keys of OCSP signers as the engine wraps them for us. */
#ifndef SIEGEL_VA_SIGNER_KEY_H
#define SIEGEL_VA_SIGNER_KEY_H
#include <openssl/evp.h>
#include "lib/error.h"
#include "lib/secret.h"

#define SIGNER_WRAP_KEY_BYTES 32
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)

/* Undoes the wrapping of a signer's key: 12 bytes nonce ‖ AES-256-GCM of its PKCS#8 ‖ 16 bytes tag, with the text "ocsp-signer:"
 * and the serial in lower-case hexadecimal as additional data, so that rows can't be exchanged. E_KEY_STORE when anything
 * doesn't fit. The caller frees *ret. */
int signer_key_unwrap(struct bytes wrapped, struct bytes serial, const struct secret *wrap_key, EVP_PKEY **ret,
                      struct error *e) MUST_CHECK;
/* Reads the file of the wrapping key: 32 bytes in hexadecimal, mode 0600. The caller frees *ret. */
int signer_wrap_key_read(const char *path, struct secret **ret, struct error *e) MUST_CHECK;

#endif
