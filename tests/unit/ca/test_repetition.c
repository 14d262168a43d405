/* Request keys: one certificate for each, whoever asks how often; and what takes long beside what doesn't. */
#include <openssl/ec.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/ca/client.h"

#define AT_ONCE 12

/* The same request on several connections at once, which are those of all workers: one certificate, and its key once. */
START_TEST(test_at_once)
{
	struct asking q;
	int fds[AT_ONCE];
	int64_t id = 0;
	size_t firsts = 0, keys = 0;
	uint8_t serial[20] = {0};
	size_t serial_len = 0;
	for (int i = 0; i < AT_ONCE; i++)
		fds[i] = client_connect("api");
	ask(&q, 1, "once.example");
	ask_with_key(&q, (uint8_t)(0x20 + _i), 1);
	for (int i = 0; i < AT_ONCE; i++)
		client_send_issue(fds[i], &q);
	for (int i = 0; i < AT_ONCE; i++) {
		Siegel__Reply *reply = client_reply(fds[i]);
		ck_assert_ptr_nonnull(reply);
		ck_assert_msg(reply->result_case == SIEGEL__REPLY__RESULT_ISSUED, "%s", reply->error->detail);
		const Siegel__Issued *x = reply->issued;
		firsts += !x->repeated;
		keys += *x->private_key_pem != '\0';
		if (!id) {
			id = x->certificate->id;
			serial_len = x->certificate->serial.len;
			memcpy(serial, x->certificate->serial.data, serial_len);
		}
		ck_assert_int_eq(x->certificate->id, id);
		ck_assert_uint_eq(x->certificate->serial.len, serial_len);
		ck_assert_mem_eq(x->certificate->serial.data, serial, serial_len);
		ck_assert(!x->repeated || *x->private_key_pem == '\0');
		siegel__reply__free_unpacked(reply, NULL);
		close(fds[i]);
	}
	ck_assert_uint_eq(firsts, 1);
	ck_assert_uint_eq(keys, 1);
	/* and no other is in the store */
	struct db *db = test_db("siegel_ca");
	ck_assert_str_eq(test_one(db, "SELECT count(*) > 0 FROM certificate WHERE common_name = 'once.example'"), "t");
	char sql[128];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM certificate WHERE common_name = 'once.example' AND id >= %lld", (long long)id);
	ck_assert_str_eq(test_one(db, sql), "1");
	db_free(db);
}
END_TEST

