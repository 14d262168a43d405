/* Everything that the REST interface has, without a command of its own: "siegelctl roles create name=clerk rights:='["read"]'". What there is
 * is the server's to say: nothing here knows a resource, so that an old siegelctl serves a new server. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/description.h"
#include "cli/file.h"
#include "cli/list.h"
#include "cli/table.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"

#define JOB_POLL_MS 300

static bool
is_word(const char *s)
{
	return s[0] >= 'a' && s[0] <= 'z' && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0';
}

static bool
is_number(const char *s)
{
	return s[0] && s[strspn(s, "0123456789")] == '\0';
}

/* One command on a resource. */
struct call {
	struct cli *cli;
	struct client *client;
	const char *resource, *verb;
	json_t *description; /* the server's, of everything; NULL: it isn't needed, or isn't to be had */
};

/* --- name=value --- */

/* "name=text" (or a number, true or false, texts between commas, where the server wants those), "name=@file" (its text), "name:=json",
 * "name:=@file" (JSON in it); a text that starts with @ comes as JSON. */
static int
take_member(struct cli *c, const json_t *members, const char *word, json_t *attributes, struct error *e)
{
	const char *equals = strchr(word, '='), *value = equals ? equals + 1 : "";
	bool json = equals && equals > word && equals[-1] == ':';
	size_t len = equals ? (size_t)(equals - word) - json : 0;
	const char *name = arena_strndup(c->arena, word, len);
	bool file = value[0] == '@';
	json_t *v;

	if (len == 0)
		return cli_usage(e, "\"%s\" isn't NAME=VALUE or NAME:=JSON", word);
	if (json_object_get(attributes, name))
		return cli_usage(e, "%s is given twice", name);
	if (file && file_read(c->arena, value + 1, LIMIT_BODY_BYTES, &value, e) < 0)
		return -1;
	if (!json && !file) {
		if (description_value(c->arena, members, name, value, &v, e) < 0)
			return -1;
		json_object_set_new(attributes, name, v);
		return 0;
	}
	v = json ? json_loads(value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL) : json_string(value);
	if (!v)
		return fail(e, E_BAD_VALUE, "the value of %s isn't %s", name, json ? "JSON" : "UTF-8");
	json_object_set_new(attributes, name, v);
	return 0;
}

static int
take_members(struct cli *c, const json_t *members, size_t first, json_t *attributes, struct error *e)
{
	for (size_t i = first; i < c->args.n_words; i++) {
		int rc = take_member(c, members, c->args.words[i], attributes, e);

		if (rc)
			return rc;
	}
	return 0;
}

/* The server refused a member that came as a text, where it wants what only JSON says: how that is written. */
static int
explain_json(struct cli *c, const json_t *members, size_t first, struct error *e)
{
	static const char place[] = "/data/attributes/";
	const char *name = e->pointer + sizeof(place) - 1;

	if (!members || strncmp(e->pointer, place, sizeof(place) - 1) != 0 || description_plain(members, name))
		return -1;
	for (size_t i = first; i < c->args.n_words; i++) {
		const char *word = c->args.words[i];

		if (strncmp(word, name, strlen(name)) == 0 && word[strlen(name)] == '=')
			return fail_at(e, e->code, e->pointer, "%s; JSON is written %s:=…", arena_strdup(c->arena, e->detail),
			               arena_strdup(c->arena, name));
	}
	return -1;
}

/* --- which one --- */

/* The id that a word names: digits are an id, and so is what the collection doesn't know names for; else it is a name. */
static int
find_id(struct cli *c, struct client *cl, const char *resource, const char *word, const char **ret, struct error *e)
{
	JSON_CLEANUP json_t *doc = NULL;
	const json_t *data;
	const char *path = arena_printf(c->arena, "/%s?%s=%s", resource, client_encode(cl, "filter[name]"), client_encode(cl, word));

	*ret = word;
	if (is_number(word))
		return 0;
	if (client_call(cl, "GET", path, NULL, &doc, e) < 0)
		return e->code == E_MALFORMED ? 0 : -1;
	data = json_object_get(doc, "data");
	if (json_array_size(data) == 0)
		return fail(e, E_NOT_FOUND, "%s: there is none of the name \"%s\"", resource, word);
	if (json_array_size(data) > 1)
		return fail(e, E_CONFLICT, "%s: several have the name \"%s\": use the id", resource, word);
	*ret = arena_strdup(c->arena, json_string_value(json_object_get(json_array_get(data, 0), "id")));
	return 0;
}

