/* External accounts, RFC 8555 7.3.4. */
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/account.h"
#include "enroll/acme/payload.h"
#include "enroll/acme/rate_limit.h"
#include "lib/ipc/engine.h"
#include "lib/limits.h"

/* The MAC is checked by the engine, which has the key. */
static int
check_mac(struct acme_exchange *x, int64_t key_id, const struct jws *j, struct error *e)
{
	Siegel__CheckMac q = SIEGEL__CHECK_MAC__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	q.tenant_id = x->endpoint.tenant_id;
	q.key_id = key_id;
	q.algorithm = arena_strdup(x->arena, j->alg);
	q.content = (ProtobufCBinaryData){j->signed_data.len, arena_dup(x->arena, j->signed_data.data, j->signed_data.len)};
	q.mac = (ProtobufCBinaryData){j->signature.len, arena_dup(x->arena, j->signature.data, j->signature.len)};
	request.operation_case = SIEGEL__REQUEST__OPERATION_MAC;
	request.mac = &q;
	if (enroll_call(acme_enroll(x->acme), &request, &reply, e) < 0)
		return -1;
	bool answered = reply->result_case == SIEGEL__REPLY__RESULT_MAC, good = answered && reply->mac->good;
	engine_reply_free(reply);
	if (!answered)
		return fail(e, E_INTERNAL, "the engine's answer isn't about a MAC");
	return good ? 0
	            : fail(e, E_FORBIDDEN,
	                   "externalAccountBinding: the key is unknown, revoked or expired, or the MAC isn't by it (RFC 8555 7.3.4)");
}

int
acme_read_external(struct acme_exchange *x, const json_t *object, struct jws *ret, struct error *e)
{
	struct jwk key = {0};
	json_t *payload CLEANUP(json_decref) = NULL;
	if (jws_of_json(x->arena, object, true, ret, e) < 0)
		return -1;
	if (!ret->kid || ret->nonce)
		return fail(e, E_MALFORMED, "externalAccountBinding: \"kid\" is wanted, and no \"nonce\" (RFC 8555 7.3.4)");
	if (strcmp(ret->url, x->jws.url) != 0)
		return fail(e, E_MALFORMED, "externalAccountBinding: \"url\" has to be that of the request (RFC 8555 7.3.4)");
	if (jws_json(ret->payload, "externalAccountBinding: payload", &payload, e) < 0 || jwk_parse_known(x->arena, payload, &key, e) < 0)
		return -1;
	bool same = memcmp(key.thumbprint, x->key.thumbprint, JWK_THUMBPRINT_BYTES) == 0;
	jwk_free(&key);
	return same ? 0 : fail(e, E_MALFORMED, "externalAccountBinding: the payload has to be the key of the account (RFC 8555 7.3.4)");
}

/* Form, address and payload; then the MAC under the key of that name. */
static int
check(struct acme_exchange *x, const json_t *object, int64_t *ret_key, struct error *e)
{
	struct jws j = {0};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	int result = acme_read_external(x, object, &j, e);
	if (result == 0)
		result = acme_query(x, "SELECT acme_key_find($1::int8, $2::text)", (struct db_param[]){DB_INT(x->endpoint.id), DB_TEXT(j.kid)}, 2,
		                    &r, e);
	if (result == 0) /* a key that isn't there is asked about as well (number 0), so that there is one answer to both */
		result = check_mac(x, db_int(r, 0, 0), &j, e);
	if (result == 0)
		*ret_key = db_int(r, 0, 0);
	jws_free(&j);
	return result;
}

int
acme_external_check(struct acme_exchange *x, struct acme_external *ret, struct error *e)
{
	const json_t *object = json_object_get(x->payload, "externalAccountBinding");
	const char *rule = endpoint_text(&x->endpoint, x->arena, "external_account", "off");
	if (!object)
		return strcmp(rule, "required") == 0
		           ? fail(e, E_EXTERNAL_ACCOUNT,
		                  "an account of this directory has to be bound to an external account: externalAccountBinding (RFC 8555 7.3.4)")
		           : 0;
	if (strcmp(rule, "off") == 0)
		return fail(e, E_MALFORMED, "this directory knows no external accounts: leave externalAccountBinding out");
	/* Wrong ones are counted by address. */
	const char *key = arena_printf(x->arena, "acme-external %s", acme_limit_address(x->arena, x->request->client));
	if (throttle_check(key, e) < 0)
		return -1;
	if (check(x, object, &ret->key_id, e) < 0) {
		if (e->code == E_FORBIDDEN)
			throttle_failed(key);
		return -1;
	}
	throttle_ok(key);
	char *text = json_dumps(object, JSON_COMPACT);
	if (!text || strlen(text) > LIMIT_ACME_BINDING_BYTES) {
		free(text);
		return fail(e, E_MALFORMED, "externalAccountBinding is longer than %d octets", LIMIT_ACME_BINDING_BYTES);
	}
	ret->binding = arena_strdup(x->arena, text);
	free(text);
	return 0;
}
