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

static int
identify(struct call *c, struct error *e)
{
	const char *authorization = http_header_get(c->request, "Authorization"), *pem;

	if (authorization) {
		if (strncasecmp(authorization, "Bearer ", 7) != 0)
			return fail(e, E_UNAUTHENTICATED, "a bearer token is wanted (RFC 6750); POST /tokens gives one");
		return token_cache_get(c->api->pool, authorization + 7 + strspn(authorization + 7, " "), c->arena, &c->who, e);
	}
	pem = http_client_cert_pem(c->request);
	if (!pem)
		return fail(e, E_UNAUTHENTICATED, "a bearer token or a client certificate is wanted");
	if (call_db(c, e))
		return -1;
	return auth_client_cert(c->db, pem, c->arena, &c->who, e);
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
	if (!rights_allow(c->who.rights, c->route->right))
		return fail(e, E_FORBIDDEN, "the role %s doesn't have the right %s: %s", c->who.role, right_word(c->route->right),
		            right_text(c->route->right));
	return 0;
}
