/* The query of a collection: filters, sort, sparse fields, page; checked against the resource's table. */
#ifndef SIEGEL_API_QUERY_H
#define SIEGEL_API_QUERY_H
#include "api/api.h"
#include "lib/limits.h"

#define QUERY_DEFAULT_PAGE 50

enum filter_op { FILTER_EQ, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE, FILTER_CONTAINS, FILTER_IN };

struct filter {
	const struct attribute *attribute;
	enum filter_op op;
	const char *value; /* as it goes to the store: checked, hexadecimal as \x… */
	const char *key;   /* of metadata; NULL: no metadata */
	const char *condition; /* what says it, where there are only some values */
	int group; /* 0: it has to hold; else those of one number hold together, and one of the numbers has to */
};

/* include=name: members of another collection that a relationship points at come along. */
struct inclusion {
	const struct resource *resource;
	uint32_t relationships;              /* mask of those that point there */
	uint32_t fields[RESOURCE_MAX_TYPES]; /* as in struct query, of the other resource */
};

struct query {
	struct filter filters[LIMIT_FILTERS];
	int n_filters;
	uint32_t groups; /* mask of the numbers that there are */
	const struct attribute *sort; /* NULL: by id alone */
	bool descending;
	bool sorted; /* the client said by what */
	uint32_t fields[RESOURCE_MAX_TYPES]; /* masks of attributes, then relationships, one for each type */
	int page_size;
	const char *after; /* the cursor, or NULL */
	struct inclusion included[LIMIT_INCLUDES];
	int n_included;
};

/* one: for a single resource, where only fields[…] may come and everything is shown by default. E_MALFORMED with the parameter
 * for what isn't known. */
int query_parse(const struct http_request *r, const struct resource *res, bool one, struct query *ret, struct error *e) MUST_CHECK;
/* For a list that is always given whole, in one page: page[size] alone may come, as everywhere. E_MALFORMED for anything else. */
int query_short_list(const struct http_request *r, struct error *e) MUST_CHECK;
/* All fields that any type wants. */
uint32_t query_fields(const struct query *q);
/* Names the list that a cursor belongs to. */
char *query_identity(const struct http_request *r, const struct resource *res, const struct query *q, int32_t tenant_id)
    __attribute__((returns_nonnull));
/* The instant "2026-01-31", "2026-01-31T23:59:59Z" or with an offset, RFC 3339. */
bool valid_instant(const char *s);

#endif
