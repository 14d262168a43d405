/* lib/db against a real server. */
#include "config.h"
#include "tests/unit/db/support.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lib/db/array.h"

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

START_TEST(values_come_back)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");
	CLEANUP(arena_free)
	struct arena *a = arena_new(65536);
	struct error e;

	/* The same literal twice: prepared, then reused. */
	for (int round = 0; round < 4; round++) {
		bool binary = round & 1;
		CLEANUP(db_result_free)
		struct db_result *r = NULL;
		const struct db_param params[] = {DB_INT(-5 - round), DB_TEXT("it's \"text\""), DB_BYTES("\0\xff", 2), DB_NULL,
		                                  DB_INT(INT64_MIN)};
		ck_assert_int_eq(db_query(db, "SELECT $1::int4, $2::text, $3::bytea, $4::text, true, $5::int8, (-3)::int2, '\\xff'::text", params, 5, binary,
		                          &r, &e),
		                 0);
		ck_assert_int_eq(db_rows(r), 1);
		ck_assert_int_eq(db_int(r, 0, 0), -5 - round);
		ck_assert_str_eq(db_text(r, 0, 1), "it's \"text\"");
		struct bytes b = db_bytes(r, 0, 2, a);
		ck_assert_uint_eq(b.len, 2);
		ck_assert_mem_eq(b.data, "\0\xff", 2);
		/* Text that looks like bytea is text. */
		b = db_bytes(r, 0, 7, a);
		ck_assert_uint_eq(b.len, 4);
		ck_assert_mem_eq(b.data, "\\xff", 4);
		ck_assert(db_is_null(r, 0, 3) && !db_is_null(r, 0, 1));
		ck_assert_str_eq(db_text(r, 0, 3), "");
		ck_assert(db_bool(r, 0, 4));
		ck_assert_int_eq(db_int(r, 0, 5), INT64_MIN);
		ck_assert_int_eq(db_int(r, 0, 6), -3);
		/* What isn't there reads as null. */
		ck_assert(db_is_null(r, 1, 0) && db_is_null(r, 0, 9));
		ck_assert_str_eq(db_text(r, 7, 0), "");
	}
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM pg_prepared_statements"), "1");
}
END_TEST

START_TEST(session_is_as_wanted)
{
	CLEANUP(db_free)
	struct db *api = test_db("siegel_api"),
		  *ca = test_db("siegel_ca"), *owner = test_db("siegel_owner");

	ck_assert_str_eq(test_one(api, "SELECT current_schema()"), "siegel");
	ck_assert_str_eq(test_one(api, "SHOW application_name"), "siegel_api");
	ck_assert_str_eq(test_one(api, "SHOW client_encoding"), "UTF8");
	ck_assert_str_eq(test_one(api, "SHOW lock_timeout"), "2s");
	ck_assert_str_eq(test_one(api, "SHOW idle_in_transaction_session_timeout"), "10s");
	ck_assert_str_eq(test_one(api, "SHOW statement_timeout"), "5s");
	ck_assert_str_eq(test_one(ca, "SHOW statement_timeout"), "0");
	ck_assert_str_eq(test_one(ca, "SHOW lock_timeout"), "2s");
	ck_assert_str_eq(test_one(owner, "SHOW lock_timeout"), "0");
}
END_TEST

