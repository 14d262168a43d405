#include "cli/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define FILE_BYTES ((size_t)4 * 1024 * 1024) /* our largest is under 64 KiB */
#define MAX_MIGRATIONS 1000
#define LOCK_SQL "SELECT pg_advisory_lock(hashtextextended('siegel migrations', 0))"

/* "0001_house.sql" → 1; 0 for any other name. */
static int
version_of(const char *name)
{
	size_t len = strlen(name);
	int version = 0;

	if (len < 10 || strcmp(name + len - 4, ".sql") != 0 || name[4] != '_')
		return 0;
	for (int i = 0; i < 4; i++) {
		if (!isdigit((unsigned char)name[i]))
			return 0;
		version = version * 10 + name[i] - '0';
	}
	return version;
}

static int
by_version(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return (x->version > y->version) - (x->version < y->version);
}

static int
read_file(struct arena *a, struct migration *m, struct error *e)
{
	BUF_CLEANUP struct buf b = BUF_INIT(FILE_BYTES);
	char block[8192];
	FILE *f = fopen(m->path, "re");
	bool bad;
	size_t n;

	if (!f)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", m->path, strerror(errno));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&b, block, n);
	bad = ferror(f) != 0;
	fclose(f);
	if (bad)
		return fail(e, E_UNAVAILABLE, "can't read %s", m->path);
	if (buf_check(&b, e) < 0 || b.len == 0 || memchr(b.data, 0, b.len))
		return fail(e, E_BAD_VALUE, "%s is empty, holds a NUL or is larger than %zu bytes", m->path, FILE_BYTES);
	if (EVP_Digest(b.data, b.len, m->sha256, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	m->text = (struct bytes){(uint8_t *)arena_strndup(a, (char *)b.data, b.len), b.len};
	return 0;
}

static int
check_numbers(const struct migration_list *list, const char *dir, struct error *e)
{
	if (list->n == 0)
		return fail(e, E_NOT_FOUND, "there is no NNNN_name.sql in %s", dir);
	for (size_t i = 0; i < list->n; i++) {
		const struct migration *m = &list->all[i];

		if (i > 0 && m->version == m[-1].version)
			return fail(e, E_CONFLICT, "%s and %s have the same number", m[-1].name, m->name);
		if (m->version != (int)i + 1)
			return fail(e, E_CONFLICT, "there is no migration %04zu before %s in %s", i + 1, m->name, dir);
	}
	return 0;
}

int
migration_read_dir(struct arena *a, const char *dir, struct migration_list *ret, struct error *e)
{
	struct migration_list list = {.all = arena_alloc(a, MAX_MIGRATIONS * sizeof(*list.all))};
	const struct dirent *entry;
	DIR *d = opendir(dir);

	if (!d)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", dir, strerror(errno));
	while ((entry = readdir(d)) && list.n < MAX_MIGRATIONS) {
		int version = version_of(entry->d_name);

		if (version == 0)
			continue;
		list.all[list.n++] = (struct migration){.version = version,
		                                        .name = arena_strdup(a, entry->d_name),
		                                        .path = arena_printf(a, "%s/%s", dir, entry->d_name),
		                                        .applied_at = ""};
	}
	closedir(d);
	qsort(list.all, list.n, sizeof(*list.all), by_version);
	if (check_numbers(&list, dir, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		if (read_file(a, &list.all[i], e) < 0)
			return -1;
	}
	*ret = list;
	return 0;
}

static int
make_table(struct db *db, struct error *e)
{
	/* The schema of the product comes with the first migration, so the list of migrations has one of its own. */
	return db_exec(db,
	               "CREATE SCHEMA IF NOT EXISTS siegel_migration; "
	               "CREATE TABLE IF NOT EXISTS siegel_migration.schema_migration ("
	               "version int PRIMARY KEY, name text NOT NULL, sha256 bytea NOT NULL CHECK (length(sha256) = 32), "
	               "applied_at timestamptz NOT NULL DEFAULT now())",
	               e);
}

static int
table_exists(struct db *db, bool *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;

	if (db_query(db, "SELECT to_regclass('siegel_migration.schema_migration') IS NOT NULL", NULL, 0, false, &r, e) < 0)
		return -1;
	*ret = db_bool(r, 0, 0);
	return 0;
}

static void
mark(struct arena *a, struct migration_list *list, const struct db_result *r, int row)
{
	int version = (int)db_int(r, row, 0);
	struct bytes sha256 = db_bytes(r, row, 2, a);
	struct migration *m = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (list->all[i].version == version)
			m = &list->all[i];
	}
	if (!m && list->n < MAX_MIGRATIONS) {
		m = &list->all[list->n++];
		*m = (struct migration){.version = version, .name = arena_strdup(a, db_text(r, row, 1)), .state = MIGRATION_MISSING};
	} else if (m) {
		bool same = sha256.len == sizeof(m->sha256) && memcmp(sha256.data, m->sha256, sizeof(m->sha256)) == 0 &&
		            strcmp(m->name, db_text(r, row, 1)) == 0;
		m->state = same ? MIGRATION_APPLIED : MIGRATION_CHANGED;
	}
	if (m)
		m->applied_at = arena_strdup(a, db_text(r, row, 3));
}

int
migration_compare(struct arena *a, struct db *db, struct migration_list *list, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	bool exists = false;

	if (table_exists(db, &exists, e) < 0)
		return -1;
	if (!exists)
		return 0;
	if (db_query(db,
	             "SELECT version, name, sha256, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
	             "FROM siegel_migration.schema_migration ORDER BY version",
	             NULL, 0, false, &r, e) < 0)
		return -1;
	for (int row = 0; row < db_rows(r); row++)
		mark(a, list, r, row);
	qsort(list->all, list->n, sizeof(*list->all), by_version);
	return 0;
}

/* What was applied must be a beginning of what is there, unchanged. */
static int
check_states(const struct migration_list *list, struct error *e)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct migration *m = &list->all[i];

		if (m->state == MIGRATION_CHANGED)
			return fail(e, E_CONFLICT,
			            "%s was changed after it was applied; a change is a new file (a trial instance: ./quickstart reset)", m->name);
		if (m->state == MIGRATION_MISSING)
			return fail(e, E_CONFLICT, "%s is applied but isn't in the folder: is this an older version of siegel?", m->name);
		if (i > 0 && m->state == MIGRATION_APPLIED && m[-1].state == MIGRATION_PENDING)
			return fail(e, E_CONFLICT, "%s isn't applied, but %s after it is", m[-1].name, m->name);
	}
	return 0;
}

