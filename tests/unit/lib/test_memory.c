#include <string.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "tests/unit/lib/suites.h"

START_TEST(test_arena_content)
{
	struct arena *a = arena_new(1 << 20);
	char *first = arena_alloc(a, 10);

	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 3000; size += 7) {
			uint8_t *p = arena_alloc(a, size);

			ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				ck_assert_uint_eq(p[i], 0);
			memset(p, 0xa5, size);
			if (size > 1400)
				break;
		}
		memset(arena_alloc(a, 100000), 0xa5, 100000);
		arena_reset(a);
		ck_assert_ptr_eq(arena_alloc(a, 10), first);
	}
	ck_assert_str_eq(arena_printf(a, "%s-%d", "x", 5), "x-5");
	ck_assert_str_eq(arena_strndup(a, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_strdup(a, "abc"), "abc");
	ck_assert_str_eq(arena_hex(a, "\x00\xff\x1a", 3), "00ff1a");
	ck_assert_str_eq(arena_hex(a, "", 0), "");
	ck_assert_mem_eq(arena_dup(a, "a\0b", 3), "a\0b", 3);
	arena_free(a);
	arena_free(NULL);
}
END_TEST

static void
over_at_once(void)
{
	arena_alloc(arena_new(1000), 1001);
}

static void
over_by_steps(void)
{
	struct arena *a = arena_new(100000);

	for (int i = 0; i < 101; i++)
		arena_alloc(a, 1000);
}

static void
over_by_far(void)
{
	struct arena *a = arena_new(1000);
	volatile size_t huge = SIZE_MAX / 2 - 8;

	arena_alloc(a, 100);
	arena_alloc(a, huge);
}

static void
within(void)
{
	struct arena *a = arena_new(100000);

	for (int i = 0; i < 90; i++)
		arena_alloc(a, 1000);
	arena_reset(a);
	for (int i = 0; i < 90; i++)
		arena_alloc(a, 1000);
	arena_free(a);
}

START_TEST(test_arena_cap)
{
	ck_assert(test_aborts(over_at_once));
	ck_assert(test_aborts(over_by_steps));
	ck_assert(test_aborts(over_by_far));
	ck_assert(!test_aborts(within));
}
END_TEST

START_TEST(test_buf)
{
	BUF_CLEANUP struct buf b = BUF_INIT(1000);
	struct error e = {0};

	for (int i = 0; i < 90; i++)
		buf_printf(&b, "%09d,", i);
	buf_add_str(&b, "abc");
	buf_add_byte(&b, 'd');
	buf_add(&b, NULL, 0);
	ck_assert_uint_eq(b.len, 904);
	ck_assert_mem_eq(b.data + 890, "000000089,abcd", 14);
	ck_assert_int_eq(buf_check(&b, &e), 0);
	buf_clear(&b);
	ck_assert_uint_eq(b.len, 0);
	buf_add_str(&b, "x");
	ck_assert_mem_eq(b.data, "x", 1);
}
END_TEST

START_TEST(test_buf_max)
{
	BUF_CLEANUP struct buf b = BUF_INIT(10);
	struct error e = {0};

	buf_add(&b, "0123456789", 10);
	ck_assert_int_eq(buf_check(&b, &e), 0);
	buf_add_byte(&b, 'x');
	ck_assert(b.overflow);
	ck_assert_uint_eq(b.len, 10);
	ck_assert_int_eq(buf_check(&b, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_LARGE);
	buf_clear(&b);
	buf_add_byte(&b, 'w');
	buf_add(&b, "x", SIZE_MAX); /* not read: refused by its length, whose sum with ours wraps */
	ck_assert(b.overflow);
	buf_add(&b, "y", 1); /* what follows an overflow isn't taken either */
	ck_assert_uint_eq(b.len, 1);
	buf_clear(&b);
	buf_printf(&b, "%s", "0123456789");
	ck_assert(!b.overflow);
	buf_printf(&b, "%d", 1);
	ck_assert(b.overflow);
}
END_TEST

TCase *
tcase_memory(void)
{
	TCase *t = tcase_create("memory");

	tcase_add_test(t, test_arena_content);
	tcase_add_test(t, test_arena_cap);
	tcase_add_test(t, test_buf);
	tcase_add_test(t, test_buf_max);
	return t;
}
