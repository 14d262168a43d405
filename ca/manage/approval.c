/* Approvals: what waits for n of m people before the engine does it (doc/approvals.md). Nobody approves his own, and a person is one however many
 * accounts he has. The last approval carries the operation out, as the one who asked for it and with the rights that he has then. */

#include <string.h>

#include <openssl/evp.h>

#include "ca/batch.h"
#include "ca/condition.h"
#include "ca/manage.h"
#include "lib/limits.h"

#define COMMENT_MAX_BYTES 500

/* --- asked for --- */

static bool
begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* As ask_policies() finds them out, and for certificates that are issued the engine. */
struct policy_bonds
policy_bonds(const char *operation)
{
	bool one = strcmp(operation, "certificate.revoke_many") != 0 && strcmp(operation, "certificate.advise_renewal_many") != 0 &&
		   strcmp(operation, "certificate.update_many") != 0 &&
		   strcmp(operation, "ca.create") != 0 && strcmp(operation, "profile.create") != 0;
	bool certificate = begins(operation, "certificate.");
	return (struct policy_bonds){
	    .ca = one && (certificate || begins(operation, "ca.")),
	    .profile = one && (certificate || begins(operation, "profile.")),
	};
}

/* The certificate that an operation is about, with its CA and profile, which policies may be bound to; no row: there is none. */
static int
find_certificate(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (!m->id || !begins(m->op->name, "certificate."))
		return 0;
	return db_query(m->desk->db,
	                "SELECT x.ca_id, x.profile_id, certificate_document(x, k.name, p.name, p.kind) - 'operation' FROM certificate x"
	                " JOIN ca k ON k.id = x.ca_id JOIN profile p ON p.id = x.profile_id WHERE x.id = $1::int8 AND x.tenant_id = $2::int",
	                row, 2, false, ret, e);
}

/* The operation as policies see it. */
static const char *
document_of_operation(struct manage *m, const struct db_result *certificate)
{
	json_t *d CLEANUP(json_decref) = json_pack("{s:s,s:s,s:s,s:s,s:s,s:O}", "operation", m->op->name, "source", m->who->source, "requestor",
	                                           m->who->name, "role", m->who->role, "evidence", m->who->evidence, "body", m->whole);
	if (m->id)
		json_object_set_new(d, "object", json_integer(m->id));
	if (certificate && db_rows(certificate))
		json_object_set_new(d, "certificate", json_loads(db_text(certificate, 0, 2), 0, NULL));
	return manage_json(m, d);
}

