/* Finalizing, RFC 8555 7.4: the CSR is held against the order, one compare-and-set makes the order somebody's to process, and the engine issues. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/caa.h"
#include "enroll/acme/identifier.h"
#include "enroll/acme/order.h"
#include "lib/db/array.h"
#include "lib/limits.h"

#define RETRY_SEC 2     /* after a fault of ours */
#define WINDOW_SEC (30 * 86400) /* that the engine knows which certificate an order got */

static bool
is_fault(enum error_code code)
{
	return error_acme_status(code) >= 500 || code == E_TOO_MANY || code == E_PENDING;
}

/* What came of it, in the store. */
static int
finish(struct acme_exchange *x, struct acme_order *o, int64_t certificate_id, const char *problem, int wait_sec, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_INT(x->account.id), DB_INT(o->id), certificate_id ? DB_INT(certificate_id) : DB_NULL,
	                               problem ? DB_TEXT(problem) : DB_NULL, DB_INT(wait_sec)};
	if (acme_query(x, "SELECT " ACME_ORDER_COLUMNS " FROM acme_order_done($1::int8, $2::int8, $3::int8, $4::text, $5::int)", row,
	               ARRAY_LEN(row), &r, e) < 0)
		return -1;
	return acme_order_read(x, r, o, e);
}

/* What the engine says of a profile by the house's name for it, by the directory's word. */
static struct error
in_their_words(struct acme_exchange *x, const struct acme_order *o, const struct error *why)
{
	const char *ours = arena_printf(x->arena, "\"%s\"", o->profile_name), *detail = arena_strdup(x->arena, why->detail), *at;
	struct error said = *why;
	while ((at = strstr(detail, ours)) != NULL && strcmp(o->profile_name, o->profile) != 0)
		detail = arena_printf(x->arena, "%.*s\"%s\"%s", (int)(at - detail), detail, o->profile, at + strlen(ours));
	(void)fail(&said, why->code, "%s", detail);
	return said;
}

static int
refused(struct acme_exchange *x, struct acme_order *o, const struct error *why, struct error *e)
{
	const struct error said = in_their_words(x, o, why);
	json_t *p CLEANUP(json_decref) = acme_problem(&said);
	if (x->problem) { /* it is the order's, and the answer is no refusal */
		json_object_update(p, x->problem);
		json_decref(x->problem);
		x->problem = NULL;
	}
	char *text = json_dumps(p, JSON_COMPACT);
	int result = text ? finish(x, o, 0, text, 0, e) : fail(e, E_INTERNAL, "no memory");
	free(text);
	return result;
}

/* A refusal of the engine's by what is at fault, where that isn't the request (RFC 8555 6.7): an identifier, or people who said no. And the way out
 * where people of ACME don't know it. */
static int
in_acme_words(struct arena *a, struct error *e)
{
	const char *detail = arena_strdup(a, e->detail);
	if (e->code == E_POLICY && strcmp(e->pointer, "subject/CN") == 0)
		return fail(e, E_POLICY,
		            "%.150s. Few clients of ACME send a common name: the directory needs a profile whose subject_required has no CN", detail);
	if (e->code == E_POLICY && strcmp(e->pointer, "approval") == 0)
		return fail(e, E_FORBIDDEN, "those who have to approve the order decided: %.200s", detail);
	if (e->code == E_POLICY && strncmp(e->pointer, "names", 5) == 0)
		return fail(e, E_REJECTED_NAME, "%s", detail);
	return -1;
}

static int
issue(struct acme_exchange *x, const struct acme_order *o, struct enroll_result *ret, struct error *e)
{
	const char *names[LIMIT_ACME_NAMES];
	size_t n = 0;
	for (const char *p = o->identifiers; *p && n < LIMIT_ACME_NAMES;) {
		size_t len = strcspn(p, "\n");
		names[n++] = arena_strndup(x->arena, p, len);
		p += len + (p[len] == '\n');
	}
	const struct principal who = {
	    .tenant_id = x->endpoint.tenant_id,
	    .name = arena_printf(x->arena, "acme:%s/%lld", x->endpoint.label, (long long)x->account.id),
	    .role = ROLE_NONE,
	    .evidence = EVIDENCE_ACME,
	    .identity = arena_printf(x->arena, "acme:%lld", (long long)x->account.id),
	};
	const struct enroll_request r = {
	    .who = &who,
	    .endpoint_id = x->endpoint.id,
	    .rules = {{.names_bound = true, .names = names, .n_names = n}},
	    .request_id = x->request->request_id,
	    .profile = o->profile_name,
	    .ca = x->endpoint.ca,
	    .csr = o->csr,
	    .names = names, /* also those that the CSR has as its common name alone (RFC 8555 7.4) */
	    .n_names = n,
	    .transaction = arena_printf(x->arena, "order/%lld", (long long)o->id),
	    .binding = o->csr,
	    .operation = "finalize",
	    .window_sec = WINDOW_SEC,
	};
	if (enroll_issue(acme_enroll(x->acme), &r, x->arena, ret, e) == 0)
		return 0;
	return in_acme_words(x->arena, e);
}

