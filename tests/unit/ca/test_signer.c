/* ca/signer.c: OCSP signers, and the keys that siegel-va unwraps. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/signer.h"
#include "lib/seal.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct secret *wrap;
static struct error e;

static void
setup(void)
{
	house_open(&h, "test.signer");
	ck_assert_int_eq(seal_key_read(house_path("ocsp-key"), &wrap, &e), 0);
}

static void
teardown(void)
{
	secret_free(wrap);
	house_close(&h);
}

/* The newest signer's row. */
static struct db_result *
newest(void)
{
	struct db_result *r = NULL;
	ck_assert_int_eq(db_query(h.db, "SELECT serial, certificate, wrapped_key FROM ocsp_signer WHERE ca_id = 2 ORDER BY not_before DESC, not_after DESC LIMIT 1",
				  NULL, 0, true, &r, &e), 0);
	ck_assert_int_eq(db_rows(r), 1);
	return r;
}

START_TEST(test_made)
{
	struct authority *ca = house_issuing(&h);
	struct arena *a = arena_new(1 << 20);
	int64_t end = 0, now = time(NULL);
	ck_assert_msg(signer_make(ca, h.registry, h.hsm, h.db, &h.chain, wrap, &end, &e) == 0, "%s", e.detail);
	ck_assert_int_ge(end, now + 13 * 86400);
	ck_assert_int_le(end, now + 14 * 86400);
	struct db_result *r = newest();
	struct bytes serial = db_bytes(r, 0, 0, NULL), der = db_bytes(r, 0, 1, NULL), wrapped = db_bytes(r, 0, 2, NULL);
	const unsigned char *p = der.data, *q = ca->cert.whole.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len), *issuer = d2i_X509(NULL, &q, (long)ca->cert.whole.len);
	ck_assert_ptr_nonnull(x);
	/* delegated by the CA itself (RFC 6960 4.2.2.2), and never asked about (4.2.2.2.1) */
	ck_assert_int_eq(X509_verify(x, X509_get0_pubkey(issuer)), 1);
	ck_assert_int_eq(X509_check_issued(issuer, x), X509_V_OK);
	ck_assert_uint_eq(X509_get_extended_key_usage(x), XKU_OCSP_SIGN);
	ck_assert_uint_eq(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	ck_assert_int_ge(X509_get_ext_by_NID(x, NID_id_pkix_OCSP_noCheck, -1), 0);
	ck_assert_int_eq(X509_get_ext_by_NID(x, NID_crl_distribution_points, -1), -1);
	/* the key opens for its serial alone, and belongs to the certificate */
	struct secret *plain = NULL;
	ck_assert_int_eq(seal_open(wrap, arena_printf(a, "ocsp-signer:%s", arena_hex(a, serial.data, serial.len)), wrapped, &plain, &e), 0);
	const unsigned char *k = plain->data;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &k, (long)plain->len);
	ck_assert_int_eq(X509_check_private_key(x, key), 1);
	EVP_PKEY_free(key);
	secret_free(plain);
	plain = NULL;
	ck_assert_int_eq(seal_open(wrap, "ocsp-signer:00", wrapped, &plain, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	X509_free(x);
	X509_free(issuer);
	db_result_free(r);
	arena_free(a);
}
END_TEST

/* A signer is a certificate like any other: stored, with intent and audit. */
START_TEST(test_recorded)
{
	int64_t end = 0;
	int64_t before = house_number(&h, "SELECT count(*) FROM certificate WHERE source = 'engine'");
	ck_assert_int_eq(signer_make(house_issuing(&h), h.registry, h.hsm, h.db, &h.chain, wrap, &end, &e), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM certificate WHERE source = 'engine'"), before + 1);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM certificate x JOIN ocsp_signer s USING (ca_id, serial) WHERE x.der <> s.certificate"), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent WHERE chain = 'test.signer'"), 0);
	ck_assert_int_eq(house_number(&h, "SELECT max(seq) FROM audit WHERE chain = 'test.signer'"), h.chain.seq);
	ck_assert_str_eq(test_one(h.db, "SELECT string_agg(action || ' ' || actor, ',' ORDER BY seq) FROM (SELECT * FROM audit WHERE chain ="
					" 'test.signer' ORDER BY seq DESC LIMIT 2) AS last"),
			 "certificate.intent engine:clerk,certificate.issued engine:clerk");
}
END_TEST

START_TEST(test_ended_are_taken_out)
{
	int64_t end = 0;
	struct authority *ca = house_issuing(&h);
	ck_assert_int_eq(signer_make(ca, h.registry, h.hsm, h.db, &h.chain, wrap, &end, &e), 0);
	test_superuser("UPDATE siegel.ocsp_signer SET not_before = now() - interval '15 days', not_after = now() - interval '1 second' WHERE ca_id = 2");
	ck_assert_int_eq(signer_make(ca, h.registry, h.hsm, h.db, &h.chain, wrap, &end, &e), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ocsp_signer WHERE ca_id = 2"), 1);
	/* one that lives stays: answers are signed by it until the new one is read */
	ck_assert_int_eq(signer_make(ca, h.registry, h.hsm, h.db, &h.chain, wrap, &end, &e), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ocsp_signer WHERE ca_id = 2"), 2);
}
END_TEST

START_TEST(test_no_profile)
{
	struct registry *empty = registry_new();
	int64_t end = 0;
	ck_assert_int_eq(signer_make(house_issuing(&h), empty, h.hsm, h.db, &h.chain, wrap, &end, &e), -1);
	ck_assert_int_eq(e.code, E_NOT_FOUND);
	registry_free(empty);
}
END_TEST

/* What fails between intent and certificate leaves an intent, which the next holder of the chain marks. */
START_TEST(test_left_over)
{
	struct asking q;
	struct order *o = NULL;
	int64_t id = 0;
	ask(&q, 1, "left.example");
	ck_assert_int_eq(order_make(h.registry, &q.issue, NULL, time(NULL), &o, &e), 0);
	o->tbs.data[o->tbs.len - 1] ^= 1; /* the lint refuses it after its intent is stored */
	ck_assert_int_eq(issue_one(o, h.hsm, h.db, &h.chain, &id, &e), -1);
	order_free(o);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent WHERE chain = 'test.signer' AND abandoned_at IS NULL"), 1);
	ck_assert_int_eq(house_number(&h, "SELECT max(seq) FROM audit WHERE chain = 'test.signer'"), h.chain.seq);
	ck_assert_int_eq(intents_abandon(h.db, "test.signer", &e), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent WHERE chain = 'test.signer' AND abandoned_at IS NULL"), 0);
}
END_TEST

TCase *
tcase_signer(void)
{
	TCase *c = tcase_create("signer");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_made);
	tcase_add_test(c, test_recorded);
	tcase_add_test(c, test_ended_are_taken_out);
	tcase_add_test(c, test_no_profile);
	tcase_add_test(c, test_left_over);
	tcase_set_timeout(c, 60);
	return c;
}
