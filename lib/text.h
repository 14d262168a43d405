/* Texts that protocols want again and again: octets in base64url, times, words between commas. */
#ifndef SIEGEL_LIB_TEXT_H
#define SIEGEL_LIB_TEXT_H
#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"

/* base64url without padding (RFC 4648 5, RFC 7515 2). */
#define BASE64URL_BYTES(n) (((n)*4 + 2) / 3 + 1) /* of the text of n octets, with its end */
/* Into memory of the caller's that has that room, for what mustn't stay in an arena. */
void base64url_put(struct bytes in, char *ret);
char *base64url_encode(struct arena *a, struct bytes in) __attribute__((returns_nonnull));
/* Refuses everything else (E_MALFORMED, which begins with what), also bits behind the last octet that aren't zero: octets have one text. */
int base64url_decode(struct arena *a, const char *text, size_t len, const char *what, struct bytes *ret, struct error *e) MUST_CHECK;

/* Seconds since 1970 as "2031-01-31T23:59:59Z" (RFC 3339 5.6). "" for years that have no four digits; *ret is given back. */
#define TIME_TEXT_BYTES 21
const char *time_text(int64_t at, char ret[TIME_TEXT_BYTES]);

/* The next word of *text, which has commas between its words and moves on behind it; false at the end. Empty ones are passed over. *ret isn't
 * ended by NUL. */
bool words_next(const char **text, const char **ret, size_t *ret_len);

#endif
