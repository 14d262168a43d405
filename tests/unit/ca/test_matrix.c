/* Every algorithm: a CA with each type of key, in the store that holds it, signs with each of its algorithms for end entities with each
 * type of key, reduced to what differs. What was issued is verified by others: matrix_verify.py. */
#include <config.h>

#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <fcntl.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ca/order.h"
#include "lib/config.h"
#include "lib/x509/pem.h"

#define MAX_TYPES 128

/* Under a sanitizer it would take minutes: one type of each family. SoftHSM loses memory for each signature with an Edwards curve. */
#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static const char ca_definition[] = "{\"internal\": true, \"ca\": true, \"days\": 100, \"max_days\": 100, \"keys\": [\"ec>=224\", \"rsa>=2048\","
    " \"rsapss>=2048\", \"ed25519\", \"ed448\", \"mldsa\", \"slhdsa\"], \"key_usage\": [\"keyCertSign\", \"cRLSign\"],"
    " \"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\"], \"status_information\": false}";
static const char leaf_definition[] = "{\"days\": 10, \"max_days\": 10, \"keys\": [\"ec>=224\", \"rsa>=2048\", \"rsapss>=2048\", \"ed25519\","
    " \"ed448\", \"mldsa\", \"slhdsa\"], \"key_usage\": [\"digitalSignature\", \"keyEncipherment\", \"keyAgreement\"],"
    " \"extended_key_usage\": [\"clientAuth\"], \"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\"], \"status_information\": false}";

static const char kem_definition[] = "{\"days\": 10, \"max_days\": 10, \"keys\": [\"mlkem\"], \"key_usage\": [\"digitalSignature\", \"keyEncipherment\"],"
    " \"extended_key_usage\": [\"serverAuth\"], \"subject_required\": [\"CN\"], \"subject_allowed\": [\"CN\"], \"status_information\": false}";

static char dir[64];
static struct error e;
static struct profile *ca_profile, *leaf_profile, *kem_profile;
static struct config *config;
static struct hsm *hsm;
/* What the library here can make, and one key of each for end entities; made before the tests fork. */
static struct {
	const struct keytype *type;
	EVP_PKEY *key;
} leaves[MAX_TYPES];
static int n_leaves;
static const struct keytype *authorities[MAX_TYPES];
static int n_authorities;

static void
put_file(const char *name, const char *text, const char *how)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, how);
	if (!f || fchmod(fileno(f), 0600) != 0 || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(path);
		abort();
	}
}

static int
run(const char *const *argv)
{
	extern char **environ;
	pid_t pid;
	int status = 1;
	union {
		const char *const *in;
		char *const *out;
	} u = {.in = argv};
	return posix_spawnp(&pid, argv[0], NULL, NULL, u.out, environ) != 0 || waitpid(pid, &status, 0) != pid ? 1 : status;
}

