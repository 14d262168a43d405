/* Who asks, and whether he may: what isn't among the rights of an account's role is denied. */
#ifndef SIEGEL_API_RIGHTS_H
#define SIEGEL_API_RIGHTS_H
#include "api/api.h"

/* Whether the set has a right. RIGHT_PUBLIC and RIGHT_BASIC need none. */
bool rights_allow(uint64_t rights, enum right right);
/* Finds out who asks, by bearer token or client certificate, and whether the route is allowed. Sets c->who. */
int rights_check(struct call *c, struct error *e) MUST_CHECK;

/* Guessing is slowed down by the client's address; one that the edge doesn't know (who comes over the socket itself) isn't. */
int rights_throttle(const struct call *c, struct error *e) MUST_CHECK;
void rights_failed(const struct call *c);

#endif
