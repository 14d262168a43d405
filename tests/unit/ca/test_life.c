/* The life of a certificate at the engine's door: successors, holds, keys that two want certified at one instant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/ca/client.h"

static struct error e;

static int64_t
issued(const char *cn)
{
	struct asking q;
	ask(&q, 1, cn);
	return client_expect_issued(client_issue(&q));
}

/* A successor of a certificate, asked for by tenant. */
static void
ask_successor(struct asking *q, int32_t tenant, int64_t id, bool same_key)
{
	ask(q, tenant, "");
	q->issue.n_subject = 0;
	q->issue.profile = writable("");
	q->issue.replaces_id = id;
	q->issue.same_key = same_key;
}

static int64_t directory, account; /* of ACME: a directory of tenant 1, and an account there */

/* How siegel-acme asks; evidence NULL: siegel-api. */
static Siegel__Reply *
change_by(const char *evidence, int32_t tenant, int64_t id, int reason, bool release)
{
	struct asking q;
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Revoke revoke = SIEGEL__REVOKE__INIT;
	ask(&q, tenant, "");
	if (evidence) {
		q.requestor.source = writable("acme");
		q.requestor.evidence = writable(evidence);
		q.requestor.name = writable("account 7");
		q.requestor.role = writable("");
		q.requestor.account_id = 0;
	}
	revoke.requestor = &q.requestor;
	revoke.certificate_id = id;
	revoke.reason = reason;
	revoke.release = release;
	revoke.endpoint_id = evidence ? directory : 0;
	revoke.acme_account = evidence && strcmp(evidence, "acme") == 0 ? account : 0;
	request.operation_case = SIEGEL__REQUEST__OPERATION_REVOKE;
	request.revoke = &revoke;
	return client_ask(evidence ? "acme" : "api", &request);
}

static Siegel__Reply *
change(int64_t id, int reason, bool release)
{
	return change_by(NULL, 1, id, reason, release);
}

static void
expect_status(Siegel__Reply *reply, const char *status, bool repeated)
{
	ck_assert_msg(reply->result_case == SIEGEL__REPLY__RESULT_REVOKED, "%s", reply->error->detail);
	ck_assert_str_eq(reply->revoked->certificate->status, status);
	ck_assert_int_eq(reply->revoked->repeated, repeated);
	siegel__reply__free_unpacked(reply, NULL);
}

/* What this statement gives for the certificate. */
static const char *
number_of(const char *sql, int64_t id)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	struct db_result *r CLEANUP(db_result_free) = NULL;
	static char value[300];
	ck_assert_msg(db_query(db, sql, (struct db_param[]){DB_INT(id)}, 1, false, &r, &e) == 0, "%s", e.detail);
	snprintf(value, sizeof(value), "%s", db_text(r, 0, 0));
	return value;
}

/* The one rule of tenant 1 on revocations; its text with ' for ". */
static void
rule(const char *text)
{
	char json[300], sql[600];
	snprintf(json, sizeof(json), "%s", text);
	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	test_superuser("DELETE FROM siegel.policy");
	snprintf(sql, sizeof(sql),
		 "INSERT INTO siegel.policy (tenant_id, name, title, enabled, operations, rules)"
		 " VALUES (1, 'p', 'p', true, '{certificate.revoke}', '[{\"name\": \"r\", \"message\": \"no\", %s}]')", json);
	test_superuser(sql);
	test_superuser("INSERT INTO siegel.policy_rule SELECT c.* FROM siegel.policy p, siegel.policy_compile(p.id, p.name, p.tenant_id, p.ca_id,"
		       " p.profile_id, p.operations, p.condition, p.rules) c");
}

static void
make_account(void)
{
	test_superuser("INSERT INTO siegel.endpoint (tenant_id, protocol, label, profile_id, auth, settings) SELECT 1, 'acme', 'life', p.id,"
		       " '{http-01}', '{}' FROM siegel.profile p WHERE p.tenant_id = 1 LIMIT 1 ON CONFLICT DO NOTHING;"
		       "INSERT INTO siegel.acme_account (tenant_id, endpoint_id, jwk, thumbprint, address)"
		       " SELECT 1, n.id, '{}', sha256('life'), '192.0.2.1' FROM siegel.endpoint n WHERE n.label = 'life' ON CONFLICT DO NOTHING");
	directory = strtoll(number_of("SELECT id FROM endpoint WHERE label = 'life' AND $1::int8 = 0", 0), NULL, 10);
	account = strtoll(number_of("SELECT id FROM acme_account WHERE endpoint_id = $1::int8", directory), NULL, 10);
}

/* The account's order that the certificate is of. */
static void
order_of(int64_t id)
{
	char sql[500];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO siegel.acme_order (tenant_id, endpoint_id, account_id, status, identifiers, authz_ids, profile_id, certificate_id, expires_at)"
		 " SELECT 1, n.id, %lld, 'valid', '{dns:a.example}', '{}', n.profile_id, %lld, now() + interval '1 day'"
		 " FROM siegel.endpoint n WHERE n.id = %lld", (long long)account, (long long)id, (long long)directory);
	test_superuser(sql);
}

