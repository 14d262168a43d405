/* Hierarchies with other algorithms, from the plan to the CRL and the OCSP signer. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "ca/signer.h"
#include "lib/seal.h"
#include "tests/unit/ca/house.h"

/* SoftHSM 2.6.1 loses the name of an Edwards curve each time that it reads one. Its frames have no names once it is unloaded: ours that calls it
 * stands for them. Seen only with whole stacks. */
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);
const char *
__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}
const char *
__lsan_default_suppressions(void)
{
	return "leak:signing_sign\n";
}

static struct house h;
static struct error e;

/* root and issuing: types of keys; signer: that of the OCSP signer; code: what becomes of the plan where the library knows the types. */
static const struct {
	const char *tenant, *root, *issuing, *signer, *signer_of_root;
	int code;
} cases[] = {
    {"edwards", "ed448", "rsapss3072", "p256", "p256", E_NONE},
    {"koblitz", "secp256k1", "sect283k1", "p256", "p256", E_NONE},
    {"lattice", "mldsa65", "mldsa44", "mldsa44", "mldsa65", E_NONE},
    {"hash", "slhdsa-sha2-192f", "slhdsa-shake-128f", "mldsa44", "mldsa65", E_NONE},
    {"weak", "secp112r1", "p256", NULL, NULL, E_BAD_KEY},
    {"kem", "mlkem768", "p256", NULL, NULL, E_BAD_KEY},
    {"small", "rsa2048", "p256", NULL, NULL, E_BAD_KEY}, /* the profile wants 3072 */
    {"none", "rsa1024", "p256", NULL, NULL, E_BAD_VALUE},
};

static void
setup(void)
{
	house_open(&h, "test.algorithms");
}

static void
teardown(void)
{
	house_close(&h);
}

static const char *
plan_of(size_t i)
{
	static char text[1024];
	snprintf(text, sizeof(text),
		 "{\"tenant\": \"%s\", \"base_url\": \"http://pki.example\","
		 " \"root\": {\"name\": \"root\", \"subject\": [[\"CN\", \"Root of %s\"]], \"key\": \"%s\", \"days\": 7300},"
		 " \"issuing\": {\"name\": \"issuing\", \"subject\": [[\"CN\", \"Issuing of %s\"]], \"key\": \"%s\", \"days\": 5475},"
		 " \"profiles\": [\"device\"]}",
		 cases[i].tenant, cases[i].tenant, cases[i].root, cases[i].tenant, cases[i].issuing);
	return text;
}

static struct authority *
authority_of(const char *tenant, const char *name)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "SELECT id FROM tenant WHERE name = '%s'", tenant);
	struct authority *ca = registry_authority(h.registry, (int32_t)house_number(&h, sql), name);
	ck_assert_ptr_nonnull(ca);
	return ca;
}

static X509 *
certificate_of(struct bytes der)
{
	const unsigned char *p = der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	ck_assert_ptr_nonnull(x);
	return x;
}

/* The CRL that was published is the CA's. */
static void
check_crl(const struct authority *ca, X509 *issuer)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/crl/%s", house_dir(), strrchr(ca->crl_url, '/') + 1);
	BIO *file = BIO_new_file(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	X509_CRL *crl = d2i_X509_CRL_bio(file, NULL);
	ck_assert_ptr_nonnull(crl);
	ck_assert_int_eq(X509_CRL_verify(crl, X509_get0_pubkey(issuer)), 1);
	X509_CRL_free(crl);
	BIO_free(file);
}

/* A signer of that type, whose certificate the CA signed. */
static void
check_signer(struct authority *ca, X509 *issuer, const char *type)
{
	struct secret *wrap = NULL;
	struct db_result *r = NULL;
	struct db_param id[] = {DB_INT(ca->id)};
	const struct keytype *found;
	EVP_PKEY *key = NULL;
	struct der d, content;
	struct bytes algorithm;
	struct cert c;
	int64_t end;
	ck_assert_int_eq(seal_key_read(house_path("ocsp-key"), &wrap, &e), 0);
	ck_assert_msg(signer_make(ca, h.registry, h.hsm, h.db, &h.chain, wrap, &end, &e) == 0, "%s", e.detail);
	secret_free(wrap);
	ck_assert_int_eq(db_query(h.db, "SELECT certificate FROM ocsp_signer WHERE ca_id = $1::int", id, 1, true, &r, &e), 0);
	ck_assert_int_eq(db_rows(r), 1);
	ck_assert_int_eq(cert_parse(db_bytes(r, 0, 0, NULL), &c, &e), 0);
	d = der_of(c.spki);
	ck_assert_int_eq(der_get(&d, DER_SEQUENCE, "key", &content, &e), 0);
	ck_assert_int_eq(der_get_any(&content, "key", NULL, &algorithm, NULL, &e), 0);
	ck_assert_int_eq(publickey_load(algorithm, c.spki_key, &found, &key, &e), 0);
	ck_assert_str_eq(found->name, type);
	EVP_PKEY_free(key);
	X509 *x = certificate_of(c.whole);
	ck_assert_int_eq(X509_verify(x, X509_get0_pubkey(issuer)), 1);
	X509_free(x);
	db_result_free(r);
}

static void
check_authority(const char *tenant, const char *name, const char *type, const char *signer)
{
	struct authority *ca = authority_of(tenant, name);
	X509 *x = certificate_of(ca->cert.whole);
	ck_assert_str_eq(ca->type->name, type);
	check_crl(ca, x);
	check_signer(ca, x, signer);
	X509_free(x);
}

START_TEST(test_hierarchy)
{
	const struct keytype *root = keytype_by_name(cases[_i].root), *issuing = keytype_by_name(cases[_i].issuing);
	int want = cases[_i].code;
	if (root && want == E_NONE && (keytype_available(root, &e) < 0 || keytype_available(issuing, &e) < 0))
		want = E_UNSUPPORTED;
	int64_t cas = house_number(&h, "SELECT count(*) FROM ca");
	ck_assert_msg(house_bootstrap(plan_of((size_t)_i)) == want, "%s", cases[_i].tenant);
	if (want != E_NONE) {
		ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ca"), cas);
		return;
	}
	house_close(&h);
	house_open(&h, "test.algorithms");
	check_authority(cases[_i].tenant, "root", cases[_i].root, cases[_i].signer_of_root);
	check_authority(cases[_i].tenant, "issuing", cases[_i].issuing, cases[_i].signer);
}
END_TEST

TCase *
tcase_algorithms(void)
{
	TCase *c = tcase_create("algorithms");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_hierarchy, 0, ARRAY_LEN(cases));
	tcase_set_timeout(c, 60);
	return c;
}
