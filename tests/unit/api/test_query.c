/* The query of a collection, and its cursors. */
#include "api/query.h"

#include <stdio.h>

#include "api/cursor.h"
#include "tests/unit/api/suites.h"

static const struct choice colours[] = {{"red", "t.colour = 1"}, {"green", "t.colour = 2"}, {NULL, NULL}};
static const struct filtering by_colour = {.choices = colours};
static const struct attribute attributes[] = {
	{"name", "t.name", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"names", "t.names", ATTRIBUTE_TEXTS, ATTRIBUTE_FILTER},
	{"count", "t.count", ATTRIBUTE_INT, ATTRIBUTE_FILTER},
	{"at", "t.at", ATTRIBUTE_TIME, ATTRIBUTE_FILTER | ATTRIBUTE_SORT},
	{"serial", "t.serial", ATTRIBUTE_HEX, ATTRIBUTE_FILTER},
	{"hidden", "t.hidden", ATTRIBUTE_TEXT, ATTRIBUTE_ON_REQUEST},
	{"secret", "t.secret", ATTRIBUTE_TEXT, 0},
	{"colour", "colour_name(t.colour)", ATTRIBUTE_TEXT, ATTRIBUTE_FILTER, .by = &by_colour},
	{"metadata", "t.metadata", ATTRIBUTE_METADATA, ATTRIBUTE_FILTER},
};
static const struct relationship relationships[] = {{"ca", "cas", "t.ca"}};
static const struct resource resource = {
	.path = "things",
	.types = {"thing", "gadget"},
	.attributes = attributes,
	.n_attributes = ARRAY_LEN(attributes),
	.relationships = relationships,
	.n_relationships = 1,
	.page_from = "thing t",
};

static int
query(const char *name, const char *value, bool one, struct query *ret, struct error *e)
{
	const struct http_header q = {name, value};
	struct http_request r = {.query = &q, .n_query = 1, .arena = test_arena};

	*e = (struct error){0};
	return query_parse(&r, &resource, one, ret, e);
}

START_TEST(test_good)
{
	static const char *const cases[][2] = {
		{"filter[name]", "a"}, {"filter[name]", ""}, {"filter[name][contains]", "a'; DROP TABLE t; --"}, {"filter[names]", "dns:a"},
		{"filter[count]", "-7"}, {"filter[count][ge]", "7"}, {"filter[at][lt]", "2028-02-29T00:00:00Z"}, {"filter[at][ge]", "2026-01-31"},
		{"filter[at][le]", "2026-01-31T00:00:00+05:30"}, {"filter[serial]", "00aB"}, {"filter[colour]", "red"}, {"filter[colour][in]", "red,green"}, {"filter[name][in]", "a,b"}, {"filter[metadata.site][in]", "a,b"}, {"filter[metadata.site]", "x"},
		{"filter[metadata.site][contains]", "x"}, {"filter[metadata.a.b=c d]", ""}, {"filter[metadata.__proto__]", "x"}, {"sort", "name"}, {"sort", "-at"}, {"sort", "id"},
		{"page[size]", "1"}, {"page[size]", "500"}, {"fields[thing]", "name,ca"}, {"fields[gadget]", ""},
	};
	struct query q;
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(query(cases[i][0], cases[i][1], false, &q, &e) == 0, "%s=%s: %s", cases[i][0], cases[i][1], e.detail);
	ck_assert_int_eq(query("filter[serial]", "00aB", false, &q, &e), 0);
	ck_assert_str_eq(q.filters[0].value, "\\x00aB");
}
END_TEST

START_TEST(test_what_filters_become)
{
	char long_name[256];
	struct query q;
	struct error e;

	ck_assert_int_eq(query("filter[metadata.a.b]", "x", false, &q, &e), 0);
	ck_assert_str_eq(q.filters[0].key, "a.b");
	ck_assert_ptr_null(q.sort);
	ck_assert_int_eq(query("filter[colour]", "green", false, &q, &e), 0);
	ck_assert_str_eq(q.filters[0].condition, "t.colour = 2");
	ck_assert_int_eq(query("filter[colour]", "blue", false, &q, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.detail, "red, green"));
	/* A range is the order when none is asked for. */
	ck_assert_int_eq(query("filter[at][lt]", "2026-01-31", false, &q, &e), 0);
	ck_assert_str_eq(q.sort->name, "at");
	ck_assert(q.descending);
	/* R23: a key is 127 octets at most. */
	for (int n = 127; n <= 128; n++) {
		snprintf(long_name, sizeof long_name, "filter[metadata.%.*s]", n, (char[129]){[0 ... 127] = 'k'});
		ck_assert_int_eq(query(long_name, "x", false, &q, &e), n == 127 ? 0 : -1);
	}
}
END_TEST

