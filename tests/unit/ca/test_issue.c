/* What the engine decides and builds, without processes: names, profiles, orders, extensions, lint, signing. The other party is
 * OpenSSL's X509, which the product doesn't use for this. */
#include "tests/unit/ca/issue_suites.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "ca/order.h"
#include "tests/unit/ca/inprocess.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

#define NOW 1800000000
#define DEFINITION                                                                                                                  \
	"\"days\": 365, \"max_days\": 3650, \"over_maximum\": \"refuse\", \"over_issuer\": \"clamp\", \"keys\": [\"p256\", \"rsa2048\", \"ed25519\"]," \
	"\"key_usage\": [\"digitalSignature\", \"keyEncipherment\"], \"extended_key_usage\": [\"serverAuth\"],"                     \
	"\"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\", \"O\"], \"names_allowed\": [\"dns\", \"ip\"], \"names_required\": true," \
	"\"from_common_name\": true, \"wildcard\": true, \"policies\": [\"1.3.6.1.4.1.99999.1\"]"

static struct arena *a;
static struct error e;

static struct profile *
profile_of(const char *json)
{
	return profile_try(json, "cert_server", &e);
}

static void
setup(void)
{
	a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
}

static void
teardown(void)
{
	arena_free(a);
}

static X509 *
openssl_reads(const struct buf *b)
{
	const unsigned char *p = b->data;
	X509 *x = d2i_X509(NULL, &p, (long)b->len);
	ck_assert_ptr_nonnull(x);
	ck_assert_ptr_eq(p, b->data + b->len);
	return x;
}

/* --- names --- */

static const struct {
	enum name_kind kind;
	const char *text, *made; /* NULL: refused */
} name_cases[] = {
    {NAME_DNS, "a.example", "a.example"}, {NAME_DNS, "A.EXAMPLE", "a.example"}, {NAME_DNS, "xn--mller-kva.example", "xn--mller-kva.example"},
    {NAME_DNS, "host", "host"}, {NAME_DNS, "*.a.example", "*.a.example"}, {NAME_DNS, "a_b.example", NULL}, {NAME_DNS, "*", NULL},
    {NAME_DNS, "*.example", NULL}, {NAME_DNS, "*.*.example", NULL}, {NAME_DNS, "a.*.example", NULL}, {NAME_DNS, "w*.a.example", NULL},
    {NAME_DNS, ".a.example", NULL}, {NAME_DNS, "a..example", NULL}, {NAME_DNS, "a.example.", NULL}, {NAME_DNS, "-a.example", NULL},
    {NAME_DNS, "a-.example", NULL}, {NAME_DNS, "192.0.2.1", NULL}, {NAME_DNS, "1", NULL}, {NAME_DNS, "", NULL}, {NAME_DNS, "m\xc3\xbcller.example", NULL},
    {NAME_DNS, "a b.example", NULL}, {NAME_IP, "192.0.2.1", "192.0.2.1"}, {NAME_IP, "2001:DB8::1", "2001:db8::1"}, {NAME_IP, "::ffff:192.0.2.1", NULL},
    {NAME_IP, "192.0.2.1/24", NULL}, {NAME_IP, "192.0.2", NULL}, {NAME_IP, "fe80::1%eth0", NULL}, {NAME_IP, "a.example", NULL},
    {NAME_EMAIL, "a.b+c@example.org", "a.b+c@example.org"}, {NAME_EMAIL, "@example.org", NULL}, {NAME_EMAIL, "a@", NULL}, {NAME_EMAIL, "a@b@c", NULL},
    {NAME_EMAIL, "a b@example.org", NULL}, {NAME_EMAIL, "a@192.0.2.1", NULL}, {NAME_URI, "urn:example:device:1", "urn:example:device:1"},
    {NAME_URI, "https://a.example/x?y", "https://a.example/x?y"}, {NAME_URI, "javascript:alert(1)", NULL}, {NAME_URI, "data:x", NULL}, {NAME_URI, "https:", NULL},
    {NAME_URI, "https://a b", NULL}, {NAME_URI, "//a", NULL},
};

