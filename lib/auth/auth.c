/* Secrets and certificates to principals, by the look-ups of migrations/0001_house.sql. */
#include "lib/auth/auth.h"
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "lib/limits.h"
#include "lib/password.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

const char *
evidence_name(enum evidence ev)
{
	static const char *const names[] = {"none", "token", "password", "one_time", "certificate", "code", "challenge", "webhook", "acme",
	                                    "session", "anchor", "passkey"};
	return (unsigned)ev < ARRAY_LEN(names) ? names[ev] : names[EVIDENCE_NONE];
}

static int
refuse_secret(struct error *e)
{
	return fail(e, E_UNAUTHENTICATED, AUTH_SECRET_REFUSED);
}

bool
auth_principal(const struct db_result *res, int row, int first_col, enum evidence ev, struct arena *a, struct principal *ret)
{
	if (db_is_null(res, row, first_col + 4))
		return false;
	*ret = (struct principal){
	    .tenant_id = (int32_t)db_int(res, row, first_col),
	    .account_id = db_int(res, row, first_col + 1),
	    .name = arena_strdup(a, db_text(res, row, first_col + 2)),
	    .role = arena_strdup(a, db_text(res, row, first_col + 3)),
	    .rights = RIGHT_BIT(RIGHT_ACCOUNT) | rights_parse(db_text(res, row, first_col + 4)),
	    .evidence = ev,
	};
	return true;
}

/* account_admits() of the store. */
static int
admit(const char *answer, bool first_too, struct principal *who, struct error *e)
{
	if (strcmp(answer, "yes") == 0)
		return 0;
	if (strcmp(answer, "first") == 0 && first_too) {
		who->first = true;
		return 0;
	}
	if (strcmp(answer, "no_certificate") == 0)
		return fail(e, E_FORBIDDEN, "this account is opened by a client certificate alone");
	return fail(e, E_FORBIDDEN, "this account is opened by a passkey or a client certificate alone");
}

int
auth_admit(struct db *db, const struct principal *who, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *res = NULL;
	struct principal copy = *who;
	if (db_query(db, "SELECT account_admits($1::int8, $2::text, NULL)",
	             (struct db_param[]){DB_INT(who->account_id), DB_TEXT(evidence_name(who->evidence))}, 2, false, &res, e) < 0)
		return -1;
	return admit(db_text(res, 0, 0), false, &copy, e);
}

int
auth_token(struct db *db, const char *token, struct arena *a, struct principal *ret, struct error *e)
{
	size_t len = token ? strlen(token) : 0;
	if (len == 0)
		return fail(e, E_UNAUTHENTICATED, "a token is wanted: Authorization: Bearer");
	if (len > LIMIT_TOKEN_BYTES)
		return refuse_secret(e);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)token, len, hash);
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_query(db,
	             "SELECT tenant_id, account_id, name, role, account_rights(account_id)::text, account_admits(account_id, 'token', NULL)"
	             " FROM auth_by_secret('token', NULL, $1::bytea)",
	             (struct db_param[]){DB_BYTES(hash, sizeof(hash))}, 1, false, &res, e) < 0)
		return -1;
	if (db_rows(res) != 1 || !auth_principal(res, 0, 0, EVIDENCE_TOKEN, a, ret))
		return refuse_secret(e);
	return admit(db_text(res, 0, 5), false, ret, e);
}

int
auth_session(struct db *db, const char *cookie, bool used, struct arena *a, struct principal *ret, struct error *e)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)cookie, strlen(cookie), hash);
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_query(db, "SELECT session_id, missing, tenant_id, account_id, name, role, rights FROM session_find($1::bytea, $2::boolean)",
	             (struct db_param[]){DB_BYTES(hash, sizeof(hash)), DB_TEXT(used ? "true" : "false")}, 2, false, &res, e) < 0)
		return -1;
	if (db_rows(res) != 1 || !auth_principal(res, 0, 2, EVIDENCE_SESSION, a, ret))
		return fail(e, E_UNAUTHENTICATED, "the session has ended: sign in again");
	ret->session_id = db_int(res, 0, 0);
	ret->unfinished = *db_text(res, 0, 1) != '\0';
	return 0;
}

