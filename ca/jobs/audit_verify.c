/* Holds the audit log against its chains and its seals, as siegelctl audit verify does on the machine. A range begins at the newest seal before it,
 * whose heads stand for all that was before, and ends at the oldest seal behind it: seals, each a step's share, then row after row of each chain.
 * The house is told of all rows; another tenant how many of its own there are, and what is wrong with any chain. */
#include <string.h>

#include "ca/audit_seal.h"
#include "ca/batch.h"
#include "ca/jobs.h"
#include "lib/db/audit.h"

#define ROWS 4000      /* of a step */
#define SEALS 50
#define ITEMS_MAX 100  /* problems that are told one by one; the count goes on */

static void
hex_of(const uint8_t *hash, char ret[2 * AUDIT_HASH_BYTES + 1])
{
	for (size_t i = 0; i < AUDIT_HASH_BYTES; i++)
		snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

static int
problem(struct job_run *j, const char *chain, int64_t seq, const char *text, struct error *e)
{
	if (j->failed < ITEMS_MAX)
		return job_item(j, "failed", arena_printf(j->arena, "%s-%lld", chain, (long long)seq), text, e);
	j->failed++;
	return 0;
}

/* --- what is to be looked at --- */

/* The seal at which the range begins (newest true) or ends, with its id, 0 for none. */
static int
bound(struct job_run *j, int64_t at_us, bool newest, int64_t *ret_id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(at_us)};
	*ret_id = 0;
	if (at_us == 0)
		return 0;
	if (db_query(j->desk->db,
		     newest ? "SELECT id FROM audit_seal WHERE at_us <= $1::int8 ORDER BY at_us DESC LIMIT 1"
			    : "SELECT id FROM audit_seal WHERE at_us >= $1::int8 ORDER BY at_us LIMIT 1",
		     row, 1, false, &r, e) < 0)
		return -1;
	*ret_id = db_rows(r) ? db_int(r, 0, 0) : 0;
	return 0;
}

/* The chains, each from the row that the first seal names, or the first of all, to the one that the last names, or the last of all. */
static const char chains_sql[] =
    "WITH RECURSIVE c AS (SELECT min(chain) AS chain FROM audit"
    " UNION ALL SELECT (SELECT min(a.chain) FROM audit a WHERE a.chain > c.chain) FROM c WHERE c.chain IS NOT NULL),"
    " line AS (SELECT s.id, split_part(l, ' ', 1) AS chain, split_part(l, ' ', 2)::int8 AS seq, split_part(l, ' ', 3) AS hash"
    " FROM audit_seal s, regexp_split_to_table(rtrim(s.heads, E'\\n'), E'\\n') l WHERE s.id IN ($1::int8, $2::int8) AND s.heads <> '')"
    " SELECT c.chain, coalesce(f.seq, 0), coalesce(f.hash, repeat('0', 64)), h.seq"
    " FROM c LEFT JOIN line f ON f.id = $1::int8 AND f.chain = c.chain LEFT JOIN line t ON t.id = $2::int8 AND t.chain = c.chain"
    " CROSS JOIN LATERAL (SELECT CASE WHEN $2::int8 <> 0 THEN coalesce(t.seq, 0)"
    " ELSE (SELECT a.seq FROM audit a WHERE a.chain = c.chain ORDER BY a.seq DESC LIMIT 1) END AS seq) h"
    " WHERE c.chain IS NOT NULL AND h.seq > coalesce(f.seq, 0) ORDER BY c.chain";