/* --- what comes of it --- */

/* A list as lines: a text each, or the texts of an object with tabs between them. NULL: there is something else in it. */
static const char *
list_lines(struct arena *a, const json_t *list)
{
	const char *lines = "", *name;
	json_t *item, *member;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *line = json_is_string(item) ? json_string_value(item) : "", *gap = "";

		json_object_foreach(item, name, member) {
			if (!json_is_string(member))
				return NULL;
			line = arena_printf(a, "%s%s%s", line, gap, json_string_value(member));
			gap = "\t";
		}
		if (!*line)
			return NULL;
		lines = arena_printf(a, "%s%s\n", lines, line);
	}
	return *lines ? lines : NULL;
}

/* NAME=FILE: an attribute of the answer into a file that only its owner reads; base64 of PKCS#12 becomes octets. */
static int
write_output(struct cli *c, const char *out, json_t *attributes, struct error *e)
{
	const char *equals = strchr(out, '='), *name = arena_strndup(c->arena, out, (size_t)(equals - out));
	const json_t *value = json_object_get(attributes, name);
	const char *text = json_is_array(value) ? list_lines(c->arena, value) : json_string_value(value);
	struct bytes data = {(const uint8_t *)text, text ? strlen(text) : 0};

	if (!text)
		return fail(e, E_NOT_FOUND, "the answer has no text %s for --out", name);
	if (strcmp(name, "pkcs12") == 0 && base64_decode(c->arena, text, data.len, &data, e) < 0)
		return -1;
	if (file_write(c->arena, equals + 1, data.data, data.len, 0600, e) < 0)
		return -1;
	json_object_del(attributes, name);
	return 0;
}

/* What can't be written stays in the document, to be shown. */
static int
write_outputs(struct cli *c, const json_t *doc, struct error *e)
{
	json_t *attributes = json_object_get(json_object_get(doc, "data"), "attributes");
	struct error next;
	const char *out;
	size_t at = 0;
	int rc = 0;

	while ((out = args_next(&c->args, "out", &at))) {
		if (write_output(c, out, attributes, rc ? &next : e) < 0)
			rc = -1;
	}
	return rc;
}

/* Whether the answer can have what is to be written; of an action nobody knows. */
static int
check_output_names(const struct call *call, struct error *e)
{
	bool action = strcmp(call->verb, "create") != 0 && strcmp(call->verb, "show") != 0 && strcmp(call->verb, "update") != 0;
	const json_t *known = action ? NULL : description_outputs(call->description, call->resource);
	const char *out;
	size_t at = 0;

	while (known && (out = args_next(&call->cli->args, "out", &at))) {
		const char *name = arena_strndup(call->cli->arena, out, strcspn(out, "="));

		if (!json_object_get(known, name))
			return cli_usage(e, "%s have no %s for --out", call->resource, name);
	}
	return 0;
}

static bool
given_before(struct cli *c, const char *path, size_t end)
{
	const char *out;
	size_t at = 0;

	while ((out = args_next(&c->args, "out", &at)) && at < end) {
		const char *equals = strchr(out, '=');

		if (equals && strcmp(equals + 1, path) == 0)
			return true;
	}
	return false;
}

static int
check_outputs(struct cli *c, struct error *e)
{
	const char *out;
	size_t at = 0;

	while ((out = args_next(&c->args, "out", &at))) {
		const char *equals = strchr(out, '=');

		if (!equals || equals == out || !equals[1])
			return cli_usage(e, "--out wants NAME=FILE");
		if (strcmp(equals + 1, "-") != 0 && given_before(c, equals + 1, at))
			return cli_usage(e, "--out names %s twice", equals + 1);
		if (file_absent(equals + 1, e) < 0 || file_possible(c->arena, equals + 1, e) < 0)
			return -1;
	}
	return 0;
}

