/* ca/registry.c: CAs and profiles as the store has them, and what changes in it. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/ca/house.h"

static struct house h;
static struct error e;

static void
setup(void)
{
	house_open(&h, "test.registry");
}

static void
teardown(void)
{
	house_close(&h);
}

static int
refresh(void)
{
	int bad = 0;
	ck_assert_msg(registry_refresh(h.registry, h.db, &bad, &e) == 0, "%s", e.detail);
	return bad;
}

START_TEST(test_find)
{
	ck_assert_str_eq(registry_authority(h.registry, 1, "root")->name, "root");
	ck_assert_ptr_eq(registry_authority(h.registry, 1, ""), registry_authority(h.registry, 1, "issuing"));
	ck_assert_ptr_null(registry_authority(h.registry, 1, "Root"));
	ck_assert_ptr_null(registry_authority(h.registry, 99, "root"));
	ck_assert_ptr_null(registry_authority(h.registry, 0, ""));
	ck_assert_ptr_null(registry_authority_by_id(h.registry, 0));
	ck_assert_ptr_null(registry_authority_by_id(h.registry, -1));
	ck_assert_ptr_null(registry_authority_by_id(h.registry, 9999));
	const struct profile *p = registry_profile(h.registry, 1, "server");
	ck_assert_ptr_eq(registry_profile_by_id(h.registry, 1, p->id), p);
	ck_assert_ptr_null(registry_profile_by_id(h.registry, 99, p->id));
	ck_assert_ptr_null(registry_profile(h.registry, 1, "nosuch"));
	ck_assert(registry_is_ca_key(h.registry, house_issuing(&h)->spki_hash));
	uint8_t other[32] = {0};
	ck_assert(!registry_is_ca_key(h.registry, other));
}
END_TEST

/* What changes in a row is seen; the key that is loaded stays. */
START_TEST(test_changes)
{
	struct authority *ca = house_issuing(&h);
	uint8_t signature[SIGNATURE_MAX_BYTES];
	size_t len = 0;
	ck_assert_int_eq(authority_sign(ca, h.hsm, BYTES_STR("text"), signature, &len, &e), 0);
	EVP_PKEY *key = ca->private_key;
	test_superuser("UPDATE siegel.ca SET status = 'disabled', crl_interval_sec = 777 WHERE id = 2");
	ck_assert_int_eq(refresh(), 0);
	test_superuser("UPDATE siegel.ca SET status = 'active', crl_interval_sec = 86400 WHERE id = 2");
	ck_assert_ptr_eq(house_issuing(&h), ca);
	ck_assert_int_eq(ca->status, AUTHORITY_DISABLED);
	ck_assert_int_eq(ca->crl_interval_sec, 777);
	ck_assert_ptr_eq(ca->private_key, key);
	ck_assert_int_eq(refresh(), 0);
	ck_assert_int_eq(ca->status, AUTHORITY_ACTIVE);
	registry_forget_keys(h.registry);
	ck_assert_ptr_null(ca->private_key);
	ck_assert_int_eq(authority_sign(ca, h.hsm, BYTES_STR("text"), signature, &len, &e), 0);
}
END_TEST

/* A profile that changes is another object; who holds the old one keeps it. */
START_TEST(test_profile_changes)
{
	const struct profile *before = registry_profile(h.registry, 1, "device");
	struct profile *held = profile_hold(before);
	ck_assert_int_eq(refresh(), 0);
	ck_assert_ptr_eq(registry_profile(h.registry, 1, "device"), before);
	test_superuser("UPDATE siegel.profile SET definition = jsonb_set(definition, '{days}', '77') WHERE tenant_id = 1 AND name = 'device'");
	ck_assert_int_eq(refresh(), 0);
	const struct profile *after = registry_profile(h.registry, 1, "device");
	ck_assert_ptr_ne(after, before);
	ck_assert_int_eq(after->validity_sec, 77 * 86400);
	ck_assert_int_ne(held->validity_sec, 77 * 86400);
	profile_free(held);
	/* one that can't be read is left out and counted, and the others are there */
	test_superuser("UPDATE siegel.profile SET definition = definition || '{\"nosuch\": 1}' WHERE tenant_id = 1 AND name = 'device'");
	int bad = refresh();
	test_superuser("UPDATE siegel.profile SET definition = definition - 'nosuch' WHERE tenant_id = 1 AND name = 'device'");
	ck_assert_int_eq(bad, 1);
	ck_assert_ptr_null(registry_profile(h.registry, 1, "device"));
	ck_assert_ptr_nonnull(registry_profile(h.registry, 1, "server"));
	ck_assert_int_eq(refresh(), 0);
	ck_assert_ptr_nonnull(registry_profile(h.registry, 1, "device"));
}
END_TEST

static const char copy[] =
    "INSERT INTO siegel.ca (id, tenant_id, name, status, parent_id, subject, certificate, ski, spki_hash, key_ref, not_before, not_after,"
    " ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec) OVERRIDING SYSTEM VALUE SELECT %d, tenant_id, 'copy-%d', 'retired', parent_id,"
    " subject, %s, decode(md5(random()::text), 'hex'), spki_hash, key_ref, not_before, not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec"
    " FROM siegel.ca WHERE id = 2";

