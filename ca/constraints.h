/* What the certificate of an issuer allows to be issued below it (RFC 5280 6.1): path length, names, policies, purposes. */
#ifndef SIEGEL_CA_CONSTRAINTS_H
#define SIEGEL_CA_CONSTRAINTS_H
#include "ca/tbs.h"

/* Would a path through this issuer to the certificate be valid? between is the number of CAs that stand between the two: 0 for the one
 * that signs. E_POLICY names what the issuer doesn't allow; pointer is the field of the request that a client could change, or "ca". */
int constraints_check(const struct cert *issuer, int between, const struct tbs_input *in, struct error *e) MUST_CHECK;

#endif
