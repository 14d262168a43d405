/* What the files of lib/db share. */
#ifndef SIEGEL_LIB_DB_DB_PRIVATE_H
#define SIEGEL_LIB_DB_DB_PRIVATE_H
#include <libpq-fe.h>
#include "lib/db/db.h"
#include "lib/status_mac.h"

/* certificate_add() has 26 parameters. */
#define DB_MAX_PARAMS 64 /* a list: two of each filter, the cursor's, what makes rows somebody's own */
/* The longest wait for one statement of a service. The server's own timeouts don't cover a COMMIT that waits for a standby,
 * and cancelling it would make it look done: so the connection is dropped and the outcome is unknown. */
#define DB_DEADLINE_MS 15000
#define DB_CONNECT_SEC "5"

/* A statement and whether this connection has prepared it. */
struct db_statement {
	const char *sql; /* the literal's address; NULL: free slot */
	unsigned number; /* its name on the server is "s<number>" */
	bool prepared;
};

enum db_phase {
	PHASE_IDLE,
	PHASE_PREPARING,
	PHASE_RUNNING,
};

/* What is sent once the statement is prepared: parameters that outlive the call of db_send(). */
struct db_pending {
	struct db_statement *statement;
	bool binary;
	int n_params;
	struct db_param params[DB_MAX_PARAMS];
	void *memory;
};

struct db {
	PGconn *conn; /* NULL: dropped */
	char role[64], host[256], port[8], name[64];
	bool has_status_key; /* the engine's, with [ca] ocsp_key_file */
	struct status_key status_key;
	bool service; /* has deadlines; the console and migrations don't */
	bool lost;
	bool doubt; /* a warning came with the statement that is under way */
	bool want_write;
	char sqlstate[6];
	char message[512];
	struct db_statement *statements; /* open addressing, capacity a power of two */
	size_t n_statements, cap_statements;
	enum db_phase phase;
	PGresult *result; /* of the statement under way: the first failure, or else the last result */
	struct db_pending pending;
};

struct db_result {
	PGresult *res;
};

/* db.c */
/* Ends the connection without a word to the server; the outcome of what was under way is unknown. */
void db_drop(struct db *db);
/* Fills *e for a connection that is gone and returns -1. */
int db_fail_lost(struct db *db, struct error *e);
/* Keeps SQLSTATE and message of a failed result and fills *e. Returns -1. */
int db_fail_result(struct db *db, const PGresult *res, struct error *e);
/* Waits until the connection can be read or written, at most until deadline (milliseconds of now_ms(), 0: none); -1: too late. */
int db_wait(const struct db *db, int64_t deadline_ms);
int64_t db_now_ms(void);
/* The deadline for a statement that starts now; 0: none. */
int64_t db_deadline(const struct db *db);
/* Waits for the statement under way. */
int db_finish(struct db *db, struct db_result **ret, struct error *e) MUST_CHECK;

/* db_async.c */
/* The slot of that literal, made when it is new. */
struct db_statement *db_statement_find(struct db *db, const char *sql);
/* Starts what isn't prepared: with parameters one statement, without (simple) several. */
int db_send_text(struct db *db, const char *sql, const struct db_param *params, int n_params, bool simple,
                 struct error *e) MUST_CHECK;
/* Forgets what was under way. */
void db_async_reset(struct db *db);

#endif
