/* PEM (RFC 7468) and base64 (RFC 4648), by OpenSSL's EVP_Decode, strict about what surrounds it. */
#ifndef SIEGEL_LIB_X509_PEM_H
#define SIEGEL_LIB_X509_PEM_H
#include "lib/arena.h"

/* DER → PEM with that label, lines of 64, into the arena. */
char *pem_encode(struct arena *a, const char *label, struct bytes der) __attribute__((returns_nonnull));
/* Exactly one PEM block with that label, white space around it allowed; E_MALFORMED otherwise. An alternative label may be NULL
 * ("NEW CERTIFICATE REQUEST"). */
int pem_decode(struct arena *a, const char *text, size_t len, const char *label, const char *alternative, struct bytes *ret,
               struct error *e) MUST_CHECK;
/* base64, one line. */
char *base64_encode(struct arena *a, struct bytes in) __attribute__((returns_nonnull));
/* base64 with or without line breaks and trailing newline (RFC 8951 3.1); refuses other characters and data after padding. */
int base64_decode(struct arena *a, const char *text, size_t len, struct bytes *ret, struct error *e) MUST_CHECK;

#endif
