/* Accounts, RFC 8555 7.3. */
#ifndef SIEGEL_ENROLL_ACME_ACCOUNT_H
#define SIEGEL_ENROLL_ACME_ACCOUNT_H
#include "enroll/acme/acme.h"

/* The external account that a new one is to belong to (RFC 8555 7.3.4). */
struct acme_external {
	int64_t key_id;      /* 0: none */
	const char *binding; /* externalAccountBinding as it was sent: JSON; NULL: none */
};
/* Checks externalAccountBinding as the directory wants it: its form, its url, its payload (the key that signed x), and by the engine its MAC.
 * E_EXTERNAL_ACCOUNT: there has to be one; E_FORBIDDEN: it isn't good; E_MALFORMED. */
int acme_external_check(struct acme_exchange *x, struct acme_external *ret, struct error *e) MUST_CHECK;

#endif
