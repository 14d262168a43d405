/* Hostile certification requests: each file of tests/data/csr against its expected outcome, and a good one cut and flipped
 * everywhere. What is tested is all that decides without a profile: the reader, the key, the signature, the names. */
#include <config.h>

#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/csr.h"
#include "ca/names.h"
#include "ca/publickey.h"
#include "ca/rules.h"
#include "lib/x509/dn.h"

#define MAX_CPU_SEC 1.0 /* for one request; a sanitizer build has to make it too */

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
	struct bytes der = read_sample(file);
	struct error e = {0};
	clock_t start = clock();
	struct taken t = take(a, der, &e);
	double cpu_sec = (double)(clock() - start) / CLOCKS_PER_SEC;
	bool parsed = !t.refused_by || strcmp(t.refused_by, "csr_parse") != 0;

	ck_assert_msg(cpu_sec < MAX_CPU_SEC, "%s took %.1f s", file, cpu_sec);
	if (strcmp(parse, "any") != 0)
		ck_assert_msg(parsed == (strcmp(parse, "accept") == 0), "%s: csr_parse %s it: %s", file, parsed ? "takes" : "refuses",
			      parsed ? "" : e.detail);
	if (t.refused_by) {
		ck_assert_msg(strcmp(issue, "issue") != 0, "%s is refused by %s: %s", file, t.refused_by, e.detail);
		ck_assert_msg(list_has(json_object_get(sample, "codes"), error_name(e.code)), "%s is refused by %s as %s: %s", file,
			      t.refused_by, error_name(e.code), e.detail);
		ck_assert_msg(e.detail[0] != '\0', "%s is refused without a word", file);
	} else {
		ck_assert_msg(strcmp(issue, "refuse") != 0, "%s is taken", file);
		check_names(file, sample, &t);
	}
	free((void *)(uintptr_t)der.data);
}

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
	tcase_add_test(tcase, test_truncated);
	tcase_add_test(tcase, test_flipped);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	json_decref(samples);
	return failed ? 1 : 0;
}
