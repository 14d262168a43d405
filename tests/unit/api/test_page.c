/* Pages of a table that is long: straight, in windows, and from one to the other, against a real store. */
#include "config.h"
#include "api/page.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cursor.h"
#include "tests/unit/db/support.h"

#define ROWS 60000 /* more than a window */
#define TENANT 1

static struct api api;
static struct arena *arena;
static struct db *owner;

/* Sixty thousand of one tenant and one of another; what is rare is old. */
static const char fill_sql[] =
    "INSERT INTO tenant (name) VALUES ('a'), ('b');"
    "INSERT INTO ca (tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, not_before, not_after, ocsp_url, crl_url,"
    " ca_url, crl_interval_sec, crl_overlap_sec) SELECT t.id, n, 'active', 'CN=' || n, '\\x00', sha256((t.name || n)::bytea),"
    " sha256((t.name || n)::bytea), 'file:x', now(), now() + '1y', '', '', '', 3600, 60 FROM tenant t, unnest(ARRAY['new', 'old']) n;"
    "INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT id, p, p, p, '{}'"
    " FROM tenant, unnest(ARRAY['cert_server', 'cert_device']) p;"
    "INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, status, subject, common_name, names, not_before, not_after, spki_hash, der,"
    " requestor, source, created_at, owner, metadata, key_type, revoked_at, reason)"
    " SELECT t, (SELECT id FROM ca WHERE tenant_id = t AND name = CASE WHEN n <= 7 THEN 'old' ELSE 'new' END),"
    " (SELECT id FROM profile WHERE tenant_id = t AND name = CASE WHEN n <= 5 THEN 'cert_server' ELSE 'cert_device' END), int8send(n),"
    " CASE WHEN n <= 6 THEN 2 ELSE 1 END, 'CN=c' || n || ',O=House', 'c' || n, CASE WHEN n <= 4 THEN ARRAY['dns:c' || n, 'dns:all'] ELSE '{}' END,"
    " now(), now() + n * '1 minute'::interval, sha256(int8send(n)), '\\x00', CASE WHEN n <= 3 THEN 'old-ra' ELSE 'line' END, 'rest',"
    " now() - (60000 - n) * '1 minute'::interval, CASE WHEN n <= 2 THEN 'me' END,"
    " CASE WHEN n <= 3 THEN '{\"site\":\"x\",\"a=b\":\"c\"}'::jsonb END, 'p256',"
    " CASE WHEN n <= 6 THEN now() - n * '1 day'::interval END, CASE WHEN n <= 6 THEN 4 END"
    " FROM (SELECT 1 AS t, generate_series(1, 60000) AS n UNION ALL SELECT 2, 1) u; ANALYZE certificate; ANALYZE certificate_label;"
    "INSERT INTO audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash) SELECT 'ca.0.' || n % 3, n, n / 5, 1,"
    " CASE WHEN n <= 3 THEN 'rest:old' ELSE 'rest:new' END, 'certificate.issued', 'x', '{}', sha256('') FROM generate_series(1, 25000) n";

static void
setup_once(void)
{
	struct error e;
	struct db *db = test_db("siegel_owner");

	if (db_exec(db, fill_sql, &e) < 0)
		ck_abort_msg("%s", db_last_message(db));
	db_free(db);
}

static void
setup(void)
{
	struct error e;

	arena = arena_new((size_t)4 * 1024 * 1024);
	owner = test_db("siegel_owner");
	api = (struct api){.config = test_config(), .base_url = ""};
	if (db_pool_new(test_config(), "siegel_api", 1, &api.lists, &e) || db_pool_new(test_config(), "siegel_api", 1, &api.pool, &e))
		ck_abort_msg("%s", e.detail);
}

static void
teardown(void)
{
	db_pool_free(api.lists);
	db_pool_free(api.pool);
	db_free(owner);
	arena_free(arena);
}

/* The page of a collection's query with up to three parameters; *ret_cursor is good for "page[after]". */
static int
ask(const char *collection, const struct http_header *parameters, int n, const char **ret_cursor)
{
	struct http_request r = {.query = parameters, .n_query = n, .arena = arena};
	struct call c = {.api = &api, .request = &r, .arena = arena, .resource = resource_find(collection), .who = {.tenant_id = TENANT}};
	struct query q;
	struct page page;
	struct error e = {0};
	int members;

	if (query_parse(&r, c.resource, false, &q, &e) || call_list(&c, &e) || page_ids(&c, &q, &page, &e))
		ck_abort_msg("%s %s", e.pointer, e.detail);
	members = page.n;
	*ret_cursor = page.cursor;
	db_result_free(page.r);
	call_release_db(&c);
	atomic_fetch_sub(&api.n_lists, 1);
	return members;
}

