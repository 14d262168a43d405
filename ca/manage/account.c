/* Accounts: people and programs, each with one role. Nobody gives himself rights, nobody gives rights that he doesn't have, and one who may manage
 * accounts always remains. */
#include "ca/manage/account.h"

#include <string.h>

#include "ca/batch.h"
#include "lib/limits.h"

#define NAME_MAX_BYTES 63
#define TITLE_MAX_BYTES 200
#define EMAIL_MAX_BYTES 254 /* RFC 5321 4.5.3.1.3, without its brackets */

int
account_check_remains(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
	             "SELECT 1 FROM account WHERE tenant_id = $1::int AND enabled AND 'accounts.manage' = ANY (account_rights(id))"
	             " AND account_opens(id) LIMIT 1", row,
	             1, false, &r, e) < 0)
		return -1;
	return db_rows(r) ? 0 : fail(e, E_CONFLICT, "nobody would be left who may manage accounts and can sign in: see to somebody else first");
}

/* Rights of a role of the tenant; 0 rows: there is none. */
static int
rights_of_role(struct manage *m, const char *role, uint64_t *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(role)};
	if (db_query(m->desk->db,
	             "SELECT rights::text FROM role WHERE name = $2::text AND (tenant_id = $1::int OR tenant_id IS NULL) ORDER BY tenant_id "
	             "NULLS LAST LIMIT 1",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "role", "role: there is no such role");
	*ret = rights_parse(db_text(r, 0, 0));
	return 0;
}

/* A right of the set that changes something and that the one who asks doesn't have; RIGHT_COUNT when there is none. */
static enum right
beyond(const struct manage *m, uint64_t rights)
{
	for (int r = 0; r < RIGHT_COUNT; r++)
		if (rights & RIGHT_BIT(r) && right_changes((enum right)r) && !(m->rights & RIGHT_BIT(r)))
			return (enum right)r;
	return RIGHT_COUNT;
}

static bool
changes_anything(uint64_t rights)
{
	for (int r = 0; r < RIGHT_COUNT; r++)
		if (rights & RIGHT_BIT(r) && right_changes((enum right)r))
			return true;
	return false;
}

int
account_load(struct manage *m, int64_t id, const char *name, struct account *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id), DB_TEXT(name), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
	             "SELECT id, name, role, version, sign_in FROM account WHERE tenant_id = $3::int"
	             " AND CASE WHEN $2::text IS NULL THEN id = $1::int8 ELSE name = $2::text END FOR UPDATE",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return name ? fail_at(e, E_BAD_VALUE, "account", "account: there is no such account")
		            : fail(e, E_NOT_FOUND, "there is no such account");
	*ret = (struct account){.id = db_int(r, 0, 0),
	                        .name = arena_strdup(m->arena, db_text(r, 0, 1)),
	                        .role = arena_strdup(m->arena, db_text(r, 0, 2)),
	                        .version = (int)db_int(r, 0, 3),
	                        .sign_in = arena_strdup(m->arena, db_text(r, 0, 4))};
	if (rights_of_role(m, ret->role, &ret->rights, e) < 0)
		return -1;
	enum right more = beyond(m, ret->rights);
	return more == RIGHT_COUNT ? 0 : fail(e, E_FORBIDDEN, "the account may do what yours may not: %s", right_word(more));
}

/* Nobody is auditor and anything else (NIAP PP CA, FMT_SMR.2), also not by two accounts with one mail address. */
static int
check_separation(struct manage *m, int64_t id, const char *email, uint64_t rights, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(email), DB_INT(id)};
	if (!email)
		return 0;
	if (db_query(m->desk->db,
	             "SELECT a.name, r.rights::text FROM account a JOIN role r ON r.name = a.role AND (r.tenant_id = a.tenant_id OR r.tenant_id "
	             "IS NULL) WHERE a.tenant_id = $1::int AND a.enabled AND lower(btrim(a.email)) = lower(btrim($2::text)) AND a.id <> $3::int8",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		uint64_t others = rights_parse(db_text(r, i, 1));
		if ((rights & RIGHT_BIT(RIGHT_AUDIT_READ) && changes_anything(others)) ||
		    (others & RIGHT_BIT(RIGHT_AUDIT_READ) && changes_anything(rights)))
			return fail_at(e, E_CONFLICT, "role",
			               "role: who reads the audit log may change nothing, and the account %s with the same mail address is of "
			               "the other kind",
			               db_text(r, i, 0));
	}
	return 0;
}

