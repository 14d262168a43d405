/* What siegel-sched asks for: CRLs, OCSP signers, sweeping. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/ca/client.h"

static struct db *db;

static void
setup(void)
{
	db = test_db("siegel_ca");
}

static void
teardown(void)
{
	db_free(db);
}

static Siegel__Reply *
ask_clerk(Siegel__Request__OperationCase operation, int32_t ca_id)
{
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__MakeCrl crl = SIEGEL__MAKE_CRL__INIT;
	Siegel__MakeSigner signer = SIEGEL__MAKE_SIGNER__INIT;
	Siegel__Sweep sweep = SIEGEL__SWEEP__INIT;
	q.operation_case = operation;
	crl.ca_id = signer.ca_id = ca_id;
	if (operation == SIEGEL__REQUEST__OPERATION_CRL)
		q.crl = &crl;
	else if (operation == SIEGEL__REQUEST__OPERATION_SIGNER)
		q.signer = &signer;
	else
		q.sweep = &sweep;
	Siegel__Reply *reply = NULL;
	for (int i = 0; i < 50 && !reply; i++) { /* a clerk that was ended is there again soon */
		reply = client_ask("sched", &q);
		if (!reply)
			usleep(100000);
	}
	ck_assert_ptr_nonnull(reply);
	return reply;
}

START_TEST(test_crl)
{
	int64_t last = 0;
	for (int i = 0; i < 2; i++) {
		Siegel__Reply *reply = ask_clerk(SIEGEL__REQUEST__OPERATION_CRL, 2);
		ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_CRL);
		ck_assert_int_gt(reply->crl->number, last);
		ck_assert_int_gt(reply->crl->next_update, time(NULL));
		ck_assert_int_gt(reply->crl->size_bytes, 100);
		last = reply->crl->number;
		siegel__reply__free_unpacked(reply, NULL);
	}
	/* the offline root too */
	Siegel__Reply *root = ask_clerk(SIEGEL__REQUEST__OPERATION_CRL, 1);
	ck_assert_int_eq(root->result_case, SIEGEL__REPLY__RESULT_CRL);
	siegel__reply__free_unpacked(root, NULL);
}
END_TEST

START_TEST(test_signer)
{
	Siegel__Reply *reply = ask_clerk(SIEGEL__REQUEST__OPERATION_SIGNER, 2);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_SIGNER);
	char sql[160];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM ocsp_signer WHERE ca_id = 2 AND not_after = to_timestamp(%lld)", (long long)reply->signer->not_after);
	ck_assert_str_eq(test_one(db, sql), "1");
	siegel__reply__free_unpacked(reply, NULL);
}
END_TEST

START_TEST(test_no_such_ca)
{
	static const int32_t ids[] = {0, -1, 99, INT32_MAX, INT32_MIN};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		client_expect_error(ask_clerk(SIEGEL__REQUEST__OPERATION_CRL, ids[i]), E_NOT_FOUND, NULL);
		client_expect_error(ask_clerk(SIEGEL__REQUEST__OPERATION_SIGNER, ids[i]), E_NOT_FOUND, NULL);
	}
	test_superuser("UPDATE siegel.ca SET status = 'retired' WHERE id = 2");
	Siegel__Reply *crl = ask_clerk(SIEGEL__REQUEST__OPERATION_CRL, 2), *signer = ask_clerk(SIEGEL__REQUEST__OPERATION_SIGNER, 2);
	test_superuser("UPDATE siegel.ca SET status = 'active' WHERE id = 2");
	client_expect_error(crl, E_NOT_FOUND, NULL);
	client_expect_error(signer, E_NOT_FOUND, NULL);
	Siegel__Reply *again = ask_clerk(SIEGEL__REQUEST__OPERATION_CRL, 2);
	ck_assert_int_eq(again->result_case, SIEGEL__REPLY__RESULT_CRL);
	siegel__reply__free_unpacked(again, NULL);
}
END_TEST

/* Intents of a chain that nobody holds are marked once they are old; those of a chain that is held, and young ones, stay. */
START_TEST(test_sweep)
{
	struct error e;
	struct audit_chain chain;
	struct db *holder = test_db("siegel_ca");
	ck_assert_int_eq(audit_open(holder, "ca.77.0", &chain, &e), 0);
	(void)test_one(db, "INSERT INTO intent (ca_id, serial, tenant_id, profile_id, chain, tbs, created_at) VALUES"
			   " (2, '\\x0a01', 1, 1, 'ca.88.0', '', now() - interval '10 minutes'), (2, '\\x0a02', 1, 1, 'ca.88.1', '', now()),"
			   " (2, '\\x0a03', 1, 1, 'ca.77.0', '', now() - interval '10 minutes')");
	(void)test_one(db, "INSERT INTO request (request_key, tenant_id, body_hash, ca_id, serial, expires_at) VALUES"
			   " (decode(repeat('e1', 32), 'hex'), 1, '', 2, '\\x0a01', now() - interval '1 second'),"
			   " (decode(repeat('e2', 32), 'hex'), 1, '', 2, '\\x0a01', now() + interval '1 hour')");
	Siegel__Reply *reply = ask_clerk(SIEGEL__REQUEST__OPERATION_SWEEP, 0);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_SWEPT);
	ck_assert_int_eq(reply->swept->intents, 1);
	ck_assert_int_ge(reply->swept->requests, 1);
	siegel__reply__free_unpacked(reply, NULL);
	ck_assert_str_eq(test_one(db, "SELECT string_agg(encode(serial, 'hex'), ' ') FROM intent WHERE chain LIKE 'ca._8._' AND abandoned_at IS NOT NULL"), "0a01");
	ck_assert_str_eq(test_one(db, "SELECT abandoned_at IS NULL FROM intent WHERE serial = '\\x0a03'"), "t");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM request WHERE request_key = decode(repeat('e2', 32), 'hex')"), "1");
	/* and the lock was given back: a worker of that name can begin */
	ck_assert_int_eq(audit_open(db, "ca.88.0", &chain, &e), 0);
	db_free(holder);
	(void)test_one(db, "DELETE FROM intent WHERE serial IN ('\\x0a01', '\\x0a02', '\\x0a03')");
}
END_TEST

/* A file that isn't the list of the store is replaced: the clerk that starts sees it and says that a CRL is wanted. */
START_TEST(test_unpublished)
{
	char name[160];
	snprintf(name, sizeof(name), "crl/%s.crl", test_one(db, "SELECT encode(ski, 'hex') FROM ca WHERE id = 2"));
	(void)test_one(db, "UPDATE ca SET crl_wanted_at = NULL WHERE id = 2");
	house_write(name, "an older list");
	engine_kill(true);
	Siegel__Reply *reply = ask_clerk(SIEGEL__REQUEST__OPERATION_SWEEP, 0);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_SWEPT);
	siegel__reply__free_unpacked(reply, NULL);
	ck_assert_str_eq(test_one(db, "SELECT crl_wanted_at IS NOT NULL FROM ca WHERE id = 2"), "t");
	reply = ask_clerk(SIEGEL__REQUEST__OPERATION_CRL, 2);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_CRL);
	siegel__reply__free_unpacked(reply, NULL);
}
END_TEST

TCase *
tcase_clerk(void)
{
	TCase *c = tcase_create("clerk");
	tcase_add_unchecked_fixture(c, engine_start, NULL);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_crl);
	tcase_add_test(c, test_signer);
	tcase_add_test(c, test_no_such_ca);
	tcase_add_test(c, test_sweep);
	tcase_add_test(c, test_unpublished);
	tcase_set_timeout(c, 60);
	return c;
}
