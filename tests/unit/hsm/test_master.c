/* Where the master key of the encrypted key store comes from. */
#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hsm/hsm.h"
#include "tests/unit/hsm/house.h"

static struct error e;

static struct config *
config_of(const char *master, bool token)
{
	char text[1024];
	struct config *c = NULL;
	int n = snprintf(text, sizeof(text), "[ca]\nkey_dir = %s/keys\nmaster_key = %s\n", house_dir, master);
	if (token)
		snprintf(text + n, sizeof(text) - (size_t)n, "pkcs11_module = %s\ntoken_label = t\npin_file = %s/pin\n", house_module, house_dir);
	house_write("siegel.conf", text, 0600);
	ck_assert_msg(config_load(house_path("siegel.conf"), &c, &e) == 0, "%s", e.detail);
	return c;
}

/* Makes a key in the files under that configuration. */
static EVP_PKEY *
make(const char *master, bool token, char *ref)
{
	struct config *c = config_of(master, token);
	struct hsm *h = NULL;
	EVP_PKEY *key = NULL;
	ck_assert_msg(hsm_open(c, &h, &e) == 0, "%s", e.detail);
	ck_assert_msg(hsm_key_generate(h, "file", keytype_by_name("p256"), "label", ref, &key, &e) == 0, "%s", e.detail);
	hsm_close(h);
	config_free(c);
	return key;
}

/* Opens it under another; true when it is that key. */
static bool
opens(const char *master, bool token, const char *ref, EVP_PKEY *key)
{
	struct config *c = config_of(master, token);
	struct hsm *h = NULL;
	EVP_PKEY *again = NULL;
	ck_assert_msg(hsm_open(c, &h, &e) == 0, "%s", e.detail);
	bool good = hsm_key_load(h, ref, key, &again, &e) == 0;
	EVP_PKEY_free(again);
	hsm_close(h);
	config_free(c);
	return good;
}

static const char *
word(const char *kind, const char *file)
{
	static char words[4][300];
	static unsigned next;
	char *w = words[next++ % 4];
	snprintf(w, sizeof(words[0]), "%s%s", kind, house_path(file));
	return w;
}

