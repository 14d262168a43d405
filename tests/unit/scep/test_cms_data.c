/* The reader of CMS on tests/data/cms: what a file's name says is what becomes of it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/cms.h"
#include "lib/limits.h"
#include "tests/unit/scep/suites.h"

#define FOLDER TOP_SRCDIR "/tests/data/cms/"

static struct bytes
read_file(struct arena *a, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), FOLDER "%s", name);
	FILE *f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	uint8_t *data = arena_alloc(a, 65536);
	size_t len = fread(data, 1, 65536, f);
	fclose(f);
	return (struct bytes){data, len};
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* How many bytes of the message the views point into: they mustn't leave it, or the arena's copy of it. */
static void
touch(struct bytes b, unsigned *sum)
{
	for (size_t i = 0; i < b.len; i++)
		*sum += b.data[i];
}

static void
check_signed(struct arena *a, const char *name, struct bytes der)
{
	struct cms_signed s = {0};
	struct error e = {0};
	unsigned sum = 0;
	int result = cms_signed_parse(a, der, &s, &e);
	if (begins(name, "malformed") || begins(name, "unsupported")) {
		ck_assert_msg(result < 0, "%s is taken", name);
		ck_assert_msg(e.code == (begins(name, "malformed") ? E_MALFORMED : E_UNSUPPORTED), "%s: %s", name, e.detail);
		return;
	}
	ck_assert_msg(result == 0, "%s: %s", name, e.detail);
	for (int i = 0; i < s.n_certificates; i++)
		touch(s.certificates[i], &sum);
	touch(s.content, &sum);
	touch(s.signer.signed_attributes, &sum);
	ck_assert_int_eq(s.has_signer, !begins(name, "degenerate"));
	const struct bytes *signer = cms_signer_certificate(&s);
	ck_assert_msg((signer == NULL) == (begins(name, "degenerate") || begins(name, "nobody")), "%s: %s", name, signer ? "somebody" : "nobody");
	if (!signer)
		return;
	result = cms_signed_verify(&s, *signer, false, &e);
	ck_assert_msg((result == 0) == begins(name, "good"), "%s: %d %s", name, result, e.detail);
	result = cms_signed_verify(&s, *signer, true, &e);
	ck_assert_msg((result == 0) == (begins(name, "good") || begins(name, "legacy")), "%s: %d %s", name, result, e.detail);
	if (result == 0)
		ck_assert(s.content.len == 7 && memcmp(s.content.data, "content", 7) == 0);
}

static void
check_enveloped(struct arena *a, const char *name, struct bytes der)
{
	struct cms_enveloped v = {0};
	struct error e = {0};
	struct bytes content;
	uint8_t key[CMS_MAX_KEY_BYTES];
	int result = cms_enveloped_parse(a, der, &v, &e);
	if (!begins(name, "good")) {
		ck_assert_msg(result < 0, "%s is taken", name);
		ck_assert_msg(e.code == (begins(name, "malformed") ? E_MALFORMED : E_UNSUPPORTED), "%s: %s", name, e.detail);
		return;
	}
	ck_assert_msg(result == 0, "%s: %s", name, e.detail);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	ck_assert_int_eq(cms_decrypt(a, &v, key, &content, &e), 0);
	ck_assert_msg(content.len % 7 == 0 && content.len > 0 && memcmp(content.data, "content", 7) == 0, "%s: %zu octets", name, content.len);
	ck_assert_int_eq(v.kind, strcmp(name, "good-password.der") == 0 ? CMS_PASSWORD : CMS_KEY_TRANSPORT);
	ck_assert_int_eq(v.cipher->legacy, strcmp(name, "good-des3.der") == 0);
	/* With another key there is something, and no error: padding isn't told from content. */
	key[0] ^= 1;
	ck_assert_int_eq(cms_decrypt(a, &v, key, &content, &e), 0);
	ck_assert_uint_le(content.len, v.encrypted.len);
}

START_TEST(test_files)
{
	int n = 0;
	DIR *d = opendir(FOLDER);
	ck_assert_ptr_nonnull(d);
	for (struct dirent *one; (one = readdir(d));) {
		CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		if (one->d_name[0] == '.')
			continue;
		struct bytes der = read_file(a, one->d_name);
		if (begins(one->d_name, "signed-"))
			check_signed(a, one->d_name + 7, der);
		else
			check_enveloped(a, one->d_name + strlen("enveloped-"), der);
		n++;
	}
	closedir(d);
	ck_assert_int_gt(n, 80);
}
END_TEST

/* Every beginning of a good message, and every message with a bit turned over, is read or refused. */
START_TEST(test_bent)
{
	static const char *const names[] = {"signed-good-sha256.der", "signed-good-ber.der", "enveloped-good-aes256.der", "enveloped-good-password.der"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(arena_free) struct arena *keep = arena_new(LIMIT_REQUEST_ARENA_BYTES);
		struct bytes good = read_file(keep, names[i]);
		for (size_t at = 0; at < 8 * good.len; at++) {
			CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
			uint8_t *bad = malloc(good.len); /* of its own: what is read beyond it is found */
			memcpy(bad, good.data, good.len);
			bad[at / 8] ^= (uint8_t)(1u << at % 8);
			size_t len = at % 3 == 0 ? at / 8 : good.len;
			struct cms_signed s;
			struct cms_enveloped v;
			struct error e;
			if (cms_signed_parse(a, (struct bytes){bad, len}, &s, &e) == 0)
				(void)cms_signer_certificate(&s);
			(void)!cms_enveloped_parse(a, (struct bytes){bad, len}, &v, &e);
			free(bad);
		}
	}
}
END_TEST

TCase *
tcase_cms_data(void)
{
	TCase *t = tcase_create("cms data");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_files);
	tcase_add_test(t, test_bent);
	return t;
}
