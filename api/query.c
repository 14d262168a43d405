/* filter[name], filter[name][op], sort, fields[type], page[size], page[after]; anything else is refused (JSON:API 1.1, "Query
 * Parameters"). */
#include "config.h"
#include "api/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_VALUE_BYTES 512

static int
refuse(struct error *e, const char *parameter, const char *why)
{
	char at[96];

	snprintf(at, sizeof at, "?%s", parameter);
	return fail_at(e, E_MALFORMED, at, "%s", why);
}

static const struct attribute *
find_attribute(const struct resource *res, const char *name, size_t len)
{
	for (int i = 0; i < res->n_attributes; i++)
		if (strlen(res->attributes[i].name) == len && strncmp(res->attributes[i].name, name, len) == 0)
			return &res->attributes[i];
	return NULL;
}

/* The number that n digits at s make. */
static int
digits(const char *s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
		value = value * 10 + (s[i] - '0');
	return value;
}

static int
days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

bool
valid_instant(const char *s)
{
	/* 'd': a digit; '+': a sign. */
	static const char *const forms[] = {"dddd-dd-dd", "dddd-dd-ddTdd:dd:ddZ", "dddd-dd-ddTdd:dd:dd+dd:dd"};
	bool fits = false;

	for (size_t i = 0; i < ARRAY_LEN(forms) && !fits; i++) {
		const char *f = forms[i], *p = s;

		for (; *f && *p; f++, p++)
			if (*f == 'd' ? *p < '0' || *p > '9' : *f == '+' ? *p != '+' && *p != '-' : *p != *f)
				break;
		fits = !*f && !*p;
	}
	if (!fits || digits(s, 4) < 1 || digits(s + 5, 2) < 1 || digits(s + 5, 2) > 12)
		return false;
	if (digits(s + 8, 2) < 1 || digits(s + 8, 2) > days_of(digits(s, 4), digits(s + 5, 2)))
		return false;
	if (!s[10])
		return true;
	/* PostgreSQL takes offsets of less than 16 hours. */
	if (s[19] != 'Z' && (digits(s + 20, 2) > 14 || digits(s + 23, 2) > 59))
		return false;
	return digits(s + 11, 2) <= 23 && digits(s + 14, 2) <= 59 && digits(s + 17, 2) <= 59;
}

static bool
valid_number(const char *s)
{
	size_t n;

	if (*s == '-')
		s++;
	n = strspn(s, "0123456789");
	return n > 0 && n <= 18 && !s[n];
}

static bool
op_fits(enum attribute_type type, enum filter_op op)
{
	switch (type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_TEXTS:
		return op == FILTER_EQ || op == FILTER_CONTAINS;
	case ATTRIBUTE_INT:
	case ATTRIBUTE_TIME:
		return op != FILTER_CONTAINS;
	default:
		return op == FILTER_EQ;
	}
}

/* The value as it goes to the store, or NULL when it isn't one of that type. */
static const char *
filter_value(struct arena *a, enum attribute_type type, const char *value)
{
	size_t len = strlen(value);

	switch (type) {
	case ATTRIBUTE_INT:
		return valid_number(value) ? value : NULL;
	case ATTRIBUTE_TIME:
		return valid_instant(value) ? value : NULL;
	case ATTRIBUTE_BOOL:
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? value : NULL;
	case ATTRIBUTE_HEX:
		return len % 2 == 0 && strspn(value, "0123456789abcdefABCDEF") == len ? arena_printf(a, "\\x%s", value) : NULL;
	default:
		return value;
	}
}

/* "filter[name]" or "filter[name][op]". */
static int
parse_filter(const struct http_request *r, const struct resource *res, const struct http_header *p, struct query *q, struct error *e)
{
	static const char *const ops[] = {"", "[lt]", "[le]", "[gt]", "[ge]", "[contains]"};
	const char *name = p->name + strlen("filter["), *end = strchr(name, ']');
	const struct attribute *at = end ? find_attribute(res, name, (size_t)(end - name)) : NULL;
	struct filter *f = &q->filters[q->n_filters];
	size_t op = 0;

	if (!at || !(at->flags & ATTRIBUTE_FILTER))
		return refuse(e, p->name, "there is no such filter");
	while (op < ARRAY_LEN(ops) && strcmp(end + 1, ops[op]) != 0)
		op++;
	if (op == ARRAY_LEN(ops) || !op_fits(at->type, (enum filter_op)op))
		return refuse(e, p->name, "the filter doesn't know that comparison");
	if (q->n_filters == LIMIT_FILTERS)
		return refuse(e, p->name, "there are too many filters");
	f->attribute = at;
	f->op = (enum filter_op)op;
	f->value = strlen(p->value) <= FILTER_VALUE_BYTES ? filter_value(r->arena, at->type, p->value) : NULL;
	if (!f->value)
		return refuse(e, p->name, "the filter's value isn't of the attribute's type");
	q->n_filters++;
	return 0;
}