START_TEST(test_passphrase)
{
	char ref[HSM_REF_BYTES], both[600];
	house_write("passphrase", "correct horse battery staple\n", 0600);
	EVP_PKEY *key = make(word("passphrase:", "passphrase"), false, ref);
	ck_assert(opens(word("passphrase:", "passphrase"), false, ref, key));
	/* it is kept how the key was made, not the key, and nobody else may read it */
	char command[200];
	snprintf(command, sizeof(command), "grep -qx 'scrypt 65536 8 1 [0-9a-f]\\{32\\} [0-9a-f]\\{16\\}' %s/keys/master-*.scrypt", house_dir);
	ck_assert_int_eq(system(command), 0);
	/* another passphrase in the same place is said to be another */
	house_write("passphrase", "correct horse battery stable\n", 0600);
	ck_assert(!opens(word("passphrase:", "passphrase"), false, ref, key));
	ck_assert_msg(strstr(e.detail, "isn't the one") != NULL, "%s", e.detail);
	ck_assert_ptr_null(strstr(e.detail, "stable"));
	house_write("passphrase", "short\n", 0600);
	ck_assert(!opens(word("passphrase:", "passphrase"), false, ref, key));
	/* a new one in front: the old key opens, a new one is made with the new */
	house_write("passphrase", "correct horse battery staple\n", 0600);
	snprintf(both, sizeof(both), "%s %s", word("key:", "master"), word("passphrase:", "passphrase"));
	ck_assert(opens(both, false, ref, key));
	EVP_PKEY_free(key);
	key = make(both, false, ref);
	ck_assert(opens(word("key:", "master"), false, ref, key));
	ck_assert(!opens(word("passphrase:", "passphrase"), false, ref, key));
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(test_credential)
{
	char ref[HSM_REF_BYTES];
	ck_assert_int_eq(mkdir(house_path("credentials"), 0700), 0);
	house_write("credentials/master", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0440); /* as systemd does it */
	setenv("CREDENTIALS_DIRECTORY", house_path("credentials"), 1);
	EVP_PKEY *key = make("key:credential:master", false, ref);
	ck_assert(opens(word("key:", "master"), false, ref, key)); /* the same key in a file */
	ck_assert(!opens("key:credential:nosuch", false, ref, key));
	house_write("credentials/master", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0444);
	ck_assert_int_eq(chmod(house_path("credentials/master"), 0444), 0);
	ck_assert(!opens("key:credential:master", false, ref, key));
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert(!opens("key:credential:master", false, ref, key));
	ck_assert_msg(strstr(e.detail, "LoadCredential") != NULL, "%s", e.detail);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(test_sealed)
{
	char ref[HSM_REF_BYTES];
	struct stat st;
	EVP_PKEY *key = make(word("sealed:", "master.sealed"), true, ref);
	ck_assert_int_eq(stat(house_path("master.sealed"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert(opens(word("sealed:", "master.sealed"), true, ref, key));
	/* another token can't open it */
	house_token("other", NULL);
	struct config *c = NULL;
	struct hsm *h = NULL;
	EVP_PKEY *again = NULL;
	char text[1024];
	snprintf(text, sizeof(text), "[ca]\nkey_dir = %s/keys\nmaster_key = sealed:%s/master.sealed\npkcs11_module = %s\ntoken_label = other\npin_file = %s/pin\n",
		 house_dir, house_dir, house_module, house_dir);
	house_write("siegel.conf", text, 0600);
	ck_assert_int_eq(config_load(house_path("siegel.conf"), &c, &e), 0);
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_load(h, ref, key, &again, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	hsm_close(h);
	config_free(c);
	EVP_PKEY_free(key);
}
END_TEST

static const struct {
	const char *line, *why;
} bad[] = {
    {"master_key = key:/x\nmaster_key_file = /y", "both set"},
    {"master_key = /x", "begins with none of"},
    {"master_key = key:x", "absolute path"},
    {"master_key = key:credential:../x", "absolute path or credential"},
    {"master_key = passphrase:", "absolute path"},
    {"master_key = sealed:x", "absolute path"},
    {"master_key = sealed:/x", "needs a token"},
    {"master_key = key:/1 key:/2 key:/3 key:/4 key:/5 key:/6 key:/7 key:/8 key:/9", "one to 8"},
    {"tokens = pkcs11:token=a?module-path=/m", "pin-source"},
    {"tokens = pkcs11:token=a?pin-source=file:/p", "module-path"},
    {"tokens = pkcs11:token=a?module-path=m.so&pin-source=file:/p", "absolute path"}, /* H07: nothing that is looked for */
    {"tokens = pkcs11:token=a?module-path=/m&pin-value=1234", "holds its PIN"},
    {"tokens = pkcs11:token=a?module-path=/m&pin-source=|/bin/sh", "pin-source=file"},
    {"tokens = pkcs11:?module-path=/m&pin-source=file:/p", "neither token nor serial"},
    {"tokens = pkcs11:token=file?module-path=/m&pin-source=file:/p", "the name"},
    {"tokens = pkcs11:token=a?module-path=/m&pin-source=file:/p pkcs11:token=a?module-path=/m&pin-source=file:/p", "the name"},
    {"tokens = token", "PKCS#11 URI"},
    {"pkcs11_module = /m", "pin_file"},
    {"pkcs11_module = /m\npin_file = /p\ntoken_label = 123456789012345678901234567890123", "32 bytes"},
    {"key_dir = /k", "nowhere to keep keys"},
};

START_TEST(test_bad)
{
	char text[1024];
	struct config *c = NULL;
	struct hsm *h = NULL;
	snprintf(text, sizeof(text), "[ca]\n%s\n", bad[_i].line);
	house_write("siegel.conf", text, 0600);
	ck_assert_msg(config_load(house_path("siegel.conf"), &c, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(hsm_check(c, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_msg(strstr(e.detail, bad[_i].why) != NULL, "%s", e.detail);
	ck_assert_ptr_null(strstr(e.detail, "1234\""));
	ck_assert_int_eq(hsm_open(c, &h, &e), -1);
	config_free(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("master");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, house_setup, house_teardown);
	tcase_add_test(c, test_passphrase);
	tcase_add_test(c, test_credential);
	tcase_add_test(c, test_sealed);
	tcase_add_loop_test(c, test_bad, 0, ARRAY_LEN(bad));
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	/* A fork for each test, also under sanitizers: a PKCS#11 module reads its configuration once for a process. */
	srunner_set_fork_status(r, CK_FORK);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