START_TEST(faults_are_told_apart)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");
	struct error e;

	ck_assert_int_eq(db_exec(db, "CREATE TEMP TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)", &e), 0);
	ck_assert_int_eq(db_query(db, "INSERT INTO t VALUES (1)", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(e.code, E_CONFLICT);
	ck_assert_str_eq(db_sqlstate(db), "23505");
	/* What the server says may carry values: for the log alone. */
	ck_assert_ptr_null(strstr(e.detail, "duplicate key"));
	ck_assert_int_eq(strncmp(db_last_message(db), "duplicate key", 13), 0);
	ck_assert_int_eq(db_query(db, "SELECT nothing FROM nowhere", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(e.code, E_INTERNAL);
	ck_assert_str_eq(db_sqlstate(db), "42P01");
	/* A failed preparation leaves the connection usable, and the statement is tried anew. */
	ck_assert_int_eq(db_query(db, "SELECT nothing FROM nowhere", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(db_exec(db, "DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'SG001'; END$$", &e), -1);
	ck_assert_int_eq(e.code, E_CONFLICT);
	ck_assert_str_eq(db_sqlstate(db), "SG001");
	ck_assert_int_eq(db_exec(db, "DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'disk_full'; END$$", &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert(db_alive(db));
	/* The first failure of several counts. */
	ck_assert_int_eq(db_exec(db, "INSERT INTO t VALUES (2); INSERT INTO t VALUES (1); SELECT 1", &e), -1);
	ck_assert_str_eq(db_sqlstate(db), "23505");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM t"), "1");
	ck_assert_str_eq(db_sqlstate(db), "");
	/* Hostile text is a value and nothing else (D01). */
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	const struct db_param evil[] = {DB_TEXT("'||pg_sleep(10)||'")};
	ck_assert_int_eq(db_query(db, "SELECT $1::text", evil, 1, false, &r, &e), 0);
	ck_assert_str_eq(db_text(r, 0, 0), "'||pg_sleep(10)||'");
	const struct db_param broken[] = {DB_TEXT("\xff\xfe")};
	ck_assert_int_eq(db_query(db, "SELECT $1::text", broken, 1, false, NULL, &e), -1);
	ck_assert_str_eq(db_sqlstate(db), "22021");
	/* A COPY in the wrong place would block the connection. */
	ck_assert_int_eq(db_query(db, "COPY t TO STDOUT", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(db_reconnect(db, &e), 0);
}
END_TEST

START_TEST(a_warning_with_a_commit_is_doubt)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");
	struct error e;

	/* As "committed locally, but might not have been replicated" arrives: SQLSTATE 01000. */
	ck_assert_int_eq(db_exec(db, "DO $$BEGIN RAISE WARNING 'not replicated'; END$$", &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert_ptr_nonnull(strstr(db_last_message(db), "not replicated"));
	/* Within a transaction nothing was to be durable yet. */
	ck_assert_int_eq(db_exec(db, "BEGIN", &e), 0);
	ck_assert_int_eq(db_exec(db, "DO $$BEGIN RAISE WARNING 'within'; END$$", &e), 0);
	ck_assert_int_eq(db_exec(db, "COMMIT", &e), 0);
	ck_assert_int_eq(db_exec(db, "DO $$BEGIN RAISE NOTICE 'harmless'; END$$", &e), 0);
}
END_TEST

START_TEST(async_runs_without_waiting)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	struct db_result *r = NULL;
	struct error e;

	ck_assert_int_eq(db_poll(db, &r, &e), DB_IDLE);
	for (int round = 0; round < 3; round++) {
		int64_t start = now_ms();
		{
			/* The parameters needn't outlive the call, even when the statement is prepared first. */
			char text[16];
			snprintf(text, sizeof(text), "round %d", round);
			const struct db_param params[] = {DB_TEXT(text), DB_BYTES("abc", 3)};
			ck_assert_int_eq(db_send(db, "SELECT $1::text, $2::bytea, pg_sleep(2)", params, 2, true, &e), 0);
			memset(text, 'x', sizeof(text) - 1);
		}
		ck_assert_int_lt(now_ms() - start, 1600);
		ck_assert_int_eq(db_send(db, "SELECT 1", NULL, 0, false, &e), -1);
		enum db_state st;
		int polls = 0;
		while ((st = db_poll(db, &r, &e)) == DB_BUSY) {
			struct pollfd p = {.fd = db_fd(db), .events = (short)(POLLIN | (db_wants_write(db) ? POLLOUT : 0))};
			ck_assert_int_eq(poll(&p, 1, 20000), 1);
			polls++;
		}
		ck_assert_int_eq(st, DB_DONE);
		ck_assert_int_ge(polls, 1);
		char want[16];
		snprintf(want, sizeof(want), "round %d", round);
		ck_assert_str_eq(db_text(r, 0, 0), want);
		ck_assert_mem_eq(db_bytes(r, 0, 1, NULL).data, "abc", 3);
		db_result_free(r);
		ck_assert_int_eq(db_poll(db, &r, &e), DB_IDLE);
	}
}
END_TEST

START_TEST(async_sends_more_than_the_socket_takes)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	size_t len = 8 * 1024 * 1024;
	char *big = malloc(len);
	struct error e;
	enum db_state st;

	memset(big, 'b', len);
	const struct db_param params[] = {DB_BYTES(big, len)};
	ck_assert_int_eq(db_query(db, "SELECT length($1::bytea)", (const struct db_param[]){DB_BYTES("a", 1)}, 1, false, NULL, &e), 0);
	ck_assert_int_eq(db_send(db, "SELECT length($1::bytea)  ", params, 1, false, &e), 0);
	while ((st = db_poll(db, &r, &e)) == DB_BUSY) {
		struct pollfd p = {.fd = db_fd(db), .events = (short)(POLLIN | (db_wants_write(db) ? POLLOUT : 0))};
		ck_assert_int_eq(poll(&p, 1, 20000), 1);
	}
	ck_assert_int_eq(st, DB_DONE);
	ck_assert_int_eq(db_int(r, 0, 0), (int64_t)len);
	free(big);
}
END_TEST

START_TEST(a_lost_connection_is_noticed)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");
	struct db_result *r = NULL;
	struct error e;
	char sql[128];

	/* Between statements. */
	ck_assert_int_eq(db_query(db, "SELECT 1", NULL, 0, false, NULL, &e), 0);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%s)", test_one(db, "SELECT pg_backend_pid()"));
	test_superuser(sql);
	ck_assert_int_eq(db_query(db, "SELECT 1", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert(!db_alive(db));
	ck_assert_int_eq(db_query(db, "SELECT 1", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	/* Statements are prepared anew. */
	ck_assert_int_eq(db_reconnect(db, &e), 0);
	ck_assert_int_eq(db_query(db, "SELECT 1", NULL, 0, false, NULL, &e), 0);

	/* While nothing is under way and somebody looks: the descriptor is readable, and doesn't stay so. */
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%s)", test_one(db, "SELECT pg_backend_pid()"));
	test_superuser(sql);
	enum db_state idle = DB_IDLE;
	for (int i = 0; i < 10 && idle == DB_IDLE; i++) {
		ck_assert_int_eq(poll(&(struct pollfd){.fd = db_fd(db), .events = POLLIN}, 1, 20000), 1);
		idle = db_poll(db, &r, &e);
	}
	ck_assert_int_eq(idle, DB_FAILED);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert_int_eq(db_reconnect(db, &e), 0);

	/* While one is under way. */
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%s)", test_one(db, "SELECT pg_backend_pid()"));
	ck_assert_int_eq(db_send(db, "SELECT pg_sleep(25)", NULL, 0, false, &e), 0);
	test_superuser(sql);
	enum db_state st;
	int64_t start = now_ms();
	while ((st = db_poll(db, &r, &e)) == DB_BUSY && now_ms() - start < 20000)
		poll(&(struct pollfd){.fd = db_fd(db), .events = POLLIN}, 1, 100);
	ck_assert_int_eq(st, DB_FAILED);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert(!db_alive(db));
	ck_assert_int_eq(db_fd(db), -1);
	ck_assert_int_eq(db_reconnect(db, &e), 0);
	ck_assert(db_alive(db));
}
END_TEST

/* A backend that PostgreSQL ends because another one crashed sends what it has ready, rows of a statement that isn't committed
 * among it. Whoever took them for the outcome would hand out what was never kept. The cluster starts again: the last test. */
START_TEST(rows_before_the_commit_are_no_success)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");
	struct db_result *r = NULL;
	struct error e;
	enum db_state state = DB_BUSY;

	test_superuser("CREATE TABLE siegel.late (n int)");
	test_superuser("GRANT SELECT, INSERT ON siegel.late TO siegel_api");
	test_superuser("CREATE FUNCTION siegel.late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(25); RETURN NULL; END'");
	test_superuser("CREATE CONSTRAINT TRIGGER late AFTER INSERT ON siegel.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
	               "EXECUTE FUNCTION siegel.late()");
	pid_t backend = (pid_t)atoi(test_one(db, "SELECT pg_backend_pid()"));
	ck_assert_int_eq(db_send(db, "INSERT INTO late VALUES (1) RETURNING n", NULL, 0, false, &e), 0);
	for (int64_t start = now_ms(); now_ms() - start < 500;) {
		poll(&(struct pollfd){.fd = db_fd(db), .events = POLLIN}, 1, 100);
		ck_assert_int_eq(db_poll(db, &r, &e), DB_BUSY);
	}
	ck_assert_int_eq(kill(backend, SIGQUIT), 0);
	for (int64_t start = now_ms(); state == DB_BUSY && now_ms() - start < 20000; state = db_poll(db, &r, &e))
		poll(&(struct pollfd){.fd = db_fd(db), .events = POLLIN}, 1, 100);
	ck_assert_int_eq(state, DB_FAILED);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert_ptr_null(r);
	for (int i = 0; i < 100 && db_reconnect(db, &e) < 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM late"), "0");
}
END_TEST

START_TEST(a_statement_that_takes_too_long_is_ended_by_the_server)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");
	struct error e;

	ck_assert_int_eq(db_query(db, "SELECT pg_sleep(30)", NULL, 0, false, NULL, &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert_str_eq(db_sqlstate(db), "57014");
	ck_assert(db_alive(db));
}
END_TEST

START_TEST(a_store_that_isnt_durable_is_refused)
{
	struct db *db = NULL;
	struct error e;

	test_superuser("ALTER ROLE siegel_va SET synchronous_commit = off");
	ck_assert_int_eq(db_connect(test_config(), "siegel_va", &db, &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert_ptr_nonnull(strstr(e.detail, "synchronous_commit"));
	test_superuser("ALTER ROLE siegel_va SET synchronous_commit = local");
	ck_assert_int_eq(db_connect(test_config(), "siegel_va", &db, &e), -1);
	test_superuser("ALTER ROLE siegel_va RESET synchronous_commit");
	ck_assert_int_eq(db_connect(test_config(), "siegel_va", &db, &e), 0);
	/* On reconnection too. */
	test_superuser("ALTER ROLE siegel_va SET synchronous_commit = off");
	ck_assert_int_eq(db_reconnect(db, &e), -1);
	ck_assert(!db_alive(db));
	test_superuser("ALTER ROLE siegel_va RESET synchronous_commit");
	db_free(db);
	ck_assert_int_eq(db_connect(test_config(), "nobody_we_know", &db, &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
}
END_TEST

START_TEST(arrays)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	struct db_array raw, text, big, small;
	struct db_param params[4];
	struct error e;

	db_array_init(&raw, DB_ARRAY_BYTEA, 4096);
	db_array_init(&text, DB_ARRAY_TEXT, 4096);
	db_array_init(&big, DB_ARRAY_INT8, 4096);
	db_array_init(&small, DB_ARRAY_INT4, 4096);
	for (int i = 0; i < 3; i++) {
		db_array_add(&raw, i == 1 ? NULL : "\0\x01\x02", (size_t)i);
		db_array_add(&text, "a\"b{,}\\", (size_t)i + 1);
		db_array_add_int(&big, INT64_MIN + i);
		db_array_add_int(&small, -i);
	}
	ck_assert_int_eq(db_array_param(&raw, &params[0], &e), 0);
	ck_assert_int_eq(db_array_param(&text, &params[1], &e), 0);
	ck_assert_int_eq(db_array_param(&big, &params[2], &e), 0);
	ck_assert_int_eq(db_array_param(&small, &params[3], &e), 0);
	ck_assert_int_eq(db_query(db, "SELECT * FROM unnest($1::bytea[], $2::text[], $3::int8[], $4::int4[])", params, 4, true, &r, &e), 0);
	ck_assert_int_eq(db_rows(r), 3);
	ck_assert(!db_is_null(r, 0, 0) && db_is_null(r, 1, 0));
	ck_assert_uint_eq(db_bytes(r, 0, 0, NULL).len, 0);
	ck_assert_mem_eq(db_bytes(r, 2, 0, NULL).data, "\0\x01", 2);
	ck_assert_str_eq(db_text(r, 2, 1), "a\"b");
	ck_assert_int_eq(db_int(r, 2, 2), INT64_MIN + 2);
	ck_assert_int_eq(db_int(r, 2, 3), -2);
	db_array_free(&raw);
	db_array_free(&text);
	db_array_free(&big);
	db_array_free(&small);
}
END_TEST

START_TEST(arrays_without_elements_and_too_large)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	struct db_array a;
	struct db_param p;
	struct error e;

	db_array_init(&a, DB_ARRAY_TEXT, 64);
	ck_assert_int_eq(db_array_param(&a, &p, &e), 0);
	ck_assert_int_eq(db_query(db, "SELECT cardinality($1::text[])", &p, 1, false, &r, &e), 0);
	ck_assert_int_eq(db_int(r, 0, 0), 0);
	for (int i = 0; i < 10; i++)
		db_array_add(&a, "0123456789", 10);
	ck_assert_int_eq(db_array_param(&a, &p, &e), -1);
	ck_assert_int_eq(e.code, E_TOO_LARGE);
	db_array_free(&a);
}
END_TEST

struct sum {
	int64_t rows, bytes, stop_at;
};

static int
sum_row(void *ctx, const struct bytes *fields, int n, struct error *e)
{
	struct sum *s = ctx;

	/* An assertion of Check writes to its pipe each time: too slow for a million rows. */
	if (n != 3 || fields[2].data)
		return fail(e, E_INTERNAL, "not the row that was asked for");
	s->bytes += (int64_t)(fields[0].len + fields[1].len);
	if (++s->rows == s->stop_at)
		return fail(e, E_BAD_VALUE, "enough");
	return 0;
}

START_TEST(copy_reads_a_million_rows)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	struct sum s = {0};
	struct error e;
	int64_t start = now_ms();

	ck_assert_int_eq(db_copy_out(db,
	                             "COPY (SELECT '\\x00112233445566778899aabbccddeeff'::bytea, i::int4, NULL::int2 "
	                             "FROM generate_series(1, 1000000) i) TO STDOUT (FORMAT binary)",
	                             sum_row, &s, &e),
	                 0);
	ck_assert_int_eq(s.rows, 1000000);
	ck_assert_int_eq(s.bytes, 20000000);
	printf("a million rows in %d ms\n", (int)(now_ms() - start));
	/* The connection goes on. */
	ck_assert_str_eq(test_one(db, "SELECT 7"), "7");
}
END_TEST

START_TEST(copy_ends_early_and_badly)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	struct sum s = {.stop_at = 3};
	struct error e;

	ck_assert_int_eq(db_copy_out(db, "COPY (SELECT 'a', 'b', NULL FROM generate_series(1, 1000)) TO STDOUT (FORMAT binary)", sum_row, &s, &e),
	                 -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	ck_assert_int_eq(s.rows, 3);
	ck_assert_str_eq(test_one(db, "SELECT 7"), "7");
	s = (struct sum){0};
	ck_assert_int_eq(db_copy_out(db, "COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT binary)", sum_row, &s, &e), 0);
	ck_assert_int_eq(s.rows, 0);
	ck_assert_int_eq(db_copy_out(db, "COPY nothing TO STDOUT (FORMAT binary)", sum_row, &s, &e), -1);
	ck_assert_str_eq(db_sqlstate(db), "42P01");
	/* A fault after many rows. */
	ck_assert_int_eq(db_copy_out(db, "COPY (SELECT 'a', 1 / (50000 - i), NULL FROM generate_series(1, 60000) i) TO STDOUT (FORMAT binary)",
	                             sum_row, &s, &e),
	                 -1);
	ck_assert_str_eq(db_sqlstate(db), "22012");
	ck_assert_int_eq(s.rows, 49999);
	ck_assert_str_eq(test_one(db, "SELECT 7"), "7");
	ck_assert_int_eq(db_copy_out(db, "SELECT 1", sum_row, &s, &e), -1);
	ck_assert_int_eq(e.code, E_INTERNAL);
	ck_assert(!db_alive(db));
}
END_TEST

static void
got(void *ctx, const char *channel, const char *payload)
{
	char *text = ctx;

	snprintf(text, 64, "%s=%s", channel, payload);
}

START_TEST(notifications_arrive)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_sched"),
		  *other = test_db("siegel_ca");
	char text[64] = "", sql[128];
	int stop[2];
	struct error e;

	ck_assert_int_eq(pipe(stop), 0);
	ck_assert_int_eq(db_listen(db, "odd \"name", &e), 0);
	ck_assert_int_eq(db_wait_notify(db, stop[0], 50, got, text, &e), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(db_exec(other, "NOTIFY \"odd \"\"name\", 'hello'", &e), 0);
	int64_t start = now_ms();
	ck_assert_int_eq(db_wait_notify(db, stop[0], 20000, got, text, &e), 0);
	ck_assert_str_eq(text, "odd \"name=hello");
	ck_assert_int_lt(now_ms() - start, 10000);
	/* One that arrives with another statement isn't lost. */
	ck_assert_int_eq(db_exec(other, "NOTIFY \"odd \"\"name\", 'again'", &e), 0);
	usleep(50000);
	test_one(db, "SELECT 1");
	ck_assert_int_eq(db_wait_notify(db, stop[0], 20000, got, text, &e), 0);
	ck_assert_str_eq(text, "odd \"name=again");
	/* The stop descriptor ends the wait. */
	ck_assert_int_eq(write(stop[1], "x", 1), 1);
	start = now_ms();
	ck_assert_int_eq(db_wait_notify(db, stop[0], 20000, got, text, &e), 0);
	ck_assert_int_lt(now_ms() - start, 10000);
	ck_assert_int_eq(read(stop[0], text, 1), 1);
	/* So does the loss of the connection. */
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%s)", test_one(db, "SELECT pg_backend_pid()"));
	test_superuser(sql);
	ck_assert_int_eq(db_wait_notify(db, stop[0], 5000, got, text, &e), -1);
	ck_assert_int_eq(e.code, E_STORE);
	ck_assert(!db_alive(db));
	close(stop[0]);
	close(stop[1]);
}
END_TEST

static struct db_pool *pool;

static void *
use_pool(void *arg)
{
	long *done = arg;
	struct error e;

	for (int i = 0; i < 50; i++) {
		struct db *db = NULL;
		struct db_result *r = NULL;
		if (db_pool_take(pool, &db, &e) < 0)
			break;
		if (db_query(db, "SELECT 42", NULL, 0, false, &r, &e) == 0 && db_int(r, 0, 0) == 42)
			++*done;
		db_result_free(r);
		db_pool_give(pool, db);
	}
	return NULL;
}

START_TEST(pool_is_shared)
{
	pthread_t threads[6];
	long done[6] = {0};
	struct db *a = NULL, *b = NULL, *c = NULL;
	char sql[128];
	struct error e;

	ck_assert_int_eq(db_pool_new(test_config(), "siegel_api", 2, &pool, &e), 0);
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, use_pool, &done[i]);
	for (int i = 0; i < 6; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(done[i], 50);
	}
	ck_assert_int_eq(db_pool_take(pool, &a, &e), 0);
	ck_assert_int_eq(db_pool_take(pool, &b, &e), 0);
	int64_t start = now_ms();
	ck_assert_int_eq(db_pool_take(pool, &c, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_int_ge(now_ms() - start, 4000);
	/* A transaction that was left open is gone, and so is what was set in it. */
	ck_assert_int_eq(db_exec(a, "BEGIN; SET LOCAL siegel.tenant = '1'", &e), 0);
	db_pool_give(pool, a);
	ck_assert_int_eq(db_pool_take(pool, &a, &e), 0);
	ck_assert_str_eq(test_one(a, "SELECT coalesce(current_setting('siegel.tenant', true), '')"), "");
	/* One that the server ended while it rested is replaced unseen. */
	char there[128];
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%s)", test_one(a, "SELECT pg_backend_pid()"));
	snprintf(there, sizeof(there), "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", test_one(a, "SELECT pg_backend_pid()"));
	db_pool_give(pool, a);
	test_superuser(sql);
	for (int i = 0; i < 2000 && strcmp(test_one(b, there), "0") != 0; i++)
		usleep(10000);
	ck_assert_int_eq(db_pool_take(pool, &a, &e), 0);
	ck_assert_str_eq(test_one(a, "SELECT 1"), "1");
	db_pool_give(pool, a);
	db_pool_give(pool, b);
	db_pool_free(pool);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("db");
	TCase *t = tcase_create("db");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, values_come_back);
	tcase_add_test(t, session_is_as_wanted);
	tcase_add_test(t, faults_are_told_apart);
	tcase_add_test(t, a_warning_with_a_commit_is_doubt);
	tcase_add_test(t, async_runs_without_waiting);
	tcase_add_test(t, async_sends_more_than_the_socket_takes);
	tcase_add_test(t, a_lost_connection_is_noticed);
	tcase_add_test(t, a_statement_that_takes_too_long_is_ended_by_the_server);
	tcase_add_test(t, a_store_that_isnt_durable_is_refused);
	tcase_add_test(t, arrays);
	tcase_add_test(t, arrays_without_elements_and_too_large);
	tcase_add_test(t, copy_reads_a_million_rows);
	tcase_add_test(t, copy_ends_early_and_badly);
	tcase_add_test(t, notifications_arrive);
	tcase_add_test(t, pool_is_shared);
	tcase_add_test(t, rows_before_the_commit_are_no_success);
	suite_add_tcase(suite, t);
	return test_main(suite);
}