static int
read_email(struct manage *m, const char **ret, struct error *e)
{
	if (manage_text(m, "email", 0, EMAIL_MAX_BYTES, ret, e) < 0)
		return -1;
	const char *at = *ret ? strchr(*ret, '@') : NULL;
	if (*ret && (!at || at == *ret || !at[1] || strchr(at + 1, '@') || strpbrk(*ret, " \t,;<>")))
		return fail_at(e, E_BAD_VALUE, "email", "email has to be one mail address");
	return 0;
}

/* The role that the body names, whose rights are the asking one's to give; *ret NULL when it names none. */
static int
read_role(struct manage *m, unsigned flags, const char **ret, uint64_t *ret_rights, struct error *e)
{
	if (manage_text(m, "role", flags, NAME_MAX_BYTES, ret, e) < 0)
		return -1;
	if (!*ret)
		return 0;
	if (rights_of_role(m, *ret, ret_rights, e) < 0)
		return -1;
	enum right more = beyond(m, *ret_rights);
	return more == RIGHT_COUNT ? 0 : fail_at(e, E_FORBIDDEN, "role", "role: it has %s, which isn't yours to give", right_word(more));
}

int
account_add(struct manage *m, int32_t tenant_id, const char *name, const char *title, const char *email, const char *role, bool enabled,
            const struct ownership *own, int64_t *ret_id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(tenant_id), DB_TEXT(name), DB_TEXT(title ? title : ""), DB_TEXT(email), DB_TEXT(role),
	    DB_TEXT(enabled ? "true" : "false"), DB_TEXT(own->owner), DB_TEXT(own->metadata)};
	if (db_query(m->desk->db,
	             "INSERT INTO account (tenant_id, name, title, email, role, enabled, owner, metadata) VALUES ($1::int, $2::text, $3::text, "
	             "$4::text, $5::text, $6::boolean, $7::text, $8::jsonb) RETURNING id",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "letters, digits and any of . _ @ -, a letter or digit first", e);
	*ret_id = db_int(r, 0, 0);
	struct audit_row audit = {.at_us = now_us(), .tenant_id = tenant_id, .actor = m->actor, .action = "account.created",
				  .object = arena_printf(m->arena, "account/%lld", (long long)*ret_id),
				  .detail = detail_text(m->arena, "name", name, "role", role, "email", email ? email : "", NULL)};
	return desk_audit(m->desk, &audit, e);
}

/* Owners of certificates that the account looks after with certificates.own, as JSON text; *ret NULL when the body doesn't say. Who gives that to
 * somebody sees all of them himself. */
static int
read_responsible_for(struct manage *m, const char **ret, struct error *e)
{
	json_t *list, *item;
	size_t i;
	*ret = NULL;
	if (manage_array(m, "responsible_for", 0, &list, e) < 0)
		return -1;
	if (!list)
		return 0;
	if (json_array_size(list) > LIMIT_OWNERS)
		return fail_at(e, E_BAD_VALUE, "responsible_for", "responsible_for: at most %d owners", LIMIT_OWNERS);
	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);
		if (!s || !*s || strlen(s) > LIMIT_METADATA_VALUE_BYTES || strlen(s) != json_string_length(item))
			return manage_text_refused(m, "responsible_for", item, i, "isn't the owner of anything", e);
	}
	if (json_array_size(list) && !(m->rights & RIGHT_BIT(RIGHT_READ)))
		return fail_at(e, E_FORBIDDEN, "responsible_for", "responsible_for: to see what these own isn't yours to give");
	*ret = manage_json(m, list);
	return 0;
}

