#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "cli/verify.h"

#define ANCHOR_LINE 256
#define MAX_TOLD 100 /* problems shown; the count goes on */

struct report {
	struct cli *cli;
	struct verify *verify;
	struct arena *row_arena;
	struct table *chains;
	json_t *json_chains, *json_problems;
	int64_t rows;
};

static void
on_problem(void *ctx, const char *chain, int64_t seq, const char *text)
{
	struct report *r = ctx;

	if (json_array_size(r->json_problems) >= MAX_TOLD)
		return;
	json_array_append_new(r->json_problems,
	                      json_pack("{s:s,s:I,s:s}", "chain", chain, "seq", (json_int_t)seq, "problem", text));
	if (!r->cli->json)
		printf("%s %" PRId64 ": %s\n", text_safe(r->cli->arena, chain), seq, text);
}

static void
on_chain(void *ctx, const char *chain, int64_t rows, int64_t first, int64_t last)
{
	struct report *r = ctx;
	const char *cells[] = {chain, arena_printf(r->cli->arena, "%" PRId64, rows), arena_printf(r->cli->arena, "%" PRId64, first),
	                       arena_printf(r->cli->arena, "%" PRId64, last)};

	r->rows += rows;
	table_row(r->chains, cells);
	json_array_append_new(r->json_chains, json_pack("{s:s,s:I,s:I,s:I}", "chain", chain, "rows", (json_int_t)rows, "first",
	                                                (json_int_t)first, "last", (json_int_t)last));
}

static int64_t
big_endian(const uint8_t *p, size_t len)
{
	uint64_t v = len == 4 && p[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* Fields: chain, the three numbers in one, actor, action, object, detail, hash. */
static int
on_row(void *ctx, const struct bytes *f, int n, struct error *e)
{
	struct report *r = ctx;
	struct audit_row row;
	const char *text[7];

	if (n != 7 || f[1].len != 20 || f[6].len != AUDIT_HASH_BYTES)
		return fail(e, E_INTERNAL, "the store sent an audit row of another form");
	arena_reset(r->row_arena);
	for (int i = 0; i < 6; i++)
		text[i] = arena_strndup(r->row_arena, (const char *)f[i].data, f[i].len);
	row = (struct audit_row){.at_us = big_endian(f[1].data + 8, 8),
	                         .tenant_id = (int32_t)big_endian(f[1].data + 16, 4),
	                         .actor = text[2],
	                         .action = text[3],
	                         .object = text[4],
	                         .detail = text[5]};
	verify_row(r->verify, text[0], big_endian(f[1].data, 8), &row, f[6].data);
	return 0;
}

static int
read_anchors(struct verify *v, const char *path, struct error *e)
{
	char line[ANCHOR_LINE];
	FILE *f = fopen(path, "re");
	int rc = 0, number = 0;

	if (!f)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", path, strerror(errno));
	while (rc == 0 && fgets(line, sizeof(line), f)) {
		struct error why;

		number++;
		rc = verify_anchor(v, line, &why);
		if (rc < 0)
			fail(e, E_MALFORMED, "%s:%d: %s", path, number, why.detail);
	}
	if (rc == 0 && ferror(f))
		rc = fail(e, E_UNAVAILABLE, "can't read %s", path);
	fclose(f);
	return rc;
}

static int
read_rows(struct report *r, const struct config *config, struct error *e)
{
	CLEANUP(db_free) struct db *db = NULL;

	if (db_connect(config, "siegel_setup", &db, e) < 0)
		return -1;
	/* One statement sees one state of the store, whatever is appended meanwhile. COLLATE: in the order of the index. */
	return db_copy_out(db,
	                   "COPY (SELECT chain, int8send(seq) || int8send(at_us) || int4send(tenant_id), actor, action, object, detail, "
	                   "hash FROM siegel.audit ORDER BY chain, seq) TO STDOUT (FORMAT binary)",
	                   on_row, r, e);
}

static int
finish(struct report *r, struct error *e)
{
	int64_t problems = verify_problems(r->verify);

	if (r->cli->json) {
		JSON_CLEANUP json_t *doc = json_pack("{s:b,s:I,s:I,s:O,s:O}", "ok", problems == 0, "rows", (json_int_t)r->rows, "found",
		                                     (json_int_t)problems, "chains", r->json_chains, "problems", r->json_problems);

		cli_print_json(doc);
	} else {
		if (problems > MAX_TOLD)
			printf("… and %" PRId64 " more\n", problems - MAX_TOLD);
		table_print(r->chains, stdout);
	}
	if (problems > 0)
		return fail(e, E_CONFLICT, "the audit log isn't what was written: %" PRId64 " problem%s in %" PRId64 " rows", problems,
		            problems == 1 ? "" : "s", r->rows);
	if (!r->cli->json)
		printf("%" PRId64 " rows, nothing is missing or altered\n", r->rows);
	return 0;
}

static int
run_verify(struct cli *c, struct error *e)
{
	static const char *const headings[] = {"CHAIN", "ROWS", "FIRST", "LAST"};
	JSON_CLEANUP json_t *chains = json_array();
	JSON_CLEANUP json_t *problems = json_array();
	CLEANUP(arena_free) struct arena *row_arena = arena_new((size_t)64 * 1024 * 1024);
	CLEANUP(verify_free) struct verify *v = NULL;
	struct report r = {.cli = c, .row_arena = row_arena, .json_chains = chains, .json_problems = problems};
	const char *path = args_get(&c->args, "anchors");
	const struct config *config;

	if (cli_config(c, &config, e) < 0)
		return -1;
	if (!path)
		path = config_str(config, OPT_sched_anchor_file);
	r.chains = table_new(c->arena, headings, ARRAY_LEN(headings));
	r.verify = v = verify_new(on_problem, on_chain, &r);
	if (path[0] && read_anchors(v, path, e) < 0)
		return -1;
	if (read_rows(&r, config, e) < 0)
		return -1;
	verify_end(v);
	return finish(&r, e);
}

static const struct arg_spec options[] = {
	{"anchors", ARG_VALUE, "FILE", "heads that were kept outside the store ([sched] anchor_file)"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_audit[] = {
	{"audit", "verify", "", 0, 0, "check every row of the audit log against its chain and the anchors", options, run_verify},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
