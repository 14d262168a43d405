/* ca/batch.c and the functions of the store behind it: intents, certificates, request keys, refusals, revocation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/reply.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct batch *b;
static struct asking asked[4];
static struct error e;

static void
setup(void)
{
	house_open(&h, "test.batch");
	b = xcalloc(1, sizeof(*b));
	test_superuser("DELETE FROM siegel.request; DELETE FROM siegel.blocked_key; DELETE FROM siegel.intent");
}

static void
teardown(void)
{
	for (size_t i = 0; i < b->n; i++)
		order_free(b->items[i].order);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		ask_free(&asked[i]);
	batch_free(b);
	free(b);
	house_close(&h);
}

/* One more order in the batch, for asked[b->n]. */
static struct order *
add_order(void)
{
	struct order *o = NULL;
	ck_assert_msg(order_make(h.registry, &asked[b->n].issue, NULL, time(NULL), &o, &e) == 0, "%s", e.detail);
	b->items[b->n++] = (struct batch_item){.order = o};
	return o;
}

static struct order *
add(const char *cn)
{
	ask(&asked[b->n], 1, cn);
	return add_order();
}

static struct order *
add_with_key(const char *cn, uint8_t key)
{
	ask(&asked[b->n], 1, cn);
	ask_with_key(&asked[b->n], key, 0xbb);
	return add_order();
}

static struct order *
add_with_csr(const char *cn, EVP_PKEY *key)
{
	ask(&asked[b->n], 1, cn);
	ask_with_csr(&asked[b->n], key);
	return add_order();
}

static int
run(struct db_result **ret)
{
	int rc = db_query(h.db, b->sql, b->params, b->n_params, true, ret, &e);
	if (rc == 0)
		h.chain = b->next;
	return rc;
}

static int
intents(void)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct audit_chain before = h.chain;
	ck_assert_int_eq(batch_intents(b, &h.chain, &e), 0);
	if (run(&r) < 0)
		return -1;
	batch_take_faults(b, r);
	if (batch_has_faults(b)) /* nothing is stored, no row of the chain either */
		h.chain = before;
	return 0;
}

static int
fault(size_t i)
{
	return (int)b->items[i].fault;
}

static int
certificates(struct db_result **ret)
{
	for (size_t i = 0; i < b->n; i++)
		ck_assert_msg(order_sign(b->items[i].order, h.hsm, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(batch_certificates(b, &h.chain, &e), 0);
	return run(ret);
}

/* All of the batch to the end. */
static void
issue(void)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	ck_assert_msg(intents() == 0, "%s: %s", e.detail, db_last_message(h.db));
	ck_assert_msg(certificates(&r) == 0, "%s: %s", e.detail, db_last_message(h.db));
	ck_assert_int_eq(batch_take_ids(b, r, &e), 0);
}

/* Lets go of the batch's orders, for another batch. */
static void
next(void)
{
	for (size_t i = 0; i < b->n; i++)
		order_free(b->items[i].order);
	b->n = 0;
}

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY *key = NULL;
	ck_assert_int_eq(keytype_generate(keytype_by_name("p256"), &key, &e), 0);
	return key;
}

/* The chain as it is in memory is the one that is stored, and its hashes are right. */
static void
check_chain(void)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	uint8_t head[AUDIT_HASH_BYTES] = {0};
	ck_assert_int_eq(db_query(h.db, "SELECT seq, at_us, tenant_id, actor, action, object, detail, hash FROM audit WHERE chain = 'test.batch' ORDER BY seq",
				  NULL, 0, true, &r, &e), 0);
	for (int i = 0; i < db_rows(r); i++) {
		struct audit_row row = {.at_us = db_int(r, i, 1), .tenant_id = (int32_t)db_int(r, i, 2), .actor = db_text(r, i, 3),
		    .action = db_text(r, i, 4), .object = db_text(r, i, 5), .detail = db_text(r, i, 6)};
		ck_assert_int_eq(db_int(r, i, 0), i + 1);
		audit_hash(head, "test.batch", i + 1, &row, head);
		ck_assert_mem_eq(head, db_bytes(r, i, 7, NULL).data, AUDIT_HASH_BYTES);
	}
	ck_assert_int_eq(h.chain.seq, db_rows(r));
	ck_assert_mem_eq(h.chain.head, head, AUDIT_HASH_BYTES);
}

