/* The challenge's resource, RFC 8555 7.5.1: a client says that it can be looked at. */
#include <string.h>

#include "enroll/acme/authz.h"
#include "enroll/acme/order.h"
#include "enroll/acme/rate_limit.h"
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

static bool
is_attestation(const json_t *challenge)
{
	return strcmp(json_string_value(json_object_get(challenge, "type")), "device-attest-01") == 0 &&
	    strcmp(json_string_value(json_object_get(challenge, "status")), "pending") == 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	struct acme_authz z = {0};
	const struct db_param row[] = {DB_INT(x->account.id), DB_INT(x->ids[0]), DB_INT(acme_limits_of(x).failures)};
	int result = x->payload
	    ? acme_query(x, "SELECT " ACME_AUTHZ_COLUMNS ", r_begun, r_wait FROM acme_challenge_limited($1::int8, $2::int8, $3::int)", row, 3, &r, e)
	    : acme_query(x, "SELECT " ACME_AUTHZ_COLUMNS ", false, 0 FROM acme_authz_get($1::int8, $2::int8, true)", row, 2, &r, e);
	if (result < 0 || acme_own(r, "challenge", e) < 0)
		return -1;
	if (db_int(r, 0, 8) > 0)
		return acme_limit_refuse(x, "failures", db_text(r, 0, 2), db_int(r, 0, 8), e);
	if (acme_authz_read(x, r, "challenge", &z, e) < 0)
		return -1;
	if (db_bool(r, 0, 7))
		acme_validator_wake(acme_validator(x->acme));
	const json_t *challenge = find(&z, x->ids[0]);
	if (x->payload && challenge && strcmp(z.status, "pending") == 0 && is_attestation(challenge)) {
		if (acme_device_attest(x, challenge, &z, e) < 0) {
			acme_authz_free(&z);
			return -1;
		}
		challenge = find(&z, x->ids[0]);
	}
	if (challenge && strcmp(json_string_value(json_object_get(challenge, "status")), "processing") == 0)
		http_answer_header(a, "Retry-After", arena_printf(x->arena, "%d", ACME_POLL_SEC));
	x->detail = z.status;
	acme_answer_link(x, a, acme_url(x, "authz", z.id), "up");
	http_answer_header(a, "Location", acme_url(x, "chall", x->ids[0]));
	acme_answer_json(x, a, challenge ? acme_challenge_json(x, challenge) : json_object());
	acme_authz_free(&z);
	return 0;
}

const struct acme_operation acme_challenge_resource = {
    .name = "challenge", .path = "chall/#", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT_OR_EMPTY, .post = handle};
