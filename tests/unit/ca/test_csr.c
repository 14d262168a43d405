/* Hostile certification requests: each file of tests/data/csr against its expected outcome, and a good one cut and flipped
 * everywhere. What is tested is all that decides without a profile: the reader, the key, the signature, the names. */
#include <config.h>

#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <ctype.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/blocklist.h"
#include "lib/x509/csr.h"
#include "lib/x509/names.h"
#include "ca/publickey.h"
#include "ca/rules.h"
#include "lib/x509/dn.h"

#define MAX_CPU_SEC 1.0 /* for one request; a sanitizer build has to make it too */
#define MAX_KEY_SEC 0.1 /* for keys that are too large: nothing is computed with them (CVE-2023-6237) */

struct taken {
	const char *refused_by; /* NULL: nothing refused it */
	struct csr csr;
	struct dn_value subject[LIMIT_RDN_COUNT];
	struct name names[LIMIT_SAN_COUNT];
	size_t n_subject, n_names;
};

/* The way of a request through the engine, up to where a profile decides. */
static struct taken
take(struct arena *a, struct bytes der, struct error *e)
{
	CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
	const struct keytype *type;
	struct taken t = {0};
	/* As a profile has them that says nothing of the kinds by which somebody logs on. */
	const struct profile profile = {.name = "p", .name_allowed = {[NAME_DNS] = true, [NAME_IP] = true, [NAME_EMAIL] = true, [NAME_URI] = true}};

	if (csr_parse(der, &t.csr, e) < 0)
		t.refused_by = "csr_parse";
	else if (publickey_load(t.csr.spki_algorithm, t.csr.key, &type, &key, e) < 0)
		t.refused_by = "publickey_load";
	else if (csr_verify(&t.csr, type, key, e) < 0)
		t.refused_by = "csr_verify";
	else if (dn_parse(a, t.csr.subject, t.subject, ARRAY_LEN(t.subject), &t.n_subject, e) < 0)
		t.refused_by = "dn_parse";
	else if (t.csr.san.len && names_parse(a, t.csr.san, true, t.names, ARRAY_LEN(t.names), &t.n_names, e) < 0)
		t.refused_by = "names_parse";
	else if (rules_names(a, &profile, t.names, t.n_names, "csr", e) < 0)
		t.refused_by = "rules_names";
	return t;
}

static const char *
data_folder(void)
{
	static char folder[4096];
	const char *srcdir = getenv("srcdir");

	snprintf(folder, sizeof(folder), "%.4000s/tests/data/csr", srcdir ? srcdir : ".");
	return folder;
}

