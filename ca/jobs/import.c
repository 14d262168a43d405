/* Imports, step by step. */
#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#include "ca/batch.h"
#include "ca/import/import.h"
#include "lib/limits.h"
#include "lib/seal.h"

#define KEPT_BYTES (64UL * 1024 * 1024) /* each file is looked at three times; small imports take them apart once */
#define JOB_ARENA_BYTES (256UL * 1024 * 1024)
#define STEP_US 500000 /* a file that is taken apart may take longer: LIMIT_IMPORT_CPU_SEC */

static int64_t
clock_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool
import_time_is_up(const struct import_job *i)
{
	return clock_us(CLOCK_MONOTONIC) >= i->until_us;
}

const char *
import_context(struct arena *a, int64_t import)
{
	return arena_printf(a, "import:%lld", (long long)import);
}

const char *
import_part_context(struct arena *a, int64_t file, int64_t n)
{
	return arena_printf(a, "import-file:%lld:%lld", (long long)file, (long long)n);
}

const char *
import_where(struct arena *a, const struct import_job *i, size_t file, size_t item)
{
	return arena_printf(a, "file %s, item %zu", i->files[file].name, item + 1);
}

/* What came out of the files, keys among it, leaves the memory. */
static void
forget(struct import_job *i)
{
	for (size_t n = 0; i->splits && n < i->n_files; n++)
		split_free(&i->splits[n]);
	i->split = (struct split){0};
	i->kept_bytes = 0;
}

static void
close_job(struct job_run *j)
{
	struct import_job *i = j->context;
	if (!i)
		return;
	for (size_t k = 0; k < i->n_cas; k++) {
		EVP_PKEY_free(i->cas[k].public_key);
		EVP_PKEY_free(i->cas[k].private_key);
	}
	forget(i);
	free(i->splits);
	secret_free(i->key);
	arena_free(i->arena);
	free(i->cas);
	free(i);
	j->context = NULL;
}

int
import_read(struct job_run *j, struct import_job *i, const struct import_file *f, struct secret **ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(f->id)};
	struct secret *whole CLEANUP(secret_free) = NULL;
	if (db_query(j->desk->db, "SELECT n, data FROM import_part WHERE file_id = $1::int8 ORDER BY n", id, 1, true, &r, e) < 0)
		return -1;
	size_t size = 0, at = 0;
	for (int row = 0; row < db_rows(r); row++)
		size += db_bytes(r, row, 1, NULL).len;
	whole = secret_new(NULL, size);
	for (int row = 0; row < db_rows(r); row++) {
		struct secret *part CLEANUP(secret_free) = NULL;
		if (seal_open(i->key, import_part_context(j->arena, f->id, db_int(r, row, 0)), db_bytes(r, row, 1, NULL), &part, e) < 0)
			return -1;
		memcpy(whole->data + at, part->data, part->len);
		at += part->len;
	}
	whole->len = at;
	*ret = TAKE(whole);
	return 0;
}

static int
load_files(struct job_run *j, struct import_job *i, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(i->id)};
	struct import_file passwords;
	struct secret *text CLEANUP(secret_free) = NULL;
	if (db_query(j->desk->db, "SELECT id, name, kind FROM import_file WHERE import_id = $1::int8 ORDER BY id", id, 1, false, &r, e) < 0)
		return -1;
	i->files = arena_alloc(i->arena, ((size_t)db_rows(r) + 1) * sizeof(*i->files));
	for (int row = 0; row < db_rows(r); row++) {
		struct import_file f = {db_int(r, row, 0), arena_strdup(i->arena, db_text(r, row, 1))};
		if (strcmp(db_text(r, row, 2), "data") == 0) {
			i->files[i->n_files++] = f;
			continue;
		}
		passwords = f;
		if (i->passwords)
			return fail(e, E_BAD_VALUE, "there are two files of passwords: one is wanted");
		if (import_read(j, i, &passwords, &text, e) < 0 ||
		    csv_passwords(i->arena, (struct bytes){text->data, text->len}, &i->passwords, &i->n_passwords, e) < 0)
			return -1;
	}
	i->splits = xcalloc(i->n_files + 1, sizeof(*i->splits));
	return 0;
}

static const char *
option(struct import_job *i, const json_t *options, const char *name)
{
	const char *s = json_string_value(json_object_get(options, name));
	return s ? arena_strdup(i->arena, s) : NULL;
}

