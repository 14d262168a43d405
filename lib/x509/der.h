/* DER (X.690), strict. The reader refuses indefinite and non-minimal lengths, high tag numbers, negative or padded integers where
 * they can't be, and a decoder that ends before its input is at its end has to say so with der_end(). */
#ifndef SIEGEL_LIB_X509_DER_H
#define SIEGEL_LIB_X509_DER_H
#include <stdbool.h>
#include "lib/buf.h"
#include "lib/mem.h"

enum {
	DER_BOOLEAN = 0x01, DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_OCTET_STRING = 0x04, DER_NULL = 0x05, DER_OID = 0x06,
	DER_ENUMERATED = 0x0a, DER_UTF8_STRING = 0x0c, DER_SEQUENCE = 0x30, DER_SET = 0x31, DER_PRINTABLE_STRING = 0x13,
	DER_T61_STRING = 0x14, DER_IA5_STRING = 0x16, DER_UTC_TIME = 0x17, DER_GENERALIZED_TIME = 0x18, DER_UNIVERSAL_STRING = 0x1c,
	DER_BMP_STRING = 0x1e,
};
#define DER_CONTEXT(n) (0x80 | (n))             /* primitive [n] */
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* constructed [n] */

/* A place in some DER; a plain value, copy it freely. */
struct der {
	const uint8_t *p, *end;
};
static inline struct der
der_of(struct bytes b)
{
	return (struct der){b.data, b.data + b.len};
}
static inline bool
der_at_end(const struct der *d)
{
	return d->p == d->end;
}
/* The next tag, or -1 at the end. */
int der_peek(const struct der *d);
/* The next element must have that tag: its content goes to *ret_content, d moves behind it. what names it for the error. */
int der_get(struct der *d, int tag, const char *what, struct der *ret_content, struct error *e) MUST_CHECK;
/* The next element whatever it is, with its head. */
int der_get_any(struct der *d, const char *what, int *ret_tag, struct bytes *ret_whole, struct der *ret_content, struct error *e) MUST_CHECK;
/* Nothing may follow. */
int der_end(const struct der *d, const char *what, struct error *e) MUST_CHECK;
/* A non-negative INTEGER: its magnitude without the sign octet (at least one byte). */
int der_get_unsigned(struct der *d, const char *what, struct bytes *ret, struct error *e) MUST_CHECK;
int der_get_small(struct der *d, const char *what, long max, long *ret, struct error *e) MUST_CHECK;
int der_get_oid(struct der *d, const char *what, struct bytes *ret, struct error *e) MUST_CHECK; /* content octets, well-formed */
/* A BIT STRING without unused bits. */
int der_get_bits(struct der *d, const char *what, struct bytes *ret, struct error *e) MUST_CHECK;
int der_get_bool(struct der *d, const char *what, bool *ret, struct error *e) MUST_CHECK;
/* UTCTime or GeneralizedTime in the form of RFC 5280 4.1.2.5, as seconds since 1970. */
int der_get_time(struct der *d, const char *what, int64_t *ret, struct error *e) MUST_CHECK;
static inline struct bytes
der_bytes(const struct der *d)
{
	return (struct bytes){d->p, (size_t)(d->end - d->p)};
}
bool bytes_equal(struct bytes a, struct bytes b);

/* Writing. der_begin()/der_close() put a head of the right length before what was written between them. */
void der_put(struct buf *b, int tag, const void *data, size_t len);
void der_put_raw(struct buf *b, struct bytes raw);
void der_put_str(struct buf *b, int tag, const char *s);
void der_put_unsigned(struct buf *b, const uint8_t *magnitude, size_t len); /* INTEGER, leading zero octet as needed */
void der_put_small(struct buf *b, long v);
void der_put_bits(struct buf *b, const void *data, size_t len);
void der_put_bool(struct buf *b, bool v);
void der_put_time(struct buf *b, int64_t t); /* UTCTime through 2049, GeneralizedTime from 2050, RFC 5280 4.1.2.5 */
size_t der_begin(struct buf *b, int tag);
void der_close(struct buf *b, size_t mark);
/* A SET OF whole elements, which it puts in order (X.690 11.6). */
void der_put_set(struct buf *b, struct bytes *elements, size_t n);
/* Octets of a head for a content of len bytes; ret may be NULL. */
size_t der_head(uint8_t ret[6], int tag, size_t len);

#endif
