/* Routes and rights: the tables are the test. */
#include "api/router.h"

#include <stdio.h>

#include "api/rights.h"
#include "api/write.h"
#include "tests/unit/api/suites.h"

static enum error_code
find(const char *method, const char *path, const char **ret_id, const char **ret_allow)
{
	static char allow[64];
	const struct resource *resource;
	const struct route *route;
	const char *id = NULL;
	struct error e = {0};

	if (router_find(test_arena, method, path, &resource, &route, &id, allow, &e) == 0)
		e.code = E_NONE;
	if (ret_id)
		*ret_id = id;
	if (ret_allow)
		*ret_allow = allow;
	return e.code;
}

START_TEST(test_find)
{
	static const struct {
		const char *method, *path;
		enum error_code code;
	} cases[] = {
		{"GET", "/api/v2.0/certificates", E_NONE},
		{"HEAD", "/api/v2.0/certificates", E_NONE},
		{"GET", "/api/v2.0/certificates/7", E_NONE},
		{"POST", "/api/v2.0/certificates/7/revoke", E_NONE},
		{"POST", "/api/v2.0/cert_server", E_NONE},
		{"POST", "/api/v2.0/tokens", E_NONE},
		{"POST", "/api/v2.0/certificates", E_BAD_METHOD},
		{"GET", "/api/v2.0/certificates/7/revoke", E_BAD_METHOD},
		{"DELETE", "/api/v2.0/crls/1-1", E_BAD_METHOD},
		{"GET", "/api/v2.0/tokens", E_BAD_METHOD},
		{"GET", "/api/v2.0/certificates/", E_NOT_FOUND},
		{"GET", "/api/v2.0/certificates/7/", E_NOT_FOUND},
		{"GET", "/api/v2.0/certificates/7/8/9", E_NOT_FOUND},
		{"GET", "/api/v2.0/certificate", E_NOT_FOUND},
		{"GET", "/api/v2.0/certificatesx", E_NOT_FOUND},
		{"GET", "/api/v2.0/", E_NOT_FOUND},
		{"GET", "/api/v2.0", E_NOT_FOUND},
		{"GET", "/api/v2.0x/certificates", E_NOT_FOUND},
		{"GET", "/api/v1.0/certificates", E_NOT_FOUND},
		{"GET", "/", E_NOT_FOUND},
	};
	const char *id, *allow;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(find(cases[i].method, cases[i].path, NULL, NULL) == cases[i].code, "%s %s", cases[i].method, cases[i].path);
	ck_assert_int_eq(find("GET", "/api/v2.0/certificates/a b", &id, NULL), E_NONE);
	ck_assert_str_eq(id, "a b");
	ck_assert_int_eq(find("DELETE", "/api/v2.0/cert_server", NULL, &allow), E_BAD_METHOD);
	ck_assert_str_eq(allow, "GET, HEAD, POST");
}
END_TEST

START_TEST(test_rights)
{
	const uint64_t reader = RIGHT_BIT(RIGHT_ACCOUNT) | RIGHT_BIT(RIGHT_READ);

	ck_assert(rights_allow(reader, RIGHT_READ));
	ck_assert(rights_allow(reader, RIGHT_ACCOUNT));
	ck_assert(!rights_allow(reader, RIGHT_ISSUE));
	ck_assert(!rights_allow(UINT64_MAX, RIGHT_COUNT));
	ck_assert(!rights_allow(UINT64_MAX, (enum right)99));
	/* a device with its own certificate */
	for (int r = RIGHT_ACCOUNT; r < RIGHT_COUNT; r++)
		ck_assert(!rights_allow(0, (enum right)r));
	ck_assert(rights_allow(0, RIGHT_PUBLIC));
	ck_assert(rights_allow(0, RIGHT_BASIC));
}
END_TEST

