/* Private keys on tokens as EVP_PKEY: an OpenSSL provider inside this process, in a library context of its own, so that nobody gets one of its
 * implementations who doesn't hold one of its keys. */
#ifndef SIEGEL_HSM_PROVIDER_H
#define SIEGEL_HSM_PROVIDER_H
#include <openssl/evp.h>

#include "hsm/object.h"

/* A private key for the object with that id and public key. object is its handle within the present token_epoch(), or CK_INVALID_HANDLE: it is
 * looked for when it isn't known, and whenever the token was opened anew. Must be freed before the token. The caller frees *ret. */
int provider_key(struct token *t, struct bytes id, EVP_PKEY *public, CK_OBJECT_HANDLE object, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
