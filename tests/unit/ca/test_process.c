/* What stands between the engine's processes: ca/channel.c and ca/maker.c. */
#include <check.h>
#undef fail /* an old name of check.h; ours is that of lib/error.h */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/channel.h"
#include "ca/maker.h"
#include "lib/mem.h"

static struct error e;

/* --- channel --- */

static int pair[2]; /* the master's end, the child's */

static void
setup_channel(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void
teardown_channel(void)
{
	close(pair[0]);
	close(pair[1]);
}

START_TEST(test_pass)
{
	enum caller caller = CALLER_API;
	int fd = -1, line[2];
	char text[8];
	ck_assert_int_eq(channel_take(pair[1], &caller, &fd), CHANNEL_NOTHING);
	for (int c = 0; c < CALLER_COUNT; c++) {
		ck_assert_int_eq(pipe(line), 0);
		ck_assert(channel_pass(pair[0], (enum caller)c, line[1]));
		close(line[1]);
		ck_assert_int_eq(channel_take(pair[1], &caller, &fd), CHANNEL_TAKEN);
		ck_assert_int_eq((int)caller, c);
		/* it is that file, and no program that is started inherits it */
		ck_assert_int_eq(write(fd, "here", 4), 4);
		ck_assert_int_eq(read(line[0], text, sizeof(text)), 4);
		ck_assert_mem_eq(text, "here", 4);
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		close(fd);
		close(line[0]);
	}
	ck_assert_int_eq(channel_take(pair[1], &caller, &fd), CHANNEL_NOTHING);
}
END_TEST

/* Octets without a descriptor, and of no caller: nothing is taken, and nothing stays open. */
START_TEST(test_pass_nonsense)
{
	enum caller caller = CALLER_API;
	int fd = -1;
	ck_assert_int_eq(send(pair[0], "\0", 1, 0), 1);
	ck_assert_int_eq(channel_take(pair[1], &caller, &fd), CHANNEL_NOTHING);
	ck_assert_int_eq(fd, -1);
	int first_free = dup(0);
	close(first_free);
	for (int c = CALLER_COUNT; c < 256; c += 50) {
		ck_assert(channel_pass(pair[0], (enum caller)c, 0));
		ck_assert_int_eq(channel_take(pair[1], &caller, &fd), CHANNEL_NOTHING);
		ck_assert_int_eq(fd, -1);
	}
	int still_free = dup(0);
	close(still_free);
	ck_assert_int_eq(still_free, first_free);
}
END_TEST

START_TEST(test_ended)
{
	enum caller caller = CALLER_API;
	int fd = -1;
	char octet;
	channel_tell(pair[1], CHANNEL_READY);
	channel_tell(pair[1], CHANNEL_CLOSED);
	ck_assert_int_eq(recv(pair[0], &octet, 1, 0), 1);
	ck_assert_int_eq(octet, CHANNEL_READY);
	ck_assert_int_eq(recv(pair[0], &octet, 1, 0), 1);
	ck_assert_int_eq(octet, CHANNEL_CLOSED);
	close(pair[0]);
	ck_assert_int_eq(channel_take(pair[1], &caller, &fd), CHANNEL_ENDED);
	channel_tell(pair[1], CHANNEL_CLOSED); /* and nobody is hurt */
	ck_assert(!channel_pass(pair[1], CALLER_API, 0));
	pair[0] = dup(pair[1]);
}
END_TEST

/* A child that takes nothing blocks nobody. */
START_TEST(test_full)
{
	int n = 0;
	while (n < 100000 && channel_pass(pair[0], CALLER_API, 0))
		n++;
	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, 100000);
	for (int i = 0; i < 100000; i++)
		channel_tell(pair[1], CHANNEL_CLOSED);
}
END_TEST

