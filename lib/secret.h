/* Secrets: locked memory, never printed, wiped on free. */
#ifndef SIEGEL_LIB_SECRET_H
#define SIEGEL_LIB_SECRET_H
#include <stdbool.h>
#include <stddef.h>
#include "lib/error.h"
#include "lib/mem.h"

struct secret {
	unsigned char *data; /* a NUL follows that len doesn't count, so text secrets can be passed on as strings */
	size_t len;
};

/* Sets up the locked heap of this process, once; secret_new() does it when nobody did. A child doesn't inherit the lock, so a process
 * that forks leaves this to its children. Without it (limit on locked memory) secrets live in ordinary memory that is left out of core
 * dumps and wiped all the same. Thread-safe. */
void secret_init(void);
struct secret *secret_new(const void *data, size_t len) __attribute__((returns_nonnull)); /* copies; data may be NULL: zeros */
void secret_free(struct secret *s);                                                        /* wipes; accepts NULL */
DEFINE_CLEANUP(struct secret, secret_free)
/* Reads a file that only its owner may read (refuses group or other bits), at most max bytes; one trailing newline is cut.
 * The caller frees *ret. */
int secret_read_file(const char *path, size_t max, struct secret **ret, struct error *e) MUST_CHECK;
/* Constant-time comparison. */
bool secret_equal(const void *a, size_t alen, const void *b, size_t blen);
/* A random secret for people and programs: n_bytes from the CSPRNG as lower-case base32 without padding, in secret memory. */
int secret_random_text(size_t n_bytes, struct secret **ret, struct error *e) MUST_CHECK;

#endif
