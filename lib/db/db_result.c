/* The fields of a result, in text or binary form. */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "lib/db/db_private.h"

#define BYTEA_OID 17 /* pg_type.dat; text is "\x" and hexadecimal, as bytea_output says */

void
db_result_free(struct db_result *r)
{
	if (!r)
		return;
	PQclear(r->res);
	free(r);
}

int
db_rows(const struct db_result *r)
{
	return PQntuples(r->res);
}

/* A field that isn't there reads as null. */
static bool
present(const struct db_result *r, int row, int col)
{
	return row >= 0 && row < PQntuples(r->res) && col >= 0 && col < PQnfields(r->res) && !PQgetisnull(r->res, row, col);
}

bool
db_is_null(const struct db_result *r, int row, int col)
{
	return !present(r, row, col);
}

const char *
db_text(const struct db_result *r, int row, int col)
{
	return present(r, row, col) ? PQgetvalue(r->res, row, col) : "";
}

int64_t
db_int(const struct db_result *r, int row, int col)
{
	if (!present(r, row, col))
		return 0;
	const char *text = PQgetvalue(r->res, row, col);
	if (PQfformat(r->res, col) == 0)
		return strtoll(text, NULL, 10);
	int len = PQgetlength(r->res, row, col);
	uint64_t v = (text[0] & 0x80) ? UINT64_MAX : 0;
	for (int i = 0; i < len; i++)
		v = v << 8 | (uint8_t)text[i];
	return (int64_t)v;
}

bool
db_bool(const struct db_result *r, int row, int col)
{
	if (!present(r, row, col))
		return false;
	const char *text = PQgetvalue(r->res, row, col);
	return PQfformat(r->res, col) == 0 ? text[0] == 't' : text[0] == 1;
}

/* Of the lower-case hexadecimal that the server writes. */
static unsigned
nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

struct bytes
db_bytes(const struct db_result *r, int row, int col, struct arena *a)
{
	if (!present(r, row, col))
		return (struct bytes){0};
	const char *text = PQgetvalue(r->res, row, col);
	size_t len = (size_t)PQgetlength(r->res, row, col);
	if (PQfformat(r->res, col) == 1 || PQftype(r->res, col) != BYTEA_OID || len < 2)
		return (struct bytes){(const uint8_t *)text, len};
	len = (len - 2) / 2;
	uint8_t *out = arena_alloc(a, len + 1);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(nibble(text[2 + 2 * i]) << 4 | nibble(text[3 + 2 * i]));
	return (struct bytes){out, len};
}
