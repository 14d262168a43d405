/* External account keys of ACME (RFC 8555 7.3.4): the engine keeps them, and says whether a message was made with one. */
#ifndef SIEGEL_CA_ACME_MAC_H
#define SIEGEL_CA_ACME_MAC_H
#include "hsm/hsm.h"
#include "lib/db/db.h"
#include "lib/ipc/engine.pb-c.h"

#define ACME_KEY_BYTES 32 /* RFC 7518 3.2: at least as many as the digest of HS256 */

/* For what the key of that kid is sealed. */
#define ACME_KEY_CONTEXT "acme_key:%s"

/* *ret_good: the MAC (RFC 7518 3.2) is that of the content under the key of q. False also for a key of another tenant, one that was revoked or has
 * run out, and none. E_MALFORMED for what isn't a question: an algorithm that isn't one, a content over LIMIT_MAC_CONTENT_BYTES. */
int acme_mac_check(struct db *db, struct hsm *hsm, const Siegel__CheckMac *q, struct arena *a, bool *ret_good, struct error *e) MUST_CHECK;

#endif
