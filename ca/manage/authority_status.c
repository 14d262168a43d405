/* CAs put out of service: for a time, for ever, or because their certificate is revoked. */
#include <string.h>

#include "ca/manage/authority.h"

#define REVOKE_AT_ONCE 10000 /* certificates that a retirement revokes itself; more take longer than an operation may */
#define REASON_KEY_COMPROMISE 1
#define REASON_CA_COMPROMISE 2
#define REASON_CESSATION 5

static int
set_status(struct manage *m, const struct ca_state *ca, const char *status, struct error *e)
{
	struct db_param p[] = {DB_INT(ca->id), DB_TEXT(status)};
	m->detail = detail_text(m->arena, "name", ca->name, "status", status, NULL);
	return db_query(m->desk->db,
			"UPDATE ca SET status = $2::text, is_default = is_default AND $2::text IN ('active', 'disabled'), version = version + 1"
			" WHERE id = $1::int",
			p, ARRAY_LEN(p), false, NULL, e);
}

static bool
is(const struct ca_state *ca, const char *status)
{
	return strcmp(ca->status, status) == 0;
}

int
ca_disable(struct manage *m, struct error *e)
{
	struct ca_state ca;
	if (ca_read(m, &ca, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (!is(&ca, "active") && !is(&ca, "offline"))
		return fail(e, E_CONFLICT, "the CA is %s", ca.status);
	return set_status(m, &ca, "disabled", e);
}

int
ca_enable(struct manage *m, struct error *e)
{
	struct ca_state ca;
	int offline;
	if (ca_read(m, &ca, e) < 0 || manage_bool(m, "offline", 0, &offline, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (!is(&ca, "disabled"))
		return fail(e, E_CONFLICT, "the CA is %s, not disabled", ca.status);
	bool root = !ca.parent_id && !ca.external && !ca.is_default;
	return set_status(m, &ca, (offline == -1 ? root : offline) ? "offline" : "active", e);
}

/* --- retire --- */

/* Those that stand in the way: sub CAs by name, certificates by number. */
static int
find_dependents(struct manage *m, const struct ca_state *ca, const char **ret_cas, int64_t *ret_certificates, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param p[] = {DB_INT(ca->id), DB_INT(REVOKE_AT_ONCE + 1)};
	if (db_query(m->desk->db,
		     "SELECT (SELECT string_agg(s.name, ', ' ORDER BY s.name) FROM (SELECT name FROM ca WHERE parent_id = $1::int AND status NOT IN"
		     " ('revoked', 'retired', 'pending') AND not_after > now() ORDER BY name LIMIT 5) s),"
		     " (SELECT count(*) FROM (SELECT FROM certificate x LEFT JOIN profile f ON f.id = x.profile_id WHERE x.ca_id = $1::int AND"
		     " x.status <> 2"
		     " AND x.not_after > now() AND coalesce(f.definition ->> 'ocsp_nocheck', 'false') <> 'true' LIMIT $2::int) c)",
		     p, ARRAY_LEN(p), false, &r, e) < 0)
		return -1;
	*ret_cas = db_is_null(r, 0, 0) ? NULL : arena_strdup(m->arena, db_text(r, 0, 0));
	*ret_certificates = db_int(r, 0, 1);
	return 0;
}

/* Certificates become revoked: rows, lists and what is told, for those that the condition of the caller chose. */
#define REVOKE                                                                                                                     \
	", done AS (UPDATE certificate x SET status = 2, revoked_at = date_trunc('second', now()), reason = $2::smallint FROM chosen c"  \
	" WHERE x.tenant_id = c.tenant_id AND x.id = c.id RETURNING x.id, x.ca_id, x.serial, x.revoked_at, x.reason, x.not_after),"      \
	" listed AS (INSERT INTO revocation (ca_id, serial, revoked_at, reason, not_after) SELECT ca_id, serial, revoked_at, reason,"     \
	" not_after FROM done ON CONFLICT (ca_id, serial) DO NOTHING RETURNING 1),"                                                       \
	" wanted AS (UPDATE ca SET crl_wanted_at = clock_timestamp() WHERE id IN (SELECT ca_id FROM done) RETURNING 1)"                   \
	" SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM listed), (SELECT count(*) FROM wanted)"

static int
revoke_all(struct manage *m, const struct ca_state *ca, int reason, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param p[] = {DB_INT(ca->id), DB_INT(reason)};
	if (db_query(m->desk->db,
		     "WITH chosen AS (SELECT tenant_id, id FROM certificate x WHERE ca_id = $1::int AND status <> 2 AND not_after > now()"
		     " FOR UPDATE)" REVOKE,
		     p, ARRAY_LEN(p), false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) == 0)
		return 0;
	return manage_audit(m, "certificate.revoked", ca_object(m, ca->id),
			    detail_text(m->arena, "count", db_text(r, 0, 0), "reason", arena_printf(m->arena, "%d", reason), "because",
			        m->op->name, NULL), e);
}

/* A CA that has certificates which live goes on to answer for them: it becomes superseded, and is retired when the last of them has ended. */
int
ca_retire(struct manage *m, struct error *e)
{
	struct ca_state ca;
	const char *cas;
	int64_t certificates;
	int revoke;
	if (ca_read(m, &ca, e) < 0 || manage_bool(m, "revoke", 0, &revoke, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (is(&ca, "retired") || is(&ca, "pending"))
		return fail(e, E_CONFLICT, is(&ca, "retired") ? "the CA is retired" : "the CA waits for its certificate: it can be deleted");
	if (ca.is_default)
		return fail(e, E_CONFLICT, "the CA is the default: make another one that first");
	if (find_dependents(m, &ca, &cas, &certificates, e) < 0)
		return -1;
	if (cas && revoke != 1)
		return fail(e, E_CONFLICT, "CAs stand under it: %s; retire or revoke them first, or ask for revoke", cas);
	if (certificates && revoke != 1)
		return fail(e, E_CONFLICT, "%s%lld of its certificates are valid; revoke them, or ask for revoke",
			    certificates > REVOKE_AT_ONCE ? "more than " : "",
			        (long long)(certificates > REVOKE_AT_ONCE ? REVOKE_AT_ONCE : certificates));
	if (certificates > REVOKE_AT_ONCE)
		return fail(e, E_CONFLICT, "more than %d of its certificates are valid: revoke them by a job first", REVOKE_AT_ONCE);
	struct db_param p[] = {DB_INT(ca.id)};
	if (certificates && revoke_all(m, &ca, REASON_CESSATION, e) < 0)
		return -1;
	if (cas && db_query(m->desk->db,
			    "UPDATE ca SET status = 'revoked', is_default = false, version = version + 1 WHERE parent_id = $1::int AND status NOT IN"
			    " ('retired', 'pending')",
			    p, 1, false, NULL, e) < 0)
		return -1;
	return set_status(m, &ca, certificates ? "superseded" : "retired", e);
}

/* --- revoke --- */

static int
read_reason(struct manage *m, int64_t *ret, struct error *e)
{
	if (manage_int(m, "reason", 0, 0, 10, 0, ret, e) < 0)
		return -1;
	/* RFC 5280 5.3.1: a CA isn't held, and nothing is removed from its list; keyCompromise says less than cACompromise. */
	if (*ret == 6 || *ret == 7 || *ret == 8)
		return fail_at(e, E_BAD_VALUE, "reason", "reason: not one for which a CA is revoked (RFC 5280 5.3.1)");
	if (*ret == REASON_KEY_COMPROMISE)
		*ret = REASON_CA_COMPROMISE;
	return 0;
}

/* Its key is certified no more: by nobody. */
static int
block_key(struct manage *m, const struct ca_state *ca, struct error *e)
{
	struct db_param p[] = {DB_BYTES(ca->spki_hash.data, ca->spki_hash.len)};
	return db_query(m->desk->db, "INSERT INTO blocked_key (spki_hash, reason) VALUES ($1::bytea, 'cACompromise') ON CONFLICT DO NOTHING", p,
	    1, false,
			NULL, e);
}

int
ca_revoke(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct ca_state ca;
	int64_t reason;
	if (ca_read(m, &ca, e) < 0 || read_reason(m, &reason, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (is(&ca, "revoked") || is(&ca, "retired") || is(&ca, "pending"))
		return fail(e, E_CONFLICT, "the CA is %s", ca.status);
	if (!ca.parent_id && !ca.external)
		return fail(e, E_CONFLICT, "nobody stands over a root who could revoke it: disable or retire it");
	struct db_param p[] = {DB_BYTES(ca.spki_hash.data, ca.spki_hash.len), DB_INT(reason), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "WITH chosen AS (SELECT tenant_id, id FROM certificate WHERE spki_hash = $1::bytea AND tenant_id = $3::int AND status <> 2"
		     " AND not_after > now() FOR UPDATE)" REVOKE,
		     p, ARRAY_LEN(p), false, &r, e) < 0 ||
	    (reason == REASON_CA_COMPROMISE && block_key(m, &ca, e) < 0) || set_status(m, &ca, "revoked", e) < 0)
		return -1;
	m->detail = detail_text(m->arena, "name", ca.name, "reason", arena_printf(m->arena, "%d", (int)reason), "certificates", db_text(r, 0, 0),
	    NULL);
	return 0;
}
