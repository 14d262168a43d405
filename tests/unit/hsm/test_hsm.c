/* The key store on a SoftHSM token that this program makes in a folder of its own, and in files. */
#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hsm/hsm.h"
#include "lib/seal.h"
#include "tests/unit/hsm/house.h"

static struct error e;

/* A configuration with the token, files, or both. */
static struct config *
config_of(bool token, const char *pin, const char *label, const char *master)
{
	char text[1024], name[64];
	struct config *c = NULL;
	int n = snprintf(text, sizeof(text), "[ca]\nkey_dir = %s/keys\n", house_dir);
	if (master)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "master_key_file = %s/%s\n", house_dir, master);
	if (token)
		snprintf(text + n, sizeof(text) - (size_t)n, "pkcs11_module = %s\ntoken_label = %s\npin_file = %s/%s\n", house_module, label, house_dir, pin);
	snprintf(name, sizeof(name), "siegel-%d.conf", (int)getpid()); /* neighbour() writes one at the same time */
	house_write(name, text, 0600);
	ck_assert_msg(config_load(house_path(name), &c, &e) == 0, "%s", e.detail);
	return c;
}

static const struct {
	const char *type, *kind;
} types[] = {{"p256", "token:"}, {"p384", "token:"}, {"p521", "token:"}, {"rsa2048", "token:"}, {"brainpoolp256r1", "token:"}, {"ed25519", "token:"}, {"ed448", "token:"},
	     {"rsapss2048", "token:"}, {"secp256k1", "token:"}};

