/* Tokens that fail (security rows H01 to H08): two SoftHSM tokens behind the shim, which misbehaves as its fault file says. */
#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */
#include <fcntl.h>
#include <openssl/x509.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hsm/hsm.h"
#include "tests/unit/hsm/house.h"

#define CALL_MS 300 /* longest call */
#define PAUSE_MS 250 /* first pause of a token that failed (hsm/token.c) */
#define TRIES 10 /* of what a process may come too late for */

static struct error e;
static struct config *config;
static char serial[17];

static void
fault(const char *line)
{
	house_write("faults.new", line, 0600);
	ck_assert_int_eq(rename(house_path("faults.new"), house_path("faults")), 0);
}

static int
logins(void)
{
	FILE *f = fopen(house_path("logins"), "r");
	int n = 0;
	if (!f)
		return 0;
	for (int c = getc(f); c != EOF; c = getc(f))
		n += c == '\n';
	fclose(f);
	return n;
}

/* "t" as the first token, "two" by its URI, and files. */
static void
setup(void)
{
	char text[1500];
	house_setup();
	house_token("two", serial);
	setenv("SIEGEL_SHIM_MODULE", house_module, 1);
	setenv("SIEGEL_SHIM_FAULTS", house_path("faults"), 1);
	setenv("SIEGEL_SHIM_LOGINS", house_path("logins"), 1);
	house_write("pin-two", "123456\n", 0600);
	snprintf(text, sizeof(text),
		 "[ca]\npkcs11_module = " TOP_BUILDDIR "/tests/shim/pkcs11_shim.so\ntoken_label = t\npin_file = %s/pin\n"
		 "tokens = pkcs11:token=two;serial=%s?module-path=" TOP_BUILDDIR "/tests/shim/pkcs11_shim.so&pin-source=file:%s/pin-two\n"
		 "key_dir = %s/keys\nmaster_key = key:%s/master\ntoken_call_ms = %d\n",
		 house_dir, serial, house_dir, house_dir, house_dir, CALL_MS);
	house_write("siegel.conf", text, 0600);
	ck_assert_msg(config_load(house_path("siegel.conf"), &config, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(board_share(&e), 0);
}

static void
teardown(void)
{
	config_free(config);
	house_teardown();
}

static struct hsm *
opened(void)
{
	struct hsm *h = NULL;
	ck_assert_msg(hsm_open(config, &h, &e) == 0, "%s", e.detail);
	return h;
}

static EVP_PKEY *
generated(struct hsm *h, const char *store, char *ref)
{
	EVP_PKEY *key = NULL;
	ck_assert_msg(hsm_key_generate(h, store, keytype_by_name("p256"), "label", ref, &key, &e) == 0, "%s", e.detail);
	return key;
}

static void
wait_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

static long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The milliseconds after which the key signs again. */
static long
until_signing(EVP_PKEY *key)
{
	long start = now_ms();
	while (!house_signs(key, "SHA256")) {
		ck_assert_int_lt(now_ms() - start, 10000);
		wait_ms(10);
	}
	return now_ms() - start;
}

/* --- several at once --- */

START_TEST(test_two_tokens)
{
	struct hsm *h = opened();
	char ref[3][HSM_REF_BYTES], wanted[64];
	static const char *const names[] = {"t", "two", "file"};
	EVP_PKEY *keys[3], *again = NULL;
	struct hsm_store stores[HSM_STORES_MAX];
	for (int i = 0; i < 3; i++) {
		keys[i] = generated(h, names[i], ref[i]);
		ck_assert(house_signs(keys[i], "SHA256"));
	}
	snprintf(wanted, sizeof(wanted), "serial=%s", serial);
	ck_assert_int_eq(strncmp(ref[0], "token:", 6), 0);
	ck_assert_msg(strncmp(ref[1], "pkcs11:", 7) == 0 && strstr(ref[1], "token=two") && strstr(ref[1], wanted) && strstr(ref[1], "id=%"), "%s", ref[1]);
	ck_assert_int_eq(strncmp(ref[2], "file:", 5), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(hsm_key_load(h, ref[i], keys[i], &again, &e) == 0, "%s: %s", ref[i], e.detail);
		ck_assert(house_signs(again, "SHA256"));
		EVP_PKEY_free(again);
		ck_assert_int_eq(hsm_key_load(h, ref[i], keys[(i + 1) % 3], &again, &e), -1);
		ck_assert_int_eq(e.code, E_KEY_STORE);
	}
	ck_assert_uint_eq(hsm_stores(h, stores, HSM_STORES_MAX), 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(stores[i].name, names[i]);
		ck_assert(stores[i].usable && stores[i].present);
		ck_assert_int_eq(stores[i].is_default, i == 0);
		ck_assert_ptr_nonnull(strstr(stores[i].key_types, "p256"));
	}
	ck_assert_str_eq(stores[1].serial, serial);
	ck_assert_str_eq(stores[1].label, "two");
	ck_assert_int_eq(logins(), 2);
	/* destroyed, each by its own reference and for its own public key alone */
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(hsm_key_delete(h, ref[i], keys[(i + 1) % 3], &e), -1);
		ck_assert_int_eq(hsm_key_delete(h, ref[i], keys[i], &e), 0);
		ck_assert_int_eq(hsm_key_delete(h, ref[i], keys[i], &e), -1);
		ck_assert_int_eq(e.code, E_NOT_FOUND);
		ck_assert_int_eq(hsm_key_load(h, ref[i], keys[i], &again, &e), -1);
	}
	for (int i = 0; i < 3; i++)
		EVP_PKEY_free(keys[i]);
	hsm_close(h);
}
END_TEST

/* One is lost while the other and the files go on; it comes back by itself, and its keys with it. */
START_TEST(test_one_lost)
{
	struct hsm *h = opened();
	char ref[3][HSM_REF_BYTES];
	EVP_PKEY *one = generated(h, "t", ref[0]), *two = generated(h, "two", ref[1]), *file = generated(h, "file", ref[2]);
	struct hsm_store s;
	while (hsm_tend(h, &s))
		ck_assert(s.usable);
	fault("on two lost\n");
	ck_assert(!house_signs(two, "SHA256"));
	ck_assert_int_eq(hsm_ready(h, ref[1], &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	for (int i = 0; i < 20; i++) {
		ck_assert(house_signs(one, "SHA256") && house_signs(file, "SHA256"));
		ck_assert(!house_signs(two, "SHA256"));
		ck_assert(hsm_ready(h, ref[0], &e) == 0 && hsm_ready(h, ref[2], &e) == 0);
		wait_ms(50);
	}
	ck_assert(hsm_tend(h, &s));
	ck_assert_str_eq(s.name, "two");
	ck_assert(!s.usable && *s.why);
	ck_assert(!hsm_usable(h));
	ck_assert(!hsm_tend(h, &s));
	fault("");
	long back = now_ms();
	while (!hsm_tend(h, &s)) /* nobody signs: the loop alone brings it back */
		ck_assert_int_lt(now_ms() - back, 5000);
	ck_assert(s.usable);
	ck_assert(hsm_usable(h));
	ck_assert(house_signs(two, "SHA256"));
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	EVP_PKEY_free(file);
	hsm_close(h);
}
END_TEST

/* --- H01: a PIN that is wrong --- */

/* Several processes, each opening the stores again and again: one login in all. Then the file holds the right one. */
START_TEST(test_h01_pin)
{
	struct hsm *h;
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL;
	int status;
	if (_i == 0)
		house_write("pin", "654321\n", 0600);
	else
		fault("on t in C_Login error 0xa4 1\n"); /* CKR_PIN_LOCKED, which SoftHSM never says */
	for (int p = 0; p < 3; p++) {
		pid_t pid = fork();
		if (pid == 0) {
			bool refused = true;
			board_take_place((size_t)p);
			for (int i = 0; i < 2; i++) {
				struct hsm *mine = opened();
				refused = refused && hsm_key_generate(mine, "t", keytype_by_name("p256"), "x", ref, &key, &e) < 0 &&
				    e.code == E_KEY_STORE && strstr(e.detail, "refused the PIN") && !strstr(e.detail, "654321");
				wait_ms(400); /* the pause before it would be opened again */
				refused = refused && hsm_ready(mine, "token:00", &e) < 0;
				hsm_close(mine);
			}
			_exit(refused ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	/* six openings: one login of "t", and one of "two" for each opening */
	ck_assert_int_eq(logins(), 1 + 6);
	house_write("pin", _i == 0 ? "123456\n" : "123456", 0600);
	h = opened();
	if (_i == 0) {
		EVP_PKEY_free(generated(h, "t", ref));
		ck_assert_int_eq(logins(), 1 + 6 + 2);
	} else { /* the same PIN: nobody may have unlocked anything */
		ck_assert_int_eq(hsm_key_generate(h, "t", keytype_by_name("p256"), "x", ref, &key, &e), -1);
		ck_assert_int_eq(logins(), 1 + 6 + 1);
	}
	EVP_PKEY_free(generated(h, "two", ref));
	hsm_close(h);
}
END_TEST

/* --- H02: errors --- */

static const CK_RV errors[] = {
    CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT, CKR_USER_NOT_LOGGED_IN, CKR_SESSION_HANDLE_INVALID, CKR_GENERAL_ERROR, CKR_HOST_MEMORY,
    CKR_DEVICE_REMOVED, CKR_FUNCTION_FAILED, CKR_DEVICE_MEMORY, CKR_SESSION_CLOSED, 0x80000001UL,
};

START_TEST(test_h02_errors)
{
	struct hsm *h = opened();
	char ref[2][HSM_REF_BYTES], line[64];
	EVP_PKEY *one = generated(h, "t", ref[0]), *two = generated(h, "two", ref[1]);
	snprintf(line, sizeof(line), "on t error 0x%lx 1\n", (unsigned long)errors[_i]);
	bool paused = false;
	for (int tries = 0; !paused && tries < TRIES; tries++) { /* one that the machine let come late, when one may try again, asks once more */
		long start = now_ms();
		fault(line);
		ck_assert(!house_signs(one, "SHA256"));
		paused = hsm_ready(h, ref[0], &e) < 0;
		ck_assert(paused || now_ms() - start >= PAUSE_MS);
	}
	ck_assert(paused && e.code == E_KEY_STORE);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	ck_assert(house_signs(two, "SHA256"));
	ck_assert_int_lt(until_signing(one), 5000);
	if (_i < 2) { /* it takes seconds, and is the same for all */
		/* while it goes on failing the pauses grow, and it isn't asked all the time */
		snprintf(line, sizeof(line), "on t error 0x%lx 1000\n", (unsigned long)errors[_i]);
		fault(line);
		long start = now_ms();
		while (now_ms() - start < 500)
			ck_assert(!house_signs(one, "SHA256"));
		unsigned long left = 0, late = (unsigned long)(now_ms() - start - 500) / PAUSE_MS; /* a pause or more was over when the last one came */
		FILE *f = fopen(house_path("faults"), "r");
		ck_assert_int_eq(fscanf(f, "on t error 0x%*x %lu", &left), 1);
		fclose(f);
		ck_assert_uint_ge(left, 996 - late);
		fault("");
		ck_assert_int_lt(until_signing(one), 5000);
	}
	EVP_PKEY_free(one);
	EVP_PKEY_free(two);
	hsm_close(h);
}
END_TEST

/* At every other call, too: 503 with a time to try again, and well again afterwards. */
static const char *const calls[] = {"C_OpenSession", "C_Login", "C_FindObjectsInit", "C_GetAttributeValue", "C_GenerateKeyPair", "C_GetTokenInfo"};

START_TEST(test_h02_calls)
{
	char ref[HSM_REF_BYTES], line[64];
	EVP_PKEY *key = NULL;
	snprintf(line, sizeof(line), "on t in %s error 0x30 2\n", calls[_i]);
	fault(line);
	struct hsm *h = opened();
	long start = now_ms();
	int failures = 0;
	while (hsm_key_generate(h, "t", keytype_by_name("p256"), "label", ref, &key, &e) < 0) {
		ck_assert_int_eq(e.code, E_KEY_STORE);
		ck_assert_uint_gt(e.retry_after_sec, 0);
		ck_assert_int_lt(now_ms() - start, 20000);
		failures++;
		wait_ms(20);
	}
	EVP_PKEY *again = NULL;
	while (hsm_key_load(h, ref, key, &again, &e) < 0) {
		ck_assert_int_lt(now_ms() - start, 20000);
		failures++;
		wait_ms(20);
	}
	/* A store that was slow to be opened has met both faults by itself, before anybody asked for a key. */
	unsigned long left = 0;
	FILE *f = fopen(house_path("faults"), "r");
	ck_assert_int_eq(fscanf(f, "on t in %*s error 0x%*x %lu", &left), 1);
	fclose(f);
	ck_assert_uint_lt(left, 2);
	ck_assert(failures > 0 || left == 0);
	ck_assert(house_signs(again, "SHA256"));
	EVP_PKEY_free(again);
	EVP_PKEY_free(key);
	hsm_close(h);
}
END_TEST

/* --- H03: a call that hangs --- */

/* A process that signs on "t" and "two" until it is ended, in the place of that number. */
static pid_t
signer(size_t place, const char *ref, EVP_PKEY *public)
{
	pid_t pid = fork();
	if (pid == 0) {
		EVP_PKEY *key = NULL;
		board_take_place(place);
		struct hsm *h = opened();
		if (hsm_key_load(h, ref, public, &key, &e) < 0)
			_exit(e.retry_after_sec > 0 ? 3 : 4);
		_exit(house_signs(key, "SHA256") ? 0 : hsm_ready(h, ref, &e) < 0 && e.retry_after_sec > 0 ? 3 : 5);
	}
	return pid;
}

static int
ended(pid_t pid)
{
	int status = -1;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* Ends the process in that place when it has waited for longer than it may, as the master does. */
static void
end_overdue(size_t place, pid_t pid)
{
	unsigned store = 99;
	if (!board_overdue(place, &store))
		return;
	kill(pid, SIGKILL);
	board_clear(place);
}

/* Whether who comes in that place is told at once that the token stalls, while another is in the first place or none (0). One that the machine
 * let come late, when one may try again, walks in. */
static bool
told(size_t place, const char *ref, EVP_PKEY *public, pid_t first)
{
	pid_t pid = signer(place, ref, public);
	int status = -1;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (first)
			end_overdue(1, first);
		end_overdue(place, pid);
		wait_ms(5);
	}
	board_clear(place);
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 3);
	return !WIFSIGNALED(status);
}

START_TEST(test_h03_stall)
{
	struct hsm *h = opened();
	char ref[2][HSM_REF_BYTES];
	EVP_PKEY *keys[2] = {generated(h, "t", ref[0]), generated(h, "two", ref[1])}, *public[2];
	unsigned store = 99;
	for (int i = 0; i < 2; i++) {
		unsigned char *der = NULL;
		int len = i2d_PUBKEY(keys[i], &der);
		const unsigned char *at = der;
		public[i] = d2i_PUBKEY(NULL, &at, len);
		OPENSSL_free(der);
		EVP_PKEY_free(keys[i]);
	}
	hsm_close(h);
	fault("on t stall 60000\n");
	/* Two wait in it; the second may still have been on its way when the first was ended, and is told at once. */
	long start = now_ms();
	pid_t pids[3] = {0, signer(1, ref[0], public[0]), signer(2, ref[0], public[0])};
	int status[3] = {0, -1, -1}, gone = 0;
	while (gone < 2) {
		for (size_t place = 0; place < 3; place++) {
			if (board_overdue(place, &store)) {
				ck_assert_uint_eq(store, 0);
				ck_assert_uint_ne(place, 0);
				kill(pids[place], SIGKILL);
				board_clear(place);
			}
			gone += place > 0 && status[place] == -1 && waitpid(pids[place], &status[place], WNOHANG) == pids[place];
		}
		ck_assert_int_lt(now_ms() - start, 10 * CALL_MS);
		wait_ms(5);
	}
	ck_assert_int_ge(now_ms() - start, CALL_MS);
	ck_assert(WIFSIGNALED(status[1]) || WIFSIGNALED(status[2]));
	for (int i = 1; i < 3; i++)
		ck_assert(WIFSIGNALED(status[i]) || WEXITSTATUS(status[i]) == 3);
	/* nobody else walks into it, the other token goes on */
	int tries = 0;
	while (!told(1, ref[0], public[0], 0))
		ck_assert_int_lt(++tries, TRIES);
	ck_assert_int_eq(ended(signer(2, ref[1], public[1])), 0);
	/* after a while one tries, and hangs; the others don't wait for it */
	bool others_told = false;
	for (tries = 0; !others_told; tries++) {
		ck_assert_int_lt(tries, TRIES);
		while (board_stalled_ms(0) > 0)
			wait_ms(10);
		pid_t a = signer(1, ref[0], public[0]);
		/* So long in one call that it is the one that stalls, not one of those that open the token: in between anybody may try. */
		for (int64_t left = 0; left == 0 || left > (BOARD_OPEN_FACTOR + 1) * CALL_MS - CALL_MS * 2 / 3; left = board_stalled_ms(0))
			wait_ms(1);
		others_told = told(2, ref[0], public[0], a);
		kill(a, SIGKILL);
		ended(a);
		board_clear(1);
	}
	/* well again */
	fault("");
	while (board_stalled_ms(0) > 0)
		wait_ms(10);
	ck_assert_int_eq(ended(signer(1, ref[0], public[0])), 0);
	ck_assert_int_eq(ended(signer(2, ref[0], public[0])), 0);
	EVP_PKEY_free(public[0]);
	EVP_PKEY_free(public[1]);
}
END_TEST

/* --- H04: wrong signatures --- */

START_TEST(test_h04_wrong)
{
	static const char *const lines[] = {"wrong\n", "zero\n", "short\n"};
	static const char *const types[] = {"p256", "rsa2048", "ed25519"};
	struct hsm *h = opened();
	char ref[HSM_REF_BYTES], sound[HSM_REF_BYTES];
	EVP_PKEY *other = generated(h, "t", sound);
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		EVP_PKEY *key = NULL;
		ck_assert_int_eq(hsm_key_generate(h, "t", keytype_by_name(types[t]), "label", ref, &key, &e), 0);
		fault(lines[_i]);
		ck_assert(!house_signs(key, t == 2 ? NULL : "SHA256"));
		fault("");
		ck_assert(house_signs(key, t == 2 ? NULL : "SHA256"));
		/* who sees such a signature says so: one key rests by itself, with a second one it is the token that is left alone for a moment */
		hsm_distrust(h, ref);
		ck_assert_int_eq(hsm_ready(h, ref, &e), -1);
		ck_assert_int_eq(e.code, E_KEY_STORE);
		ck_assert_uint_gt(e.retry_after_sec, 0);
		ck_assert_int_eq(hsm_ready(h, sound, &e), t == 0 ? 0 : -1);
		ck_assert(house_signs(other, "SHA256") == (t == 0));
		ck_assert_int_lt(until_signing(key), t == 2 ? 11000 : 2000);
		EVP_PKEY_free(key);
		if (t == 1)
			break; /* until_signing() is for keys with a digest */
	}
	EVP_PKEY_free(other);
	hsm_close(h);
}
END_TEST

/* A key that goes on to be bad rests longer each time, and closes nothing however often it is tried. */
START_TEST(test_h04_one_key)
{
	static const char *const stores[] = {"t", "file"};
	struct hsm *h = opened();
	for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
		char ref[HSM_REF_BYTES], sound[HSM_REF_BYTES];
		EVP_PKEY *key = generated(h, stores[i], ref), *other = generated(h, stores[i], sound);
		unsigned last = 0;
		for (int n = 0; n < 12; n++) {
			hsm_distrust(h, ref);
			ck_assert_int_eq(hsm_rests(h, ref, &e), -1);
			ck_assert_uint_ge(e.retry_after_sec + 5, last); /* the machine does other things */
			last = e.retry_after_sec;
			ck_assert_int_eq(hsm_ready(h, sound, &e), 0);
			ck_assert_int_eq(hsm_rests(h, sound, &e), 0);
			ck_assert(house_signs(other, "SHA256"));
		}
		ck_assert_uint_ge(last, 295);
		ck_assert_uint_le(last, 301);
		hsm_trust(h, ref); /* a good signature: as if nothing had been */
		ck_assert_int_eq(hsm_ready(h, ref, &e), 0);
		hsm_distrust(h, ref);
		ck_assert_int_eq(hsm_rests(h, ref, &e), -1);
		ck_assert_uint_le(e.retry_after_sec, 2);
		hsm_trust(h, ref);
		EVP_PKEY_free(key);
		EVP_PKEY_free(other);
	}
	hsm_close(h);
}
END_TEST

/* --- H05: keys that look alike --- */

struct raw {
	void *handle;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE s;
};

/* The token as somebody else would use it, in the same process. */
static struct raw
raw_open(const char *label)
{
	struct raw r = {.handle = dlopen(house_module, RTLD_NOW)};
	CK_C_GetFunctionList get;
	CK_SLOT_ID slots[8];
	CK_ULONG n = ARRAY_LEN(slots);
	CK_TOKEN_INFO info;
	*(void **)&get = dlsym(r.handle, "C_GetFunctionList");
	ck_assert_int_eq(get(&r.f), CKR_OK);
	ck_assert_int_eq(r.f->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	for (CK_ULONG i = 0; i < n; i++)
		if (r.f->C_GetTokenInfo(slots[i], &info) == CKR_OK && strncmp((char *)info.label, label, strlen(label)) == 0 && info.label[strlen(label)] == ' ')
			ck_assert_int_eq(r.f->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &r.s), CKR_OK);
	ck_assert_uint_ne(r.s, 0);
	return r;
}

/* A P-256 pair with that id and label, made by somebody else. */
static void
raw_make(struct raw *r, uint8_t *id, bool extractable)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	char label[] = "label";
	CK_OBJECT_HANDLE public, private;
	CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ATTRIBUTE a[] = {{CKA_TOKEN, &yes, 1}, {CKA_VERIFY, &yes, 1}, {CKA_ID, id, 20}, {CKA_LABEL, label, 5}, {CKA_EC_PARAMS, p256, sizeof(p256)}};
	CK_ATTRIBUTE b[] = {{CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}, {CKA_SIGN, &yes, 1}, {CKA_ID, id, 20}, {CKA_LABEL, label, 5},
			    {CKA_SENSITIVE, extractable ? &no : &yes, 1}, {CKA_EXTRACTABLE, extractable ? &yes : &no, 1}};
	ck_assert_int_eq(r->f->C_GenerateKeyPair(r->s, &m, a, ARRAY_LEN(a), b, ARRAY_LEN(b), &public, &private), CKR_OK);
}

static void
id_of(const char *ref, uint8_t id[20])
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(sscanf(ref + 6 + 2 * i, "%2hhx", &id[i]), 1);
}

START_TEST(test_h05_alike)
{
	struct hsm *h = opened();
	char ref[3][HSM_REF_BYTES];
	uint8_t id[20];
	EVP_PKEY *a = generated(h, "t", ref[0]), *b = generated(h, "t", ref[1]), *rsa = NULL, *again = NULL;
	ck_assert_str_ne(ref[0], ref[1]); /* one label, two ids */
	ck_assert_int_eq(hsm_key_load(h, ref[0], b, &again, &e), -1);
	ck_assert_int_eq(hsm_key_load(h, ref[0], a, &again, &e), 0);
	EVP_PKEY_free(again);
	/* another key with the same id: EC keys of this token don't say whose they are, so neither is used */
	struct raw r = raw_open("t");
	id_of(ref[0], id);
	raw_make(&r, id, false);
	ck_assert_int_eq(hsm_key_load(h, ref[0], a, &again, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	ck_assert_int_eq(hsm_key_load(h, ref[1], b, &again, &e), 0);
	EVP_PKEY_free(again);
	/* RSA keys say it: the right one is taken */
	ck_assert_int_eq(hsm_key_generate(h, "t", keytype_by_name("rsa2048"), "label", ref[2], &rsa, &e), 0);
	id_of(ref[2], id);
	raw_make(&r, id, false);
	ck_assert_msg(hsm_key_load(h, ref[2], rsa, &again, &e) == 0, "%s", e.detail);
	ck_assert(house_signs(again, "SHA256"));
	EVP_PKEY_free(again);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	EVP_PKEY_free(rsa);
	dlclose(r.handle);
	hsm_close(h);
}
END_TEST

/* --- H06: fork, sessions --- */

START_TEST(test_h06_fork)
{
	struct hsm *h = opened();
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = generated(h, "t", ref);
	pid_t pid = fork();
	if (pid == 0) {
		bool good = house_signs(key, "SHA256");
		EVP_PKEY *other = NULL;
		good = good && hsm_key_generate(h, "two", keytype_by_name("p256"), "x", ref, &other, &e) == 0 && house_signs(other, "SHA256");
		_exit(good ? 0 : 1);
	}
	ck_assert(house_signs(key, "SHA256"));
	ck_assert_int_eq(ended(pid), 0);
	ck_assert(house_signs(key, "SHA256"));
	EVP_PKEY_free(key);
	hsm_close(h);
}
END_TEST

/* One session for each token, however many keys; none to be had is a matter of time. */
START_TEST(test_h06_sessions)
{
	struct hsm_store s[HSM_STORES_MAX];
	struct hsm *h = opened();
	char ref[HSM_REF_BYTES];
	for (int i = 0; i < 10; i++) {
		EVP_PKEY *key = generated(h, "t", ref);
		ck_assert(house_signs(key, "SHA256"));
		EVP_PKEY_free(key);
	}
	ck_assert_uint_eq(hsm_stores(h, s, HSM_STORES_MAX), 3);
	ck_assert_int_le(s[0].sessions, 1); /* SoftHSM doesn't count them */
	hsm_close(h);
	fault("on t in C_OpenSession error 0xb1\n"); /* CKR_SESSION_COUNT */
	h = opened();
	ck_assert_int_eq(hsm_ready(h, ref, &e), -1);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	fault("");
	for (long start = now_ms(); hsm_ready(h, ref, &e) < 0; wait_ms(10))
		ck_assert_int_lt(now_ms() - start, 10000);
	hsm_close(h);
}
END_TEST

/* --- H07: no module but those of the configuration --- */

START_TEST(test_h07_modules)
{
	struct hsm *h = opened();
	char ref[2][HSM_REF_BYTES], other[HSM_REF_BYTES + 200];
	EVP_PKEY *key = generated(h, "two", ref[0]), *again = NULL;
	static const char *const tails[] = {"?module-path=/nonexistent/evil.so", "?module-path=/nonexistent/evil.so&pin-value=1234", "?module-name=evil"};
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(other, sizeof(other), "%s%s", ref[0], tails[i]);
		if (hsm_key_load(h, other, key, &again, &e) == 0) { /* what stands there isn't looked at */
			ck_assert(house_signs(again, "SHA256"));
			EVP_PKEY_free(again);
		}
	}
	ck_assert_int_eq(hsm_key_load(h, "pkcs11:token=three;id=%01?module-path=/nonexistent/evil.so", key, &again, &e), -1);
	ck_assert_msg(strstr(e.detail, "isn't named in [ca] tokens") != NULL, "%s", e.detail);
	ck_assert_int_eq(hsm_key_load(h, "pkcs11:token=two", key, &again, &e), -1);
	ck_assert_int_eq(hsm_key_generate(h, "/nonexistent/evil.so", keytype_by_name("p256"), "x", ref[1], &again, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	EVP_PKEY_free(key);
	hsm_close(h);
}
END_TEST

/* --- H08: keys that could be taken out --- */

START_TEST(test_h08_extractable)
{
	struct hsm *h = opened();
	char ref[HSM_REF_BYTES];
	uint8_t id[20] = {1, 2, 3};
	EVP_PKEY *key = generated(h, "t", ref), *again = NULL, *made = NULL;
	/* the token says that it can be: at loading … */
	fault("on t in C_GetAttributeValue extractable\n");
	ck_assert_int_eq(hsm_key_load(h, ref, key, &again, &e), -1);
	ck_assert_msg(strstr(e.detail, "give out") != NULL, "%s", e.detail);
	/* … and after making and taking in, where nothing stays behind */
	ck_assert_int_eq(hsm_key_generate(h, "t", keytype_by_name("p256"), "x", ref, &made, &e), -1);
	ck_assert_msg(strstr(e.detail, "destroyed") != NULL, "%s", e.detail);
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &made, &e), 0);
	ck_assert_int_eq(hsm_key_import(h, "t", made, keytype_by_name("p256"), "x", ref, &e), -1);
	fault("");
	struct raw r = raw_open("t");
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE find[] = {{CKA_CLASS, &class, sizeof(class)}};
	CK_OBJECT_HANDLE objects[8];
	CK_ULONG n = 0;
	ck_assert_int_eq(r.f->C_FindObjectsInit(r.s, find, 1), CKR_OK);
	ck_assert_int_eq(r.f->C_FindObjects(r.s, objects, 8, &n), CKR_OK);
	ck_assert_int_eq(r.f->C_FindObjectsFinal(r.s), CKR_OK);
	ck_assert_uint_eq(n, 1);
	/* one that really can be */
	raw_make(&r, id, true);
	CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE find_public[] = {{CKA_CLASS, &public_class, sizeof(public_class)}, {CKA_ID, id, 20}};
	uint8_t point[80];
	CK_ATTRIBUTE read[] = {{CKA_EC_POINT, point, sizeof(point)}};
	ck_assert_int_eq(r.f->C_FindObjectsInit(r.s, find_public, 2), CKR_OK);
	ck_assert_int_eq(r.f->C_FindObjects(r.s, objects, 8, &n), CKR_OK);
	ck_assert_int_eq(r.f->C_FindObjectsFinal(r.s), CKR_OK);
	ck_assert_int_eq(r.f->C_GetAttributeValue(r.s, objects[0], read, 1), CKR_OK);
	EVP_PKEY *expected = EVP_PKEY_new();
	ck_assert_int_eq(EVP_PKEY_copy_parameters(expected, made), 1);
	ck_assert_int_eq(EVP_PKEY_set1_encoded_public_key(expected, point + 2, read[0].ulValueLen - 2), 1);
	ck_assert_int_eq(hsm_key_load(h, "token:0102030000000000000000000000000000000000", expected, &again, &e), -1);
	ck_assert_msg(strstr(e.detail, "give out") != NULL, "%s", e.detail);
	EVP_PKEY_free(expected);
	EVP_PKEY_free(made);
	EVP_PKEY_free(key);
	dlclose(r.handle);
	hsm_close(h);
}
END_TEST

/* Keys from elsewhere: on the token they are as good as its own, and stay there. */
static const struct {
	const char *type, *store, *kind;
} imports[] = {
    {"p256", "t", "token:"},     {"p384", "two", "pkcs11:"},    {"p521", "", "token:"},    {"rsa2048", "t", "token:"},
    {"ed25519", "t", "token:"},  {"ed448", "", "token:"},       {"p256", "file", "file:"}, {"brainpoolp512r1", "two", "pkcs11:"},
    {"sect283r1", "", "file:"},  {"rsapss2048", "t", "token:"},
};

START_TEST(test_import)
{
	const struct keytype *t = keytype_by_name(imports[_i].type);
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key = NULL, *again = NULL;
	struct hsm *h = opened();
	ck_assert_int_eq(keytype_generate(t, &key, &e), 0);
	ck_assert_msg(hsm_key_import(h, imports[_i].store, key, t, "from elsewhere", ref, &e) == 0, "%s", e.detail);
	ck_assert_msg(strncmp(ref, imports[_i].kind, strlen(imports[_i].kind)) == 0, "%s", ref);
	hsm_close(h);
	h = opened();
	ck_assert_msg(hsm_key_load(h, ref, key, &again, &e) == 0, "%s", e.detail); /* which reads that it stays there */
	ck_assert(house_signs(again, t->signature->digest));
	struct secret *der = NULL;
	if (strncmp(ref, "file:", 5) != 0)
		ck_assert_int_eq(keytype_to_pkcs8(again, &der, &e), -1);
	EVP_PKEY_free(again);
	ck_assert_int_eq(hsm_key_delete(h, ref, key, &e), 0);
	EVP_PKEY_free(key);
	hsm_close(h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("faults of tokens");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_two_tokens);
	tcase_add_test(c, test_one_lost);
	tcase_add_loop_test(c, test_h01_pin, 0, 2);
	tcase_add_test(c, test_h03_stall);
	tcase_add_loop_test(c, test_h04_wrong, 0, 3);
	tcase_add_test(c, test_h04_one_key);
	tcase_add_test(c, test_h05_alike);
	tcase_add_test(c, test_h06_fork);
	tcase_add_test(c, test_h06_sessions);
	tcase_add_test(c, test_h07_modules);
	tcase_add_test(c, test_h08_extractable);
	tcase_set_timeout(c, 60); /* sanitizers, on a machine that does other things */
	suite_add_tcase(s, c);
	/* These share their tokens: making one takes longer than what is done with it. */
	c = tcase_create("many");
	tcase_add_unchecked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, test_h02_errors, 0, ARRAY_LEN(errors));
	tcase_add_loop_test(c, test_h02_calls, 0, ARRAY_LEN(calls));
	tcase_add_loop_test(c, test_import, 0, ARRAY_LEN(imports));
	tcase_set_timeout(c, 20);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	/* A fork for each test, also under sanitizers: a PKCS#11 module reads its configuration once for a process. */
	srunner_set_fork_status(r, CK_FORK);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