/* A file in memory of exactly its size, so that a sanitizer sees a read beyond it. The caller frees ret->data. */
static struct bytes
read_sample(const char *name)
{
	char path[8192];
	FILE *f;
	long size;
	uint8_t *data;

	snprintf(path, sizeof(path), "%s/%s", data_folder(), name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s is missing", path);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	ck_assert_int_ge(size, 0);
	rewind(f);
	data = malloc(size ? (size_t)size : 1);
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(fread(data, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	return (struct bytes){data, (size_t)size};
}

static bool
list_has(const json_t *list, const char *text)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

static void
check_names(const char *file, const json_t *sample, const struct taken *t)
{
	const json_t *names = json_object_get(sample, "names"), *cn = json_object_get(sample, "cn");

	for (size_t i = 0; i < t->n_names; i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s:%s", name_kind_word(t->names[i].kind), t->names[i].text);
		ck_assert_msg(list_has(names, text), "%s: the name %s comes out of it", file, text);
	}
	for (size_t i = 0; i < t->n_subject; i++)
		if (strcmp(t->subject[i].type->name, "CN") == 0)
			ck_assert_msg(json_is_array(cn) ? list_has(cn, t->subject[i].value)
							: strcmp(json_string_value(cn), t->subject[i].value) == 0,
				      "%s: the common name %s comes out of it", file, t->subject[i].value);
}

static void
check_sample(const json_t *sample)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	const char *file = json_string_value(json_object_get(sample, "file"));
	const char *parse = json_string_value(json_object_get(sample, "parse"));
	const char *issue = json_string_value(json_object_get(sample, "issue"));
	const char *says = json_string_value(json_object_get(sample, "says"));
	struct bytes der = read_sample(file);
	struct error e = {0};
	clock_t start = clock();
	struct taken t = take(a, der, &e);
	double cpu_sec = (double)(clock() - start) / CLOCKS_PER_SEC;
	bool parsed = !t.refused_by || strcmp(t.refused_by, "csr_parse") != 0;

	double most = strcmp(json_string_value(json_object_get(sample, "row")), "A08") == 0 ? MAX_KEY_SEC : MAX_CPU_SEC;

	ck_assert_msg(cpu_sec < most, "%s took %.1f s", file, cpu_sec);
	if (strcmp(parse, "any") != 0)
		ck_assert_msg(parsed == (strcmp(parse, "accept") == 0), "%s: csr_parse %s it: %s", file, parsed ? "takes" : "refuses",
			      parsed ? "" : e.detail);
	if (t.refused_by) {
		ck_assert_msg(strcmp(issue, "issue") != 0, "%s is refused by %s: %s", file, t.refused_by, e.detail);
		ck_assert_msg(list_has(json_object_get(sample, "codes"), error_name(e.code)), "%s is refused by %s as %s: %s", file,
			      t.refused_by, error_name(e.code), e.detail);
		ck_assert_msg(e.detail[0] != '\0', "%s is refused without a word", file);
		ck_assert_msg(!says || strstr(e.detail, says), "%s is refused for another reason: %s", file, e.detail);
	} else {
		ck_assert_msg(strcmp(issue, "refuse") != 0, "%s is taken", file);
		check_names(file, sample, &t);
	}
	free((void *)(uintptr_t)der.data);
}

/* What is taken here, because only a profile could refuse it. */
START_TEST(test_taken)
{
	static const char *const files[] = {"rsa-2048.der", "rsa-2056.der", "rsa-2560.der", "rsapss-key.der", "rsapss-of-rsa-key.der",
	    "rsapss-salt-20.der", "rsapss-bound.der", "ec-secp256k1.der"};
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct bytes der = read_sample(files[i]);
		struct error e;
		struct taken t = take(a, der, &e);

		ck_assert_msg(!t.refused_by, "%s is refused by %s: %s", files[i], t.refused_by, t.refused_by ? e.detail : "");
		free((void *)(uintptr_t)der.data);
	}
}
END_TEST

/* --- lists of weak keys --- */

static char list_dir[64];

static void
make_list_dir(void)
{
	snprintf(list_dir, sizeof(list_dir), "/tmp/siegel-test-lists-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(list_dir));
}

static void
write_list(const char *name, const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", list_dir, name);
	f = text ? fopen(path, "w") : NULL;
	if (!text) {
		ck_assert_int_eq(unlink(path), 0);
		return;
	}
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* What the lists of that file's key would have: made by hand, as doc/weak-keys.md says an operator does with openssl(1). */
static void
list_lines(struct bytes der, char modulus_line[21], char spki_line[65])
{
	const unsigned char *p = der.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)der.len);
	EVP_PKEY *key = X509_REQ_get_pubkey(request);
	unsigned char *spki = NULL, hash[32];
	int len = i2d_PUBKEY(key, &spki);
	BIGNUM *n = NULL;

	SHA256(spki, (size_t)len, hash);
	for (size_t i = 0; i < 32; i++)
		snprintf(spki_line + 2 * i, 3, "%02x", hash[i]);
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n)) {
		char *hex = BN_bn2hex(n), text[4096];

		SHA1((unsigned char *)text, (size_t)snprintf(text, sizeof(text), "Modulus=%s\n", hex), hash);
		for (size_t i = 0; i < 10; i++)
			snprintf(modulus_line + 2 * i, 3, "%02x", hash[10 + i]);
		OPENSSL_free(hex);
		BN_free(n);
	}
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
	X509_REQ_free(request);
}

static void
check_taken(struct bytes der, bool taken, const char *says)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct error e;
	struct taken t = take(a, der, &e);

	ck_assert_msg(!t.refused_by == taken, "%s", t.refused_by ? e.detail : "taken");
	if (!taken) {
		ck_assert_int_eq(e.code, E_BAD_KEY);
		ck_assert_msg(strstr(e.detail, says) != NULL, "%s", e.detail);
	}
}

/* A10: Debian's weak keys in the format of its package, other keys by the hash of their SubjectPublicKeyInfo. */
START_TEST(test_lists)
{
	struct bytes rsa = read_sample("rsa-2048.der"), ec = read_sample("good-p256.der");
	char modulus[21], spki[65], text[1024];
	struct error e;

	make_list_dir();
	list_lines(ec, modulus, spki);
	snprintf(text, sizeof(text), "# lost in 2026\n\n%064d\r\n%s\r\n", 0, spki);
	write_list("lost.spki", text);
	list_lines(rsa, modulus, spki);
	for (char *c = modulus; *c; c++)
		*c = (char)toupper(*c);
	snprintf(text, sizeof(text), "# 2048 bits\n%020d\n%s\nffffffffffffffffffff\n0123456789abcdef0123", 0, modulus);
	write_list("blacklist.RSA-2048", text);

	ck_assert_int_eq(blocklist_load("", &e), 0);
	ck_assert_uint_eq(blocklist_count(), 0);
	check_taken(rsa, true, NULL);
	check_taken(ec, true, NULL);
	ck_assert_msg(blocklist_load(list_dir, &e) == 0, "%s", e.detail);
	ck_assert_uint_eq(blocklist_count(), 6);
	check_taken(rsa, false, "CVE-2008-0166");
	check_taken(ec, false, "list");
	write_list("rsa.spki", spki);
	write_list("blacklist.RSA-2048", NULL);
	ck_assert_int_eq(blocklist_load(list_dir, &e), 0);
	check_taken(rsa, false, "list of keys");
	write_list("rsa.spki", NULL);
	ck_assert_int_eq(blocklist_load(list_dir, &e), 0);
	check_taken(rsa, true, NULL);
	check_taken(ec, false, "list");
	write_list("lost.spki", NULL);
	ck_assert_int_eq(rmdir(list_dir), 0);
	free((void *)(uintptr_t)rsa.data);
	free((void *)(uintptr_t)ec.data);
}
END_TEST