/* A SoftHSM token and the encrypted key store. */
static int
make_stores(void)
{
	static const char *const places[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"};
	const char *module = access(places[0], R_OK) == 0 ? places[0] : places[1];
	char text[1024], path[128];
	snprintf(path, sizeof(path), "%s/tokens", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/keys", dir);
	mkdir(path, 0700);
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", dir);
	put_file("softhsm2.conf", text, "w");
	snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	setenv("SOFTHSM2_CONF", path, 1);
	put_file("pin", "123456\n", "w");
	put_file("master", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", "w");
	snprintf(text, sizeof(text), "[ca]\nkey_dir = %s/keys\nmaster_key_file = %s/master\npkcs11_module = %s\ntoken_label = t\npin_file = %s/pin\n",
		 dir, dir, module, dir);
	put_file("siegel.conf", text, "w");
	snprintf(path, sizeof(path), "%s/siegel.conf", dir);
	if (config_load(path, &config, &e) < 0)
		return -1;
	const char *const argv[] = {"sh", "-c", "softhsm2-util --init-token --free --label t --pin 123456 --so-pin 12345678 >/dev/null", NULL};
	return run(argv);
}

static void
setup(void)
{
	ck_assert_msg(hsm_open(config, &hsm, &e) == 0, "%s", e.detail);
}

static void
teardown(void)
{
	hsm_close(hsm);
}

static struct profile *
profile_of(const char *json)
{
	struct profile *p = NULL;
	if (profile_new(arena_new(1 << 20), 1, 1, "p", "certificate", json, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.detail);
		exit(1);
	}
	return p;
}

/* A certificate for this key, ready to be signed. issuer NULL: self-signed. */
static struct order *
order_for(struct authority *issuer, const struct profile *profile, EVP_PKEY *key, const char *cn)
{
	static char type[] = "CN", source[] = "rest", none[] = "";
	static Siegel__Issue issue;
	static Siegel__Requestor requestor;
	static Siegel__Attribute attribute, *subject[] = {&attribute};
	static char name[65];
	struct order *o = NULL;
	siegel__issue__init(&issue);
	siegel__requestor__init(&requestor);
	siegel__attribute__init(&attribute);
	snprintf(name, sizeof(name), "%s", cn);
	attribute.type = type;
	attribute.value = name;
	requestor.source = source;
	requestor.name = requestor.role = requestor.evidence = requestor.request_id = none;
	issue.requestor = &requestor;
	issue.subject = subject;
	issue.n_subject = 1;
	return order_make_internal(issuer, profile, key, &issue, time(NULL), &o, &e) == 0 ? o : NULL;
}

static void
put_certificate(const char *name, const struct buf *der)
{
	struct arena *a = arena_new(1 << 20);
	put_file(name, pem_encode(a, "CERTIFICATE", (struct bytes){der->data, der->len}), "w");
	arena_free(a);
}

/* A root with a new key of that type in the named store. */
static struct authority *
make_authority(const struct keytype *type, const char *store, const char *file)
{
	static uint8_t signature[SIGNATURE_MAX_BYTES];
	char ref[HSM_REF_BYTES], cn[64];
	EVP_PKEY *key = NULL;
	struct authority *ca = NULL;
	size_t len = 0;
	if (hsm_key_generate(hsm, store, type, "matrix", ref, &key, &e) < 0)
		return NULL;
	snprintf(cn, sizeof(cn), "%s in %s", type->name, store);
	struct order *o = order_for(NULL, ca_profile, key, cn);
	ck_assert_msg(o, "%s: %s", type->name, e.detail);
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	ck_assert_msg(tbs_lint(tbs, &o->tbs_input, &e) == 0, "%s: %s", type->name, e.detail);
	struct authority self = {.type = type, .private_key = key, .public_key = key, .key_ref = ref};
	ck_assert_msg(authority_sign(&self, hsm, tbs, signature, &len, &e) == 0, "%s: %s", type->name, e.detail);
	certificate_put(&o->certificate, tbs, o->tbs_input.signature_algorithm, signature, len);
	put_certificate(file, &o->certificate);
	EVP_PKEY_CTX_free(self.sign_ctx);
	EVP_PKEY_CTX_free(self.verify_ctx);
	struct arena *own = arena_new(1 << 20);
	uint8_t *ski = arena_alloc(own, 20);
	ext_key_identifier(o->tbs_input.ext.key_bits, ski);
	struct authority fields = {.id = 1, .tenant_id = 1, .name = "ca", .status = AUTHORITY_ACTIVE, .ski = {ski, 20}, .chain_pem = "",
	    .key_ref = arena_strdup(own, ref), .ocsp_url = "", .crl_url = "", .ca_url = ""};
	struct bytes der = {arena_dup(own, o->certificate.data, o->certificate.len), o->certificate.len};
	ck_assert_msg(authority_new(own, &fields, der, &ca, &e) == 0, "%s: %s", type->name, e.detail);
	ck_assert_ptr_eq(ca->type, type);
	order_free(o);
	EVP_PKEY_free(key);
	return ca;
}

static void
issue(struct authority *ca, const struct sigalg *s, const char *ca_file, const struct keytype *type, EVP_PKEY *key)
{
	static int n;
	char file[64], line[192], cn[65];
	ca->signature = s;
	EVP_PKEY_CTX_free(ca->sign_ctx);
	EVP_PKEY_CTX_free(ca->verify_ctx);
	ca->sign_ctx = ca->verify_ctx = NULL;
	snprintf(cn, sizeof(cn), "%s by %s", type->name, s->name);
	struct order *o = order_for(ca, type->signature ? leaf_profile : kem_profile, key, cn);
	ck_assert_msg(o, "%s: %s", cn, e.detail);
	ck_assert_msg(order_sign(o, hsm, &e) == 0, "%s: %s", cn, e.detail);
	snprintf(file, sizeof(file), "%.40s-%d.pem", ca_file, n++);
	put_certificate(file, &o->certificate);
	snprintf(line, sizeof(line), "%s %s %s %s\n", ca_file, file, s->name, type->name);
	put_file("pairs", line, "a");
	order_free(o);
}

/* The first CA issues for every type of key; the others for P-256 and their own, by each of their signature algorithms. */
static void
issue_all(struct authority *ca, const char *ca_file)
{
	const struct sigalg *s;
	for (size_t i = 0; (s = keytype_signature_at(ca->type, i)) != NULL; i++)
		for (int k = 0; k < n_leaves; k++)
			if (k == 0 || (i == 0 && (leaves[k].type == ca->type || ca->type == authorities[0])))
				issue(ca, s, ca_file, leaves[k].type, leaves[k].key);
}

static bool
is_of_token(const struct authority *ca)
{
	return strncmp(ca->key_ref, "file:", 5) != 0;
}

START_TEST(test_in_file)
{
	char file[64];
	snprintf(file, sizeof(file), "file-%s", authorities[_i]->name);
	struct authority *ca = make_authority(authorities[_i], "file", file);
	ck_assert_msg(ca, "%s: %s", authorities[_i]->name, e.detail);
	ck_assert(!is_of_token(ca));
	issue_all(ca, file);
	authority_free(ca);
}
END_TEST

/* What the token can't hold is refused, and the error names the token; when no store was named, the files take it. */
START_TEST(test_on_token)
{
	char file[64];
	const struct keytype *type = authorities[_i];
	if (sanitized && type->family == KEY_ED)
		return;
	snprintf(file, sizeof(file), "token-%s", type->name);
	struct authority *ca = make_authority(type, "t", file);
	if (!ca) {
		ck_assert_msg(e.code == E_UNSUPPORTED && strstr(e.detail, "the token \"t\"") && strstr(e.detail, type->name), "%s: %s",
			      type->name, e.detail);
		ck_assert_msg(type->family == KEY_MLDSA || type->family == KEY_SLHDSA || type->family == KEY_EC, "%s", type->name);
		ck_assert_str_ne(type->name, "p256");
		if (type->family == KEY_SLHDSA)
			return;
		ca = make_authority(type, "", file);
		ck_assert_msg(ca, "%s: %s", type->name, e.detail);
		ck_assert(!is_of_token(ca));
	} else {
		ck_assert(is_of_token(ca));
		issue_all(ca, file);
	}
	authority_free(ca);
}
END_TEST

static EVP_PKEY *
leaf_key(const struct keytype *type)
{
	for (int i = 0; i < n_leaves; i++)
		if (leaves[i].type == type)
			return leaves[i].key;
	return NULL;
}

/* A request with each type of key that signs, made by OpenSSL with each digest; RSA also with PSS and the salts that OpenSSL chooses. */
START_TEST(test_requests)
{
	static const char *const digests[] = {"SHA256", "SHA384", "SHA512", "SHA1"};
	const struct keytype *type = authorities[_i], *found;
	EVP_PKEY *key = leaf_key(type), *loaded = NULL;
	bool pure = type->signature && !type->signature->digest;
	for (size_t i = 0; i < (pure ? 1 : type->family == KEY_RSA ? 2 : 1) * ARRAY_LEN(digests); i++) {
		const char *digest = pure ? NULL : digests[i % ARRAY_LEN(digests)];
		X509_REQ *q = X509_REQ_new();
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		EVP_PKEY_CTX *pkey_ctx;
		unsigned char *der = NULL;
		struct csr csr;
		X509_REQ_set_pubkey(q, key);
		ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, &pkey_ctx, digest, NULL, NULL, key, NULL), 1);
		if (i >= ARRAY_LEN(digests))
			ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING), 1);
		ck_assert_msg(X509_REQ_sign_ctx(q, ctx) > 0, "%s", type->name);
		int len = i2d_X509_REQ(q, &der);
		ck_assert_int_gt(len, 0);
		ck_assert_msg(csr_parse((struct bytes){der, (size_t)len}, &csr, &e) == 0, "%s: %s", type->name, e.detail);
		ck_assert_msg(publickey_load(csr.spki_algorithm, csr.key, &found, &loaded, &e) == 0, "%s: %s", type->name, e.detail);
		ck_assert_ptr_eq(found, type);
		bool weak = digest && strcmp(digest, "SHA1") == 0;
		ck_assert_msg((csr_verify(&csr, type, loaded, &e) == 0) == !weak, "%s with %s: %s", type->name, digest ? digest : "its own",
			      weak ? "taken" : e.detail);
		EVP_PKEY_free(loaded);
		loaded = NULL;
		OPENSSL_free(der);
		EVP_MD_CTX_free(ctx);
		X509_REQ_free(q);
	}
}
END_TEST

