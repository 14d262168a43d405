/* The encrypted key store: PKCS#8 under AES-256-GCM with a master key, one file for each key. */
#ifndef SIEGEL_HSM_FILESTORE_H
#define SIEGEL_HSM_FILESTORE_H
#include <openssl/evp.h>

#include "lib/secret.h"

/* Writes <dir>/<name>.key, mode 0600, durably (fsync of file and folder); refuses a name that exists. */
int filestore_save(const char *dir, const char *name, const struct secret *master, EVP_PKEY *key, struct error *e) MUST_CHECK;
/* The caller frees *ret. */
int filestore_load(const char *dir, const char *name, const struct secret *master, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
