/* The key archive: private keys of others that are kept, wrapped by the key store (table archived_key). */
#ifndef SIEGEL_CA_ARCHIVE_H
#define SIEGEL_CA_ARCHIVE_H
#include "hsm/hsm.h"
#include "lib/arena.h"

/* What a key is sealed for: the certificate, by what is known before it is stored. */
const char *archive_context(struct arena *a, int32_t ca_id, struct bytes serial) __attribute__((returns_nonnull));
/* Appends the private key as PKCS#8, wrapped by the default key store. */
int archive_seal(struct hsm *h, int32_t ca_id, struct bytes serial, EVP_PKEY *key, struct arena *a, struct buf *out, struct error *e) MUST_CHECK;
/* Undoes it; the caller frees *ret. */
int archive_open(struct hsm *h, int32_t ca_id, struct bytes serial, struct bytes wrapped, struct arena *a, EVP_PKEY **ret,
                 struct error *e) MUST_CHECK;

#endif
