/* Bearer tokens: signing in with HTTP Basic (a password or a one-time code) gives one, shown once; deleting it signs out. */
#include "config.h"
#include "api/token_cache.h"
#include "api/api.h"

#include <string.h>

#include "api/jsonapi.h"
#include "api/rights.h"
#include "api/token_store.h"

/* A document is welcome but has nothing to say. */
static int
check_document(const struct call *c, struct error *e)
{
	DOCUMENT_CLEANUP struct document d = {0};

	if (c->request->body.len == 0)
		return 0;
	if (document_parse(c->request->body, "tokens", &d, e))
		return -1;
	if (json_object_size(d.attributes) > 0)
		return fail_at(e, E_BAD_VALUE, "/data/attributes", "a new token takes no attributes");
	return 0;
}

/* Guessing is slowed down by address, and by address and account together: a stranger's guesses don't lock an account for others. */
static int
sign_in(struct call *c, struct new_token *ret, struct error *e)
{
	const char *authorization = http_header_get(c->request, "Authorization");
	const char *account = arena_printf(c->arena, "account %s %s", c->request->client, auth_basic_name(c->arena, authorization));

	if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0)
		return fail(e, E_UNAUTHENTICATED, "an account's name and its password or one-time code are wanted (HTTP Basic, RFC 7617)");
	if (rights_throttle(c, e) || throttle_check(account, e))
		return -1;
	if (token_make(c, authorization, ret, e)) {
		if (e->code == E_UNAUTHENTICATED || e->code == E_FORBIDDEN) { /* what would be good elsewhere costs as much to look at */
			rights_failed(c);
			throttle_failed(account);
		}
		return -1;
	}
	throttle_ok(account);
	return 0;
}

static int
post(struct call *c, struct error *e)
{
	JSON_CLEANUP struct json j = JSON_INIT(4096);
	struct new_token token = {0};

	if (check_document(c, e) || sign_in(c, &token, e))
		return -1;
	jsonapi_begin(&j);
	jw_open(&j, "data");
	jw_text(&j, "type", "tokens");
	jw_text(&j, "id", arena_printf(c->arena, "%lld", (long long)token.id));
	jw_open(&j, "attributes");
	jw_text(&j, "token", (const char *)token.text->data);
	jw_text(&j, "expires_at", token.expires_at);
	jw_text(&j, "account", c->who.name);
	jw_text(&j, "role", c->who.role);
	jw_close(&j);
	jw_close(&j);
	jw_close(&j);
	secret_free(token.text);
	c->answer->secret = true;
	return call_answer(c, 201, &j, e);
}

static int
delete(struct call *c, struct error *e)
{
	if (!id_is_number(c->id))
		return fail(e, E_NOT_FOUND, "there is no such resource");
	call_release_db(c);
	if (token_revoke(c, c->id, e))
		return -1;
	token_cache_clear();
	c->answer->status = 204;
	return 0;
}

static const struct route routes[] = {
	{"POST", "/tokens", RIGHT_BASIC, post, .flags = ROUTE_MADE,
	 .text = "signs a program in by name and password (HTTP Basic): a token for a time, shown once"},
	{"DELETE", "/tokens/{id}", RIGHT_ACCOUNT, delete, .text = "ends it"},
};

const struct resource resource_tokens = {
	.path = "tokens",
	.types = {"tokens"},
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
