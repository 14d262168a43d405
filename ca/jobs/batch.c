/* Requests for one or many (the table batch): each item becomes a certificate by a request to a worker of the engine, as if whoever asked had sent it
 * himself just now, so that profiles and policies hold. The request key is the item's: it gets one certificate, whatever becomes of this process.
 * A key that was made for it goes out of the worker once; when it was lost on the way to the store, its certificate is revoked, and made anew. What
 * others have to approve waits in its item; the store makes the next job when they have decided. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "ca/batch.h"
#include "ca/jobs.h"
#include "lib/ipc/engine.h"
#include "lib/limits.h"
#include "lib/rights.h"
#include "lib/secret.h"
#include "lib/x509/pem.h"

#define STEP_ITEMS 16
#define STEP_US 500000 /* a step ends after the item that went beyond */
#define ATTEMPTS 8     /* of one item in one step: each but the last one revokes */
#define SUPERSEDED 4   /* RFC 5280 5.3.1 */

/* What all items have in common. */
struct wish {
	int64_t id, account_id;
	const char *account, *role, *evidence, *profile, *owner;
	bool pkcs12;
	bool cn, serial_number; /* what the name of an item is in the subject: what the profile takes, or wants */
	int days;
	struct secret *password; /* NULL: none */
};

enum { ITEM_N, ITEM_NAME, ITEM_CSR, ITEM_REPLACES, ITEM_SAME_KEY, ITEM_STATUS, ITEM_ATTEMPT, ITEM_APPROVAL, ITEM_APPROVAL_STATUS };

/* What became of an item. */
struct outcome {
	const char *status, *error;
	int64_t certificate, approval;
	int attempt;
	struct buf sealed;
};