int
auth_login_salt(struct db *db, const char *tenant, const char *name, struct bytes fake, struct arena *a, int32_t *ret_tenant, int64_t *ret_account,
                struct bytes *ret_salt, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_query(db, "SELECT tenant_id, account_id, salt FROM login_salt($1::text, $2::text)",
	             (struct db_param[]){DB_TEXT(tenant), DB_TEXT(name)}, 2, false, &res, e) < 0)
		return -1;
	if (db_rows(res) != 1)
		return fail(e, E_STORE, "there is no house tenant");
	*ret_tenant = (int32_t)db_int(res, 0, 0);
	*ret_account = db_is_null(res, 0, 1) ? 0 : db_int(res, 0, 1);
	*ret_salt = db_is_null(res, 0, 2) ? (struct bytes){fake.data, PASSWORD_SALT_BYTES} : db_bytes(res, 0, 2, a);
	return 0;
}

int
auth_login(struct db *db, const char *name, const uint8_t hash[32], struct arena *a, struct principal *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_query(db,
	             "SELECT tenant_id, account_id, name, role, account_rights(account_id)::text, account_admits(account_id, 'password', NULL)"
	             " FROM auth_by_secret('login', $1::text, $2::bytea)",
	             (struct db_param[]){DB_TEXT(name), DB_BYTES(hash, 32)}, 2, false, &res, e) < 0)
		return -1;
	if (db_rows(res) != 1 || !auth_principal(res, 0, 0, EVIDENCE_PASSWORD, a, ret))
		return refuse_secret(e);
	return admit(db_text(res, 0, 5), false, ret, e);
}

/* Takes "Basic base64(name:secret)" apart (RFC 7617 2). A name that no account can have becomes "", so that what follows costs
 * the same for all. */
static int
basic_parse(struct arena *a, const char *authorization, const char **ret_name, struct bytes *ret_secret, struct error *e)
{
	static const char scheme[] = "Basic ";
	if (!authorization)
		return fail(e, E_UNAUTHENTICATED, "no account and password came: Authorization: Basic is wanted (RFC 7617)");
	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return fail(e, E_UNAUTHENTICATED, "the authorization scheme isn't Basic (RFC 7617)");
	const char *text = authorization + sizeof(scheme) - 1;
	text += strspn(text, " ");
	size_t len = strlen(text);
	if (len > 2 * (size_t)LIMIT_PASSWORD_BYTES)
		return refuse_secret(e);
	struct bytes plain;
	if (base64_decode(a, text, len, &plain, e) < 0)
		return fail(e, E_UNAUTHENTICATED, "the authorization isn't base64 of account:secret (RFC 7617 2)");
	const uint8_t *colon = plain.len ? memchr(plain.data, ':', plain.len) : NULL;
	if (!colon)
		return fail(e, E_UNAUTHENTICATED, "the authorization isn't base64 of account:secret (RFC 7617 2)");
	size_t name_len = (size_t)(colon - plain.data);
	bool can_be = true;
	for (size_t i = 0; i < name_len; i++)
		can_be = can_be && plain.data[i] > ' ' && plain.data[i] < 0x7f;
	*ret_name = can_be ? arena_strndup(a, (const char *)plain.data, name_len) : "";
	*ret_secret = (struct bytes){colon + 1, plain.len - name_len - 1};
	return 0;
}

const char *
auth_basic_name(struct arena *a, const char *authorization)
{
	struct error e;
	const char *name = "";
	struct bytes secret = {0};
	return basic_parse(a, authorization, &name, &secret, &e) < 0 ? "" : name;
}

