/* Profiles: made, from a template or from nothing, changed and deleted. What lies above the ceilings is refused before it is stored. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "ca/profile.h"
#include "lib/x509/oid.h"

#define NAME_MAX_BYTES 63
#define TITLE_MAX_BYTES 200
#define DEFINITION_ARENA_BYTES (1024 * 1024)

/* Those that the engine looks up by name for certificates of its own. */
static const char *const own[] = {"root-ca", "sub-ca", "ocsp-signer", "registration-authority"};
static const char *const kinds[] = {"cert_server", "cert_client", "cert_device", "certificate"};

static bool
is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* The definition as the engine would read it. */
static int
check_definition(struct manage *m, const char *name, const char *kind, const char *definition, struct profile **ret, struct error *e)
{
	if (!is_one_of(kind, kinds, ARRAY_LEN(kinds)))
		return fail_at(e, E_BAD_VALUE, "kind", "kind: cert_server, cert_client, cert_device or certificate is wanted");
	if (profile_new(arena_new(DEFINITION_ARENA_BYTES), 0, m->who->tenant_id, name, kind, definition, ret, e) == 0)
		return 0;
	const char *member = arena_strdup(m->arena, e->pointer), *detail = arena_strdup(m->arena, e->detail);
	return fail_at(e, e->code, arena_printf(m->arena, "definition%s%s", *member ? "/" : "", member), "%s", detail);
}

