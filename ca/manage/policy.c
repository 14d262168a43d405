/* Policies: made, changed, and tried out before they are switched on. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "ca/condition.h"
#include "lib/limits.h"

#define NAME_MAX_BYTES 63
#define TITLE_MAX_BYTES 200

/* A policy as it is to be: what the body says, else what the store has. */
struct form {
	const char *name, *title;
	int enabled;
	int64_t ca_id, profile_id; /* 0: not bound to one */
	struct policy_rules rules;
	struct ownership own;
};

/* A CA or a profile by the name that the body has; *id stays when it says nothing, and is 0 for null. */
static int
read_bond(struct manage *m, const char *member, int64_t *id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name;
	bool is_there = manage_has(m, member);
	if (manage_text(m, member, 0, NAME_MAX_BYTES, &name, e) < 0)
		return -1;
	if (!is_there)
		return 0;
	*id = 0;
	if (!name)
		return 0;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name), DB_TEXT(member)};
	if (db_query(m->desk->db,
		     "SELECT id FROM ca WHERE $3::text = 'ca' AND tenant_id = $1::int AND name = $2::text"
		     " UNION ALL SELECT id FROM profile WHERE $3::text = 'profile' AND tenant_id = $1::int AND name = $2::text",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, member, "%s: there is none of this name", member);
	*id = db_int(r, 0, 0);
	return 0;
}

/* The policy as it is stored, locked. */
static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "SELECT name, title, enabled, ca_id, profile_id, to_jsonb(operations), condition, rules, version FROM policy"
		     " WHERE id = $1::int8 AND tenant_id = $2::int FOR UPDATE",
		     row, ARRAY_LEN(row), false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such policy");
	if (m->version && m->version != db_int(*ret, 0, 8))
		return fail(e, E_PRECONDITION, "the policy was changed meanwhile");
	return 0;
}

/* Conditions and rules, all of which are read again: they depend on each other, and on the roles that are there. */
static int
read_rules(struct manage *m, const struct db_result *old, unsigned flags, struct policy_rules *ret, struct error *e)
{
	json_t *old_operations CLEANUP(json_decref) = old ? json_loads(db_text(old, 0, 5), 0, NULL) : NULL;
	json_t *old_rules CLEANUP(json_decref) = old ? json_loads(db_text(old, 0, 7), 0, NULL) : NULL;
	json_t *operations, *rules;
	const char *condition;
	bool has_condition = manage_has(m, "condition");
	if (manage_array(m, "operations", 0, &operations, e) < 0 || manage_text(m, "condition", 0, LIMIT_POLICY_PATH_BYTES, &condition, e) < 0 ||
	    manage_array(m, "rules", old ? 0 : flags, &rules, e) < 0)
		return -1;
	operations = operations ? operations : old_operations;
	rules = rules ? rules : old_rules;
	if (old && !has_condition && !db_is_null(old, 0, 6))
		condition = arena_strdup(m->arena, db_text(old, 0, 6));
	return policy_rules_read(m->desk->db, m->arena, m->who->tenant_id, operations, condition, rules, ret, e);
}

/* What a policy is bound to has to be there in each of its operations: a rule that is never asked would be taken for one that holds. */
static int
check_bonds(struct manage *m, const struct form *f, struct error *e)
{
	char *at, *list = arena_printf(m->arena, "%.*s", (int)strlen(f->rules.operations) - 2, f->rules.operations + 1);
	for (const char *name = strtok_r(list, ",", &at); name; name = strtok_r(NULL, ",", &at)) {
		struct policy_bonds b = policy_bonds(name);
		if (f->ca_id && !b.ca)
			return fail_at(e, E_BAD_VALUE, "ca", "ca: %s isn't about one CA, so a policy that is bound to one is never asked about it",
				       name);
		if (f->profile_id && !b.profile)
			return fail_at(e, E_BAD_VALUE, "profile",
				       "profile: %s isn't about one profile, so a policy that is bound to one is never asked about it", name);
	}
	return 0;
}