struct bytes
auth_basic_secret(struct arena *a, const char *authorization)
{
	struct error e;
	const char *name = "";
	struct bytes secret = {0};
	if (basic_parse(a, authorization, &name, &secret, &e) < 0)
		return (struct bytes){0};
	return secret;
}

static int
named_secret(struct db *db, const char *name, struct bytes secret, bool consume, bool first_too, struct arena *a, struct principal *ret,
             struct error *e)
{
	struct principal p;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(secret.data, secret.len, hash);
	/* One statement for both kinds, so that time tells nothing about which one an account has. */
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_query(db,
	             "SELECT k, credential_id, tenant_id, account_id, name, role, account_rights(account_id)::text,"
	             " account_admits(account_id, k, credential_id)"
	             " FROM (SELECT 'password' AS k, * FROM auth_by_secret('password', $1::text, $2::bytea)"
	             " UNION ALL SELECT 'one_time', * FROM auth_by_secret('one_time', $1::text, $2::bytea)) s",
	             (struct db_param[]){DB_TEXT(name), DB_BYTES(hash, sizeof(hash))}, 2, false, &res, e) < 0)
		return -1;
	if (db_rows(res) != 1)
		return refuse_secret(e);
	bool one_time = strcmp(db_text(res, 0, 0), "one_time") == 0;
	if (!auth_principal(res, 0, 2, one_time ? EVIDENCE_ONE_TIME : EVIDENCE_PASSWORD, a, &p))
		return refuse_secret(e);
	if (admit(db_text(res, 0, 7), first_too, &p, e) < 0)
		return -1;
	if (one_time && consume) {
		CLEANUP(db_result_free) struct db_result *used = NULL;
		if (db_query(db, "SELECT auth_consume($1::int8)", (struct db_param[]){DB_TEXT(db_text(res, 0, 1))}, 1, false, &used,
		             e) < 0)
			return -1;
		if (db_rows(used) != 1 || !db_bool(used, 0, 0))
			return refuse_secret(e); /* somebody else was first */
	}
	*ret = p;
	return 0;
}

int
auth_basic(struct db *db, const char *authorization, bool consume, struct arena *a, struct principal *ret, struct error *e)
{
	const char *name = "";
	struct bytes secret = {0};
	if (basic_parse(a, authorization, &name, &secret, e) < 0)
		return -1;
	return named_secret(db, name, secret, consume, false, a, ret, e);
}

int
auth_first(struct db *db, const char *name, const char *code, struct arena *a, struct principal *ret, struct error *e)
{
	struct principal p;
	if (named_secret(db, name, BYTES_STR(code), true, true, a, &p, e) < 0)
		return -1;
	if (p.evidence != EVIDENCE_ONE_TIME)
		return refuse_secret(e); /* a random password, which is for programs */
	*ret = p;
	return 0;
}

/* keyIdentifier of the authority key identifier, RFC 5280 4.2.1.1. */
static int
issuer_key_id(const struct cert *c, struct bytes *ret, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(c, OID_AKI);
	if (!x)
		return fail_at(e, E_FORBIDDEN, AUTH_FOREIGN,
		               "the client certificate has no authority key identifier, so this system didn't issue it");
	struct der d = der_of(x->value), seq, id;
	if (der_get(&d, DER_SEQUENCE, "authorityKeyIdentifier", &seq, e) < 0 || der_end(&d, "authorityKeyIdentifier", e) < 0 ||
	    der_get(&seq, DER_CONTEXT(0), "keyIdentifier", &id, e) < 0)
		return fail_at(e, E_FORBIDDEN, AUTH_FOREIGN, "the client certificate's authority key identifier can't be read");
	*ret = der_bytes(&id);
	return 0;
}

/* Columns of auth_by_certificate() as find_row() asks for them. */
enum { ROW_ID, ROW_TENANT, ROW_DER, ROW_STATUS, ROW_CA_STATUS, ROW_CA, ROW_ACCOUNT, ROW_ACCOUNT_ID, ROW_FORMER = ROW_ACCOUNT + 5 };

