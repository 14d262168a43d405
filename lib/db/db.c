/* Connections, statements that are waited for, results, COPY and LISTEN. */
#include "config.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lib/db/db_private.h"

int64_t
db_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
db_deadline(const struct db *db)
{
	return db->service ? db_now_ms() + DB_DEADLINE_MS : 0;
}

char *
db_int_text(char *buf24, int64_t v)
{
	snprintf(buf24, 24, "%" PRId64, v);
	return buf24;
}

static void
keep_message(struct db *db, const char *text)
{
	snprintf(db->message, sizeof(db->message), "%s", text);
	for (size_t n = strlen(db->message); n > 0 && isspace((unsigned char)db->message[n - 1]); n--)
		db->message[n - 1] = '\0';
}

void
db_drop(struct db *db)
{
	db_async_reset(db);
	PQfinish(db->conn);
	db->conn = NULL;
	db->lost = true;
}

int
db_fail_lost(struct db *db, struct error *e)
{
	if (db->conn && !db->message[0])
		keep_message(db, PQerrorMessage(db->conn));
	db_drop(db);
	return fail(e, E_STORE, "the connection to the store was lost, the outcome isn't known");
}

/* What a state says about the request: try again later, contradiction, or our own fault. */
static enum error_code
code_of(const char *state)
{
	if (!strcmp(state, "23505") || !strcmp(state, "23P01") || !strncmp(state, "SG", 2))
		return E_CONFLICT;
	/* Connection, serialization and deadlock, resources (disk full), operator's intervention and timeouts, system faults,
	 * a lock that wasn't free, a server that takes no writes. */
	if (!strncmp(state, "08", 2) || !strncmp(state, "40", 2) || !strncmp(state, "53", 2) || !strncmp(state, "57", 2) ||
	    !strncmp(state, "58", 2) || !strcmp(state, "55P03") || !strcmp(state, "25006"))
		return E_STORE;
	return E_INTERNAL;
}

int
db_fail_result(struct db *db, const PGresult *res, struct error *e)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", state ? state : "");
	keep_message(db, primary ? primary : PQresultErrorMessage(res));
	/* A connection that broke makes a result without state; FATAL is the server's goodbye. */
	if (!state || PQstatus(db->conn) != CONNECTION_OK ||
	    (severity && (!strcmp(severity, "FATAL") || !strcmp(severity, "PANIC"))))
		return db_fail_lost(db, e);
	/* The server's own text may carry values, so it stays in db_last_message(). */
	switch (code_of(state)) {
	case E_CONFLICT:
		return fail(e, E_CONFLICT, "this contradicts what is stored already");
	case E_STORE:
		return fail(e, E_STORE, "the store can't do this at the moment");
	default:
		return fail(e, E_INTERNAL, "the store refused a statement");
	}
}

static void
on_notice(void *ctx, const PGresult *res)
{
	struct db *db = ctx;
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (!state || strncmp(state, "01", 2) != 0)
		return;
	db->doubt = true;
	keep_message(db, PQresultErrorMessage(res));
}

/* Work that nobody asked to be durable isn't: PostgreSQL lets a role or a session switch it off, so we ask each time. */
static int
check_durable(struct db *db, struct error *e)
{
	static const char sql[] = "SELECT current_setting('synchronous_commit') IN ('on', 'remote_apply'), current_setting('fsync')::bool";
	CLEANUP(db_result_free)
	struct db_result *r = NULL;

	if (db_query_text(db, sql, NULL, 0, &r, e) < 0)
		return -1;
	if (!db_bool(r, 0, 0))
		return fail(e, E_STORE, "the store must run with synchronous_commit on for this role");
	if (!db_bool(r, 0, 1))
		return fail(e, E_STORE, "the store must run with fsync on");
	return 0;
}

/* The engine's sessions have the key that seals the status of certificates. */
static int
give_status_key(struct db *db, struct error *e)
{
	char inner[129], outer[129];
	int rc;

	if (!db->has_status_key)
		return 0;
	for (size_t i = 0; i < 64; i++) {
		snprintf(inner + 2 * i, 3, "%02x", db->status_key.inner[i]);
		snprintf(outer + 2 * i, 3, "%02x", db->status_key.outer[i]);
	}
	const struct db_param params[] = {DB_TEXT(inner), DB_TEXT(outer)};
	rc = db_query_text(
	    db, "SELECT set_config('siegel.status_inner', $1::text, false) = '', set_config('siegel.status_outer', $2::text, false) = ''",
	    params, 2, NULL, e);
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
	return rc;
}