/* old NULL: a new one. */
static int
read_form(struct manage *m, const struct db_result *old, struct form *ret, struct error *e)
{
	*ret = (struct form){0};
	if (manage_text(m, "name", old ? 0 : MANAGE_REQUIRED, NAME_MAX_BYTES, &ret->name, e) < 0 ||
	    manage_text(m, "title", 0, TITLE_MAX_BYTES, &ret->title, e) < 0 || manage_bool(m, "enabled", 0, &ret->enabled, e) < 0)
		return -1;
	if (old) {
		ret->name = ret->name ? ret->name : arena_strdup(m->arena, db_text(old, 0, 0));
		ret->title = ret->title || manage_has(m, "title") ? ret->title : arena_strdup(m->arena, db_text(old, 0, 1));
		ret->enabled = ret->enabled < 0 ? db_bool(old, 0, 2) : ret->enabled;
		ret->ca_id = db_int(old, 0, 3);
		ret->profile_id = db_int(old, 0, 4);
	}
	if (read_bond(m, "ca", &ret->ca_id, e) < 0 || read_bond(m, "profile", &ret->profile_id, e) < 0 ||
	    read_rules(m, old, MANAGE_REQUIRED, &ret->rules, e) < 0 || manage_ownership(m, &ret->own, e) < 0)
		return -1;
	ret->enabled = ret->enabled > 0;
	return check_bonds(m, ret, e);
}

/* The rules in force, made anew from what is stored. */
static int
put_in_force(struct manage *m, int64_t id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "DELETE FROM policy_rule WHERE policy_id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db,
	             "INSERT INTO policy_rule SELECT c.* FROM policy p, policy_compile(p.id, p.name, p.tenant_id, p.ca_id, p.profile_id, "
	             "p.operations, p.condition, p.rules) c WHERE p.id = $1::int8 AND p.enabled",
	             row, 1, false, NULL, e) < 0 ||
	    db_query(
		m->desk->db,
		"SELECT (SELECT count(*) FROM policy WHERE tenant_id = $1::int), (SELECT count(*) FROM policy_rule WHERE tenant_id = $1::int)",
		&row[1], 1, false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) > LIMIT_POLICIES)
		return fail(e, E_CONFLICT, "a tenant has at most %d policies", LIMIT_POLICIES);
	if (db_int(r, 0, 1) > LIMIT_POLICY_TENANT_RULES)
		return fail(e, E_CONFLICT, "at most %d rules are in force in a tenant, each value that one sets counted: there would be %lld",
			    LIMIT_POLICY_TENANT_RULES, (long long)db_int(r, 0, 1));
	return 0;
}

