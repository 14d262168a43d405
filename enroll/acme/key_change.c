/* keyChange, RFC 8555 7.3.5: the outer JWS is the old key's, the inner one the new key's. */
#include <openssl/sha.h>
#include <string.h>

#include "enroll/acme/payload.h"

static int
check_inner(struct acme_exchange *x, const struct jws *j, struct jwk *new_key, struct error *e)
{
	json_t *payload CLEANUP(json_decref) = NULL;
	struct jwk old = {0};
	const char *account = NULL;
	if (!j->jwk || j->nonce)
		return fail(e, E_MALFORMED, "inner JWS: \"jwk\" with the new key is wanted, and no \"nonce\" (RFC 8555 7.3.5)");
	if (strcmp(j->url, x->jws.url) != 0)
		return fail(e, E_MALFORMED, "inner JWS: \"url\" has to be that of the outer one (RFC 8555 7.3.5)");
	if (jwk_parse(x->arena, j->jwk, new_key, e) < 0 || jwk_verify(new_key, j->alg, j->signed_data, j->signature, e) < 0 ||
	    jws_json(j->payload, "inner JWS: payload", &payload, e) < 0 || acme_text(payload, "account", "", &account, e) < 0)
		return -1;
	if (strcmp(account, x->jws.kid) != 0)
		return fail(e, E_MALFORMED, "inner JWS: \"account\" has to be the kid of the outer one (RFC 8555 7.3.5)");
	if (jwk_parse_known(x->arena, json_object_get(payload, "oldKey"), &old, e) < 0)
		return -1;
	jwk_free(&old);
	return memcmp(old.thumbprint, x->key.thumbprint, JWK_THUMBPRINT_BYTES) == 0
	    ? 0 : fail(e, E_MALFORMED, "inner JWS: \"oldKey\" has to be the account's key (RFC 8555 7.3.5)");
}

int
acme_read_key_change(struct acme_exchange *x, struct jwk *ret, struct error *e)
{
	struct jws inner = {0};
	*ret = (struct jwk){0};
	if (jws_of_json(x->arena, x->payload, false, &inner, e) < 0)
		return -1;
	int result = check_inner(x, &inner, ret, e);
	jws_free(&inner);
	return result;
}

static int
change(struct acme_exchange *x, const struct jwk *new_key, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(new_key->spki.data, new_key->spki.len, hash);
	const struct db_param row[] = {DB_INT(x->account.id), DB_BYTES(x->key.thumbprint, JWK_THUMBPRINT_BYTES), DB_TEXT(new_key->canonical),
	                               DB_BYTES(new_key->thumbprint, JWK_THUMBPRINT_BYTES), DB_BYTES(hash, sizeof(hash))};
	if (acme_query(x, "SELECT r_changed, r_conflict FROM acme_key_change($1::int8, $2::bytea, $3::text, $4::bytea, $5::bytea)", row,
	               ARRAY_LEN(row), &r, e) < 0)
		return -1;
	if (db_bool(r, 0, 0))
		return 0;
	if (db_is_null(r, 0, 1))
		return fail(e, E_FORBIDDEN, "the account has another key by now, or isn't valid any more (RFC 8555 7.3.5)");
	if (db_int(r, 0, 1) == 0)
		return fail(e, E_BAD_KEY, "the new key is that of a certificate: make another one for the account (RFC 8555 11.1)");
	x->location = acme_url(x, "acct", db_int(r, 0, 1));
	return fail(e, E_CONFLICT, "the new key is that of an account already (RFC 8555 7.3.5)");
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	struct jwk new_key;
	int result = acme_read_key_change(x, &new_key, e);
	if (result == 0)
		result = change(x, &new_key, e);
	jwk_free(&new_key);
	if (result < 0)
		return -1;
	http_answer_header(a, "Location", acme_url(x, "acct", x->account.id));
	acme_answer_json(x, a, json_pack("{s:s}", "status", x->account.status));
	return 0;
}

const struct acme_operation acme_account_key_change = {
    .name = "keyChange", .path = "key-change", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT, .post = handle};
