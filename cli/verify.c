#include <config.h>

#include "cli/verify.h"
#include "lib/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHAIN_BYTES 48 /* as in struct audit_chain */

struct anchor {
	char chain[CHAIN_BYTES];
	int64_t at_sec, seq;
	uint8_t hash[AUDIT_HASH_BYTES];
	bool met;
};

struct verify {
	verify_problem problem;
	verify_chain end_of_chain;
	void *ctx;
	int64_t problems;
	struct anchor *anchors;
	size_t n_anchors, cap_anchors;
	bool sorted;
	/* the chain under way */
	char *chain;
	int64_t rows, first, last;
	uint8_t head[AUDIT_HASH_BYTES];
};

struct verify *
verify_new(verify_problem problem, verify_chain chain, void *ctx)
{
	struct verify *v = xcalloc(1, sizeof(*v));

	v->problem = problem;
	v->end_of_chain = chain;
	v->ctx = ctx;
	return v;
}

void
verify_free(struct verify *v)
{
	if (!v)
		return;
	free(v->anchors);
	free(v->chain);
	free(v);
}

static void PRINTF_LIKE(4, 5)
tell(struct verify *v, const char *chain, int64_t seq, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	v->problems++;
	v->problem(v->ctx, chain, seq, text);
}

void
verify_fault(struct verify *v, const char *chain, int64_t seq, const char *text)
{
	tell(v, chain, seq, "%s", text);
}

static int
hex_decode(const char *text, uint8_t ret[AUDIT_HASH_BYTES])
{
	if (strspn(text, "0123456789abcdef") != 2 * AUDIT_HASH_BYTES || text[2 * AUDIT_HASH_BYTES] != '\0')
		return -1;
	for (size_t i = 0; i < 2 * AUDIT_HASH_BYTES; i++) {
		unsigned digit = isdigit((unsigned char)text[i]) ? (unsigned)(text[i] - '0') : (unsigned)(text[i] - 'a' + 10);

		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | digit);
	}
	return 0;
}

int
verify_anchor(struct verify *v, const char *line, struct error *e)
{
	struct anchor a = {.at_sec = 0}, *last = v->n_anchors ? &v->anchors[v->n_anchors - 1] : NULL;
	char hash[2 * AUDIT_HASH_BYTES + 2];
	int end = 0;

	if (sscanf(line, "%20" SCNd64 " %47s %20" SCNd64 " %65s%n", &a.at_sec, a.chain, &a.seq, hash, &end) != 4 ||
	    line[end + (int)strspn(line + end, "\r\n")] != '\0' || a.seq < 1 || hex_decode(hash, a.hash) < 0)
		return fail(e, E_MALFORMED, "an anchor is a line \"<unix seconds> <chain> <seq> <hash>\"");
	/* a chain that rests is anchored again and again with the same head */
	if (last && last->seq == a.seq && strcmp(last->chain, a.chain) == 0 && memcmp(last->hash, a.hash, sizeof(a.hash)) == 0)
		return 0;
	if (!v->anchors || v->n_anchors == v->cap_anchors) {
		v->cap_anchors = v->cap_anchors ? 2 * v->cap_anchors : 64;
		v->anchors = xrealloc(v->anchors, v->cap_anchors * sizeof(*v->anchors));
	}
	v->anchors[v->n_anchors++] = a;
	return 0;
}

static int
by_place(const void *x, const void *y)
{
	const struct anchor *a = x, *b = y;
	int c = strcmp(a->chain, b->chain);

	return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static void
sort_anchors(struct verify *v)
{
	if (!v->sorted && v->n_anchors > 0)
		qsort(v->anchors, v->n_anchors, sizeof(*v->anchors), by_place);
	v->sorted = true;
}

static void
check_anchors(struct verify *v, const char *chain, int64_t seq, const uint8_t *hash)
{
	struct anchor key = {.seq = seq}, *a;

	sort_anchors(v);
	if (v->n_anchors == 0)
		return;
	snprintf(key.chain, sizeof(key.chain), "%s", chain);
	a = bsearch(&key, v->anchors, v->n_anchors, sizeof(*v->anchors), by_place);
	/* several anchors may name one row: with another hash each is a finding */
	while (a && a > v->anchors && by_place(a - 1, &key) == 0)
		a--;
	for (; a && a < v->anchors + v->n_anchors && by_place(a, &key) == 0; a++) {
		a->met = true;
		if (memcmp(a->hash, hash, AUDIT_HASH_BYTES) != 0)
			tell(v, chain, seq, "its hash isn't the one that was anchored");
	}
}

static void
end_chain(struct verify *v)
{
	if (v->chain)
		v->end_of_chain(v->ctx, v->chain, v->rows, v->first, v->last);
	free(v->chain);
	v->chain = NULL;
}

static void
start_chain(struct verify *v, const char *chain, int64_t seq)
{
	end_chain(v);
	v->chain = xstrdup(chain);
	v->rows = v->last = 0;
	v->first = seq;
	memset(v->head, 0, sizeof(v->head));
}

void
verify_row(struct verify *v, const char *chain, int64_t seq, const struct audit_row *row, const uint8_t hash[AUDIT_HASH_BYTES])
{
	uint8_t wanted[AUDIT_HASH_BYTES];

	if (!v->chain || strcmp(v->chain, chain) != 0)
		start_chain(v, chain, seq);
	if (seq > v->last + 1) {
		/* What stood before isn't known any more, so this row's hash can't be checked; those after it can. */
		if (seq == v->last + 2)
			tell(v, chain, seq - 1, "the row is missing");
		else
			tell(v, chain, v->last + 1, "the rows up to %" PRId64 " are missing", seq - 1);
	} else if (seq <= v->last) {
		tell(v, chain, seq, "the number isn't above the one before");
	} else {
		audit_hash(v->head, chain, seq, row, wanted);
		if (memcmp(wanted, hash, sizeof(wanted)) != 0)
			tell(v, chain, seq, "the row or its hash was altered");
	}
	check_anchors(v, chain, seq, hash);
	memcpy(v->head, hash, sizeof(v->head));
	v->last = seq;
	v->rows++;
}

void
verify_end(struct verify *v)
{
	end_chain(v);
	sort_anchors(v);
	for (size_t i = 0; i < v->n_anchors; i++) {
		const struct anchor *a = &v->anchors[i];
		char when[32];

		/* of a chain that was cut off, its last anchor says enough */
		if (a->met || (i + 1 < v->n_anchors && !a[1].met && strcmp(a->chain, a[1].chain) == 0))
			continue;
		if (!*time_text(a->at_sec, when))
			snprintf(when, sizeof(when), "%" PRId64, a->at_sec);
		tell(v, a->chain, a->seq, "the row was anchored at %s and is missing", when);
	}
}

int64_t
verify_problems(const struct verify *v)
{
	return v->problems;
}
