/* The migration runner: numbered files, forward only, each applied once. */
#ifndef SIEGEL_CLI_MIGRATE_H
#define SIEGEL_CLI_MIGRATE_H
#include "lib/arena.h"
#include "lib/db/db.h"

enum migration_state {
	MIGRATION_PENDING,
	MIGRATION_APPLIED,
	MIGRATION_CHANGED, /* applied, and the file is another one now */
	MIGRATION_MISSING, /* applied, and there is no such file */
};

struct migration {
	int version;
	const char *name;           /* file name; of the row when there is no file */
	const char *path;           /* NULL when there is no file */
	struct bytes text;          /* content of the file */
	uint8_t sha256[32];         /* of the file */
	enum migration_state state;
	const char *applied_at;     /* "" when pending */
};

struct migration_list {
	struct migration *all; /* in order of version */
	size_t n;
};

/* Reads the folder: NNNN_name.sql, from 0001 without a gap, other names are left alone. Everything is in the arena. */
int migration_read_dir(struct arena *a, const char *dir, struct migration_list *ret, struct error *e) MUST_CHECK;
/* Sets the state of each by the store's table, and adds what is applied without a file. */
int migration_compare(struct arena *a, struct db *db, struct migration_list *list, struct error *e) MUST_CHECK;
/* Waits for other runs to end, makes the table, compares, and applies what is pending, each file in its own transaction with its
 * row; did() is called after each. Refuses when a file that was applied has changed or is gone. */
int migration_run(struct arena *a, struct db *db, struct migration_list *list, void (*did)(void *ctx, const struct migration *m),
                  void *ctx, struct error *e) MUST_CHECK;

#endif
