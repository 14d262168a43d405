/* filter[name], filter[name][op], filter[any.N][name], sort, fields[type], page[size], page[after]; anything else is refused (JSON:API 1.1, "Query
 * Parameters"). */
#include "config.h"
#include "api/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_VALUE_BYTES 512
#define FILTER_KEY_BYTES 128

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
op_fits(const struct attribute *at, enum filter_op op)
{
	if (at->by && at->by->choices)
		return op == FILTER_EQ || op == FILTER_IN;
	if (op == FILTER_IN) /* of texts */
		return at->type == ATTRIBUTE_TEXT || at->type == ATTRIBUTE_METADATA;
	switch (at->type) {
	case ATTRIBUTE_TEXT:
	case ATTRIBUTE_TEXTS:
	case ATTRIBUTE_METADATA:
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
	case ATTRIBUTE_SHA256:
		return len % 2 == 0 && strspn(value, "0123456789abcdefABCDEF") == len ? arena_printf(a, "\\x%s", value) : NULL;
	default:
		return value;
	}
}

/* What a filter's value has to be. */
static const char *
wanted_value(const struct resource *res, const struct attribute *at, struct arena *a)
{
	bool attribute = at >= res->attributes && at < res->attributes + res->n_attributes;

	switch (at->type) {
	case ATTRIBUTE_INT:
		return attribute ? "the filter wants a whole number"
		                 : arena_printf(a, "the filter wants the id of the %s, a number, and not its name", at->name);
	case ATTRIBUTE_TIME:
		return "the filter wants a time such as 2026-01-31 or 2026-01-31T23:59:59Z";
	case ATTRIBUTE_BOOL:
		return "the filter wants true or false";
	case ATTRIBUTE_HEX:
	case ATTRIBUTE_SHA256:
		return "the filter wants hexadecimal digits, two for each octet";
	default:
		return arena_printf(a, "the filter wants at most %d octets", FILTER_VALUE_BYTES);
	}
}

/* A relationship that may be filtered by, as if it were an attribute: the other's id. */
static const struct attribute *
filter_relationship(struct arena *a, const struct resource *res, const char *name, size_t len)
{
	for (int i = 0; i < res->n_relationships; i++) {
		const struct relationship *rel = &res->relationships[i];

		if (rel->flags & ATTRIBUTE_FILTER && strlen(rel->name) == len && strncmp(rel->name, name, len) == 0) {
			struct attribute *at = arena_alloc(a, sizeof *at);

			*at = (struct attribute){rel->name, rel->id_sql, ATTRIBUTE_INT, ATTRIBUTE_FILTER, NULL, rel->by};
			return at;
		}
	}
	return NULL;
}

/* The attribute that a filter names: "status", or "metadata.site" with *ret_key. NULL: there is none. */
static const struct attribute *
filter_attribute(const struct http_request *r, const struct resource *res, const char *name, size_t len, const char **ret_key)
{
	size_t dot = strcspn(name, ".]");
	const struct attribute *at = find_attribute(res, name, dot < len ? dot : len);

	*ret_key = NULL;
	if (!at)
		return filter_relationship(r->arena, res, name, len);
	if (!(at->flags & ATTRIBUTE_FILTER) || (at->type == ATTRIBUTE_METADATA) != (dot < len))
		return NULL;
	if (dot < len && (len - dot < 2 || len - dot > FILTER_KEY_BYTES))
		return NULL;
	if (dot < len)
		*ret_key = arena_printf(r->arena, "%.*s", (int)(len - dot - 1), name + dot + 1);
	return at;
}

/* The condition for an attribute that has only some values: one of them, or several, separated by commas. */
static int
filter_choice(struct arena *a, const char *parameter, const struct choice *choices, enum filter_op op, const char *value, const char **ret,
              struct error *e)
{
	const char *names = "", *said = "";

	for (const struct choice *c = choices; c->name; c++)
		names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", c->name);
	do {
		size_t len = op == FILTER_IN ? strcspn(value, ",") : strlen(value);
		const struct choice *c = choices;

		while (c->name && (strlen(c->name) != len || strncmp(c->name, value, len) != 0))
			c++;
		if (!c->name)
			return refuse(e, parameter, arena_printf(a, "the filter takes one of: %s", names));
		said = arena_printf(a, "%s%s%s", said, *said ? " OR " : "", c->condition);
		value += len;
	} while (*value++);
	*ret = op == FILTER_IN ? arena_printf(a, "(%s)", said) : said;
	return 0;
}

/* The number of "any.3][": a filter that holds for one of several groups. 0: it isn't one; *name goes behind it. */
static int
take_group(const char **name)
{
	const char *s = *name;

	if (strncmp(s, "any.", 4) != 0 || s[4] < '1' || s[4] > '0' + LIMIT_FILTER_GROUPS || strncmp(s + 5, "][", 2) != 0)
		return 0;
	*name = s + 7;
	return s[4] - '0';
}