/* RFC 8555 7.6, M14. */
START_TEST(test_acme)
{
	static const int bad[] = {-1, 2, 6, 7, 8, 10, 99};
	int64_t id = issued("acme.example");
	client_expect_error(change_by("acme", 1, id, 0, false), E_FORBIDDEN, NULL);
	make_account();
	client_expect_error(change_by("acme", 1, id, 0, false), E_FORBIDDEN, NULL);
	order_of(id);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		client_expect_error(change_by("acme", 1, id, bad[i], false), E_BAD_VALUE, "reason");
	client_expect_error(change_by("acme", 1, id, 0, true), E_FORBIDDEN, NULL);
	client_expect_error(change_by("token", 1, id, 0, false), E_FORBIDDEN, NULL);
	client_expect_error(change_by("none", 1, id, 0, false), E_FORBIDDEN, NULL);
	client_expect_error(change_by("acme", 2, id, 0, false), E_NOT_FOUND, NULL);
	client_expect_error(change_by("certificate", 1, id, 1, false), E_MALFORMED, NULL);
	client_expect_error(change_by("acme", 1, id + 100000, 0, false), E_NOT_FOUND, NULL);
	expect_status(change_by("acme", 1, id, 4, false), "revoked", false);
	expect_status(change_by("acme", 1, id, 5, false), "revoked", true);
	client_expect_error(change_by("acme", 1, id, 4, true), E_FORBIDDEN, NULL);
	ck_assert_str_eq(number_of("SELECT count(*) FROM blocked_key b JOIN certificate c USING (spki_hash) WHERE c.id = $1::int8", id), "0");
	expect_status(change_by("acme", 1, id, 1, false), "revoked", false); /* it is worse than was said */
	expect_status(change_by("acme", 1, id, 1, false), "revoked", true);
	ck_assert_str_eq(number_of("SELECT count(*) FROM blocked_key b JOIN certificate c USING (spki_hash) WHERE c.id = $1::int8", id), "1");
	ck_assert_str_eq(number_of("SELECT string_agg(actor || ' ' || (detail::jsonb ->> 'evidence') || ' ' || (detail::jsonb ->> 'reason'), ',' ORDER BY at_us)"
				   " FROM audit WHERE object = 'certificate/' || $1::text AND action = 'certificate.revoked'", id),
			 "acme:account 7 acme 4,acme:account 7 acme 1");
}
END_TEST

/* Policies have their say, in the same statement: nobody waits for a manager there. */
START_TEST(test_acme_policies)
{
	int64_t id = issued("ruled.example");
	make_account();
	order_of(id);
	rule("'refuse': true, 'when': 'exists($.body.reason)'");
	client_expect_error(change_by("acme", 1, id, 4, false), E_POLICY, NULL);
	rule("'approve': {'count': 1, 'right': 'approvals.decide'}");
	Siegel__Reply *reply = change_by("acme", 1, id, 4, false);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_ERROR);
	ck_assert_str_eq(reply->error->detail, "others have to approve it: no (policy \"p\")");
	client_expect_error(reply, E_POLICY, NULL);
	rule("'refuse': true, 'when': 'exists($.nothing)'");
	expect_status(change_by("acme", 1, id, 4, false), "revoked", false);
	rule("'refuse': true");
	expect_status(change_by("acme", 1, id, 5, false), "revoked", true); /* what is so already isn't asked about */
	client_expect_error(change_by("acme", 1, id, 1, false), E_POLICY, NULL);
	test_superuser("DELETE FROM siegel.policy");
	expect_status(change_by("acme", 1, id, 1, false), "revoked", false);
}
END_TEST

START_TEST(test_hold)
{
	int64_t id = issued("hold.example");
	expect_status(change(id, 6, false), "held", false);
	expect_status(change(id, 6, false), "held", true);
	expect_status(change(id, 0, true), "issued", false);
	expect_status(change(id, 0, true), "issued", true);
	expect_status(change(id, 6, false), "held", false);
	expect_status(change(id, 1, false), "revoked", false);
	client_expect_error(change(id, 0, true), E_CONFLICT, NULL);
	expect_status(change(id, 6, false), "revoked", true);
}
END_TEST

START_TEST(test_successor)
{
	struct asking q;
	int64_t id = issued("renew.example");
	ask_successor(&q, 1, id, _i == 0);
	q.issue.owner = writable("ops");
	q.issue.metadata = writable("{\"b\":\"2\",\"a\":\"1\"}");
	Siegel__Reply *reply = client_issue(&q);
	ck_assert_msg(reply->result_case == SIEGEL__REPLY__RESULT_ISSUED, "%s", reply->error->detail);
	const Siegel__Certificate *x = reply->issued->certificate;
	ck_assert_str_eq(x->subject, "CN=renew.example");
	ck_assert_uint_eq(x->n_names, 1);
	ck_assert_str_eq(x->names[0], "dns:renew.example");
	ck_assert_str_eq(x->profile, "server");
	ck_assert_int_eq(x->replaces_id, id);
	ck_assert_str_eq(x->owner, "ops");
	ck_assert_str_eq(x->metadata, "{\"a\":\"1\",\"b\":\"2\"}");
	ck_assert_str_eq(x->key_type, "p256");
	ck_assert_int_eq(*reply->issued->private_key_pem != '\0', _i == 1);
	int64_t next = x->id;
	siegel__reply__free_unpacked(reply, NULL);
	/* what was said of it is its successor's, too */
	ask_successor(&q, 1, next, true);
	reply = client_issue(&q);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_ISSUED);
	ck_assert_str_eq(reply->issued->certificate->owner, "ops");
	ck_assert_str_eq(reply->issued->certificate->metadata, "{\"a\":\"1\",\"b\":\"2\"}");
	siegel__reply__free_unpacked(reply, NULL);
}
END_TEST

