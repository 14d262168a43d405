#include "cli/list.h"

#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "lib/limits.h"

#define MAX_COLUMNS 12
#define PARTS_DEPTH 4 /* of parts in parts; what lies deeper is one line */
#define NAME_WIDTH 20
#define ANY_COLUMNS 7 /* of a collection that no command knows */
#define ANY_WIDTH 40
#define LONG_LINE 40 /* a text that is to be copied stands in a line of its own */

/* A value as one line of text. */
static const char *
value_text(struct arena *a, const json_t *v)
{
	const char *text = "";
	const json_t *item;
	size_t i;

	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		return arena_printf(a, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	if (json_is_object(v) || (json_is_array(v) && json_is_object(json_array_get(v, 0)))) {
		char *dump = json_dumps(v, JSON_COMPACT);

		text = arena_strdup(a, dump ? dump : "");
		free(dump);
		return text;
	}
	json_array_foreach(v, i, item)
		text = arena_printf(a, "%s%s%s", text, i ? " " : "", value_text(a, item));
	return text;
}

/* "cas/7": what a relationship points at; "" for nothing. */
static const char *
target_text(struct arena *a, const json_t *relationship)
{
	const json_t *to = json_object_get(relationship, "data");

	if (!json_is_object(to))
		return "";
	return arena_printf(a, "%s/%s", value_text(a, json_object_get(to, "type")), value_text(a, json_object_get(to, "id")));
}

static const char *
cell(struct arena *a, const json_t *resource, const char *attribute)
{
	const json_t *relationship = json_object_get(json_object_get(resource, "relationships"), attribute);

	if (relationship)
		return target_text(a, relationship);
	if (strcmp(attribute, "id") == 0 || strcmp(attribute, "type") == 0)
		return value_text(a, json_object_get(resource, attribute));
	return value_text(a, json_object_get(json_object_get(resource, "attributes"), attribute));
}

/* "name=value" or "name[op]=value" → "&filter[name][op]=value", encoded. */
static int
add_filter(struct client *cl, struct arena *a, const char **path, const char *filter, struct error *e)
{
	const char *equals = strchr(filter, '='), *bracket = strchr(filter, '[');
	size_t name = bracket && equals && bracket < equals ? (size_t)(bracket - filter) : equals ? (size_t)(equals - filter) : 0;

	if (name == 0)
		return cli_usage(e, "--filter wants NAME=VALUE");
	const char *op = arena_strndup(a, filter + name, (size_t)(equals - filter) - name);
	const char *key = arena_printf(a, "filter[%.*s]%s", (int)name, filter, op);
	*path = arena_printf(a, "%s&%s=%s", *path, client_encode(cl, key), client_encode(cl, equals + 1));
	return 0;
}

/* The address of the first page. */
static int
first_path(struct cli *c, struct client *cl, const char *collection, long limit, const char **ret, struct error *e)
{
	const char *sort = args_get(&c->args, "sort"), *filter;
	long size = limit && limit < LIMIT_PAGE_SIZE ? limit : LIMIT_PAGE_SIZE;
	const char *path = arena_printf(c->arena, "/%s?%s=%ld", collection, client_encode(cl, "page[size]"), size);
	size_t at = 0;

	if (sort)
		path = arena_printf(c->arena, "%s&sort=%s", path, client_encode(cl, sort));
	while ((filter = args_next(&c->args, "filter", &at))) {
		int rc = add_filter(cl, c->arena, &path, filter, e);

		if (rc)
			return rc;
	}
	*ret = path;
	return 0;
}

static int
read_pages(struct cli *c, struct client *cl, const char *path, long limit, json_t *all, struct error *e)
{
	while (path) {
		JSON_CLEANUP json_t *doc = NULL;
		const json_t *data;
		json_t *item;
		size_t i;

		if (client_call(cl, "GET", path, NULL, &doc, e) < 0)
			return -1;
		data = json_object_get(doc, "data");
		json_array_foreach(data, i, item) {
			if (!limit || json_array_size(all) < (size_t)limit)
				json_array_append(all, item);
		}
		path = limit && json_array_size(all) >= (size_t)limit ? NULL : client_next(cl, doc);
	}
	(void)c;
	return 0;
}

/* Reads what is asked for into data of *ret. */
static int
read_list(struct cli *c, const char *collection, json_t **ret, struct error *e)
{
	JSON_CLEANUP json_t *doc = json_pack("{s:[]}", "data");
	CLEANUP(client_free) struct client *cl = NULL;
	const char *path;
	long limit;
	int rc;

	if (args_number(&c->args, "limit", 1, 100000000, 0, &limit, e) < 0)
		return CLI_USAGE;
	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0)
		return -1;
	rc = first_path(c, cl, collection, limit, &path, e);
	if (rc)
		return rc;
	if (read_pages(c, cl, path, limit, json_object_get(doc, "data"), e) < 0)
		return -1;
	*ret = TAKE(doc);
	return 0;
}

