/* A PKCS#11 module between the engine and its token, for tests: every call goes to the real module, each successful C_Sign and each
 * C_Login is counted in a file, and a fault file tells it to misbehave. README.md says how it is used. */
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
#define SHIM_LOGINS "SIEGEL_SHIM_LOGINS" /* file that gets a line for each C_Login */
#define SHIM_FAULTS "SIEGEL_SHIM_FAULTS" /* file that is read at each call that can fail */
#define SESSIONS_MAX 256

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret_list);

static CK_FUNCTION_LIST shim; /* the real module's list, with those replaced that can fail */
static CK_FUNCTION_LIST *real;
static pthread_once_t once = PTHREAD_ONCE_INIT;

enum fault_kind { FAULT_NONE, FAULT_ERROR, FAULT_STALL, FAULT_WRONG, FAULT_ZERO, FAULT_SHORT, FAULT_LOST, FAULT_OPEN };

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
	{"lost", FAULT_LOST, 0},
	{"extractable", FAULT_OPEN, 0},
};

/* Which slot a session is in: a fault may be meant for one token alone. */
static struct {
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot;
} sessions[SESSIONS_MAX];
static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;

static void
session_note(CK_SESSION_HANDLE session, CK_SLOT_ID slot)
{
	static size_t next;

	pthread_mutex_lock(&sessions_lock);
	sessions[next].session = session;
	sessions[next].slot = slot;
	next = (next + 1) % SESSIONS_MAX;
	pthread_mutex_unlock(&sessions_lock);
}

static CK_SLOT_ID
session_slot(CK_SESSION_HANDLE session)
{
	CK_SLOT_ID slot = (CK_SLOT_ID)-1;

	pthread_mutex_lock(&sessions_lock);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (sessions[i].session == session)
			slot = sessions[i].slot;
	pthread_mutex_unlock(&sessions_lock);
	return slot;
}

static int
slot_is(CK_SLOT_ID slot, const char *label)
{
	CK_TOKEN_INFO info;
	size_t len = strlen(label);

	return real->C_GetTokenInfo(slot, &info) == CKR_OK && len < sizeof(info.label) && memcmp(info.label, label, len) == 0 &&
	       info.label[len] == ' ';
}

/* Takes apart "[on LABEL] [in FUNCTION] kind [value] [count]". *ret_count is -1 without a count; *ret_prefix is where the count begins.
 * FAULT_NONE when it isn't meant for this function and slot. */
static struct fault
fault_parse(const char *line, const char *function, CK_SLOT_ID slot, long *ret_count, int *ret_prefix)
{
	struct fault f = {FAULT_NONE, 0};
	char word[40] = "", label[40] = "", wanted[40] = "C_Sign";
	int at = 0, n = 0;

	*ret_count = -1;
	*ret_prefix = 0;
	if (sscanf(line + at, " on %39s%n", label, &n) == 1)
		at += n;
	if (sscanf(line + at, " in %39s%n", wanted, &n) == 1)
		at += n;
	if (sscanf(line + at, "%39s%n", word, &n) != 1)
		return f;
	at += n;
	if ((strcmp(word, "lost") != 0 && strcmp(wanted, function) != 0) || (*label && !slot_is(slot, label)))
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
fault_take(const char *function, CK_SLOT_ID slot)
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
	f = fault_parse(line, function, slot, &count, &prefix);
	if (count == 0)
		f = none;
	if (count > 0 && f.kind != FAULT_NONE) {
		int len = snprintf(line + prefix, sizeof(line) - (size_t)prefix, " %ld\n", count - 1);

		if (pwrite(fd, line, (size_t)(prefix + len), 0) < 0 || ftruncate(fd, prefix + len) < 0)
			f = none;
	}
	close(fd);
	return f;
}

static void
stall(unsigned long ms)
{
	struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* What happens before a call that isn't C_Sign: CKR_OK when it may go on. */
static CK_RV
before(const char *function, CK_SLOT_ID slot)
{
	struct fault f = fault_take(function, slot);

	if (f.kind == FAULT_STALL)
		stall(f.value);
	return f.kind == FAULT_ERROR ? f.value : f.kind == FAULT_LOST ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
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
	f = fault_take("C_Sign", session_slot(session));
	if (f.kind == FAULT_STALL)
		stall(f.value);
	/* An error too ends the operation in the real module, as the standard says: otherwise the next C_SignInit would
	 * find one active. */
	rv = real->C_Sign(session, data, data_len, signature, signature_len);
	if (f.kind == FAULT_ERROR || f.kind == FAULT_LOST) {
		memset(signature, 0, *signature_len);
		return f.kind == FAULT_ERROR ? f.value : CKR_DEVICE_REMOVED;
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

static CK_RV
shim_initialize(void *args)
{
	CK_RV rv = before("C_Initialize", (CK_SLOT_ID)-1);

	return rv != CKR_OK ? rv : real->C_Initialize(args);
}

static CK_RV
shim_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = before("C_GetTokenInfo", slot);

	return rv != CKR_OK ? rv : real->C_GetTokenInfo(slot, info);
}

static CK_RV
shim_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	CK_RV rv = before("C_OpenSession", slot);

	if (rv == CKR_OK)
		rv = real->C_OpenSession(slot, flags, application, notify, session);
	if (rv == CKR_OK)
		session_note(*session, slot);
	return rv;
}

static CK_RV
shim_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG len)
{
	const char *path = getenv(SHIM_LOGINS);
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	CK_RV rv;

	if (path && (fd < 0 || write(fd, "login\n", 6) != 6))
		return CKR_FUNCTION_FAILED;
	if (fd >= 0)
		close(fd);
	rv = before("C_Login", session_slot(session));
	return rv != CKR_OK ? rv : real->C_Login(session, user, pin, len);
}

static CK_RV
shim_find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n)
{
	CK_RV rv = before("C_FindObjectsInit", session_slot(session));

	return rv != CKR_OK ? rv : real->C_FindObjectsInit(session, template, n);
}

static CK_RV
shim_generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public, CK_ULONG n_public, CK_ATTRIBUTE *private,
		       CK_ULONG n_private, CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_RV rv = before("C_GenerateKeyPair", session_slot(session));

	return rv != CKR_OK ? rv : real->C_GenerateKeyPair(session, mechanism, public, n_public, private, n_private, ret_public, ret_private);
}

/* A token that doesn't do as it was asked: it says that a key can be taken out. */
static CK_RV
shim_get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, CK_ULONG n)
{
	struct fault f = fault_take("C_GetAttributeValue", session_slot(session));
	CK_RV rv = f.kind == FAULT_ERROR ? f.value : f.kind == FAULT_LOST ? CKR_TOKEN_NOT_PRESENT : CKR_OK;

	if (rv == CKR_OK)
		rv = real->C_GetAttributeValue(session, object, a, n);
	for (CK_ULONG i = 0; rv == CKR_OK && f.kind == FAULT_OPEN && i < n; i++)
		if (a[i].type == CKA_EXTRACTABLE && a[i].pValue)
			*(CK_BBOOL *)a[i].pValue = CK_TRUE;
	return rv;
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
	shim.C_Initialize = shim_initialize;
	shim.C_GetTokenInfo = shim_get_token_info;
	shim.C_OpenSession = shim_open_session;
	shim.C_Login = shim_login;
	shim.C_FindObjectsInit = shim_find_objects_init;
	shim.C_GenerateKeyPair = shim_generate_key_pair;
	shim.C_GetAttributeValue = shim_get_attribute_value;
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
