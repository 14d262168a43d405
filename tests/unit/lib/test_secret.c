#include <config.h>

#include "lib/secret.h"

#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "tests/unit/lib/suites.h"

START_TEST(test_locked)
{
	struct secret *s;

	secret_init();
	secret_init();
	s = secret_new("pin", 3);
	ck_assert_uint_eq(s->len, 3);
	ck_assert_str_eq((char *)s->data, "pin");
	ck_assert_int_eq(CRYPTO_secure_allocated(s->data), 1);
	secret_free(s);
	s = secret_new(NULL, 100000);
	for (size_t i = 0; i <= s->len; i++)
		ck_assert_uint_eq(s->data[i], 0);
	secret_free(s);
	secret_free(NULL);
}
END_TEST

START_TEST(test_heap_full)
{
	struct secret *all[16];

	secret_init();
	for (int i = 0; i < 16; i++) {
		all[i] = secret_new(NULL, 200000);
		memset(all[i]->data, 1, 200000);
	}
	for (int i = 0; i < 16; i++)
		secret_free(all[i]);
}
END_TEST

START_TEST(test_equal)
{
	ck_assert(secret_equal("abc", 3, "abc", 3));
	ck_assert(!secret_equal("abc", 3, "abd", 3));
	ck_assert(!secret_equal("abc", 3, "abc", 2));
	ck_assert(secret_equal("", 0, "", 0));
}
END_TEST

START_TEST(test_random)
{
	struct secret *a, *b;
	struct error e;

	for (size_t n = 1; n < 40; n++) {
		ck_assert_int_eq(secret_random_text(n, &a, &e), 0);
		ck_assert_uint_eq(a->len, (n * 8 + 4) / 5);
		ck_assert_uint_eq(strspn((char *)a->data, "abcdefghijklmnopqrstuvwxyz234567"), a->len);
		secret_free(a);
	}
	ck_assert_int_eq(secret_random_text(20, &a, &e), 0);
	ck_assert_int_eq(secret_random_text(20, &b, &e), 0);
	ck_assert(!secret_equal(a->data, a->len, b->data, b->len));
	secret_free(a);
	secret_free(b);
}
END_TEST

/* Each of the 32 digits turns up at each place: no bit of the random bytes is lost. */
START_TEST(test_random_spread)
{
	unsigned seen[8] = {0};
	struct error e;

	for (int i = 0; i < 2000; i++) {
		CLEANUP(secret_free) struct secret *s = NULL;

		ck_assert_int_eq(secret_random_text(5, &s, &e), 0);
		for (size_t k = 0; k < 8; k++) {
			char c = (char)s->data[k];

			seen[k] |= 1u << (c >= 'a' ? c - 'a' : c - '2' + 26);
		}
	}
	for (size_t k = 0; k < 8; k++)
		ck_assert_uint_eq(seen[k], 0xffffffffu);
}
END_TEST

START_TEST(test_file_good)
{
	struct secret *s;
	struct error e;

	ck_assert_int_eq(secret_read_file(test_file("pin", "1234\n", 5, 0600), 16, &s, &e), 0);
	ck_assert_str_eq((char *)s->data, "1234");
	ck_assert_uint_eq(s->len, 4);
	secret_free(s);
	ck_assert_int_eq(secret_read_file(test_file("pin", "1234\n\n", 6, 0400), 16, &s, &e), 0);
	ck_assert_uint_eq(s->len, 5);
	secret_free(s);
	ck_assert_int_eq(secret_read_file(test_file("empty", "", 0, 0600), 16, &s, &e), 0);
	ck_assert_uint_eq(s->len, 0);
	secret_free(s);
}
END_TEST

START_TEST(test_file_refused)
{
	struct secret *s = NULL;
	struct error e;
	char path[300];

	ck_assert_int_eq(secret_read_file(test_file("open", "x", 1, 0640), 16, &s, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_int_eq(secret_read_file(test_file("open", "x", 1, 0604), 16, &s, &e), -1);
	ck_assert_int_eq(secret_read_file(test_file("long", "0123456789abcdefg", 17, 0600), 16, &s, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_LARGE);
	ck_assert_int_eq(secret_read_file("/nonexistent/pin", 16, &s, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_int_eq(secret_read_file(test_dir(), 16, &s, &e), -1);
	snprintf(path, sizeof(path), "%s/fifo", test_dir());
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(secret_read_file(path, 16, &s, &e), -1);
	ck_assert_ptr_null(s);
}
END_TEST

TCase *
tcase_secret(void)
{
	TCase *t = tcase_create("secret");

	tcase_add_test(t, test_locked);
	tcase_add_test(t, test_heap_full);
	tcase_add_test(t, test_equal);
	tcase_add_test(t, test_random);
	tcase_add_test(t, test_random_spread);
	tcase_add_test(t, test_file_good);
	tcase_add_test(t, test_file_refused);
	return t;
}