/* A key that signs nothing: neither a request nor a CA can have it. */
START_TEST(test_key_without_signature)
{
	EVP_PKEY *key = NULL;
	struct csr csr = {.info = {NULL, 0}};
	ck_assert_int_eq(csr_verify(&csr, keytype_by_name("mlkem768"), NULL, &e), -1);
	ck_assert_msg(e.code == E_BAD_CSR && strstr(e.detail, "ML-KEM-768 key can't sign"), "%s", e.detail);
	if (keytype_generate(keytype_by_name("mlkem768"), &key, &e) < 0) {
		ck_assert_int_eq(e.code, E_UNSUPPORTED);
		return;
	}
	ck_assert(!order_for(NULL, ca_profile, key, "kem"));
	ck_assert_msg(e.code == E_BAD_KEY && strstr(e.detail, "signs nothing"), "%s", e.detail);
	EVP_PKEY_free(key);
}
END_TEST

/* What the library lacks is refused wherever such a key is asked for, and the error names the library. */
START_TEST(test_lacking)
{
	static const char *const names[] = {"mldsa44", "slhdsa-shake-256f", "mlkem1024"};
	const struct keytype *type = keytype_by_name(names[_i]);
	char ref[HSM_REF_BYTES];
	uint8_t bits[32] = {0};
	EVP_PKEY *key = NULL;
	const struct keytype *found;
	/* too weak, whatever could make it */
	ck_assert_int_eq(hsm_key_generate(hsm, "t", keytype_by_name("prime192v1"), "matrix", ref, &key, &e), -1);
	ck_assert_msg(e.code == E_BAD_KEY && strstr(e.detail, "too weak"), "%s", e.detail);
	if (keytype_available(type, &e) == 0)
		return;
	ck_assert_int_eq(hsm_key_generate(hsm, "", type, "matrix", ref, &key, &e), -1);
	ck_assert_msg(e.code == E_UNSUPPORTED && strstr(e.detail, "cryptographic library") && strstr(e.detail, type->group), "%s", e.detail);
	ck_assert_int_eq(hsm_key_generate(hsm, "t", type, "matrix", ref, &key, &e), -1);
	ck_assert_msg(e.code == E_UNSUPPORTED && strstr(e.detail, "token"), "%s", e.detail);
	ck_assert_int_eq(publickey_load(type->algorithm, (struct bytes){bits, sizeof(bits)}, &found, &key, &e), -1);
	ck_assert_msg(e.code == E_UNSUPPORTED && strstr(e.detail, "cryptographic library"), "%s", e.detail);
}
END_TEST

