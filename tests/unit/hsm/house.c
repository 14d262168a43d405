#include "tests/unit/hsm/house.h"

#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"

/* SoftHSM 2.6.1 loses the name of an Edwards curve each time that it reads one. Seen only with whole stacks, and while it is loaded. */
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
	return "leak:libsofthsm2.so\n";
}

char house_dir[64], house_module[256];

const char *
house_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", house_dir, name);
	return path;
}

void
house_write(const char *name, const char *text, mode_t mode)
{
	const char *path = house_path(name);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int
run(const char *const *argv, int out)
{
	extern char **environ;
	pid_t pid;
	int status = 1;
	union {
		const char *const *in;
		char *const *out;
	} u = {.in = argv};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, 1);
	else
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, u.out, environ) != 0 || waitpid(pid, &status, 0) != pid)
		status = 1;
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

void
house_token(const char *label, char *ret_serial)
{
	const char *const init[] = {"softhsm2-util", "--init-token", "--free", "--label", label, "--pin", "123456", "--so-pin", "12345678", NULL};
	const char *const show[] = {"softhsm2-util", "--show-slots", NULL};
	char line[256], serial[17] = "", name[40];
	ck_assert_int_eq(run(init, -1), 0);
	int fd = open(house_path("slots"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(run(show, fd), 0);
	close(fd);
	FILE *f = fopen(house_path("slots"), "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, " Serial number: %16s", serial);
		if (sscanf(line, " Label: %39s", name) == 1 && strcmp(name, label) == 0)
			break;
	}
	fclose(f);
	if (ret_serial)
		snprintf(ret_serial, 17, "%s", serial);
}

void
house_setup(void)
{
	static const char *const places[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"};
	char text[256];
	snprintf(house_dir, sizeof(house_dir), "/tmp/siegel-hsm-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(house_dir));
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], R_OK) == 0)
			snprintf(house_module, sizeof(house_module), "%s", places[i]);
	ck_assert_msg(*house_module && dlopen(house_module, RTLD_NOW | RTLD_NODELETE), "SoftHSM isn't installed");
	ck_assert_int_eq(mkdir(house_path("tokens"), 0700), 0);
	ck_assert_int_eq(mkdir(house_path("keys"), 0700), 0);
	snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", house_dir);
	house_write("softhsm2.conf", text, 0600);
	setenv("SOFTHSM2_CONF", house_path("softhsm2.conf"), 1);
	house_write("pin", "123456\n", 0600);
	house_write("wrong-pin", "654321\n", 0600);
	house_write("master", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600);
	house_write("other-master", "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600);
	house_token("t", NULL);
}

void
house_teardown(void)
{
	const char *const argv[] = {"rm", "-rf", house_dir, NULL};
	ck_assert_int_eq(run(argv, -1), 0);
}

bool
house_signs(EVP_PKEY *key, const char *digest)
{
	uint8_t signature[1024];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestSign(ctx, signature, &len, (const unsigned char *)"text", 4) == 1;
	EVP_MD_CTX_reset(ctx);
	good = good && EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestVerify(ctx, signature, len, (const unsigned char *)"text", 4) == 1;
	EVP_MD_CTX_reset(ctx);
	if (good) {
		ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL), 1);
		ck_assert_int_ne(EVP_DigestVerify(ctx, signature, len, (const unsigned char *)"tex!", 4), 1);
	}
	EVP_MD_CTX_free(ctx);
	return good;
}