/* Waits for a job that was made. */
static int
wait_for_job(struct cli *c, struct client *cl, json_t **doc, struct error *e)
{
	const struct timespec pause = {.tv_nsec = JOB_POLL_MS * 1000000L};
	const char *id = arena_strdup(c->arena, json_string_value(json_object_get(json_object_get(*doc, "data"), "id")));
	const char *status;

	for (;;) {
		status = resource_text(json_object_get(*doc, "data"), "status");
		if (strcmp(status, "queued") != 0 && strcmp(status, "running") != 0)
			break;
		nanosleep(&pause, NULL);
		json_decref(*doc);
		*doc = NULL;
		if (client_call(cl, "GET", arena_printf(c->arena, "/jobs/%s", id), NULL, doc, e) < 0)
			return -1;
	}
	if (strcmp(status, "done") != 0)
		return fail(e, E_CONFLICT, "job %s is %s: %s", id, status, resource_text(json_object_get(*doc, "data"), "error"));
	return 0;
}

static bool
is_type(const json_t *doc, const char *type)
{
	const char *t = json_string_value(json_object_get(json_object_get(doc, "data"), "type"));

	return t && strcmp(t, type) == 0;
}

/* What was done is shown, also when not all of it could be written: a secret that is shown once has no other chance. */
static int
show(const struct call *call, json_t **doc, struct error *e)
{
	struct cli *c = call->cli;
	int rc = 0;

	if (!*doc)
		return 0; /* done, and nothing to show */
	if (is_type(*doc, "approvals") && strcmp(call->resource, "approvals") != 0)
		fprintf(stderr, "it waits for an approval\n");
	if (is_type(*doc, "jobs") && strcmp(call->resource, "jobs") != 0 && args_has(&c->args, "wait"))
		rc = wait_for_job(c, call->client, doc, e);
	if (rc == 0)
		rc = write_outputs(c, *doc, e);
	if (*doc)
		list_show(c, *doc);
	return rc;
}

/* --- verbs --- */

/* What the request may have: of one, or of the collection; an action has another type than the resource. */
static const json_t *
inputs(const struct call *call, const char *method, bool one, const char *type)
{
	bool action = strcmp(type, call->resource) != 0;
	const char *pattern = arena_printf(call->cli->arena, "/%s%s%s%s", call->resource, one ? "/{id}" : "", action ? "/" : "", action ? type : "");

	return description_inputs(call->description, strcmp(method, "PATCH") == 0 ? "patch" : "post", pattern);
}

/* One request of a resource object, or of none when it would be empty. */
static int
send_document(const struct call *call, const char *method, const char *path, const char *type, const char *id, size_t first, json_t **ret,
              struct error *e)
{
	JSON_CLEANUP json_t *attributes = json_object(), *body = NULL;
	struct cli *c = call->cli;
	const json_t *members = inputs(call, method, id || first == 3, type);
	int rc = take_members(c, members, first, attributes, e);

	if (rc)
		return rc;
	body = json_pack("{s:{s:s,s:O}}", "data", "type", type, "attributes", attributes);
	if (id)
		json_object_set_new(json_object_get(body, "data"), "id", json_string(id));
	rc = client_call(call->client, method, path, body, ret, e);
	return rc < 0 && e->code == E_BAD_VALUE ? explain_json(c, members, first, e) : rc;
}

/* An action: of one, when the first word isn't NAME=VALUE, else of the collection. */
static int
run_action(const struct call *call, json_t **ret, struct error *e)
{
	struct cli *c = call->cli;
	struct client *cl = call->client;
	const char *resource = call->resource, *verb = call->verb;
	const char *content = args_get(&c->args, "content"), *path, *id, *query = "?";
	bool one = c->args.n_words > 2 && !strchr(c->args.words[2], '=');

	if (one && find_id(c, cl, resource, c->args.words[2], &id, e) < 0)
		return -1;
	path = one ? arena_printf(c->arena, "/%s/%s/%s", resource, client_encode(cl, id), verb) : arena_printf(c->arena, "/%s/%s", resource, verb);
	if (!content)
		return send_document(call, "POST", path, verb, NULL, one ? 3 : 2, ret, e);
	for (size_t i = one ? 3 : 2; i < c->args.n_words; i++, query = "&") {
		const char *word = c->args.words[i], *equals = strchr(word, '=');

		if (!equals)
			return cli_usage(e, "\"%s\" isn't NAME=VALUE", word);
		path = arena_printf(c->arena, "%s%s%.*s=%s", path, query, (int)(equals - word), word, client_encode(cl, equals + 1));
	}
	return client_send_file(cl, path, content, ret, e);
}

