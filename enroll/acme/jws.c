#include "enroll/acme/jws.h"

#include <string.h>

#include "lib/json_depth.h"
#include "lib/limits.h"

DEFINE_CLEANUP(json_t, json_decref)

int
jws_json(struct bytes text, const char *what, json_t **ret, struct error *e)
{
	json_error_t why;
	if (json_is_deeper(text, LIMIT_JSON_DEPTH))
		return fail(e, E_MALFORMED, "%s: it nests deeper than %d", what, LIMIT_JSON_DEPTH);
	json_t *v = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!v)
		return fail(e, E_MALFORMED, "%s: JSON is wanted, and line %d, column %d isn't: %.80s", what, why.line, why.column, why.text);
	*ret = v;
	return 0;
}

static int
get_text(const json_t *object, const char *name, bool wanted, const char **ret, struct error *e)
{
	const json_t *v = json_object_get(object, name);
	*ret = json_string_value(v);
	if (v && !*ret)
		return fail(e, E_MALFORMED, "JWS: \"%s\" has to be a text (RFC 7515)", name);
	return *ret || !wanted ? 0 : fail(e, E_MALFORMED, "JWS: \"%s\" is missing (RFC 8555 6.2)", name);
}

static int
get_base64(struct arena *a, const json_t *object, const char *name, const char **ret_text, struct bytes *ret, struct error *e)
{
	if (get_text(object, name, true, ret_text, e) < 0)
		return -1;
	return base64url_decode(a, *ret_text, strlen(*ret_text), name, ret, e);
}

static bool
is_mac(const char *alg)
{
	return strcmp(alg, "HS256") == 0 || strcmp(alg, "HS384") == 0 || strcmp(alg, "HS512") == 0;
}

static int
read_header(struct bytes text, bool external, struct jws *ret, struct error *e)
{
	json_t *header CLEANUP(json_decref) = NULL;
	if (jws_json(text, "JWS: protected header", &header, e) < 0)
		return -1;
	if (!json_is_object(header))
		return fail(e, E_MALFORMED, "JWS: the protected header has to be an object (RFC 7515 4)");
	if (json_object_get(header, "crit") || json_object_get(header, "b64"))
		return fail(e, E_MALFORMED, "JWS: \"crit\" and \"b64\" aren't taken: no extension of JWS is (RFC 7515 4.1.11, RFC 8555 6.2)");
	if (get_text(header, "alg", true, &ret->alg, e) < 0 || get_text(header, "nonce", false, &ret->nonce, e) < 0 ||
	    get_text(header, "url", true, &ret->url, e) < 0 || get_text(header, "kid", false, &ret->kid, e) < 0)
		return -1;
	ret->jwk = json_object_get(header, "jwk");
	if (!(external ? is_mac(ret->alg) : jose_knows_algorithm(ret->alg)))
		return fail(e, E_BAD_ALGORITHM, "the algorithm \"%.40s\" isn't taken here (RFC 8555 6.2%s)", ret->alg, external ? ", 7.3.4" : "");
	if (!ret->jwk == !ret->kid)
		return fail(e, E_MALFORMED, "JWS: one of \"jwk\" and \"kid\" is wanted, and not both (RFC 8555 6.2)");
	ret->header = TAKE(header);
	return 0;
}

int
jws_of_json(struct arena *a, const json_t *object, bool external, struct jws *ret, struct error *e)
{
	struct jws j = {0};
	struct bytes header;
	const char *header_text, *payload_text, *signature_text;
	if (!json_is_object(object))
		return fail(e, E_MALFORMED, "JWS: an object is wanted (RFC 7515 7.2.2)");
	if (json_object_get(object, "signatures") || json_object_get(object, "header"))
		return fail(e, E_MALFORMED, "JWS: the flattened form with one signature and all headers protected is wanted (RFC 8555 6.2)");
	if (get_base64(a, object, "protected", &header_text, &header, e) < 0 || get_base64(a, object, "payload", &payload_text, &j.payload, e) < 0 ||
	    get_base64(a, object, "signature", &signature_text, &j.signature, e) < 0 || read_header(header, external, &j, e) < 0)
		return -1;
	j.signed_data = BYTES_STR(arena_printf(a, "%s.%s", header_text, payload_text));
	*ret = j;
	return 0;
}

int
jws_parse(struct arena *a, struct bytes body, bool external, struct jws *ret, struct error *e)
{
	json_t *root CLEANUP(json_decref) = NULL;
	if (jws_json(body, "JWS", &root, e) < 0)
		return -1;
	return jws_of_json(a, root, external, ret, e);
}

void
jws_free(struct jws *j)
{
	json_decref(j->header);
	*j = (struct jws){0};
}
