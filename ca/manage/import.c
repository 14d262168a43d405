/* Imports: files are handed in piece by piece, sealed under a key that lives as long as the import does, and a job takes them apart. */
#include <openssl/rand.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/import/import.h"
#include "ca/manage.h"
#include "lib/seal.h"

#define NAME_MAX_BYTES 200

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name, *profile, *key_store, *base_url;
	struct ownership own;
	int archive;
	if (manage_text(m, "name", MANAGE_REQUIRED, NAME_MAX_BYTES, &name, e) < 0 || manage_text(m, "profile", 0, NAME_MAX_BYTES, &profile, e) < 0 ||
	    manage_text(m, "key_store", 0, HSM_NAME_BYTES, &key_store, e) < 0 || manage_text(m, "base_url", 0, 200, &base_url, e) < 0 ||
	    manage_bool(m, "archive_keys", 0, &archive, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (base_url && (strncmp(base_url, "http://", 7) != 0 || strchr(base_url, '?') || strchr(base_url, '#') ||
	                 base_url[strlen(base_url) - 1] == '/'))
		return fail_at(
		    e, E_BAD_VALUE, "base_url",
		    "base_url has to be an http address without a slash at the end (RFC 5280 8: status isn't asked for over TLS)");
	json_t *options CLEANUP(json_decref) = json_pack("{s:s*, s:s*, s:s*, s:b}", "profile", profile, "key_store", key_store, "base_url", base_url,
							 "archive_keys", archive == 1);
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(name), DB_TEXT(manage_json(m, options)), DB_TEXT(m->actor), DB_TEXT(own.owner),
	    DB_TEXT(own.metadata), DB_TEXT(profile)};
	if (profile &&
	    db_query(
		m->desk->db,
		"SELECT 1 FROM profile WHERE tenant_id = $1::int AND name = $2::text AND definition ->> 'internal' IS DISTINCT FROM 'true'",
		(struct db_param[]){row[0], row[6]}, 2, false, &r, e) < 0)
		return -1;
	if (profile && db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "profile", "profile: there is none of this name, or it is internal");
	db_result_free(TAKE(r));
	if (db_query(m->desk->db,
	             "INSERT INTO import (tenant_id, name, options, requestor, owner, metadata) VALUES ($1::int, $2::text, $3::jsonb, "
	             "$4::text, $5::text, $6::jsonb) RETURNING id",
	             row, 6, false, &r, e) < 0)
		return -1;
	m->ret_id = db_int(r, 0, 0);
	m->object = arena_printf(m->arena, "import/%lld", (long long)m->ret_id);
	m->detail = detail_text(m->arena, "name", name, NULL);
	return 0;
}

