/* Counts and labels follow every change of certificates (migration 0008): the kept ones are compared with the certificates themselves. */
#include "config.h"
#include "tests/unit/db/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char house_sql[] =
    "INSERT INTO tenant (name) VALUES ('a'), ('b');"
    "INSERT INTO ca (tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, not_before, not_after, ocsp_url, crl_url, ca_url,"
    " crl_interval_sec, crl_overlap_sec) SELECT id, 'issuing', 'active', 'CN=' || name, '\\x00', sha256(name::bytea), sha256(name::bytea),"
    " 'file:x', now(), now() + '1y', '', '', '', 3600, 60 FROM tenant;"
    "INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT id, 'server', 'cert_server', 'Server', '{}' FROM tenant;";
/* Certificates of both tenants, with names and metadata, of several days. */
#define ADD(first, last)                                                                                               \
	"INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash, der," \
	" requestor, source, created_at, metadata) SELECT 1 + n % 2, 1 + n % 2, 1 + n % 2, int8send(n), 'CN=x', 'x',"                       \
	" CASE WHEN n % 3 = 0 THEN ARRAY['dns:a' || n, 'dns:all', 'dns:all'] ELSE '{}' END, now(), now() + n * '1 day'::interval, sha256(int8send(n)), '\\x00',"  \
	" 'r', CASE WHEN n % 5 = 0 THEN 'est' ELSE 'rest' END, now() - n % 4 * '1 day'::interval,"                                     \
	" CASE WHEN n % 4 = 0 THEN jsonb_build_object('site', 's' || n % 7, 'a=b', repeat('x', 600)) END FROM generate_series(" #first ", " #last ") n"

static struct db *owner;

static void
setup(void)
{
	struct error e;

	owner = test_db("siegel_owner");
	if (strcmp(test_one(owner, "SELECT count(*) FROM tenant"), "0") == 0 && db_exec(owner, house_sql, &e) < 0)
		ck_abort_msg("%s", db_last_message(owner));
}

static void
teardown(void)
{
	db_free(owner);
}

static void
run(const char *sql)
{
	struct error e;

	if (db_exec(owner, sql, &e) < 0)
		ck_abort_msg("%s: %s", sql, db_last_message(owner));
}

static void
counts_are_right(void)
{
	ck_assert_str_eq(test_one(owner, "SELECT coalesce(string_agg(r_what || ' ' || r_kept || ' ' || r_true, ', '), '') FROM statistics_check()"), "");
}

static const char *
label_count(const char *label)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM certificate_label WHERE label = '%s'", label);
	return test_one(owner, sql);
}

START_TEST(every_change_is_followed)
{
	run(ADD(1, 60));
	counts_are_right();
	ck_assert_str_eq(test_one(owner, "SELECT sum(n) FROM certificate_delta"), "60");
	ck_assert_str_eq(label_count("dns:a3"), "1");
	ck_assert_str_eq(label_count("dns:all"), "20");
	ck_assert_str_eq(label_count("meta:site=s4"), "3");
	/* Added up, and nothing waits any more; again: nothing to do. */
	ck_assert_int_gt((int)strtol(test_one(owner, "SELECT statistics_fold()"), NULL, 10), 0);
	ck_assert_str_eq(test_one(owner, "SELECT count(*) FROM certificate_delta"), "0");
	ck_assert_str_eq(test_one(owner, "SELECT statistics_fold()"), "0");
	ck_assert_str_eq(test_one(owner, "SELECT sum(n) FROM certificate_total"), "60");
	counts_are_right();
	/* Revoked, held and released, before and after the sum. */
	run("UPDATE certificate SET status = 2, revoked_at = now(), reason = 1 WHERE id % 3 = 0");
	run("UPDATE certificate SET status = 3, revoked_at = now(), reason = 6 WHERE id % 7 = 1 AND status = 1");
	counts_are_right();
	test_one(owner, "SELECT statistics_fold()");
	run("UPDATE certificate SET status = 1, revoked_at = NULL, reason = NULL WHERE status = 3 AND id % 2 = 0");
	counts_are_right();
	/* What doesn't count leaves nothing behind. */
	test_one(owner, "SELECT statistics_fold()");
	run("UPDATE certificate SET owner = 'me'");
	ck_assert_str_eq(test_one(owner, "SELECT count(*) FROM certificate_delta"), "0");
	/* Labels go with the metadata. */
	run("UPDATE certificate SET metadata = '{\"site\":\"new\"}' WHERE id = 4");
	run("UPDATE certificate SET metadata = NULL WHERE id = 8");
	ck_assert_str_eq(label_count("meta:site=new"), "1");
	ck_assert_str_eq(test_one(owner, "SELECT count(*) FROM certificate_label WHERE certificate_id = 8 AND label LIKE 'meta:%'"), "0");
	counts_are_right();
	run("DELETE FROM certificate WHERE id % 6 = 0");
	counts_are_right();
}
END_TEST

