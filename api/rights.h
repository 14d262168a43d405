/* Who asks, and whether he may: what isn't among the rights of an account's role is denied. */
#ifndef SIEGEL_API_RIGHTS_H
#define SIEGEL_API_RIGHTS_H
#include "api/api.h"

/* Whether the set has a right. RIGHT_PUBLIC and RIGHT_BASIC need none. */
bool rights_own_alone(uint64_t rights); /* sees what it is responsible for, and nothing else */
bool rights_allow(uint64_t rights, enum right right);
/* Finds out who asks, by a session's cookie, bearer token or client certificate, and whether the route is allowed. Sets c->who. */
int rights_check(struct call *c, struct error *e) MUST_CHECK;

/* __Host-: the browser takes it over TLS alone, for this very host and all its paths (RFC 6265bis 4.1.3.2). */
#define SESSION_COOKIE "__Host-siegel-session"
/* A cookie, in the arena; NULL when there is none. E_MALFORMED when it comes twice. */
int rights_cookie(const struct call *c, const char *name, const char **ret, struct error *e) MUST_CHECK;
/* Whether the request comes from a page of our own, as far as the browser tells, and a change from one that can send headers of its own:
 * E_FORBIDDEN. For
 * whatever rests on a cookie. */
int rights_same_origin(const struct call *c, struct error *e) MUST_CHECK;

/* Guessing is slowed down by the client's address; one that the edge doesn't know (who comes over the socket itself) isn't. */
int rights_throttle(const struct call *c, struct error *e) MUST_CHECK;
void rights_failed(const struct call *c);

#endif
