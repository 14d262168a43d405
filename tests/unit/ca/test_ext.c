/* Each extension as OpenSSL reads it, and the lint of each: a certificate that has them all, with every bit turned over. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ca/inprocess.h"
#include "tests/unit/ca/issue_suites.h"

#define NOW 1800000000

/* A leaf and a CA that have all that a profile can give. */
static const char *const definitions[] = {
    "{\"days\": 365, \"max_days\": 3650, \"over_issuer\": \"clamp\", \"keys\": [\"p256\"], \"key_usage\": [\"digitalSignature\", \"keyAgreement\", \"decipherOnly\"],"
    "\"extended_key_usage\": [\"serverAuth\", \"1.3.6.1.4.1.99999.1\"], \"extended_key_usage_critical\": true, \"subject_allowed\": [\"CN\"],"
    "\"names_allowed\": [\"dns\", \"ip\", \"email\", \"uri\", \"upn\", \"hardware\", \"rid\", \"permanent-identifier\"], \"tls_feature\": [\"status_request\", \"status_request_v2\"],"
    "\"policies\": [\"1.2.3\", {\"oid\": \"1.2.4\", \"cps\": \"https://pki.example/cps\"}],"
    "\"extensions\": [{\"oid\": \"1.3.6.1.4.1.99999.5\", \"value\": \"0500\"}, {\"oid\": \"1.3.6.1.4.1.99999.6\", \"critical\": true, \"value\": \"0c0161\"}]}",
    "{\"ca\": true, \"internal\": true, \"path_length\": 3, \"days\": 365, \"max_days\": 3650, \"over_issuer\": \"clamp\", \"keys\": [\"p256\"],"
    "\"key_usage\": [\"keyCertSign\", \"cRLSign\", \"digitalSignature\"], \"extended_key_usage\": [\"serverAuth\"], \"subject_required\": [\"CN\"],"
    "\"subject_allowed\": [\"CN\"], \"policies\": [\"2.5.29.32.0\"], \"policy_constraints\": {\"require_explicit\": 0, \"inhibit_mapping\": 2},"
    "\"inhibit_any_policy\": 1, \"name_constraints\": {\"permitted\": {\"dns\": [\"example.com\"], \"ip\": [\"10.0.0.0/8\", \"2001:db8::/32\"],"
    "\"email\": [\"a@example.com\", \".example.com\"]}, \"excluded\": {\"uri\": [\"\"]}}}",
};

static struct error e;

static struct order *
make_order(int which)
{
	static const char *const names[NAME_KIND_COUNT] = {"a.example.com", "10.0.0.7", "a@x.example.com", "urn:example:1", "a@example.com", "1.2.3:0a", "1.2.3",
	    "A-1/1.2.3"};
	struct authority *ca = ca_make("p256", 5000, NOW);
	struct profile *p = profile_try(definitions[which], "certificate", &e);
	EVP_PKEY *key = NULL;
	static struct asked q;
	for (int i = 0; i < ca->cert.n_extensions; i++) /* CA_DEFINITION has a path length of 0: as if it had none */
		if (ca->cert.extensions[i].oid.len == 3 && ca->cert.extensions[i].oid.data[2] == 0x13)
			ca->cert.extensions[i].value = (struct bytes){(const uint8_t *)"\x30\x03\x01\x01\xff", 5};
	ck_assert_msg(p != NULL, "%s", e.detail);
	asked_init(&q, "a.example.com");
	for (int i = 0; i < NAME_KIND_COUNT; i++)
		if (p->name_allowed[i])
			asked_name(&q, (Siegel__Name__Kind)i, names[i]);
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	struct order *o = order_signed(ca, p, key, &q, NOW, &e);
	ck_assert_msg(o != NULL, "%s", e.detail);
	EVP_PKEY_free(key);
	authority_free(ca);
	profile_free(p); /* both live on with the order */
	return o;
}

static X509 *
certificate_of(const struct order *o)
{
	const unsigned char *p = o->certificate.data;
	X509 *x = d2i_X509(NULL, &p, (long)o->certificate.len);
	ck_assert_ptr_nonnull(x);
	return x;
}