static int
set_responsible_for(struct manage *m, int64_t id, const char *owners, struct error *e)
{
	struct db_param row[] = {DB_INT(id), DB_TEXT(owners)};
	if (!owners)
		return 0;
	if (db_query(m->desk->db, "UPDATE account SET responsible_for = ARRAY(SELECT jsonb_array_elements_text($2::jsonb)) WHERE id = $1::int8", row,
	             ARRAY_LEN(row), false, NULL, e) < 0)
		return -1;
	return manage_audit(m, "account.responsible", arena_printf(m->arena, "account/%lld", (long long)id),
	                    detail_text(m->arena, "owners", owners, NULL), e);
}

static const char *const sign_ins[] = {"any", "passkey", "certificate"};

static int
sign_in_rank(const char *rule)
{
	int i = 0;
	while (i < (int)ARRAY_LEN(sign_ins) && strcmp(rule, sign_ins[i]) != 0)
		i++;
	return i;
}

bool
account_sign_in_lower(const char *rule, const char *than)
{
	return sign_in_rank(rule) < sign_in_rank(than);
}

int
account_read_sign_in(struct manage *m, const char **ret, struct error *e)
{
	if (manage_text(m, "sign_in", 0, 20, ret, e) < 0)
		return -1;
	if (!*ret || sign_in_rank(*ret) < (int)ARRAY_LEN(sign_ins))
		return 0;
	return fail_at(e, E_BAD_VALUE, "sign_in", "sign_in has to be any, passkey or certificate");
}

/* What opens the account from now on is there already: it would be shut out. */
static int
check_opens(struct manage *m, const char *member, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	if (db_query(m->desk->db, "SELECT account_opens(id) OR NOT enabled, account_sign_in(id) FROM account WHERE id = $1::int8", row, 1, false, &r,
	             e) < 0)
		return -1;
	if (db_bool(r, 0, 0))
		return 0;
	if (strcmp(db_text(r, 0, 1), "passkey") == 0)
		return fail_at(e, E_CONFLICT, member,
		               "%s: the account has no passkey and no certificate that is good, and couldn't sign in any more: that comes first",
		               member);
	return fail_at(e, E_CONFLICT, member, "%s: the account has no certificate that is good, and couldn't sign in any more: that comes first",
	               member);
}

static int
set_sign_in(struct manage *m, int64_t id, const char *rule, struct error *e)
{
	struct db_param row[] = {DB_INT(id), DB_TEXT(rule)};
	if (!rule)
		return 0;
	if (db_query(m->desk->db, "UPDATE account SET sign_in = $2::text WHERE id = $1::int8", row, 2, false, NULL, e) < 0)
		return -1;
	return manage_audit(m, "account.sign_in_set", arena_printf(m->arena, "account/%lld", (long long)id),
	                    detail_text(m->arena, "sign_in", rule, NULL), e);
}

static int
create(struct manage *m, struct error *e)
{
	const char *name, *title, *email, *role, *owners, *sign_in;
	uint64_t rights = 0;
	int enabled;
	struct ownership own;
	if (manage_text(m, "name", MANAGE_REQUIRED, NAME_MAX_BYTES, &name, e) < 0 || manage_text(m, "title", 0, TITLE_MAX_BYTES, &title, e) < 0 ||
	    read_email(m, &email, e) < 0 || read_role(m, MANAGE_REQUIRED, &role, &rights, e) < 0 || manage_bool(m, "enabled", 0, &enabled, e) < 0 ||
	    read_responsible_for(m, &owners, e) < 0 || account_read_sign_in(m, &sign_in, e) < 0 || manage_ownership(m, &own, e) < 0 ||
	    manage_body_end(m, e) < 0)
		return -1;
	if (check_separation(m, 0, email, rights, e) < 0 ||
	    account_add(m, m->who->tenant_id, name, title, email, role, enabled != 0, &own, &m->ret_id, e) < 0)
		return -1;
	return set_sign_in(m, m->ret_id, sign_in, e) < 0 ? -1 : set_responsible_for(m, m->ret_id, owners, e);
}

