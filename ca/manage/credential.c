/* Credentials: what accounts sign in with. A secret is made here, of 160 random bits, shown once, and stored as its hash. */
#include <string.h>

#include <openssl/evp.h>

#include "ca/batch.h"
#include "ca/manage/account.h"
#include "lib/limits.h"
#include "lib/secret.h"
#include "lib/x509/cert.h"
#include "lib/x509/pem.h"

#define SECRET_BYTES 20
#define ONE_TIME_HOURS 24
#define HOURS_MAX (24 * 3660)

int
credential_add(struct manage *m, int32_t tenant_id, const struct account *account, const char *kind, struct bytes evidence, int64_t hours,
               int64_t *ret_id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	uint8_t hash[32];
	if (EVP_Digest(evidence.data, evidence.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	struct db_param row[] = {DB_INT(tenant_id), DB_INT(account->id), DB_TEXT(kind), DB_BYTES(hash, sizeof(hash)),
	                         hours ? DB_INT(hours) : DB_NULL};
	if (db_query(m->desk->db,
		     "INSERT INTO credential (tenant_id, account_id, kind, hash, expires_at) VALUES ($1::int, $2::int8, $3::text, $4::bytea,"
		     " now() + make_interval(hours => $5::int)) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return manage_taken(m, "certificate", "certificate: an account has it already", e);
	*ret_id = db_int(r, 0, 0);
	struct audit_row audit = {.at_us = now_us(), .tenant_id = tenant_id, .actor = m->actor, .action = "credential.created",
				  .object = arena_printf(m->arena, "credential/%lld", (long long)*ret_id),
				  .detail = detail_text(m->arena, "account", account->name, "kind", kind, "hours",
							arena_printf(m->arena, "%lld", (long long)hours), NULL)};
	return desk_audit(m->desk, &audit, e);
}

/* What wouldn't open the account isn't made: nobody finds out on the day when he needs it. */
static int
check_admitted(struct manage *m, const struct account *account, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(account->id)};
	if (db_query(m->desk->db, "SELECT account_sign_in($1::int8)", row, 1, false, &r, e) < 0)
		return -1;
	if (strcmp(db_text(r, 0, 0), "any") == 0)
		return 0;
	return fail_at(e, E_CONFLICT, "kind",
	               "kind: no secret opens this account; who lost his passkey is helped on the machine itself (siegelctl setup account)");
}

int
credential_make(struct manage *m, int32_t tenant_id, const struct account *account, const char *kind, int64_t hours, int64_t *ret_id, struct error *e)
{
	struct secret *secret CLEANUP(secret_free) = NULL;
	if (check_admitted(m, account, e) < 0 || secret_random_text(SECRET_BYTES, &secret, e) < 0 ||
	    credential_add(m, tenant_id, account, kind, (struct bytes){secret->data, secret->len}, hours, ret_id, e) < 0)
		return -1;
	m->ret_result = m->ret_result ? m->ret_result : json_object();
	json_object_set_new(m->ret_result, "secret", json_string((const char *)secret->data));
	return 0;
}

/* A certificate that speaks for an account is one of the tenant's own, as lib/auth wants it. */
static int
read_certificate(struct manage *m, struct bytes *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct cert cert;
	const char *pem;
	if (manage_text(m, "certificate", MANAGE_REQUIRED, 0, &pem, e) < 0)
		return -1;
	if (pem_decode(m->arena, pem, strlen(pem), "CERTIFICATE", NULL, ret, e) < 0 || cert_parse(*ret, &cert, e) < 0)
		return fail_at(e, E_BAD_VALUE, "certificate", "certificate has to be one certificate as PEM");
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_BYTES(cert.serial.data, cert.serial.len), DB_BYTES(ret->data, ret->len)};
	if (db_query(m->desk->db,
	             "SELECT 1 FROM certificate WHERE ca_id = ANY (ARRAY(SELECT id FROM ca WHERE tenant_id = $1::int)) AND serial = $2::bytea "
	             "AND der = $3::bytea",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	return db_rows(r) ? 0 : fail_at(e, E_BAD_VALUE, "certificate", "certificate isn't one that was issued here");
}

static int
check_number(struct manage *m, const struct account *account, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(account->id)};
	if (db_query(m->desk->db,
		     "SELECT count(*) FROM credential WHERE account_id = $1::int8 AND revoked_at IS NULL AND used_at IS NULL"
		     " AND (expires_at IS NULL OR expires_at > now())"
		     " AND NOT (kind = 'token' AND expires_at IS NOT DISTINCT FROM created_at + interval '12 hours')", /* by signing in */
		     row, 1, false, &r, e) < 0)
		return -1;
	return db_int(r, 0, 0) < LIMIT_CREDENTIALS
	           ? 0
	           : fail(e, E_CONFLICT, "an account has at most %d credentials that are good: revoke one first", LIMIT_CREDENTIALS);
}

static int
create(struct manage *m, struct error *e)
{
	static const char *const kinds[] = {"token", "password", "one_time", "certificate"};
	const char *kind, *name;
	struct account account;
	int64_t hours;
	size_t i = 0;
	if (manage_text(m, "kind", MANAGE_REQUIRED, 20, &kind, e) < 0 || manage_text(m, "account", MANAGE_REQUIRED, 63, &name, e) < 0)
		return -1;
	while (i < ARRAY_LEN(kinds) && strcmp(kinds[i], kind) != 0)
		i++;
	if (i == ARRAY_LEN(kinds))
		return fail_at(e, E_BAD_VALUE, "kind", "kind has to be token, password, one_time or certificate");
	bool is_certificate = strcmp(kind, "certificate") == 0;
	struct bytes certificate = {0};
	if (manage_int(m, "hours", 0, 1, HOURS_MAX, strcmp(kind, "one_time") == 0 ? ONE_TIME_HOURS : 0, &hours, e) < 0 ||
	    (is_certificate && read_certificate(m, &certificate, e) < 0) || manage_body_end(m, e) < 0 || account_load(m, 0, name, &account, e) < 0 ||
	    check_number(m, &account, e) < 0)
		return -1;
	return is_certificate ? credential_add(m, m->who->tenant_id, &account, kind, certificate, hours, &m->ret_id, e)
			      : credential_make(m, m->who->tenant_id, &account, kind, hours, &m->ret_id, e);
}

static int
revoke(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct account account;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (manage_body_end(m, e) < 0 ||
	    db_query(m->desk->db, "SELECT account_id, kind, revoked_at IS NOT NULL FROM credential WHERE id = $1::int8 AND tenant_id = $2::int",
	             row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such credential");
	if (db_bool(r, 0, 2))
		return 0; /* it is so already */
	if (account_load(m, db_int(r, 0, 0), NULL, &account, e) < 0 ||
	    db_query(m->desk->db, "UPDATE credential SET revoked_at = now() WHERE id = $1::int8", row, 1, false, NULL, e) < 0)
		return -1;
	struct db_param owner[] = {DB_INT(account.id)};
	if (strcmp(db_text(r, 0, 1), "login") == 0 && db_query(m->desk->db, "DELETE FROM session WHERE account_id = $1::int8", owner, 1, false,
		NULL, e) < 0)
		return -1; /* who signed in with it is out */
	m->object = arena_printf(m->arena, "credential/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "account", account.name, "kind", db_text(r, 0, 1), NULL);
	return strcmp(db_text(r, 0, 1), "certificate") == 0 ? account_check_remains(m, e) : 0;
}

extern const struct manage_op manage_credential[];
const struct manage_op manage_credential[] = {
    {"credential.create", "credential.created", RIGHT_ACCOUNTS, MANAGE_NEVER_WAITS | MANAGE_PROOF, create}, /* writes its row itself */
    {"credential.revoke", "credential.revoked", RIGHT_ACCOUNTS, 0, revoke},
    {0},
};