/* A cursor as page_ids() makes it at the end of a window: before all, so that the list begins anew. */
static const char *
window_cursor(const char *collection, const struct http_header *parameters, int n)
{
	struct http_request r = {.query = parameters, .n_query = n, .arena = arena};
	struct query q;
	struct error e = {0};
	const char *value;
	char *cursor;

	if (query_parse(&r, resource_find(collection), false, &q, &e))
		ck_abort_msg("%s", e.detail);
	value = !q.sort ? "w" : q.sort->type == ATTRIBUTE_INT ? "w9000000000000000000" : "winfinity";
	if (cursor_encode(arena, api.cursor_key, query_identity(&r, resource_find(collection), &q, TENANT), value, "9000000000000000000", &cursor, &e))
		ck_abort_msg("%s", e.detail);
	return cursor;
}

static const struct {
	const char *name, *value;
	int members; /* fewer than a page has */
} filters[] = {
    {"filter[serial]", "0000000000000007", 1},
    {"filter[serial]", "00000000000000ffff", 0},
    {"filter[subject]", "CN=c77,O=House", 1},
    {"filter[subject]", "CN=c77", 0},
    {"filter[subject]", "O=House", 0},
    {"filter[subject][contains]", "cn=C6000", 2},
    {"filter[common_name]", "c60000", 1},
    {"filter[common_name][contains]", "C6000", 2},
    {"filter[names]", "dns:all", 4},
    {"filter[names]", "dns:c4", 1},
    {"filter[names][contains]", "C4", 1},
    {"filter[status]", "revoked", 6},
    {"filter[status]", "held", 0},
    {"filter[revocation_reason]", "superseded", 6},
    {"filter[revocation_reason]", "keyCompromise", 0},
    {"filter[profile]", "cert_server", 5},
    {"filter[profile]", "nothing", 0},
    {"filter[profile][contains]", "SERVER", 5},
    {"filter[issuer]", "old", 7},
    {"filter[issuer][contains]", "l", 7},
    {"filter[requestor]", "old-ra", 3},
    {"filter[source]", "est", 0},
    {"filter[key_type]", "p384", 0},
    {"filter[owner]", "me", 2},
    {"filter[owner]", "'; DROP TABLE certificate; --", 0},
    {"filter[metadata.site]", "x", 3},
    {"filter[metadata.site][contains]", "X", 3},
    {"filter[metadata.a=b]", "c", 3},
    {"filter[metadata.a]", "b=c", 0},
    {"filter[metadata.none]", "x", 0},
    {"filter[metadata.' OR true --]", "x", 0},
    {"filter[revoked_at][ge]", "2000-01-01", 6},
    {"filter[created_at][lt]", "2000-01-01", 0},
};

/* Straight; and in windows, of which the first holds none of those that are old. */
START_TEST(every_filter_finds_the_same_both_ways)
{
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		struct http_header p[2] = {{filters[i].name, filters[i].value}, {"page[after]", NULL}};
		const char *cursor;
		int members = ask("certificates", p, 1, &cursor);

		ck_assert_msg(members == filters[i].members, "%s=%s: %d members, not %d", p[0].name, p[0].value, members, filters[i].members);
		ck_assert_ptr_null(cursor);
		p[1].value = window_cursor("certificates", p, 1);
		members = 0;
		for (int pages = 0; p[1].value; pages++) {
			ck_assert_int_lt(pages, 10);
			members += ask("certificates", p, 2, &p[1].value);
		}
		ck_assert_msg(members == filters[i].members, "%s=%s: %d members in windows, not %d", p[0].name, p[0].value, members,
		              filters[i].members);
	}
}
END_TEST

/* The old ones are in the second window: it is looked at in the same page while there is time. */
START_TEST(a_window_that_is_empty_goes_on)
{
	struct http_header p[2] = {{"filter[owner]", "me"}, {"page[after]", NULL}};

	int members = 0;

	p[1].value = window_cursor("certificates", p, 1);
	while (p[1].value)
		members += ask("certificates", p, 2, &p[1].value);
	ck_assert_int_eq(members, 2);
}
END_TEST

/* No member is lost or comes twice where pages and windows end. */
START_TEST(pages_of_windows_are_whole)
{
	static const struct http_header sorts[] = {{"sort", "id"}, {"sort", "-id"}, {"sort", "not_after"}, {"sort", "-common_name"}};
	struct http_header p[4] = {{"filter[common_name][contains]", "77"}, {"page[size]", "100"}, sorts[_i], {"page[after]", NULL}};
	const char *cursor;
	int members, want = (int)strtol(test_one(owner, "SELECT count(*) FROM certificate WHERE tenant_id = 1 AND common_name LIKE '%77%'"), NULL, 10);

	members = ask("certificates", p, 3, &cursor);
	while (cursor) {
		p[3].value = cursor;
		members += ask("certificates", p, 4, &cursor);
	}
	ck_assert_int_eq(members, want);
	if (_i != 1)
		return; /* the cursor before all of them is one of descending ids */
	p[3].value = window_cursor("certificates", p, 3);
	for (members = 0; p[3].value;)
		members += ask("certificates", p, 4, &p[3].value);
	ck_assert_int_eq(members, want);
}
END_TEST