START_TEST(test_no_successor)
{
	struct asking q;
	int64_t id = issued("none.example");
	ask_successor(&q, 2, id, true); /* another tenant's isn't there */
	client_expect_error(client_issue(&q), E_NOT_FOUND, NULL);
	ask_successor(&q, 1, INT64_MAX, true);
	client_expect_error(client_issue(&q), E_NOT_FOUND, NULL);
	ask_successor(&q, 1, id, true);
	q.issue.profile = writable("client");
	client_expect_error(client_issue(&q), E_BAD_VALUE, "profile");
	ask_successor(&q, 1, id, true);
	q.issue.ca = writable("issuing");
	client_expect_error(client_issue(&q), E_BAD_VALUE, "ca");
	ask_successor(&q, 1, id, true);
	q.issue.key_type = writable("p384");
	client_expect_error(client_issue(&q), E_BAD_VALUE, "key_type");
	ask_successor(&q, 1, id, true);
	q.issue.metadata = writable("[]");
	client_expect_error(client_issue(&q), E_BAD_VALUE, "metadata");
	expect_status(change(id, 6, false), "held", false);
	ask_successor(&q, 1, id, true);
	client_expect_error(client_issue(&q), E_CONFLICT, NULL);
	expect_status(change(id, 4, false), "revoked", false);
	ask_successor(&q, 1, id, true);
	client_expect_error(client_issue(&q), E_CONFLICT, NULL);
}
END_TEST

/* Two connections, which are those of two workers, one key, two subjects, at one instant, 200 times: never two certificates (A12). */
START_TEST(test_one_key)
{
	int fds[2] = {client_connect("api"), client_connect("api")};
	for (int round = 0; round < 200; round++) {
		struct asking q[2];
		EVP_PKEY *key = NULL;
		int good = 0;
		ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
		for (int i = 0; i < 2; i++) {
			char cn[64];
			snprintf(cn, sizeof(cn), "race%d-%d.example", round, i);
			ask(&q[i], 1, cn);
			ask_with_csr(&q[i], key);
		}
		for (int i = 0; i < 2; i++)
			client_send_issue(fds[i], &q[i]);
		for (int i = 0; i < 2; i++) {
			Siegel__Reply *reply = client_reply(fds[i]);
			ck_assert_ptr_nonnull(reply);
			if (reply->result_case == SIEGEL__REPLY__RESULT_ISSUED) {
				good++;
				siegel__reply__free_unpacked(reply, NULL);
			} else {
				client_expect_error(reply, E_BAD_KEY, "csr");
			}
			ask_free(&q[i]);
		}
		ck_assert_int_eq(good, 1);
		EVP_PKEY_free(key);
	}
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* A key that is reported compromised at the instant in which it is certified once more: whichever is first, from the report's answer on nothing is
 * certified for it. */
START_TEST(test_compromised_meanwhile)
{
	int fd = client_connect("api");
	for (int round = 0; round < 50; round++) {
		struct asking q;
		EVP_PKEY *key = NULL;
		char cn[64];
		snprintf(cn, sizeof(cn), "compromised%d.example", round);
		ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
		ask(&q, 1, cn);
		ask_with_csr(&q, key);
		int64_t id = client_expect_issued(client_issue(&q));
		client_send_issue(fd, &q);
		expect_status(change(id, 1, false), "revoked", false);
		Siegel__Reply *reply = client_reply(fd);
		if (reply->result_case == SIEGEL__REPLY__RESULT_ERROR)
			client_expect_error(reply, E_BAD_KEY, "csr");
		else
			siegel__reply__free_unpacked(reply, NULL);
		client_expect_error(client_issue(&q), E_BAD_KEY, "csr");
		ask_free(&q);
		EVP_PKEY_free(key);
	}
	close(fd);
}
END_TEST

TCase *
tcase_life(void)
{
	TCase *c = tcase_create("life");
	tcase_add_unchecked_fixture(c, engine_start, NULL);
	tcase_add_test(c, test_acme);
	tcase_add_test(c, test_acme_policies);
	tcase_add_test(c, test_hold);
	tcase_add_loop_test(c, test_successor, 0, 2);
	tcase_add_test(c, test_no_successor);
	tcase_add_test(c, test_one_key);
	tcase_add_test(c, test_compromised_meanwhile);
	tcase_set_timeout(c, 120);
	return c;
}
