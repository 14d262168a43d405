/* Tenants: made by the house, with the one who looks after the new one. What is in a tenant, the house doesn't see. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage/account.h"
#include "lib/limits.h"

#define NAME_MAX_BYTES 63
#define TITLE_MAX_BYTES 200
#define EMAIL_MAX_BYTES 254
#define CODE_HOURS 72

/* An account of the tenant that may do all there, and a code with which it signs in the first time. */
static int
invite_administrator(struct manage *m, int32_t tenant_id, const char *name, const char *email, struct error *e)
{
	struct account account = {.name = name};
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(tenant_id), DB_TEXT(name)};
	struct ownership none = {0};
	int64_t credential;
	if (db_query(m->desk->db, "SELECT id, role, enabled FROM account WHERE tenant_id = $1::int AND name = $2::text", row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) && (strcmp(db_text(r, 0, 1), "administrator") != 0 || !db_bool(r, 0, 2)))
		return fail_at(e, E_CONFLICT, "administrator",
		               "administrator: the tenant has an account of this name that isn't one, or isn't enabled");
	account.id = db_int(r, 0, 0);
	if (!account.id && account_add(m, tenant_id, name, NULL, email, "administrator", true, &none, &account.id, e) < 0)
		return -1;
	if (m->approved) /* an approval stores what came of it: no secret */
		return 0;
	m->ret_result = json_pack("{s:s,s:i}", "administrator", name, "hours", CODE_HOURS);
	return credential_make(m, tenant_id, &account, "one_time", CODE_HOURS, &credential, e);
}

/* The house's profiles as they are now. */
static int
copy_profiles(struct manage *m, int64_t tenant_id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(tenant_id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT $1::int, name, kind, title, definition FROM profile"
		     " WHERE tenant_id = $2::int ORDER BY id RETURNING id, name",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		struct audit_row audit = {.at_us = now_us(), .tenant_id = (int32_t)tenant_id, .actor = m->actor, .action = "profile.created",
					  .object = arena_printf(m->arena, "profile/%s", db_text(r, i, 0)),
					  .detail = detail_text(m->arena, "name", db_text(r, i, 1), NULL)};
		if (desk_audit(m->desk, &audit, e) < 0)
			return -1;
	}
	return 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name, *title, *administrator, *email;
	int profiles;
	struct ownership own;
	if (manage_text(m, "name", MANAGE_REQUIRED, NAME_MAX_BYTES, &name, e) < 0 || manage_text(m, "title", 0, TITLE_MAX_BYTES, &title, e) < 0 ||
	    manage_text(m, "administrator", 0, NAME_MAX_BYTES, &administrator, e) < 0 || manage_text(m, "email", 0, EMAIL_MAX_BYTES, &email, e) < 0 ||
	    manage_bool(m, "profiles", 0, &profiles, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_TEXT(name), DB_TEXT(title ? title : ""), DB_TEXT(own.owner), DB_TEXT(own.metadata)};
	if (db_query(m->desk->db,
	             "INSERT INTO tenant (name, title, owner, metadata) VALUES ($1::text, $2::text, $3::text, $4::jsonb) RETURNING id", row,
	             ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "small letters, digits and -", e);
	m->ret_id = db_int(r, 0, 0);
	m->object = arena_printf(m->arena, "tenant/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", name, NULL);
	if (profiles != 0 && copy_profiles(m, m->ret_id, e) < 0)
		return -1;
	if (invite_administrator(m, (int32_t)m->ret_id, administrator ? administrator : "admin", email, e) == 0)
		return 0;
	if (strcmp(e->pointer, "name") == 0)
		return fail_at(e, E_BAD_VALUE, "administrator", "administrator has to be a name of letters, digits and any of . _ @ -");
	return -1;
}

static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id)};
	if (db_query(m->desk->db, "SELECT name, is_house, version FROM tenant WHERE id = $1::int8 FOR UPDATE", row, 1, false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such tenant");
	return m->version && m->version != db_int(*ret, 0, 2) ? fail(e, E_PRECONDITION, "the tenant was changed meanwhile") : 0;
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL, *r CLEANUP(db_result_free) = NULL;
	const char *title;
	int enabled;
	struct ownership own;
	if (manage_text(m, "title", 0, TITLE_MAX_BYTES, &title, e) < 0 || manage_bool(m, "enabled", 0, &enabled, e) < 0 ||
	    manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0 || load(m, &old, e) < 0)
		return -1;
	if (db_bool(old, 0, 1) && enabled == 0)
		return fail_at(e, E_CONFLICT, "enabled", "enabled: the house itself isn't switched off");
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(title), enabled < 0 ? DB_NULL : DB_TEXT(enabled ? "true" : "false"),
	    DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner), DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE tenant SET title = coalesce($2::text, title), enabled = coalesce($3::boolean, enabled), version = version + 1,"
		     " owner = CASE WHEN $4::boolean THEN $5::text ELSE owner END, metadata = CASE WHEN $6::boolean THEN $7::jsonb ELSE metadata END"
		     " WHERE id = $1::int8 RETURNING enabled, title",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "tenant/%lld", (long long)m->id);
	m->detail =
	    detail_text(m->arena, "name", db_text(old, 0, 0), "title", db_text(r, 0, 1), "enabled", db_bool(r, 0, 0) ? "true" : "false", NULL);
	return 0;
}

/* One more code, for a tenant whose first one ran out, or whose administrators are all gone. */
static int
invite(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	const char *administrator, *email;
	if (manage_text(m, "administrator", 0, NAME_MAX_BYTES, &administrator, e) < 0 || manage_text(m, "email", 0, EMAIL_MAX_BYTES, &email, e) < 0 ||
	    manage_body_end(m, e) < 0 || load(m, &old, e) < 0)
		return -1;
	if (db_bool(old, 0, 1))
		return fail(e, E_CONFLICT, "the house makes its own accounts");
	m->object = arena_printf(m->arena, "tenant/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(old, 0, 0), "administrator", administrator ? administrator : "admin", NULL);
	return invite_administrator(m, (int32_t)m->id, administrator ? administrator : "admin", email, e);
}

extern const struct manage_op manage_tenant[];
const struct manage_op manage_tenant[] = {
    {"tenant.create", "tenant.created", RIGHT_TENANTS, MANAGE_HOUSE, create},
    {"tenant.update", "tenant.changed", RIGHT_TENANTS, MANAGE_HOUSE, update},
    {"tenant.invite", "tenant.invited", RIGHT_TENANTS, MANAGE_HOUSE | MANAGE_PROOF | MANAGE_NEVER_WAITS, invite},
    {0},
};