START_TEST(test_issue)
{
	for (int i = 0; i < 3; i++) {
		char cn[32];
		snprintf(cn, sizeof(cn), "host%d.example", i);
		add(cn);
	}
	ck_assert_int_eq(intents(), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent WHERE chain = 'test.batch' AND abandoned_at IS NULL"), 3);
	struct db_result *r = NULL;
	ck_assert_int_eq(certificates(&r), 0);
	ck_assert_int_eq(batch_take_ids(b, r, &e), 0);
	db_result_free(r);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent"), 0);
	for (size_t i = 0; i < 3; i++) {
		char sql[256], cn[32];
		snprintf(cn, sizeof(cn), "host%zu.example", i);
		snprintf(sql, sizeof(sql), "SELECT common_name FROM certificate WHERE tenant_id = 1 AND id = %lld", (long long)b->items[i].id);
		ck_assert_str_eq(test_one(h.db, sql), cn);
		snprintf(sql, sizeof(sql), "SELECT names::text || ' ' || requestor || ' ' || source || ' ' || status FROM certificate WHERE id = %lld",
			 (long long)b->items[i].id);
		char want[128];
		snprintf(want, sizeof(want), "{dns:%s} line1 rest 1", cn);
		ck_assert_str_eq(test_one(h.db, sql), want);
	}
	check_chain();
	/* the same serial again: the intent goes in, for the old one is gone, but not the certificate */
	ck_assert_int_eq(intents(), 0);
	ck_assert_int_eq(batch_certificates(b, &h.chain, &e), 0);
	ck_assert_int_eq(run(NULL), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "23505");
	check_chain();
}
END_TEST

/* A result with another serial: no id is made up. */
START_TEST(test_ids)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *none CLEANUP(db_result_free) = NULL;
	add("a.example");
	ck_assert_int_eq(db_query(h.db, "SELECT '\\x0102'::bytea, 7::bigint, 0::bigint, NULL::int", NULL, 0, true, &r, &e), 0);
	ck_assert_int_eq(batch_take_ids(b, r, &e), -1);
	ck_assert_int_eq(e.code, E_INTERNAL);
	ck_assert_int_eq(db_query(h.db, "SELECT '\\x'::bytea, 7::bigint, 0::bigint, NULL::int WHERE false", NULL, 0, true, &none, &e), 0);
	ck_assert_int_eq(batch_take_ids(b, none, &e), -1);
}
END_TEST

/* SG001: a request key that is under way or served is taken, for all of a batch; one that ran out or was given up is free. */
START_TEST(test_key_taken)
{
	add_with_key("a.example", 1);
	ck_assert_int_eq(intents(), 0);
	next();
	add("b.example");
	add_with_key("a.example", 1);
	ck_assert_int_eq(intents(), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "SG001");
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent"), 1);
	ck_assert_int_eq(intents_abandon(h.db, "test.batch", &e), 0);
	issue();
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM request"), 1);
	next();
	add_with_key("a.example", 1);
	ck_assert_int_eq(intents(), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "SG001");
	test_superuser("UPDATE siegel.request SET expires_at = now() - interval '1 second'");
	ck_assert_int_eq(intents(), 0);
	check_chain();
}
END_TEST

/* One row of request_find() for the key 01…: "body abandoned id", "none" without a row. */
static const char *
found(void)
{
	return test_one(h.db, "SELECT coalesce((SELECT encode(substr(r_body, 1, 1), 'hex') || ' ' || r_abandoned || ' ' || coalesce(r_cn || ' ' ||"
			      " r_names || ' ' || r_status, '-') FROM request_find(ARRAY[decode(repeat('01', 32), 'hex')])), 'none')");
}

START_TEST(test_request_find)
{
	ck_assert_str_eq(found(), "none");
	add_with_key("a.example", 1);
	ck_assert_int_eq(intents(), 0);
	ck_assert_str_eq(found(), "bb false -");
	ck_assert_int_eq(batch_abandon(b, &e), 0);
	ck_assert_int_eq(db_query(h.db, b->sql, b->params, b->n_params, true, NULL, &e), 0);
	ck_assert_str_eq(found(), "bb true -");
	next();
	add_with_key("a.example", 1);
	issue();
	ck_assert_str_eq(found(), "bb false a.example dns:a.example 1");
	test_superuser("UPDATE siegel.request SET expires_at = now() - interval '1 second'");
	ck_assert_str_eq(found(), "none");
}
END_TEST

