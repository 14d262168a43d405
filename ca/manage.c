#include "ca/manage.h"

#include <string.h>

#include "ca/batch.h"
#include "ca/reply.h"
#include "lib/log.h"

#define CHAIN "ca.manager"
#define CHAIN_LOGINS "ca.logins"

const struct manage_op *
manage_find(const char *name)
{
	for (size_t i = 0; manage_tables[i]; i++)
		for (const struct manage_op *op = manage_tables[i]; op->name; op++)
			if (strcmp(op->name, name) == 0)
				return op;
	return NULL;
}

int
manage_audit(struct manage *m, const char *action, const char *object, const char *detail, struct error *e)
{
	struct audit_row row = {.at_us = now_us(), .tenant_id = m->who->tenant_id, .actor = m->actor, .action = action, .object = object,
				.detail = detail ? detail : "{}"};
	return desk_audit(m->desk, &row, e);
}

int
manage_taken(struct manage *m, const char *member, const char *text, struct error *e)
{
	const char *state = db_sqlstate(m->desk->db);
	if (strcmp(state, "23505") == 0)
		return fail_at(e, E_CONFLICT, member, "%s", text);
	if (strncmp(state, "23", 2) == 0)
		return fail_at(e, E_BAD_VALUE, member, "%s", text);
	return -1;
}

int
manage_name_refused(struct manage *m, const char *form, struct error *e)
{
	bool taken = strcmp(db_sqlstate(m->desk->db), "23505") == 0;
	return manage_taken(m, "name", taken ? "name: it is taken" : arena_printf(m->arena, "name: it has to be of %s", form), e);
}

int
manage_text_refused(struct manage *m, const char *member, const json_t *item, size_t place, const char *why, struct error *e)
{
	const char *text = json_string_value(item);
	const char *what = text ? arena_printf(m->arena, "\"%.64s\"", text) : arena_printf(m->arena, "number %zu", place + 1);
	return fail_at(e, E_BAD_VALUE, member, "%s: %s %s", member, what, why);
}

const char *
manage_words(struct manage *m, const char *const *words)
{
	const char *text = "";
	for (; *words; words++)
		text = arena_printf(m->arena, "%s%s%s", text, *text ? ", " : "", *words);
	return text;
}

