/* The jobs, against a real store and an engine that writes down what it is asked. */
#include "config.h"
#include "tests/unit/db/support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/ipc/frame.h"
#include "lib/log.h"
#include "sched/jobs.h"

/* The engine of these tests: answers all, or refuses one CA. */
static struct {
	int fd;
	pthread_mutex_t lock;
	char asked[1024]; /* "crl 1;signer 2;sweep;" */
	int refuse_ca;
} engine = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
answer(const Siegel__Request *q, Siegel__Reply *reply)
{
	static Siegel__MadeCrl crl = SIEGEL__MADE_CRL__INIT;
	static Siegel__MadeSigner signer = SIEGEL__MADE_SIGNER__INIT;
	static Siegel__Swept swept = SIEGEL__SWEPT__INIT;
	static Siegel__Sealed sealed = SIEGEL__SEALED__INIT;
	static Siegel__Error error;
	static char heads[] = "api.tokens 3 00ff\nca.0.1 9 ab12\n";
	static uint8_t signature[] = {0x30, 0x02, 0x05, 0x00};
	static char code[] = "internal", detail[] = "refused by the test";
	char line[64] = "?;";
	int ca = 0;

	if (q->operation_case == SIEGEL__REQUEST__OPERATION_CRL) {
		ca = q->crl->ca_id;
		snprintf(line, sizeof(line), "crl %d;", ca);
		reply->result_case = SIEGEL__REPLY__RESULT_CRL;
		reply->crl = &crl;
	} else if (q->operation_case == SIEGEL__REQUEST__OPERATION_SIGNER) {
		ca = q->signer->ca_id;
		snprintf(line, sizeof(line), "signer %d;", ca);
		reply->result_case = SIEGEL__REPLY__RESULT_SIGNER;
		reply->signer = &signer;
	} else if (q->operation_case == SIEGEL__REQUEST__OPERATION_SEAL) {
		snprintf(line, sizeof(line), "seal;");
		sealed.id = 7;
		sealed.at_us = 1700000000123456;
		sealed.heads = heads;
		sealed.signature = (ProtobufCBinaryData){sizeof(signature), signature};
		reply->result_case = SIEGEL__REPLY__RESULT_SEALED;
		reply->sealed = &sealed;
	} else if (q->operation_case == SIEGEL__REQUEST__OPERATION_SWEEP) {
		snprintf(line, sizeof(line), "sweep;");
		reply->result_case = SIEGEL__REPLY__RESULT_SWEPT;
		reply->swept = &swept;
	}
	pthread_mutex_lock(&engine.lock);
	strncat(engine.asked, line, sizeof(engine.asked) - strlen(engine.asked) - 1);
	if (ca && ca == engine.refuse_ca) {
		siegel__error__init(&error);
		error.code = code;
		error.detail = detail;
		reply->result_case = SIEGEL__REPLY__RESULT_ERROR;
		reply->error = &error;
	}
	pthread_mutex_unlock(&engine.lock);
}

static void
serve_one(int fd)
{
	uint8_t head[4], in[1024], out[1024];

	while (recv(fd, head, 4, MSG_WAITALL) == 4) {
		size_t len = (size_t)head[2] << 8 | head[3];
		if (len > sizeof(in) || recv(fd, in, len, MSG_WAITALL) != (ssize_t)len)
			break;
		Siegel__Request *q = siegel__request__unpack(NULL, len, in);
		Siegel__Reply reply = SIEGEL__REPLY__INIT;
		if (!q)
			break;
		answer(q, &reply);
		siegel__request__free_unpacked(q, NULL);
		len = siegel__reply__pack(&reply, out + 4);
		frame_head(out, len);
		if (send(fd, out, len + 4, MSG_NOSIGNAL) != (ssize_t)len + 4)
			break;
	}
	close(fd);
}

static void *
serve(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(engine.fd, NULL, NULL)) >= 0)
		serve_one(fd);
	return NULL;
}

static const char *
in_dir(const char *name)
{
	static char path[108];

	snprintf(path, sizeof(path), "%s/%s", getenv("SIEGEL_TEST_DIR"), name);
	return path;
}

static void
engine_start(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	pthread_t thread;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", in_dir("ca.sched.sock"));
	unlink(a.sun_path);
	engine.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(engine.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(engine.fd, 8), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	pthread_detach(thread);
}

/* What was asked since the last call. */
static const char *
asked(void)
{
	static char text[sizeof(engine.asked)];

	pthread_mutex_lock(&engine.lock);
	memcpy(text, engine.asked, sizeof(text));
	engine.asked[0] = '\0';
	pthread_mutex_unlock(&engine.lock);
	return text;
}

/* What was asked since the last call, once that is among it, or after a while without it: a process comes to it when the machine lets it. */
static const char *
asked_until(const char *wanted)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&engine.lock);
		bool found = strstr(engine.asked, wanted) != NULL;
		pthread_mutex_unlock(&engine.lock);
		if (found)
			break;
		usleep(10000);
	}
	return asked();
}

