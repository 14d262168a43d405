/* Accounts of ACME: their clients make them (RFC 8555 7.3); the house says what they are authorised for, and takes them out of service. */
#include <string.h>

#include "ca/batch.h"
#include "ca/manage/acme.h"

static int
load(struct manage *m, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "SELECT a.status, a.version, n.label FROM acme_account a JOIN endpoint n ON n.id = a.endpoint_id"
		     " WHERE a.id = $1::int8 AND a.tenant_id = $2::int FOR UPDATE OF a",
		     row, ARRAY_LEN(row), false, ret, e) < 0)
		return -1;
	if (db_rows(*ret) == 0)
		return fail(e, E_NOT_FOUND, "there is no such account of ACME");
	if (m->version && m->version != db_int(*ret, 0, 1))
		return fail(e, E_PRECONDITION, "the account was changed meanwhile");
	return 0;
}

/* *ret NULL: it stays. */
static int
read_status(struct manage *m, const char *old, const char **ret, struct error *e)
{
	if (manage_text(m, "status", 0, 20, ret, e) < 0)
		return -1;
	if (!*ret || strcmp(*ret, old) == 0) {
		*ret = NULL;
		return 0;
	}
	if (strcmp(*ret, "revoked") != 0)
		return fail_at(e, E_BAD_VALUE, "status", "status: an account can be made revoked, and nothing else; that is for ever");
	return strcmp(old, "valid") == 0 ? 0 : fail_at(e, E_CONFLICT, "status", "status: the account is %s already, for ever", old);
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *old CLEANUP(db_result_free) = NULL;
	const char *names, *status;
	struct ownership own;
	if (load(m, &old, e) < 0 || read_status(m, db_text(old, 0, 0), &status, e) < 0 || acme_read_names(m, &names, e) < 0 ||
	    manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(names), DB_TEXT(status), DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner),
	                         DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata)};
	m->object = arena_printf(m->arena, "acme_account/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "directory", db_text(old, 0, 2), "status", status ? status : db_text(old, 0, 0), "names",
				names ? names : "unchanged", NULL);
	return db_query(m->desk->db,
			"UPDATE acme_account SET names = CASE WHEN $2::text IS NULL THEN names ELSE " ACME_NAMES_SQL("$2") " END,"
			" status = coalesce($3::text, status), owner = CASE WHEN $4::boolean THEN $5::text ELSE owner END,"
			" metadata = CASE WHEN $6::boolean THEN $7::jsonb ELSE metadata END, version = version + 1 WHERE id = $1::int8",
			row, ARRAY_LEN(row), false, NULL, e);
}

extern const struct manage_op manage_acme_account[];
const struct manage_op manage_acme_account[] = {
    {"acme_account.update", "acme_account.changed", RIGHT_ENROLMENT, 0, update},
    {0},
};
