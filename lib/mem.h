/* Plain memory. Three lifetimes: a request's arena, a handle with a cleanup attribute, a secret. */
#ifndef SIEGEL_LIB_MEM_H
#define SIEGEL_LIB_MEM_H
#include <stddef.h>
#include <stdint.h>

/* Small allocations that fail end the process: it is restarted, and all state is in the store. Never NULL, zeroed. */
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));

/* A large buffer on a hot path that is written before it is read: the compiler is to leave it as it is. All else is zeroed first. */
#define NOT_ZEROED __attribute__((uninitialized))

/* CLEANUP(f) T *x: calls f(x) when x leaves its scope. DEFINE_CLEANUP(T, f) makes the wrapper for it.
 * TAKE(x) hands x over and leaves NULL behind. */
#define DEFINE_CLEANUP(type, fn)                                                                                     \
	static inline void fn##_p(type **p)                                                                            \
	{                                                                                                              \
		if (*p)                                                                                                \
			fn(*p);                                                                                        \
	}
#define CLEANUP(fn) __attribute__((cleanup(fn##_p)))
#define TAKE(x)                                                                                                        \
	({                                                                                                             \
		__typeof__(x) take_ = (x);                                                                             \
		(x) = NULL;                                                                                            \
		take_;                                                                                                 \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A view of bytes that somebody else owns. */
struct bytes {
	const uint8_t *data;
	size_t len;
};
#define BYTES_STR(s) ((struct bytes){(const uint8_t *)(s), strlen(s)})

#endif