static void
print_list(struct cli *c, const json_t *doc, const struct list_column *columns, size_t n_columns)
{
	const char *headings[MAX_COLUMNS], *cells[MAX_COLUMNS];
	struct table *t;
	json_t *item;
	size_t i;

	if (c->json) {
		cli_print_json(doc);
		return;
	}
	for (size_t k = 0; k < n_columns; k++)
		headings[k] = columns[k].heading;
	t = table_new(c->arena, headings, n_columns);
	json_array_foreach(json_object_get(doc, "data"), i, item) {
		for (size_t k = 0; k < n_columns; k++)
			cells[k] = cell(c->arena, item, columns[k].attribute);
		table_row(t, cells);
	}
	table_print(t, stdout);
}

int
list_run(struct cli *c, const char *collection, const struct list_column *columns, size_t n_columns, struct error *e)
{
	JSON_CLEANUP json_t *doc = NULL;
	int rc = read_list(c, collection, &doc, e);

	if (rc == 0)
		print_list(c, doc, columns, n_columns);
	return rc;
}

static void
add_column(struct arena *a, struct list_column *columns, size_t *n, const char *attribute)
{
	char *heading = arena_strdup(a, attribute);

	if (*n == MAX_COLUMNS)
		return;
	for (char *p = heading; *p; p++)
		*p = *p == '_' ? ' ' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	columns[(*n)++] = (struct list_column){heading, attribute};
}

static bool
any_has(struct arena *a, const json_t *doc, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(doc, "data"), i, item) {
		if (*cell(a, item, name))
			return true;
	}
	return false;
}

/* A url is wanted whatever its length; lists are shown when they are of texts. */
static bool
makes_column(struct arena *a, const char *name, const json_t *value)
{
	if (json_is_object(value) || (json_is_array(value) && json_is_object(json_array_get(value, 0))))
		return false;
	return strcmp(name, "url") == 0 || strlen(value_text(a, value)) < ANY_WIDTH;
}

/* The first attributes that make short cells, in the order of the server, then what the resources point at; none that is empty everywhere. */
static void
choose_columns(struct arena *a, const json_t *doc, struct list_column *columns, size_t *n)
{
	const json_t *first = json_array_get(json_object_get(doc, "data"), 0);
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(first, "attributes"), name, value) {
		if (*n < ANY_COLUMNS && makes_column(a, name, value) && any_has(a, doc, name))
			add_column(a, columns, n, name);
	}
	json_object_foreach(json_object_get(first, "relationships"), name, value) {
		if (any_has(a, doc, name))
			add_column(a, columns, n, name);
	}
}

int
list_any(struct cli *c, const char *collection, struct error *e)
{
	JSON_CLEANUP json_t *doc = NULL;
	const char *names = args_get(&c->args, "columns");
	struct list_column columns[MAX_COLUMNS] = {{"ID", "id"}};
	size_t n = 1;
	int rc = read_list(c, collection, &doc, e);

	if (rc)
		return rc;
	if (!names)
		choose_columns(c->arena, doc, columns, &n);
	while (names && *names) {
		size_t len = strcspn(names, ",");

		add_column(c->arena, columns, &n, arena_strndup(c->arena, names, len));
		names += len + (names[len] == ',');
	}
	print_list(c, doc, columns, n);
	return 0;
}

