/* COPY … TO STDOUT (FORMAT binary): a million rows without holding them. */
#include "config.h"
#include <string.h>
#include "lib/db/db_private.h"

static const uint8_t signature[11] = "PGCOPY\n\377\r\n";

struct copy {
	int (*row)(void *ctx, const struct bytes *fields, int n, struct error *e);
	void *ctx;
	bool header; /* has been read */
	bool stopped;
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The header comes in front of the first row: signature, flags, length of an extension. */
static int
skip_header(const uint8_t **p, const uint8_t *end, struct error *e)
{
	if (end - *p < 19 || memcmp(*p, signature, 11) != 0 || get32(*p + 11) != 0)
		return fail(e, E_INTERNAL, "the store sent a table in a form that isn't known");
	size_t extension = get32(*p + 15);
	*p += 19;
	if ((size_t)(end - *p) < extension)
		return fail(e, E_INTERNAL, "the store sent a table that is cut short");
	*p += extension;
	return 0;
}

static int
one_row(struct copy *c, const uint8_t *p, const uint8_t *end, struct error *e)
{
	struct bytes fields[DB_COPY_MAX_FIELDS];

	if (!c->header) {
		if (skip_header(&p, end, e) < 0)
			return -1;
		c->header = true;
		if (p == end)
			return 0;
	}
	if (end - p < 2)
		return fail(e, E_INTERNAL, "the store sent a row that is cut short");
	int n = (int16_t)(p[0] << 8 | p[1]);
	p += 2;
	if (n == -1) /* the end of the table */
		return 0;
	if (n < 0 || n > DB_COPY_MAX_FIELDS)
		return fail(e, E_INTERNAL, "the store sent a row of %d fields, at most %d can be read", n, DB_COPY_MAX_FIELDS);
	for (int i = 0; i < n; i++) {
		if (end - p < 4)
			return fail(e, E_INTERNAL, "the store sent a row that is cut short");
		uint32_t len = get32(p);
		p += 4;
		if (len == UINT32_MAX) {
			fields[i] = (struct bytes){0};
			continue;
		}
		if ((size_t)(end - p) < len)
			return fail(e, E_INTERNAL, "the store sent a row that is cut short");
		fields[i] = (struct bytes){p, len};
		p += len;
	}
	if (p != end)
		return fail(e, E_INTERNAL, "the store sent bytes after a row");
	return c->row(c->ctx, fields, n, e);
}

/* The statement's own end: a COPY can fail after its last row. */
static int
copy_end(struct db *db, struct error *e)
{
	/* What ends it may have arrived with what was read before. */
	switch (db_poll(db, NULL, e)) {
	case DB_BUSY:
		return db_finish(db, NULL, e);
	case DB_DONE:
		return 0;
	default:
		return -1;
	}
}

/* Waits for COPY to begin: 0, or the statement failed. */
static int
copy_begin(struct db *db, const char *sql, struct error *e)
{
	if (db_send_text(db, sql, NULL, 0, true, e) < 0)
		return -1;
	int64_t deadline = db_deadline(db);
	for (;;) {
		if (PQflush(db->conn) < 0 || !PQconsumeInput(db->conn))
			return db_fail_lost(db, e);
		if (!PQisBusy(db->conn))
			break;
		if (db_wait(db, deadline) < 0)
			return db_fail_lost(db, e);
	}
	PGresult *res = PQgetResult(db->conn);
	if (PQresultStatus(res) == PGRES_COPY_OUT) {
		PQclear(res);
		return 0;
	}
	if (res && PQresultStatus(res) == PGRES_FATAL_ERROR) {
		/* Put back as the statement's result, which fails as any other does. */
		db->result = res;
		return copy_end(db, e);
	}
	PQclear(res);
	db_drop(db);
	return fail(e, E_INTERNAL, "the statement isn't a COPY to standard output");
}

/* Reads all rows. When row() wants to stop, the rest is read and dropped: a statement is never cancelled. */
static int
copy_rows(struct db *db, struct copy *c, struct error *e)
{
	char *data;
	int n;

	for (;;) {
		while ((n = PQgetCopyData(db->conn, &data, 1)) > 0) {
			const uint8_t *p = (const uint8_t *)data;
			if (!c->stopped && one_row(c, p, p + n, e) < 0)
				c->stopped = true;
			PQfreemem(data);
		}
		if (n < 0)
			return n == -1 ? 0 : -1;
		if (db_wait(db, db_deadline(db)) < 0 || !PQconsumeInput(db->conn))
			return -1;
	}
}

int
db_copy_out(struct db *db, const char *sql, int (*row)(void *ctx, const struct bytes *fields, int n, struct error *e), void *ctx,
            struct error *e)
{
	struct copy c = {.row = row, .ctx = ctx};
	struct error end;

	if (copy_begin(db, sql, e) < 0)
		return -1;
	if (copy_rows(db, &c, e) < 0)
		return db_fail_lost(db, e);
	if (copy_end(db, &end) < 0) {
		if (!c.stopped)
			*e = end;
		return -1;
	}
	return c.stopped ? -1 : 0;
}