/* The row of exactly this certificate: what the key identifier and the serial find is only a candidate, for anybody can write
 * these into a certificate of his own. The whole DER decides. */
static int
find_row(struct db *db, const struct cert *c, struct arena *a, struct db_result **ret, int *ret_row, struct error *e)
{
	struct bytes key_id = {0};
	if (issuer_key_id(c, &key_id, e) < 0)
		return -1;
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_query(db,
	             "SELECT certificate_id, tenant_id, der, status, ca_status, ca_id, account_tenant, account_id, account, role, rights::text,"
	             " former FROM auth_by_certificate($1::bytea, $2::bytea)",
	             (struct db_param[]){DB_BYTES(key_id.data, key_id.len), DB_BYTES(c->serial.data, c->serial.len)}, 2, false, &res,
	             e) < 0)
		return -1;
	for (int row = 0; row < db_rows(res); row++) {
		if (bytes_equal(db_bytes(res, row, ROW_DER, a), c->whole)) {
			*ret_row = row;
			*ret = TAKE(res);
			return 0;
		}
	}
	return fail_at(e, E_FORBIDDEN, AUTH_FOREIGN, "the client certificate wasn't issued by this system");
}

/* Status, validity and purpose of a certificate that is known to be ours. */
static int
check_usable(const struct cert *c, int64_t status, const char *ca_status, bool expired_passes, bool any_purpose, struct error *e)
{
	enum { STATUS_ISSUED = 1,
	       STATUS_REVOKED = 2 };
	if (status == STATUS_REVOKED)
		return fail_at(e, E_FORBIDDEN, AUTH_REVOKED, "the client certificate is revoked");
	if (status != STATUS_ISSUED)
		return fail_at(e, E_FORBIDDEN, AUTH_ON_HOLD, "the client certificate is on hold");
	if (strcmp(ca_status, "disabled") == 0 || strcmp(ca_status, "revoked") == 0 || strcmp(ca_status, "retired") == 0)
		return fail_at(e, E_FORBIDDEN, AUTH_CA, "the CA that issued the client certificate is %s", ca_status);
	/* RFC 5280 4.1.2.5: both ends belong to the validity. */
	int64_t now = (int64_t)time(NULL);
	if (now < c->not_before)
		return fail_at(e, E_FORBIDDEN, AUTH_EARLY, "the client certificate isn't valid yet");
	if (now > c->not_after && !expired_passes)
		return fail_at(e, E_FORBIDDEN, AUTH_EXPIRED, "the client certificate has expired");
	if (cert_is_ca(c))
		return fail_at(e, E_FORBIDDEN, AUTH_PURPOSE, "the client certificate is a CA's (RFC 5280 4.2.1.9), which doesn't sign in");
	if (!any_purpose && !cert_has_eku(c, OID_EKU_CLIENT_AUTH, false))
		return fail_at(e, E_FORBIDDEN, AUTH_PURPOSE, "the client certificate isn't for clientAuth (RFC 5280 4.2.1.12)");
	return 0;
}

/* The account that has the certificate as a credential: *ret, which stays as it is when none ever had. One that was made an account's credential
 * speaks for that account or for nobody: when the account was disabled or the credential withdrawn, it doesn't fall back to being a device's. */
static int
take_account(const struct db_result *res, int row, struct arena *a, struct principal *ret, struct error *e)
{
	if (db_bool(res, row, ROW_FORMER))
		return fail_at(e, E_FORBIDDEN, AUTH_WITHDRAWN,
		               "the account of the client certificate is disabled, or the certificate was withdrawn from it");
	if (db_is_null(res, row, ROW_ACCOUNT_ID))
		return 0;
	if (!auth_principal(res, row, ROW_ACCOUNT, EVIDENCE_CERTIFICATE, a, ret))
		return fail_at(e, E_FORBIDDEN, AUTH_WITHDRAWN, "the tenant of the client certificate's account is disabled");
	return 0;
}

