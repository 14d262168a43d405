/* Rate limits of a directory, and what they say (RFC 8555 6.6). The store counts, in the statement that does what is counted. */
#ifndef SIEGEL_ENROLL_ACME_RATE_LIMIT_H
#define SIEGEL_ENROLL_ACME_RATE_LIMIT_H
#include "enroll/acme/acme.h"

/* The settings accounts_per_hour, orders_per_hour, failures_per_hour and pending_authz of the directory of x; 0: no limit. */
struct acme_limits {
	int64_t accounts, orders, failures, pending;
};
struct acme_limits acme_limits_of(const struct acme_exchange *x);
/* Whose accounts are counted together: an IPv4 address, or the network of 64 bits of an IPv6 address, which one machine has to itself; in the
 * arena. */
const char *acme_limit_address(struct arena *a, const char *client);
/* The refusal by a limit, E_TOO_MANY with wait_sec as Retry-After; found: "accounts", "orders", "authz", "failures" or "pending" as the store has
 * it. 0: found is something else. identifier: of "failures". */
int acme_limit_refuse(struct acme_exchange *x, const char *found, const char *identifier, int64_t wait_sec, struct error *e) MUST_CHECK;

#endif