/* SG002: an intent that somebody marked, or that is of another chain, carries no certificate; nothing of its batch is stored. */
START_TEST(test_intent_gone)
{
	int64_t before = house_number(&h, "SELECT count(*) FROM certificate");
	add("a.example");
	add("b.example");
	ck_assert_int_eq(intents(), 0);
	if (_i == 0)
		test_superuser("UPDATE siegel.intent SET abandoned_at = now() WHERE serial = (SELECT serial FROM siegel.intent ORDER BY serial DESC LIMIT 1)");
	else
		test_superuser("UPDATE siegel.intent SET chain = 'another' WHERE serial = (SELECT serial FROM siegel.intent ORDER BY serial DESC LIMIT 1)");
	ck_assert_int_eq(certificates(NULL), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "SG002");
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM certificate"), before);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent"), 2);
	check_chain();
}
END_TEST

static void
block(EVP_PKEY *key)
{
	struct order *o = add_with_csr("blocked.example", key);
	struct db_param hash[] = {DB_BYTES(o->spki_hash, 32)};
	ck_assert_int_eq(db_query(h.db, "INSERT INTO blocked_key (spki_hash, reason) VALUES ($1::bytea, 'keyCompromise')", hash, 1, false, NULL, &e), 0);
	next();
	ask_free(&asked[0]);
}

/* All places at fault come at once, and nothing of the batch is stored. */
START_TEST(test_faults)
{
	EVP_PKEY *key = new_key(), *good = new_key(), *taken = new_key();
	block(key);
	add_with_csr("a.example", taken);
	issue();
	next();
	ask_free(&asked[0]);
	int64_t before = house_number(&h, "SELECT count(*) FROM audit");
	add_with_csr("blocked.example", key);
	add_with_csr("b.example", good);
	add_with_csr("other.example", taken);
	/* the profile "server": the same subject may have its key certified again */
	add_with_csr("a.example", taken);
	ck_assert_int_eq(intents(), 0);
	ck_assert(batch_has_faults(b));
	ck_assert_int_eq(fault(0), BATCH_KEY_BLOCKED);
	ck_assert_int_eq(fault(1), 0);
	ck_assert_int_eq(fault(2), BATCH_KEY_TAKEN);
	ck_assert_int_eq(fault(3), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent"), 0);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM audit"), before);
	check_chain();
	EVP_PKEY_free(key);
	EVP_PKEY_free(good);
	EVP_PKEY_free(taken);
}
END_TEST

/* A key that was blocked, or certified for another subject, between the intent and the certificate: nothing of that batch is stored. */
START_TEST(test_late_faults)
{
	EVP_PKEY *key = new_key(), *good = new_key();
	struct db_result *r CLEANUP(db_result_free) = NULL;
	add_with_csr("a.example", good);
	struct order *o = add_with_csr("b.example", key);
	struct db_param hash[] = {DB_BYTES(o->spki_hash, 32)};
	ck_assert_int_eq(intents(), 0);
	ck_assert(!batch_has_faults(b));
	int64_t before = house_number(&h, "SELECT count(*) FROM certificate");
	if (_i == 0)
		ck_assert_int_eq(db_query(h.db, "INSERT INTO blocked_key (spki_hash, reason) VALUES ($1::bytea, 'keyCompromise')", hash, 1, false, NULL, &e), 0);
	else
		ck_assert_int_eq(db_query(h.db,
					  "INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after,"
					  " spki_hash, der, requestor, source) VALUES (1, 2, 1, '\\x0102030405060708', 'CN=z', 'z', '{}', now(), now(),"
					  " $1::bytea, '\\x00', 'a', 'rest')",
					  hash, 1, false, NULL, &e),
				 0);
	struct audit_chain chain = h.chain;
	ck_assert_int_eq(certificates(&r), 0);
	h.chain = chain;
	ck_assert_int_eq(batch_take_ids(b, r, &e), 0);
	ck_assert_int_eq(fault(0), 0);
	ck_assert_int_eq(fault(1), _i == 0 ? BATCH_KEY_BLOCKED : BATCH_KEY_TAKEN);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM certificate"), before + _i);
	ck_assert_int_eq(house_number(&h, "SELECT count(*) FROM intent"), 2);
	check_chain();
	test_superuser("DELETE FROM siegel.certificate WHERE subject = 'CN=z'");
	EVP_PKEY_free(key);
	EVP_PKEY_free(good);
}
END_TEST

