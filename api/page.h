/* Which members of a collection a page shows: filters, sort and cursor become SQL, and no table is too long for it. */
#ifndef SIEGEL_API_PAGE_H
#define SIEGEL_API_PAGE_H
#include "api/query.h"

/* Milliseconds for the straight look-up among the members of a collection that grows without end. What takes longer is looked for in the
 * order of the list, so many members at a time, until some are found or the same time is over: such a page may be short, and its cursor
 * goes on where it stopped. In the order of ids rows lie beside each other; in any other each may have to be fetched from elsewhere. */
#define PAGE_FIRST_MS 200
#define PAGE_WINDOW_BY_ID 50000
#define PAGE_WINDOW_SORTED 10000
#define PAGE_WINDOW_OWN 2000
#define PAGE_WINDOW_LEAST 30
#define PAGE_WINDOW_MS 400 /* for one window, before a smaller one is tried */

struct page {
	struct db_result *r; /* columns: id, sort value, and of a window: whether it fits, its place; the rest is up to the caller */
	int n;               /* rows of the page itself, from the first; of a window: those that fit */
	const char *cursor;  /* of the next page, or NULL when this is the last one */
	const char *stopped; /* the id up to which a list was looked through that goes on; NULL: the page is full, or the last one */
};

/* The page of a resource whose rows come with it: columns is what follows "SELECT (id)::text, (sort)::text". The caller frees
 * ret->r. E_MALFORMED for a cursor of another list. */
int page_rows(struct call *c, const struct query *q, const char *columns, struct page *ret, struct error *e) MUST_CHECK;
/* The ids alone, for a resource with page_from: in time, however long its table is. */
int page_ids(struct call *c, const struct query *q, struct page *ret, struct error *e) MUST_CHECK;
/* Runs a statement made of fixed parts; a look-up that took too long is E_UNAVAILABLE. */
int page_query(struct call *c, struct buf *sql, const struct db_param *params, int n, struct db_result **ret, struct error *e) MUST_CHECK;

#endif