/* A list that can't be read is said to be, and none of the others is used half. */
START_TEST(test_lists_refused)
{
	static const struct {
		const char *name, *text, *says;
	} cases[] = {{"blacklist.RSA-2048", "0123456789abcdef0123\n0123456789abcdef012\n", "line 2: 20 hexadecimal"},
	    {"blacklist.RSA-1024", "0123456789abcdef01234\n", "line 1"}, {"a.spki", "0123456789abcdef0123\n", "line 1: 64 hexadecimal"},
	    {"a.spki", "# fine\nzz\n", "line 2"}, {"list.txt", "", "list.txt"}};
	struct error e;

	make_list_dir();
	write_list("good.spki", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		write_list(cases[i].name, cases[i].text);
		ck_assert_msg(blocklist_load(list_dir, &e) < 0, "%s is taken", cases[i].name);
		ck_assert_int_eq(e.code, E_BAD_VALUE);
		ck_assert_msg(strstr(e.detail, cases[i].says) != NULL, "%s", e.detail);
		ck_assert_uint_eq(blocklist_count(), 0);
		write_list(cases[i].name, NULL);
	}
	ck_assert_int_eq(blocklist_load(list_dir, &e), 0);
	ck_assert_uint_eq(blocklist_count(), 1);
	write_list("good.spki", NULL);
	ck_assert_int_eq(rmdir(list_dir), 0);
	ck_assert_int_lt(blocklist_load(list_dir, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.detail, "weak_key_dir"));
}
END_TEST

static json_t *samples; /* read once by main() */

START_TEST(test_sample)
{
	check_sample(json_array_get(samples, (size_t)_i));
}
END_TEST

/* A01: cut after every octet. */
START_TEST(test_truncated)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes good = read_sample("good-p256.der");
	struct error e;

	for (size_t len = 0; len < good.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		struct csr csr;

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, good.data, len);
		ck_assert_msg(csr_parse((struct bytes){cut, len}, &csr, &e) < 0, "cut to %zu octets it is taken", len);
		ck_assert_int_eq(e.code, E_BAD_CSR);
		free(cut);
	}
	free((void *)(uintptr_t)good.data);
	arena_reset(a);
}
END_TEST

/* A02: every single bit turned over; nothing comes through the signature. */
START_TEST(test_flipped)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes good = read_sample("good-p256.der");
	uint8_t *flipped = malloc(good.len);

	ck_assert_ptr_nonnull(flipped);
	memcpy(flipped, good.data, good.len);
	for (size_t bit = 0; bit < good.len * 8; bit++) {
		struct error e;
		struct taken t;

		flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		t = take(a, (struct bytes){flipped, good.len}, &e);
		ck_assert_msg(t.refused_by && strcmp(t.refused_by, "dn_parse") != 0 && strcmp(t.refused_by, "names_parse") != 0,
			      "with bit %zu of octet %zu turned over the signature verifies", bit % 8, bit / 8);
		flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		arena_reset(a);
	}
	free(flipped);
	free((void *)(uintptr_t)good.data);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("csr");
	TCase *tcase = tcase_create("hostile");
	SRunner *runner = srunner_create(suite);
	char path[8192];
	json_error_t why;
	int failed;

	snprintf(path, sizeof(path), "%s/expected.json", data_folder());
	samples = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (json_array_size(samples) < 150) {
		fprintf(stderr, "%s: %s\n", path, samples ? "too few samples" : why.text);
		return 1;
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_sample, 0, (int)json_array_size(samples));
	tcase_add_test(tcase, test_taken);
	tcase_add_test(tcase, test_lists);
	tcase_add_test(tcase, test_lists_refused);
	tcase_add_test(tcase, test_truncated);
	tcase_add_test(tcase, test_flipped);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	json_decref(samples);
	return failed ? 1 : 0;
}