static int
parse_sort(const struct resource *res, const char *value, struct query *q, struct error *e)
{
	bool descending = *value == '-';
	const char *name = value + descending;
	const struct attribute *at = find_attribute(res, name, strlen(name));

	if (strcmp(name, "id") != 0 && (!at || !(at->flags & ATTRIBUTE_SORT)))
		return refuse(e, "sort", "sort takes one attribute that can be sorted by, with a minus before it for descending order");
	q->sort = at;
	q->descending = descending;
	return 0;
}

static int
field_bit(const struct resource *res, const char *name, size_t len)
{
	const struct attribute *at = find_attribute(res, name, len);

	if (at)
		return (int)(at - res->attributes);
	for (int i = 0; i < res->n_relationships; i++)
		if (strlen(res->relationships[i].name) == len && strncmp(res->relationships[i].name, name, len) == 0)
			return res->n_attributes + i;
	return -1;
}

static int
parse_fields(const struct resource *res, const struct http_header *p, struct query *q, struct error *e)
{
	const char *type = p->name + strlen("fields["), *s = p->value;
	uint32_t mask = 0;
	int which = -1;

	for (int i = 0; i < RESOURCE_MAX_TYPES && res->types[i]; i++) {
		size_t len = strlen(res->types[i]);

		if (strncmp(type, res->types[i], len) == 0 && strcmp(type + len, "]") == 0)
			which = i;
	}
	if (which < 0)
		return refuse(e, p->name, "no resource of that type comes here");
	while (*s) {
		size_t len = strcspn(s, ",");
		int bit = field_bit(res, s, len);

		if (bit < 0)
			return refuse(e, p->name, "the type has no such field");
		mask |= UINT32_C(1) << bit;
		s += len + (s[len] == ',');
	}
	q->fields[which] = mask;
	return 0;
}

static int
parse_page(const struct http_header *p, struct query *q, struct error *e)
{
	if (strcmp(p->name, "page[size]") == 0) {
		long size = valid_number(p->value) ? strtol(p->value, NULL, 10) : 0;

		if (size < 1 || size > LIMIT_PAGE_SIZE)
			return fail_at(e, E_MALFORMED, "?page[size]", "page[size] has to lie between 1 and %d", LIMIT_PAGE_SIZE);
		q->page_size = (int)size;
		return 0;
	}
	if (strcmp(p->name, "page[after]") != 0)
		return refuse(e, p->name, "pages know page[size] and page[after]");
	q->after = p->value;
	return 0;
}

static int
parse_one(const struct http_request *r, const struct resource *res, bool one, const struct http_header *p, struct query *q,
          struct error *e)
{
	if (strncmp(p->name, "fields[", 7) == 0)
		return parse_fields(res, p, q, e);
	if (!one && strncmp(p->name, "filter[", 7) == 0)
		return parse_filter(r, res, p, q, e);
	if (!one && strcmp(p->name, "sort") == 0)
		return parse_sort(res, p->value, q, e);
	if (!one && strncmp(p->name, "page[", 5) == 0)
		return parse_page(p, q, e);
	return refuse(e, p->name, "there is no such query parameter here");
}

int
query_parse(const struct http_request *r, const struct resource *res, bool one, struct query *ret, struct error *e)
{
	struct query q = {.page_size = QUERY_DEFAULT_PAGE, .descending = true};
	uint32_t all = 0;

	for (int i = 0; i < res->n_attributes; i++)
		if (one || !(res->attributes[i].flags & ATTRIBUTE_ON_REQUEST))
			all |= UINT32_C(1) << i;
	for (int i = 0; i < res->n_relationships; i++)
		all |= UINT32_C(1) << (res->n_attributes + i);
	for (int i = 0; i < RESOURCE_MAX_TYPES; i++)
		q.fields[i] = all;
	if (res->default_sort && parse_sort(res, res->default_sort, &q, e))
		return -1;
	for (int i = 0; i < r->n_query; i++) {
		for (int k = 0; k < i; k++)
			if (strcmp(r->query[i].name, r->query[k].name) == 0)
				return refuse(e, r->query[i].name, "the query parameter comes twice");
		if (parse_one(r, res, one, &r->query[i], &q, e))
			return -1;
	}
	*ret = q;
	return 0;
}

uint32_t
query_fields(const struct query *q)
{
	uint32_t all = 0;

	for (int i = 0; i < RESOURCE_MAX_TYPES; i++)
		all |= q->fields[i];
	return all;
}

char *
query_identity(const struct http_request *r, const struct resource *res, const struct query *q, int32_t tenant_id)
{
	char *s = arena_printf(r->arena, "%d\n%s\n%s\n%d", tenant_id, res->path, q->sort ? q->sort->name : "id", q->descending);

	for (int i = 0; i < q->n_filters; i++)
		s = arena_printf(r->arena, "%s\n%s\n%d\n%zu\n%s", s, q->filters[i].attribute->name, (int)q->filters[i].op,
		                 strlen(q->filters[i].value), q->filters[i].value);
	return s;
}
