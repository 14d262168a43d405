/* revokeCert, RFC 8555 7.6: by the account that ordered the certificate, by one that holds authorizations for all its names, or by its own key. */
#include <string.h>

#include "enroll/acme/payload.h"
#include "lib/ipc/engine.h"
#include "lib/limits.h"

enum { UNSPECIFIED = 0, KEY_COMPROMISE = 1, CESSATION_OF_OPERATION = 5 };

static int
read_reason(struct acme_exchange *x, int *ret, struct error *e)
{
	/* RFC 5280 5.3.1: 2 and 10 are for CAs and attribute authorities, 6 and 8 for holds, 7 doesn't exist. */
	static const int taken[] = {UNSPECIFIED, KEY_COMPROMISE, 3, 4, CESSATION_OF_OPERATION, 9};
	const json_t *v = json_object_get(x->payload, "reason");
	if (v && !json_is_integer(v))
		return fail(e, E_MALFORMED, "\"reason\" has to be a whole number (RFC 8555 7.6)");
	json_int_t reason = v ? json_integer_value(v) : UNSPECIFIED;
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (taken[i] == reason) {
			*ret = taken[i];
			return 0;
		}
	return fail(e, E_BAD_REASON, "\"reason\" has to be 0, 1, 3, 4, 5 or 9 (RFC 5280 5.3.1)");
}

static int
read_certificate(struct acme_exchange *x, struct cert *ret, struct error *e)
{
	const char *text = NULL;
	struct bytes der;
	struct error why;
	if (acme_text(x->payload, "certificate", NULL, &text, e) < 0)
		return -1;
	if (!text || base64url_decode(x->arena, text, strlen(text), "certificate", &der, e) < 0)
		return text ? -1 : fail(e, E_MALFORMED, "\"certificate\" is wanted: base64url of it in DER (RFC 8555 7.6)");
	return cert_parse(der, ret, &why) == 0 ? 0 : fail(e, E_MALFORMED, "certificate: %s", why.detail);
}

int
acme_read_revocation(struct acme_exchange *x, struct cert *ret, int *ret_reason, struct error *e)
{
	return read_certificate(x, ret, e) < 0 ? -1 : read_reason(x, ret_reason, e);
}

/* Whether it may be revoked by who signs, and for which reason then. As Boulder has it: the certificate's own key shows that somebody has it, so it
 * always is keyCompromise; who proved to have the names, but didn't order it, says no more than that they aren't the other's any longer. */
static int
authorise(struct acme_exchange *x, const struct cert *c, int64_t *ret_id, int *reason, struct error *e)
{
	enum { ID, ORDERED, AUTHORISED };
	CLEANUP(db_result_free) struct db_result *r = NULL;
	bool by_account = x->jws.kid != NULL;
	const struct db_param row[] = {DB_INT(x->endpoint.id), by_account ? DB_INT(x->account.id) : DB_NULL, DB_BYTES(c->serial.data, c->serial.len),
	                               DB_BYTES(c->whole.data, c->whole.len)};
	if (acme_query(x, "SELECT r_id, r_ordered, r_authorised FROM acme_revocable($1::int8, $2::int8, $3::bytea, $4::bytea)", row, ARRAY_LEN(row),
	               &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "the certificate isn't one that this directory's CA issued");
	*ret_id = db_int(r, 0, ID);
	if (!by_account) {
		*reason = KEY_COMPROMISE;
		return jwk_is(&x->key, c->spki)
		           ? 0
		           : fail(e, E_FORBIDDEN, "the key in \"jwk\" isn't that of the certificate; accounts sign with \"kid\" (RFC 8555 7.6)");
	}
	if (db_bool(r, 0, ORDERED))
		return 0;
	if (!db_bool(r, 0, AUTHORISED))
		return fail(e, E_FORBIDDEN,
		            "the account didn't order the certificate, and holds no valid authorizations for all its names (RFC 8555 7.6)");
	*reason = CESSATION_OF_OPERATION;
	return 0;
}

static int
take_revoked(const Siegel__Reply *reply, struct error *e)
{
	if (reply->result_case != SIEGEL__REPLY__RESULT_REVOKED || reply->revoked->unjudged)
		return fail(e, E_INTERNAL, "the engine answered something else than a revocation");
	return reply->revoked->repeated ? fail(e, E_REVOKED, "the certificate was revoked before (RFC 8555 7.6)") : 0;
}

static int
revoke(struct acme_exchange *x, int64_t id, int reason, struct error *e)
{
	const char *name = x->jws.kid ? arena_printf(x->arena, "acme:%s/%lld", x->endpoint.label, (long long)x->account.id)
	                              : arena_printf(x->arena, "acme:%s", x->endpoint.label);
	Siegel__Requestor who = SIEGEL__REQUESTOR__INIT;
	Siegel__Revoke op = SIEGEL__REVOKE__INIT;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Reply *reply = NULL;
	who.tenant_id = x->endpoint.tenant_id;
	who.name = arena_strdup(x->arena, name);
	who.role = arena_strdup(x->arena, ROLE_NONE);
	who.evidence = arena_strdup(x->arena, evidence_name(x->jws.kid ? EVIDENCE_ACME : EVIDENCE_CERTIFICATE));
	who.source = arena_strdup(x->arena, "acme");
	who.request_id = arena_strdup(x->arena, x->request->request_id);
	op.requestor = &who;
	op.certificate_id = id;
	op.reason = reason;
	op.endpoint_id = x->endpoint.id;
	if (x->jws.kid)
		op.acme_account = x->account.id;
	else {
		op.signed_data = (ProtobufCBinaryData){x->jws.signed_data.len, arena_dup(x->arena, x->jws.signed_data.data, x->jws.signed_data.len)};
		op.signature = (ProtobufCBinaryData){x->jws.signature.len, arena_dup(x->arena, x->jws.signature.data, x->jws.signature.len)};
	}
	request.operation_case = SIEGEL__REQUEST__OPERATION_REVOKE;
	request.revoke = &op;
	if (enroll_call(acme_enroll(x->acme), &request, &reply, e) < 0) {
		if (e->code == E_POLICY) { /* of an order that is badCSR */
			const char *why = arena_strdup(x->arena, e->detail);
			return fail(e, E_FORBIDDEN, "%s", why);
		}
		return -1;
	}
	int result = take_revoked(reply, e);
	engine_reply_free(reply);
	return result;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	struct cert c;
	int64_t id = 0;
	int reason = UNSPECIFIED;
	if (acme_read_revocation(x, &c, &reason, e) < 0 || authorise(x, &c, &id, &reason, e) < 0)
		return -1;
	x->serial = arena_hex(x->arena, c.serial.data, c.serial.len);
	x->detail = arena_printf(x->arena, "reason %d by %s", reason, x->jws.kid ? "an account" : "the certificate's key");
	if (revoke(x, id, reason, e) < 0)
		return -1;
	a->body = (struct bytes){0}; /* RFC 8555 7.6: 200 and nothing */
	return 0;
}

const struct acme_operation acme_revoke_cert = {
    .name = "revokeCert", .path = "revoke-cert", .signer = ACME_EITHER, .payload = ACME_OBJECT, .post = handle};
