#include "cli/list.h"

#include <string.h>

#include "cli/table.h"
#include "lib/limits.h"

#define MAX_COLUMNS 12
#define NAME_WIDTH 20

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
	if (!json_is_array(v))
		return "";
	json_array_foreach(v, i, item)
		text = arena_printf(a, "%s%s%s", text, i ? " " : "", value_text(a, item));
	return text;
}

static const char *
cell(struct arena *a, const json_t *resource, const char *attribute)
{
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

int
list_run(struct cli *c, const char *collection, const struct list_column *columns, size_t n_columns, struct error *e)
{
	JSON_CLEANUP json_t *doc = json_pack("{s:[]}", "data");
	json_t *all = json_object_get(doc, "data"), *item;
	CLEANUP(client_free) struct client *cl = NULL;
	const char *path, *headings[MAX_COLUMNS], *cells[MAX_COLUMNS];
	struct table *t;
	long limit;
	size_t i;
	int rc;

	if (args_number(&c->args, "limit", 1, 100000000, 0, &limit, e) < 0)
		return CLI_USAGE;
	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0)
		return -1;
	rc = first_path(c, cl, collection, limit, &path, e);
	if (rc)
		return rc;
	if (read_pages(c, cl, path, limit, all, e) < 0)
		return -1;
	if (c->json) {
		cli_print_json(doc);
		return 0;
	}
	for (size_t k = 0; k < n_columns; k++)
		headings[k] = columns[k].heading;
	t = table_new(c->arena, headings, n_columns);
	json_array_foreach(all, i, item) {
		for (size_t k = 0; k < n_columns; k++)
			cells[k] = cell(c->arena, item, columns[k].attribute);
		table_row(t, cells);
	}
	table_print(t, stdout);
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
		const char *text = value_text(c->arena, value);

		if (!strchr(text, '\n') && !json_is_null(value))
			printf("%-*s %s\n", NAME_WIDTH, text_safe(c->arena, name), text_safe(c->arena, text));
	}
	json_object_foreach(json_object_get(data, "attributes"), name, value) {
		const char *text = value_text(c->arena, value);

		if (strchr(text, '\n')) {
			printf("\n%s\n", text_safe(c->arena, name));
			print_block(c->arena, text);
		}
	}
}
