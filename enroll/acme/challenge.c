/* The challenge's resource, RFC 8555 7.5.1: a client says that it can be looked at. */
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/attest.h"
#include "enroll/acme/authz.h"
#include "enroll/acme/limits.h"
#include "enroll/acme/order.h"
#include "enroll/acme/validator.h"

static const json_t *
find(const struct acme_authz *z, int64_t id)
{
	for (size_t i = 0; i < json_array_size(z->challenges); i++) {
		const json_t *row = json_array_get(z->challenges, i);
		if (json_integer_value(json_object_get(row, "id")) == id)
			return row;
	}
	return NULL;
}

/* device-attest-01 (draft-ietf-acme-device-attest 5): what is looked at came with the answer. */
static int
attest(struct acme_exchange *x, const struct acme_authz *z, const json_t *challenge, struct bytes object, struct error *e)
{
	struct attest_result found;
	struct error why = {0};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *token = json_string_value(json_object_get(challenge, "token")), *device = strchr(z->identifier, ':') + 1;
	const char *authorization = arena_printf(x->arena, "%s.%s", token, base64url_encode(x->arena, (struct bytes){x->key.thumbprint, JWK_THUMBPRINT_BYTES}));
	int result = acme_attest_verify(&x->endpoint, object, BYTES_STR(authorization), device, x->arena, &found, &why);
	if (result < 0 && why.code != E_BAD_ATTESTATION) {
		*e = why; /* ours: the client may say it again when its time has passed */
		return -1;
	}
	json_t *log CLEANUP(json_decref) = json_pack("[s]", result == 0 ? found.text : why.detail), *p CLEANUP(json_decref) = acme_problem(&why);
	char *log_text = json_dumps(log, JSON_COMPACT), *problem = result == 0 ? NULL : json_dumps(p, JSON_COMPACT);
	const struct db_param row[] = {DB_INT(x->ids[0]), DB_TEXT(result == 0 ? "true" : "false"), problem ? DB_TEXT(problem) : DB_NULL,
	                               DB_TEXT(log_text ? log_text : "[]"), DB_INT(acme_valid_hours(&x->endpoint)),
	                               result == 0 ? DB_BYTES(found.key, sizeof(found.key)) : DB_NULL};
	x->detail = result == 0 ? found.text : why.detail;
	result = acme_query(x, "SELECT acme_challenge_result($1::int8, 0, $2::boolean, $3::text, $4::text, 0, $5::int, $6::bytea)", row, ARRAY_LEN(row), &r, e);
	free(log_text);
	free(problem);
	return result;
}

static int
begin(struct acme_exchange *x, struct bytes object, bool *ret_begun, struct acme_authz *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_INT(x->account.id), DB_INT(x->ids[0]), DB_INT(object.len ? ACME_LEASE_SEC : 0),
	                               DB_INT(acme_limits_of(x).failures)};
	if (acme_query(x, "SELECT " ACME_AUTHZ_COLUMNS ", r_begun, r_wait FROM acme_challenge_limited($1::int8, $2::int8, $3::int, $4::int)", row,
	               ARRAY_LEN(row), &r, e) < 0 ||
	    acme_own(r, "challenge", e) < 0)
		return -1;
	if (db_int(r, 0, 8) > 0)
		return acme_limit_refuse(x, "failures", db_text(r, 0, 2), db_int(r, 0, 8), e);
	if (acme_authz_read(x, r, "challenge", ret, e) < 0)
		return -1;
	*ret_begun = db_bool(r, 0, 7);
	return 0;
}

static int
get(struct acme_exchange *x, struct acme_authz *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_INT(x->account.id), DB_INT(x->ids[0])};
	if (acme_query(x, "SELECT " ACME_AUTHZ_COLUMNS " FROM acme_authz_get($1::int8, $2::int8, true)", row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	return acme_authz_read(x, r, "challenge", ret, e);
}

static bool
is(const json_t *challenge, const char *member, const char *value)
{
	return strcmp(json_string_value(json_object_get(challenge, member)), value) == 0;
}

/* The challenge begins, if it can. */
static int
respond(struct acme_exchange *x, struct acme_authz *z, struct error *e)
{
	const char *text = NULL;
	struct bytes object = {0};
	bool begun = false;
	if (acme_text(x->payload, "attObj", NULL, &text, e) < 0 ||
	    (text && base64url_decode(x->arena, text, strlen(text), "attObj", &object, e) < 0) || begin(x, object, &begun, z, e) < 0)
		return -1;
	const json_t *challenge = find(z, x->ids[0]);
	if (challenge && is(challenge, "type", "device-attest-01")) {
		if (!object.len && is(challenge, "status", "pending"))
			return fail(e, E_MALFORMED, "\"attObj\" is wanted: an attestation object (draft-ietf-acme-device-attest 5)");
		if (!begun)
			return 0;
		if (attest(x, z, challenge, object, e) < 0)
			return -1;
		acme_authz_free(z);
		return get(x, z, e);
	}
	if (begun)
		acme_validator_wake(acme_validator(x->acme));
	return 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	struct acme_authz z = {0};
	if ((x->payload ? respond(x, &z, e) : get(x, &z, e)) < 0) {
		acme_authz_free(&z);
		return -1;
	}
	const json_t *challenge = find(&z, x->ids[0]);
	if (challenge && is(challenge, "status", "processing"))
		http_answer_header(a, "Retry-After", arena_printf(x->arena, "%d", ACME_POLL_SEC));
	if (!x->detail)
		x->detail = z.status;
	acme_answer_link(x, a, acme_url(x, "authz", z.id), "up");
	http_answer_header(a, "Location", acme_url(x, "chall", x->ids[0]));
	acme_answer_json(x, a, challenge ? acme_challenge_json(x, challenge) : json_object());
	acme_authz_free(&z);
	return 0;
}

const struct acme_operation acme_challenge_resource = {
    .name = "challenge", .path = "chall/#", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT_OR_EMPTY, .post = handle};