int
manage_job(struct manage *m, const char *kind, const json_t *parameters, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(kind), DB_TEXT(parameters ? manage_json(m, parameters) : "{}"),
	    DB_INT(m->who->account_id), DB_TEXT(m->actor)};
	if (db_query(m->desk->db,
		     "INSERT INTO job (tenant_id, kind, parameters, account_id, requestor) VALUES ($1::int, $2::text, $3::jsonb, $4::int8, $5::text)"
		     " RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->ret_job = db_int(r, 0, 0);
	return manage_audit(m, "job.created", arena_printf(m->arena, "job/%lld", (long long)m->ret_job),
			    detail_text(m->arena, "kind", kind, NULL), e);
}

/* Who has certificates.own in place of the operation's right. What he isn't responsible for isn't there for him. */
static int
check_own(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->id)};
	if (!(m->op->flags & MANAGE_OWN) || !(m->rights & RIGHT_BIT(RIGHT_OWN)))
		return fail(e, E_FORBIDDEN, "the account doesn't have the right %s", right_word(m->op->right));
	if (strncmp(m->op->name, "certificate.", 12) != 0)
		return 0;
	if (db_query(m->desk->db, "SELECT certificate_is_own($1::int8, $2::int8)", row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	return db_bool(r, 0, 0) ? 0 : fail(e, E_NOT_FOUND, "there is no such certificate");
}

/* siegel-api has checked the right; the engine asks the store itself, so that a mistake there opens nothing. */
static int
check_right(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "SELECT account_rights(a.id)::text, t.is_house FROM account a JOIN tenant t ON t.id = a.tenant_id"
		     " WHERE a.id = $1::int8 AND a.tenant_id = $2::int",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->rights = RIGHT_BIT(RIGHT_ACCOUNT) | rights_parse(db_text(r, 0, 0));
	if (db_is_null(r, 0, 0))
		return fail(e, E_FORBIDDEN, "the account doesn't have the right %s", right_word(m->op->right));
	if (!(m->rights & RIGHT_BIT(m->op->right)))
		return check_own(m, e);
	if (m->op->flags & MANAGE_HOUSE && !db_bool(r, 0, 1))
		return fail(e, E_FORBIDDEN, "that is for accounts of the house tenant alone");
	return 0;
}

/* Whether another role would ask less of the account when it signs in: that is a change of the rule as well. */
static int
role_asks_less(struct manage *m, const char *role, bool *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_TEXT(role)};
	if (db_query(m->desk->db,
	             "SELECT array_position(o.rules, account_sign_in(a.id)) > greatest(array_position(o.rules, a.sign_in),"
	             " array_position(o.rules, r.sign_in))"
	             " FROM account a JOIN role r ON r.name = $3::text AND (r.tenant_id = a.tenant_id OR r.tenant_id IS NULL),"
	             " (SELECT ARRAY['any', 'passkey', 'certificate']) o (rules) WHERE a.id = $1::int8 AND a.tenant_id = $2::int"
	             " ORDER BY r.tenant_id NULLS LAST LIMIT 1",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	*ret = db_rows(r) == 1 && db_bool(r, 0, 0); /* of what isn't there the operation says so */
	return 0;
}

/* The member of the body by which a rule on signing in is set, or NULL. */
static int
find_rule(struct manage *m, const char **ret, struct error *e)
{
	const char *role = json_string_value(json_object_get(m->body, "role"));
	bool less = false;
	*ret = m->op->flags & MANAGE_PROOF_RULE && json_object_get(m->body, "sign_in") ? "sign_in" : NULL;
	if (*ret || !role || !(m->op->flags & MANAGE_PROOF_RULE))
		return 0;
	if (role_asks_less(m, role, &less, e) < 0)
		return -1;
	*ret = less ? "role" : NULL;
	return 0;
}

/* Who took somebody's place at his screen lets nobody else in. A certificate that was shown just now is a proof here: what is done by it is done to
 * others, over whom it has power anyway, and not to what its own account is opened by (login.c). What waits for approval was proved when it was asked
 * for. */
static int
check_proof(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->session_id), DB_INT(m->who->account_id)};
	const char *rule;
	if (m->approval_id)
		return 0;
	if (find_rule(m, &rule, e) < 0)
		return -1;
	if (!rule && !(m->op->flags & MANAGE_PROOF && m->who->session_id))
		return 0;
	if (rule && !m->who->session_id)
		return strcmp(rule, "role") == 0
		           ? fail_at(e, E_FORBIDDEN, "role",
		                     "role: this one asks less when the account signs in: that is changed over a session, in a browser")
		           : fail_at(e, E_FORBIDDEN, "sign_in",
		                     "sign_in: that is changed over a session, in a browser, or on the machine itself (siegelctl setup sign-in)");
	if (db_query(m->desk->db,
	             "SELECT coalesce(greatest(proved_at, CASE WHEN evidence = 'certificate' THEN created_at END)"
	             " > now() - interval '" MANAGE_PROOF_AGE "', false), has_second_factor(account_id) FROM session"
	             " WHERE id = $1::int8 AND account_id = $2::int8 AND expires_at > now()",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	if (db_bool(r, 0, 0))
		return 0;
	if (db_bool(r, 0, 1))
		return fail_at(e, E_FORBIDDEN, ":Cookie", MANAGE_PROVE_AGAIN);
	return fail_at(e, E_FORBIDDEN, ":Cookie", "sign in by your certificate once more first: that was longer than " MANAGE_PROOF_AGE " ago");
}

/* Runs the operation in one transaction with its audit row. */
static int
run_in_transaction(struct manage *m, struct error *e)
{
	struct audit_chain before = m->desk->chain;
	struct error undo;
	if (desk_begin(m->desk, e) < 0)
		return -1;
	if (m->op->run(m, e) == 0 && (!m->object || manage_audit(m, m->op->action, m->object, m->detail, e) == 0) &&
	    (!m->approval_id || approval_done(m, e) == 0))
		return desk_commit(m->desk, e);
	if (db_alive(m->desk->db) && desk_rollback(m->desk, &before, &undo) < 0)
		*e = undo;
	return -1;
}

int
manage_run(struct manage *m, int64_t *ret_approval, struct error *e)
{
	*ret_approval = 0;
	if (check_right(m, e) < 0 || check_proof(m, e) < 0)
		return -1;
	if (!(m->op->flags & MANAGE_DIRECT)) { /* what was approved too: a rule that refuses it may be newer */
		if (approval_ask(m, ret_approval, e) < 0)
			return -1;
		if (*ret_approval)
			return 0;
	}
	if (!(m->op->flags & MANAGE_OWN_TX)) {
		int rc = run_in_transaction(m, e);
		*ret_approval = rc == 0 ? m->ret_approval : 0;
		return rc;
	}
	if (m->op->run(m, e) < 0)
		return -1;
	if (!m->approval_id)
		return 0;
	return desk_begin(m->desk, e) < 0 || approval_done(m, e) < 0 ? -1 : desk_commit(m->desk, e);
}

/* --- the manager --- */

/* Failures after which the desk may not stand where it was thought to: what the client did wrong isn't one. */
static bool
shakes(const struct error *e)
{
	return e->code == E_STORE || e->code == E_KEY_STORE || e->code == E_INTERNAL || e->code == E_UNAVAILABLE;
}

static int
read_body(struct manage *m, const Siegel__Manage *q, struct error *e)
{
	json_error_t where;
	m->body = *q->body ? json_loads(q->body, JSON_REJECT_DUPLICATES, &where) : json_object();
	m->whole = json_deep_copy(m->body);
	return json_is_object(m->body) ? 0 : fail(e, E_MALFORMED, "the body is no JSON object");
}

static int
carry_out(struct manage *m, const Siegel__Manage *q, int64_t *ret_approval, struct error *e)
{
	m->op = manage_find(q->operation);
	if (!m->op)
		return fail(e, E_NOT_FOUND, "there is no such operation");
	if (!q->requestor || strcmp(q->requestor->source, "rest") != 0)
		return fail(e, E_MALFORMED, "the request has no requestor, or one that isn't of REST");
	m->actor = requestor_text(m->arena, q->requestor);
	desk_resume(m->desk);
	if (read_body(m, q, e) < 0 || desk_prepare(m->desk, m->op->flags & MANAGE_KEYS, e) < 0)
		return -1;
	return manage_run(m, ret_approval, e);
}

static void
reply_managed(struct manage *m, int64_t approval, struct buf *frame)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Managed managed;
	char none[] = "";
	siegel__managed__init(&managed);
	managed.id = m->ret_id ? m->ret_id : m->id;
	managed.job_id = m->ret_job;
	managed.approval_id = approval;
	managed.result = m->ret_result ? (char *)(uintptr_t)manage_json(m, m->ret_result) : none;
	reply.result_case = SIEGEL__REPLY__RESULT_MANAGED;
	reply.managed = &managed;
	reply_put(frame, &reply);
}

static void
answer(void *ctx, enum caller caller, const Siegel__Request *request, struct buf *frame)
{
	struct desk *desk = ctx;
	const Siegel__Manage *q = request->manage;
	struct error e;
	int64_t approval = 0;
	if (!caller_may(caller, request->operation_case)) {
		(void)fail(&e, E_FORBIDDEN, "siegel-%s may not ask for that", caller_name(caller));
		reply_error(frame, &e);
		return;
	}
	const struct manage_op *op = manage_find(q->operation);
	if (caller == CALLER_LOGIN && op && !(op->flags & MANAGE_PROMPT)) {
		(void)fail(&e, E_FORBIDDEN, "%s isn't for this socket", op->name);
		reply_error(frame, &e);
		return;
	}
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct manage m = {.desk = desk, .arena = a, .who = q->requestor, .id = q->id, .version = q->version,
			   .content = {q->content.data, q->content.len}};
	if (carry_out(&m, q, &approval, &e) == 0) {
		reply_managed(&m, approval, frame);
	} else {
		if (shakes(&e))
			desk_recover(desk, &e);
		reply_error(frame, &e);
	}
	json_decref(m.body);
	json_decref((json_t *)(uintptr_t)m.whole);
	json_decref(m.ret_result);
}

static int
serve(const struct config *c, const char *chain, int channel)
{
	struct desk desk;
	struct desk_service service = {.answer = answer, .ctx = &desk};
	desk_init(&desk, c, chain);
	desk_serve(&service, channel);
	desk_close(&desk);
	return 0;
}

int
manager_run(const struct config *c, int channel, struct error *e)
{
	(void)e;
	return serve(c, CHAIN, channel);
}

int
manager_run_logins(const struct config *c, int channel, struct error *e)
{
	(void)e;
	return serve(c, CHAIN_LOGINS, channel);
}
