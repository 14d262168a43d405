/* Arrays as one parameter, for `unnest($1::bytea[], $2::int8[], …)`: one statement for a whole batch. */
#ifndef SIEGEL_LIB_DB_ARRAY_H
#define SIEGEL_LIB_DB_ARRAY_H
#include "lib/db/db.h"

enum db_array_type {
	DB_ARRAY_BYTEA,
	DB_ARRAY_TEXT,
	DB_ARRAY_INT8,
	DB_ARRAY_INT4,
};

struct db_array {
	struct buf buf; /* PostgreSQL's binary array format */
	int count;
	bool has_null;
};

/* An empty array, at most max_bytes in PostgreSQL's form. The caller frees it. */
void db_array_init(struct db_array *a, enum db_array_type type, size_t max_bytes);
void db_array_free(struct db_array *a); /* wipes */
/* Copies one element; data NULL: null, so an empty one needs a pointer. */
void db_array_add(struct db_array *a, const void *data, size_t len);
/* One number, int8 or int4 by the array's type. */
void db_array_add_int(struct db_array *a, int64_t v);
/* Completes the header; the parameter lives as long as the array. E_TOO_LARGE beyond max_bytes. */
int db_array_param(struct db_array *a, struct db_param *ret, struct error *e) MUST_CHECK;

#endif
