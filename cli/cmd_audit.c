#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/seal.h"
#include "cli/table.h"
#include "cli/verify.h"
#include "lib/x509/pem.h"

#define ANCHOR_LINE 256
#define SIGNATURE_BYTES 128 /* ECDSA with P-256 has 72 */
#define MAX_TOLD 100 /* problems shown; the count goes on */

struct report {
	struct cli *cli;
	struct verify *verify;
	struct arena *row_arena;
	struct table *chains;
	json_t *json_chains, *json_problems;
	int64_t rows;
	int seals;
	EVP_PKEY *key; /* of the seals; NULL: that of the store */
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

/* The heads of a seal that is being read from a file. */
struct block {
	int64_t at_us; /* 0: none */
	struct buf heads;
};

static int
hex(const char *text, uint8_t *ret, size_t max, size_t *ret_len)
{
	size_t n = strlen(text) / 2;

	if (strlen(text) % 2 || n > max || strspn(text, "0123456789abcdef") != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)strtoul((char[]){text[2 * i], text[2 * i + 1], '\0'}, NULL, 16);
	*ret_len = n;
	return 0;
}

/* "# heads <microseconds>" begins what is sealed, "# seal <microseconds> <signature>" ends it. */
static int
mark(struct report *r, const char *line, struct block *b, struct error *e)
{
	char text[2 * SIGNATURE_BYTES + 2];
	uint8_t signature[SIGNATURE_BYTES];
	int64_t at_us;
	size_t len;

	if (sscanf(line, "# heads %20" SCNd64, &at_us) == 1) {
		b->at_us = at_us;
		buf_clear(&b->heads);
		return 0;
	}
	if (sscanf(line, "# seal %20" SCNd64 " %257s", &at_us, text) != 2 || hex(text, signature, sizeof(signature), &len) < 0)
		return fail(e, E_MALFORMED, "a mark is \"# heads <microseconds>\" or \"# seal <microseconds> <signature>\"");
	buf_add_byte(&b->heads, '\0');
	if (at_us != b->at_us || b->heads.overflow ||
	    (r->key && !seal_is_good(r->key, at_us, (const char *)b->heads.data, (struct bytes){signature, len})))
		verify_fault(r->verify, "seal", at_us, "the seal in the file isn't that of the heads before it, or of another key");
	b->at_us = 0;
	return 0;
}

static int
read_line(struct report *r, const char *line, struct block *b, struct error *e)
{
	const char *head;

	if (*line == '#')
		return mark(r, line, b, e);
	if (verify_anchor(r->verify, line, e) < 0)
		return -1;
	head = strchr(line, ' ');
	if (b->at_us && head)
		buf_add_str(&b->heads, head + 1);
	return 0;
}

static int
read_anchors(struct report *r, const char *path, struct error *e)
{
	struct block b = {.heads = BUF_INIT(4 * 1024 * 1024)};
	char line[ANCHOR_LINE];
	FILE *f = fopen(path, "re");
	int rc = 0, number = 0;

	if (!f)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", path, strerror(errno));
	while (rc == 0 && fgets(line, sizeof(line), f)) {
		struct error why;

		number++;
		rc = read_line(r, line, &b, &why);
		if (rc < 0)
			fail(e, E_MALFORMED, "%s:%d: %s", path, number, why.detail);
	}
	if (rc == 0 && ferror(f))
		rc = fail(e, E_UNAVAILABLE, "can't read %s", path);
	fclose(f);
	buf_free(&b.heads);
	return rc;
}

/* The seals of the store: each is good, and what it says of the chains is so. Without a key of one's own the store's has to do, which
 * finds mistakes, and nobody who could write there. */
static int
read_seals(struct report *r, struct db *db, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *res = NULL;

	if (db_query(db,
	             "SELECT s.id, s.at_us, s.heads, s.signature, k.public_key FROM siegel.audit_seal s JOIN siegel.audit_key k ON k.id = "
	             "s.key_id ORDER BY s.id",
	             NULL, 0, false, &res, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(res); i++) {
		int64_t at_us = db_int(res, i, 1);
		const char *heads = db_text(res, i, 2);
		CLEANUP(EVP_PKEY_free) EVP_PKEY *stored = seal_key_der(db_bytes(res, i, 4, r->cli->arena));
		EVP_PKEY *key = r->key ? r->key : stored;

		if (!key || !seal_is_good(key, at_us, heads, db_bytes(res, i, 3, r->cli->arena))) {
			verify_fault(r->verify, "seal", db_int(res, i, 0), "the seal in the store isn't that of its heads, or of another key");
			continue;
		}
		while (*heads) {
			size_t len = strcspn(heads, "\n");
			const char *line = arena_printf(r->cli->arena, "%" PRId64 " %.*s", at_us / 1000000, (int)len, heads);

			if (verify_anchor(r->verify, line, e) < 0)
				return -1;
			heads += len + (heads[len] == '\n');
		}
	}
	r->seals = db_rows(res);
	return 0;
}

static int
read_rows(struct report *r, const struct config *config, struct error *e)
{
	CLEANUP(db_free) struct db *db = NULL;

	if (db_connect(config, "siegel_setup", &db, e) < 0)
		return -1;
	if (read_seals(r, db, e) < 0)
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
		printf("%" PRId64 " rows and %d seals, nothing is missing or altered\n", r->rows, r->seals);
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
	const char *path = args_get(&c->args, "anchors"), *key_path = args_get(&c->args, "key");
	CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
	const struct config *config;

	if (cli_config(c, &config, e) < 0)
		return -1;
	if (!path)
		path = config_str(config, OPT_sched_anchor_file);
	r.chains = table_new(c->arena, headings, ARRAY_LEN(headings));
	r.verify = v = verify_new(on_problem, on_chain, &r);
	if (key_path && seal_key_file(key_path, &key, e) < 0)
		return -1;
	r.key = key;
	if (path[0] && read_anchors(&r, path, e) < 0)
		return -1;
	if (read_rows(&r, config, e) < 0)
		return -1;
	verify_end(v);
	return finish(&r, e);
}

static const struct arg_spec options[] = {
	{"anchors", ARG_VALUE, "FILE", "heads that were kept outside the store ([sched] anchor_file)"},
	{"key", ARG_VALUE, "FILE", "public key of the seals (audit seal --key-out), kept outside the store as well"},
	{NULL, ARG_FLAG, NULL, NULL},
};

/* The newest seal, as the anchor file has it, and its key: to be kept elsewhere. */
static int
run_seal(struct cli *c, struct error *e)
{
	CLEANUP(db_free) struct db *db = NULL;
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const char *out = args_get(&c->args, "key-out"), *heads;
	const struct config *config;
	int64_t at_us;

	if (cli_config(c, &config, e) < 0 || db_connect(config, "siegel_setup", &db, e) < 0 ||
	    db_query(db,
	             "SELECT s.at_us, s.heads, encode(s.signature, 'hex'), k.public_key FROM siegel.audit_seal s JOIN siegel.audit_key k "
	             "ON k.id = s.key_id ORDER BY s.id DESC LIMIT 1",
	             NULL, 0, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no seal yet: siegel-sched has one made when it starts, and every [sched] seal_sec");
	at_us = db_int(r, 0, 0);
	printf("# heads %" PRId64 "\n", at_us);
	for (heads = db_text(r, 0, 1); *heads;) {
		size_t len = strcspn(heads, "\n");

		printf("%" PRId64 " %.*s\n", at_us / 1000000, (int)len, heads);
		heads += len + (heads[len] == '\n');
	}
	printf("# seal %" PRId64 " %s\n", at_us, db_text(r, 0, 2));
	if (out) {
		struct bytes der = db_bytes(r, 0, 3, c->arena);
		const char *pem = pem_encode(c->arena, "PUBLIC KEY", der);
		FILE *f = fopen(out, "we");
		bool done = f && fputs(pem, f) >= 0;

		if ((f && fclose(f) != 0) || !done)
			return fail(e, E_UNAVAILABLE, "can't write %s: %s", out, strerror(errno));
	}
	return 0;
}

static const struct arg_spec seal_options[] = {
	{"key-out", ARG_VALUE, "FILE", "write the public key of the seal there, in PEM"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_audit[] = {
	{"audit", "seal", "", 0, 0, "print the newest seal on the audit log, to be kept elsewhere", seal_options, run_seal},
	{"audit", "verify", "", 0, 0, "check every row of the audit log against its chain and the anchors", options, run_verify},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
