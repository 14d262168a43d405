/* Who a request is for, against who asks: what an order has to come down to before it is signed. */
#ifndef SIEGEL_CA_IDENTITY_H
#define SIEGEL_CA_IDENTITY_H
#include <stdint.h>

#include "lib/error.h"
#include "lib/mem.h"

struct csr;
struct order;

/* ChangeSubjectName of a request that renews (RFC 6402 2.8, RFC 7030 4.2.2): puts what is wanted in the place of subject and names of the csr, which
 * have to be those of the certificate that it renews. E_POLICY when it renews nothing or the profile doesn't let it. */
int order_take_change(struct order *o, struct csr *csr, struct error *e) MUST_CHECK;
/* Subject and names of an order must be those of a certificate (RFC 7030 4.2.2), and its purposes among those of it. E_FORBIDDEN. */
int order_same_identity(const struct order *o, struct bytes certificate, struct error *e) MUST_CHECK;
/* Each Identity of the request (lib/ipc/engine.proto) must hold. E_FORBIDDEN says which part doesn't; E_MALFORMED for more than LIMIT_IDENTITIES. */
int order_identities(const struct order *o, struct error *e) MUST_CHECK;
/* The order takes the place of the certificate in same_identity_as: what the profile says of renewal (doc/profiles.md), among it for how long after
 * the certificate's end, must hold. E_FORBIDDEN for one that has expired, E_POLICY else; E_MALFORMED without that certificate. */
int order_reenrolment(const struct order *o, int64_t now, struct error *e) MUST_CHECK;

#endif