static int
open_job(struct job_run *j, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct import_job *i = xcalloc(1, sizeof(*i));
	i->arena = arena_new(JOB_ARENA_BYTES);
	i->id = json_integer_value(json_object_get(j->parameters, "import"));
	j->context = i;
	struct db_param id[] = {DB_INT(i->id), DB_INT(j->tenant_id)};
	if (db_query(j->desk->db, "SELECT options, wrapped_key, owner, metadata FROM import WHERE id = $1::int8 AND tenant_id = $2::int",
	             id, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0 || db_is_null(r, 0, 1))
		return fail(e, E_NOT_FOUND, "the import isn't there any more, or its files aren't");
	if (hsm_unseal(j->desk->hsm, import_context(i->arena, i->id), db_bytes(r, 0, 1, i->arena), &i->key, e) < 0)
		return -1;
	json_t *options = json_loads(db_text(r, 0, 0), 0, NULL);
	i->profile = option(i, options, "profile");
	i->key_store = option(i, options, "key_store");
	i->base_url = option(i, options, "base_url");
	i->archive_keys = json_is_true(json_object_get(options, "archive_keys"));
	json_decref(options);
	i->owner = db_is_null(r, 0, 2) ? NULL : arena_strdup(i->arena, db_text(r, 0, 2));
	i->metadata = db_is_null(r, 0, 3) ? NULL : arena_strdup(i->arena, db_text(r, 0, 3));
	return load_files(j, i, e);
}

/* The passwords for a file: those with its name, then those for any. */
static size_t
passwords_for(const struct import_job *i, const char *name, const char *ret[LIMIT_IMPORT_PASSWORDS])
{
	size_t n = 0;
	const char *base = strrchr(name, '/');
	base = base ? base + 1 : name;
	for (int any = 0; any < 2; any++)
		for (size_t k = 0; k < i->n_passwords && n < LIMIT_IMPORT_PASSWORDS; k++) {
			const char *wanted = i->passwords[k].name;
			if (any ? strcmp(wanted, "*") == 0 : strcmp(wanted, name) == 0 || strcmp(wanted, base) == 0)
				ret[n++] = i->passwords[k].password;
		}
	return n;
}

int
import_split(struct job_run *j, struct import_job *i, size_t n, struct error *e)
{
	struct secret *file CLEANUP(secret_free) = NULL;
	const char *passwords[LIMIT_IMPORT_PASSWORDS];
	if (i->splits[n].memory) {
		i->split = i->splits[n];
		return 0;
	}
	if (i->kept_bytes > KEPT_BYTES)
		forget(i);
	size_t n_passwords = passwords_for(i, i->files[n].name, passwords);
	if (import_read(j, i, &i->files[n], &file, e) < 0 ||
	    split_file((struct bytes){file->data, file->len}, passwords, n_passwords, &i->splits[n], e) < 0)
		return -1;
	i->split = i->splits[n];
	i->kept_bytes += i->split.size;
	i->cpu_us += i->split.cpu_us;
	return 0;
}

static size_t
number(const json_t *state, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(state, name));
	return v > 0 ? (size_t)v : 0;
}

static void
set_place(struct job_run *j, size_t pass, size_t file, size_t item)
{
	json_object_set_new(j->state, "pass", json_integer((json_int_t)pass));
	json_object_set_new(j->state, "file", json_integer((json_int_t)file));
	json_object_set_new(j->state, "item", json_integer((json_int_t)item));
}

/* CAs of the files go to memory. */
static int
note_cas(struct job_run *j, struct import_job *i, bool *ret_done, struct error *e)
{
	while (i->at_file < i->n_files) {
		if (import_split(j, i, i->at_file, e) < 0)
			return -1;
		for (; i->at_item < i->split.n && !import_time_is_up(i); i->at_item++)
			if (import_note(i, i->at_file, i->at_item, &i->split.items[i->at_item], e) < 0)
				return -1;
		if (i->at_item < i->split.n)
			return 0;
		i->total += (int64_t)i->split.n;
		i->at_file++;
		i->at_item = 0;
		if (import_time_is_up(i))
			return 0;
	}
	*ret_done = true;
	return 0;
}