static int
run_one(const struct call *call, json_t **ret, struct error *e)
{
	struct cli *c = call->cli;
	struct client *cl = call->client;
	const char *resource = call->resource, *verb = call->verb;
	const char *id, *path;

	if (strcmp(verb, "create") == 0)
		return send_document(call, "POST", arena_printf(c->arena, "/%s", resource), resource, NULL, 2, ret, e);
	if (strcmp(verb, "show") != 0 && strcmp(verb, "update") != 0 && strcmp(verb, "delete") != 0)
		return run_action(call, ret, e);
	if (c->args.n_words < 3)
		return cli_usage(e, "the id or the name is missing");
	if (find_id(c, cl, resource, c->args.words[2], &id, e) < 0)
		return -1;
	path = arena_printf(c->arena, "/%s/%s", resource, client_encode(cl, id));
	if (strcmp(verb, "update") == 0)
		return send_document(call, "PATCH", path, resource, id, 3, ret, e);
	if (c->args.n_words > 3)
		return cli_usage(e, "there are too many words");
	return client_call(cl, strcmp(verb, "show") == 0 ? "GET" : "DELETE", path, NULL, ret, e);
}

/* The server's description, where there is something that it says: of plain values, and of what is to be written. Without it both are as they
 * are: the request itself says what is wrong. */
static json_t *
read_description(struct cli *c, struct client *cl)
{
	bool wanted = args_has(&c->args, "out");
	json_t *doc = NULL;
	struct error e;

	for (size_t i = 2; i < c->args.n_words && !wanted; i++) {
		const char *equals = strchr(c->args.words[i], '=');

		wanted = equals && equals > c->args.words[i] && equals[-1] != ':' && equals[1] != '@';
	}
	return wanted && client_call(cl, "GET", "/openapi.json", NULL, &doc, &e) == 0 ? doc : NULL;
}

static int
run(struct cli *c, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *doc = NULL, *description = NULL;
	const char *resource = c->args.words[0], *verb = c->args.words[1];
	int rc;

	if (c->args.n_words < 2)
		return cli_usage(e, "there is no command \"%s\"; of a resource of the server a verb is missing: list, show, create, …", resource);
	if (!is_word(resource) || !is_word(verb))
		return cli_usage(e, "there is no command \"%s %s\"", resource, verb);
	if (strcmp(verb, "list") == 0)
		return c->args.n_words > 2 ? cli_usage(e, "there are too many words") : list_any(c, resource, e);
	rc = check_outputs(c, e);
	if (rc)
		return rc;
	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0)
		return -1;
	description = read_description(c, cl);
	const struct call call = {c, cl, resource, verb, description};
	rc = check_output_names(&call, e);
	if (rc == 0)
		rc = run_one(&call, &doc, e);
	return rc ? rc : show(&call, &doc, e);
}

/* --- help, from the server's own description --- */

static void
print_members(struct arena *a, const json_t *schema)
{
	const json_t *required = json_object_get(schema, "required"), *item;
	json_t *properties = json_object_get(schema, "properties");
	const char *name;
	json_t *member;

	json_object_foreach(properties, name, member) {
		const char *text = json_string_value(json_object_get(member, "description"));
		bool needed = false;
		size_t i;

		json_array_foreach(required, i, item)
			needed = needed || strcmp(json_string_value(item), name) == 0;
		printf("      %-24s %s%s\n", text_safe(a, arena_printf(a, "%s%s", name, description_plain(properties, name) ? "=" : ":=")),
		       needed ? "(has to be there) " : "", text_safe(a, text ? text : ""));
	}
}

