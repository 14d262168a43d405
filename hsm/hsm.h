/* The key store: keys live on a PKCS#11 token, or encrypted in files where the token can't hold them. Only an EVP_PKEY leaves.
 * Linked into siegel-ca alone. */
#ifndef SIEGEL_HSM_HSM_H
#define SIEGEL_HSM_HSM_H
#include <openssl/evp.h>

#include "lib/config.h"
#include "lib/x509/keytype.h"

#define HSM_REF_BYTES 96 /* "token:" and 40 hexadecimal digits, or "file:" and a name */

struct hsm;

/* Opens the token of [ca] pkcs11_module and token_label (none when the module is unset) and the key store of [ca] key_dir. Must be
 * called after fork(): a PKCS#11 module doesn't survive one. The PIN is tried once: a wrong one is E_FORBIDDEN, and no second try is
 * made with it, because three wrong ones lock a token. The caller frees *ret. */
int hsm_open(const struct config *c, struct hsm **ret, struct error *e) MUST_CHECK;
void hsm_close(struct hsm *h); /* accepts NULL; keys from it must be freed before */
DEFINE_CLEANUP(struct hsm, hsm_close)

/* The private key of a reference. expected is the public key that it must belong to (labels and ids can collide). The caller
 * frees *ret. */
int hsm_key_load(struct hsm *h, const char *ref, EVP_PKEY *expected, EVP_PKEY **ret, struct error *e) MUST_CHECK;

/* Makes a key pair, on the token when it holds that type (sensitive, not extractable), else in the key store. label is for people.
 * ret_ref takes HSM_REF_BYTES. The caller frees *ret, the private key as hsm_key_load() gives it. */
int hsm_key_generate(struct hsm *h, const struct keytype *t, const char *label, char *ret_ref, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
