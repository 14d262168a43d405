/* Purposes: extended key usages (RFC 5280 4.2.1.12) by name, and those that no profile may give. */
#ifndef SIEGEL_CA_PURPOSE_H
#define SIEGEL_CA_PURPOSE_H
#include <stdbool.h>

#include "lib/arena.h"

struct purpose {
	const char *name;
	struct bytes oid;
	unsigned usages; /* key usages of which it needs at least one (bits as in ca/profile.h); 0: it doesn't say */
};

/* The n-th of them; NULL behind the last. */
const struct purpose *purpose_at(size_t n);
/* By name; NULL when there is none. */
const struct purpose *purpose_by_name(const char *name);
/* By identifier (content octets); NULL when it has no name here. */
const struct purpose *purpose_by_oid(struct bytes oid);
/* Does one of these key usages serve the purpose (RFC 5280 4.2.1.12)? Of a purpose without a name here: true. */
bool purpose_is_served(struct bytes oid, unsigned usages);
/* A name of the table, or an identifier as numbers with dots. E_BAD_VALUE, also for what would make a certificate good for anything or
 * its holder an agent for others. */
int purpose_parse(struct arena *a, const char *text, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