/* The extension as OpenSSL prints it; it must be there, and critical or not. */
static void
shows(X509 *x, const char *oid, bool critical, const char *text)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(x, object, -1);
	ASN1_OBJECT_free(object);
	ck_assert_msg(at >= 0, "%s is missing", oid);
	X509_EXTENSION *ext = X509_get_ext(x, at);
	ck_assert_msg(X509_EXTENSION_get_critical(ext) == (critical ? 1 : 0), "%s", oid);
	if (!text)
		return;
	BIO *out = BIO_new(BIO_s_mem());
	char *printed;
	ck_assert_msg(X509V3_EXT_print(out, ext, X509V3_EXT_ERROR_UNKNOWN, 0) == 1, "%s can't be read", oid);
	BIO_write(out, "", 1);
	BIO_get_mem_data(out, &printed);
	ck_assert_msg(strcmp(printed, text) == 0, "%s: \"%s\" in place of \"%s\"", oid, printed, text);
	BIO_free(out);
}

START_TEST(test_leaf)
{
	struct order *o = make_order(0);
	X509 *x = certificate_of(o);
	shows(x, "2.5.29.15", true, "Digital Signature, Key Agreement, Decipher Only");
	shows(x, "2.5.29.37", true, "TLS Web Server Authentication, 1.3.6.1.4.1.99999.1");
	shows(x, "2.5.29.19", true, "CA:FALSE");
	shows(x, "2.5.29.17", false, NULL);
	shows(x, "2.5.29.32", false, "Policy: 1.2.3\nPolicy: 1.2.4\n  CPS: https://pki.example/cps");
	shows(x, "1.3.6.1.5.5.7.1.24", false, "status_request, status_request_v2");
	shows(x, "1.3.6.1.4.1.99999.5", false, NULL);
	shows(x, "1.3.6.1.4.1.99999.6", true, NULL);
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	static const int types[] = {GEN_DNS, GEN_IPADD, GEN_EMAIL, GEN_URI, GEN_OTHERNAME, GEN_OTHERNAME, GEN_RID, GEN_OTHERNAME};
	ck_assert_int_eq(sk_GENERAL_NAME_num(names), ARRAY_LEN(types));
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		ck_assert_int_eq(sk_GENERAL_NAME_value(names, (int)i)->type, types[i]);
	const OTHERNAME *upn = sk_GENERAL_NAME_value(names, 4)->d.otherName;
	ck_assert_int_eq(OBJ_obj2nid(upn->type_id), NID_ms_upn);
	ck_assert_int_eq(upn->value->type, V_ASN1_UTF8STRING);
	const ASN1_OBJECT *module = sk_GENERAL_NAME_value(names, 5)->d.otherName->type_id; /* 1.3.6.1.5.5.7.8.4 */
	ck_assert_uint_eq(OBJ_length(module), 8);
	ck_assert_mem_eq(OBJ_get0_data(module), "\x2b\x06\x01\x05\x05\x07\x08\x04", 8);
	GENERAL_NAMES_free(names);
	X509_free(x);
	order_free(o);
}
END_TEST

START_TEST(test_ca)
{
	struct order *o = make_order(1);
	X509 *x = certificate_of(o);
	shows(x, "2.5.29.15", true, "Digital Signature, Certificate Sign, CRL Sign");
	shows(x, "2.5.29.19", true, "CA:TRUE, pathlen:3");
	shows(x, "2.5.29.32", false, "Policy: X509v3 Any Policy");
	shows(x, "2.5.29.36", true, "Require Explicit Policy:0, Inhibit Policy Mapping:2");
	shows(x, "2.5.29.54", true, "1");
	shows(x, "2.5.29.30", true, NULL);
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(x, NID_name_constraints, NULL, NULL);
	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->permittedSubtrees), 5);
	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->excludedSubtrees), 1);
	ck_assert_int_eq(ASN1_STRING_length(sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, 1)->base->d.iPAddress), 8);
	ck_assert_int_eq(ASN1_STRING_length(sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, 2)->base->d.iPAddress), 32);
	NAME_CONSTRAINTS_free(nc);
	X509_free(x);
	order_free(o);
}
END_TEST

/* The lint sees any bit that is changed between intent and signature. */
START_TEST(test_every_bit)
{
	struct order *o = make_order(_i);
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	ck_assert_msg(tbs_lint(tbs, &o->tbs_input, &e) == 0, "%s", e.detail);
	for (size_t bit = 0; bit < 8 * o->tbs.len; bit++) {
		o->tbs.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(tbs_lint(tbs, &o->tbs_input, &e) < 0, "bit %zu of octet %zu", bit % 8, bit / 8);
		ck_assert_int_eq(e.code, E_INTERNAL);
		o->tbs.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	order_free(o);
}
END_TEST

TCase *
tcase_ext(void)
{
	TCase *c = tcase_create("extensions");
	tcase_add_test(c, test_leaf);
	tcase_add_test(c, test_ca);
	tcase_add_loop_test(c, test_every_bit, 0, ARRAY_LEN(definitions));
	return c;
}
