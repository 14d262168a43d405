/* PostgreSQL's binary form of a one-dimensional array: dimensions, null flag, element type, length, lower bound; then for each
 * element its length (-1: null) and its bytes. All numbers are most significant byte first. */
#include "config.h"
#include <limits.h>
#include <string.h>
#include "lib/db/array.h"

#define HEADER_BYTES 20
#define OFFSET_NULLS 4
#define OFFSET_TYPE 8
#define OFFSET_COUNT 12

/* Fixed numbers of built-in types, pg_type.dat. */
static const uint32_t element_oid[] = {[DB_ARRAY_BYTEA] = 17, [DB_ARRAY_TEXT] = 25, [DB_ARRAY_INT8] = 20, [DB_ARRAY_INT4] = 23};

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void
add32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	put32(p, v);
	buf_add(b, p, sizeof(p));
}

void
db_array_init(struct db_array *a, enum db_array_type type, size_t max_bytes)
{
	*a = (struct db_array){.buf = BUF_INIT(max_bytes)};
	add32(&a->buf, 1);
	add32(&a->buf, 0);
	add32(&a->buf, element_oid[type]);
	add32(&a->buf, 0);
	add32(&a->buf, 1);
}

void
db_array_free(struct db_array *a)
{
	buf_free(&a->buf);
}

void
db_array_add(struct db_array *a, const void *data, size_t len)
{
	a->count++;
	if (!data) {
		a->has_null = true;
		add32(&a->buf, UINT32_MAX);
		return;
	}
	if (len > INT_MAX) {
		a->buf.overflow = true;
		return;
	}
	add32(&a->buf, (uint32_t)len);
	buf_add(&a->buf, data, len);
}

void
db_array_add_int(struct db_array *a, int64_t v)
{
	uint8_t p[8];

	put32(p, (uint32_t)((uint64_t)v >> 32));
	put32(p + 4, (uint32_t)v);
	bool wide = a->buf.len < HEADER_BYTES || a->buf.data[OFFSET_TYPE + 3] == element_oid[DB_ARRAY_INT8];
	db_array_add(a, wide ? p : p + 4, wide ? 8 : 4);
}

int
db_array_param(struct db_array *a, struct db_param *ret, struct error *e)
{
	if (buf_check(&a->buf, e) < 0)
		return -1;
	put32(a->buf.data + OFFSET_NULLS, a->has_null);
	put32(a->buf.data + OFFSET_COUNT, (uint32_t)a->count);
	*ret = DB_BYTES(a->buf.data, a->buf.len);
	return 0;
}
