/* An arena: all plain memory of one request, given back at once. */
#ifndef SIEGEL_LIB_ARENA_H
#define SIEGEL_LIB_ARENA_H
#include <stddef.h>
#include "lib/error.h"
#include "lib/mem.h"

struct arena;

/* An arena that holds at most cap_bytes in all; beyond it the process ends (a programmer's mistake: sizes that a peer
 * can choose are bounded by limits.h before they reach an arena). The caller frees it. */
struct arena *arena_new(size_t cap_bytes) __attribute__((returns_nonnull));
void arena_free(struct arena *a); /* accepts NULL */
DEFINE_CLEANUP(struct arena, arena_free)
/* Forgets all content, keeps the first block for the next request. Memory is wiped. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for anything, lives as long as the arena. Never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(2)));
void *arena_dup(struct arena *a, const void *data, size_t len) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
/* Copies len bytes and adds a NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) __attribute__((returns_nonnull));
/* Lower-case hexadecimal text of len bytes. */
char *arena_hex(struct arena *a, const void *data, size_t len) __attribute__((returns_nonnull));

#endif