static struct sched s;
static struct db *owner;

/* Four CAs (the third retired, the fourth never issued), no CRL, no signer. */
static void
setup(void)
{
	struct error e;

	engine_start();
	s = (struct sched){.config = test_config(), .db = test_db("siegel_sched"), .engine = engine_new(test_config(), "sched"), .wake_ms = -1};
	owner = test_db("siegel_owner");
	if (db_exec(owner,
	            "DELETE FROM crl; DELETE FROM ocsp_signer; DELETE FROM ca; DELETE FROM profile; DELETE FROM tenant;"
	            "INSERT INTO tenant (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'default');"
	            "INSERT INTO ca (id, tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, not_before, not_after, ocsp_url,"
	            " crl_url, ca_url, crl_interval_sec, crl_overlap_sec, serves_until) OVERRIDING SYSTEM VALUE "
	            "SELECT i, 1, 'ca' || i, CASE i WHEN 2 THEN 'offline' WHEN 3 THEN 'retired' ELSE 'active' END, 'CN=x', '\\x00', int4send(i),"
	            " sha256(''), 'file:x', now() - '1y'::interval, now() + '1y'::interval, '', '', '', 3600, 60,"
	            " CASE WHEN i < 4 THEN now() + '1d'::interval END FROM generate_series(1, 4) i",
	            &e) < 0)
		ck_abort_msg("%s", db_last_message(owner));
}

static void
teardown(void)
{
	db_free(s.db);
	db_free(owner);
	engine_free(s.engine);
	free(s.wanted.ca_ids);
	close(engine.fd);
}

#define CRL_ROW(ca, number, ago) \
	test_one(owner, "INSERT INTO crl VALUES (" #ca ", " #number ", now() - '" ago "'::interval, now() + '1h'::interval, 0, 0, ''," \
	                " now() - '" ago "'::interval)")

START_TEST(crl_for_each_ca_that_isnt_retired)
{
	struct error e;

	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "crl 1;crl 2;");
	CRL_ROW(1, 1, "10s");
	CRL_ROW(2, 1, "2h");
	CRL_ROW(2, 2, "3590s");
	s.wake_ms = -1;
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "");
	/* It wants to run when the next is due. */
	ck_assert_int_gt(s.wake_ms, 5000);
	ck_assert_int_le(s.wake_ms, 10001);
	CRL_ROW(1, 2, "3601s");
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "crl 1;");
}
END_TEST

START_TEST(crl_after_a_revocation)
{
	struct error e;

	CRL_ROW(1, 1, "10s");
	CRL_ROW(2, 1, "10s");
	test_one(owner, "UPDATE ca SET crl_wanted_at = now() WHERE id = 2");
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "crl 2;");
	/* One that has it was made: nothing to do. Then one more, within the shortest interval. */
	CRL_ROW(2, 2, "0s");
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "");
	test_one(owner, "UPDATE ca SET crl_wanted_at = now() WHERE id = 2");
	s.wake_ms = -1;
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "");
	ck_assert_int_gt(s.wake_ms, 0);
	ck_assert_int_le(s.wake_ms, 2001);
	/* A revocation whose transaction began before the CRL and ended after it: only the notification tells. */
	CRL_ROW(1, 2, "3s");
	test_one(owner, "UPDATE ca SET crl_wanted_at = now() - '5s'::interval WHERE id = 1");
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "");
	job_crl.notified(&s, "1");
	job_crl.notified(&s, "1");
	job_crl.notified(&s, "rubbish");
	ck_assert_uint_eq(s.wanted.count, 1);
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "crl 1;");
	ck_assert_uint_eq(s.wanted.count, 0);
}
END_TEST

