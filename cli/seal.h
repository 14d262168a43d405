/* Seals on the audit log: what was signed, and by which key. */
#ifndef SIEGEL_CLI_SEAL_H
#define SIEGEL_CLI_SEAL_H
#include <openssl/evp.h>
#include <stdbool.h>
#include "lib/arena.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)

/* The public key of a PEM file ("PUBLIC KEY"). The caller frees *ret. */
int seal_key_file(const char *path, EVP_PKEY **ret, struct error *e) MUST_CHECK;
/* The same from its DER; NULL when it isn't one. The caller frees it. */
EVP_PKEY *seal_key_der(struct bytes der);
/* Is it the seal of these heads (lines "<chain> <seq> <hash>")? */
bool seal_is_good(EVP_PKEY *key, int64_t at_us, const char *heads, struct bytes signature);

#endif
