/* Text that comes from outside and goes into certificates. */
#ifndef SIEGEL_LIB_X509_TEXT_H
#define SIEGEL_LIB_X509_TEXT_H
#include <stdbool.h>
#include "lib/arena.h"

/* Checks UTF-8 (RFC 3629) of 1 to max_chars characters without control characters, line and paragraph separators, direction
 * overrides, byte order marks and non-characters: what a person reads is what is there. what names the field. */
int text_check(const char *s, size_t len, size_t max_chars, const char *what, struct error *e) MUST_CHECK;
/* True for the characters of PrintableString (X.680 41.4). */
bool text_is_printable_string(const char *s);

#endif