static int
store(struct manage *m, const struct form *f, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id),
	                         DB_TEXT(f->name),
	                         DB_TEXT(f->title ? f->title : ""),
	                         DB_TEXT(f->enabled ? "true" : "false"),
	                         f->ca_id ? DB_INT(f->ca_id) : DB_NULL,
	                         f->profile_id ? DB_INT(f->profile_id) : DB_NULL,
	                         DB_TEXT(f->rules.operations),
	                         DB_TEXT(f->rules.condition),
	                         DB_TEXT(f->rules.text),
	                         DB_TEXT(f->own.owner),
	                         DB_TEXT(f->own.metadata),
	                         DB_INT(m->id),
	                         DB_TEXT(f->own.has_owner ? "true" : "false"),
	                         DB_TEXT(f->own.has_metadata ? "true" : "false")};
	const char *sql =
	    m->id ? "UPDATE policy SET name = $2::text, title = $3::text, enabled = $4::boolean, ca_id = $5::int, profile_id = $6::int,"
		    " operations = $7::text[], condition = $8::text, rules = $9::jsonb, version = version + 1,"
		    " owner = CASE WHEN $13::boolean THEN $10::text ELSE owner END,"
		    " metadata = CASE WHEN $14::boolean THEN $11::jsonb ELSE metadata END"
		    " WHERE id = $12::int8 AND tenant_id = $1::int RETURNING id"
		  : "INSERT INTO policy (tenant_id, name, title, enabled, ca_id, profile_id, operations, condition, rules, owner, metadata)"
		    " SELECT $1::int, $2::text, $3::text, $4::boolean, $5::int, $6::int, $7::text[], $8::text, $9::jsonb, $10::text, $11::jsonb"
		    " WHERE $12::int8 = 0 AND $13::boolean IS NOT NULL AND $14::boolean IS NOT NULL RETURNING id";
	if (db_query(m->desk->db, sql, row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "small letters, digits, - and _", e);
	m->ret_id = db_int(r, 0, 0);
	if (put_in_force(m, m->ret_id, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "policy/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", f->name, "enabled", f->enabled ? "true" : "false", "operations", f->rules.operations, "condition",
				f->rules.condition ? f->rules.condition : "", "rules", f->rules.text, NULL);
	return 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct form f;
	m->id = 0;
	return read_form(m, NULL, &f, e) < 0 || manage_body_end(m, e) < 0 ? -1 : store(m, &f, e);
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct form f;
	return load(m, &old, e) < 0 || read_form(m, old, &f, e) < 0 || manage_body_end(m, e) < 0 ? -1 : store(m, &f, e);
}

static int
delete(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || load(m, &old, e) < 0)
		return -1;
	if (db_query(m->desk->db, "DELETE FROM policy_rule WHERE policy_id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM policy WHERE id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "policy/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(old, 0, 0), NULL);
	return 0;
}

int
policies_follow(struct manage *m, int64_t old_ca, int64_t new_ca, struct error *e)
{
	struct db_param row[] = {DB_INT(old_ca), DB_INT(new_ca)};
	if (db_query(m->desk->db, "UPDATE policy SET ca_id = $2::int WHERE ca_id = $1::int", row, 2, false, NULL, e) < 0)
		return -1;
	return db_query(m->desk->db, "UPDATE policy_rule SET ca_id = $2::int WHERE ca_id = $1::int", row, 2, false, NULL, e);
}

/* --- trying out --- */

/* A policy to try: the stored one with what the body changes of it, or one that isn't stored. */
static int
read_trial(struct manage *m, struct form *ret, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	if (m->id && load(m, &old, e) < 0)
		return -1;
	if (!m->id && !manage_has(m, "name"))
		json_object_set_new(m->body, "name", json_string("trial"));
	return read_form(m, old, ret, e);
}

#define COMPILED "(SELECT array_agg(c) FROM policy_compile(0, $2::text, $1::int, $3::int, $4::int, $5::text[], $6::text, $7::jsonb) c)"
#define COMPILED_PARAMS(m, f) \
	DB_INT((m)->who->tenant_id), DB_TEXT((f)->name), (f)->ca_id ? DB_INT((f)->ca_id) : DB_NULL, \
	    (f)->profile_id ? DB_INT((f)->profile_id) : DB_NULL, DB_TEXT((f)->rules.operations), DB_TEXT((f)->rules.condition), \
	    DB_TEXT((f)->rules.text)

/* The sample: a document of the body, or what the store has of a certificate. */
static int
read_sample(struct manage *m, const char **ret, int64_t *ret_certificate, struct error *e)
{
	json_t *document;
	if (manage_object(m, "document", 0, &document, e) < 0 || manage_int(m, "certificate", 0, 1, INT64_MAX, 0, ret_certificate, e) < 0)
		return -1;
	if (!document == !*ret_certificate)
		return fail_at(e, E_BAD_VALUE, "document", "one of document and certificate has to be there");
	*ret = document ? manage_json(m, document) : NULL;
	return 0;
}

static int
evaluate(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct form f;
	const char *document;
	int64_t certificate;
	if (read_sample(m, &document, &certificate, e) < 0 || read_trial(m, &f, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {COMPILED_PARAMS(m, &f), DB_TEXT(document), DB_INT(certificate)};
	if (condition_query(m->desk->db, LIMIT_POLICY_MS,
		     "SELECT policy_explain(" COMPILED ", $1::int, d.ca_id, d.profile_id, d.doc) FROM ("
		     "SELECT k.id AS ca_id, p.id AS profile_id, x.doc FROM (SELECT '{\"operation\": \"certificate.issue\"}' || $8::jsonb AS doc) x"
		     " LEFT JOIN ca k ON k.tenant_id = $1::int AND k.name = x.doc ->> 'ca'"
		     " LEFT JOIN profile p ON p.tenant_id = $1::int AND p.name = x.doc ->> 'profile' WHERE x.doc IS NOT NULL"
		     " UNION ALL SELECT c.ca_id, c.profile_id, certificate_document(c, k.name, p.name, p.kind) FROM certificate c"
		     " JOIN ca k ON k.id = c.ca_id JOIN profile p ON p.id = c.profile_id WHERE c.tenant_id = $1::int AND c.id = $9::int8) d",
		     row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "certificate", "certificate: there is no such one");
	m->ret_result = json_loads(db_text(r, 0, 0), 0, NULL);
	return 0;
}

/* The newest so many certificates at once. */
static int
quick_run(struct manage *m, const struct form *f, int64_t limit, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {COMPILED_PARAMS(m, f), DB_INT(limit)};
	if (condition_query(m->desk->db, LIMIT_POLICY_DRY_RUN_MS,
	             "SELECT r_count, r_refused, r_approval, r_changed, r_rules FROM policy_dry_run(" COMPILED
	             ", $1::int, coalesce((SELECT min(id) - 1 FROM"
	             " (SELECT id FROM certificate WHERE tenant_id = $1::int ORDER BY id DESC LIMIT $8::int) x), 0), $8::int)",
	             row, ARRAY_LEN(row), &r, e) < 0)
		return -1;
	m->ret_result =
	    json_pack("{s:I,s:I,s:I,s:I,s:o}", "certificates", (json_int_t)db_int(r, 0, 0), "refused", (json_int_t)db_int(r, 0, 1), "approval",
	              (json_int_t)db_int(r, 0, 2), "changed", (json_int_t)db_int(r, 0, 3), "rules", json_loads(db_text(r, 0, 4), 0, NULL));
	return 0;
}

static int
dry_run(struct manage *m, struct error *e)
{
	struct form f;
	int64_t limit;
	if (manage_int(m, "limit", 0, 1, LIMIT_DRY_RUN_QUICK, 0, &limit, e) < 0 || read_trial(m, &f, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (strstr(f.rules.operations, "certificate.issue") == NULL)
		return fail_at(e, E_BAD_VALUE, "operations",
		               "operations: the policy isn't about certificate.issue, so no certificate tells about it");
	if (limit)
		return quick_run(m, &f, limit, e);
	json_t *parameters CLEANUP(json_decref) =
	    json_pack("{s:I,s:s,s:I,s:I,s:s,s:s*,s:s}", "policy_id", (json_int_t)m->id, "name", f.name, "ca_id", (json_int_t)f.ca_id, "profile_id",
		      (json_int_t)f.profile_id, "operations", f.rules.operations, "condition", f.rules.condition, "rules", f.rules.text);
	return manage_job(m, "dry_run", parameters, e);
}

extern const struct manage_op manage_policy[];
const struct manage_op manage_policy[] = {
    {"policy.create", "policy.created", RIGHT_POLICIES, 0, create},
    {"policy.update", "policy.changed", RIGHT_POLICIES, 0, update},
    {"policy.delete", "policy.deleted", RIGHT_POLICIES, 0, delete},
    {"policy.evaluate", "", RIGHT_READ, MANAGE_DIRECT, evaluate},
    {"policy.dry_run", "", RIGHT_POLICIES, MANAGE_DIRECT, dry_run},
    {0},
};