static void
add_copy(int id, const char *certificate)
{
	char sql[1024];
	snprintf(sql, sizeof(sql), copy, id, id, certificate);
	test_superuser(sql);
}

/* Ids come from a sequence, so a row with a smaller one may be seen after a row with a larger one. */
START_TEST(test_ids_in_any_order)
{
	static const int ids[] = {1005, 1001, 1009, 1003};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		add_copy(ids[i], "certificate");
		ck_assert_int_eq(refresh(), 0);
		for (size_t k = 0; k <= i; k++) {
			struct authority *ca = registry_authority_by_id(h.registry, ids[k]);
			ck_assert_ptr_nonnull(ca);
			ck_assert_int_eq(ca->id, ids[k]);
			ck_assert_int_eq(ca->status, AUTHORITY_RETIRED);
		}
	}
	size_t copies = 0;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		copies += registry_authority_by_id(h.registry, ids[i]) != NULL;
	ck_assert_uint_eq(copies, 4);
	test_superuser("DELETE FROM siegel.ca WHERE id > 1000");
}
END_TEST

/* One that is cut off is seen at once, one that is wrong within when it is wanted; neither is there, and the others are. */
START_TEST(test_bad_certificate)
{
	add_copy(1001, "substr(certificate, 1, 200)");
	add_copy(1002, "overlay(certificate placing '\\x00'::bytea from 13 for 1)");
	int bad = refresh();
	test_superuser("DELETE FROM siegel.ca WHERE id > 1000");
	ck_assert_int_eq(bad, 1);
	ck_assert_ptr_null(registry_authority_by_id(h.registry, 1001));
	ck_assert_ptr_null(registry_authority_by_id(h.registry, 1002));
	ck_assert_ptr_nonnull(house_issuing(&h));
}
END_TEST

/* Transactions commit in another order than they began in: none is missed, also when others were read meanwhile. */
START_TEST(test_commits_in_any_order)
{
	struct db *early = test_db("siegel_owner");
	ck_assert_int_eq(db_exec(early, "BEGIN; UPDATE siegel.ca SET crl_interval_sec = 4711 WHERE id = 1", &e), 0);
	for (int i = 0; i < 3; i++) { /* newer ones commit, and are read */
		char sql[96];
		snprintf(sql, sizeof(sql), "UPDATE siegel.ca SET crl_interval_sec = %d WHERE id = 2", 1000 + i);
		test_superuser(sql);
		ck_assert_int_eq(refresh(), 0);
		ck_assert_int_eq(house_issuing(&h)->crl_interval_sec, 1000 + i);
	}
	ck_assert_int_ne(registry_authority_by_id(h.registry, 1)->crl_interval_sec, 4711);
	ck_assert_int_eq(db_exec(early, "COMMIT", &e), 0);
	db_free(early);
	ck_assert_int_eq(refresh(), 0);
	ck_assert_int_eq(registry_authority_by_id(h.registry, 1)->crl_interval_sec, 4711);
	test_superuser("UPDATE siegel.ca SET crl_interval_sec = 86400 WHERE id < 3");
}
END_TEST

/* Rows whose transactions lie in the future come from a store that was restored: they are read once. */
START_TEST(test_restored_rows)
{
	struct registry *fresh = registry_new();
	int bad = 0;
	test_superuser("ALTER TABLE siegel.ca DISABLE TRIGGER ca_changed; UPDATE siegel.ca SET changed_xid = '4000000000' WHERE id = 2;"
		       " ALTER TABLE siegel.ca ENABLE TRIGGER ca_changed");
	ck_assert_int_eq(registry_refresh(fresh, h.db, &bad, &e), 0);
	ck_assert_ptr_nonnull(registry_authority(fresh, 1, "issuing"));
	test_superuser("UPDATE siegel.ca SET crl_interval_sec = 999 WHERE id = 2");
	ck_assert_int_eq(registry_refresh(fresh, h.db, &bad, &e), 0);
	ck_assert_int_eq(registry_authority(fresh, 1, "issuing")->crl_interval_sec, 999);
	test_superuser("UPDATE siegel.ca SET crl_interval_sec = 86400 WHERE id = 2");
	registry_free(fresh);
}
END_TEST

/* A CA that waits for its certificate isn't found, but its key is a CA's; when it is deleted, it isn't any more. */
START_TEST(test_pending)
{
	uint8_t key[32];
	memset(key, 0x5a, sizeof(key));
	test_superuser("INSERT INTO siegel.ca (tenant_id, name, status, subject, ski, spki_hash, key_ref, ocsp_url, crl_url, ca_url, crl_interval_sec,"
		       " crl_overlap_sec) VALUES (1, 'waits', 'pending', 'CN=waits', '', decode(repeat('5a', 32), 'hex'), 'file:x', '', '', '', 60, 0)");
	ck_assert_int_eq(refresh(), 0);
	ck_assert_ptr_null(registry_authority(h.registry, 1, "waits"));
	ck_assert(registry_is_ca_key(h.registry, key));
	test_superuser("DELETE FROM siegel.ca WHERE name = 'waits'");
	ck_assert_int_eq(refresh(), 0);
	ck_assert(!registry_is_ca_key(h.registry, key));
	ck_assert_ptr_nonnull(house_issuing(&h));
}
END_TEST