/* The server's words about a migration are for the operator who runs it; nothing in a migration is secret. */
static int
fail_apply(struct db *db, const struct migration *m, struct error *e)
{
	char message[200];

	snprintf(message, sizeof(message), "%s", db_last_message(db));
	message[strcspn(message, "\n")] = '\0';
	if (db_alive(db)) {
		struct error ignored;

		/* The first error is the one to tell. */
		if (db_exec(db, "ROLLBACK", &ignored) < 0)
			return fail(e, E_STORE, "%s: %s; the connection is lost", m->name, message);
	}
	return fail(e, E_CONFLICT, "%s isn't applied: %s", m->name, message[0] ? message : e->detail);
}

static int
apply(struct db *db, const struct migration *m, struct error *e)
{
	const struct db_param params[] = {DB_INT(m->version), DB_TEXT(m->name), DB_BYTES(m->sha256, sizeof(m->sha256))};

	if (db_exec(db, "BEGIN", e) < 0)
		return -1;
	if (db_exec(db, (const char *)m->text.data, e) < 0)
		return fail_apply(db, m, e);
	if (db_query(db,
	             "INSERT INTO siegel_migration.schema_migration (version, name, sha256) VALUES ($1::int4, $2::text, $3::bytea)",
	             params, ARRAY_LEN(params), false, NULL, e) < 0)
		return fail_apply(db, m, e);
	return db_exec(db, "COMMIT", e);
}

int
migration_run(struct arena *a, struct db *db, struct migration_list *list, void (*did)(void *ctx, const struct migration *m), void *ctx,
              struct error *e)
{
	/* Another run is waited for as long as it takes. The lock goes with the connection. */
	if (db_exec(db, "SET lock_timeout = 0", e) < 0 || db_exec(db, LOCK_SQL, e) < 0)
		return -1;
	if (make_table(db, e) < 0 || migration_compare(a, db, list, e) < 0 || check_states(list, e) < 0)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		if (list->all[i].state != MIGRATION_PENDING)
			continue;
		if (apply(db, &list->all[i], e) < 0)
			return -1;
		did(ctx, &list->all[i]);
	}
	return 0;
}