/* Locks an import that still takes files, with the key that they are sealed under; it is made with the first file. */
static int
open_import(struct manage *m, struct secret **ret_key, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct buf sealed BUF_CLEANUP = BUF_INIT(SEAL_KEY_BYTES + HSM_SEAL_OVERHEAD);
	uint8_t key[SEAL_KEY_BYTES];
	struct db_param id[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT status, wrapped_key FROM import WHERE id = $1::int8 AND tenant_id = $2::int FOR UPDATE", id, 2,
	             false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such import");
	if (strcmp(db_text(r, 0, 0), "open") != 0)
		return fail(e, E_CONFLICT, "the import was started: make a new one for more files");
	if (!db_is_null(r, 0, 1))
		return hsm_unseal(m->desk->hsm, import_context(m->arena, m->id), db_bytes(r, 0, 1, m->arena), ret_key, e);
	if (RAND_bytes(key, sizeof(key)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	*ret_key = secret_new(key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	if (hsm_seal(m->desk->hsm, "", import_context(m->arena, m->id), (*ret_key)->data, (*ret_key)->len, &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_BYTES(sealed.data, sealed.len)};
	return db_query(m->desk->db, "UPDATE import SET wrapped_key = $2::bytea WHERE id = $1::int8", row, 2, false, NULL, e);
}

/* The file that is being handed in; its first part makes it anew. */
static int
file_of(struct manage *m, const char *name, const char *kind, int64_t offset, int64_t *ret_id, int64_t *ret_part, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *count CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_TEXT(name), DB_INT(m->who->tenant_id), DB_TEXT(kind)};
	if (offset == 0) {
		if (db_query(m->desk->db, "SELECT count(*) FROM import_file WHERE import_id = $1::int8 AND name <> $2::text", row, 2, false,
		             &count, e) < 0)
			return -1;
		if (db_int(count, 0, 0) >= LIMIT_IMPORT_FILES)
			return fail_at(e, E_TOO_LARGE, "name", "the import has %d files already: make another one for more", LIMIT_IMPORT_FILES);
		if (db_query(m->desk->db, "DELETE FROM import_file WHERE import_id = $1::int8 AND name = $2::text", row, 2, false, NULL,
		             e) < 0 ||
		    db_query(m->desk->db,
		             "INSERT INTO import_file (import_id, name, tenant_id, kind) VALUES ($1::int8, $2::text, $3::int, $4::text) "
		             "RETURNING id, 0, 0, false",
		             row, 4, false, &r, e) < 0)
			return -1;
	} else if (db_query(m->desk->db,
	                    "SELECT id, parts, size_bytes, complete FROM import_file WHERE import_id = $1::int8 AND name = $2::text AND "
	                    "tenant_id = $3::int AND kind = $4::text",
	                    row, 4, false, &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0)
		return fail_at(e, E_BAD_VALUE, "name", "the beginning of this file didn't come");
	if (db_int(r, 0, 2) != offset || db_bool(r, 0, 3))
		return fail_at(e, E_CONFLICT, "offset", "the parts of the file don't come one after the other: begin it anew");
	if (offset + (int64_t)m->content.len > LIMIT_IMPORT_FILE_BYTES)
		return fail(e, E_TOO_LARGE, "the file is over %d bytes: split it", LIMIT_IMPORT_FILE_BYTES);
	*ret_id = db_int(r, 0, 0);
	*ret_part = db_int(r, 0, 1);
	return 0;
}

static int
append(struct manage *m, struct error *e)
{
	struct secret *key CLEANUP(secret_free) = NULL;
	struct buf sealed BUF_CLEANUP = BUF_INIT(LIMIT_FRAME_BYTES + SEAL_OVERHEAD_BYTES);
	const char *name, *kind;
	int64_t offset, file, part;
	int last;
	if (manage_text(m, "name", MANAGE_REQUIRED, NAME_MAX_BYTES, &name, e) < 0 || manage_text(m, "kind", 0, 20, &kind, e) < 0 ||
	    manage_int(m, "offset", MANAGE_REQUIRED, 0, LIMIT_IMPORT_FILE_BYTES, 0, &offset, e) < 0 ||
	    manage_bool(m, "last", MANAGE_REQUIRED, &last, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (kind && strcmp(kind, "data") != 0 && strcmp(kind, "passwords") != 0)
		return fail_at(e, E_BAD_VALUE, "kind", "kind has to be data or passwords");
	if (m->content.len == 0)
		return fail(e, E_BAD_VALUE, "a part of a file isn't empty");
	if (open_import(m, &key, e) < 0 || file_of(m, name, kind ? kind : "data", offset, &file, &part, e) < 0 ||
	    seal(key, import_part_context(m->arena, file, part), m->content.data, m->content.len, &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(file), DB_INT(part), DB_BYTES(sealed.data, sealed.len), DB_INT((int64_t)m->content.len),
	    DB_TEXT(last ? "true" : "false")};
	if (db_query(m->desk->db, "INSERT INTO import_part (file_id, n, data) VALUES ($1::int8, $2::int, $3::bytea)", row, 3, false, NULL, e) < 0 ||
	    db_query(m->desk->db,
		     "UPDATE import_file SET parts = $2::int + 1, size_bytes = size_bytes + $3::int8, complete = $4::boolean WHERE id = $1::int8",
		     (struct db_param[]){row[0], row[1], row[3], row[4]}, 4, false, NULL, e) < 0)
		return -1;
	if (last) {
		m->object = arena_printf(m->arena, "import/%lld", (long long)m->id);
		m->detail = detail_text(m->arena, "file", name, NULL);
	}
	return 0;
}

static int
start(struct manage *m, struct error *e)
{
	struct secret *key CLEANUP(secret_free) = NULL;
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(m->id)};
	if (manage_body_end(m, e) < 0 || open_import(m, &key, e) < 0 ||
	    db_query(m->desk->db,
	             "SELECT count(*) FILTER (WHERE kind = 'data'), count(*) FILTER (WHERE NOT complete) FROM import_file WHERE import_id "
	             "= $1::int8",
	             id, 1, false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) == 0)
		return fail(e, E_CONFLICT, "the import has no files yet");
	if (db_int(r, 0, 1) > 0)
		return fail(e, E_CONFLICT, "a file of the import isn't complete");
	json_t *parameters CLEANUP(json_decref) = json_pack("{s:I}", "import", (json_int_t)m->id);
	if (manage_job(m, "import", parameters, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->ret_job)};
	if (db_query(m->desk->db, "UPDATE import SET status = 'started', job_id = $2::int8 WHERE id = $1::int8", row, 2, false, NULL, e) < 0)
		return -1;
	m->object = arena_printf(m->arena, "import/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "job", arena_printf(m->arena, "%lld", (long long)m->ret_job), NULL);
	return 0;
}

static int
update(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name;
	struct ownership own;
	if (manage_text(m, "name", 0, NAME_MAX_BYTES, &name, e) < 0 || manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id),
	                         DB_INT(m->who->tenant_id),
	                         DB_INT(m->version),
	                         DB_TEXT(name),
	                         DB_TEXT(own.has_owner ? "true" : "false"),
	                         DB_TEXT(own.owner),
	                         DB_TEXT(own.has_metadata ? "true" : "false"),
	                         DB_TEXT(own.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE import SET name = coalesce($4::text, name), version = version + 1,"
		     " owner = CASE WHEN $5::boolean THEN $6::text ELSE owner END, metadata = CASE WHEN $7::boolean THEN $8::jsonb ELSE metadata END"
		     " WHERE id = $1::int8 AND tenant_id = $2::int AND ($3::int = 0 OR version = $3::int) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return m->version ? fail(e, E_PRECONDITION, "there is no such import, or it was changed meanwhile")
				  : fail(e, E_NOT_FOUND, "there is no such import");
	m->object = arena_printf(m->arena, "import/%lld", (long long)m->id);
	return 0;
}

static int
delete(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *there CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (manage_body_end(m, e) < 0 ||
	    db_query(m->desk->db,
		     "DELETE FROM import i WHERE id = $1::int8 AND tenant_id = $2::int AND NOT EXISTS (SELECT FROM job j WHERE j.id = i.job_id AND"
		     " j.status IN ('queued', 'running')) RETURNING name",
		     row, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0) {
		if (db_query(m->desk->db, "SELECT job_id FROM import WHERE id = $1::int8 AND tenant_id = $2::int", row, 2, false, &there, e) < 0)
			return -1;
		return db_rows(there) ? fail(e, E_CONFLICT, "job %s works on it: cancel that first", db_text(there, 0, 0))
				      : fail(e, E_NOT_FOUND, "there is no such import");
	}
	m->object = arena_printf(m->arena, "import/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "name", db_text(r, 0, 0), NULL);
	return 0;
}

extern const struct manage_op manage_import[];
const struct manage_op manage_import[] = {
    {"import.create", "import.created", RIGHT_IMPORT, 0, create},
    {"import.update", "import.changed", RIGHT_IMPORT, 0, update},
    {"import.append", "import.extended", RIGHT_IMPORT, MANAGE_KEYS | MANAGE_DIRECT, append},
    {"import.start", "import.started", RIGHT_IMPORT, MANAGE_KEYS, start},
    {"import.delete", "import.deleted", RIGHT_IMPORT, 0, delete},
    {0},
};
