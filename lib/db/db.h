/* PostgreSQL. Only lib/db includes libpq. Statements are string literals: each is prepared once on a connection, known by its
 * address. Values go as parameters, never into the text. */
#ifndef SIEGEL_LIB_DB_DB_H
#define SIEGEL_LIB_DB_DB_H
#include <stdbool.h>
#include <stdint.h>
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/config.h"

struct db;
struct db_result;

/* One parameter. Text goes as text (PostgreSQL infers the type from the statement: cast in the SQL, `$1::int8`);
 * binary is for bytea and for arrays made with lib/db/array.h. */
struct db_param {
	const void *data; /* NULL: SQL null */
	int len; /* bytes; ignored for text */
	bool binary;
};
#define DB_TEXT(s) ((struct db_param){.data = (s)})
#define DB_NULL ((struct db_param){.data = NULL})
#define DB_BYTES(p, n) ((struct db_param){.data = (p), .len = (int)(n), .binary = true})
/* A number as text in a buffer of the enclosing block. */
#define DB_INT(v) ((struct db_param){.data = db_int_text((char[24]){0}, (v))})
char *db_int_text(char *buf24, int64_t v);

/* Connects over the Unix socket of [database] as role (peer authentication) and checks that `synchronous_commit`
 * and `fsync` are on (E_STORE otherwise). As siegel_ca the session gets the key that seals the status of certificates (lib/status_mac.h). The
 * caller frees *ret. A warning (SQLSTATE class 01) that comes with a COMMIT, or with a statement that commits by itself, makes the outcome unknown
 * (E_STORE). */
int db_connect(const struct config *c, const char *role, struct db **ret, struct error *e) MUST_CHECK;
void db_free(struct db *db);
DEFINE_CLEANUP(struct db, db_free)
/* False once the connection is lost. */
bool db_alive(const struct db *db);
/* True when nothing is under way, no transaction is open and the server hasn't closed the connection meanwhile. For
 * connections that listen to no channel. */
bool db_fresh(struct db *db);
/* True in a transaction in which a statement failed: all others are refused until it is rolled back, to a savepoint at least. */
bool db_in_failed(const struct db *db);
/* Connects again in place; prepared statements are made anew as they are used. */
int db_reconnect(struct db *db, struct error *e) MUST_CHECK;

/* Runs one statement and waits. sql is a string literal. ret may be NULL. binary: results come in binary form (bytea without
 * hexadecimal, numbers big-endian). Errors: E_STORE when the store is unreachable, can't do it at the moment (disk full, lock,
 * timeout, serialization) or the outcome is unknown; E_CONFLICT for a unique or exclusion violation and for our own states SG…;
 * E_INTERNAL else; db_sqlstate() tells which. After 15 s the connection is dropped and the outcome is unknown (not for
 * siegel_owner and siegel_setup). The caller frees *ret. */
int db_query(struct db *db, const char *sql, const struct db_param *params, int n_params, bool binary,
             struct db_result **ret, struct error *e) MUST_CHECK;
/* Like db_query for text that is made at run time from fixed parts (never from values): not prepared. */
int db_query_text(struct db *db, const char *sql, const struct db_param *params, int n_params, struct db_result **ret,
                  struct error *e) MUST_CHECK;
/* Several statements without parameters, in one implicit transaction; for migrations. */
int db_exec(struct db *db, const char *sql, struct error *e) MUST_CHECK;
/* The SQLSTATE of the last failed statement, "" when none. */
const char *db_sqlstate(const struct db *db);
/* What the server said about it (the primary message, without severity and context: what a function of ours raised), or about the
 * connection that failed; "" when nothing. For the log alone: it may carry values. */
const char *db_last_message(const struct db *db);

void db_result_free(struct db_result *r); /* accepts NULL */
DEFINE_CLEANUP(struct db_result, db_result_free)
/* Rows that came; 0 for a statement that returns none. */
int db_rows(const struct db_result *r);
/* Also true for a row or column that isn't there. */
bool db_is_null(const struct db_result *r, int row, int col);
/* Text of a field of a text result; "" for null. Lives as long as the result. */
const char *db_text(const struct db_result *r, int row, int col);
/* A number of a text or binary result (int2, int4, int8); 0 for null. */
int64_t db_int(const struct db_result *r, int row, int col);
/* A boolean of a text or binary result; false for null. */
bool db_bool(const struct db_result *r, int row, int col);
/* Bytes of a field: raw in a binary result; decoded from \x… of a text result into the arena. */
struct bytes db_bytes(const struct db_result *r, int row, int col, struct arena *a);

/* The same without waiting, for processes with an event loop. At most one statement is under way on a connection.
 * Parameters need not outlive the call. */
int db_send(struct db *db, const char *sql, const struct db_param *params, int n_params, bool binary, struct error *e) MUST_CHECK;
/* The descriptor to wait for; -1 once the connection is dropped. It changes with db_reconnect(). */
int db_fd(const struct db *db);
/* True when the connection wants to write: watch the descriptor for writing as well. */
bool db_wants_write(const struct db *db);
enum db_state {
	DB_IDLE,
	DB_BUSY,
	DB_DONE,
	DB_FAILED,
};
/* Takes what has arrived. DB_DONE: *ret is the result (caller frees). DB_FAILED: *e is set; db_alive() tells whether the
 * connection survived. DB_BUSY: call again when the descriptor is ready. DB_IDLE: nothing is under way. */
enum db_state db_poll(struct db *db, struct db_result **ret, struct error *e);

/* COPY … TO STDOUT (FORMAT binary): calls row() with the fields of each row (NULL data for null; valid only during the call).
 * row() returns 0, or -1 with *e to stop. Memory stays flat. */
#define DB_COPY_MAX_FIELDS 8
int db_copy_out(struct db *db, const char *sql, int (*row)(void *ctx, const struct bytes *fields, int n, struct error *e), void *ctx,
                struct error *e) MUST_CHECK;

/* LISTEN to a channel; lost with the connection. */
int db_listen(struct db *db, const char *channel, struct error *e) MUST_CHECK;
/* Waits up to timeout_ms for notifications or until stop_fd is readable; calls got() for each.
 * 0 on timeout and on notification, -1 when the connection is lost. */
int db_wait_notify(struct db *db, int stop_fd, int timeout_ms, void (*got)(void *ctx, const char *channel, const char *payload),
                   void *ctx, struct error *e) MUST_CHECK;

/* For processes with an event loop: whether anything came for a channel since the last call. What has arrived is taken by db_poll() and by
 * statements that wait. */
bool db_notified(struct db *db);

/* A pool of connections for threads. */
struct db_pool;
/* At most max connections, made when they are needed: this succeeds without the store too. The configuration must outlive the
 * pool. The caller frees *ret. */
int db_pool_new(const struct config *c, const char *role, int max, struct db_pool **ret, struct error *e) MUST_CHECK;
void db_pool_free(struct db_pool *p); /* accepts NULL; all connections must have been given back */
/* A connection that is alive; waits up to 5 s for a free one (E_UNAVAILABLE) and connects again when needed (E_STORE). */
int db_pool_take(struct db_pool *p, struct db **ret, struct error *e) MUST_CHECK;
/* Gives it back; a transaction that is open is rolled back. Accepts NULL. */
void db_pool_give(struct db_pool *p, struct db *db);

#endif
