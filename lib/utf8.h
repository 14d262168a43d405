/* UTF-8 as text from outside has it: nothing is taken on trust. */
#ifndef SIEGEL_LIB_UTF8_H
#define SIEGEL_LIB_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character (RFC 3629 section 4) at s, 1 to 4, or 0 when there is none in len bytes. ret_point may
 * be NULL. */
size_t utf8_next(const uint8_t *s, size_t len, uint32_t *ret_point);
/* The same, but 0 for what may not reach a terminal or a log as it is: control characters (C0, DEL, C1), line and paragraph
 * separators and marks that change the direction of text. */
size_t utf8_printable(const uint8_t *s, size_t len);
/* True when all len bytes are well-formed. */
bool utf8_valid(const void *s, size_t len);
/* The length without a character that was cut off at the end. */
size_t utf8_whole(const char *s, size_t len);

#endif
