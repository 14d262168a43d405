/* The challenge device-attest-01 (draft-ietf-acme-device-attest 5): what it takes comes with the request, so nobody has to go and look. */
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/attest.h"
#include "enroll/acme/authz.h"
#include "enroll/acme/order.h"
#include "enroll/acme/payload.h"
#include "enroll/acme/rate_limit.h"
#include "lib/limits.h"

#define TYPE "permanent-identifier:"

/* attObj: base64url of the attestation object. Other members are ignored (5). */
int
acme_read_attestation(struct acme_exchange *x, struct bytes *ret, struct error *e)
{
	const char *text = NULL;
	if (acme_text(x->payload, "attObj", NULL, &text, e) < 0)
		return -1;
	if (!text || !*text)
		return fail(e, E_MALFORMED, "\"attObj\" is wanted: base64url of an attestation object (draft-ietf-acme-device-attest 5)");
	if (strlen(text) > LIMIT_ATTESTATION_BYTES * 4 / 3 + 4)
		return fail(e, E_TOO_LARGE, "\"attObj\": over %d octets", LIMIT_ATTESTATION_BYTES);
	return base64url_decode(x->arena, text, strlen(text), "attObj", ret, e);
}

static const char *
dump(struct arena *a, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	const char *kept = arena_strdup(a, text ? text : "null");
	free(text);
	return kept;
}

/* What the log says of it, as a text of the store's list. */
static const char *
log_text(struct acme_exchange *x, const char *text)
{
	CLEANUP(json_decref) json_t *list = json_pack("[s]", text);
	return list ? dump(x->arena, list) : "[]";
}

int
acme_device_attest(struct acme_exchange *x, const json_t *challenge, struct acme_authz *z, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	CLEANUP(json_decref) json_t *problem = NULL;
	struct attest_result result = {.text = ""};
	struct acme_authz now = {0};
	struct error why;
	struct bytes object;
	if (acme_read_attestation(x, &object, e) < 0)
		return -1;
	if (strncmp(z->identifier, TYPE, strlen(TYPE)) != 0)
		return fail(e, E_INTERNAL, "an attestation of something that is no device");
	/* RFC 8555 8.1 */
	const char *key_authorization = arena_printf(x->arena, "%s.%s", json_string_value(json_object_get(challenge, "token")),
	                                             base64url_encode(x->arena, (struct bytes){x->key.thumbprint, JWK_THUMBPRINT_BYTES}));
	bool good = acme_attest_verify(&x->endpoint, object, BYTES_STR(key_authorization), z->identifier + strlen(TYPE), x->arena, &result,
	                               &why) == 0;
	if (!good && why.code != E_BAD_ATTESTATION) {
		*e = why;
		return -1;
	}
	if (!good)
		problem = acme_problem(&why);
	const struct db_param row[] = {DB_INT(x->account.id), DB_INT(x->ids[0]), good ? DB_BYTES(result.key, sizeof(result.key)) : DB_NULL,
	                               good ? DB_NULL : DB_TEXT(dump(x->arena, problem)),
	                               DB_TEXT(log_text(x, good ? result.text : arena_printf(x->arena, "refused: %s", why.detail))),
	                               DB_INT(acme_order_hours(x)), DB_INT(acme_limits_of(x).failures)};
	if (acme_query(x,
	               "SELECT " ACME_AUTHZ_COLUMNS ", r_wait FROM acme_attested_limited($1::int8, $2::int8, $3::bytea, $4::text, $5::text, $6::int,"
	               " $7::int)",
	               row, ARRAY_LEN(row), &r, e) < 0 ||
	    acme_own(r, "challenge", e) < 0 || (db_int(r, 0, 7) > 0 && acme_limit_refuse(x, "failures", db_text(r, 0, 2), db_int(r, 0, 7), e) < 0) ||
	    acme_authz_read(x, r, "challenge", &now, e) < 0)
		return -1;
	acme_authz_free(z);
	*z = now;
	if (good)
		return 0;
	x->detail = arena_strdup(x->arena, why.detail);
	*e = why;
	return -1;
}