/* Every pair of caller and operation, as the table at the head of lib/ipc/engine.proto has it. */
START_TEST(test_rights)
{
	static const struct {
		Siegel__Request__OperationCase operation;
		const char *callers;
	} table[] = {
	    {SIEGEL__REQUEST__OPERATION__NOT_SET, ""},      {SIEGEL__REQUEST__OPERATION_ISSUE, "api est scep acme"},
	    {SIEGEL__REQUEST__OPERATION_REVOKE, "api acme"}, {SIEGEL__REQUEST__OPERATION_CRL, "sched"},
	    {SIEGEL__REQUEST__OPERATION_SIGNER, "sched"},   {SIEGEL__REQUEST__OPERATION_SWEEP, "sched"},
	    {SIEGEL__REQUEST__OPERATION_STATUS, "api sched"}, {SIEGEL__REQUEST__OPERATION_SEAL, "sched"},
	    {SIEGEL__REQUEST__OPERATION_RA, "sched"},       {SIEGEL__REQUEST__OPERATION_RA_SIGN, "est scep"},
	    {SIEGEL__REQUEST__OPERATION_RA_DECRYPT, "scep"}, {SIEGEL__REQUEST__OPERATION_PASSWORD, "scep"},
	    {SIEGEL__REQUEST__OPERATION_WRAP_KEY, "est"},     {SIEGEL__REQUEST__OPERATION_CSR_ATTRIBUTES, "est"},
	    {SIEGEL__REQUEST__OPERATION_MAC, "acme"},       {SIEGEL__REQUEST__OPERATION_MANAGE, "manage login"},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		for (int c = 0; c < CALLER_COUNT; c++)
			ck_assert_int_eq(caller_may((enum caller)c, table[i].operation), strstr(table[i].callers, caller_name((enum caller)c)) != NULL);
	for (int c = 0; c < CALLER_COUNT; c++) {
		ck_assert_int_eq(caller_may_sign((enum caller)c, SIEGEL__RA_SIGN__ANSWER_SCEP_REPLY), c == CALLER_SCEP);
		ck_assert_int_eq(caller_may_sign((enum caller)c, SIEGEL__RA_SIGN__ANSWER_SCEP_NEXT_CA), c == CALLER_SCEP);
		ck_assert_int_eq(caller_may_sign((enum caller)c, SIEGEL__RA_SIGN__ANSWER_CMC_REPLY), c == CALLER_EST);
		ck_assert_int_eq(caller_may_sign((enum caller)c, SIEGEL__RA_SIGN__ANSWER_KEY_PACKAGE), c == CALLER_EST);
		ck_assert(!caller_may_sign((enum caller)c, SIEGEL__RA_SIGN__ANSWER__NOT_SET));
	}
}
END_TEST

/* --- maker --- */

static EVP_PKEY *
take(struct maker *m)
{
	struct pollfd p = {m->fd, POLLIN, 0};
	EVP_PKEY *key = NULL;
	ck_assert_int_eq(poll(&p, 1, 60000), 1);
	ck_assert_msg(maker_take(m, &key, &e) == 0, "%s", e.detail);
	return key;
}

/* Keys come in the order in which they were asked for, and no two are the same. */
START_TEST(test_keys)
{
	static const char *const wanted[] = {"rsa2048", "p256", "rsa3072", "rsa2048"};
	EVP_PKEY *keys[ARRAY_LEN(wanted)];
	struct maker m;
	ck_assert_int_eq(maker_start(&m, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		ck_assert_int_eq(maker_ask(&m, keytype_by_name(wanted[i]), &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		keys[i] = take(&m);
		ck_assert_int_eq(EVP_PKEY_get_bits(keys[i]), keytype_by_name(wanted[i])->bits);
	}
	ck_assert_int_ne(EVP_PKEY_eq(keys[0], keys[3]), 1);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		EVP_PKEY_free(keys[i]);
	maker_stop(&m);
	ck_assert_int_eq(m.fd, -1);
	maker_stop(&m); /* once more does nothing */
}
END_TEST

START_TEST(test_which)
{
	ck_assert(maker_is_for(keytype_by_name("slhdsa-sha2-128s")));
	ck_assert(maker_is_for(keytype_by_name("rsa2048")) && maker_is_for(keytype_by_name("rsa8192")));
	ck_assert(!maker_is_for(keytype_by_name("p256")) && !maker_is_for(keytype_by_name("ed25519")));
}
END_TEST

/* A maker that was ended: the worker sees it, is told what to say, and starts another. */
START_TEST(test_gone)
{
	struct maker m;
	EVP_PKEY *key = NULL;
	ck_assert_int_eq(maker_start(&m, &e), 0);
	ck_assert_int_eq(kill(m.pid, SIGKILL), 0);
	struct pollfd p = {m.fd, POLLIN, 0};
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(maker_take(&m, &key, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_int_eq(maker_ask(&m, keytype_by_name("rsa2048"), &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	maker_stop(&m);
	ck_assert_int_eq(maker_ask(&m, keytype_by_name("rsa2048"), &e), -1);
	ck_assert_int_eq(maker_start(&m, &e), 0);
	ck_assert_int_eq(maker_ask(&m, keytype_by_name("p256"), &e), 0);
	key = take(&m);
	EVP_PKEY_free(key);
	maker_stop(&m);
}
END_TEST

/* What the library can't make is refused before it is asked for, and the maker goes on. */
START_TEST(test_lacking)
{
	const struct keytype *type = keytype_by_name("slhdsa-sha2-128f");
	struct error why;
	struct maker m;
	ck_assert_int_eq(maker_start(&m, &e), 0);
	int lacking = keytype_available(type, &why);
	ck_assert_int_eq(maker_ask(&m, type, &e), lacking);
	if (lacking < 0) {
		ck_assert_int_eq(e.code, E_UNSUPPORTED);
		ck_assert_int_eq(maker_ask(&m, keytype_by_name("p256"), &e), 0);
	}
	EVP_PKEY_free(take(&m));
	maker_stop(&m);
}
END_TEST

/* More than can wait is refused, and doesn't wait. */
START_TEST(test_too_many)
{
	struct maker m;
	int n = 0;
	ck_assert_int_eq(maker_start(&m, &e), 0);
	ck_assert_int_eq(kill(m.pid, SIGSTOP), 0);
	while (n < 100000 && maker_ask(&m, keytype_by_name("rsa8192"), &e) == 0)
		n++;
	ck_assert_int_lt(n, 100000);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	maker_stop(&m);
}
END_TEST

/* It ends with the worker, and knows none of its files. */
START_TEST(test_knows_nothing)
{
	struct maker m;
	int line[2];
	char octet;
	ck_assert_int_eq(pipe(line), 0);
	ck_assert_int_eq(maker_start(&m, &e), 0);
	close(line[1]);
	struct pollfd p = {line[0], POLLIN, 0};
	ck_assert_int_eq(poll(&p, 1, 10000), 1); /* nobody else holds the pipe */
	ck_assert_int_eq(read(line[0], &octet, 1), 0);
	close(line[0]);
	close(m.fd);
	int status = 1;
	ck_assert_int_eq(waitpid(m.pid, &status, 0), m.pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("processes of the engine");
	TCase *channel = tcase_create("channel"), *maker = tcase_create("maker");
	tcase_add_checked_fixture(channel, setup_channel, teardown_channel);
	tcase_add_test(channel, test_pass);
	tcase_add_test(channel, test_pass_nonsense);
	tcase_add_test(channel, test_ended);
	tcase_add_test(channel, test_full);
	tcase_add_test(channel, test_rights);
	suite_add_tcase(s, channel);
	tcase_add_test(maker, test_which);
	tcase_add_test(maker, test_keys);
	tcase_add_test(maker, test_gone);
	tcase_add_test(maker, test_lacking);
	tcase_add_test(maker, test_too_many);
	tcase_add_test(maker, test_knows_nothing);
	tcase_set_timeout(maker, 60);
	suite_add_tcase(s, maker);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
