/* From a document to the engine's message, and from the engine's field back to the document. */
#include "api/issue.h"

#include <stdio.h>

#include "tests/unit/api/suites.h"

static struct issue issue;

/* Builds from attributes; the document stays until the next call. */
static int
build(const char *attributes, struct document *d, struct error *e)
{
	char *text = arena_printf(test_arena, "{\"data\":{\"type\":\"t\",\"attributes\":%s}}", attributes);

	memset(&issue, 0, sizeof issue);
	*e = (struct error){0};
	return document_parse(BYTES_STR(text), "t", d, e) || issue_from_document(d, "server", test_arena, &issue, e) ? -1 : 0;
}

START_TEST(test_all)
{
	DOCUMENT_CLEANUP struct document d = {0};
	const Siegel__Issue *m = &issue.message;
	struct error e;

	ck_assert_int_eq(build("{\"cn\":\"a.example\",\"o\":\"Org\",\"c\":\"DE\",\"serial_number\":\"7\",\"dns\":[\"a\",\"b\"],\"ip\":[\"::1\"],"
	                       "\"cert_days\":3650,\"key_type\":\"p256\",\"profile\":\"special\",\"ca\":\"issuing\",\"pkcs12_password\":\"pw\"}",
	                       &d, &e), 0);
	/* From the country down to the name, whatever the order in the document. */
	ck_assert_uint_eq(m->n_subject, 4);
	ck_assert_str_eq(m->subject[0]->type, "C");
	ck_assert_str_eq(m->subject[1]->type, "O");
	ck_assert_str_eq(m->subject[2]->type, "CN");
	ck_assert_str_eq(m->subject[2]->value, "a.example");
	ck_assert_str_eq(m->subject[3]->type, "serialNumber");
	ck_assert_uint_eq(m->n_names, 3);
	ck_assert_int_eq(m->names[2]->kind, SIEGEL__NAME__KIND__IP);
	ck_assert_int_eq(m->days, 3650);
	ck_assert_str_eq(m->profile, "special");
	ck_assert_str_eq(m->ca, "issuing");
	ck_assert_str_eq(m->key_type, "p256");
	ck_assert_str_eq(m->pkcs12_password, "pw");
}
END_TEST

START_TEST(test_defaults)
{
	DOCUMENT_CLEANUP struct document d = {0};
	struct error e;

	ck_assert_int_eq(build("{\"cn\":\"Certificate\",\"cert_days\":3650}", &d, &e), 0);
	ck_assert_str_eq(issue.message.profile, "server");
	ck_assert_str_eq(issue.message.ca, "");
	ck_assert_uint_eq(issue.message.csr.len, 0);
	ck_assert_uint_eq(siegel__issue__get_packed_size(&issue.message) > 0, 1);
}
END_TEST

START_TEST(test_refused)
{
	static const char *const cases[][2] = {
		{"{\"serial\":\"00\"}", "/data/attributes/serial"},
		{"{\"status\":\"issued\"}", "/data/attributes/status"},
		{"{\"tenant_id\":2}", "/data/attributes/tenant_id"},
		{"{\"role\":\"administrator\"}", "/data/attributes/role"},
		{"{\"nonsense\":1}", "/data/attributes/nonsense"},
		{"{\"a/b~c\":1}", "/data/attributes/a~1b~0c"},
		{"{\"cn\":7}", "/data/attributes/cn"},
		{"{\"cn\":\"\"}", "/data/attributes/cn"},
		{"{\"dns\":\"a\"}", "/data/attributes/dns"},
		{"{\"dns\":[\"a\",7]}", "/data/attributes/dns/1"},
		{"{\"dns\":[\"\"]}", "/data/attributes/dns/0"},
		{"{\"cert_days\":0}", "/data/attributes/cert_days"},
		{"{\"cert_days\":-1}", "/data/attributes/cert_days"},
		{"{\"cert_days\":9007199254740993}", "/data/attributes/cert_days"},
		{"{\"cert_days\":\"30\"}", "/data/attributes/cert_days"},
		{"{\"cert_days\":30.0}", "/data/attributes/cert_days"},
		{"{\"csr\":\"abc\"}", "/data/attributes/csr"},
		{"{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\nMAA=\\n-----END CERTIFICATE REQUEST-----\\n\",\"key_type\":\"p256\"}", "/data/attributes/key_type"},
		{"{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\nMAA=\\n-----END CERTIFICATE REQUEST-----\\n\",\"pkcs12_password\":\"x\"}", "/data/attributes/pkcs12_password"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		DOCUMENT_CLEANUP struct document d = {0};
		struct error e;

		ck_assert_msg(build(cases[i][0], &d, &e) == -1, "%s", cases[i][0]);
		ck_assert_int_eq(error_http_status(e.code), 422);
		ck_assert_str_eq(e.pointer, cases[i][1]);
	}
}
END_TEST

START_TEST(test_too_many_names)
{
	DOCUMENT_CLEANUP struct document d = {0};
	struct error e;
	char *text = arena_alloc(test_arena, 2000);
	size_t n = (size_t)sprintf(text, "{\"dns\":[\"x\"");

	for (int i = 0; i < ISSUE_MAX_NAMES; i++)
		n += (size_t)sprintf(text + n, ",\"x\"");
	sprintf(text + n, "]}");
	ck_assert_int_eq(build(text, &d, &e), -1);
	ck_assert_str_eq(e.pointer, "/data/attributes/dns/100");
}
END_TEST

START_TEST(test_pointers)
{
	static const char *const plain[][2] = {
		{"days", "cert_days"}, {"csr", "csr"}, {"names/0", "dns/0"}, {"names/1", "dns/1"}, {"names/2", "ip/0"}, {"names/3", "cn"},
		{"names", "dns"}, {"subject/CN", "cn"}, {"subject/serialNumber", "serial_number"}, {"subject", "cn"}, {"profile", "profile"},
	};
	static const char *const with_csr[][2] = {{"names/0", "csr"}, {"subject/CN", "csr"}, {"subject/O", "o"}, {"subject", "csr"}};
	static const char csr[] = "{\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\nMAA=\\n-----END CERTIFICATE REQUEST-----\\n\",\"o\":\"x\"}";

	for (size_t i = 0; i < ARRAY_LEN(plain) + ARRAY_LEN(with_csr); i++) {
		bool is_plain = i < ARRAY_LEN(plain);
		const char *const *row = is_plain ? plain[i] : with_csr[i - ARRAY_LEN(plain)];
		DOCUMENT_CLEANUP struct document d = {0};
		struct error e;

		ck_assert_int_eq(build(is_plain ? "{\"cn\":\"a\",\"dns\":[\"a\",\"b\"],\"ip\":[\"::1\"]}" : csr, &d, &e), 0);
		(void)fail_at(&e, E_POLICY, row[0], "a test");
		issue_map_pointer(&issue, &d, &e);
		ck_assert_str_eq(e.pointer, arena_printf(test_arena, "/data/attributes/%s", row[1]));
	}
}
END_TEST

TCase *
tcase_issue(void)
{
	TCase *t = tcase_create("issue");

	tcase_add_checked_fixture(t, test_arena_begin, test_arena_end);
	tcase_add_test(t, test_all);
	tcase_add_test(t, test_defaults);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_too_many_names);
	tcase_add_test(t, test_pointers);
	return t;
}
