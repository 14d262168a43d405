/* ca/bootstrap.c: the first hierarchy, made once. The suite's first case, which builds the house for the others. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/ca/house.h"

static struct house h;

static void
setup(void)
{
	house_open(&h, "test.bootstrap");
}

static void
teardown(void)
{
	house_close(&h);
}

/* Everything that a bootstrap may write, as one text. */
static const char *
state(void)
{
	return test_one(h.db, "SELECT concat_ws(' ', (SELECT count(*) FROM tenant), (SELECT string_agg(ca::text, ' ' ORDER BY id) FROM ca),"
			      " (SELECT count(*) FROM profile), (SELECT count(*) FROM certificate), (SELECT string_agg(crl::text, ' ' ORDER BY"
			      " ca_id, number) FROM crl), (SELECT count(*) FROM intent), (SELECT max(seq) FROM audit WHERE chain = 'ca.bootstrap'))");
}

START_TEST(test_twice)
{
	struct stat before, after;
	char path[256], first[4096];
	snprintf(path, sizeof(path), "crl/%s.crl", test_one(h.db, "SELECT encode(ski, 'hex') FROM ca WHERE id = 2"));
	ck_assert_int_eq(stat(house_path(path), &before), 0);
	snprintf(first, sizeof(first), "%s", state());
	ck_assert_int_eq(house_bootstrap(house_plan("default")), 0);
	ck_assert_str_eq(state(), first);
	ck_assert_int_eq(stat(house_path(path), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

static X509 *
certificate_of(const struct authority *ca)
{
	const unsigned char *p = ca->cert.whole.data;
	X509 *x = d2i_X509(NULL, &p, (long)ca->cert.whole.len);
	ck_assert_ptr_nonnull(x);
	return x;
}

START_TEST(test_hierarchy)
{
	struct authority *root = registry_authority(h.registry, 1, "root"), *issuing = house_issuing(&h);
	X509 *a = certificate_of(root), *b = certificate_of(issuing);
	ck_assert_int_eq(root->status, AUTHORITY_OFFLINE);
	ck_assert_int_eq(issuing->status, AUTHORITY_ACTIVE);
	ck_assert_int_eq(issuing->parent_id, root->id);
	ck_assert(issuing->is_default && !root->is_default);
	ck_assert_int_eq(strncmp(root->key_ref, "token:", 6), 0);
	ck_assert_int_eq(X509_verify(a, X509_get0_pubkey(a)), 1);
	ck_assert_int_eq(X509_verify(b, X509_get0_pubkey(a)), 1);
	ck_assert_int_eq(X509_check_ca(a), 1);
	ck_assert_int_eq(X509_check_ca(b), 1);
	ck_assert_int_eq(X509_check_issued(a, b), X509_V_OK);
	ck_assert_int_eq(X509_get_pathlen(b), 0);
	ck_assert_int_eq(X509_get_pathlen(a), -1);
	ck_assert_uint_eq(X509_get_key_usage(b), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	ck_assert_int_le(issuing->cert.not_after, root->cert.not_after);
	/* the chain is itself and its issuers without the root */
	const char *first = strstr(issuing->chain_pem, "BEGIN CERTIFICATE");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "BEGIN CERTIFICATE"));
	ck_assert_str_eq(root->chain_pem, "");
	/* the issuing CA's certificate is one that the root issued, with its intent in the audit log */
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM certificate x JOIN ca ON ca.certificate = x.der WHERE ca.id = 2 AND x.ca_id = 1"), 1);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM audit WHERE chain = 'ca.bootstrap' AND action = 'certificate.intent'"), 1);
	ck_assert_str_eq(test_one(h.db, "SELECT string_agg(DISTINCT actor, ' ' ORDER BY actor) FROM audit WHERE chain = 'ca.bootstrap'"),
			 "ca setup setup:bootstrap");
	X509_free(a);
	X509_free(b);
}
END_TEST

