#include "cli/cli.h"
#include "cli/migrate.h"
#include "cli/table.h"
#include "cli/template.h"

static const char *const state_names[] = {
	[MIGRATION_PENDING] = "pending",
	[MIGRATION_APPLIED] = "applied",
	[MIGRATION_CHANGED] = "changed",
	[MIGRATION_MISSING] = "missing",
};

static int
open_both(struct cli *c, struct db **ret_db, struct migration_list *ret, struct error *e)
{
	const char *dir = args_get(&c->args, "dir");
	const struct config *config;

	if (cli_config(c, &config, e) < 0)
		return -1;
	if (migration_read_dir(c->arena, dir ? dir : SIEGEL_DATADIR "/migrations", ret, e) < 0)
		return -1;
	return db_connect(config, "siegel_owner", ret_db, e);
}

struct progress {
	bool json;
	json_t *applied;
};

static void
did(void *ctx, const struct migration *m)
{
	struct progress *p = ctx;

	if (p->json) {
		json_array_append_new(p->applied, json_string(m->name));
		return;
	}
	printf("applied %s\n", m->name);
	fflush(stdout); /* the next one may take long */
	json_array_append_new(p->applied, json_string(m->name));
}

/* With the schema come the templates of profiles; with a schema from elsewhere only those that are named. */
static int
put_templates(struct cli *c, struct db *db, struct error *e)
{
	const char *dir = args_get(&c->args, "profiles");

	if (!dir && args_get(&c->args, "dir"))
		return 0;
	return templates_store(c->arena, db, dir ? dir : SIEGEL_DATADIR "/profiles", e);
}

static int
run_migrate(struct cli *c, struct error *e)
{
	JSON_CLEANUP json_t *doc = json_pack("{s:[]}", "applied");
	struct progress progress = {.json = c->json, .applied = json_object_get(doc, "applied")};
	CLEANUP(db_free) struct db *db = NULL;
	struct migration_list list;

	if (open_both(c, &db, &list, e) < 0 || migration_run(c->arena, db, &list, did, &progress, e) < 0 || put_templates(c, db, e) < 0)
		return -1;
	if (c->json)
		cli_print_json(doc);
	else if (json_array_size(progress.applied) == 0)
		printf("nothing to do: the store is at %s\n", list.all[list.n - 1].name);
	return 0;
}

static int
run_status(struct cli *c, struct error *e)
{
	static const char *const headings[] = {"VERSION", "FILE", "STATE", "APPLIED"};
	struct table *t = table_new(c->arena, headings, ARRAY_LEN(headings));
	JSON_CLEANUP json_t *doc = json_pack("{s:[]}", "migrations");
	CLEANUP(db_free) struct db *db = NULL;
	struct migration_list list;
	size_t wrong = 0;

	if (open_both(c, &db, &list, e) < 0 || migration_compare(c->arena, db, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct migration *m = &list.all[i];
		const char *cells[] = {arena_printf(c->arena, "%04d", m->version), m->name, state_names[m->state], m->applied_at};

		wrong += m->state == MIGRATION_CHANGED || m->state == MIGRATION_MISSING;
		table_row(t, cells);
		json_array_append_new(json_object_get(doc, "migrations"),
		                      json_pack("{s:i,s:s,s:s,s:s}", "version", m->version, "name", m->name, "state",
		                                state_names[m->state], "applied_at", m->applied_at));
	}
	if (c->json)
		cli_print_json(doc);
	else
		table_print(t, stdout);
	return wrong ? fail(e, E_CONFLICT, "%zu of the files aren't those that were applied", wrong) : 0;
}

static const struct arg_spec options[] = {
	{"dir", ARG_VALUE, "DIR", "folder of the migrations (" SIEGEL_DATADIR "/migrations)"},
	{NULL, ARG_FLAG, NULL, NULL},
};
static const struct arg_spec migrate_options[] = {
	{"dir", ARG_VALUE, "DIR", "folder of the migrations (" SIEGEL_DATADIR "/migrations)"},
	{"profiles", ARG_VALUE, "DIR", "folder of the templates of profiles (" SIEGEL_DATADIR "/profiles)"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_db[] = {
	{"db", "migrate", "", 0, 0, "bring the store's schema up to date (as siegel_owner)", migrate_options, run_migrate},
	{"db", "status", "", 0, 0, "list migrations and what is applied", options, run_status},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