/* A step of it. What is in memory is found anew when the process is gone, what was stored isn't stored again. */
static int
first_pass(struct job_run *j, struct import_job *i, struct error *e)
{
	bool done = false;
	int rc = 0;
	int64_t before = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	switch (i->stage) {
	case IMPORT_CAS:
		rc = note_cas(j, i, &done, e);
		break;
	case IMPORT_KEYS:
		rc = import_keys(j, i, &done, e);
		break;
	case IMPORT_LINKS:
		import_link(i, &done);
		break;
	case IMPORT_PLACES:
		rc = import_place(j, i, &done, e);
		break;
	}
	i->cpu_us += clock_us(CLOCK_PROCESS_CPUTIME_ID) - before;
	if (rc < 0 || !done)
		return rc;
	j->total = i->total;
	if (i->stage == IMPORT_PLACES)
		set_place(j, 2, 0, 0);
	else
		i->stage++;
	i->at_file = i->at_item = 0;
	return 0;
}

/* Certificates, and what can't be read. */
static int
second_pass(struct job_run *j, struct import_job *i, struct error *e)
{
	size_t file = number(j->state, "file"), item = number(j->state, "item");
	if (file >= i->n_files) {
		set_place(j, 3, 0, 0);
		return 0;
	}
	if (import_split(j, i, file, e) < 0 || import_certificates(j, i, file, &item, e) < 0)
		return -1;
	if (item >= i->split.n)
		set_place(j, 2, file + 1, 0);
	else
		set_place(j, 2, file, item);
	return 0;
}

/* Revocations, one a step where there is one, and keys. */
static int
third_pass(struct job_run *j, struct import_job *i, struct error *e)
{
	size_t file = number(j->state, "file"), item = number(j->state, "item");
	if (file >= i->n_files) {
		set_place(j, 4, 0, 0);
		return 0;
	}
	if (import_split(j, i, file, e) < 0)
		return -1;
	for (; item < i->split.n; item++) {
		enum split_kind kind = i->split.items[item].kind;
		if (kind == SPLIT_CRL) {
			set_place(j, 3, file, item + 1);
			return import_crl(j, i, file, item, e);
		}
		if (kind == SPLIT_KEY && import_leaf_key(j, i, file, item, e) < 0)
			return -1;
		if (kind == SPLIT_KEY && import_time_is_up(i)) {
			set_place(j, 3, file, item + 1);
			return 0;
		}
	}
	set_place(j, 3, file + 1, 0);
	return 0;
}

/* The files have done their service: what they were sealed with goes first. */
static int
finish(struct job_run *j, struct import_job *i, struct error *e)
{
	struct db_param id[] = {DB_INT(i->id)};
	if (import_activate(j, i, e) < 0 ||
	    db_query(j->desk->db, "UPDATE import SET status = 'done', wrapped_key = NULL WHERE id = $1::int8", id, 1, false, NULL, e) < 0)
		return -1;
	return db_query(j->desk->db, "DELETE FROM import_part p USING import_file f WHERE f.id = p.file_id AND f.import_id = $1::int8", id,
	                1, false, NULL, e);
}

static int
one_step(struct job_run *j, struct import_job *i, bool *ret_more, struct error *e)
{
	*ret_more = true;
	switch (number(j->state, "pass")) {
	case 0:
	case 1:
		return first_pass(j, i, e);
	case 2:
		return second_pass(j, i, e);
	case 3:
		return third_pass(j, i, e);
	default:
		*ret_more = false;
		return finish(j, i, e);
	}
}

/* What grows faster than the files do is bounded for the whole import: taking them apart, and finding out who signed whom. */
static int
charge(struct job_run *j, struct import_job *i, struct error *e)
{
	int64_t ms = (int64_t)number(j->state, "cpu_ms") + i->cpu_us / 1000;
	i->cpu_us %= 1000;
	json_object_set_new(j->state, "cpu_ms", json_integer(ms));
	if (ms > LIMIT_IMPORT_TOTAL_CPU_SEC * 1000L)
		return fail(e, E_TOO_LARGE, "to take its files apart took over %d seconds of processor time: split the import",
			    LIMIT_IMPORT_TOTAL_CPU_SEC);
	return 0;
}

static int
step(struct job_run *j, bool *ret_more, struct error *e)
{
	if (!j->context && open_job(j, e) < 0) {
		close_job(j);
		return -1;
	}
	struct import_job *i = j->context;
	i->until_us = clock_us(CLOCK_MONOTONIC) + STEP_US;
	return one_step(j, i, ret_more, e) < 0 ? -1 : charge(j, i, e);
}

extern const struct job_kind job_import;
const struct job_kind job_import = {.name = "import", .keys = true, .step = step, .close = close_job};