/* PEM and the like: the lines as they are, which hold nothing but printable text and line breaks when each line is made safe. */
static void
print_block(struct arena *a, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		printf("%s\n", text_safe(a, arena_strndup(a, text, len)));
		text += len + (text[len] == '\n');
	}
}

/* "ca  cas/7": what a resource points at. */
static void
print_relationships(struct cli *c, const json_t *data)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(data, "relationships"), name, value) {
		const char *to = target_text(c->arena, value);

		if (*to)
			printf("%-*s %s\n", NAME_WIDTH, text_safe(c->arena, name), text_safe(c->arena, to));
	}
}

/* An object of texts, such as ready commands: they are there to be copied. */
static bool
has_texts(json_t *value)
{
	const char *name;
	json_t *item;

	if (!json_is_object(value) || json_object_size(value) == 0)
		return false;
	json_object_foreach(value, name, item) {
		if (!json_is_string(item) && !json_is_null(item))
			return false;
	}
	return true;
}

/* One text a line, as it is; a long one below its name, which a shell passes over. */
static void
print_texts(struct arena *a, json_t *texts)
{
	const char *name;
	json_t *item;

	json_object_foreach(texts, name, item) {
		const char *text = json_string_value(item);

		if (text && strlen(text) > LONG_LINE)
			printf("# %s\n%s\n", text_safe(a, name), text_safe(a, text));
		else if (text)
			printf("%-*s %s\n", NAME_WIDTH, text_safe(a, name), text_safe(a, text));
	}
}

/* What has parts that have members, such as what was done for an order: a line for each, further in for what belongs to it. */
static bool
has_parts(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void print_parts(struct arena *a, const json_t *list, int depth);

static void
print_members(struct arena *a, const json_t *object, int depth)
{
	bool first = true;
	const char *name;
	json_t *value, *item;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		const char *begin = arena_printf(a, "%*s%s%s", 4 * depth, "", first ? "- " : "  ", text_safe(a, name));

		if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
			continue;
		first = false;
		if (has_parts(value) && depth < PARTS_DEPTH) {
			printf("%s\n", begin);
			print_parts(a, value, depth + 1);
		} else if (json_is_array(value) && json_array_size(value) > 1) {
			printf("%s\n", begin);
			json_array_foreach(value, i, item)
				printf("%*s%s\n", 4 * depth + 6, "", text_safe(a, value_text(a, item)));
		} else {
			printf("%-*s %s\n", 4 * depth + NAME_WIDTH, begin, text_safe(a, value_text(a, value)));
		}
	}
}

static void
print_parts(struct arena *a, const json_t *list, int depth)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		print_members(a, item, depth);
}

/* What stands below its name. */
static bool
is_block(struct arena *a, json_t *value)
{
	return has_texts(value) || has_parts(value) || strchr(value_text(a, value), '\n');
}

void
list_show(struct cli *c, const json_t *doc)
{
	json_t *data = json_object_get(doc, "data"), *value;
	const char *name;

	if (c->json) {
		cli_print_json(doc);
		return;
	}
	printf("%-*s %s\n", NAME_WIDTH, "id", text_safe(c->arena, cell(c->arena, data, "id")));
	printf("%-*s %s\n", NAME_WIDTH, "type", text_safe(c->arena, cell(c->arena, data, "type")));
	json_object_foreach(json_object_get(data, "attributes"), name, value) {
		if (!json_is_null(value) && !is_block(c->arena, value))
			printf("%-*s %s\n", NAME_WIDTH, text_safe(c->arena, name), text_safe(c->arena, value_text(c->arena, value)));
	}
	print_relationships(c, data);
	json_object_foreach(json_object_get(data, "attributes"), name, value) {
		if (!is_block(c->arena, value))
			continue;
		printf("\n%s\n", text_safe(c->arena, name));
		if (has_texts(value))
			print_texts(c->arena, value);
		else if (has_parts(value))
			print_parts(c->arena, value, 0);
		else
			print_block(c->arena, value_text(c->arena, value));
	}
}