/* A CA that never issued costs nothing until its first certificate. */
START_TEST(first_certificate)
{
	struct error e;

	CRL_ROW(1, 1, "0s");
	CRL_ROW(2, 1, "0s");
	CRL_ROW(4, 1, "100d");
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_int_eq(job_signer.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "signer 1;signer 2;");
	test_one(owner, "INSERT INTO profile (tenant_id, name, kind, title, definition) VALUES (1, 'p', 'certificate', 'p', '{}'), (1, 'q', 'certificate',"
	                " 'q', '{\"ocsp_nocheck\": true}') ON CONFLICT DO NOTHING");
#define ISSUE(profile, serial)                                                                                                                   \
	test_one(owner, "INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash," \
	                " der, requestor, source) SELECT 1, 4, id, '" serial "', '', '', '{}', now(), now() + '1y'::interval, '', '', 'x', 'x' FROM"  \
	                " profile WHERE name = '" profile "'")
	/* its OCSP signer is no certificate that somebody asks for */
	ISSUE("q", "12345678");
	ck_assert_str_eq(test_one(owner, "SELECT serves_until IS NULL FROM ca WHERE id = 4"), "t");
	ISSUE("p", "12345679");
	ck_assert_str_eq(test_one(owner, "SELECT serves_until BETWEEN now() + '1y'::interval AND now() + '1y 8d'::interval FROM ca WHERE id = 4"), "t");
	ck_assert_int_eq(job_crl.run(&s, &e), 0);
	ck_assert_int_eq(job_signer.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "crl 4;signer 1;signer 2;signer 4;");
	test_one(owner, "DELETE FROM certificate");
}
END_TEST

START_TEST(one_cas_fault_doesnt_stop_the_others)
{
	struct error e;

	engine.refuse_ca = 1;
	job_crl.notified(&s, "1");
	ck_assert_int_eq(job_crl.run(&s, &e), -1);
	ck_assert_int_eq(e.code, E_INTERNAL);
	ck_assert_str_eq(asked(), "crl 1;crl 2;");
	/* It is still wanted. */
	ck_assert_uint_eq(s.wanted.count, 1);
	ck_assert_int_eq(job_signer.run(&s, &e), -1);
	ck_assert_str_eq(asked(), "signer 1;signer 2;");
	engine.refuse_ca = 0;
}
END_TEST

START_TEST(signers_are_made_and_renewed)
{
	struct error e;

	ck_assert_int_eq(job_signer.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "signer 1;signer 2;");
	test_one(owner, "INSERT INTO ocsp_signer SELECT i, '\\x01', '', '', now() - i * '1d'::interval, now() + '36h'::interval "
	                "FROM generate_series(1, 2) i");
	ck_assert_int_eq(job_signer.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "signer 2;");
	test_one(owner, "INSERT INTO ocsp_signer VALUES (2, '\\x02', '', '', now(), now() + '3d'::interval)");
	ck_assert_int_eq(job_signer.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "");
}
END_TEST

START_TEST(sweep_is_asked_for)
{
	struct error e;

	ck_assert_int_eq(job_sweep.run(&s, &e), 0);
	ck_assert_str_eq(asked(), "sweep;");
}
END_TEST