static int
begin(struct job_run *j, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *house CLEANUP(db_result_free) = NULL;
	struct db_param tenant[] = {DB_INT(j->tenant_id)};
	int64_t first, last, rows = 0;
	if (bound(j, json_integer_value(json_object_get(j->parameters, "since_us")), true, &first, e) < 0 ||
	    bound(j, json_integer_value(json_object_get(j->parameters, "until_us")), false, &last, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(first), DB_INT(last)};
	if (db_query(j->desk->db, chains_sql, row, ARRAY_LEN(row), false, &r, e) < 0 ||
	    db_query(j->desk->db, "SELECT is_house FROM tenant WHERE id = $1::int", tenant, 1, false, &house, e) < 0)
		return -1;
	json_t *chains = json_array();
	for (int i = 0; i < db_rows(r); i++) {
		json_array_append_new(chains, json_pack("{s:s,s:I,s:s,s:I}", "chain", db_text(r, i, 0), "seq", (json_int_t)db_int(r, i, 1), "hash",
							db_text(r, i, 2), "to", (json_int_t)db_int(r, i, 3)));
		rows += db_int(r, i, 3) - db_int(r, i, 1);
	}
	bool all = db_rows(house) && db_bool(house, 0, 0);
	json_object_set_new(j->state, "chains", chains);
	json_object_set_new(j->state, "all", json_boolean(all));
	json_object_set_new(j->state, "seal", json_integer(first ? first - 1 : 0));
	json_object_set_new(j->state, "last_seal", json_integer(last ? last : INT64_MAX));
	json_object_set_new(j->result, "seals", json_integer(0));
	if (all) {
		j->total = rows;
		json_object_set_new(j->result, "chains", json_integer((json_int_t)json_array_size(chains)));
	}
	return 0;
}

/* --- seals --- */

/* What the seal says of rows that aren't there, or have another hash. */
static int
compare_heads(struct job_run *j, int64_t id, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(id)};
	if (db_query(j->desk->db,
		     "SELECT l.chain, l.seq, a.hash IS NULL FROM (SELECT split_part(l, ' ', 1) AS chain, split_part(l, ' ', 2)::int8 AS seq,"
		     " decode(split_part(l, ' ', 3), 'hex') AS hash FROM audit_seal s, regexp_split_to_table(rtrim(s.heads, E'\\n'), E'\\n') l"
		     " WHERE s.id = $1::int8 AND s.heads <> '') l LEFT JOIN audit a ON a.chain = l.chain AND a.seq = l.seq"
		     " WHERE a.hash IS DISTINCT FROM l.hash",
		     row, 1, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++)
		if (problem(j, db_text(r, i, 0), db_int(r, i, 1),
			    db_bool(r, i, 2) ? arena_printf(j->arena, "the row is missing that seal %lld names", (long long)id)
					     : arena_printf(j->arena, "its hash isn't the one that seal %lld names", (long long)id),
			    e) < 0)
			return -1;
	return 0;
}

static int
check_seals(struct job_run *j, bool *ret_more, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(json_integer_value(json_object_get(j->state, "seal"))),
				 DB_INT(json_integer_value(json_object_get(j->state, "last_seal"))), DB_INT(SEALS)};
	if (db_query(j->desk->db,
		     "SELECT s.id, s.at_us, s.heads, s.signature, k.key_type, k.public_key FROM audit_seal s JOIN audit_key k ON k.id = s.key_id"
		     " WHERE s.id > $1::int8 AND s.id <= $2::int8 ORDER BY s.id LIMIT $3::int",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	int n = db_rows(r);
	for (int i = 0; i < n; i++) {
		int64_t id = db_int(r, i, 0);
		struct bytes signature = db_bytes(r, i, 3, j->arena), key = db_bytes(r, i, 5, j->arena);
		if (!audit_seal_is_good(db_text(r, i, 4), key, db_int(r, i, 1), db_text(r, i, 2), signature, j->arena) &&
		    problem(j, "seal", id, "its signature isn't that of its heads", e) < 0)
			return -1;
		if (compare_heads(j, id, e) < 0)
			return -1;
		json_object_set_new(j->state, "seal", json_integer(id));
	}
	json_object_set_new(j->result, "seals", json_integer(json_integer_value(json_object_get(j->result, "seals")) + n));
	*ret_more = n == SEALS;
	return 0;
}

/* --- rows --- */

/* The next rows of a chain, whose "seq" and "hash" go on with them. *ret_n: how many there were. */
static int
check_rows(struct job_run *j, json_t *c, int *ret_n, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *chain = json_string_value(json_object_get(c, "chain"));
	int64_t last = json_integer_value(json_object_get(c, "seq")), to = json_integer_value(json_object_get(c, "to"));
	bool all = json_is_true(json_object_get(j->state, "all"));
	uint8_t head[AUDIT_HASH_BYTES], wanted[AUDIT_HASH_BYTES];
	char hex[2 * AUDIT_HASH_BYTES + 1];
	struct db_param row[] = {DB_TEXT(chain), DB_INT(last), DB_INT(to), DB_INT(ROWS)};
	if (db_query(j->desk->db,
		     "SELECT seq, at_us, tenant_id, actor, action, object, detail, hash FROM audit"
		     " WHERE chain = $1::text AND seq > $2::int8 AND seq <= $3::int8 ORDER BY seq LIMIT $4::int",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	for (size_t i = 0; i < AUDIT_HASH_BYTES; i++)
		if (sscanf(json_string_value(json_object_get(c, "hash")) + 2 * i, "%2hhx", &head[i]) != 1)
			return fail(e, E_INTERNAL, "the hash of a chain can't be read");
	for (int i = 0; i < db_rows(r); i++) {
		int64_t seq = db_int(r, i, 0);
		struct audit_row it = {.at_us = db_int(r, i, 1), .tenant_id = (int32_t)db_int(r, i, 2), .actor = db_text(r, i, 3),
				       .action = db_text(r, i, 4), .object = db_text(r, i, 5), .detail = db_text(r, i, 6)};
		struct bytes hash = db_bytes(r, i, 7, j->arena);
		audit_hash(head, chain, seq, &it, wanted);
		/* What stood before a gap isn't known, so the row behind it can't be checked; those after it can. */
		if (seq > last + 1 ? problem(j, chain, last + 1, arena_printf(j->arena, "missing up to row %lld", (long long)(seq - 1)), e) < 0
				   : memcmp(wanted, hash.data, AUDIT_HASH_BYTES) != 0 &&
					 problem(j, chain, seq, "the row or its hash was altered", e) < 0)
			return -1;
		memcpy(head, hash.data, AUDIT_HASH_BYTES);
		last = seq;
		j->done += all || it.tenant_id == j->tenant_id;
	}
	*ret_n = db_rows(r);
	if (*ret_n < ROWS && last < to && problem(j, chain, last + 1, arena_printf(j->arena, "missing up to row %lld", (long long)to), e) < 0)
		return -1;
	hex_of(head, hex);
	json_object_set_new(c, "seq", json_integer(last));
	json_object_set_new(c, "hash", json_string(hex));
	return 0;
}

static int
finish(struct job_run *j, struct error *e)
{
	json_object_set_new(j->result, "intact", json_boolean(j->failed == 0));
	json_object_set_new(j->result, "rows", json_integer(j->done));
	json_object_set_new(j->result, "problems", json_integer(j->failed));
	return job_audit(j, "audit.verified", arena_printf(j->arena, "job/%lld", (long long)j->id),
			 detail_text(j->arena, "problems", arena_printf(j->arena, "%lld", (long long)j->failed), "rows",
				     arena_printf(j->arena, "%lld", (long long)j->done), NULL),
			 e);
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	json_t *chains;
	bool more = false;
	int n = 0;
	if (!json_object_get(j->state, "chains") && begin(j, e) < 0)
		return -1;
	*ret_more = true;
	if (!json_is_true(json_object_get(j->state, "sealed"))) {
		if (check_seals(j, &more, e) < 0)
			return -1;
		json_object_set_new(j->state, "sealed", json_boolean(!more));
		return 0;
	}
	chains = json_object_get(j->state, "chains");
	while (json_array_size(chains) && n < ROWS) {
		int got;
		if (check_rows(j, json_array_get(chains, 0), &got, e) < 0)
			return -1;
		if (got < ROWS)
			json_array_remove(chains, 0);
		n += got;
	}
	*ret_more = json_array_size(chains) > 0;
	return *ret_more ? 0 : finish(j, e);
}

extern const struct job_kind job_audit_verify;
const struct job_kind job_audit_verify = {.name = "audit_verify", .step = step};
