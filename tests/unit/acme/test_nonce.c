/* enroll/acme/nonce.c, with a store that is this file. */
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enroll/acme/acme.h"
#include "lib/text.h"

static struct arena *arena;
static struct error e;
static struct acme_nonces *nonces;
static uint8_t store_key[ACME_NONCE_KEY_BYTES];
static bool store_is_down;
static unsigned asked;
static int64_t shift; /* of the wall clock, in seconds */

time_t __wrap_time(time_t *ret); /* NOLINT(bugprone-reserved-identifier): the linker's name */
time_t
__wrap_time(time_t *ret) /* NOLINT(bugprone-reserved-identifier) */
{
	struct timespec now;
	(void)ret;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec + shift;
}

int
enroll_query(struct enroll *en, int32_t tenant_id, const char *sql, const struct db_param *params, int n_params, struct db_result **ret,
	     struct error *why)
{
	(void)en;
	(void)params;
	(void)ret;
	ck_assert_int_eq(tenant_id, 0);
	ck_assert_int_eq(n_params, 1);
	ck_assert_ptr_nonnull(strstr(sql, "acme_nonce_key"));
	asked++;
	return store_is_down ? fail(why, E_STORE, "the store is away") : 0;
}

struct bytes
db_bytes(const struct db_result *r, int row, int col, struct arena *a)
{
	(void)r;
	(void)row;
	(void)col;
	return (struct bytes){arena_dup(a, store_key, sizeof(store_key)), sizeof(store_key)};
}

void
db_result_free(struct db_result *r)
{
	(void)r;
}

struct acme_nonces *
acme_nonces(struct acme *s)
{
	(void)s;
	return nonces;
}

static void
set_up(void)
{
	arena = arena_new(1 << 20);
	memset(store_key, 7, sizeof(store_key));
	store_is_down = false;
	shift = 0;
	asked = 0;
	nonces = acme_nonces_new(NULL);
}

static void
tear_down(void)
{
	acme_nonces_free(nonces);
	arena_free(arena);
}

static const char *
made(void)
{
	const char *nonce = NULL;
	ck_assert_msg(acme_nonce_make(nonces, arena, &nonce, &e) == 0, "%s", e.detail);
	return nonce;
}

/* 0, or the code of the refusal. */
static enum error_code
check(const char *nonce)
{
	uint8_t octets[ACME_NONCE_BYTES], key[ACME_NONCE_KEY_BYTES];
	if (acme_nonce_check(nonces, nonce, octets, key, &e) < 0)
		return e.code;
	ck_assert_mem_eq(key, store_key, sizeof(key));
	return E_NONE;
}

START_TEST(one_is_good_under_its_key)
{
	const char *first = made(), *second = made();
	ck_assert_str_ne(first, second);
	ck_assert_uint_eq(strlen(first), 43);
	ck_assert_int_eq(check(first), E_NONE);
	ck_assert_int_eq(check(first), E_NONE); /* that it is used once is the store's affair */
	ck_assert_int_eq(check(second), E_NONE);
	ck_assert_uint_eq(asked, 1);
}
END_TEST

/* The store knows a nonce by octets that begin with its time, so that old ones are at one end. */
START_TEST(its_octets_begin_with_the_time)
{
	uint8_t octets[ACME_NONCE_BYTES], key[ACME_NONCE_KEY_BYTES];
	ck_assert_int_eq(acme_nonce_check(nonces, made(), octets, key, &e), 0);
	uint32_t at = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
	ck_assert_int_le(llabs((long long)at - (long long)time(NULL)), 2);
}
END_TEST

START_TEST(what_isnt_one_is_refused)
{
	static const char *const wrong[] = {"", "x", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	                                    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA B", "\xff"};
	char *nonce = arena_strdup(arena, made());
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		ck_assert_int_eq(check(wrong[i]), E_BAD_NONCE);
	ck_assert_int_eq(check(NULL), E_BAD_NONCE);
	for (size_t i = 0; i < strlen(nonce); i++) { /* each character counts */
		char was = nonce[i];
		nonce[i] = was == 'A' ? 'Q' : 'A';
		ck_assert_msg(check(nonce) == E_BAD_NONCE, "%zu", i);
		nonce[i] = was;
	}
	ck_assert_int_eq(check(nonce), E_NONE);
}
END_TEST

START_TEST(it_is_good_for_half_an_hour)
{
	const char *nonce = made();
	shift = ACME_NONCE_SEC - 2;
	ck_assert_int_eq(check(nonce), E_NONE);
	shift = ACME_NONCE_SEC + 2;
	ck_assert_int_eq(check(nonce), E_BAD_NONCE);
	shift = -58; /* of a front end whose clock is ahead */
	ck_assert_int_eq(check(nonce), E_NONE);
	shift = -63;
	ck_assert_int_eq(check(nonce), E_BAD_NONCE);
}
END_TEST

/* Another key in the store: what is under the old one is refused, and the new one is asked for, once in a second. */
START_TEST(the_store_has_another_key)
{
	const char *old = made();
	uint8_t octets[ACME_NONCE_BYTES], key[ACME_NONCE_KEY_BYTES];
	memset(store_key, 8, sizeof(store_key));
	ck_assert_int_eq(acme_nonce_check(nonces, old, octets, key, &e), 0); /* the store compares the key itself, and says so */
	ck_assert_int_eq(key[0], 7);
	acme_nonces_forget(nonces);
	const char *fresh = made();
	ck_assert_uint_eq(asked, 2);
	ck_assert_int_eq(check(fresh), E_NONE);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(check(old), E_BAD_NONCE);
	ck_assert_uint_le(asked, 4);
}
END_TEST

START_TEST(no_store_is_no_bad_nonce)
{
	const char *nonce = made(), *another = NULL;
	store_is_down = true;
	ck_assert_int_eq(check(nonce), E_NONE); /* the key is known */
	acme_nonces_forget(nonces);
	ck_assert_int_eq(check(nonce), E_STORE);
	ck_assert_int_lt(acme_nonce_make(nonces, arena, &another, &e), 0);
	ck_assert_int_eq(e.code, E_STORE);
	acme_nonces_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nonces of acme");
	TCase *t = tcase_create("nonce");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, one_is_good_under_its_key);
	tcase_add_test(t, its_octets_begin_with_the_time);
	tcase_add_test(t, what_isnt_one_is_refused);
	tcase_add_test(t, it_is_good_for_half_an_hour);
	tcase_add_test(t, the_store_has_another_key);
	tcase_add_test(t, no_store_is_no_bad_nonce);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