/* --- revocation --- */

/* reason -1: release. */
static int
revoke(int32_t tenant, int64_t id, int reason, struct db_result **ret)
{
	struct batch_revocation row;
	struct asking q;
	Siegel__Revoke revoke;
	struct arena *a CLEANUP(arena_free) = arena_new(1 << 16);
	ask(&q, tenant, "");
	siegel__revoke__init(&revoke);
	revoke.requestor = &q.requestor;
	revoke.certificate_id = id;
	revoke.reason = reason < 0 ? 0 : reason;
	revoke.release = reason < 0;
	batch_revoke(&row, &revoke, false, &h.chain, a);
	if (db_query(h.db, row.sql, row.params, row.n_params, true, ret, &e) < 0)
		return -1;
	if (!db_bool(*ret, 0, 0))
		h.chain = row.next;
	return 0;
}

START_TEST(test_revoke)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *again CLEANUP(db_result_free) = NULL, *worse CLEANUP(db_result_free) = NULL;
	struct order *o = add("a.example");
	issue();
	int64_t id = b->items[0].id, now = time(NULL), seq = h.chain.seq;
	(void)test_one(h.db, "UPDATE ca SET crl_wanted_at = NULL WHERE id = 2");
	ck_assert_int_eq(revoke(1, id, 4, &r), 0);
	ck_assert(!db_bool(r, 0, 0));
	ck_assert_int_eq(db_int(r, 0, 1), 4);
	ck_assert_int_ge(db_int(r, 0, 2), now - 1);
	ck_assert_int_eq(h.chain.seq, seq + 1);
	ck_assert(bytes_equal(db_bytes(r, 0, 6, NULL), (struct bytes){o->tbs_input.serial, o->tbs_input.serial_len}));
	ck_assert(bytes_equal(db_bytes(r, 0, 14, NULL), (struct bytes){o->certificate.data, o->certificate.len}));
	ck_assert_str_eq(test_one(h.db, "SELECT crl_wanted_at IS NULL FROM ca WHERE id = 2"), "f");
	/* once more, for another reason: nothing changes, and the answer is that of then */
	ck_assert_int_eq(revoke(1, id, 5, &again), 0);
	ck_assert(db_bool(again, 0, 0));
	ck_assert_int_eq(db_int(again, 0, 1), 4);
	ck_assert_int_eq(db_int(again, 0, 2), db_int(r, 0, 2));
	ck_assert_int_eq(h.chain.seq, seq + 1);
	ck_assert_str_eq(test_one(h.db, "SELECT count(*) FROM blocked_key"), "0");
	char sql[256];
	snprintf(sql, sizeof(sql), "SELECT reason || ' ' || (not_after > now()) FROM revocation JOIN certificate x USING (ca_id, serial, reason, not_after)"
				   " WHERE x.id = %lld", (long long)id);
	ck_assert_str_eq(test_one(h.db, sql), "4 true");
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE chain = 'test.batch' AND action = 'certificate.revoked' AND object = 'certificate/%lld'",
		 (long long)id);
	ck_assert_str_eq(test_one(h.db, sql), "1");
	/* but for a compromise: the reason changes, the time stays, the key is blocked */
	ck_assert_int_eq(revoke(1, id, 1, &worse), 0);
	ck_assert(!db_bool(worse, 0, 0));
	ck_assert_int_eq(db_int(worse, 0, 1), 1);
	ck_assert_int_eq(db_int(worse, 0, 2), db_int(r, 0, 2));
	ck_assert_str_eq(test_one(h.db, sql), "2");
	ck_assert_str_eq(test_one(h.db, "SELECT count(*) FROM blocked_key WHERE tenant_id IS NULL"), "1");
	snprintf(sql, sizeof(sql), "SELECT reason FROM revocation JOIN certificate x USING (ca_id, serial, reason, revoked_at) WHERE x.id = %lld",
		 (long long)id);
	ck_assert_str_eq(test_one(h.db, sql), "1");
	check_chain();
	test_superuser("DELETE FROM siegel.blocked_key");
}
END_TEST