START_TEST(an_engine_that_is_away_is_a_fault)
{
	struct error e;

	unlink(in_dir("ca.sched.sock"));
	ck_assert_int_eq(job_sweep.run(&s, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
}
END_TEST

static int
lines(char *last, size_t size)
{
	FILE *f = fopen(in_dir("anchor"), "re");
	int n = 0;

	if (!f)
		return 0;
	while (fgets(last, (int)size, f))
		n++;
	fclose(f);
	return n;
}

START_TEST(heads_are_anchored_when_they_moved)
{
	char last[256], want[256];
	struct error e;
	struct stat st;

	ck_assert_int_eq(job_anchor.run(&s, &e), 0);
	ck_assert_int_eq(lines(last, sizeof(last)), 0);
	test_one(owner, "INSERT INTO audit SELECT c, n, 0, 1, 'a', 'b', 'c', '{}', sha256((c || n)::bytea) "
	                "FROM unnest(ARRAY['ca.0.1', 'api.0', 'ca.10.1']) c, generate_series(1, 20) n");
	ck_assert_int_eq(job_anchor.run(&s, &e), 0);
	ck_assert_int_eq(lines(last, sizeof(last)), 3);
	snprintf(want, sizeof(want), " ca.10.1 20 %s\n", test_one(owner, "SELECT encode(sha256('ca.10.120'), 'hex')"));
	ck_assert_ptr_nonnull(strchr(last, ' '));
	ck_assert_str_eq(strchr(last, ' '), want);
	ck_assert_int_eq(stat(in_dir("anchor"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 077, 0);
	/* Unmoved: no lines. Moved: all heads once more, after what is there. */
	ck_assert_int_eq(job_anchor.run(&s, &e), 0);
	ck_assert_int_eq(lines(last, sizeof(last)), 3);
	test_one(owner, "INSERT INTO audit VALUES ('ca.0.1', 21, 0, 1, 'a', 'b', 'c', '{}', sha256(''))");
	ck_assert_int_eq(job_anchor.run(&s, &e), 0);
	ck_assert_int_eq(lines(last, sizeof(last)), 6);
	/* A file that can't be written is a fault, and the heads are anchored once it can. */
	test_one(owner, "INSERT INTO audit VALUES ('ca.0.1', 22, 0, 1, 'a', 'b', 'c', '{}', sha256(''))");
	unlink(in_dir("anchor"));
	ck_assert_int_eq(symlink("elsewhere", in_dir("anchor")), 0);
	ck_assert_int_eq(job_anchor.run(&s, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	unlink(in_dir("anchor"));
	ck_assert_int_eq(job_anchor.run(&s, &e), 0);
	ck_assert_int_eq(lines(last, sizeof(last)), 3);
}
END_TEST

/* A seal in the anchor file: the heads that it is for between two marks. */
START_TEST(seals_go_to_the_anchor_file)
{
	struct error e;
	char text[512];
	size_t n;
	FILE *f;

	unlink(in_dir("anchor"));
	ck_assert_int_eq(job_seal.run(&s, &e), 0);
	f = fopen(in_dir("anchor"), "r");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	ck_assert_str_eq(text, "# heads 1700000000123456\n1700000000 api.tokens 3 00ff\n1700000000 ca.0.1 9 ab12\n"
	                       "# seal 1700000000123456 30020500\n");
	unlink(in_dir("anchor"));
}
END_TEST

START_TEST(all_jobs_are_in_the_list)
{
	int n = 0;

	for (; job_list[n]; n++) {
		ck_assert_ptr_nonnull(job_list[n]->name);
		ck_assert_ptr_nonnull(job_list[n]->run);
		ck_assert_int_ge(config_int(test_config(), job_list[n]->period_sec), 1);
		ck_assert(!job_list[n]->channel == !job_list[n]->notified);
	}
	ck_assert_int_eq(n, 8);
}
END_TEST

/* The program itself: started, woken by a revocation, database gone and back, engine gone and back, ended. */
START_TEST(the_program_carries_on)
{
	const char *text;
	int status;

	CRL_ROW(1, 1, "10s");
	CRL_ROW(2, 1, "10s");
	test_one(owner, "INSERT INTO ocsp_signer SELECT i, '\\x01', '', '', now(), now() + '36h'::interval FROM generate_series(1, 2) i");
	pid_t pid = fork();
	if (pid == 0) {
		execl("./siegel-sched", "siegel-sched", "--config", getenv("SIEGEL_TEST_CONF"), (char *)NULL);
		_exit(127);
	}
	ck_assert_str_eq(asked_until("sweep;"), "seal;sweep;");
	test_one(owner, "UPDATE ca SET crl_wanted_at = now() WHERE id = 1");
	text = asked_until("crl 1;");
	ck_assert_msg(!strncmp(text, "crl 1;", 6), "%s", text);
	CRL_ROW(1, 2, "0s");
	/* The connection is lost, and a revocation comes meanwhile. */
	test_superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'siegel_sched'; "
	               "UPDATE siegel.ca SET crl_wanted_at = now() WHERE id = 2");
	text = asked_until("crl 2;");
	ck_assert_msg(strstr(text, "crl 2;") != NULL, "%s", text);
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *suite = suite_create("jobs");
	TCase *t = tcase_create("jobs");

	tcase_set_timeout(t, 90);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, crl_for_each_ca_that_isnt_retired);
	tcase_add_test(t, crl_after_a_revocation);
	tcase_add_test(t, first_certificate);
	tcase_add_test(t, one_cas_fault_doesnt_stop_the_others);
	tcase_add_test(t, signers_are_made_and_renewed);
	tcase_add_test(t, seals_go_to_the_anchor_file);
	tcase_add_test(t, sweep_is_asked_for);
	tcase_add_test(t, an_engine_that_is_away_is_a_fault);
	tcase_add_test(t, heads_are_anchored_when_they_moved);
	tcase_add_test(t, all_jobs_are_in_the_list);
	tcase_add_test(t, the_program_carries_on);
	suite_add_tcase(suite, t);
	return suite;
}

int
main(void)
{
	const char *path = getenv("SIEGEL_TEST_CONF"), *dir = getenv("SIEGEL_TEST_DIR");
	FILE *f = path ? fopen(path, "ae") : NULL;

	if (f) {
		fprintf(f, "[sockets]\ndir = %s\n[sched]\nanchor_file = %s/anchor\n", dir, dir);
		fclose(f);
	}
	log_open("test", LOG_LEVEL_ERROR);
	return test_main(suite());
}