/* Why whoever asked may not any more; NULL when he may. */
static int
check_account(struct job_run *j, struct wish *o, const char **ret_refused, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(o->account_id), DB_INT(j->tenant_id), DB_TEXT(o->profile), DB_INT(o->id), DB_TEXT(o->owner)};
	if (db_query(j->desk->db,
		     "SELECT a.name, a.role, account_rights(a.id)::text, coalesce(bool_or(p.id = ANY (account_profiles(a.id))), false),"
		     " $5::text IS NULL OR $5::text = ANY (account_owners(a.id)),"
		     " NOT EXISTS (SELECT FROM batch_item i WHERE i.batch_id = $4::int8 AND i.replaces_id IS NOT NULL"
		     "   AND i.status IN ('open', 'waiting') AND NOT certificate_is_own(a.id, i.replaces_id)),"
		     " EXISTS (SELECT FROM batch_item i WHERE i.batch_id = $4::int8 AND i.replaces_id IS NULL)"
		     " FROM account a LEFT JOIN profile p ON p.tenant_id = a.tenant_id AND p.name = $3::text"
		     " WHERE a.id = $1::int8 AND a.tenant_id = $2::int GROUP BY a.id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	uint64_t rights = rights_parse(db_text(r, 0, 2));
	o->account = arena_strdup(j->arena, db_text(r, 0, 0));
	o->role = arena_strdup(j->arena, db_text(r, 0, 1));
	*ret_refused = NULL;
	if (!(rights & (RIGHT_BIT(RIGHT_ISSUE) | RIGHT_BIT(RIGHT_OWN))))
		*ret_refused = "the account that asked may not ask for certificates any more";
	else if (!db_bool(r, 0, 3) && db_bool(r, 0, 6))
		*ret_refused = "the account that asked may not ask for certificates by this profile";
	else if (!(rights & RIGHT_BIT(RIGHT_ISSUE)) && !(db_bool(r, 0, 4) && db_bool(r, 0, 5)))
		*ret_refused = "the account that asked isn't responsible for that any more";
	return 0;
}

static int
load(struct job_run *j, struct wish *o, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	o->id = json_integer_value(json_object_get(j->parameters, "batch"));
	struct db_param row[] = {DB_INT(o->id), DB_INT(j->tenant_id)};
	if (db_query(j->desk->db,
		     "SELECT b.account_id, b.evidence, b.profile, b.format = 'pkcs12', coalesce(b.days, 0), b.owner, b.password,"
		     " coalesce(p.definition -> 'subject_allowed' ? 'CN', true), coalesce(p.definition -> 'subject_required' ? 'serialNumber', false)"
		     " FROM batch b LEFT JOIN profile p ON p.tenant_id = b.tenant_id AND p.name = b.profile"
		     " WHERE b.id = $1::int8 AND b.tenant_id = $2::int",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such batch");
	o->account_id = db_int(r, 0, 0);
	o->evidence = arena_strdup(j->arena, db_text(r, 0, 1));
	o->profile = arena_strdup(j->arena, db_text(r, 0, 2));
	o->pkcs12 = db_bool(r, 0, 3);
	o->days = (int)db_int(r, 0, 4);
	o->owner = db_is_null(r, 0, 5) ? NULL : arena_strdup(j->arena, db_text(r, 0, 5));
	o->cn = db_bool(r, 0, 7);
	o->serial_number = db_bool(r, 0, 8);
	if (db_is_null(r, 0, 6))
		return 0;
	return hsm_unseal(j->desk->hsm, arena_printf(j->arena, "batch:%" PRId64, o->id), db_bytes(r, 0, 6, j->arena), &o->password, e);
}

static char *
text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void
make_requestor(const struct job_run *j, const struct wish *o, int64_t n, Siegel__Requestor *ret)
{
	siegel__requestor__init(ret);
	ret->tenant_id = j->tenant_id;
	ret->account_id = o->account_id;
	ret->name = text(o->account);
	ret->role = text(o->role);
	ret->evidence = text(o->evidence);
	ret->source = text("rest");
	ret->request_id = arena_printf(j->arena, "batch/%" PRId64 "/%" PRId64, o->id, n);
}

/* One request to a worker. */
static int
ask(struct job_run *j, const struct wish *o, const struct db_result *items, int i, int attempt, Siegel__Reply **ret, struct error *e)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Issue issue = SIEGEL__ISSUE__INIT;
	Siegel__Requestor requestor;
	Siegel__Attribute attributes[2], *subject[2];
	struct bytes csr = {0};
	const char *name = db_text(items, i, ITEM_NAME);
	int64_t n = db_int(items, i, ITEM_N);
	char key[96];
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (!db_is_null(items, i, ITEM_CSR))
		csr = db_bytes(items, i, ITEM_CSR, j->arena);
	snprintf(key, sizeof(key), "batch/%d/%" PRId64 "/%" PRId64 "/%d", j->tenant_id, o->id, n, attempt);
	if (EVP_Digest(key, strlen(key), digest, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	make_requestor(j, o, n, &requestor);
	issue.requestor = &requestor;
	issue.request_key = issue.body_hash = (ProtobufCBinaryData){32, digest};
	issue.window_sec = LIMIT_BATCH_RESULT_DAYS * 86400;
	issue.days = o->days;
	issue.csr = (ProtobufCBinaryData){csr.len, (uint8_t *)(uintptr_t)csr.data};
	issue.replaces_id = db_int(items, i, ITEM_REPLACES);
	issue.same_key = db_bool(items, i, ITEM_SAME_KEY);
	if (o->owner)
		issue.owner = text(o->owner);
	if (!issue.replaces_id)
		issue.profile = text(o->profile);
	issue.subject = subject;
	for (int k = 0; k < 2 && *name && !issue.replaces_id; k++) {
		if (k == 0 ? !o->cn : !o->serial_number)
			continue;
		siegel__attribute__init(&attributes[issue.n_subject]);
		attributes[issue.n_subject].type = text(k == 0 ? "CN" : "serialNumber");
		attributes[issue.n_subject].value = text(name);
		subject[issue.n_subject] = &attributes[issue.n_subject];
		issue.n_subject++;
	}
	if (o->pkcs12 && o->password && !csr.len && !issue.same_key)
		issue.pkcs12_password = (char *)o->password->data;
	request.operation_case = SIEGEL__REQUEST__OPERATION_ISSUE;
	request.issue = &issue;
	return engine_call(j->context, &request, ret, e);
}

/* A certificate whose key nobody has. */
static int
take_back(struct job_run *j, const struct wish *o, int64_t n, int64_t certificate, struct error *e)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Revoke revoke = SIEGEL__REVOKE__INIT;
	Siegel__Requestor requestor;
	Siegel__Reply *reply = NULL;
	make_requestor(j, o, n, &requestor);
	revoke.requestor = &requestor;
	revoke.certificate_id = certificate;
	revoke.reason = SUPERSEDED;
	request.operation_case = SIEGEL__REQUEST__OPERATION_REVOKE;
	request.revoke = &revoke;
	if (engine_call(j->context, &request, &reply, e) < 0)
		return -1;
	engine_reply_free(reply);
	return 0;
}

/* The key, as it is handed out, sealed. */
static int
seal(struct job_run *j, const struct wish *o, int64_t n, const Siegel__Issued *issued, struct outcome *out, struct error *e)
{
	const char *context = arena_printf(j->arena, "batch:%" PRId64 ":%" PRId64, o->id, n);
	if (issued->pkcs12.len)
		return hsm_seal(j->desk->hsm, "", context, issued->pkcs12.data, issued->pkcs12.len, &out->sealed, e);
	if (*issued->private_key_pem)
		return hsm_seal(j->desk->hsm, "", context, issued->private_key_pem, strlen(issued->private_key_pem), &out->sealed, e);
	return 0;
}

/* Failures that pass: the item stays as it is. */
static bool
is_passing(const struct error *e)
{
	return e->code == E_STORE || e->code == E_KEY_STORE || e->code == E_UNAVAILABLE || e->code == E_BUSY;
}

/* -1 for what passes; anything else is in *out. */
static int
issue(struct job_run *j, const struct wish *o, const struct db_result *items, int i, struct outcome *out, struct error *e)
{
	int64_t n = db_int(items, i, ITEM_N);
	bool makes_key = db_is_null(items, i, ITEM_CSR) && !db_bool(items, i, ITEM_SAME_KEY);

	out->attempt = (int)db_int(items, i, ITEM_ATTEMPT);
	for (int end = out->attempt + ATTEMPTS; out->attempt < end; out->attempt++) {
		Siegel__Reply *reply = NULL;
		if (ask(j, o, items, i, out->attempt, &reply, e) < 0) {
			if (is_passing(e))
				return fail(e, E_UNAVAILABLE, "%s", arena_strdup(j->arena, e->detail));
			if (e->code == E_PENDING && sscanf(e->pointer, "approval/%" SCNd64, &out->approval) == 1) {
				out->status = "waiting";
				return 0;
			}
			out->status = "failed";
			out->error = arena_strdup(j->arena, e->detail);
			return 0;
		}
		if (reply->result_case != SIEGEL__REPLY__RESULT_ISSUED || !reply->issued->certificate) {
			engine_reply_free(reply);
			return fail(e, E_INTERNAL, "the engine's reply isn't a certificate");
		}
		out->certificate = reply->issued->certificate->id;
		bool lost = makes_key && reply->issued->repeated;
		int rc = lost ? take_back(j, o, n, out->certificate, e) : seal(j, o, n, reply->issued, out, e);
		engine_reply_free(reply);
		if (rc < 0)
			return -1;
		if (!lost) {
			out->status = "done";
			return 0;
		}
	}
	return fail(e, E_UNAVAILABLE, "item %" PRId64 ": its key was lost %d times on the way to the store", n, ATTEMPTS);
}

/* What was decided against, with the words of whoever did. NULL: the request is to be sent. */
static const char *
decided(const struct job_run *j, const struct db_result *items, int i)
{
	const char *status = db_text(items, i, ITEM_APPROVAL_STATUS);
	if (strcmp(db_text(items, i, ITEM_STATUS), "waiting") != 0 || strcmp(status, "approved") == 0 || strcmp(status, "done") == 0)
		return NULL;
	return arena_strdup(j->arena, *status ? status : "withdrawn");
}

static int
store(struct job_run *j, const struct wish *o, int64_t n, const struct outcome *out, struct error *e)
{
	struct db_param row[] = {DB_INT(o->id), DB_INT(n), DB_TEXT(out->status), out->certificate ? DB_INT(out->certificate) : DB_NULL,
	    out->approval ? DB_INT(out->approval) : DB_NULL, DB_TEXT(out->error), DB_INT(out->attempt),
	    out->sealed.len ? DB_BYTES(out->sealed.data, out->sealed.len) : DB_NULL};
	if (db_query(j->desk->db,
		     "UPDATE batch_item SET status = $3::text, certificate_id = CASE WHEN $3::text = 'done' THEN $4::int8 END,"
		     " approval_id = coalesce($5::int8, approval_id), error = $6::text, attempt = $7::int, sealed = $8::bytea"
		     " WHERE batch_id = $1::int8 AND n = $2::int",
		     row, ARRAY_LEN(row), false, NULL, e) < 0)
		return -1;
	if (strcmp(out->status, "waiting") == 0)
		return 0;
	return job_item(j, out->status, out->certificate ? arena_printf(j->arena, "certificate/%" PRId64, out->certificate)
	                                                 : arena_printf(j->arena, "batch/%" PRId64 "/%" PRId64, o->id, n),
	                out->error ? out->error : "", e);
}

static int
one(struct job_run *j, const struct wish *o, const struct db_result *items, int i, const char *refused, struct error *e)
{
	struct outcome out = {.attempt = (int)db_int(items, i, ITEM_ATTEMPT), .sealed = BUF_INIT(HSM_SEAL_MAX + HSM_SEAL_OVERHEAD)};
	const char *against = decided(j, items, i);
	int rc = 0;
	if (against || refused) {
		out.status = "failed";
		out.error = against ? against : refused;
	} else {
		rc = issue(j, o, items, i, &out, e);
	}
	if (rc == 0)
		rc = store(j, o, db_int(items, i, ITEM_N), &out, e);
	buf_free(&out.sealed);
	return rc;
}

/* Some items; what is done before one fails for the moment is kept. */
static int
some(struct job_run *j, const struct wish *o, const struct db_result *items, struct error *e)
{
	const char *refused;
	int64_t began = now_us();
	if (check_account(j, (struct wish *)(uintptr_t)o, &refused, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(items) && now_us() - began < STEP_US; i++) {
		if (one(j, o, items, i, refused, e) == 0)
			continue;
		if (i == 0 || !db_alive(j->desk->db) || db_in_failed(j->desk->db))
			return -1;
		break;
	}
	return 0;
}

/* Nothing is left to do now: the password is only kept for what still waits. */
static int
finish(struct job_run *j, const struct wish *o, struct error *e)
{
	struct db_param row[] = {DB_INT(o->id)};
	return db_query(j->desk->db,
	                "UPDATE batch b SET password = NULL WHERE id = $1::int8 AND NOT EXISTS (SELECT FROM batch_item i WHERE i.batch_id = b.id"
	                " AND i.status IN ('open', 'waiting'))",
	                row, ARRAY_LEN(row), false, NULL, e);
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *items CLEANUP(db_result_free) = NULL;
	struct wish o = {0};
	int rc = -1;
	if (!j->context)
		j->context = engine_new(j->desk->config, "api");
	if (load(j, &o, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(o.id), DB_INT(STEP_ITEMS)};
	if (db_query(j->desk->db,
		     "SELECT i.n, i.name, i.csr, i.replaces_id, i.same_key, i.status, i.attempt, a.id, a.status FROM batch_item i"
		     " LEFT JOIN approval a ON a.id = i.approval_id WHERE i.batch_id = $1::int8 AND (i.status = 'open' OR (i.status = 'waiting'"
		     " AND a.status IS DISTINCT FROM 'open')) ORDER BY i.n LIMIT $2::int",
		     row, ARRAY_LEN(row), false, &items, e) == 0) {
		*ret_more = db_rows(items) > 0;
		rc = *ret_more ? some(j, &o, items, e) : finish(j, &o, e);
	}
	secret_free(o.password);
	return rc;
}

static void
end(struct job_run *j)
{
	engine_free(j->context);
	j->context = NULL;
}

extern const struct job_kind job_batch;
const struct job_kind job_batch = {.name = "batch", .keys = true, .step = step, .close = end};