/* Signs for up to seconds; one of them is enough. */
static bool
is_slow(const struct keytype *t)
{
	size_t len = strlen(t->name);
	return t->family == KEY_SLHDSA && t->name[len - 1] == 's' && strcmp(t->name, "slhdsa-sha2-128s") != 0;
}

static bool
is_sample(const struct keytype *t)
{
	static const char *const names[] = {"p256", "brainpoolp384t1", "sect283k1", "rsa2048", "rsapss2048", "ed25519", "mldsa44", "slhdsa-sha2-128f", "mlkem512"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(t->name, names[i]) == 0)
			return true;
	return false;
}

/* Which types there are here. Of RSA the sizes that are made in no time: the others take the same way. */
static void
find_types(void)
{
	const struct keytype *t;
	for (size_t i = 0; (t = keytype_at(i)) != NULL && n_leaves < MAX_TYPES; i++) {
		bool rsa = t->family == KEY_RSA || t->family == KEY_RSA_PSS;
		if (keytype_check(t, &e) < 0 || keytype_available(t, &e) < 0 || (rsa && t->bits > 2560) || (sanitized && !is_sample(t)))
			continue;
		leaves[n_leaves].type = t;
		if (keytype_generate(t, &leaves[n_leaves].key, &e) < 0)
			continue;
		n_leaves++;
		if (t->signature && !is_slow(t))
			authorities[n_authorities++] = t;
	}
}

int
main(void)
{
	Suite *suite = suite_create("matrix");
	TCase *c = tcase_create("all");
	SRunner *r = srunner_create(suite);
	const char *srcdir = getenv("srcdir");
	char script[4096];
	snprintf(dir, sizeof(dir), "/tmp/siegel-matrix-XXXXXX");
	if (!mkdtemp(dir) || make_stores() != 0) {
		fprintf(stderr, "no SoftHSM token\n");
		return 1;
	}
	ca_profile = profile_of(ca_definition);
	leaf_profile = profile_of(leaf_definition);
	kem_profile = profile_of(kem_definition);
	find_types();
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, test_in_file, 0, n_authorities);
	tcase_add_loop_test(c, test_on_token, 0, n_authorities);
	tcase_add_loop_test(c, test_requests, 0, n_authorities);
	tcase_add_test(c, test_key_without_signature);
	tcase_add_loop_test(c, test_lacking, 0, 3);
	suite_add_tcase(suite, c);
	srunner_run_all(r, CK_NORMAL);
	int bad = srunner_ntests_failed(r);
	srunner_free(r);
	snprintf(script, sizeof(script), "%.4000s/tests/unit/ca/matrix_verify.py", srcdir ? srcdir : ".");
	const char *const verify[] = {"/usr/bin/python3", script, dir, sanitized ? "few" : NULL, NULL}, *const tidy[] = {"rm", "-rf", dir, NULL};
	if (run(verify) != 0)
		bad++;
	run(tidy);
	for (int i = 0; i < n_leaves; i++)
		EVP_PKEY_free(leaves[i].key);
	config_free(config);
	profile_free(ca_profile);
	profile_free(leaf_profile);
	profile_free(kem_profile);
	return bad ? 1 : 0;
}
