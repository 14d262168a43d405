#include "cli/verify.h"

#include <stdio.h>
#include <stdlib.h>
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

/* --- a thousand ways of changing a log --- */

#define LOG_ROWS 60

struct stored {
	char chain[8], actor[16], action[24], object[24], detail[32];
	int64_t seq, at_us;
	int32_t tenant_id;
	uint8_t hash[AUDIT_HASH_BYTES];
};

static int
by_place(const void *x, const void *y)
{
	const struct stored *a = x, *b = y;
	int c = strcmp(a->chain, b->chain);

	return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static void
hash_row(struct stored *r, const uint8_t *before)
{
	static const uint8_t zeros[AUDIT_HASH_BYTES];
	struct audit_row row = {r->at_us, r->tenant_id, r->actor, r->action, r->object, r->detail};

	audit_hash(before ? before : zeros, r->chain, r->seq, &row, r->hash);
}

/* Three chains of twenty rows. */
static void
make_log(struct stored *log)
{
	for (int i = 0; i < LOG_ROWS; i++) {
		struct stored *r = &log[i];

		memset(r, 0, sizeof(*r));
		snprintf(r->chain, sizeof(r->chain), "ca.%d", i / 20);
		snprintf(r->actor, sizeof(r->actor), "rest:line%d", i % 7);
		snprintf(r->action, sizeof(r->action), "certificate.%s", i % 2 ? "issued" : "intent");
		snprintf(r->object, sizeof(r->object), "ca/2/serial/%04x", i);
		snprintf(r->detail, sizeof(r->detail), "{\"n\":\"%d\"}", i);
		r->seq = i % 20 + 1;
		r->at_us = 1000000 + i;
		r->tenant_id = 1 + i % 3;
		hash_row(r, i % 20 ? log[i - 1].hash : NULL);
	}
}

/* Changes the log somehow; gives the number of rows. The kinds: a field, a hash, a row left out, the end of a chain cut off, two rows in each other's
 * places with their numbers exchanged, a row put in, all rows from one on written anew with good hashes. */
static int
tamper(struct stored *log, unsigned kind)
{
	int n = LOG_ROWS, i = rand() % n;
	struct stored *r = &log[i];
	char *texts[] = {r->actor, r->action, r->object, r->detail};

	switch (kind) {
	case 0: {
		char *text = texts[rand() % 4];
		size_t at = (size_t)rand() % strlen(text);

		text[at] = (char)(text[at] == 'x' ? 'y' : 'x');
		break;
	}
	case 1:
		if (rand() % 2)
			r->at_us += 1 + rand() % 1000;
		else
			r->tenant_id += 1 + rand() % 5;
		break;
	case 2:
		r->hash[rand() % AUDIT_HASH_BYTES] ^= (uint8_t)(1 << rand() % 8);
		break;
	case 3:
		memmove(r, r + 1, (size_t)(--n - i) * sizeof(*r));
		break;
	case 4: {
		int end = (i / 20 + 1) * 20;

		memmove(r, log + end, (size_t)(n - end) * sizeof(*r));
		n -= end - i;
		break;
	}
	case 5: {
		struct stored *other = &log[i / 20 * 20 + (i + 1 + rand() % 19) % 20], copy = *r;
		int64_t seq = other->seq;

		*r = *other;
		r->seq = copy.seq;
		*other = copy;
		other->seq = seq;
		break;
	}
	case 6:
		memmove(r + 1, r, (size_t)(n++ - i) * sizeof(*r));
		break;
	default:
		snprintf(r->actor, sizeof(r->actor), "rest:mallory");
		for (int k = i; k < (i / 20 + 1) * 20; k++)
			hash_row(&log[k], k % 20 ? log[k - 1].hash : NULL);
	}
	qsort(log, (size_t)n, sizeof(*log), by_place);
	return n;
}

static int64_t
problems_of(const struct stored *log, int n, const struct stored *heads)
{
	struct verify *v = fresh();
	struct error e;
	int64_t found;

	for (int i = 19; i < LOG_ROWS; i += 20) { /* the heads, as they were kept elsewhere */
		char line[160], *end = line + snprintf(line, sizeof(line), "7 %s %d ", heads[i].chain, (int)heads[i].seq);

		for (int k = 0; k < AUDIT_HASH_BYTES; k++)
			end += snprintf(end, 3, "%02x", heads[i].hash[k]);
		ck_assert_int_eq(verify_anchor(v, line, &e), 0);
	}
	for (int i = 0; i < n; i++) {
		const struct stored *r = &log[i];
		struct audit_row row = {r->at_us, r->tenant_id, r->actor, r->action, r->object, r->detail};

		told[0] = '\0';
		verify_row(v, r->chain, r->seq, &row, r->hash);
	}
	told[0] = '\0';
	verify_end(v);
	found = verify_problems(v);
	verify_free(v);
	return found;
}

START_TEST(test_a_thousand_changes)
{
	static struct stored good[LOG_ROWS + 1], changed[LOG_ROWS + 1];

	srand(4711);
	make_log(good);
	ck_assert_int_eq(problems_of(good, LOG_ROWS, good), 0);
	for (int i = 0; i < 1000; i++) {
		memcpy(changed, good, sizeof(changed));
		int n = tamper(changed, (unsigned)i % 8);

		ck_assert_msg(problems_of(changed, n, good) > 0, "change %d of kind %d wasn't found", i, i % 8);
	}
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
	tcase_add_test(t, test_a_thousand_changes);
	return t;
}