/* keyCompromise: that key is never certified again. */
START_TEST(test_revoke_compromised)
{
	EVP_PKEY *key = new_key();
	struct db_result *r CLEANUP(db_result_free) = NULL;
	add_with_csr("a.example", key);
	issue();
	ck_assert_int_eq(revoke(1, b->items[0].id, 1, &r), 0);
	next();
	ask_free(&asked[0]);
	add_with_csr("a.example", key);
	ck_assert_int_eq(intents(), 0);
	ck_assert_int_eq(fault(0), BATCH_KEY_BLOCKED);
	check_chain();
	EVP_PKEY_free(key);
}
END_TEST

/* The others with that key are named: they are as compromised, and whoever asks decides. */
START_TEST(test_revoke_same_key)
{
	EVP_PKEY *key = new_key();
	struct db_result *r CLEANUP(db_result_free) = NULL;
	char want[64];
	int64_t ids[3];
	for (int i = 0; i < 3; i++) {
		add_with_csr("same.example", key);
		issue();
		ids[i] = b->items[0].id;
		next();
		ask_free(&asked[0]);
	}
	ck_assert_int_eq(revoke(1, ids[1], 1, &r), 0);
	snprintf(want, sizeof(want), "%lld,%lld", (long long)ids[0], (long long)ids[2]);
	ck_assert_str_eq(db_text(r, 0, STORED_END), want);
	check_chain();
	EVP_PKEY_free(key);
}
END_TEST

/* "status reason, entries of the CRL" of a certificate. */
static const char *
state(int64_t id)
{
	char sql[256];
	snprintf(sql, sizeof(sql), "SELECT x.status || ' ' || coalesce(x.reason, -1) || ', ' || (SELECT coalesce(max(v.reason), -1) FROM revocation v WHERE"
				   " v.ca_id = x.ca_id AND v.serial = x.serial) FROM certificate x WHERE id = %lld", (long long)id);
	return test_one(h.db, sql);
}

/* One step of the life of a certificate: what is asked for (-1: release), and what is so afterwards. */
static void
expect(int64_t id, int reason, bool repeated, const char *want)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	ck_assert_msg(revoke(1, id, reason, &r) == 0, "%s", db_last_message(h.db));
	ck_assert_int_eq(db_bool(r, 0, 0), repeated);
	ck_assert_str_eq(state(id), want);
	check_chain();
}

START_TEST(test_hold)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	add("a.example");
	issue();
	int64_t id = b->items[0].id;
	expect(id, -1, true, "1 -1, -1");
	expect(id, 6, false, "3 6, 6");
	expect(id, 6, true, "3 6, 6");
	expect(id, -1, false, "1 -1, -1");
	expect(id, 6, false, "3 6, 6");
	test_superuser("UPDATE siegel.certificate SET revoked_at = '2001-01-01' WHERE status = 3");
	expect(id, 4, false, "2 4, 4");
	/* from the hold's time on, and for ever (O08) */
	ck_assert_str_eq(test_one(h.db, "SELECT count(*) FROM certificate WHERE revoked_at = '2001-01-01' AND status = 2"), "1");
	expect(id, 6, true, "2 4, 4");
	ck_assert_int_eq(revoke(1, id, -1, &r), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "SG007");
	check_chain();
}
END_TEST

/* SG005: no such certificate, or one of another tenant, which is the same. */
START_TEST(test_revoke_unknown)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	add("a.example");
	issue();
	int64_t seq = h.chain.seq;
	ck_assert_int_eq(revoke(2, b->items[0].id, 1, &r), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "SG005");
	ck_assert_int_eq(revoke(1, 999999999, 1, &r), -1);
	ck_assert_str_eq(db_sqlstate(h.db), "SG005");
	ck_assert_int_eq(h.chain.seq, seq);
	check_chain();
}
END_TEST

TCase *
tcase_batch(void)
{
	TCase *c = tcase_create("batch");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_issue);
	tcase_add_test(c, test_ids);
	tcase_add_test(c, test_key_taken);
	tcase_add_test(c, test_request_find);
	tcase_add_loop_test(c, test_intent_gone, 0, 2);
	tcase_add_test(c, test_faults);
	tcase_add_loop_test(c, test_late_faults, 0, 2);
	tcase_add_test(c, test_revoke);
	tcase_add_test(c, test_revoke_compromised);
	tcase_add_test(c, test_revoke_same_key);
	tcase_add_test(c, test_hold);
	tcase_add_test(c, test_revoke_unknown);
	tcase_set_timeout(c, 60);
	return c;
}