START_TEST(test_bad)
{
	static const char *const cases[][2] = {
		{"filter[secret]", "a"}, {"filter[nothing]", "a"}, {"filter[colour]", "blue"}, {"filter[colour]", ""}, {"filter[colour][contains]", "re"},
		{"filter[metadata]", "x"}, {"filter[metadata.]", "x"}, {"filter[metadata.a][lt]", "x"}, {"filter[name.a]", "x"}, {"filter[.a]", "x"}, {"filter[name", "a"}, {"filter[]", "a"}, {"filter[name][lt]", "a"},
		{"filter[name]x", "a"}, {"filter[count]", "1e3"}, {"filter[count]", ""}, {"filter[count]", "99999999999999999999"},
		{"filter[at][lt]", "2027-02-29T00:00:00Z"}, {"filter[at][lt]", "yesterday"}, {"filter[at][lt]", "2026-13-01"},
		{"filter[at][lt]", "0000-01-01"}, {"filter[at][lt]", "2026-01-01T00:00:00+99:00"}, {"filter[serial]", "abc"},
		{"filter[serial]", "zz"}, {"sort", "secret"}, {"sort", ""}, {"sort", "name,at"}, {"sort", "t.name"}, {"page[size]", "0"},
		{"page[size]", "501"}, {"page[size]", "1000000000"}, {"page[size]", "-1"}, {"page[size]", "x"}, {"page[number]", "1"},
		{"fields[thing]", "nothing"}, {"fields[other]", "name"}, {"fields", "name"}, {"include", "name"}, {"include", "ca.parent"}, {"include", "ca,,ca"}, {"nonsense", ""},
	};
	struct query q;
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_msg(query(cases[i][0], cases[i][1], false, &q, &e) == -1, "%s=%s", cases[i][0], cases[i][1]);
		ck_assert_int_eq(e.code, E_MALFORMED);
		ck_assert_int_eq(e.pointer[0], '?');
	}
	ck_assert_int_eq(query("sort", "name", true, &q, &e), -1);
	ck_assert_int_eq(query("fields[thing]", "name", true, &q, &e), 0);
}
END_TEST

START_TEST(test_too_many_filters)
{
	static const char *const names[] = {"filter[name]", "filter[name][contains]", "filter[names]", "filter[names][contains]",
	                                    "filter[count]", "filter[count][lt]", "filter[count][le]", "filter[count][gt]", "filter[count][ge]",
	                                    "filter[at]", "filter[at][lt]", "filter[at][le]", "filter[at][gt]", "filter[at][ge]", "filter[serial]"};
	struct http_header h[LIMIT_FILTERS + 2];
	struct http_request r = {.query = h, .arena = test_arena};
	struct query q;
	struct error e;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		h[r.n_query++] = (struct http_header){names[i], strstr(names[i], "count") ? "1" : strstr(names[i], "[at]") ? "2026-01-01" : "aa"};
	ck_assert_int_eq(query_parse(&r, &resource, false, &q, &e), 0);
	ck_assert_int_eq(q.n_filters, ARRAY_LEN(names));
	h[r.n_query++] = h[0]; /* the same again */
	ck_assert_int_eq(query_parse(&r, &resource, false, &q, &e), -1);
}
END_TEST

START_TEST(test_fields)
{
	struct query q;
	struct error e;

	ck_assert_int_eq(query("fields[gadget]", "hidden,ca", false, &q, &e), 0);
	ck_assert_uint_eq(q.fields[1], 1U << 5 | 1U << 9);
	/* The other type keeps what is shown by default: all but what is on request. */
	ck_assert_uint_eq(q.fields[0], 0x3ffU & ~(1U << 5));
	ck_assert_int_eq(query("fields[gadget]", "", true, &q, &e), 0);
	ck_assert_uint_eq(q.fields[0], 0x3ffU);
	ck_assert_uint_eq(q.fields[1], 0);
}
END_TEST

START_TEST(test_cursor)
{
	const uint8_t key[32] = {1}, other_key[32] = {2};
	const char *value, *id;
	struct error e;
	char *cursor;

	ck_assert_int_eq(cursor_encode(test_arena, key, "1/things", "2026-01-01 00:00:00.5+00", "77", &cursor, &e), 0);
	ck_assert_int_eq(cursor_decode(test_arena, key, "1/things", cursor, &value, &id, &e), 0);
	ck_assert_str_eq(value, "2026-01-01 00:00:00.5+00");
	ck_assert_str_eq(id, "77");
	ck_assert_int_eq(cursor_decode(test_arena, key, "2/things", cursor, &value, &id, &e), -1);
	ck_assert_int_eq(cursor_decode(test_arena, other_key, "1/things", cursor, &value, &id, &e), -1);
	for (size_t i = 0; i < strlen(cursor); i++) {
		char kept = cursor[i];

		cursor[i] = kept == 'A' ? 'B' : 'A';
		ck_assert_int_eq(cursor_decode(test_arena, key, "1/things", cursor, &value, &id, &e), -1);
		cursor[i] = kept;
	}
	for (size_t i = 0; i < strlen(cursor); i++)
		ck_assert_int_eq(cursor_decode(test_arena, key, "1/things", arena_strndup(test_arena, cursor, i), &value, &id, &e), -1);
	ck_assert_int_eq(cursor_decode(test_arena, key, "1/things", "'; DROP", &value, &id, &e), -1);
}
END_TEST

START_TEST(test_identity)
{
	const struct http_header a[] = {{"filter[name]", "x"}, {"filter[names]", "y"}}, b[] = {{"filter[name]", "x\nnames"}};
	struct http_request ra = {.query = a, .n_query = 2, .arena = test_arena}, rb = {.query = b, .n_query = 1, .arena = test_arena};
	struct query qa, qb;
	struct error e;

	ck_assert_int_eq(query_parse(&ra, &resource, false, &qa, &e), 0);
	ck_assert_int_eq(query_parse(&rb, &resource, false, &qb, &e), 0);
	ck_assert_str_ne(query_identity(&ra, &resource, &qa, 1), query_identity(&rb, &resource, &qb, 1));
	ck_assert_str_ne(query_identity(&ra, &resource, &qa, 1), query_identity(&ra, &resource, &qa, 2));
}
END_TEST

TCase *
tcase_query(void)
{
	TCase *t = tcase_create("query");

	tcase_add_checked_fixture(t, test_arena_begin, test_arena_end);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_what_filters_become);
	tcase_add_test(t, test_bad);
	tcase_add_test(t, test_too_many_filters);
	tcase_add_test(t, test_fields);
	tcase_add_test(t, test_cursor);
	tcase_add_test(t, test_identity);
	return t;
}
