/* Roles: sets of rights that a tenant makes for itself beside the ready ones. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage/account.h"

#define TEXT_MAX 200

/* The array of rights as PostgreSQL reads it. Nobody is auditor and anything else (NIAP PP CA, FMT_SMR.2), and nobody gives rights away that he
 * doesn't have. */
static int
read_rights(struct manage *m, unsigned flags, const char **ret, struct error *e)
{
	json_t *list, *item;
	size_t i;
	uint64_t set = 0;
	const char *text = "{";
	*ret = NULL;
	if (manage_array(m, "rights", flags, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	json_array_foreach(list, i, item)
	{
		enum right r = json_is_string(item) ? right_parse(json_string_value(item)) : RIGHT_COUNT;
		if (r == RIGHT_COUNT)
			return manage_text_refused(m, "rights", item, i,
			                           "isn't the word of a right, as GET /rights (siegelctl rights list) has them", e);
		if (!(set & RIGHT_BIT(r)))
			text = arena_printf(m->arena, "%s%s%s", text, set ? "," : "", right_word(r));
		if (right_changes(r) && !(m->rights & RIGHT_BIT(r)))
			return fail_at(e, E_FORBIDDEN, "rights", "rights: %s isn't yours to give", right_word(r));
		set |= RIGHT_BIT(r);
	}
	for (int r = 0; set & RIGHT_BIT(RIGHT_AUDIT_READ) && r < RIGHT_COUNT; r++)
		if (set & RIGHT_BIT(r) && right_changes((enum right)r))
			return fail_at(e, E_BAD_VALUE, "rights", "rights: who reads the audit log may change nothing: audit.read doesn't go with %s",
				       right_word((enum right)r));
	*ret = arena_printf(m->arena, "%s}", text);
	return 0;
}

/* The array of profiles as PostgreSQL reads it: what certificates.own may ask by, given by somebody who may ask himself. */
static int
read_profiles(struct manage *m, const char **ret, struct error *e)
{
	json_t *list, *item;
	size_t i;
	*ret = NULL;
	if (manage_array(m, "profiles", 0, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	if (json_array_size(list) > LIMIT_ROLE_PROFILES)
		return fail_at(e, E_BAD_VALUE, "profiles", "profiles: at most %d names", LIMIT_ROLE_PROFILES);
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);
		if (!s || !*s || strlen(s) > 63 || strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(s))
			return manage_text_refused(m, "profiles", item, i, "isn't the name of a profile", e);
		*ret = arena_printf(m->arena, "%s%s\"%s\"", *ret ? *ret : "{", *ret ? "," : "", s); /* null in quotes is a text */
	}
	*ret = arena_printf(m->arena, "%s}", *ret ? *ret : "{");
	if (json_array_size(list) && !(m->rights & RIGHT_BIT(RIGHT_ISSUE)))
		return fail_at(e, E_FORBIDDEN, "profiles", "profiles: to ask by these isn't yours to give");
	return 0;
}

/* A role's rule on signing in, which shuts out none of those who have the role; and nobody makes it easier for himself. */
static int
set_sign_in(struct manage *m, const char *rule, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *before CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(rule), DB_INT(m->who->account_id)};
	if (!rule)
		return 0;
	if (db_query(m->desk->db,
	             "SELECT r.sign_in, EXISTS (SELECT FROM account a WHERE a.role = r.name AND a.tenant_id = r.tenant_id"
	             " AND same_person(a.id, $3::int8)) FROM role r WHERE r.id = $1::int8 AND $2::text IS NOT NULL",
	             row, 3, false, &before, e) < 0)
		return -1;
	if (db_bool(before, 0, 1) && account_sign_in_lower(rule, db_text(before, 0, 0)))
		return fail_at(e, E_FORBIDDEN, "sign_in", "sign_in: nobody makes it easier for himself");
	if (db_query(m->desk->db, "UPDATE role SET sign_in = $2::text WHERE id = $1::int8", row, 2, false, NULL, e) < 0 ||
	    db_query(m->desk->db,
	             "SELECT string_agg(a.name, ', ' ORDER BY a.name) FROM (SELECT a.name FROM account a JOIN role r ON r.name = a.role AND"
	             " r.tenant_id = a.tenant_id WHERE r.id = $1::int8 AND a.enabled AND NOT account_opens(a.id) ORDER BY 1 LIMIT 5) a",
	             row, 1, false, &r, e) < 0)
		return -1;
	if (!db_is_null(r, 0, 0))
		return fail_at(e, E_CONFLICT, "sign_in", "sign_in: these accounts have nothing to sign in by then: %s; that comes first",
		               db_text(r, 0, 0));
	return manage_audit(m, "role.sign_in_set", arena_printf(m->arena, "role/%lld", (long long)m->id),
	                    detail_text(m->arena, "sign_in", rule, NULL), e);
}

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *taken CLEANUP(db_result_free) = NULL;
	const char *name, *title, *rights, *profiles, *sign_in;
	struct ownership own;
	if (manage_text(m, "name", MANAGE_REQUIRED, 63, &name, e) < 0 || manage_text(m, "title", 0, TEXT_MAX, &title, e) < 0 ||
	    read_rights(m, MANAGE_REQUIRED, &rights, e) < 0 || read_profiles(m, &profiles, e) < 0 || account_read_sign_in(m, &sign_in, e) < 0 ||
	    manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name), DB_TEXT(title ? title : name), DB_TEXT(rights), DB_TEXT(own.owner),
	    DB_TEXT(own.metadata), DB_TEXT(profiles ? profiles : "{}"), DB_TEXT(sign_in ? sign_in : "any")};
	if (db_query(m->desk->db, "SELECT 1 FROM role WHERE tenant_id IS NULL AND name = $1::text", &row[1], 1, false, &taken, e) < 0)
		return -1;
	if (db_rows(taken))
		return fail_at(e, E_CONFLICT, "name", "name: a role that all tenants have has this name");
	if (db_query(m->desk->db,
		     "INSERT INTO role (tenant_id, name, title, rights, owner, metadata, profiles, sign_in)"
		     " VALUES ($1::int, $2::text, $3::text, $4::text[], $5::text, $6::jsonb, $7::text[], $8::text) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "small letters, digits and _", e);
	m->ret_id = db_int(r, 0, 0);
	m->object = arena_printf(m->arena, "role/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", name, "rights", rights, "profiles", profiles ? profiles : "{}", "sign_in",
	                        sign_in ? sign_in : "any", NULL);
	return 0;
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *there CLEANUP(db_result_free) = NULL;
	const char *title, *rights, *profiles, *sign_in;
	struct ownership own;
	if (manage_text(m, "title", 0, TEXT_MAX, &title, e) < 0 || read_rights(m, 0, &rights, e) < 0 || read_profiles(m, &profiles, e) < 0 ||
	    account_read_sign_in(m, &sign_in, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_INT(m->version), DB_TEXT(title), DB_TEXT(rights),
	    DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner), DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata),
	    DB_TEXT(profiles)};
	if (db_query(m->desk->db,
		     "UPDATE role SET title = coalesce($4::text, title), rights = coalesce($5::text[], rights), version = version + 1,"
		     " profiles = coalesce($10::text[], profiles),"
		     " owner = CASE WHEN $6::boolean THEN $7::text ELSE owner END, metadata = CASE WHEN $8::boolean THEN $9::jsonb ELSE metadata END"
		     " WHERE id = $1::int8 AND tenant_id = $2::int AND ($3::int = 0 OR version = $3::int)"
		     " RETURNING name, rights::text, profiles::text",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0) {
		if (db_query(m->desk->db,
		             "SELECT tenant_id IS NULL FROM role WHERE id = $1::int8 AND (tenant_id = $2::int OR tenant_id IS NULL)", row, 2,
		             false, &there, e) < 0)
			return -1;
		if (db_rows(there) == 0)
			return fail(e, E_NOT_FOUND, "there is no such role");
		return db_bool(there, 0, 0) ? fail(e, E_CONFLICT, "a role that all tenants have isn't changed: make one of your own")
					    : fail(e, E_PRECONDITION, "the role was changed meanwhile");
	}
	if (set_sign_in(m, sign_in, e) < 0 || ((rights || sign_in) && account_check_remains(m, e) < 0))
		return -1;
	m->object = arena_printf(m->arena, "role/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(r, 0, 0), "rights", db_text(r, 0, 1), "profiles", db_text(r, 0, 2), NULL);
	return 0;
}

static int
delete(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *users CLEANUP(db_result_free) = NULL, *policies CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (manage_body_end(m, e) < 0)
		return -1;
	if (db_query(m->desk->db,
		     "SELECT string_agg(a.name, ', ' ORDER BY a.name) FROM (SELECT a.name FROM account a JOIN role r ON r.name = a.role AND"
		     " r.tenant_id = a.tenant_id WHERE r.id = $1::int8 AND r.tenant_id = $2::int ORDER BY 1 LIMIT 5) a",
		     row, 2, false, &users, e) < 0)
		return -1;
	if (!db_is_null(users, 0, 0))
		return fail(e, E_CONFLICT, "accounts have this role: %s; give them another one first", db_text(users, 0, 0));
	if (db_query(m->desk->db,
	             "SELECT p.name FROM policy p JOIN role r ON r.tenant_id = p.tenant_id AND p.rules @> "
	             "jsonb_build_array(jsonb_build_object('approve',"
	             " jsonb_build_object('role', r.name))) WHERE r.id = $1::int8 AND r.tenant_id = $2::int LIMIT 1",
	             row, 2, false, &policies, e) < 0)
		return -1;
	if (db_rows(policies))
		return fail(e, E_CONFLICT, "the policy %s wants approvals of this role: change it first", db_text(policies, 0, 0));
	if (db_query(m->desk->db, "DELETE FROM role WHERE id = $1::int8 AND tenant_id = $2::int RETURNING name", row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such role, or it is one that all tenants have");
	m->object = arena_printf(m->arena, "role/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(r, 0, 0), NULL);
	return 0;
}

extern const struct manage_op manage_role[];
const struct manage_op manage_role[] = {
    {"role.create", "role.created", RIGHT_ACCOUNTS, 0, create},
    {"role.update", "role.changed", RIGHT_ACCOUNTS, MANAGE_PROOF_RULE, update},
    {"role.delete", "role.deleted", RIGHT_ACCOUNTS, 0, delete},
    {0},
};
