/* The chains over a certificate, RFC 8555 7.4.2. Nothing here asks the store. */
#ifndef SIEGEL_ENROLL_ACME_CHAINS_H
#define SIEGEL_ENROLL_ACME_CHAINS_H
#include <stddef.h>
#include "lib/arena.h"

#define ACME_CHAIN_MAX 12  /* certificates over one */
#define ACME_CHAINS_MAX 8  /* chains that are offered */

struct acme_chain {
	struct bytes certs[ACME_CHAIN_MAX]; /* DER, lowest first, without the root, which who relies on it has (RFC 8555 9.1) */
	size_t n;
};
/* All ways from leaf upwards through pool, by name and key identifier, no key twice, the pool's first certificates first: so the first chain is the
 * house's own when those come first in it. A way ends at a root, or where nothing goes on. Certificates that can't be read are passed over; *ret
 * holds up to ACME_CHAINS_MAX. Gives how many: one at least when leaf can be read. */
size_t acme_chains_find(struct bytes leaf, const struct bytes *pool, size_t n_pool, struct acme_chain ret[ACME_CHAINS_MAX]);

#endif
