#include "tests/unit/auth/store.h"
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/limits.h"
#include "lib/x509/pem.h"

struct arena *arena;
struct db *owner, *db;
int32_t tenant_id, ca_id;
EVP_PKEY *ca_key;
X509 *ca_cert;
static struct config *config;
static int64_t next_serial;

int64_t
store_sql(const char *sql, const struct db_param *params, int n)
{
	struct error e = {0};
	CLEANUP(db_result_free) struct db_result *res = NULL;
	ck_assert_msg(db_query(owner, sql, params, n, false, &res, &e) == 0, "%s: %s", sql, e.detail);
	return db_rows(res) > 0 ? db_int(res, 0, 0) : 0;
}

int64_t
store_account(const char *name, const char *role)
{
	return store_sql("INSERT INTO account (tenant_id, name, role) VALUES ($1::int, $2::text, $3::text) RETURNING id",
	                 (struct db_param[]){DB_INT(tenant_id), DB_TEXT(name), DB_TEXT(role)}, 3);
}

void
store_credential(int64_t account, const char *kind, const void *secret, size_t len)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(secret, len, hash);
	store_sql("INSERT INTO credential (tenant_id, account_id, kind, hash)"
	          " VALUES ($1::int, $2::int8, $3::text, $4::bytea) RETURNING id",
	          (struct db_param[]){DB_INT(tenant_id), DB_INT(account), DB_TEXT(kind), DB_BYTES(hash, sizeof(hash))}, 4);
}

EVP_PKEY *
make_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	ck_assert_ptr_nonnull(key);
	return key;
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(X509_add_ext(cert, x, -1), 1);
	X509_EXTENSION_free(x);
}

X509 *
make_cert(const struct recipe *r)
{
	X509 *cert = X509_new(), *issuer = r->issuer ? r->issuer : ca_cert;
	EVP_PKEY *key = issuer ? make_key() : ca_key;
	bool is_ca = r->ca || !issuer;
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), r->serial ? r->serial : next_serial++);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	                           (const unsigned char *)(issuer ? "device 7" : "CA"), -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
	X509_gmtime_adj(X509_getm_notBefore(cert), r->from_sec || r->to_sec ? r->from_sec : -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), r->from_sec || r->to_sec ? r->to_sec : 86400);
	X509_set_pubkey(cert, key);
	add_extension(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash");
	if (!r->no_aki)
		add_extension(cert, issuer ? issuer : cert, NID_authority_key_identifier, "keyid:always");
	add_extension(cert, cert, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (!is_ca && (!r->eku || *r->eku))
		add_extension(cert, cert, NID_ext_key_usage, r->eku ? r->eku : "clientAuth");
	if (is_ca && issuer)
		add_extension(cert, cert, NID_ext_key_usage, "clientAuth");
	ck_assert_int_gt(X509_sign(cert, r->issuer_key ? r->issuer_key : ca_key, EVP_sha256()), 0);
	if (issuer)
		EVP_PKEY_free(key);
	return cert;
}

struct bytes
cert_der(X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	ck_assert_int_gt(len, 0);
	struct bytes b = {arena_dup(arena, der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	return b;
}

char *
cert_pem(X509 *cert)
{
	return pem_encode(arena, "CERTIFICATE", cert_der(cert));
}

int64_t
store_cert(X509 *cert)
{
	struct bytes der = cert_der(cert);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(der.data, der.len, hash);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	return store_sql("INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before,"
	                 " not_after, spki_hash, der, requestor, source)"
	                 " VALUES ($1::int, $2::int, 1, $3::bytea, 'CN=device 7', 'device 7', '{}', now(), now(), $4::bytea,"
	                 " $5::bytea, 'test', 'test') RETURNING id",
	                 (struct db_param[]){DB_INT(tenant_id), DB_INT(ca_id),
	                                     DB_BYTES(ASN1_STRING_get0_data(serial), ASN1_STRING_length(serial)),
	                                     DB_BYTES(hash, sizeof(hash)), DB_BYTES(der.data, der.len)},
	                 5);
}

static void
store_ca(void)
{
	ca_key = make_key();
	ca_cert = make_cert(&(struct recipe){0});
	struct bytes der = cert_der(ca_cert);
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(ca_cert);
	uint8_t zeros[32] = {0};
	ca_id = (int32_t)store_sql("INSERT INTO ca (tenant_id, name, status, is_default, subject, certificate, ski, spki_hash, key_ref,"
	                           " not_before, not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec)"
	                           " VALUES ($1::int, 'issuing', 'active', true, 'CN=CA', $2::bytea, $3::bytea, $4::bytea, 'file:x',"
	                           " now(), now() + '1 day', '', '', '', 3600, 60) RETURNING id",
	                           (struct db_param[]){DB_INT(tenant_id), DB_BYTES(der.data, der.len),
	                                               DB_BYTES(ASN1_STRING_get0_data(ski), ASN1_STRING_length(ski)),
	                                               DB_BYTES(zeros, sizeof(zeros))},
	                           4);
}

void
store_setup(void)
{
	struct error e = {0};
	arena = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	ck_assert_msg(config_load(getenv("SIEGEL_TEST_CONF"), &config, &e) == 0, "%s", e.detail);
	ck_assert_msg(db_connect(config, "siegel_owner", &owner, &e) == 0, "%s", e.detail);
	ck_assert_msg(db_connect(config, "siegel_est", &db, &e) == 0, "%s", e.detail);
	/* A tenant, a CA and serials of its own for each test, whether it has a process of its own or not. */
	if (!next_serial)
		next_serial = 0x6000000000000000 + ((int64_t)getpid() << 20);
	tenant_id = (int32_t)store_sql("INSERT INTO tenant (name) VALUES ('t' || $1::text) RETURNING id",
	                               (struct db_param[]){DB_INT(next_serial++)}, 1);
	store_ca();
}

void
store_teardown(void)
{
	X509_free(ca_cert);
	EVP_PKEY_free(ca_key);
	ca_cert = NULL;
	ca_key = NULL;
	db_free(db);
	db_free(owner);
	config_free(config);
	arena_free(arena);
}