START_TEST(test_name)
{
	struct name n;
	int rc = name_make(a, name_cases[_i].kind, name_cases[_i].text, strlen(name_cases[_i].text), true, &n, &e);
	ck_assert_msg((rc == 0) == (name_cases[_i].made != NULL), "%s", name_cases[_i].text);
	if (rc == 0)
		ck_assert_str_eq(n.text, name_cases[_i].made);
	else
		ck_assert_int_eq(e.code, E_BAD_VALUE);
}
END_TEST

START_TEST(test_name_limits)
{
	struct name n;
	char text[300];
	memset(text, 'a', sizeof(text));
	text[63] = '.';
	ck_assert_int_eq(name_make(a, NAME_DNS, text, 70, false, &n, &e), 0); /* a label of 63 */
	text[63] = 'a';
	ck_assert_int_eq(name_make(a, NAME_DNS, text, 70, false, &n, &e), -1);
	for (size_t i = 9; i < sizeof(text); i += 10)
		text[i] = '.';
	ck_assert_int_eq(name_make(a, NAME_DNS, text, 253, false, &n, &e), 0);
	ck_assert_int_eq(name_make(a, NAME_DNS, text, 254, false, &n, &e), -1);
	ck_assert_int_eq(name_make(a, NAME_DNS, "*.a.example", 11, false, &n, &e), -1);
	ck_assert_int_eq(e.code, E_POLICY);
	ck_assert_int_eq(name_make(a, NAME_DNS, "a\0b", 3, false, &n, &e), -1);
}
END_TEST

/* --- orders --- */

START_TEST(test_order)
{
	static const char *const cas[] = {"p256", "p384", "rsa2048", "ed25519"};
	struct authority *ca = ca_make(cas[_i], 5000, NOW);
	struct profile *p = profile_of("{" DEFINITION "}");
	EVP_PKEY *key = NULL;
	struct asked q;
	struct order *o = NULL;
	asked_init(&q, "host.example");
	asked_name(&q, SIEGEL__NAME__KIND__DNS, "a.example");
	asked_name(&q, SIEGEL__NAME__KIND__IP, "192.0.2.7");
	q.issue.days = 100;
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	ck_assert_msg(order_make_internal(ca, p, key, &q.issue, NOW, &o, &e) == 0, "%s", e.detail);
	ck_assert_msg(order_sign(o, NULL, &e) == 0, "%s", e.detail);
	X509 *x = openssl_reads(&o->certificate);
	ck_assert_int_eq(X509_verify(x, ca->public_key), 1);
	ck_assert_int_eq(X509_get_version(x), 2);
	ck_assert_int_eq(X509_check_host(x, "a.example", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "192.0.2.7", 0), 1);
	ck_assert_int_eq(X509_get_key_usage(x), 0x80 /* digitalSignature alone: an EC key enciphers nothing */);
	ck_assert_int_eq(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
	ck_assert_int_eq(X509_check_ca(x), 0);
	/* 100 days, inclusive of the last second (RFC 5280 4.1.2.5) */
	int days, secs;
	ck_assert_int_eq(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(x), X509_get0_notAfter(x)), 1);
	ck_assert_int_eq(days, 99);
	ck_assert_int_eq(secs, 86399);
	static const int want[] = {NID_authority_key_identifier, NID_subject_key_identifier, NID_info_access, NID_crl_distribution_points,
	    NID_certificate_policies, NID_basic_constraints};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_msg(X509_get_ext_by_NID(x, want[i], -1) >= 0, "%s", OBJ_nid2sn(want[i]));
	X509_free(x);
	order_free(o);
	EVP_PKEY_free(key);
	profile_free(p);
	authority_free(ca);
}
END_TEST