/* What isn't one's own to change on one's own accounts, whichever of them: its rights, and what says that it's another person's than a second one. */
static int
check_own(const struct manage *m, const char *role, bool has_email, int enabled, bool lifts, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param both[] = {DB_INT(m->id), DB_INT(m->who->account_id)};
	if (db_query(m->desk->db, "SELECT same_person($1::int8, $2::int8)", both, 2, false, &r, e) < 0)
		return -1;
	if (!db_bool(r, 0, 0))
		return 0;
	if (role)
		return fail_at(e, E_FORBIDDEN, "role", "role: nobody changes his own, or what he is responsible for");
	if (has_email)
		return fail_at(e, E_FORBIDDEN, "email", "email: nobody changes his own, for it says who is whom when others approve");
	if (lifts)
		return fail_at(e, E_FORBIDDEN, "sign_in", "sign_in: nobody makes it easier for himself");
	return enabled >= 0 ? fail_at(e, E_FORBIDDEN, "enabled", "enabled: nobody switches himself on or off") : 0;
}

static int
update(struct manage *m, struct error *e)
{
	struct account account;
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *title, *email, *role, *owners, *sign_in;
	uint64_t rights = 0;
	int enabled;
	struct ownership own;
	bool has_email = manage_has(m, "email");
	if (account_load(m, m->id, NULL, &account, e) < 0)
		return -1;
	if (m->version && m->version != account.version)
		return fail(e, E_PRECONDITION, "the account was changed meanwhile");
	if (manage_text(m, "title", 0, TITLE_MAX_BYTES, &title, e) < 0 || read_email(m, &email, e) < 0 || read_role(m, 0, &role, &rights, e) < 0 ||
	    manage_bool(m, "enabled", 0, &enabled, e) < 0 || read_responsible_for(m, &owners, e) < 0 ||
	    account_read_sign_in(m, &sign_in, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (check_own(m, role ? role : owners, has_email, enabled, sign_in && account_sign_in_lower(sign_in, account.sign_in), e) < 0 ||
	    set_responsible_for(m, m->id, owners, e) < 0 || set_sign_in(m, m->id, sign_in, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(title), DB_TEXT(has_email ? "true" : "false"), DB_TEXT(email), DB_TEXT(role),
	    enabled < 0 ? DB_NULL : DB_TEXT(enabled ? "true" : "false"), DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner),
	    DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE account SET title = coalesce($2::text, title), email = CASE WHEN $3::boolean THEN $4::text ELSE email END,"
		     " role = coalesce($5::text, role), enabled = coalesce($6::boolean, enabled), version = version + 1,"
		     " owner = CASE WHEN $7::boolean THEN $8::text ELSE owner END, metadata = CASE WHEN $9::boolean THEN $10::jsonb ELSE metadata END"
		     " WHERE id = $1::int8 RETURNING email, role, enabled",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (check_separation(m, m->id, db_is_null(r, 0, 0) ? NULL : db_text(r, 0, 0), role ? rights : account.rights, e) < 0 ||
	    ((role || sign_in) && check_opens(m, sign_in ? "sign_in" : "role", e) < 0) || account_check_remains(m, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "account/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", account.name, "role", db_text(r, 0, 1), "email", db_text(r, 0, 0), "enabled",
				db_bool(r, 0, 2) ? "true" : "false", NULL);
	return 0;
}

/* An account that is ended stays, for what it did stays too: nobody signs in with it, and its credentials are good for nothing. */
static int
delete(struct manage *m, struct error *e)
{
	struct account account;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || account_load(m, m->id, NULL, &account, e) < 0 || check_own(m, NULL, false, 0, false, e) < 0)
		return -1;
	if (db_query(m->desk->db, "UPDATE account SET enabled = false, version = version + 1 WHERE id = $1::int8", row, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "UPDATE credential SET revoked_at = now() WHERE account_id = $1::int8 AND revoked_at IS NULL", row, 1, false,
	             NULL, e) < 0 ||
	    account_check_remains(m, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "account/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", account.name, NULL);
	return 0;
}

extern const struct manage_op manage_account[];
const struct manage_op manage_account[] = {
    {"account.create", "account.created", RIGHT_ACCOUNTS, 0, create}, /* writes its row itself */
    {"account.update", "account.changed", RIGHT_ACCOUNTS, MANAGE_PROOF_RULE, update},
    {"account.delete", "account.ended", RIGHT_ACCOUNTS, 0, delete},
    {0},
};