int
acme_order_issue(struct acme_exchange *x, struct acme_order *o, struct error *e)
{
	struct enroll_result issued;
	struct error why;
	if (acme_caa_check(x, o, &why) == 0 && issue(x, o, &issued, &why) == 0) {
		x->serial = issued.serial;
		return finish(x, o, issued.id, NULL, 0, e);
	}
	if (!is_fault(why.code))
		return refused(x, o, &why, e);
	unsigned wait_sec = why.retry_after_sec ? why.retry_after_sec : RETRY_SEC;
	if (finish(x, o, 0, NULL, (int)wait_sec, e) < 0)
		return -1;
	o->wait_sec = wait_sec;
	x->detail = error_name(why.code);
	return 0;
}

static int
read_csr(struct acme_exchange *x, struct csr *ret, struct error *e)
{
	const char *text = NULL;
	struct bytes der;
	struct error why;
	if (acme_text(x->payload, "csr", NULL, &text, e) < 0)
		return -1;
	if (!text || strlen(text) > LIMIT_CSR_BYTES * 4 / 3 + 4)
		return fail(e, E_MALFORMED, "\"csr\" is wanted: base64url of a PKCS#10 of up to %d octets (RFC 8555 7.4)", LIMIT_CSR_BYTES);
	if (base64url_decode(x->arena, text, strlen(text), "csr", &der, e) < 0)
		return -1;
	return csr_parse(der, ret, &why) == 0 ? 0 : fail(e, E_BAD_CSR, "%s", why.detail);
}

/* Why the compare-and-set did nothing. */
static int
refuse(const struct acme_order *o, struct error *e)
{
	static const struct {
		const char *found;
		enum error_code code;
		const char *detail;
	} rows[] = {
	    {"names", E_BAD_CSR, "the names of the request, its common name among them, have to be those of the order exactly (RFC 8555 7.4)"},
	    {"key", E_BAD_CSR, "the request has another key than the one that was attested (draft-ietf-acme-device-attest 5)"},
	    {"other_csr", E_NOT_READY, "the order was finalized with another request already (RFC 8555 7.4)"},
	    {"account", E_FORBIDDEN, "the account isn't valid any more (RFC 8555 7.3.6)"},
	    {"profile", E_NO_PROFILE, "the directory doesn't offer the order's profile any more: make a new order"},
	    {"replaced", E_REPLACED, "another order has taken the place of the certificate that this one replaces (RFC 9773 5)"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].found, o->found) == 0)
			return fail(e, rows[i].code, "%s", rows[i].detail);
	if (strcmp(o->found, "own") != 0)
		return fail(e, E_NOT_READY, "the order isn't ready to be finalized: it is %s (RFC 8555 7.4)", o->status);
	return 0;
}

static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	static const struct acme_statement statement = {
	    .signed_sql = "SELECT " ACME_ORDER_SIGNED " FROM acme_signed_finalize($1::bytea, $2::bytea, $3::bytea, $4::int8, $5::int8, $6::int8,"
	                  " $7::bytea, $8::text[], $9::bytea, $10::int)",
	    .sql = "SELECT " ACME_ORDER_COLUMNS " FROM acme_order_finalize($1::int8, $2::int8, $3::bytea, $4::text[], $5::bytea, $6::int)",
	    .skip = 1,
	};
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *names[LIMIT_ACME_NAMES + LIMIT_RDN_COUNT];
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct csr csr;
	struct acme_order o;
	struct db_array list;
	struct db_param param;
	size_t n = 0;
	if (read_csr(x, &csr, e) < 0)
		return -1;
	if (jwk_is(&x->key, csr.spki))
		return fail(e, E_BAD_CSR, "the key of the account can't be certified: make another one for the certificate (RFC 8555 11.1)");
	if (acme_identifiers_of_csr(x->arena, &csr, names, ARRAY_LEN(names), &n, e) < 0)
		return -1;
	SHA256(csr.spki.data, csr.spki.len, hash);
	db_array_init(&list, DB_ARRAY_TEXT, ARRAY_LEN(names) * (LIMIT_SAN_BYTES + 300));
	for (size_t i = 0; i < n; i++)
		db_array_add(&list, names[i], strlen(names[i]));
	int result = db_array_param(&list, &param, e);
	if (result == 0)
		result = acme_query_signed(x, &statement,
		                           (struct db_param[]){DB_INT(x->endpoint.id), DB_INT(x->account.id), DB_INT(x->ids[0]),
		                                               DB_BYTES(csr.whole.data, csr.whole.len), param, DB_BYTES(hash, sizeof(hash)),
		                                               DB_INT(ACME_LEASE_SEC)},
		                           7, &r, e);
	db_array_free(&list);
	if (result < 0 || acme_order_read(x, r, &o, e) < 0 || refuse(&o, e) < 0 || (o.take && acme_order_issue(x, &o, e) < 0))
		return -1;
	acme_order_answer(x, a, &o);
	return 0;
}

const struct acme_operation acme_order_finalize = {
    .name = "finalize", .path = "order/#/finalize", .signer = ACME_ACCOUNT, .payload = ACME_OBJECT, .late = true, .post = handle};