static const struct {
	const char *what, *cn, *dns;
	int days, issuer_days;
	enum error_code code;
	const char *pointer, *rule;
} order_cases[] = {
    {"the profile's default", "a.example", NULL, 0, 5000, E_NONE, NULL, "profile default"},
    {"as asked", "a.example", NULL, 3650, 5000, E_NONE, NULL, "as requested"},
    {"over the profile", "a.example", NULL, 3651, 5000, E_POLICY, "days", NULL},
    {"over the issuer", "a.example", NULL, 3650, 1000, E_NONE, NULL, "clamped to the issuer's end"},
    {"negative", "a.example", NULL, -1, 5000, E_BAD_VALUE, "days", NULL},
    {"absurd", "a.example", NULL, 2147483647, 5000, E_BAD_VALUE, "days", NULL},
    {"a CN that is no DNS name, and no names", "Hello World", NULL, 0, 5000, E_POLICY, "names", NULL},
    {"a CN that is no DNS name, and a name", "Hello World", "a.example", 0, 5000, E_NONE, NULL, "profile default"},
    {"a bad name", "a.example", "..", 0, 5000, E_BAD_VALUE, "names/0", NULL},
    {"a CN of 65", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a.example", 0, 5000, E_BAD_VALUE, "subject/CN", NULL},
    {"an empty CN", "", "a.example", 0, 5000, E_BAD_VALUE, "subject/CN", NULL},
};

START_TEST(test_order_rules)
{
	struct authority *ca = ca_make("p256", order_cases[_i].issuer_days, NOW);
	struct profile *p = profile_of("{" DEFINITION "}");
	EVP_PKEY *key = NULL;
	struct asked q;
	struct order *o = NULL;
	asked_init(&q, order_cases[_i].cn);
	if (order_cases[_i].dns)
		asked_name(&q, SIEGEL__NAME__KIND__DNS, order_cases[_i].dns);
	q.issue.days = order_cases[_i].days;
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	e.code = E_NONE;
	int rc = order_make_internal(ca, p, key, &q.issue, NOW, &o, &e);
	ck_assert_msg(rc == 0 ? order_cases[_i].code == E_NONE : e.code == order_cases[_i].code, "%s: %s", order_cases[_i].what, e.detail);
	if (rc < 0)
		ck_assert_str_eq(e.pointer, order_cases[_i].pointer);
	else
		ck_assert_str_eq(o->validity_rule, order_cases[_i].rule);
	if (rc == 0)
		ck_assert_int_le(o->tbs_input.not_after, ca->cert.not_after);
	order_free(o);
	EVP_PKEY_free(key);
	profile_free(p);
	authority_free(ca);
}
END_TEST

/* Serials: positive, 128 random bits behind the time, none twice. */
START_TEST(test_serials)
{
	struct authority *ca = ca_make("p256", 5000, NOW);
	struct profile *p = profile_of("{" DEFINITION "}");
	EVP_PKEY *key = NULL;
	struct asked q;
	struct order *o = NULL;
	uint8_t seen[16] = {0}, all[16], last[SERIAL_BYTES] = {0};
	memset(all, 0xff, sizeof(all));
	asked_init(&q, "a.example");
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	ck_assert_int_eq(order_make_internal(ca, p, key, &q.issue, NOW, &o, &e), 0);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(order_renumber(o, &e), 0);
		ck_assert_uint_lt(o->serial[0], 0x80);
		ck_assert_mem_ne(o->serial, last, SERIAL_BYTES);
		memcpy(last, o->serial, SERIAL_BYTES);
		for (size_t k = 0; k < 16; k++)
			seen[k] |= o->serial[SERIAL_TIME_BYTES + k];
		ck_assert_int_eq(tbs_lint((struct bytes){o->tbs.data, o->tbs.len}, &o->tbs_input, &e), 0);
	}
	ck_assert_mem_eq(seen, all, 16); /* every bit was set once: 2^-200 against it */
	order_free(o);
	EVP_PKEY_free(key);
	profile_free(p);
	authority_free(ca);
}
END_TEST

