/* Client certificates: T20, T21 and T22 of the catalogue of abuse cases, as far as no TLS is needed for them. */
#include <string.h>
#include <openssl/x509v3.h>
#include "tests/unit/auth/store.h"

static void
expect(const char *pem, const char *cause)
{
	struct principal p;
	struct error e = {0};
	ck_assert_int_eq(auth_client_cert(db, pem, arena, &p, &e), -1);
	ck_assert_int_eq(e.code, E_FORBIDDEN);
	ck_assert_msg(strstr(e.detail, cause) != NULL, "wanted \"%s\", got \"%s\"", cause, e.detail);
}

/* A certificate of that recipe that is in the store. */
static const char *
stored(const struct recipe *r)
{
	X509 *cert = make_cert(r);
	store_cert(cert);
	const char *pem = cert_pem(cert);
	X509_free(cert);
	return pem;
}

START_TEST(test_good)
{
	struct principal p;
	struct error e = {0};
	X509 *cert = make_cert(&(struct recipe){0});
	int64_t id = store_cert(cert);
	struct bytes der = cert_der(cert);
	ck_assert_msg(auth_client_cert(db, cert_pem(cert), arena, &p, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(p.tenant_id, tenant_id);
	ck_assert_int_eq(p.account_id, 0);
	ck_assert_str_eq(p.role, ROLE_NONE);
	ck_assert(p.rights == 0);
	ck_assert_int_eq(p.evidence, EVIDENCE_CERTIFICATE);
	ck_assert_int_eq(p.certificate_id, id);
	ck_assert_str_eq(p.name, "CN=device 7");
	ck_assert_uint_eq(p.certificate.len, der.len);
	ck_assert_mem_eq(p.certificate.data, der.data, der.len);
	X509_free(cert);
}
END_TEST

START_TEST(test_status)
{
	X509 *cert = make_cert(&(struct recipe){0});
	struct principal p;
	struct error e = {0};
	int64_t id = store_cert(cert);
	const char *pem = cert_pem(cert);
	store_sql("UPDATE certificate SET status = 3 WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	expect(pem, "on hold");
	store_sql("UPDATE certificate SET status = 2 WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	expect(pem, "revoked");
	store_sql("UPDATE certificate SET status = 1 WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	ck_assert_int_eq(auth_client_cert(db, pem, arena, &p, &e), 0);
	store_sql("UPDATE ca SET status = 'disabled' WHERE id = $1::int RETURNING 1", (struct db_param[]){DB_INT(ca_id)}, 1);
	expect(pem, "disabled");
	X509_free(cert);
}
END_TEST

START_TEST(test_purpose_and_time)
{
	expect(stored(&(struct recipe){.from_sec = -7200, .to_sec = -60}), "expired");
	expect(stored(&(struct recipe){.from_sec = 600, .to_sec = 7200}), "isn't valid yet");
	expect(stored(&(struct recipe){.ca = true}), "CA's");
	expect(stored(&(struct recipe){.eku = "serverAuth"}), "clientAuth");
	expect(stored(&(struct recipe){.eku = ""}), "clientAuth");
	expect(stored(&(struct recipe){.eku = "anyExtendedKeyUsage"}), "clientAuth");
	expect(stored(&(struct recipe){.no_aki = true}), "authority key identifier");
}
END_TEST

START_TEST(test_foreign)
{
	X509 *good = make_cert(&(struct recipe){0});
	store_cert(good);
	int64_t serial = 0;
	ASN1_INTEGER_get_int64(&serial, X509_get0_serialNumber(good));

	/* Everything that finds the row is the same (issuer's name, key identifier, serial, subject); signed by another key. */
	EVP_PKEY *other_key = make_key();
	X509 *forged = make_cert(&(struct recipe){.issuer_key = other_key, .serial = serial});
	expect(cert_pem(forged), "wasn't issued");
	/* By our own CA, but not in the store: never issued by the engine. */
	X509 *unknown = make_cert(&(struct recipe){0});
	expect(cert_pem(unknown), "wasn't issued");
	/* By a leaf of ours that plays a CA. */
	X509 *below = make_cert(&(struct recipe){.issuer = good, .issuer_key = other_key, .serial = serial});
	expect(cert_pem(below), "wasn't issued");
	X509_free(good);
	X509_free(forged);
	X509_free(unknown);
	X509_free(below);
	EVP_PKEY_free(other_key);
}
END_TEST

START_TEST(test_unreadable)
{
	expect("", "can't be read");
	expect("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "can't be read");
	char *two = arena_printf(arena, "%s%s", stored(&(struct recipe){0}), stored(&(struct recipe){0}));
	expect(two, "can't be read");
	char *huge = arena_alloc(arena, 200001);
	memset(huge, 'A', 200000);
	expect(huge, "too large");
}
END_TEST

START_TEST(test_account)
{
	struct principal p;
	struct error e = {0};
	X509 *cert = make_cert(&(struct recipe){0});
	store_cert(cert);
	struct bytes der = cert_der(cert);
	const char *pem = cert_pem(cert);
	int64_t id = store_account("station", "requestor");
	store_credential(id, "certificate", der.data, der.len);
	ck_assert_int_eq(auth_client_cert(db, pem, arena, &p, &e), 0);
	ck_assert_int_eq(p.account_id, id);
	ck_assert_str_eq(p.name, "station");
	ck_assert_str_eq(p.role, "requestor");
	ck_assert(p.rights == (RIGHT_BIT(RIGHT_ACCOUNT) | RIGHT_BIT(RIGHT_READ) | RIGHT_BIT(RIGHT_ISSUE)));
	ck_assert_int_eq(p.evidence, EVIDENCE_CERTIFICATE);
	/* As the signer of a message it speaks for itself. */
	ck_assert_int_eq(auth_signer_cert(db, der, arena, &p, &e), 0);
	ck_assert_int_eq(p.account_id, 0);
	ck_assert_str_eq(p.role, ROLE_NONE);
	/* E09: it doesn't become a device's certificate when the account goes. */
	store_sql("UPDATE account SET enabled = false WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	expect(pem, "account");
	ck_assert_int_eq(auth_signer_cert(db, der, arena, &p, &e), -1);
	ck_assert_int_eq(e.code, E_FORBIDDEN);
	store_sql("UPDATE account SET enabled = true WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	store_sql("UPDATE credential SET revoked_at = now() WHERE account_id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	expect(pem, "withdrawn");
	ck_assert_int_eq(auth_signer_cert(db, der, arena, &p, &e), -1);
	ck_assert_msg(strstr(e.detail, "withdrawn") != NULL, "%s", e.detail);
	X509_free(cert);
}
END_TEST

TCase *
tcase_client_cert(void)
{
	TCase *t = tcase_create("client certificates");
	tcase_add_checked_fixture(t, store_setup, store_teardown);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_status);
	tcase_add_test(t, test_purpose_and_time);
	tcase_add_test(t, test_foreign);
	tcase_add_test(t, test_unreadable);
	tcase_add_test(t, test_account);
	return t;
}
