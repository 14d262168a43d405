/* The encrypted key store: PKCS#8 under AES-256-GCM with a master key, one file for each key. */
#ifndef SIEGEL_HSM_FILESTORE_H
#define SIEGEL_HSM_FILESTORE_H
#include <openssl/evp.h>

#include "hsm/master.h"

/* Writes <dir>/<name>.key under the first master key, mode 0600, durably (fsync of file and folder); refuses a name that exists. */
int filestore_save(const char *dir, const char *name, const struct master *master, EVP_PKEY *key, struct error *e) MUST_CHECK;
/* Opens it with whichever of the master keys fits. The caller frees *ret. */
int filestore_load(const char *dir, const char *name, const struct master *master, EVP_PKEY **ret, struct error *e) MUST_CHECK;
/* E_NOT_FOUND when there is none of that name. */
int filestore_delete(const char *dir, const char *name, struct error *e) MUST_CHECK;
/* Writes a new file in that folder, mode 0600, as a whole or not at all, durably; refuses a path that exists. */
int filestore_write(const char *dir, const char *path, struct bytes data, struct error *e) MUST_CHECK;

#endif