/* What the policies of the tenant say; *ret has a row when they say something. */
static int
ask_policies(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_result *x CLEANUP(db_result_free) = NULL;
	if (find_certificate(m, &x, e) < 0)
		return -1;
	bool is_known = x && db_rows(x);
	int64_t ca = is_known ? db_int(x, 0, 0) : begins(m->op->name, "ca.") ? m->id : 0;
	int64_t profile = is_known ? db_int(x, 0, 1) : begins(m->op->name, "profile.") ? m->id : 0;
	struct db_param row[] = {DB_INT(m->who->tenant_id), ca ? DB_INT(ca) : DB_NULL, profile ? DB_INT(profile) : DB_NULL,
	                         DB_TEXT(document_of_operation(m, x))};
	if (condition_query(m->desk->db, LIMIT_POLICY_MS,
		     "SELECT r_effect, r_message, r_pointer, r_policy, r_rule, r_wanted, r_approvers, r_message_de FROM"
		     " policy_apply(ARRAY[$1::int], ARRAY[$2::int], ARRAY[$3::int], ARRAY[$4::jsonb]) WHERE r_effect IS NOT NULL",
		     row, ARRAY_LEN(row), ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0 || strcmp(db_text(*ret, 0, 0), "refuse") != 0)
		return 0;
	(void)fail_at(e, E_POLICY, db_text(*ret, 0, 2), "%s (policy %s, rule %s)", db_text(*ret, 0, 1), db_text(*ret, 0, 3), db_text(*ret, 0, 4));
	error_german(e, db_text(*ret, 0, 7));
	return -1;
}

/* Who asks the same again finds what waits. */
static int
key_of(struct manage *m, uint8_t ret[32], struct error *e)
{
	const char *text = arena_printf(m->arena, "manage %s %lld %d %d %lld %s", m->op->name, (long long)m->id, m->version, m->who->tenant_id,
					(long long)m->who->account_id, manage_json(m, m->whole));
	return EVP_Digest(text, strlen(text), ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : fail(e, E_INTERNAL, "SHA-256 isn't available");
}

/* In a transaction. */
static int
store(struct manage *m, const struct db_result *said, int64_t *ret_id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	uint8_t key[32];
	if (key_of(m, key, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(m->op->name), m->id ? DB_INT(m->id) : DB_NULL, DB_INT(m->version),
	    DB_TEXT(manage_json(m, m->whole)), DB_BYTES(key, sizeof(key)), DB_TEXT(db_text(said, 0, 1)), DB_INT(db_int(said, 0, 5)),
	    DB_TEXT(db_text(said, 0, 6)), DB_INT(m->who->account_id), DB_TEXT(m->actor), DB_INT(LIMIT_APPROVAL_DAYS)};
	if (db_query(m->desk->db,
	             "SELECT r_id, r_is_new FROM approval_add($1::int, $2::text, $3::int8, $4::int, $5::jsonb, NULL, $6::bytea, $7::text, "
	             "$8::int, $9::jsonb, $10::int8, $11::text, $12::int)",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	*ret_id = db_int(r, 0, 0);
	if (!db_bool(r, 0, 1))
		return 0;
	struct db_param shown[] = {DB_INT(*ret_id), DB_TEXT(m->who->evidence)};
	struct db_result *none CLEANUP(db_result_free) = NULL;
	if (db_query(m->desk->db, "UPDATE approval SET evidence = $2::text WHERE id = $1::int8", shown, 2, false, &none, e) < 0)
		return -1;
	return manage_audit(m, "approval.asked", arena_printf(m->arena, "approval/%lld", (long long)*ret_id),
			    detail_text(m->arena, "operation", m->op->name, "object", arena_printf(m->arena, "%lld", (long long)m->id), "body",
					manage_json(m, m->whole), "policy", db_text(said, 0, 3), "rule", db_text(said, 0, 4), NULL),
			    e);
}

/* Does it and takes it back: what can't be done at all is refused now, and not after people have spent their time on it. */
static int
rehearse(struct manage *m, struct error *e)
{
	if (m->op->flags & (MANAGE_OWN_TX | MANAGE_KEYS))
		return 0;
	struct audit_chain before = m->desk->chain;
	struct error undo;
	if (desk_begin(m->desk, e) < 0)
		return -1;
	int rc = m->op->run(m, e);
	if (db_alive(m->desk->db) && desk_rollback(m->desk, &before, &undo) < 0) {
		*e = undo;
		rc = -1;
	}
	json_decref(m->body);
	json_decref(m->ret_result);
	m->body = json_deep_copy(m->whole);
	m->ret_result = NULL;
	m->ret_id = m->ret_job = 0;
	m->object = m->detail = NULL;
	return rc;
}

int
approval_ask(struct manage *m, int64_t *ret_id, struct error *e)
{
	struct db_result *said CLEANUP(db_result_free) = NULL;
	struct audit_chain before = m->desk->chain;
	struct error undo;
	*ret_id = 0;
	if (ask_policies(m, &said, e) < 0)
		return -1;
	if (db_rows(said) == 0 || m->approved)
		return 0;
	if (m->content.len || m->op->flags & MANAGE_NEVER_WAITS)
		return fail(e, E_POLICY,
		            "the policy %s wants others to approve this, and it can't wait: it has to do with a secret, or brings a file",
		            db_text(said, 0, 3));
	if (rehearse(m, e) < 0 || desk_begin(m->desk, e) < 0)
		return -1;
	if (store(m, said, ret_id, e) == 0)
		return desk_commit(m->desk, e);
	*ret_id = 0;
	if (db_alive(m->desk->db) && desk_rollback(m->desk, &before, &undo) < 0)
		*e = undo;
	return -1;
}

/* --- decided --- */

/* The columns of an approval that decisions need, locked. */
enum {
	COL_OPERATION,
	COL_OBJECT,
	COL_BODY,
	COL_STATUS,
	COL_REQUESTED_BY,
	COL_REQUESTOR,
	COL_VERSION,
	COL_EXPIRED,
	COL_OWN,
	COL_SAME,
	COL_OBJECT_VERSION,
	COL_MAY,
	COL_DECIDED,
	COL_EVIDENCE
};

static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_INT(m->who->account_id)};
	if (db_query(m->desk->db,
		     "SELECT a.operation, a.object_id, a.body, a.status, a.requested_by, a.requestor, a.version, a.expires_at <= now(),"
		     " a.requested_by = $3::int8, same_person(a.requested_by, $3::int8), a.object_version,"
		     " EXISTS (SELECT FROM jsonb_array_elements(a.approvers) d WHERE approval_eligible($3::int8, d)),"
		     " EXISTS (SELECT FROM approval_decision d WHERE d.approval_id = a.id AND same_person(d.account_id, $3::int8)), a.evidence"
		     " FROM approval a WHERE a.id = $1::int8 AND a.tenant_id = $2::int FOR UPDATE",
		     row, ARRAY_LEN(row), false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such approval");
	if (m->version && m->version != db_int(*ret, 0, COL_VERSION))
		return fail(e, E_PRECONDITION, "the request was changed meanwhile: look at it again");
	return 0;
}

static int
check_open(const struct db_result *r, struct error *e)
{
	if (strcmp(db_text(r, 0, COL_STATUS), "open") != 0)
		return fail(e, E_CONFLICT, "nothing is to be decided any more: it is %s", db_text(r, 0, COL_STATUS));
	return db_bool(r, 0, COL_EXPIRED) ? fail(e, E_CONFLICT, "nothing is to be decided any more: the time has run out") : 0;
}

/* Four eyes: not one's own, by whichever account, and nobody twice. */
static int
check_person(const struct db_result *r, struct error *e)
{
	if (db_bool(r, 0, COL_OWN))
		return fail(e, E_FORBIDDEN, "nobody decides on what he asked for himself");
	if (db_bool(r, 0, COL_SAME))
		return fail(e, E_FORBIDDEN,
		            "nobody decides on what he asked for himself: your account has the same mail address as the one that asked");
	if (!db_bool(r, 0, COL_MAY))
		return fail(e, E_FORBIDDEN, "the policy wants others to decide: your account has neither the right nor the role that it names");
	return db_bool(r, 0, COL_DECIDED) ? fail(e, E_CONFLICT, "you have decided on it already, by this account or by another one of yours") : 0;
}

static int
decide(struct manage *m, const struct db_result *r, bool approves, const char *comment, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_INT(m->who->account_id), DB_TEXT(m->who->name),
	    DB_TEXT(approves ? "true" : "false"), DB_TEXT(comment ? comment : ""), DB_INT(db_int(r, 0, COL_VERSION))};
	return db_query(m->desk->db,
			"INSERT INTO approval_decision (approval_id, tenant_id, account_id, account, approves, comment, version)"
			" VALUES ($1::int8, $2::int, $3::int8, $4::text, $5::boolean, $6::text, $7::int)",
			row, ARRAY_LEN(row), false, NULL, e);
}

static int
set_status(struct manage *m, int64_t id, const char *status, const char *result, const char *error, struct error *e)
{
	struct db_param row[] = {DB_INT(id), DB_TEXT(status), DB_TEXT(result), DB_TEXT(error)};
	return db_query(m->desk->db,
	                "UPDATE approval SET status = $2::text, result = $3::jsonb, error = $4::text, decided_at = coalesce(decided_at, now()) "
	                "WHERE id = $1::int8",
	                row, ARRAY_LEN(row), false, NULL, e);
}

int
approval_done(struct manage *m, struct error *e)
{
	json_t *result CLEANUP(json_decref) = json_pack("{s:I}", "id", (json_int_t)(m->ret_id ? m->ret_id : m->id));
	const char *object = arena_printf(m->arena, "approval/%lld", (long long)m->approval_id);
	if (m->ret_job)
		json_object_set_new(result, "job", json_integer(m->ret_job));
	return set_status(m, m->approval_id, "done", manage_json(m, result), NULL, e) < 0
		   ? -1
		   : manage_audit(m, "approval.done", object, detail_text(m->arena, "operation", m->op->name, "status", "done", NULL), e);
}

/* In a transaction of its own: why it couldn't be done. */
static int
note_failure(struct manage *m, const struct error *why, struct error *e)
{
	if (desk_begin(m->desk, e) < 0 || set_status(m, m->id, "failed", NULL, why->detail, e) < 0 ||
	    manage_audit(m, "approval.failed", arena_printf(m->arena, "approval/%lld", (long long)m->id),
			 detail_text(m->arena, "error", why->detail, "field", why->pointer, NULL), e) < 0)
		return -1;
	return desk_commit(m->desk, e);
}

/* Tried again when the last approver says yes once more: the operation may succeed then. */
static bool
is_passing(const struct error *e)
{
	return e->code == E_STORE || e->code == E_KEY_STORE || e->code == E_UNAVAILABLE || e->code == E_BUSY;
}

/* The one who asked, as the store knows him now. */
static int
find_requestor(struct manage *m, int64_t account_id, const char *evidence, Siegel__Requestor *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(account_id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT name, role FROM account WHERE id = $1::int8 AND tenant_id = $2::int AND enabled", row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_FORBIDDEN, "the account that asked for it isn't there or isn't enabled any more");
	siegel__requestor__init(ret);
	ret->tenant_id = m->who->tenant_id;
	ret->account_id = account_id;
	ret->name = arena_strdup(m->arena, db_text(r, 0, 0));
	ret->role = arena_strdup(m->arena, db_text(r, 0, 1));
	ret->evidence = arena_strdup(m->arena, evidence);
	ret->source = arena_strdup(m->arena, "rest");
	ret->request_id = m->who->request_id;
	return 0;
}

static int
carry_out_operation(struct manage *m, const struct db_result *r, struct error *e)
{
	Siegel__Requestor who;
	int64_t none;
	struct manage done = {.desk = m->desk,
	                      .arena = m->arena,
	                      .op = manage_find(db_text(r, 0, COL_OPERATION)),
	                      .who = &who,
	                      .id = db_int(r, 0, COL_OBJECT),
	                      .version = (int)db_int(r, 0, COL_OBJECT_VERSION),
	                      .approved = true,
	                      .approval_id = m->id};
	if (!done.op)
		return fail(e, E_UNSUPPORTED, "this version doesn't know the operation");
	if (find_requestor(m, db_int(r, 0, COL_REQUESTED_BY), db_text(r, 0, COL_EVIDENCE), &who, e) < 0 ||
	    desk_prepare(m->desk, done.op->flags & MANAGE_KEYS, e) < 0)
		return -1;
	done.actor = requestor_text(m->arena, &who);
	done.body = json_loads(db_text(r, 0, COL_BODY), 0, NULL);
	done.whole = json_deep_copy(done.body);
	int rc = manage_run(&done, &none, e);
	json_decref(done.body);
	json_decref((json_t *)(uintptr_t)done.whole);
	json_decref(done.ret_result);
	return rc;
}

/* It is done when the one who asked asks again: he alone gets the key that is made for it or was kept. */
static bool
is_fetched(const char *operation)
{
	return strcmp(operation, "certificate.issue") == 0 || strcmp(operation, "certificate.renew") == 0 ||
	       strcmp(operation, "key.recover") == 0;
}

/* All have approved: what was asked for is done. A failure is the outcome of the request, not of the approval. */
static int
carry_out(struct manage *m, const struct db_result *r, struct error *e)
{
	struct error why;
	if (is_fetched(db_text(r, 0, COL_OPERATION))) {
		m->ret_result = json_pack("{s:s}", "status", "approved");
		return 0;
	}
	if (carry_out_operation(m, r, &why) == 0) {
		m->ret_result = json_pack("{s:s}", "status", "done");
		return 0;
	}
	if (is_passing(&why)) {
		*e = why;
		return -1;
	}
	if (note_failure(m, &why, e) < 0)
		return -1;
	m->ret_result = json_pack("{s:s,s:s,s:s}", "status", "failed", "error", why.detail, "pointer", why.pointer);
	return 0;
}

/* The decision and what follows from it; *ret_complete: it is to be done. */
static int
approve_in_transaction(struct manage *m, const char *comment, struct db_result **r, bool *ret_complete, struct error *e)
{
	struct db_result *standing CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	if (load(m, r, e) < 0)
		return -1;
	if (strcmp(db_text(*r, 0, COL_STATUS), "approved") == 0) { /* the key store was away when it was to be done */
		*ret_complete = true;
		return db_bool(*r, 0, COL_MAY) && !db_bool(*r, 0, COL_SAME)
		           ? 0
		           : fail(e, E_FORBIDDEN, "others have approved it, and are to say so again");
	}
	if (!m->version && db_int(*r, 0, COL_VERSION) > 1)
		return fail(e, E_PRECONDITION, "the request was changed after it was asked: say which version you have seen (If-Match)");
	if (check_open(*r, e) < 0 || check_person(*r, e) < 0 || decide(m, *r, true, comment, e) < 0 ||
	    db_query(m->desk->db, "SELECT coalesce(r_complete, false), r_demands FROM approval_standing($1::int8)", row, 1, false, &standing, e) < 0)
		return -1;
	*ret_complete = db_bool(standing, 0, 0);
	if (*ret_complete && set_status(m, m->id, "approved", NULL, NULL, e) < 0)
		return -1;
	if (!*ret_complete)
		m->ret_result = json_pack("{s:s,s:o}", "status", "open", "approvers", json_loads(db_text(standing, 0, 1), 0, NULL));
	return manage_audit(m, "approval.approved", arena_printf(m->arena, "approval/%lld", (long long)m->id),
			    detail_text(m->arena, "operation", db_text(*r, 0, COL_OPERATION), "version", db_text(*r, 0, COL_VERSION), "comment",
					comment ? comment : "", "complete", *ret_complete ? "true" : "false", NULL),
			    e);
}

static int
approve(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct audit_chain before = m->desk->chain;
	struct error undo;
	const char *comment;
	bool complete = false;
	if (manage_text(m, "comment", 0, COMMENT_MAX_BYTES, &comment, e) < 0 || manage_body_end(m, e) < 0 || desk_begin(m->desk, e) < 0)
		return -1;
	if (approve_in_transaction(m, comment, &r, &complete, e) < 0) {
		if (db_alive(m->desk->db) && desk_rollback(m->desk, &before, &undo) < 0)
			*e = undo;
		return -1;
	}
	if (desk_commit(m->desk, e) < 0)
		return -1;
	return complete ? carry_out(m, r, e) : 0;
}

/* What ends it without its being done. */
static int
close_as(struct manage *m, const struct db_result *r, const char *status, const char *comment, struct error *e)
{
	if (set_status(m, m->id, status, NULL, NULL, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "approval/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "operation", db_text(r, 0, COL_OPERATION), "comment", comment ? comment : "", NULL);
	return 0;
}

static int
reject(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *comment;
	if (manage_text(m, "comment", 0, COMMENT_MAX_BYTES, &comment, e) < 0 || manage_body_end(m, e) < 0 || load(m, &r, e) < 0 ||
	    check_open(r, e) < 0 || check_person(r, e) < 0 || decide(m, r, false, comment, e) < 0)
		return -1;
	return close_as(m, r, "rejected", comment, e);
}

static int
check_own(const struct db_result *r, struct error *e)
{
	return db_bool(r, 0, COL_OWN) ? check_open(r, e) : fail(e, E_FORBIDDEN, "who asked for it can withdraw or change it, and nobody else");
}

static int
withdraw(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *comment;
	if (manage_text(m, "comment", 0, COMMENT_MAX_BYTES, &comment, e) < 0 || manage_body_end(m, e) < 0 || load(m, &r, e) < 0 ||
	    check_own(r, e) < 0)
		return -1;
	return close_as(m, r, "withdrawn", comment, e);
}

/* What the policies say of the changed body; the demands that stood before stay when they say nothing. */
static int
ask_again(struct manage *m, const struct db_result *r, json_t *body, struct db_result **ret, struct error *e)
{
	struct manage changed = {.desk = m->desk,
	                         .arena = m->arena,
	                         .op = manage_find(db_text(r, 0, COL_OPERATION)),
	                         .who = m->who,
	                         .actor = m->actor,
	                         .id = db_int(r, 0, COL_OBJECT),
	                         .whole = body};
	if (!changed.op)
		return fail_at(e, E_CONFLICT, "body", "a request for a certificate isn't changed: withdraw it, and ask anew");
	return ask_policies(&changed, ret, e);
}

/* A request that changes loses its approvals (R08). */
static int
update(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *said CLEANUP(db_result_free) = NULL;
	struct ownership own;
	json_t *body;
	if (manage_object(m, "body", 0, &body, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0 || load(m, &r, e) < 0 ||
	    check_own(r, e) < 0 || (body && ask_again(m, r, body, &said, e) < 0))
		return -1;
	bool is_demanded = said && db_rows(said);
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(body ? manage_json(m, body) : NULL), is_demanded ? DB_INT(db_int(said, 0, 5)) : DB_NULL,
	    is_demanded ? DB_TEXT(db_text(said, 0, 6)) : DB_NULL, DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner),
	    DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata)};
	if ((body && db_query(m->desk->db, "DELETE FROM approval_decision WHERE approval_id = $1::int8", row, 1, false, NULL, e) < 0) ||
	    db_query(
		m->desk->db,
		"UPDATE approval SET body = coalesce($2::jsonb, body), wanted = coalesce($3::int, wanted), approvers = coalesce($4::jsonb, "
	        "approvers),"
		" version = CASE WHEN $2::jsonb IS NULL THEN version ELSE version + 1 END, request_key = CASE WHEN $2::jsonb IS NULL THEN "
	        "request_key END,"
		" owner = CASE WHEN $5::boolean THEN $6::text ELSE owner END, metadata = CASE WHEN $7::boolean THEN $8::jsonb ELSE metadata END"
		" WHERE id = $1::int8",
		row, ARRAY_LEN(row), false, NULL, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "approval/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "operation", db_text(r, 0, COL_OPERATION), "body", body ? manage_json(m, body) : "", NULL);
	return 0;
}

int
approvals_expire(struct desk *d, struct arena *a, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query(d->db,
		     "UPDATE approval SET status = 'expired', decided_at = now() WHERE id IN (SELECT id FROM approval WHERE"
		     " status IN ('open', 'approved') AND expires_at <= now() - CASE WHEN status = 'approved' THEN interval '1 day' ELSE '0' END"
		     " ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED) RETURNING id, tenant_id, operation",
		     NULL, 0, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		struct audit_row row = {.at_us = now_us(), .tenant_id = (int32_t)db_int(r, i, 1), .actor = "engine", .action = "approval.expired",
					.object = arena_printf(a, "approval/%s", db_text(r, i, 0)),
					.detail = detail_text(a, "operation", db_text(r, i, 2), NULL)};
		if (desk_audit(d, &row, e) < 0)
			return -1;
	}
	return 0;
}

extern const struct manage_op manage_approval[];
const struct manage_op manage_approval[] = {
    {"approval.approve", "approval.approved", RIGHT_APPROVE, MANAGE_DIRECT | MANAGE_OWN_TX, approve},
    {"approval.reject", "approval.rejected", RIGHT_APPROVE, MANAGE_DIRECT, reject},
    {"approval.withdraw", "approval.withdrawn", RIGHT_ACCOUNT, MANAGE_DIRECT, withdraw},
    {"approval.update", "approval.changed", RIGHT_ACCOUNT, MANAGE_DIRECT, update},
    {0},
};