START_TEST(test_repeated)
{
	struct asking q;
	ask(&q, 1, "again.example");
	ask_with_key(&q, 0x30, 1);
	Siegel__Reply *first = client_issue(&q), *second = client_issue(&q);
	ck_assert_int_eq(first->result_case, SIEGEL__REPLY__RESULT_ISSUED);
	ck_assert_int_eq(second->result_case, SIEGEL__REPLY__RESULT_ISSUED);
	const Siegel__Certificate *a = first->issued->certificate, *b = second->issued->certificate;
	ck_assert(!first->issued->repeated && second->issued->repeated);
	ck_assert_str_eq(second->issued->validity_rule, "as issued before");
	ck_assert_str_eq(second->issued->private_key_pem, "");
	ck_assert_str_eq(first->issued->chain_pem, second->issued->chain_pem);
	/* all that is told of a certificate is told again */
	ck_assert_int_eq(a->id, b->id);
	ck_assert_uint_eq(a->der.len, b->der.len);
	ck_assert_mem_eq(a->der.data, b->der.data, a->der.len);
	ck_assert_str_eq(a->subject, b->subject);
	ck_assert_str_eq(a->common_name, b->common_name);
	ck_assert_uint_eq(b->n_names, 1);
	ck_assert_str_eq(a->names[0], b->names[0]);
	ck_assert_int_eq(a->not_before, b->not_before);
	ck_assert_int_eq(a->not_after, b->not_after);
	ck_assert_int_eq(a->created_at, b->created_at);
	ck_assert_str_eq(a->status, b->status);
	ck_assert_str_eq(a->profile, b->profile);
	ck_assert_str_eq(a->kind, b->kind);
	ck_assert_str_eq(a->ca, b->ca);
	ck_assert_int_eq(a->ca_id, b->ca_id);
	siegel__reply__free_unpacked(first, NULL);
	siegel__reply__free_unpacked(second, NULL);
	/* from another front end, which sends CSRs, it is the same */
	test_superuser("INSERT INTO siegel.endpoint (tenant_id, protocol, label, profile_id, auth) SELECT 1, 'est', 'repetition', p.id, '{password}'"
		       " FROM siegel.profile p WHERE p.tenant_id = 1 AND p.name = 'server'");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	ask_with_csr(&q, key);
	q.requestor.source = writable("est");
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	request.operation_case = SIEGEL__REQUEST__OPERATION_ISSUE;
	request.issue = &q.issue;
	Siegel__Reply *third = client_ask("est", &request);
	ck_assert_msg(third->result_case == SIEGEL__REPLY__RESULT_ISSUED, "%s", third->error->detail);
	ck_assert(third->issued->repeated);
	siegel__reply__free_unpacked(third, NULL);
	ask_free(&q);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(test_other_body)
{
	struct asking q;
	ask(&q, 1, "body.example");
	ask_with_key(&q, 0x31, 1);
	client_expect_issued(client_issue(&q));
	ask_with_key(&q, 0x31, 2);
	client_expect_error(client_issue(&q), E_KEY_REUSED, NULL);
	ask_with_key(&q, 0x31, 1);
	client_expect_issued(client_issue(&q));
}
END_TEST

/* After its window a key is a new one. */
START_TEST(test_window)
{
	struct asking q;
	ask(&q, 1, "window.example");
	ask_with_key(&q, 0x32, 1);
	q.issue.window_sec = 1;
	int64_t first = client_expect_issued(client_issue(&q));
	usleep(1100000);
	ask_with_key(&q, 0x32, 2); /* another body too: nothing is kept of the old one */
	ck_assert_int_ne(client_expect_issued(client_issue(&q)), first);
}
END_TEST

/* What was refused leaves nothing behind: the key is free for the mended request. */
START_TEST(test_refused_is_free)
{
	struct asking q;
	ask(&q, 1, "free.example");
	ask_with_key(&q, 0x33, 1);
	q.issue.days = 40000;
	client_expect_error(client_issue(&q), E_BAD_VALUE, "days");
	q.issue.days = 10;
	ask_with_key(&q, 0x33, 2);
	client_expect_issued(client_issue(&q));
}
END_TEST

/* RSA keys are made on all workers, and others don't wait for them. */
START_TEST(test_rsa_beside)
{
	struct asking rsa, q;
	int slow[4], fd = client_connect("api");
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = client_connect("api");
		ask(&rsa, 1, "rsa.example");
		rsa.issue.key_type = writable("rsa4096");
		client_send_issue(slow[i], &rsa);
	}
	int before_all = 0;
	for (int i = 0; i < 10; i++) {
		struct pollfd p[] = {{slow[0], POLLIN, 0}, {slow[1], POLLIN, 0}, {slow[2], POLLIN, 0}, {slow[3], POLLIN, 0}};
		ask(&q, 1, "quick.example");
		client_send_issue(fd, &q);
		client_expect_issued(client_reply(fd));
		before_all += poll(p, ARRAY_LEN(p), 0) < (int)ARRAY_LEN(p);
	}
	ck_assert_int_gt(before_all, 0);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		Siegel__Reply *reply = client_reply(slow[i]);
		ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_ISSUED);
		ck_assert_uint_gt(strlen(reply->issued->private_key_pem), 3000);
		siegel__reply__free_unpacked(reply, NULL);
		close(slow[i]);
	}
	close(fd);
}
END_TEST

TCase *
tcase_repetition(void)
{
	TCase *c = tcase_create("repetition");
	tcase_add_unchecked_fixture(c, engine_start, NULL);
	tcase_add_loop_test(c, test_at_once, 0, 8);
	tcase_add_test(c, test_repeated);
	tcase_add_test(c, test_other_body);
	tcase_add_test(c, test_window);
	tcase_add_test(c, test_refused_is_free);
	tcase_add_test(c, test_rsa_beside);
	tcase_set_timeout(c, 120);
	return c;
}