/* "filter[name]", "filter[name][op]", "filter[metadata.key]", and each of these behind "filter[any.3]". */
static int
parse_filter(const struct http_request *r, const struct resource *res, const struct http_header *p, struct query *q, struct error *e)
{
	static const char *const ops[] = {"", "[lt]", "[le]", "[gt]", "[ge]", "[contains]", "[in]"};
	const char *name = p->name + strlen("filter["), *key = NULL;
	int group = take_group(&name);
	const char *end = strchr(name, ']');
	const struct attribute *at = end ? filter_attribute(r, res, name, (size_t)(end - name), &key) : NULL;
	struct filter f = {.attribute = at, .key = key, .group = group};
	size_t op = 0;

	if (!at)
		return refuse(e, p->name, "there is no such filter");
	while (op < ARRAY_LEN(ops) && strcmp(end + 1, ops[op]) != 0)
		op++;
	if (op == ARRAY_LEN(ops) || !op_fits(at, (enum filter_op)op))
		return refuse(e, p->name, "the filter doesn't know that comparison");
	if (q->n_filters == LIMIT_FILTERS)
		return refuse(e, p->name, "there are too many filters");
	f.op = (enum filter_op)op;
	f.value = strlen(p->value) <= FILTER_VALUE_BYTES ? filter_value(r->arena, at->type, p->value) : NULL;
	if (!f.value)
		return refuse(e, p->name, wanted_value(res, at, r->arena));
	if (at->by && at->by->choices && filter_choice(r->arena, p->name, at->by->choices, f.op, f.value, &f.condition, e))
		return -1;
	q->filters[q->n_filters++] = f;
	if (group)
		q->groups |= UINT32_C(1) << group;
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
	q->sorted = true;
	return 0;
}

/* Where the client doesn't say, a long list that is cut by a range is read along that range: the index that finds it is its order. */
static void
sort_by_range(const struct resource *res, struct query *q)
{
	if (q->sorted || !res->page_from)
		return;
	for (int i = 0; i < q->n_filters; i++) {
		if (!q->filters[i].group && q->filters[i].op != FILTER_EQ && q->filters[i].op < FILTER_CONTAINS) {
			q->sort = q->filters[i].attribute;
			return;
		}
	}
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

/* Which of the resource's types fields[…] names; -1: none. */
static int
type_of(const struct resource *res, const char *type)
{
	for (int i = 0; i < RESOURCE_MAX_TYPES && res->types[i]; i++) {
		size_t len = strlen(res->types[i]);

		if (strncmp(type, res->types[i], len) == 0 && strcmp(type + len, "]") == 0)
			return i;
	}
	return -1;
}

static int
parse_fields(const struct resource *res, const struct http_header *p, struct query *q, struct error *e)
{
	const char *type = p->name + strlen("fields["), *s = p->value;
	int which = type_of(res, type);
	uint32_t mask = 0, *fields = q->fields;

	for (int i = 0; which < 0 && i < q->n_included; i++) {
		res = q->included[i].resource;
		which = type_of(res, type);
		fields = q->included[i].fields;
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
	fields[which] = mask;
	return 0;
}

static uint32_t
default_fields(const struct resource *res, bool one)
{
	uint32_t all = 0;

	for (int i = 0; i < res->n_attributes; i++)
		if (one || !(res->attributes[i].flags & ATTRIBUTE_ON_REQUEST))
			all |= UINT32_C(1) << i;
	for (int i = 0; i < res->n_relationships; i++)
		all |= UINT32_C(1) << (res->n_attributes + i);
	return all;
}

static int
add_inclusion(const struct resource *res, const char *name, size_t len, struct query *q, struct error *e)
{
	const struct resource *other = NULL;
	int rel = 0, i = 0;

	while (rel < res->n_relationships &&
	       (strlen(res->relationships[rel].name) != len || strncmp(res->relationships[rel].name, name, len) != 0))
		rel++;
	if (rel < res->n_relationships)
		other = resource_find(res->relationships[rel].type);
	if (!other || other->types[1])
		return refuse(e, "include", "include takes names of relationships, separated by commas; one step and no further");
	while (i < q->n_included && q->included[i].resource != other)
		i++;
	if (i == LIMIT_INCLUDES)
		return refuse(e, "include", "too much is to be included");
	if (i == q->n_included) {
		q->included[q->n_included++] = (struct inclusion){.resource = other};
		for (int t = 0; t < RESOURCE_MAX_TYPES; t++)
			q->included[i].fields[t] = default_fields(other, false);
	}
	q->included[i].relationships |= UINT32_C(1) << rel;
	return 0;
}

static int
parse_include(const struct http_request *r, const struct resource *res, struct query *q, struct error *e)
{
	const char *s = http_query_get(r, "include");

	while (s && *s) {
		size_t len = strcspn(s, ",");

		if (add_inclusion(res, s, len, q, e))
			return -1;
		s += len + (s[len] == ',');
	}
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
	if (strcmp(p->name, "include") == 0)
		return 0; /* read before */
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

	for (int i = 0; i < RESOURCE_MAX_TYPES; i++)
		q.fields[i] = default_fields(res, one);
	if (parse_include(r, res, &q, e)) /* before the fields of what is included */
		return -1;
	if (res->default_sort && parse_sort(res, res->default_sort, &q, e))
		return -1;
	q.sorted = false;
	for (int i = 0; i < r->n_query; i++) {
		for (int k = 0; k < i; k++)
			if (strcmp(r->query[i].name, r->query[k].name) == 0)
				return refuse(e, r->query[i].name, "the query parameter comes twice");
		if (parse_one(r, res, one, &r->query[i], &q, e))
			return -1;
	}
	sort_by_range(res, &q);
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
		s = arena_printf(r->arena, "%s\n%d %s\n%d\n%zu\n%s\n%zu\n%s", s, q->filters[i].group, q->filters[i].attribute->name,
		                 (int)q->filters[i].op,
		                 q->filters[i].key ? strlen(q->filters[i].key) : 0, q->filters[i].key ? q->filters[i].key : "",
		                 strlen(q->filters[i].value), q->filters[i].value);
	return s;
}

int
query_short_list(const struct http_request *r, struct error *e)
{
	struct query q = {0};

	for (int i = 0; i < r->n_query; i++) {
		if (strcmp(r->query[i].name, "page[size]") != 0 || i > 0)
			return refuse(e, r->query[i].name, "there is no such query parameter here");
		if (parse_page(&r->query[i], &q, e))
			return -1;
	}
	return 0;
}
