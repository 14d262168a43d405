/* A one-time challenge for SCEP as a page, for people and programs that know those of NDES: an account's password gets one. The edge leads
 * /scep/{label}/mscep_admin and /certsrv/mscep_admin here. */
#include "config.h"
#include "api/api.h"

#include <string.h>

#include "api/rights.h"
#include "api/write.h"

#define HOURS 1

/* Guessing is slowed down as in signing in for a token. */
static int
sign_in(struct call *c, struct error *e)
{
	const char *authorization = http_header_get(c->request, "Authorization");
	const char *account = arena_printf(c->arena, "account %s %s", c->request->client, auth_basic_name(c->arena, authorization));

	if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0)
		return fail(e, E_UNAUTHENTICATED, "an account's name and its password are wanted (HTTP Basic, RFC 7617)");
	if (rights_throttle(c, e) || throttle_check(account, e) || call_db(c, e))
		return -1;
	int result = auth_basic(c->db, authorization, true, c->arena, &c->who, e);
	call_release_db(c);
	if (result == 0) {
		throttle_ok(account);
		return 0;
	}
	if (e->code == E_UNAUTHENTICATED || e->code == E_FORBIDDEN) {
		rights_failed(c);
		throttle_failed(account);
	}
	return -1;
}

static int
get(struct call *c, struct error *e)
{
	/* Programs look for these words and the bold text. The label and the challenge need no escaping: letters, digits, and . _ - */
	static const char page[] =
	    "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>Siegel: SCEP</title></head><body>\n"
	    "<p>SCEP profile %s</p>\n"
	    "<p>The enrollment challenge password is: <b> %s </b></p>\n"
	    "<p>This password can be used only once and will expire within %d minutes.</p>\n"
	    "<p>Each enrollment requires a new challenge password. You can refresh this web page to obtain a new challenge password.</p>\n"
	    "</body></html>\n";
	const char *label = c->id ? c->id : config_str(c->api->config, OPT_scep_label);
	json_auto_t *result = NULL, *body = json_pack("{s:s, s:i}", "scep_profile", label, "hours", HOURS);

	if (sign_in(c, e))
		return -1;
	if (!rights_allow(c->who.rights, RIGHT_CODES))
		return fail(e, E_FORBIDDEN, "the role %s doesn't have the right %s: %s", c->who.role, right_word(RIGHT_CODES),
		            right_text(RIGHT_CODES));
	if (write_ask(c, "enrollment_code.create", body, &result, e))
		return e->code == E_BAD_VALUE ? fail(e, E_NOT_FOUND, "there is no SCEP profile of this name that takes one-time codes") : -1;
	const char *secret = json_string_value(json_object_get(result, "secret"));
	if (!secret)
		return fail(e, E_INTERNAL, "the engine's answer has no code");
	char *text = arena_printf(c->arena, page, label, secret, 60 * HOURS);
	c->answer->status = 200;
	c->answer->content_type = "text/html; charset=utf-8";
	c->answer->body = BYTES_STR(text);
	c->answer->secret = true;
	http_answer_header(c->answer, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	http_answer_header(c->answer, "X-Content-Type-Options", "nosniff");
	return 0;
}

static const struct route routes[] = {
	{"GET", "/mscep_admin", RIGHT_BASIC, get,
	    .flags = ROUTE_PAGE,
	    .text = "a one-time challenge as a page, for the SCEP profile of the addresses that name none; it expires within an hour"},
	{"GET", "/mscep_admin/{id}", RIGHT_BASIC, get,
	    .flags = ROUTE_PAGE,
	    .text = "a one-time challenge as a page, for the SCEP profile of that name; it expires within an hour"},
};

const struct resource resource_mscep_admin = {
	.path = "mscep_admin",
	.types = {"mscep_admin"},
	.routes = routes,
	.n_routes = ARRAY_LEN(routes),
};
