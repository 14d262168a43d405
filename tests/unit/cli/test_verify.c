#include "cli/verify.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/cli/suites.h"

/* What was told, one line each. */
static char told[4096];

static void
on_problem(void *ctx, const char *chain, int64_t seq, const char *text)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s %d %s\n", chain, (int)seq, text);
}

static void
on_chain(void *ctx, const char *chain, int64_t rows, int64_t first, int64_t last)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s: %d %d-%d\n", chain, (int)rows, (int)first, (int)last);
}

static const struct audit_row plain = {.at_us = 5, .tenant_id = 1, .actor = "a", .action = "b", .object = "c", .detail = "{}"};

/* A good chain of n rows. */
static void
make_chain(const char *name, int n, uint8_t hashes[][AUDIT_HASH_BYTES])
{
	static const uint8_t zeros[AUDIT_HASH_BYTES];

	for (int i = 0; i < n; i++)
		audit_hash(i ? hashes[i - 1] : zeros, name, i + 1, &plain, hashes[i]);
}

static struct verify *
fresh(void)
{
	told[0] = '\0';
	return verify_new(on_problem, on_chain, NULL);
}

START_TEST(test_good)
{
	uint8_t a[5][AUDIT_HASH_BYTES], b[3][AUDIT_HASH_BYTES];
	struct verify *v = fresh();

	make_chain("a", 5, a);
	make_chain("b", 3, b);
	for (int i = 0; i < 5; i++)
		verify_row(v, "a", i + 1, &plain, a[i]);
	for (int i = 0; i < 3; i++)
		verify_row(v, "b", i + 1, &plain, b[i]);
	verify_end(v);
	ck_assert_str_eq(told, "a: 5 1-5\nb: 3 1-3\n");
	ck_assert_int_eq(verify_problems(v), 0);
	verify_free(v);
	verify_free(NULL);
}
END_TEST

START_TEST(test_bad)
{
	struct audit_row other = plain;
	uint8_t h[8][AUDIT_HASH_BYTES];
	struct verify *v = fresh();

	other.detail = "{\"x\":1}";
	make_chain("a", 8, h);
	verify_row(v, "a", 1, &plain, h[0]);
	verify_row(v, "a", 2, &other, h[1]); /* content altered */
	verify_row(v, "a", 3, &plain, h[2]);
	verify_row(v, "a", 6, &plain, h[5]); /* 4 and 5 are gone */
	verify_row(v, "a", 7, &plain, h[6]);
	verify_row(v, "a", 7, &plain, h[6]); /* twice */
	verify_row(v, "a", 8, &plain, h[0]); /* hash altered */
	verify_end(v);
	ck_assert_str_eq(told, "a 2 the row or its hash was altered\n"
	                       "a 4 the rows up to 5 are missing\n"
	                       "a 7 the number isn't above the one before\n"
	                       "a 8 the row or its hash was altered\n"
	                       "a: 7 1-8\n");
	ck_assert_int_eq(verify_problems(v), 4);
	verify_free(v);
}
END_TEST

/* A row of one chain doesn't pass in another, nor under another number. */
START_TEST(test_moved)
{
	uint8_t a[2][AUDIT_HASH_BYTES];
	struct verify *v = fresh();

	make_chain("a", 2, a);
	verify_row(v, "b", 1, &plain, a[0]);
	verify_row(v, "c", 1, &plain, a[1]);
	verify_end(v);
	ck_assert_int_eq(verify_problems(v), 2);
	verify_free(v);
}
END_TEST

static void
anchor(struct verify *v, const char *chain, int seq, const uint8_t *hash)
{
	struct arena *arena = arena_new(4096);
	struct error e = {0};

	ck_assert_msg(verify_anchor(v, arena_printf(arena, "86400 %s %d %s\n", chain, seq, arena_hex(arena, hash, 32)), &e) == 0, "%s",
	              e.detail);
	arena_free(arena);
}

START_TEST(test_anchors)
{
	uint8_t h[4][AUDIT_HASH_BYTES];
	struct verify *v = fresh();

	make_chain("a", 4, h);
	anchor(v, "a", 4, h[3]);
	anchor(v, "a", 2, h[1]);
	anchor(v, "a", 2, h[1]); /* the same again, as of a chain that rests */
	anchor(v, "a", 1, h[3]); /* another hash than the row has */
	anchor(v, "a", 1, h[0]);
	anchor(v, "gone", 1, h[0]);
	anchor(v, "gone", 9, h[0]);
	for (int i = 0; i < 3; i++)
		verify_row(v, "a", i + 1, &plain, h[i]);
	verify_end(v);
	ck_assert_str_eq(told, "a 1 its hash isn't the one that was anchored\n"
	                       "a: 3 1-3\n"
	                       "a 4 the row was anchored at 1970-01-02T00:00:00Z and is missing\n"
	                       "gone 9 the row was anchored at 1970-01-02T00:00:00Z and is missing\n");
	verify_free(v);
}
END_TEST

START_TEST(test_anchor_lines)
{
	static const char *const bad[] = {
		"", "\n", "1 a 1", "1 a 1 00",
		"1 a 0 0000000000000000000000000000000000000000000000000000000000000000",
		"1 a -1 0000000000000000000000000000000000000000000000000000000000000000",
		"1 a 1 000000000000000000000000000000000000000000000000000000000000000g",
		"1 a 1 00000000000000000000000000000000000000000000000000000000000000000",
		"1 a 1 0000000000000000000000000000000000000000000000000000000000000000 x",
		"x a 1 0000000000000000000000000000000000000000000000000000000000000000",
	};
	struct verify *v = fresh();
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(verify_anchor(v, bad[i], &e) == -1, "%zu", i);
	ck_assert_int_eq(verify_anchor(v, "1 a 1 0000000000000000000000000000000000000000000000000000000000000000\r\n", &e), 0);
	verify_free(v);
}
END_TEST

TCase *
tcase_verify(void)
{
	TCase *t = tcase_create("verify");

	tcase_add_test(t, test_good);
	tcase_add_test(t, test_bad);
	tcase_add_test(t, test_moved);
	tcase_add_test(t, test_anchors);
	tcase_add_test(t, test_anchor_lines);
	return t;
}
