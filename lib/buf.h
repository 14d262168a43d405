/* A buffer that grows and carries its maximum from birth. */
#ifndef SIEGEL_LIB_BUF_H
#define SIEGEL_LIB_BUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/error.h"
#include "lib/mem.h"

struct buf {
	uint8_t *data;
	size_t len, cap, max;
	bool overflow; /* an append went beyond max; the content is then not to be used */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})
void buf_free(struct buf *b); /* wipes; usable as cleanup with BUF_CLEANUP */
#define BUF_CLEANUP __attribute__((cleanup(buf_free)))

/* Appends. Beyond max nothing is appended and b->overflow is set: check it once at the end with buf_check(). */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, uint8_t byte);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_clear(struct buf *b);
/* 0, or -1 with E_TOO_LARGE when an append went beyond the maximum. */
int buf_check(const struct buf *b, struct error *e) MUST_CHECK;

#endif