static int
client_cert(struct db *db, const char *pem, bool expired_passes, struct arena *a, struct principal *ret, struct error *e)
{
	struct bytes der = {0};
	struct cert c;
	size_t len = strlen(pem);
	if (len > 2 * (size_t)LIMIT_CERT_BYTES)
		return fail(e, E_FORBIDDEN, "the client certificate is too large");
	if (pem_decode(a, pem, len, "CERTIFICATE", NULL, &der, e) < 0 || cert_parse(der, &c, e) < 0) {
		char why[sizeof(e->detail)];
		snprintf(why, sizeof(why), "%s", e->detail);
		return fail(e, E_FORBIDDEN, "the client certificate can't be read: %s", why);
	}
	CLEANUP(db_result_free) struct db_result *res = NULL;
	int row = 0;
	if (find_row(db, &c, a, &res, &row, e) < 0 ||
	    check_usable(&c, db_int(res, row, ROW_STATUS), db_text(res, row, ROW_CA_STATUS), expired_passes, false, e) < 0)
		return -1;

	struct principal p = {
	    .tenant_id = (int32_t)db_int(res, row, ROW_TENANT),
	    .name = dn_text(a, c.subject),
	    .role = ROLE_NONE,
	    .evidence = EVIDENCE_CERTIFICATE,
	};
	int64_t certificate_id = db_int(res, row, ROW_ID);
	if (take_account(res, row, a, &p, e) < 0)
		return -1;
	p.certificate_id = certificate_id;
	p.ca_id = (int32_t)db_int(res, row, ROW_CA);
	p.certificate = der;
	p.is_ra = cert_has_eku(&c, OID_EKU_CMC_RA, false);
	p.expired = (int64_t)time(NULL) > c.not_after;
	*ret = p;
	return 0;
}

int
auth_client_cert(struct db *db, const char *pem, struct arena *a, struct principal *ret, struct error *e)
{
	return client_cert(db, pem, false, a, ret, e);
}

int
auth_client_cert_expired(struct db *db, const char *pem, struct arena *a, struct principal *ret, struct error *e)
{
	return client_cert(db, pem, true, a, ret, e);
}

int
auth_signer_cert(struct db *db, struct bytes der, struct arena *a, struct principal *ret, struct error *e)
{
	struct cert c;
	int row = 0;
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (cert_parse(der, &c, e) < 0)
		return fail(e, E_FORBIDDEN, "the signer's certificate can't be read");
	if (find_row(db, &c, a, &res, &row, e) < 0 ||
	    check_usable(&c, db_int(res, row, ROW_STATUS), db_text(res, row, ROW_CA_STATUS), false, true, e) < 0)
		return -1;
	struct principal account; /* doesn't speak here, but it has to be one that may */
	int32_t tenant_id = (int32_t)db_int(res, row, ROW_TENANT);
	if (take_account(res, row, a, &account, e) < 0)
		return -1;
	*ret = (struct principal){
	    .tenant_id = tenant_id,
	    .name = dn_text(a, c.subject),
	    .role = ROLE_NONE,
	    .evidence = EVIDENCE_CERTIFICATE,
	    .certificate_id = db_int(res, row, ROW_ID),
	    .ca_id = (int32_t)db_int(res, row, ROW_CA),
	    .certificate = der,
	    .is_ra = cert_has_eku(&c, OID_EKU_CMC_RA, false),
	};
	return 0;
}

int
auth_set_tenant(struct db *db, int32_t tenant_id, struct error *e)
{
	return db_query(db, "SELECT set_config('siegel.tenant', $1::text, false)", (struct db_param[]){DB_INT(tenant_id)}, 1, false,
	                NULL, e);
}
