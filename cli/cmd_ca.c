#include "cli/client.h"
#include "cli/list.h"

#include <string.h>

static const struct list_column columns[] = {
	{"ID", "id"},           {"NAME", "name"},       {"STATUS", "status"},     {"DEFAULT", "is_default"},
	{"SUBJECT", "subject"}, {"NOT AFTER", "not_after"}, {"CRL", "crl_number"},
};

static int
run_list(struct cli *c, struct error *e)
{
	return list_run(c, "cas", columns, ARRAY_LEN(columns), e);
}

/* By id, or by name through the filter. */
static int
run_show(struct cli *c, struct error *e)
{
	const char *word = c->args.words[0];
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *found = NULL, *doc = NULL;
	const char *id = word;

	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0)
		return -1;
	if (word[strspn(word, "0123456789")] != '\0') {
		const char *path = arena_printf(c->arena, "/cas?%s=%s", client_encode(cl, "filter[name]"), client_encode(cl, word));

		if (client_call(cl, "GET", path, NULL, &found, e) < 0)
			return -1;
		id = json_string_value(json_object_get(json_array_get(json_object_get(found, "data"), 0), "id"));
		if (!id)
			return fail(e, E_NOT_FOUND, "there is no CA \"%s\"", word);
	}
	if (client_call(cl, "GET", arena_printf(c->arena, "/cas/%s", client_encode(cl, id)), NULL, &doc, e) < 0)
		return -1;
	list_show(c, doc);
	return 0;
}

static const struct arg_spec list_options[] = {LIST_OPTIONS, {NULL, ARG_FLAG, NULL, NULL}};

const struct command commands_ca[] = {
	{"ca", "list", "", 0, 0, "list the CAs", list_options, run_list},
	{"ca", "show", "ID|NAME", 1, 1, "show a CA with its certificate", NULL, run_show},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