START_TEST(test_generate)
{
	struct config *c = config_of(true, "pin", "t", "master");
	struct hsm *h = NULL;
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL, *again = NULL, *other = NULL;
	const struct keytype *t = keytype_by_name(types[_i].type);
	ck_assert_msg(hsm_open(c, &h, &e) == 0, "%s", e.detail);
	ck_assert_msg(hsm_key_generate(h, "", t, "label", ref, &key, &e) == 0, "%s", e.detail);
	ck_assert_msg(strncmp(ref, types[_i].kind, strlen(types[_i].kind)) == 0, "%s", ref);
	ck_assert(house_signs(key, t->signature->digest));
	/* another process finds it by its reference; what it knows is the public key */
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	const unsigned char *at = der;
	EVP_PKEY *public = d2i_PUBKEY(NULL, &at, len);
	ck_assert_ptr_nonnull(public);
	ck_assert_int_eq(EVP_PKEY_eq(public, key), 1);
	ck_assert_int_eq(EVP_PKEY_eq(key, public), 1);
	OPENSSL_free(der);
	EVP_PKEY_free(key); /* before its token is closed, as hsm.h says */
	hsm_close(h);
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_msg(hsm_key_load(h, ref, public, &again, &e) == 0, "%s", e.detail);
	ck_assert(house_signs(again, t->signature->digest));
	/* a reference to a key that isn't the certificate's (H05) */
	ck_assert_int_eq(keytype_generate(t, &other, &e), 0);
	EVP_PKEY *wrong = NULL;
	ck_assert_int_eq(hsm_key_load(h, ref, other, &wrong, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	EVP_PKEY_free(again);
	EVP_PKEY_free(other);
	EVP_PKEY_free(public);
	hsm_close(h);
	config_free(c);
}
END_TEST

/* What the token says of the private keys on it (H08): they never come out. */
/* Another process with the same token: makes a key when it is told to, and says which. */
static void
neighbour(int go, int tell)
{
	struct config *c = config_of(true, "pin", "t", NULL);
	struct hsm *h = NULL;
	struct error bad;
	char ref[HSM_REF_BYTES] = "", word;
	EVP_PKEY *key = NULL;
	unsigned char der[256], *at = der;
	bool good = read(go, &word, 1) == 1 && hsm_open(c, &h, &bad) == 0 &&
	    hsm_key_generate(h, "", keytype_by_name("p256"), "neighbour", ref, &key, &bad) == 0;
	int len = good ? i2d_PUBKEY(key, &at) : 0;
	_exit(write(tell, ref, sizeof(ref)) != sizeof(ref) || write(tell, der, (size_t)len) != len);
}

/* What others made is there after a change of one's own, too. */
START_TEST(test_keys_of_another_process)
{
	struct hsm *h = NULL;
	char ref[HSM_REF_BYTES], theirs[HSM_REF_BYTES];
	EVP_PKEY *first = NULL, *second = NULL, *public = NULL, *loaded = NULL;
	unsigned char der[256];
	int go[2], tell[2], status = -1;
	ck_assert(pipe(go) == 0 && pipe(tell) == 0);
	pid_t pid = fork();
	ck_assert(pid >= 0);
	if (pid == 0)
		neighbour(go[0], tell[1]);
	struct config *c = config_of(true, "pin", "t", NULL);
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_generate(h, "", keytype_by_name("p256"), "first", ref, &first, &e), 0);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(read(tell[0], theirs, sizeof(theirs)), (ssize_t)sizeof(theirs));
	ck_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ssize_t len = read(tell[0], der, sizeof(der));
	const unsigned char *at = der;
	public = d2i_PUBKEY(NULL, &at, len);
	ck_assert_ptr_nonnull(public);
	ck_assert_int_eq(hsm_key_generate(h, "", keytype_by_name("p256"), "second", ref, &second, &e), 0);
	ck_assert_msg(hsm_key_load(h, theirs, public, &loaded, &e) == 0, "%s", e.detail);
	ck_assert(house_signs(loaded, "SHA256"));
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
	EVP_PKEY_free(public);
	EVP_PKEY_free(loaded);
	hsm_close(h);
	config_free(c);
}
END_TEST

START_TEST(test_not_extractable)
{
	struct config *c = config_of(true, "pin", "t", NULL);
	struct hsm *h = NULL;
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL;
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_generate(h, "", keytype_by_name("p256"), "label", ref, &key, &e), 0);
	EVP_PKEY_free(key);
	hsm_close(h);
	config_free(c);
	void *handle = dlopen(house_module, RTLD_NOW);
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slots[8];
	CK_ULONG n = ARRAY_LEN(slots), found = 0;
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE object;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_BBOOL sensitive = 0, extractable = 1, never = 0;
	CK_UTF8CHAR pin[] = "123456";
	CK_ATTRIBUTE find[] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_ATTRIBUTE read[] = {{CKA_SENSITIVE, &sensitive, 1}, {CKA_EXTRACTABLE, &extractable, 1}, {CKA_NEVER_EXTRACTABLE, &never, 1}};
	*(void **)&get = dlsym(handle, "C_GetFunctionList");
	ck_assert_int_eq(get(&f), CKR_OK);
	ck_assert_int_eq(f->C_Initialize(NULL), CKR_OK);
	ck_assert_int_eq(f->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	ck_assert_int_eq(f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_OK);
	ck_assert_int_eq(f->C_Login(s, CKU_USER, pin, 6), CKR_OK);
	ck_assert_int_eq(f->C_FindObjectsInit(s, find, 1), CKR_OK);
	ck_assert_int_eq(f->C_FindObjects(s, &object, 1, &found), CKR_OK);
	ck_assert_uint_eq(found, 1);
	ck_assert_int_eq(f->C_GetAttributeValue(s, object, read, 3), CKR_OK);
	ck_assert_int_eq(sensitive, CK_TRUE);
	ck_assert_int_eq(extractable, CK_FALSE);
	ck_assert_int_eq(never, CK_TRUE);
	f->C_Finalize(NULL);
	dlclose(handle);
}
END_TEST

/* The store is there, but not usable: its keys say why. */
static void
refused(struct config *c, enum error_code code, const char *why)
{
	struct hsm *h = NULL;
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL;
	ck_assert_msg(hsm_open(c, &h, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(hsm_key_generate(h, "t", keytype_by_name("p256"), "label", ref, &key, &e), -1);
	ck_assert_int_eq(e.code, code);
	ck_assert_msg(strstr(e.detail, why) != NULL, "%s", e.detail);
	ck_assert_int_eq(hsm_key_generate(h, "", keytype_by_name("p256"), "label", ref, &key, &e), -1);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	hsm_close(h);
	config_free(c);
}

START_TEST(test_refusals)
{
	struct hsm *h = NULL;
	refused(config_of(true, "wrong-pin", "t", NULL), E_KEY_STORE, "refused the PIN");
	ck_assert_ptr_null(strstr(e.detail, "654321"));
	house_write("open-pin", "123456\n", 0644); /* anybody may read it */
	chmod(house_dir, 0700);
	refused(config_of(true, "open-pin", "t", NULL), E_KEY_STORE, "mode");
	struct config *c = config_of(true, "pin", "nosuch", NULL);
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL;
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_generate(h, "", keytype_by_name("p256"), "label", ref, &key, &e), -1);
	ck_assert_msg(strstr(e.detail, "isn't there") != NULL, "%s", e.detail);
	hsm_close(h);
	config_free(c);
	c = config_of(false, NULL, NULL, NULL);
	ck_assert_int_eq(hsm_open(c, &h, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	config_free(c);
}
END_TEST

/* A token alone, and a type that it can't hold: said by name. With files beside it they take it, unless the token was named. */
START_TEST(test_unsupported)
{
	struct hsm *h = NULL;
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL;
	const struct keytype *binary = keytype_by_name("sect283r1");
	struct config *c = config_of(true, "pin", "t", NULL);
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_generate(h, "", binary, "label", ref, &key, &e), -1);
	ck_assert_int_eq(e.code, E_UNSUPPORTED);
	ck_assert_msg(strstr(e.detail, "the token \"t\"") != NULL, "%s", e.detail);
	ck_assert_int_eq(hsm_key_generate(h, "file", binary, "label", ref, &key, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	hsm_close(h);
	config_free(c);
	c = config_of(true, "pin", "t", "master");
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_generate(h, "t", binary, "label", ref, &key, &e), -1);
	ck_assert_int_eq(e.code, E_UNSUPPORTED);
	ck_assert_int_eq(hsm_key_generate(h, "", binary, "label", ref, &key, &e), 0);
	ck_assert_int_eq(strncmp(ref, "file:", 5), 0);
	EVP_PKEY_free(key);
	ck_assert_int_eq(hsm_key_generate(h, "file", keytype_by_name("p256"), "label", ref, &key, &e), 0);
	ck_assert_int_eq(strncmp(ref, "file:", 5), 0);
	EVP_PKEY_free(key);
	hsm_close(h);
	config_free(c);
}
END_TEST

/* Sealed by the token, and by the files where there is none: opens with the same context alone, and nothing of it can be changed. */
START_TEST(test_wrapping)
{
	struct config *c = config_of(_i != 1, "pin", "t", _i == 0 ? NULL : "master");
	struct hsm *h = NULL;
	struct secret *plain = NULL;
	bool current = false;
	struct buf b BUF_CLEANUP = BUF_INIT(1024), large BUF_CLEANUP = BUF_INIT(HSM_SEAL_MAX + HSM_SEAL_OVERHEAD);
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_msg(hsm_seal(h, "", "archive:17", "secret", 6, &b, &e) == 0, "%s", e.detail);
	ck_assert_uint_le(b.len, 6 + HSM_SEAL_OVERHEAD);
	ck_assert_ptr_null(memmem(b.data, b.len, "secret", 6));
	hsm_close(h);
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_msg(hsm_unseal(h, "archive:17", (struct bytes){b.data, b.len}, &plain, &e) == 0, "%s", e.detail);
	ck_assert_uint_eq(plain->len, 6);
	ck_assert_mem_eq(plain->data, "secret", 6);
	secret_free(plain);
	ck_assert_int_eq(hsm_unseal(h, "archive:18", (struct bytes){b.data, b.len}, &plain, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x10;
		ck_assert_int_eq(hsm_unseal(h, "archive:17", (struct bytes){b.data, b.len}, &plain, &e), -1);
		b.data[i] ^= 0x10;
		ck_assert_int_eq(hsm_unseal(h, "archive:17", (struct bytes){b.data, i}, &plain, &e), -1);
	}
	/* as large as it may be, and one more */
	struct secret *much CLEANUP(secret_free) = secret_new(NULL, HSM_SEAL_MAX + 1);
	ck_assert_int_eq(hsm_seal(h, "", "x", much->data, HSM_SEAL_MAX + 1, &large, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_LARGE);
	ck_assert_msg(hsm_seal(h, "", "x", much->data, HSM_SEAL_MAX, &large, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(hsm_unseal(h, "x", (struct bytes){large.data, large.len}, &plain, &e), 0);
	ck_assert_uint_eq(plain->len, HSM_SEAL_MAX);
	secret_free(plain);
	/* a new key seals from now on, the old one opens */
	ck_assert_int_eq(hsm_seal_current(h, "", (struct bytes){b.data, b.len}, &current, &e), 0);
	ck_assert(current);
	ck_assert_int_eq(hsm_seal_rotate(h, "", &e), _i == 1 ? -1 : 0);
	ck_assert_int_eq(hsm_seal_current(h, "", (struct bytes){b.data, b.len}, &current, &e), 0);
	ck_assert_int_eq(current, _i == 1);
	ck_assert_int_eq(hsm_unseal(h, "archive:17", (struct bytes){b.data, b.len}, &plain, &e), 0);
	secret_free(plain);
	hsm_close(h);
	config_free(c);
}
END_TEST

START_TEST(test_files)
{
	struct hsm *h = NULL;
	char ref[HSM_REF_BYTES], path[512];
	EVP_PKEY *key = NULL, *again = NULL;
	struct config *c = config_of(false, NULL, NULL, "master");
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_generate(h, "", keytype_by_name("ed448"), "label", ref, &key, &e), 0);
	hsm_close(h);
	config_free(c);
	/* another master key opens nothing */
	c = config_of(false, NULL, NULL, "other-master");
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_load(h, ref, key, &again, &e), -1);
	hsm_close(h);
	config_free(c);
	/* nor does a file in which a bit is flipped */
	snprintf(path, sizeof(path), "%s/keys/%s.key", house_dir, ref + 5);
	int fd = open(path, O_RDWR);
	uint8_t octet;
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(pread(fd, &octet, 1, 20), 1);
	octet ^= 1;
	ck_assert_int_eq(pwrite(fd, &octet, 1, 20), 1);
	close(fd);
	c = config_of(false, NULL, NULL, "master");
	ck_assert_int_eq(hsm_open(c, &h, &e), 0);
	ck_assert_int_eq(hsm_key_load(h, ref, key, &again, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	ck_assert_int_eq(hsm_key_load(h, "file:../../pin", key, &again, &e), -1);
	ck_assert_int_eq(hsm_key_load(h, "token:00", key, &again, &e), -1);
	ck_assert_int_eq(hsm_key_load(h, "nonsense", key, &again, &e), -1);
	EVP_PKEY_free(key);
	hsm_close(h);
	config_free(c);
}
END_TEST

START_TEST(test_seal)
{
	struct secret *k1 = secret_new(NULL, SEAL_KEY_BYTES), *k2 = secret_new("01234567890123456789012345678901", 32), *plain = NULL;
	struct buf b BUF_CLEANUP = BUF_INIT(256);
	ck_assert_int_eq(seal(k1, "purpose", "secret", 6, &b, &e), 0);
	struct bytes sealed = {b.data, b.len};
	ck_assert_uint_eq(b.len, 6 + SEAL_OVERHEAD_BYTES);
	ck_assert_ptr_null(memmem(b.data, b.len, "secret", 6));
	ck_assert_int_eq(seal_open(k1, "purpose", sealed, &plain, &e), 0);
	ck_assert_mem_eq(plain->data, "secret", 6);
	secret_free(plain);
	ck_assert_int_eq(seal_open(k1, "another purpose", sealed, &plain, &e), -1);
	ck_assert_int_eq(seal_open(k2, "purpose", sealed, &plain, &e), -1);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x80;
		ck_assert_int_eq(seal_open(k1, "purpose", sealed, &plain, &e), -1);
		b.data[i] ^= 0x80;
	}
	ck_assert_int_eq(seal_open(k1, "purpose", (struct bytes){b.data, SEAL_OVERHEAD_BYTES - 1}, &plain, &e), -1);
	secret_free(k1);
	secret_free(k2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hsm");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, house_setup, house_teardown);
	tcase_add_loop_test(c, test_generate, 0, ARRAY_LEN(types));
	tcase_add_test(c, test_keys_of_another_process);
	tcase_add_test(c, test_not_extractable);
	tcase_add_test(c, test_refusals);
	tcase_add_test(c, test_unsupported);
	tcase_add_loop_test(c, test_wrapping, 0, 3); /* token, files, both */
	tcase_add_test(c, test_files);
	tcase_add_test(c, test_seal);
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
