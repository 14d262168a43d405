#include "cli/template.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file.h"

#define TEMPLATE_MAX_BYTES 65536

DEFINE_CLEANUP(json_t, json_decref)
DEFINE_CLEANUP(DIR, closedir)

static const char *const texts[] = {"kind", "title", "title_de", "description", "description_de"};

static int
store_one(struct arena *a, struct db *db, const char *dir, const char *file, struct error *e)
{
	const char *path = arena_printf(a, "%s/%s", dir, file), *text;
	const char *name = arena_strndup(a, file, strlen(file) - strlen(".json"));
	struct db_param row[2 + ARRAY_LEN(texts)] = {DB_TEXT(name)};
	json_error_t where;
	if (file_read(a, path, TEMPLATE_MAX_BYTES, &text, e) < 0)
		return -1;
	json_t *j CLEANUP(json_decref) = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	if (!j)
		return fail(e, E_BAD_VALUE, "%s: %s", path, where.text);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *value = json_string_value(json_object_get(j, texts[i]));
		if (!value)
			return fail(e, E_BAD_VALUE, "%s: %s is missing", path, texts[i]);
		row[1 + i] = DB_TEXT(arena_strdup(a, value));
	}
	char *definition = json_dumps(json_object_get(j, "definition"), JSON_COMPACT);
	if (!definition)
		return fail(e, E_BAD_VALUE, "%s: definition is missing", path);
	row[1 + ARRAY_LEN(texts)] = DB_TEXT(arena_strdup(a, definition));
	free(definition);
	return db_query(db,
			"INSERT INTO siegel.profile_template (name, kind, title, title_de, description, description_de, definition)"
			" VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::jsonb)",
			row, ARRAY_LEN(row), false, NULL, e);
}

static int
store_all(struct arena *a, struct db *db, const char *dir, struct error *e)
{
	DIR *d CLEANUP(closedir) = opendir(dir);
	if (!d)
		return fail(e, E_NOT_FOUND, "%s: the folder of the templates can't be read", dir);
	for (const struct dirent *f; (f = readdir(d));) {
		size_t len = strlen(f->d_name);
		if (len > strlen(".json") && strcmp(f->d_name + len - strlen(".json"), ".json") == 0 && store_one(a, db, dir, f->d_name, e) < 0)
			return -1;
	}
	return 0;
}

int
templates_store(struct arena *a, struct db *db, const char *dir, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query(db, "SELECT to_regclass('siegel.profile_template') IS NOT NULL", NULL, 0, false, &r, e) < 0)
		return -1;
	if (!db_bool(r, 0, 0))
		return 0;
	if (db_query(db, "BEGIN", NULL, 0, false, NULL, e) < 0 ||
	    db_query(db, "DELETE FROM siegel.profile_template", NULL, 0, false, NULL, e) < 0 || store_all(a, db, dir, e) < 0)
		return -1; /* the connection ends, and with it the transaction */
	return db_query(db, "COMMIT", NULL, 0, false, NULL, e);
}