/* Those whom somebody waits for: no statement of theirs takes long. The engine reads a million revocations for a CRL. */
static bool
is_front(const char *role)
{
	return !strcmp(role, "siegel_api") || !strcmp(role, "siegel_est") || !strcmp(role, "siegel_scep") || !strcmp(role, "siegel_va");
}

/* Those that call functions alone, which look up a few rows each. Arrays of one element look cheaper than the ten that a kept plan reckons with,
 * and PostgreSQL would plan such statements anew at each call, which costs more than what they do. A kept plan is made when tables are nearly
 * empty, so it has to be said that they won't be. */
static bool
keeps_plans(const char *role)
{
	return !strcmp(role, "siegel_acme");
}

/* Fills *e with a text that is for the operator: it names folder and role, and no value of anybody. */
static int
connect_now(struct db *db, struct error *e)
{
	static const char *const keywords[] = {"host", "port", "dbname", "user", "application_name", "client_encoding", "connect_timeout",
	                                       "tcp_user_timeout", "options", NULL};
	char options[512];

	/* Short statements only, or COPY: compiling plans costs more than it brings. */
	snprintf(options, sizeof(options), "-c search_path=siegel -c timezone=UTC -c bytea_output=hex -c jit=off%s%s%s",
	         /* Who gave up (DB_DEADLINE_MS) leaves no statement behind that runs on for hours. */
	         db->service ? " -c idle_in_transaction_session_timeout=10s -c lock_timeout=2s -c client_connection_check_interval=5s" : "",
	         is_front(db->role) ? " -c statement_timeout=5s" : "",
	         keeps_plans(db->role) ? " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
	                               : "");
	const char *const values[] = {db->host, db->port, db->name, db->role, db->role, "UTF8", DB_CONNECT_SEC, "10000", options, NULL};
	db->conn = PQconnectdbParams(keywords, values, 0);
	db->lost = false;
	db->sqlstate[0] = db->message[0] = '\0';
	if (PQstatus(db->conn) != CONNECTION_OK) {
		keep_message(db, db->conn ? PQerrorMessage(db->conn) : "out of memory");
		db_drop(db);
		return fail(e, E_STORE, "can't connect to the store: %s", db->message);
	}
	PQsetNoticeReceiver(db->conn, on_notice, db);
	if (PQsetnonblocking(db->conn, 1) != 0)
		return db_fail_lost(db, e);
	if (check_durable(db, e) < 0 || give_status_key(db, e) < 0) {
		db_drop(db);
		return -1;
	}
	return 0;
}

int
db_connect(const struct config *c, const char *role, struct db **ret, struct error *e)
{
	CLEANUP(db_free)
	struct db *db = xcalloc(1, sizeof(*db));

	snprintf(db->role, sizeof(db->role), "%s", role);
	snprintf(db->host, sizeof(db->host), "%s", config_str(c, OPT_database_host));
	snprintf(db->port, sizeof(db->port), "%ld", config_int(c, OPT_database_port));
	snprintf(db->name, sizeof(db->name), "%s", config_str(c, OPT_database_name));
	if (strcmp(role, "siegel_ca") == 0 && *config_str(c, OPT_ca_ocsp_key_file)) {
		if (status_key_read(config_str(c, OPT_ca_ocsp_key_file), &db->status_key, e) < 0)
			return -1;
		db->has_status_key = true;
	}
	db->service = strcmp(role, "siegel_owner") != 0 && strcmp(role, "siegel_setup") != 0;
	if (connect_now(db, e) < 0)
		return -1;
	*ret = TAKE(db);
	return 0;
}

int
db_reconnect(struct db *db, struct error *e)
{
	db_drop(db);
	for (size_t i = 0; i < db->cap_statements; i++)
		db->statements[i].prepared = false;
	if (connect_now(db, e) < 0)
		return fail(e, E_STORE, "the store can't be reached");
	return 0;
}

void
db_free(struct db *db)
{
	if (!db)
		return;
	db_drop(db);
	OPENSSL_cleanse(&db->status_key, sizeof(db->status_key));
	free(db->statements);
	free(db);
}

bool
db_alive(const struct db *db)
{
	return db->conn && !db->lost && PQstatus(db->conn) == CONNECTION_OK;
}

bool
db_in_failed(const struct db *db)
{
	return db_alive(db) && PQtransactionStatus(db->conn) == PQTRANS_INERROR;
}