START_TEST(test_files)
{
	struct stat st;
	char name[256];
	for (int id = 1; id <= 2; id++) {
		const struct authority *ca = registry_authority_by_id(h.registry, id);
		ck_assert_ptr_nonnull(ca);
		const char *hex = strrchr(ca->crl_url, '/') + 1;
		snprintf(name, sizeof(name), "crl/%s", hex);
		ck_assert_int_eq(stat(house_path(name), &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0644); /* the edge reads it as another user */
		strcpy(strrchr(name, '.'), ".crt");
		ck_assert_int_eq(stat(house_path(name), &st), 0);
		ck_assert_uint_eq((uint64_t)st.st_size, ca->cert.whole.len);
		ck_assert_int_eq(strncmp(ca->ca_url, "http://pki.example/ca/", 22), 0);
		ck_assert_str_eq(ca->ocsp_url, "http://pki.example/ocsp");
	}
}
END_TEST

/* What is wrong in a plan, as a change of the good one: the text that goes and the text that comes in its place. */
static const struct {
	const char *gone, *comes;
	enum error_code code;
} bad_plans[] = {
    {"{\"tenant\"", "{{\"tenant\"", E_BAD_VALUE},
    {"\"tenant\"", "\"tenants\"", E_BAD_VALUE},
    {"\"base_url\"", "\"url\"", E_BAD_VALUE},
    {"\"tenant\": \"bad\"", "\"tenant\": 7", E_BAD_VALUE},
    {"\"root\": {\"name\": \"root\"", "\"root\": {\"name\": 1", E_BAD_VALUE},
    {"[[\"CN\", \"Root of bad\"]]", "[]", E_BAD_VALUE},
    {"[[\"CN\", \"Root of bad\"]]", "[[\"CN\"]]", E_BAD_VALUE},
    {"[[\"CN\", \"Root of bad\"]]", "[[\"NOSUCH\", \"x\"]]", E_BAD_VALUE},
    {"[[\"CN\", \"Root of bad\"]]", "[[\"O\", \"x\"]]", E_POLICY},
    {"\"p256\"", "\"p257\"", E_BAD_VALUE},
    {"\"p256\"", "\"rsa2048\"", E_BAD_KEY},
    {"7300", "-1", E_BAD_VALUE},
    {"7300", "36526", E_BAD_VALUE},
    {"\"device\"]", "\"../../../etc/passwd\"]", E_BAD_VALUE},
    {"\"device\"]", "\"nosuch\"]", E_BAD_VALUE},
    {"\"device\"]", "7]", E_BAD_VALUE},
};

START_TEST(test_bad_plan)
{
	const char *good = house_plan("bad"), *at = strstr(good, bad_plans[_i].gone);
	char plan[2048], cas[64];
	ck_assert_ptr_nonnull(at);
	snprintf(plan, sizeof(plan), "%.*s%s%s", (int)(at - good), good, bad_plans[_i].comes, at + strlen(bad_plans[_i].gone));
	snprintf(cas, sizeof(cas), "%s", test_one(h.db, "SELECT count(*) FROM ca"));
	ck_assert_int_eq(house_bootstrap(plan), bad_plans[_i].code);
	ck_assert_str_eq(test_one(h.db, "SELECT count(*) FROM ca"), cas);
	ck_assert_str_eq(test_one(h.db, "SELECT count(*) FROM intent WHERE abandoned_at IS NULL"), "0");
}
END_TEST

/* A plan that failed half way is mended and run again. */
START_TEST(test_goes_on)
{
	char plan[2048];
	const char *good = house_plan("second"), *at = strstr(good, "5475");
	snprintf(plan, sizeof(plan), "%.*s-1%s", (int)(at - good), good, at + 4);
	ck_assert_int_eq(house_bootstrap(plan), E_BAD_VALUE);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ca WHERE tenant_id = (SELECT id FROM tenant WHERE name = 'second')"), 1);
	ck_assert_int_eq(house_bootstrap(house_plan("second")), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM ca WHERE tenant_id = (SELECT id FROM tenant WHERE name = 'second')"), 2);
	/* the same names in another tenant are other CAs */
	ck_assert_int_eq(house_number(&h, "SELECT count(DISTINCT spki_hash) FROM ca WHERE name = 'root'"), 2);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM crl WHERE number = 1 AND ca_id IN (SELECT id FROM ca)"),
			 house_number(&h, "SELECT count(*) FROM ca"));
}
END_TEST

TCase *
tcase_bootstrap(void)
{
	TCase *c = tcase_create("bootstrap");
	tcase_add_unchecked_fixture(c, house_build, NULL);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_twice);
	tcase_add_test(c, test_hierarchy);
	tcase_add_test(c, test_files);
	tcase_add_loop_test(c, test_bad_plan, 0, ARRAY_LEN(bad_plans));
	tcase_add_test(c, test_goes_on);
	tcase_set_timeout(c, 60);
	return c;
}
