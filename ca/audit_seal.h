/* Seals on the audit log: the heads of all chains, signed by a key of the key store that does nothing else. Whoever keeps a seal and the public key
 * notices when rows are cut off or all of them are written anew. */
#ifndef SIEGEL_CA_AUDIT_SEAL_H
#define SIEGEL_CA_AUDIT_SEAL_H
#include "ca/desk.h"
#include "lib/ipc/engine.pb-c.h"

/* Signs the heads as they are now and stores the seal. The key is made at the first one. Strings of *ret live in the arena. The signed text is
 * AUDIT_SEAL_TITLE, at_us, and the heads: a line each, the heads' lines as they are. The desk is prepared with keys. */
int audit_seal_make(struct desk *d, struct arena *a, Siegel__Sealed *ret, struct error *e) MUST_CHECK;
/* Whether the signature is that of such a seal by the key of that SubjectPublicKeyInfo (DER). */
bool audit_seal_is_good(const char *key_type, struct bytes spki, int64_t at_us, const char *heads, struct bytes signature, struct arena *a);

#endif
