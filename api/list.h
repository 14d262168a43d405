/* GET of a collection and of one resource, from the resource's table alone. */
#ifndef SIEGEL_API_LIST_H
#define SIEGEL_API_LIST_H
#include "api/api.h"
#include "api/page.h"
#include "api/query.h"

/* Handlers of routes. */
int list_many(struct call *c, struct error *e) MUST_CHECK;
int list_one(struct call *c, struct error *e) MUST_CHECK;

/* --- parts of these, for api/include.c and api/export.c --- */

/* Columns of every statement before those of the fields. */
enum { COLUMN_ID, COLUMN_SORT, COLUMN_TYPE, COLUMN_FIELDS };
/* The columns behind id and sort value, for the fields of the mask. */
void list_columns(struct buf *sql, const struct resource *res, uint32_t fields);
/* The members of the resource object of a row of c->resource; selected: the mask that list_columns() had. */
void list_write(struct call *c, struct json *j, const struct db_result *r, int row, const struct query *q, uint32_t selected,
                struct arena *scratch);
/* The member of an attribute, by its name, from a column of a row. */
void list_attribute(const struct call *c, struct json *j, const struct attribute *at, const struct db_result *r, int row, int col,
                    struct arena *scratch);
/* The rows of the ids of a page, in its order, with the columns of list_columns(). The caller frees *ret. */
int list_rows_of_ids(struct call *c, const struct query *q, const struct page *page, struct db_result **ret, struct error *e) MUST_CHECK;

#endif