static void
print_query(struct arena *a, const json_t *parameters)
{
	const json_t *p;
	size_t i;

	json_array_foreach(parameters, i, p) {
		const char *in = json_string_value(json_object_get(p, "in")), *name = json_string_value(json_object_get(p, "name"));
		const char *text = json_string_value(json_object_get(p, "description"));

		if (in && name && strcmp(in, "query") == 0)
			printf("      %-24s %s\n", text_safe(a, arena_printf(a, "%s=", name)), text_safe(a, text ? text : ""));
	}
}

static const char *
verb_of(const char *method, const char *path)
{
	const char *last = strrchr(path, '/') + 1;
	bool whole = last == path + 1, one = strcmp(last, "{id}") == 0;

	if (strcmp(method, "get") == 0)
		return whole ? "list" : "show";
	if (strcmp(method, "patch") == 0)
		return "update";
	if (strcmp(method, "delete") == 0)
		return "delete";
	return whole ? "create" : one ? "" : last;
}

static void
print_operation(struct arena *a, const char *path, const char *method, const json_t *operation)
{
	const char *verb = verb_of(method, path), *right = json_string_value(json_object_get(operation, "x-siegel-right"));
	const char *text = json_string_value(json_object_get(operation, "summary")), *type;
	json_t *media, *schema;

	printf("  %s%s\n      %s (%s)\n", text_safe(a, verb), strstr(path, "{id}") ? " ID|NAME" : "", text_safe(a, text ? text : ""),
	       text_safe(a, right ? right : ""));
	json_object_foreach(json_object_get(json_object_get(operation, "requestBody"), "content"), type, media) {
		schema = json_object_get(json_object_get(media, "schema"), "properties");
		schema = json_object_get(json_object_get(json_object_get(schema, "data"), "properties"), "attributes");
		print_members(a, schema);
		if (strcmp(type, "application/octet-stream") == 0)
			printf("      %-24s %s\n", "--content FILE", "what is sent");
	}
	if (strcmp(method, "get") != 0)
		print_query(a, json_object_get(operation, "parameters"));
}

/* The resources, or the verbs of one. */
static int
print_help(struct cli *c, const char *resource, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *doc = NULL;
	const char *path, *method;
	json_t *item, *operation;
	bool found = false;

	if (client_new(c, &cl, e) < 0 || client_call(cl, "GET", "/openapi.json", NULL, &doc, e) < 0)
		return -1;
	json_object_foreach(json_object_get(doc, "paths"), path, item) {
		const char *slash = strchr(path + 1, '/');
		size_t len = slash ? (size_t)(slash - path - 1) : strlen(path + 1);

		if (!resource && !slash && !description_is_page(item))
			printf("  %s\n", text_safe(c->arena, path + 1));
		found = found || !resource;
		if (!resource || strlen(resource) != len || strncmp(path + 1, resource, len) != 0)
			continue;
		if (!found)
			printf("Usage: siegelctl %s VERB [ID|NAME] [NAME=VALUE|NAME=@FILE|NAME:=JSON|NAME:=@FILE]… [options]\n\n", resource);
		found = true;
		json_object_foreach(item, method, operation) {
			print_operation(c->arena, path, method, operation);
		}
	}
	return found ? 0 : fail(e, E_NOT_FOUND, "there is no command \"%s\", and the server has no resource of that name", resource);
}

int
resource_help(struct cli *c, const char *resource, struct error *e)
{
	return print_help(c, resource, e);
}

static int
run_resources(struct cli *c, struct error *e)
{
	return print_help(c, NULL, e);
}

static const struct arg_spec options[] = {
	LIST_OPTIONS,
	{"columns", ARG_VALUE, "NAME,…", "list: these attributes"},
	{"out", ARG_MANY, "NAME=FILE", "write an attribute of the answer there, mode 0600"},
	{"content", ARG_VALUE, "FILE", "what an action takes as octets, such as a file to import"},
	{"wait", ARG_FLAG, NULL, "wait for the job that was made"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command command_resource = {"RESOURCE", NULL, "VERB [ID|NAME] [NAME=VALUE]…", 1, 200, "anything else that the server has", options, run};

const struct command commands_resources[] = {
	{"resources", NULL, "", 0, 0, "list the resources of the server; 'siegelctl RESOURCE --help' tells of one", NULL, run_resources},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
