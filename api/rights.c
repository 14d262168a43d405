/* Who asks, and what he may do. */
#include "config.h"
#include "api/rights.h"

#include <string.h>
#include <strings.h>

#include "api/token_cache.h"

bool
rights_allow(uint64_t rights, enum right right)
{
	if (right == RIGHT_PUBLIC || right == RIGHT_BASIC)
		return true;
	return (unsigned)right < RIGHT_COUNT && (rights & RIGHT_BIT(right));
}

bool
rights_own_alone(uint64_t rights)
{
	return rights_allow(rights, RIGHT_OWN) && !rights_allow(rights, RIGHT_READ);
}

bool
call_sees(const struct call *c, const struct resource *res)
{
	for (int i = 0; i < res->n_routes; i++) {
		const struct route *route = &res->routes[i];

		if (strcmp(route->method, "GET") == 0 &&
		    (rights_allow(c->who.rights, route->right) || (route->flags & ROUTE_OWN && rights_allow(c->who.rights, RIGHT_OWN))))
			return true;
	}
	return false;
}

/* NULL when the address is unknown. */
static const char *
address_key(const struct call *c)
{
	return strcmp(c->request->client, "-") == 0 ? NULL : arena_printf(c->arena, "address %s", c->request->client);
}

int
rights_throttle(const struct call *c, struct error *e)
{
	const char *key = address_key(c);

	return key ? throttle_check(key, e) : 0;
}

void
rights_failed(const struct call *c)
{
	const char *key = address_key(c);

	if (key)
		throttle_failed(key);
}

int
rights_cookie(const struct call *c, const char *name, const char **ret, struct error *e)
{
	const struct http_request *r = c->request;
	size_t n = strlen(name);

	*ret = NULL;
	for (int i = 0; i < r->n_headers; i++) {
		if (strcasecmp(r->headers[i].name, "Cookie") != 0)
			continue;
		for (const char *s = r->headers[i].value; *s; s += strcspn(s, ";")) {
			s += strspn(s, "; ");
			if (strncmp(s, name, n) != 0 || s[n] != '=')
				continue;
			if (*ret)
				return fail_at(e, E_MALFORMED, ":Cookie", "the cookie %s comes twice", name);
			*ret = arena_strndup(c->arena, s + n + 1, strcspn(s + n + 1, ";"));
		}
	}
	return 0;
}

/* What the browser says of the page that asks can't be written by that page (Fetch standard: forbidden header names). */
int
rights_same_origin(const struct call *c, struct error *e)
{
	const char *origin = http_header_get(c->request, "Origin"), *site = http_header_get(c->request, "Sec-Fetch-Site");
	const char *host = http_header_get(c->request, "X-Siegel-Host"), *console = http_header_get(c->request, "X-Siegel-Console");
	bool safe = strcmp(c->request->method, "GET") == 0 || strcmp(c->request->method, "HEAD") == 0;

	if (site && strcmp(site, "same-origin") != 0 && !(safe && strcmp(site, "none") == 0))
		return fail_at(e, E_FORBIDDEN, ":Sec-Fetch-Site", "the request comes from a page of another site");
	if (origin && (!host || strncmp(origin, "https://", 8) != 0 || strcasecmp(origin + 8, host) != 0))
		return fail_at(e, E_FORBIDDEN, ":Origin", "the request comes from a page of another site");
	if (safe)
		return 0;
	if (!console || strcmp(console, "1") != 0)
		return fail_at(e, E_FORBIDDEN, ":X-Siegel-Console", "what is changed over a session wants the header X-Siegel-Console: 1");
	if (!origin && !site)
		return fail_at(e, E_FORBIDDEN, ":Origin", "what is changed over a session wants the header Origin or Sec-Fetch-Site, as browsers "
		                                          "send them");
	return 0;
}

/* A page that asks by itself, while nobody does anything, says so: then the session ends as if it hadn't asked. What changes something is somebody's
 * doing. */
static bool
in_background(const struct call *c)
{
	bool looks = strcmp(c->request->method, "GET") == 0 || strcmp(c->request->method, "HEAD") == 0;

	return looks && http_header_get(c->request, "X-Siegel-Background");
}

/* A token, or the cookie of a session. While the store is away, who was good when it went is so for what is of use then. */
static int
know(struct call *c, const char *secret, bool session, struct error *e)
{
	int rc = session ? token_cache_session(c->api->pool, secret, !in_background(c), c->arena, &c->who, e)
	                 : token_cache_get(c->api->pool, secret, c->arena, &c->who, e);

	if (rc == 0 || e->code != E_STORE || !(c->route->flags & ROUTE_STORELESS) || !token_cache_last(secret, session, c->arena, &c->who))
		return rc;
	c->storeless = true;
	return 0;
}

static int
identify(struct call *c, struct error *e)
{
	const char *authorization = http_header_get(c->request, "Authorization"), *pem, *cookie;

	if (rights_cookie(c, SESSION_COOKIE, &cookie, e))
		return -1;
	if (cookie && authorization)
		return fail_at(e, E_MALFORMED, ":Authorization", "a session's cookie and Authorization come together: one of them is wanted");
	if (cookie)
		return rights_same_origin(c, e) ? -1 : know(c, cookie, true, e);
	if (authorization) {
		if (strncasecmp(authorization, "Bearer ", 7) != 0)
			return fail(e, E_UNAUTHENTICATED, "a bearer token is wanted (RFC 6750); POST /tokens gives one");
		return know(c, authorization + 7 + strspn(authorization + 7, " "), false, e);
	}
	pem = http_client_cert_pem(c->request);
	if (!pem)
		return fail(e, E_UNAUTHENTICATED, "a bearer token or a client certificate is wanted");
	/* A browser shows a certificate as it sends a cookie: to whichever page it is that asks. Programs don't send these headers. */
	if ((http_header_get(c->request, "Sec-Fetch-Site") || http_header_get(c->request, "Origin")) && rights_same_origin(c, e))
		return -1;
	if (call_db(c, e))
		return -1;
	if (auth_client_cert(c->db, pem, c->arena, &c->who, e)) {
		e->pointer[0] = '\0'; /* a word for programs of ours, no place in a document */
		return -1;
	}
	return 0;
}

int
rights_check(struct call *c, struct error *e)
{
	bool has_evidence = http_header_get(c->request, "Authorization") != NULL;

	if (c->route->right == RIGHT_PUBLIC || c->route->right == RIGHT_BASIC)
		return 0;
	/* Who guesses is told to wait, who has good evidence isn't: one client must not shut out all that share its address. */
	if (identify(c, e)) {
		if (e->code == E_UNAUTHENTICATED && has_evidence && rights_throttle(c, e) == 0)
			rights_failed(c);
		return -1;
	}
	if (c->who.unfinished && !(c->route->flags & ROUTE_UNFINISHED))
		return fail(e, E_FORBIDDEN, "signing in isn't complete: GET /sessions/current says what is missing");
	c->own = rights_own_alone(c->who.rights);
	if (!rights_allow(c->who.rights, c->route->right) && !(c->route->flags & ROUTE_OWN && rights_allow(c->who.rights, RIGHT_OWN)))
		return fail(e, E_FORBIDDEN, "the role %s doesn't have the right %s: %s", c->who.role, right_word(c->route->right),
		            right_text(c->route->right));
	return 0;
}
