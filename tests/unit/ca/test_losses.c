/* What goes away under the engine: workers, database connections, the maker of keys. The program's last case: it stops the engine. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/ca/client.h"

static const char end_all[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'siegel_ca'";

START_TEST(test_worker_ended)
{
	struct asking q;
	ask(&q, 1, "worker.example");
	ask_with_key(&q, 0x60, 1);
	int64_t id = client_expect_issued(client_issue(&q));
	for (int i = 0; i < 2; i++) {
		engine_kill(false);
		engine_wait();
		ck_assert_int_eq(client_expect_issued(client_issue(&q)), id);
	}
}
END_TEST

/* Connections that end while nothing is under way cost nobody anything; those that end on the way cost a repetition at most. */
START_TEST(test_connections_ended)
{
	struct asking q;
	test_superuser(end_all);
	usleep(200000);
	engine_wait();
	ask(&q, 1, "idle.example");
	client_expect_issued(client_issue(&q));
	int fds[32];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_connect("api");
		ask(&q, 1, "lost.example");
		ask_with_key(&q, (uint8_t)(0x80 + i), 1);
		client_send_issue(fds[i], &q);
		if (i == ARRAY_LEN(fds) / 2)
			test_superuser(end_all);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		Siegel__Reply *reply = client_reply(fds[i]);
		close(fds[i]);
		for (int again = 0; again < 20 && reply && reply->result_case == SIEGEL__REPLY__RESULT_ERROR; again++) {
			ck_assert_msg(reply->error->retry_after_sec > 0, "%s: %s", reply->error->code, reply->error->detail);
			siegel__reply__free_unpacked(reply, NULL);
			usleep(200000);
			ask(&q, 1, "lost.example");
			ask_with_key(&q, (uint8_t)(0x80 + i), 1);
			reply = client_issue(&q);
		}
		client_expect_issued(reply);
	}
	struct db *db = test_db("siegel_ca");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate WHERE common_name = 'lost.example'"), "32");
	db_free(db);
}
END_TEST

/* A connection that ends in the statement of an intent: the request is tried again by the engine, with another serial, because nobody
 * knows whether the first intent is there. What is written outside of the transaction tells of the first try. */
START_TEST(test_new_serial)
{
	char sql[1600], first[64] = "";
	struct asking q;
	const char *seen = house_path("seen/serial");
	ck_assert_int_eq(system("mkdir -p $SIEGEL_TEST_DIR/house/seen && chmod 777 $SIEGEL_TEST_DIR/house/seen"), 0);
	snprintf(sql, sizeof(sql),
		 "CREATE SEQUENCE siegel.tries; CREATE FUNCTION siegel.end_first() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
		 " IF nextval('siegel.tries') = 1 THEN EXECUTE format('COPY (SELECT %%L) TO %%L', encode(NEW.serial, 'hex'), '%s');"
		 " PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$;"
		 "CREATE TRIGGER end_first BEFORE INSERT ON siegel.intent FOR EACH ROW EXECUTE FUNCTION siegel.end_first()",
		 seen);
	test_superuser(sql);
	ask(&q, 1, "tried.example");
	Siegel__Reply *reply = client_issue(&q);
	test_superuser("SET client_min_messages = warning; DROP FUNCTION siegel.end_first CASCADE; DROP SEQUENCE siegel.tries");
	FILE *f = fopen(seen, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(first, sizeof(first), f));
	fclose(f);
	ck_assert_msg(reply->result_case == SIEGEL__REPLY__RESULT_ISSUED, "%s", reply->error->detail);
	struct arena *a = arena_new(1 << 16);
	const ProtobufCBinaryData *serial = &reply->issued->certificate->serial;
	const char *second = arena_hex(a, serial->data, serial->len);
	ck_assert_int_ne(strncmp(first, second, strlen(second)), 0);
	arena_free(a);
	siegel__reply__free_unpacked(reply, NULL);
}
END_TEST

/* The store refuses what is signed: nothing leaves, the intent is marked, and the key of the request is free. */
START_TEST(test_not_stored)
{
	struct asking q;
	struct db *db = test_db("siegel_ca");
	test_superuser("CREATE FUNCTION siegel.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;"
		       "CREATE TRIGGER refuse BEFORE INSERT ON siegel.certificate FOR EACH ROW EXECUTE FUNCTION siegel.refuse()");
	ask(&q, 1, "full.example");
	ask_with_key(&q, 0x61, 1);
	Siegel__Reply *reply = client_issue(&q);
	test_superuser("SET client_min_messages = warning; DROP FUNCTION siegel.refuse CASCADE");
	client_expect_error(reply, E_STORE, NULL);
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM intent WHERE request_key = decode(repeat('61', 32), 'hex') AND abandoned_at IS NOT NULL"), "1");
	client_expect_issued(client_issue(&q));
	/* the chains of the lanes are whole after all of this */
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM (SELECT chain, seq, row_number() OVER (PARTITION BY chain ORDER BY seq) AS n FROM audit) AS x"
				      " WHERE seq <> n"),
			 "0");
	db_free(db);
}
END_TEST

TCase *
tcase_losses(void)
{
	TCase *c = tcase_create("losses");
	tcase_add_unchecked_fixture(c, engine_start, engine_stop);
	tcase_add_test(c, test_worker_ended);
	tcase_add_test(c, test_connections_ended);
	tcase_add_test(c, test_new_serial);
	tcase_add_test(c, test_not_stored);
	tcase_set_timeout(c, 120);
	return c;
}