/* What the template has, with the members of the body put over it; a member that is null is taken out. */
static int
from_template(struct manage *m, const char *template, const json_t *over, const char **kind, const char **title, json_t **ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_TEXT(template)};
	const char *key;
	json_t *value, *given = (json_t *)(uintptr_t)over;
	if (db_query(m->desk->db, "SELECT kind, title, definition FROM profile_template WHERE name = $1::text", row, 1, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "template", "template: there is none of this name");
	*kind = *kind ? *kind : arena_strdup(m->arena, db_text(r, 0, 0));
	*title = *title ? *title : arena_strdup(m->arena, db_text(r, 0, 1));
	json_t *definition = json_loads(db_text(r, 0, 2), 0, NULL);
	if (!definition)
		return fail(e, E_INTERNAL, "a template that can't be read");
	json_object_foreach(given, key, value)
		if (json_is_null(value))
			json_object_del(definition, key);
		else
			json_object_set(definition, key, value);
	*ret = definition;
	return 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct profile *checked CLEANUP(profile_free) = NULL;
	json_t *merged CLEANUP(json_decref) = NULL, *given;
	const char *name, *template, *kind, *title;
	struct ownership owner;
	if (manage_text(m, "name", MANAGE_REQUIRED, NAME_MAX_BYTES, &name, e) < 0 ||
	    manage_text(m, "template", 0, NAME_MAX_BYTES, &template, e) < 0 || manage_text(m, "kind", 0, NAME_MAX_BYTES, &kind, e) < 0 ||
	    manage_text(m, "title", 0, TITLE_MAX_BYTES, &title, e) < 0 || manage_object(m, "definition", 0, &given, e) < 0 ||
	    manage_ownership(m, &owner, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (template && from_template(m, template, given, &kind, &title, &merged, e) < 0)
		return -1;
	if (!template && (!kind || !given))
		return fail_at(e, E_BAD_VALUE, kind ? "definition" : "kind", "kind and definition have to be there, or a template");
	const char *definition = manage_json(m, merged ? merged : given);
	if (check_definition(m, name, kind, definition, &checked, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name), DB_TEXT(kind), DB_TEXT(title ? title : name), DB_TEXT(definition),
	    DB_TEXT(owner.owner), DB_TEXT(owner.metadata)};
	if (db_query(m->desk->db,
		     "INSERT INTO profile (tenant_id, name, kind, title, definition, owner, metadata)"
		     " VALUES ($1::int, $2::text, $3::text, $4::text, $5::jsonb, $6::text, $7::jsonb) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_name_refused(m, "small letters, digits, - and _", e);
	m->ret_id = db_int(r, 0, 0);
	m->object = arena_printf(m->arena, "profile/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", name, "kind", kind, "definition", definition, NULL);
	return 0;
}

/* The profile as it is stored, locked: name, kind, title, definition, version. */
static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT name, kind, title, definition, version FROM profile WHERE id = $1::int8 AND tenant_id = $2::int FOR UPDATE",
		     row, ARRAY_LEN(row), false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such profile");
	if (m->version && m->version != db_int(*ret, 0, 4))
		return fail(e, E_PRECONDITION, "the profile was changed meanwhile");
	return 0;
}

static bool
signs_answers(const struct profile *p)
{
	for (size_t i = 0; i < p->n_purposes; i++)
		if (bytes_equal(p->purposes[i], OID_EKU_OCSP_SIGNING))
			return true;
	return false;
}

/* A profile stays one of a CA, of the engine or of clients: certificates and CAs rest on it. */
static int
check_nature(struct manage *m, const struct db_result *old, const struct profile *new, struct error *e)
{
	struct profile *p CLEANUP(profile_free) = NULL;
	if (profile_new(arena_new(DEFINITION_ARENA_BYTES), 0, m->who->tenant_id, "old", db_text(old, 0, 1), db_text(old, 0, 3), &p, e) < 0)
		return 0; /* one that a stricter release no longer takes can still be mended */
	const char *member = p->ca != new->ca ? "ca" : p->internal != new->internal ? "internal" : signs_answers(p) != signs_answers(new)
	    ? "extended_key_usage" : NULL;
	return member ? fail_at(e, E_CONFLICT, arena_printf(m->arena, "definition/%s", member),
				"profile: %s: whether it is for CAs, for OCSP signers or for clients can't be changed: make another one", member)
		      : 0;
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL, *r CLEANUP(db_result_free) = NULL;
	struct profile *checked CLEANUP(profile_free) = NULL;
	const char *title, *definition;
	json_t *given;
	struct ownership owner;
	if (load(m, &old, e) < 0 || manage_text(m, "title", 0, TITLE_MAX_BYTES, &title, e) < 0 ||
	    manage_object(m, "definition", 0, &given, e) < 0 || manage_ownership(m, &owner, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	definition = given ? manage_json(m, given) : NULL;
	if (definition && (check_definition(m, db_text(old, 0, 0), db_text(old, 0, 1), definition, &checked, e) < 0 ||
			   check_nature(m, old, checked, e) < 0))
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_TEXT(title), DB_TEXT(definition),
	    DB_TEXT(owner.has_owner ? "true" : "false"), DB_TEXT(owner.owner), DB_TEXT(owner.has_metadata ? "true" : "false"),
	        DB_TEXT(owner.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE profile SET title = coalesce($3::text, title), definition = coalesce($4::jsonb, definition), version = version + 1,"
		     " owner = CASE WHEN $5::boolean THEN $6::text ELSE owner END, metadata = CASE WHEN $7::boolean THEN $8::jsonb ELSE metadata END"
		     " WHERE id = $1::int8 AND tenant_id = $2::int RETURNING version",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "profile/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(old, 0, 0), "version", db_text(r, 0, 0), "definition",
				definition ? definition : "unchanged", NULL);
	return 0;
}

/* Who would miss it: what issued by it, and what is bound to it. */
static int
check_unused(struct manage *m, struct error *e)
{
	static const char sql[] =
	    "SELECT 'certificates' WHERE EXISTS (SELECT FROM certificate WHERE tenant_id = $2::int AND profile_id = $1::int8)"
	    " UNION ALL SELECT 'requests under way' WHERE EXISTS (SELECT FROM intent WHERE tenant_id = $2::int AND profile_id = $1::int8)"
	    " UNION ALL SELECT 'the CA ' || quote_ident(name) FROM (SELECT name FROM ca WHERE profile_id = $1::int8 ORDER BY 1 LIMIT 3) c"
	    " UNION ALL SELECT 'the policy ' || quote_ident(name) FROM (SELECT name FROM policy WHERE profile_id = $1::int8 ORDER BY 1 LIMIT 3) p"
	    " UNION ALL SELECT 'the ' || CASE protocol WHEN 'est' THEN 'EST label ' WHEN 'scep' THEN 'SCEP profile ' ELSE 'ACME directory ' END"
	    " || quote_ident(label) FROM (SELECT protocol, label FROM endpoint WHERE profile_id = $1::int8"
	    " UNION SELECT n.protocol, n.label FROM directory_profile d JOIN endpoint n ON n.id = d.endpoint_id WHERE d.profile_id = $1::int8"
	    " ORDER BY 1, 2 LIMIT 3) n"
	    " UNION ALL SELECT 'orders of ACME under way' WHERE EXISTS (SELECT FROM acme_order WHERE profile_id = $1::int8"
	    " AND (status = 'processing' OR (status = 'pending' AND expires_at > now())))";
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	const char *users = "";
	if (db_query(m->desk->db, sql, row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++)
		users = arena_printf(m->arena, "%s%s%s", users, i ? ", " : "", db_text(r, i, 0));
	return *users ? fail(e, E_CONFLICT, "the profile is used by %s; \"disabled\" in its definition ends its use", users) : 0;
}

static int
delete(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || load(m, &old, e) < 0)
		return -1;
	if (is_one_of(db_text(old, 0, 0), own, ARRAY_LEN(own)))
		return fail(e, E_CONFLICT, "the engine itself issues by this profile");
	if (check_unused(m, e) < 0 || db_query(m->desk->db, "DELETE FROM profile WHERE id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "profile/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(old, 0, 0), "definition", db_text(old, 0, 3), NULL);
	return 0;
}

extern const struct manage_op manage_profile[];
const struct manage_op manage_profile[] = {
    {"profile.create", "profile.created", RIGHT_PROFILES, 0, create},
    {"profile.update", "profile.changed", RIGHT_PROFILES, 0, update},
    {"profile.delete", "profile.deleted", RIGHT_PROFILES, 0, delete},
    {0},
};