/* The check itself finds what is wrong, and a rebuild mends it. */
START_TEST(what_is_wrong_is_found)
{
	run(ADD(100, 120));
	run("UPDATE certificate_total SET n = n + 1 WHERE source = 'rest' AND tenant_id = 1 AND status = 1");
	ck_assert_str_eq(test_one(owner, "SELECT count(*) FROM statistics_check()"), "1");
	run("DELETE FROM certificate_label WHERE label = 'dns:a102'");
	ck_assert_str_eq(test_one(owner, "SELECT count(*) FROM statistics_check()"), "2");
	test_one(owner, "SELECT statistics_rebuild()");
	counts_are_right();
}
END_TEST

START_TEST(the_dashboard_counts_its_tenant)
{
	CLEANUP(db_free)
	struct db *api = test_db("siegel_api");

	run("DELETE FROM certificate");
	run(ADD(1, 100));
	run("UPDATE certificate SET status = 2, revoked_at = now(), reason = 1 WHERE tenant_id = 2 AND not_after < now() + '10d'");
	ck_assert_str_eq(test_one(api, "SELECT dashboard(7) ->> 'total'"), "0");
	test_one(api, "SELECT set_config('siegel.tenant', '2', false)");
	for (int folded = 0; folded < 2; folded++) {
		ck_assert_str_eq(test_one(api, "SELECT dashboard(7) ->> 'total'"), "50");
		ck_assert_str_eq(test_one(api, "SELECT dashboard(7) ->> 'by_status'"), "{\"held\": 0, \"issued\": 45, \"revoked\": 5}");
		/* Odd numbers of days from 1; those up to 9 are revoked. */
		ck_assert_str_eq(test_one(api, "SELECT dashboard(7) ->> 'expiring'"), "{\"7_days\": 0, \"30_days\": 10, \"90_days\": 40}");
		ck_assert_str_eq(test_one(api, "SELECT dashboard(7) ->> 'by_source'"),
		                 "[{\"count\": 40, \"source\": \"rest\"}, {\"count\": 10, \"source\": \"est\"}]");
		ck_assert_str_eq(test_one(api, "SELECT dashboard(7) ->> 'by_ca'"), "[{\"ca\": \"issuing\", \"count\": 50}]");
		ck_assert_str_eq(test_one(api, "SELECT jsonb_array_length(dashboard(7) -> 'by_day')"), "7");
		ck_assert_str_eq(test_one(api, "SELECT (dashboard(7) -> 'by_day' -> 6) - 'day'"), "{\"issued\": 0, \"refused\": 0, \"revoked\": 5}");
		ck_assert_str_eq(test_one(api, "SELECT (dashboard(7) -> 'by_day' -> 5) - 'day'"), "{\"issued\": 25, \"refused\": 0, \"revoked\": 0}");
		test_one(owner, "SELECT statistics_fold()");
	}
	ck_assert_str_eq(test_one(api, "SELECT count(*) FROM certificate_label WHERE tenant_id <> 2"), "0");
	ck_assert_str_eq(test_one(api, "SELECT count(*) > 0 FROM certificate_label"), "t");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("search");
	TCase *t = tcase_create("search");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, every_change_is_followed);
	tcase_add_test(t, what_is_wrong_is_found);
	tcase_add_test(t, the_dashboard_counts_its_tenant);
	suite_add_tcase(suite, t);
	return test_main(suite);
}