/* The lint sees any octet that is changed between intent and signature. */
START_TEST(test_lint)
{
	struct authority *ca = ca_make("p256", 5000, NOW);
	struct profile *p = profile_of("{" DEFINITION "}");
	EVP_PKEY *key = NULL;
	struct asked q;
	struct order *o = NULL;
	size_t unseen = 0;
	asked_init(&q, "a.example");
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	ck_assert_int_eq(order_make_internal(ca, p, key, &q.issue, NOW, &o, &e), 0);
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	for (size_t i = 0; i < o->tbs.len; i++) {
		o->tbs.data[i] ^= 1;
		if (tbs_lint(tbs, &o->tbs_input, &e) == 0)
			unseen++;
		else
			ck_assert_int_eq(e.code, E_INTERNAL);
		o->tbs.data[i] ^= 1;
	}
	ck_assert_uint_eq(unseen, 0);
	ck_assert_int_eq(tbs_lint(tbs, &o->tbs_input, &e), 0);
	order_free(o);
	EVP_PKEY_free(key);
	profile_free(p);
	authority_free(ca);
}
END_TEST

START_TEST(test_same_identity)
{
	struct authority *ca = ca_make("p256", 5000, NOW);
	struct profile *p = profile_of("{" DEFINITION "}");
	EVP_PKEY *key = NULL;
	struct asked q, other;
	struct order *first = NULL, *o = NULL;
	asked_init(&q, "a.example");
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	ck_assert_int_eq(order_make_internal(ca, p, key, &q.issue, NOW, &first, &e), 0);
	ck_assert_int_eq(order_sign(first, NULL, &e), 0);
	struct bytes der = {first->certificate.data, first->certificate.len};
	ck_assert_int_eq(order_same_identity(first, der, &e), 0);
	asked_init(&other, "b.example");
	ck_assert_int_eq(order_make_internal(ca, p, key, &other.issue, NOW, &o, &e), 0);
	ck_assert_int_eq(order_same_identity(o, der, &e), -1);
	ck_assert_int_eq(e.code, E_FORBIDDEN);
	order_free(o);
	asked_init(&other, "a.example");
	asked_name(&other, SIEGEL__NAME__KIND__DNS, "a.example");
	asked_name(&other, SIEGEL__NAME__KIND__DNS, "b.example");
	ck_assert_int_eq(order_make_internal(ca, p, key, &other.issue, NOW, &o, &e), 0);
	ck_assert_int_eq(order_same_identity(o, der, &e), -1);
	order_free(o);
	/* A certificate for servers alone doesn't become a client's, nor the other way. */
	struct profile *wider = profile_of("{" DEFINITION "}");
	if (!wider)
		abort();
	wider->purposes[wider->n_purposes++] = OID_EKU_CLIENT_AUTH;
	ck_assert_int_eq(order_make_internal(ca, wider, key, &q.issue, NOW, &o, &e), 0);
	ck_assert_int_eq(order_same_identity(o, der, &e), -1);
	ck_assert_int_eq(e.code, E_FORBIDDEN);
	order_free(o);
	profile_free(wider);
	order_free(first);
	EVP_PKEY_free(key);
	profile_free(p);
	authority_free(ca);
}
END_TEST

/* A signature that doesn't verify never leaves (H04): here the private key isn't that of the certificate. */
START_TEST(test_wrong_signature)
{
	struct authority *ca = ca_make("p256", 5000, NOW);
	uint8_t signature[SIGNATURE_MAX_BYTES];
	size_t len = 0;
	EVP_PKEY_free(ca->private_key);
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &ca->private_key, &e), 0);
	ck_assert_int_eq(authority_sign(ca, NULL, (struct bytes){(const uint8_t *)"x", 1}, signature, &len, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	authority_free(ca);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("issue");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_name, 0, ARRAY_LEN(name_cases));
	tcase_add_test(c, test_name_limits);
	tcase_add_loop_test(c, test_order, 0, 4);
	tcase_add_loop_test(c, test_order_rules, 0, ARRAY_LEN(order_cases));
	tcase_add_test(c, test_serials);
	tcase_add_test(c, test_lint);
	tcase_add_test(c, test_same_identity);
	tcase_add_test(c, test_wrong_signature);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	suite_add_tcase(s, tcase_profile());
	suite_add_tcase(s, tcase_rules());
	suite_add_tcase(s, tcase_identity());
	suite_add_tcase(s, tcase_ext());
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
