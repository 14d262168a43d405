/* A PKCS#11 module between the engine and its token, for tests: every call goes to the real module, each successful C_Sign is
 * counted in a file, and a fault file tells it to misbehave. README.md says how it is used. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <openssl/sha.h>
#include <p11-kit/pkcs11.h>

#define SHIM_MODULE "SIEGEL_SHIM_MODULE" /* path of the real module */
#define SHIM_COUNT "SIEGEL_SHIM_COUNT"   /* file that gets a line for each signature */
#define SHIM_FAULTS "SIEGEL_SHIM_FAULTS" /* file that is read at each C_Sign */

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret_list);

static CK_FUNCTION_LIST shim; /* the real module's list, with C_Sign and C_GetFunctionList replaced */
static CK_FUNCTION_LIST *real;
static pthread_once_t once = PTHREAD_ONCE_INIT;

enum fault_kind { FAULT_NONE, FAULT_ERROR, FAULT_STALL, FAULT_WRONG, FAULT_ZERO, FAULT_SHORT };

struct fault {
	enum fault_kind kind;
	unsigned long value; /* CK_RV of an error, milliseconds of a stall */
};

static const struct {
	const char *name;
	enum fault_kind kind;
	int has_value;
} fault_table[] = {
	{"error", FAULT_ERROR, 1},
	{"stall", FAULT_STALL, 1},
	{"wrong", FAULT_WRONG, 0},
	{"zero", FAULT_ZERO, 0},
	{"short", FAULT_SHORT, 0},
};

/* Takes apart "kind [value] [count]". *ret_count is -1 without a count; *ret_prefix is where the count begins. */
static struct fault
fault_parse(const char *line, long *ret_count, int *ret_prefix)
{
	struct fault f = {FAULT_NONE, 0};
	char word[16] = "";
	int at = 0;

	*ret_count = -1;
	*ret_prefix = 0;
	if (sscanf(line, "%15s%n", word, &at) != 1)
		return f;
	for (size_t i = 0; i < sizeof(fault_table) / sizeof(fault_table[0]); i++) {
		if (strcmp(word, fault_table[i].name) != 0)
			continue;
		f.kind = fault_table[i].kind;
		if (fault_table[i].has_value) {
			char *end;

			f.value = strtoul(line + at, &end, 0);
			at = (int)(end - line);
		}
		if (sscanf(line + at, "%ld", ret_count) != 1)
			*ret_count = -1;
		*ret_prefix = at;
	}
	return f;
}

/* The fault of this call. A count is shared by all processes: it is counted down in the file, under its lock. */
static struct fault
fault_take(void)
{
	struct fault none = {FAULT_NONE, 0}, f;
	const char *path = getenv(SHIM_FAULTS);
	char line[128];
	ssize_t n;
	long count;
	int fd, prefix;

	if (!path || (fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		return none;
	if (flock(fd, LOCK_EX) < 0 || (n = pread(fd, line, sizeof(line) - 1, 0)) <= 0) {
		close(fd);
		return none;
	}
	line[n] = '\0';
	f = fault_parse(line, &count, &prefix);
	if (count == 0)
		f = none;
	if (count > 0) {
		int len = snprintf(line + prefix, sizeof(line) - (size_t)prefix, " %ld\n", count - 1);

		if (pwrite(fd, line, (size_t)(prefix + len), 0) < 0 || ftruncate(fd, prefix + len) < 0)
			f = none;
	}
	close(fd);
	return f;
}

static void
hex(char *out, const unsigned char *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", in[i]);
}

/* One write of one line under PIPE_BUF with O_APPEND: lines of several processes don't mix. A signature that can't be counted
 * isn't given out. */
static int
count_signature(const unsigned char *data, size_t len, const unsigned char *signature, size_t signature_len)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char data_hex[2 * SHA256_DIGEST_LENGTH + 1], signature_hex[2 * SHA256_DIGEST_LENGTH + 1], line[256];
	const char *path = getenv(SHIM_COUNT);
	struct timespec now;
	int fd, n, ok;

	if (!path)
		return 0;
	hex(data_hex, SHA256(data, len, digest), sizeof(digest));
	hex(signature_hex, SHA256(signature, signature_len, digest), sizeof(digest));
	clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(line, sizeof(line), "%d %lld.%06ld %s %s\n", (int)getpid(), (long long)now.tv_sec, now.tv_nsec / 1000, data_hex,
	             signature_hex);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	ok = write(fd, line, (size_t)n) == n;
	close(fd);
	return ok ? 0 : -1;
}

static CK_RV
shim_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
	struct fault f;
	CK_RV rv;

	if (!signature) /* asks for the length alone */
		return real->C_Sign(session, data, data_len, signature, signature_len);
	f = fault_take();
	if (f.kind == FAULT_STALL) {
		struct timespec t = {(time_t)(f.value / 1000), (long)(f.value % 1000) * 1000000};

		while (nanosleep(&t, &t) < 0 && errno == EINTR)
			;
	}
	/* An error too ends the operation in the real module, as the standard says: otherwise the next C_SignInit would
	 * find one active. */
	rv = real->C_Sign(session, data, data_len, signature, signature_len);
	if (f.kind == FAULT_ERROR) {
		memset(signature, 0, *signature_len);
		return f.value;
	}
	if (rv != CKR_OK)
		return rv;
	if (f.kind == FAULT_WRONG)
		signature[*signature_len / 2] ^= 1;
	if (f.kind == FAULT_ZERO)
		memset(signature, 0, *signature_len);
	if (f.kind == FAULT_SHORT)
		*signature_len /= 2;
	if (count_signature(data, data_len, signature, *signature_len) < 0)
		return CKR_FUNCTION_FAILED;
	return CKR_OK;
}

static void
load(void)
{
	const char *path = getenv(SHIM_MODULE);
	CK_RV (*get)(CK_FUNCTION_LIST_PTR_PTR);
	void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (!module)
		return;
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK) {
		real = NULL;
		return;
	}
	shim = *real;
	shim.C_GetFunctionList = C_GetFunctionList;
	shim.C_Sign = shim_sign;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret_list)
{
	if (!ret_list)
		return CKR_ARGUMENTS_BAD;
	pthread_once(&once, load);
	if (!real)
		return CKR_GENERAL_ERROR;
	*ret_list = &shim;
	return CKR_OK;
}