START_TEST(views_of_a_kind)
{
	struct http_header p = {"filter[issuer]", "old"};
	const char *cursor;

	ck_assert_int_eq(ask("cert_server", &p, 1, &cursor), 5);
	ck_assert_int_eq(ask("cert_device", &p, 1, &cursor), 2);
	ck_assert_int_eq(ask("cert_client", &p, 1, &cursor), 0);
}
END_TEST

/* The audit log: an id of two columns, in the order of time. */
START_TEST(the_audit_log_in_windows)
{
	struct http_header p[2] = {{"filter[actor]", "rest:old"}, {"page[after]", NULL}};
	const char *cursor;
	int members = 0;

	ck_assert_int_eq(ask("audit_events", p, 1, &cursor), 3);
	p[1].value = window_cursor("audit_events", p, 1);
	while (p[1].value)
		members += ask("audit_events", p, 2, &p[1].value);
	ck_assert_int_eq(members, 3);
	/* Whole where pages end, also among rows of the same instant. */
	p[0] = (struct http_header){"page[size]", "499"};
	for (members = ask("audit_events", p, 1, &p[1].value); p[1].value;)
		members += ask("audit_events", p, 2, &p[1].value);
	ck_assert_int_eq(members, 25000);
}
END_TEST

/* From before the straight look-up until after its time is over: that begins when it waits, however late the machine lets it come to that. */
static void *
hold_the_table(void *started)
{
	struct db *db = test_db("siegel_owner");
	struct error e;

	if (db_exec(db, "BEGIN; LOCK TABLE certificate IN ACCESS EXCLUSIVE MODE", &e) < 0)
		abort();
	*(volatile bool *)started = true;
	for (int i = 0; i < 10000 && strcmp(test_one(db, "SELECT count(*) FROM pg_locks WHERE NOT granted"), "0") == 0; i++)
		usleep(1000);
	usleep((PAGE_FIRST_MS + 100) * 1000);
	if (db_exec(db, "COMMIT", &e) < 0)
		abort();
	db_free(db);
	return NULL;
}

/* What takes too long the straight way is looked for in windows, and the connection's time limit is as it was. */
START_TEST(a_slow_look_up_becomes_a_window)
{
	struct http_header p[2] = {{"filter[owner]", "me"}, {"page[after]", NULL}};
	volatile bool started = false;
	struct db *db;
	struct error e;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, hold_the_table, (void *)(uintptr_t)&started), 0);
	while (!started)
		usleep(1000);
	ck_assert_int_eq(ask("certificates", p, 1, &p[1].value), 0);
	ck_assert_ptr_nonnull(p[1].value);
	pthread_join(thread, NULL);
	ck_assert_int_eq(db_pool_take(api.lists, &db, &e), 0);
	CLEANUP(db_free)
	struct db *fresh = test_db("siegel_api");
	char as_made[32];
	snprintf(as_made, sizeof(as_made), "%s", test_one(fresh, "SHOW statement_timeout"));
	ck_assert_str_eq(test_one(db, "SHOW statement_timeout"), as_made);
	db_pool_give(api.lists, db);
	ck_assert_int_eq(ask("certificates", p, 2, &p[1].value), 2);
	ck_assert_ptr_null(p[1].value);
}
END_TEST

START_TEST(lists_have_an_end_to_their_line)
{
	struct call c = {.api = &api};
	struct error e;

	for (int i = 0; i < LIMIT_LISTS; i++)
		ck_assert_int_eq(call_list(&c, &e), 0);
	c.listing = false;
	ck_assert_int_eq(call_list(&c, &e), -1);
	ck_assert_int_eq(e.code, E_UNAVAILABLE);
	ck_assert_uint_gt(e.retry_after_sec, 0);
	ck_assert(!c.listing);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("page");
	TCase *t = tcase_create("page");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, setup_once, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_filter_finds_the_same_both_ways);
	tcase_add_test(t, a_window_that_is_empty_goes_on);
	tcase_add_loop_test(t, pages_of_windows_are_whole, 0, 4);
	tcase_add_test(t, views_of_a_kind);
	tcase_add_test(t, the_audit_log_in_windows);
	tcase_add_test(t, a_slow_look_up_becomes_a_window);
	tcase_add_test(t, lists_have_an_end_to_their_line);
	suite_add_tcase(suite, t);
	return test_main(suite);
}
