#include "lib/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024) /* holds an ordinary request */

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct block *newest; /* the first block is the last of the list */
	size_t cap, total;
};

static void __attribute__((noreturn))
beyond_cap(void)
{
	fputs("an arena went beyond its maximum\n", stderr);
	abort();
}

/* total counts what is handed out in blocks; the caller has made sure that size stays within the cap. */
static struct block *
block_add(struct arena *a, size_t size)
{
	struct block *b = xcalloc(1, sizeof(*b) + size);

	b->size = size;
	b->next = a->newest;
	a->newest = b;
	return b;
}

static void
block_free(struct block *b)
{
	explicit_bzero(b->data, b->used);
	free(b);
}

struct arena *
arena_new(size_t cap_bytes)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->cap = cap_bytes;
	block_add(a, BLOCK_BYTES);
	return a;
}

void
arena_free(struct arena *a)
{
	struct block *next;

	if (!a)
		return;
	for (struct block *b = a->newest; b; b = next) {
		next = b->next;
		block_free(b);
	}
	free(a);
}

void
arena_reset(struct arena *a)
{
	struct block *b = a->newest;

	while (b->next) {
		struct block *next = b->next;

		block_free(b);
		b = next;
	}
	explicit_bzero(b->data, b->used);
	b->used = 0;
	a->newest = b;
	a->total = 0;
}

/* Blocks come zeroed and are wiped when they are used again, so nothing is cleared here. */
void *
arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *b = a->newest;
	uint8_t *p;

	if (size > a->cap - a->total)
		beyond_cap();
	size = (size ? size + align - 1 : align) & ~(align - 1);
	if (size > b->size - b->used)
		b = block_add(a, size > BLOCK_BYTES ? size : BLOCK_BYTES);
	p = b->data + b->used;
	b->used += size;
	a->total = size > a->cap - a->total ? a->cap : a->total + size;
	return p;
}

void *
arena_dup(struct arena *a, const void *data, size_t len)
{
	void *p = arena_alloc(a, len);

	if (len)
		memcpy(p, data, len);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_dup(a, s, strlen(s) + 1);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (len)
		memcpy(p, s, len);
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	char *p;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

char *
arena_hex(struct arena *a, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = data;
	char *p;

	if (len > a->cap)
		beyond_cap();
	p = arena_alloc(a, len * 2 + 1);
	for (size_t i = 0; i < len; i++) {
		p[2 * i] = digits[in[i] >> 4];
		p[2 * i + 1] = digits[in[i] & 15];
	}
	return p;
}