/* Many CAs: read in no time, found by name and key, and unread while nothing changes. (tests/bench/bench_cas.py has 10,000 with keys.) */
START_TEST(test_many)
{
	char name[32];
	uint8_t key[32];
	test_superuser("INSERT INTO siegel.ca (tenant_id, name, status, parent_id, subject, certificate, ski, spki_hash, key_ref, not_before, not_after,"
		       " ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec) SELECT tenant_id, 'many-' || i, 'active', parent_id, subject, certificate,"
		       " int4send(i),"
		       " sha256(i::text::bytea), key_ref, not_before, not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec"
		       " FROM siegel.ca, generate_series(1, 3000) i WHERE id = 2");
	int64_t began = now_us();
	ck_assert_int_eq(refresh(), 0);
	ck_assert_int_lt(now_us() - began, 2000000); /* 30 ms on a machine that does nothing else */
	began = now_us();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(refresh(), 0);
	ck_assert_int_lt((now_us() - began) / 100, 20000);
	for (int i = 1; i <= 3000; i += 271) {
		snprintf(name, sizeof(name), "many-%d", i);
		struct authority *ca = registry_authority(h.registry, 1, name);
		ck_assert_str_eq(ca->name, name);
		ck_assert_ptr_eq(registry_authority_by_id(h.registry, ca->id), ca);
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(EVP_Digest(name, strlen(name), key, NULL, EVP_sha256(), NULL), 1);
		ck_assert(registry_is_ca_key(h.registry, key));
	}
	ck_assert_ptr_null(registry_authority(h.registry, 1, "many-3001"));
	test_superuser("DELETE FROM siegel.ca WHERE name LIKE 'many-%'");
}
END_TEST

/* A newer key takes the name; an order goes on with the CA that it began with. */
START_TEST(test_successor)
{
	struct authority *old = authority_hold(house_issuing(&h));
	add_copy(1001, "certificate");
	test_superuser("UPDATE siegel.ca SET name = 'issuing-g1', is_default = false, status = 'superseded', successor_id = 1001 WHERE id = 2;"
		       " UPDATE siegel.ca SET name = 'issuing', is_default = true, status = 'active' WHERE id = 1001");
	ck_assert_int_eq(refresh(), 0);
	struct authority *now = registry_authority(h.registry, 1, "issuing");
	ck_assert_int_eq(now->id, 1001);
	ck_assert_ptr_eq(registry_authority(h.registry, 1, ""), now);
	ck_assert_ptr_eq(registry_authority_heir(h.registry, 2), now);
	ck_assert_int_eq(registry_authority_by_id(h.registry, 2)->status, AUTHORITY_SUPERSEDED);
	ck_assert_str_eq(old->name, "issuing");
	authority_free(old);
	test_superuser("UPDATE siegel.ca SET name = 'x', is_default = false WHERE id = 1001; UPDATE siegel.ca SET name = 'issuing', is_default = true,"
		       " status = 'active', successor_id = NULL WHERE id = 2; DELETE FROM siegel.ca WHERE id > 1000");
}
END_TEST

/* A key reference that leads to another key (H05), or to none. */
START_TEST(test_wrong_key)
{
	struct authority *ca = house_issuing(&h);
	const char *right = ca->key_ref;
	uint8_t signature[SIGNATURE_MAX_BYTES];
	size_t len = 0;
	ca->key_ref = registry_authority(h.registry, 1, "root")->key_ref;
	ck_assert_int_eq(authority_sign(ca, h.hsm, BYTES_STR("text"), signature, &len, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	ca->key_ref = "token:0000000000000000000000000000000000000000";
	ck_assert_int_eq(authority_sign(ca, h.hsm, BYTES_STR("text"), signature, &len, &e), -1);
	ck_assert_int_eq(e.code, E_KEY_STORE);
	ca->key_ref = right;
	ck_assert_int_eq(authority_sign(ca, h.hsm, BYTES_STR("text"), signature, &len, &e), 0);
}
END_TEST

TCase *
tcase_registry(void)
{
	TCase *c = tcase_create("registry");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_find);
	tcase_add_test(c, test_changes);
	tcase_add_test(c, test_profile_changes);
	tcase_add_test(c, test_ids_in_any_order);
	tcase_add_test(c, test_bad_certificate);
	tcase_add_test(c, test_commits_in_any_order);
	tcase_add_test(c, test_restored_rows);
	tcase_add_test(c, test_pending);
	tcase_add_test(c, test_successor);
	tcase_add_test(c, test_many);
	tcase_add_test(c, test_wrong_key);
	tcase_set_timeout(c, 60);
	return c;
}