/* What a new resource must not forget. */
START_TEST(test_tables)
{
	for (const struct resource *const *r = resource_list; *r; r++) {
		ck_assert_int_le((*r)->n_attributes + (*r)->n_relationships, RESOURCE_MAX_FIELDS);
		ck_assert_ptr_nonnull((*r)->types[0]);
		ck_assert_int_gt((*r)->n_routes, 0);
		ck_assert_msg(!(*r)->from || ((*r)->id_sql && (*r)->id_where && (*r)->id_cast && (*r)->valid_id), "%s", (*r)->path);
		ck_assert_msg(!(*r)->types[1] || (*r)->type_sql, "%s", (*r)->path);
		for (int i = 0; i < (*r)->n_routes; i++) {
			const struct route *route = &(*r)->routes[i];

			ck_assert_msg(route->pattern[0] == '/' && strncmp(route->pattern + 1, (*r)->path, strlen((*r)->path)) == 0, "%s", route->pattern);
			/* Whoever writes by the table names the operation of the engine, and the document's type is the collection's name. */
			bool writes = route->handle == write_create || route->handle == write_update || route->handle == write_delete ||
			              route->handle == write_action || route->handle == write_raw;
			ck_assert_msg(writes == (route->operation != NULL), "%s", route->pattern);
			ck_assert_msg(!writes || strcmp((*r)->types[0], (*r)->path) == 0 || (*r)->types[1], "%s", route->pattern);
			ck_assert_msg((route->handle == write_raw) == (route->raw_bytes > 0), "%s", route->pattern);
			/* Who may only look changes nothing but what he keeps for himself. */
			ck_assert_msg(route->right != RIGHT_READ || strcmp(route->method, "GET") == 0 || route->flags & ROUTE_RESULT ||
			              strcmp((*r)->path, "saved_queries") == 0, "%s", route->pattern);
			/* Nothing that changes anything is public, but to sign in: who asks for that is nobody yet. */
			ck_assert_msg(route->right != RIGHT_PUBLIC || strcmp(route->method, "GET") == 0 || strcmp(route->pattern, "/sessions") == 0 ||
			              strcmp(route->pattern, "/sessions/passkey_challenge") == 0, "%s", route->pattern);
		}
	}
}
END_TEST

START_TEST(test_ids)
{
	static const char *const bad[] = {"", "0", "01", "-1", "1.5", "1e3", "a", "9999999999999999999", "1'", " 1"};

	ck_assert(id_is_number("1"));
	ck_assert(id_is_number("999999999999999999"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!id_is_number(bad[i]), "%s", bad[i]);
}
END_TEST

/* Without a store: what is refused before anything is looked up. */
START_TEST(test_handle)
{
	const struct http_header basic[] = {{"Authorization", "Basic eDp5"}, {"Accept", "text/html"}};
	struct api api = {.base_url = ""};
	struct http_request r = {.method = "GET", .path = "/api/v2.0/nothing", .arena = test_arena, .request_id = "00", .client = "-"};
	struct http_answer a = {0};

	router_handle(&api, &r, &a);
	ck_assert_int_eq(a.status, 404);
	ck_assert_str_eq(a.content_type, "application/vnd.api+json");
	r.path = "/api/v2.0/crls";
	r.method = "DELETE";
	router_handle(&api, &r, &a);
	ck_assert_int_eq(a.status, 405);
	ck_assert_str_eq(a.headers[0].name, "Allow");
	ck_assert_str_eq(a.headers[0].value, "GET, HEAD");
	r.method = "POST";
	r.path = "/api/v2.0/tokens";
	router_handle(&api, &r, &a);
	ck_assert_int_eq(a.status, 401);
	ck_assert_str_eq(a.headers[0].name, "WWW-Authenticate");
	r.headers = basic;
	r.n_headers = 2;
	router_handle(&api, &r, &a);
	ck_assert_int_eq(a.status, 406);
}
END_TEST

TCase *
tcase_router(void)
{
	TCase *t = tcase_create("router");

	tcase_add_checked_fixture(t, test_arena_begin, test_arena_end);
	tcase_add_test(t, test_find);
	tcase_add_test(t, test_rights);
	tcase_add_test(t, test_tables);
	tcase_add_test(t, test_ids);
	tcase_add_test(t, test_handle);
	return t;
}
