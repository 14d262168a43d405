/* Encryption of small things at rest: AES-256-GCM, random nonce. */
#ifndef SIEGEL_LIB_SEAL_H
#define SIEGEL_LIB_SEAL_H
#include "lib/buf.h"
#include "lib/secret.h"

#define SEAL_KEY_BYTES 32
#define SEAL_OVERHEAD_BYTES 28 /* nonce of 12, tag of 16 */

/* Reads a key: a file of 64 hexadecimal digits that only its owner may read. The caller frees *ret. */
int seal_key_read(const char *path, struct secret **ret, struct error *e) MUST_CHECK;
/* The same of text that was read already; where names its place for the error. The caller frees *ret. */
int seal_key_parse(const struct secret *text, const char *where, struct secret **ret, struct error *e) MUST_CHECK;
/* Appends nonce ‖ ciphertext ‖ tag to out. context is authenticated with it: what is sealed for one purpose opens for no other. */
int seal(const struct secret *key, const char *context, const void *plain, size_t len, struct buf *out, struct error *e) MUST_CHECK;
/* The caller frees *ret. E_KEY_STORE when the key, the context or the data are wrong. */
int seal_open(const struct secret *key, const char *context, struct bytes sealed, struct secret **ret, struct error *e) MUST_CHECK;

#endif
