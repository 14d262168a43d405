/* Statements without waiting: prepare once, send, take what has arrived. */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/db/db_private.h"

static size_t
slot_of(const char *sql, size_t cap)
{
	/* Fibonacci hashing: literals lie close together, their low bits say little. */
	return (size_t)(((uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (cap - 1);
}

static void
statements_grow(struct db *db)
{
	size_t cap = db->cap_statements ? db->cap_statements * 2 : 32;
	struct db_statement *table = xcalloc(cap, sizeof(*table));

	for (size_t i = 0; i < db->cap_statements; i++) {
		if (!db->statements[i].sql)
			continue;
		size_t at = slot_of(db->statements[i].sql, cap);
		while (table[at].sql)
			at = (at + 1) & (cap - 1);
		table[at] = db->statements[i];
	}
	free(db->statements);
	db->statements = table;
	db->cap_statements = cap;
}

struct db_statement *
db_statement_find(struct db *db, const char *sql)
{
	if (db->n_statements * 2 >= db->cap_statements)
		statements_grow(db);
	size_t at = slot_of(sql, db->cap_statements);
	while (db->statements[at].sql && db->statements[at].sql != sql)
		at = (at + 1) & (db->cap_statements - 1);
	struct db_statement *s = &db->statements[at];
	if (!s->sql) {
		s->sql = sql;
		s->number = (unsigned)++db->n_statements;
	}
	return s;
}

/* Copies the parameters: the caller's may be gone before the server has prepared the statement. */
static void
pending_set(struct db_pending *p, struct db_statement *s, const struct db_param *params, int n_params, bool binary)
{
	size_t total = 1;

	for (int i = 0; i < n_params; i++)
		if (params[i].data)
			total += params[i].binary ? (size_t)params[i].len : strlen(params[i].data) + 1;
	uint8_t *at = xcalloc(1, total);
	*p = (struct db_pending){.statement = s, .binary = binary, .n_params = n_params, .memory = at};
	for (int i = 0; i < n_params; i++) {
		p->params[i] = params[i];
		if (!params[i].data)
			continue;
		size_t len = params[i].binary ? (size_t)params[i].len : strlen(params[i].data) + 1;
		memcpy(at, params[i].data, len);
		p->params[i].data = at;
		at += len;
	}
}

void
db_async_reset(struct db *db)
{
	free(db->pending.memory);
	db->pending = (struct db_pending){0};
	PQclear(db->result);
	db->result = NULL;
	db->phase = PHASE_IDLE;
	db->want_write = false;
}

/* Parameters in the form of libpq. */
struct pq_params {
	const char *values[DB_MAX_PARAMS];
	int lengths[DB_MAX_PARAMS];
	int formats[DB_MAX_PARAMS];
};

static void
pq_params_set(struct pq_params *q, const struct db_param *params, int n_params)
{
	for (int i = 0; i < n_params; i++) {
		q->values[i] = params[i].data;
		q->lengths[i] = params[i].len;
		q->formats[i] = params[i].binary;
	}
}

static bool
send_prepared(struct db *db, const struct db_statement *s, const struct db_param *params, int n_params, bool binary)
{
	struct pq_params q;
	char name[16];

	pq_params_set(&q, params, n_params);
	snprintf(name, sizeof(name), "s%u", s->number);
	return PQsendQueryPrepared(db->conn, name, n_params, q.values, q.lengths, q.formats, binary) == 1;
}

static int
flush(struct db *db)
{
	int r = PQflush(db->conn);

	db->want_write = r == 1;
	return r < 0 ? -1 : 0;
}

static int
begin(struct db *db, int n_params, struct error *e)
{
	if (db->phase != PHASE_IDLE)
		return fail(e, E_INTERNAL, "a statement is under way on this connection");
	if (n_params < 0 || n_params > DB_MAX_PARAMS)
		return fail(e, E_INTERNAL, "a statement takes at most %d parameters", DB_MAX_PARAMS);
	db->sqlstate[0] = db->message[0] = '\0';
	db->doubt = false;
	if (!db_alive(db))
		return fail(e, E_STORE, "the store can't be reached");
	return 0;
}

static int
begun(struct db *db, bool sent, enum db_phase phase, struct error *e)
{
	/* A flush that fails may leave the server's last words to be read: db_poll() finds them. */
	if (!sent)
		return db_fail_lost(db, e);
	(void)flush(db);
	db->phase = phase;
	return 0;
}

int
db_send(struct db *db, const char *sql, const struct db_param *params, int n_params, bool binary, struct error *e)
{
	if (begin(db, n_params, e) < 0)
		return -1;
	struct db_statement *s = db_statement_find(db, sql);
	if (s->prepared)
		return begun(db, send_prepared(db, s, params, n_params, binary), PHASE_RUNNING, e);
	char name[16];
	snprintf(name, sizeof(name), "s%u", s->number);
	pending_set(&db->pending, s, params, n_params, binary);
	return begun(db, PQsendPrepare(db->conn, name, sql, 0, NULL) == 1, PHASE_PREPARING, e);
}

int
db_send_text(struct db *db, const char *sql, const struct db_param *params, int n_params, bool simple, struct error *e)
{
	struct pq_params q;

	if (begin(db, n_params, e) < 0)
		return -1;
	if (simple)
		return begun(db, PQsendQuery(db->conn, sql) == 1, PHASE_RUNNING, e);
	pq_params_set(&q, params, n_params);
	return begun(db, PQsendQueryParams(db->conn, sql, n_params, NULL, q.values, q.lengths, q.formats, 0) == 1, PHASE_RUNNING, e);
}

static bool
succeeded(const PGresult *res)
{
	ExecStatusType st = PQresultStatus(res);

	return st == PGRES_COMMAND_OK || st == PGRES_TUPLES_OK || st == PGRES_EMPTY_QUERY;
}

/* Takes the results that have arrived. 1: all of them, 0: more to come, -1: connection lost. */
static int
collect(struct db *db)
{
	if (flush(db) < 0 && PQstatus(db->conn) != CONNECTION_OK)
		return -1;
	if (!PQconsumeInput(db->conn))
		return -1;
	while (!PQisBusy(db->conn)) {
		PGresult *res = PQgetResult(db->conn);
		if (!res)
			return 1;
		ExecStatusType st = PQresultStatus(res);
		if (st == PGRES_COPY_OUT || st == PGRES_COPY_IN || st == PGRES_COPY_BOTH) {
			/* COPY is db_copy_out()'s; here the connection would hang in it. */
			PQclear(res);
			return -1;
		}
		if (db->result && !succeeded(db->result)) {
			PQclear(res);
			continue;
		}
		PQclear(db->result);
		db->result = res;
	}
	return 0;
}

/* The statement is done: its result, or its failure. */
static enum db_state
outcome(struct db *db, struct db_result **ret, struct error *e)
{
	PGresult *res = TAKE(db->result);
	enum db_state state = DB_FAILED;

	if (!res) {
		(void)db_fail_lost(db, e);
	} else if (!succeeded(res)) {
		(void)db_fail_result(db, res, e);
	} else if (db->doubt && PQtransactionStatus(db->conn) == PQTRANS_IDLE) {
		/* A warning with what was to be durable now: "committed locally, but might not have been replicated". */
		(void)fail(e, E_STORE, "the store can't say whether this was kept");
	} else {
		state = DB_DONE;
		if (ret) {
			*ret = xcalloc(1, sizeof(**ret));
			(*ret)->res = TAKE(res);
		}
	}
	PQclear(res);
	db_async_reset(db);
	return state;
}

enum db_state
db_poll(struct db *db, struct db_result **ret, struct error *e)
{
	while (db->phase != PHASE_IDLE) {
		int r = db->conn ? collect(db) : -1;
		if (r == 0)
			return DB_BUSY;
		/* Rows come before the commit, which is known by ReadyForQuery alone: rows of a connection that ended are nothing. */
		if (r < 0 && (!db->result || succeeded(db->result))) {
			(void)db_fail_lost(db, e);
			return DB_FAILED;
		}
		if (r < 0 || db->phase == PHASE_RUNNING || !succeeded(db->result))
			return outcome(db, ret, e);
		/* Prepared: now what it was prepared for. */
		struct db_pending *p = &db->pending;
		PQclear(db->result);
		db->result = NULL;
		p->statement->prepared = true;
		if (!send_prepared(db, p->statement, p->params, p->n_params, p->binary)) {
			(void)db_fail_lost(db, e);
			return DB_FAILED;
		}
		db->phase = PHASE_RUNNING;
	}
	/* What comes unasked is a notice, or the end of the connection. Left unread it would keep the descriptor ready. */
	if (db_alive(db) && (!PQconsumeInput(db->conn) || (PQisBusy(db->conn), !db_alive(db)))) {
		(void)db_fail_lost(db, e);
		return DB_FAILED;
	}
	return DB_IDLE;
}

bool
db_wants_write(const struct db *db)
{
	return db->want_write;
}

int
db_fd(const struct db *db)
{
	return db->conn ? PQsocket(db->conn) : -1;
}