bool
db_fresh(struct db *db)
{
	if (!db_alive(db) || db->phase != PHASE_IDLE || PQtransactionStatus(db->conn) != PQTRANS_IDLE)
		return false;
	/* What can be read while nothing is under way is the server's goodbye. */
	struct pollfd p = {.fd = PQsocket(db->conn), .events = POLLIN};
	return poll(&p, 1, 0) == 0;
}

const char *
db_sqlstate(const struct db *db)
{
	return db->sqlstate;
}

const char *
db_last_message(const struct db *db)
{
	return db->message;
}

int
db_wait(const struct db *db, int64_t deadline_ms)
{
	struct pollfd p = {.fd = db_fd(db), .events = (short)(POLLIN | (db->want_write ? POLLOUT : 0))};

	for (;;) {
		int64_t left = deadline_ms ? deadline_ms - db_now_ms() : -1;
		if (deadline_ms && left <= 0)
			return -1;
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
	}
}

int
db_finish(struct db *db, struct db_result **ret, struct error *e)
{
	int64_t deadline = db_deadline(db);

	for (;;) {
		if (db_wait(db, deadline) < 0) {
			/* Never cancelled: a cancelled COMMIT can look like a good one. */
			db_drop(db);
			return fail(e, E_STORE, "the store took too long, the outcome isn't known");
		}
		switch (db_poll(db, ret, e)) {
		case DB_BUSY:
			continue;
		case DB_DONE:
			return 0;
		case DB_FAILED:
			return -1;
		default:
			return fail(e, E_INTERNAL, "no statement is under way");
		}
	}
}

int
db_query(struct db *db, const char *sql, const struct db_param *params, int n_params, bool binary, struct db_result **ret,
         struct error *e)
{
	if (db_send(db, sql, params, n_params, binary, e) < 0)
		return -1;
	return db_finish(db, ret, e);
}

int
db_query_text(struct db *db, const char *sql, const struct db_param *params, int n_params, struct db_result **ret, struct error *e)
{
	if (db_send_text(db, sql, params, n_params, false, e) < 0)
		return -1;
	return db_finish(db, ret, e);
}

int
db_exec(struct db *db, const char *sql, struct error *e)
{
	if (db_send_text(db, sql, NULL, 0, true, e) < 0)
		return -1;
	return db_finish(db, NULL, e);
}

int
db_listen(struct db *db, const char *channel, struct error *e)
{
	char sql[160];

	if (!db_alive(db))
		return fail(e, E_STORE, "the store can't be reached");
	char *name = PQescapeIdentifier(db->conn, channel, strlen(channel));
	int len = name ? snprintf(sql, sizeof(sql), "LISTEN %s", name) : -1;
	PQfreemem(name);
	if (len < 0 || (size_t)len >= sizeof(sql))
		return fail(e, E_INTERNAL, "the channel's name is too long or not UTF-8");
	return db_exec(db, sql, e);
}

/* Hands out what has arrived; how many. */
static int
notifications(struct db *db, void (*got)(void *ctx, const char *channel, const char *payload), void *ctx)
{
	PGnotify *n;
	int count = 0;

	while ((n = PQnotifies(db->conn))) {
		got(ctx, n->relname, n->extra ? n->extra : "");
		PQfreemem(n);
		count++;
	}
	return count;
}

static void
ignore(void *ctx, const char *channel, const char *payload)
{
	(void)ctx;
	(void)channel;
	(void)payload;
}

bool
db_notified(struct db *db)
{
	return db_alive(db) && notifications(db, ignore, NULL) > 0;
}

int
db_wait_notify(struct db *db, int stop_fd, int timeout_ms, void (*got)(void *ctx, const char *channel, const char *payload), void *ctx,
               struct error *e)
{
	int64_t end = db_now_ms() + timeout_ms;

	if (!db_alive(db))
		return fail(e, E_STORE, "the store can't be reached");
	while (notifications(db, got, ctx) == 0) {
		struct pollfd p[2] = {{.fd = PQsocket(db->conn), .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
		int64_t left = end - db_now_ms();
		int n = poll(p, 2, left > 0 ? (int)left : 0);
		if (n < 0 && errno != EINTR)
			return fail(e, E_INTERNAL, "can't wait for notifications");
		if (n > 0 && p[0].revents && (!PQconsumeInput(db->conn) || PQstatus(db->conn) != CONNECTION_OK))
			return db_fail_lost(db, e);
		if (n == 0 || (n > 0 && p[1].revents))
			break;
	}
	return 0;
}
