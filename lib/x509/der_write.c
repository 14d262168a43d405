#include "lib/x509/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

size_t
der_head(uint8_t ret[6], int tag, size_t len)
{
	uint8_t head[6] = {(uint8_t)tag};
	size_t octets = 0;
	if (len < 0x80) {
		head[1] = (uint8_t)len;
	} else {
		for (size_t rest = len; rest; rest >>= 8)
			octets++;
		head[1] = (uint8_t)(0x80 | octets);
		for (size_t i = 0; i < octets; i++)
			head[2 + i] = (uint8_t)(len >> 8 * (octets - 1 - i));
	}
	if (ret)
		memcpy(ret, head, 2 + octets);
	return 2 + octets;
}

void
der_put(struct buf *b, int tag, const void *data, size_t len)
{
	uint8_t head[6];
	buf_add(b, head, der_head(head, tag, len));
	buf_add(b, data, len);
}

void
der_put_raw(struct buf *b, struct bytes raw)
{
	buf_add(b, raw.data, raw.len);
}

void
der_put_str(struct buf *b, int tag, const char *s)
{
	der_put(b, tag, s, strlen(s));
}

void
der_put_unsigned(struct buf *b, const uint8_t *magnitude, size_t len)
{
	static const uint8_t zero = 0;
	while (len > 1 && magnitude[0] == 0) {
		magnitude++;
		len--;
	}
	if (len == 0) {
		der_put(b, DER_INTEGER, &zero, 1);
		return;
	}
	size_t pad = magnitude[0] >= 0x80;
	uint8_t head[6];
	buf_add(b, head, der_head(head, DER_INTEGER, len + pad));
	buf_add(b, &zero, pad);
	buf_add(b, magnitude, len);
}

void
der_put_small(struct buf *b, long v)
{
	uint8_t octets[sizeof(v)];
	for (size_t i = 0; i < sizeof(v); i++)
		octets[i] = (uint8_t)((unsigned long)v >> 8 * (sizeof(v) - 1 - i));
	der_put_unsigned(b, octets, sizeof(v));
}

void
der_put_bits(struct buf *b, const void *data, size_t len)
{
	static const uint8_t unused = 0;
	uint8_t head[6];
	buf_add(b, head, der_head(head, DER_BIT_STRING, len + 1));
	buf_add(b, &unused, 1);
	buf_add(b, data, len);
}

void
der_put_bool(struct buf *b, bool v)
{
	uint8_t octet = v ? 0xff : 0;
	der_put(b, DER_BOOLEAN, &octet, 1);
}

void
der_put_time(struct buf *b, int64_t t)
{
	struct tm tm;
	char text[32];
	time_t when = (time_t)t;
	gmtime_r(&when, &tm);
	int year = tm.tm_year + 1900;
	if (year < 2050) {
		snprintf(text, sizeof(text), "%02d%02d%02d%02d%02d%02dZ", year % 100, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
		der_put_str(b, DER_UTC_TIME, text);
	} else {
		snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", year % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
		der_put_str(b, DER_GENERALIZED_TIME, text);
	}
}

size_t
der_begin(struct buf *b, int tag)
{
	size_t mark = b->len;
	buf_add_byte(b, (uint8_t)tag);
	buf_add_byte(b, 0); /* most elements are short: one octet of length, widened in der_close() when needed */
	return mark;
}

void
der_close(struct buf *b, size_t mark)
{
	static const uint8_t room[6];
	uint8_t head[6];
	if (b->overflow || b->len < mark + 2)
		return;
	size_t len = b->len - mark - 2;
	size_t n = der_head(head, b->data[mark], len);
	if (n > 2) {
		buf_add(b, room, n - 2);
		if (b->overflow)
			return;
		memmove(b->data + mark + n, b->data + mark + 2, len);
	}
	memcpy(b->data + mark, head, n);
}

static int
compare(const void *left, const void *right)
{
	const struct bytes *l = left, *r = right;
	int c = memcmp(l->data, r->data, l->len < r->len ? l->len : r->len);
	return c ? c : (l->len > r->len) - (l->len < r->len);
}

void
der_put_set(struct buf *b, struct bytes *elements, size_t n)
{
	size_t set = der_begin(b, DER_SET);
	qsort(elements, n, sizeof(*elements), compare);
	for (size_t i = 0; i < n; i++)
		der_put_raw(b, elements[i]);
	der_close(b, set);
}
