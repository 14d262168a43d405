/* enroll/acme/problem.c: problem documents (RFC 8555 6.7, RFC 7807); enroll/acme/chains.c: chains over a certificate (RFC 8555 7.4.2). */
#include <check.h>
#undef fail /* an old name of check.h; ours is the function of lib/error.h */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/acme/chains.h"
#include "enroll/acme/identifier.h"

static struct arena *arena;
static struct error e;

static void
set_up(void)
{
	arena = arena_new(1 << 22);
}

static void
tear_down(void)
{
	arena_free(arena);
}

/* --- problems --- */

static const char *
header(const struct http_answer *a, const char *name)
{
	for (int i = 0; i < a->n_headers; i++)
		if (strcmp(a->headers[i].name, name) == 0)
			return a->headers[i].value;
	return "";
}

static json_t *
body(const struct http_answer *a)
{
	json_t *v = json_loadb((const char *)a->body.data, a->body.len, 0, NULL);
	ck_assert_msg(json_is_object(v), "%.*s", (int)a->body.len, (const char *)a->body.data);
	ck_assert_str_eq(a->content_type, "application/problem+json");
	ck_assert_int_eq(json_integer_value(json_object_get(v, "status")), a->status);
	return v;
}

static const char *
text(const json_t *v, const char *name)
{
	const char *t = json_string_value(json_object_get(v, name));
	return t ? t : "";
}

/* Each error has a type, its words and a status that is no success. */
START_TEST(every_error_is_a_problem)
{
	for (int code = E_NONE + 1; code < E_COUNT; code++) {
		if (code == E_PENDING)
			continue;
		(void)fail(&e, (enum error_code)code, "words of \"%s\" \xff", error_name((enum error_code)code));
		struct http_request r = {.arena = arena};
		struct http_answer a = {0};
		acme_refuse(&r, &e, &a);
		json_t *p CLEANUP(json_decref) = body(&a);
		ck_assert_int_ge(a.status, 400);
		ck_assert_int_eq(strncmp(text(p, "type"), "urn:ietf:params:acme:error:", 27), 0);
		ck_assert_uint_gt(strlen(text(p, "type")), 27);
		ck_assert_str_eq(text(p, "detail"), e.detail);
		if (a.status == 503)
			ck_assert_int_gt(atoi(header(&a, "Retry-After")), 0);
		else
			ck_assert_str_eq(header(&a, "Retry-After"), "");
	}
}
END_TEST

static struct http_answer
answer(struct acme_exchange *x, enum error_code code, unsigned wait_sec)
{
	struct http_answer a = {.status = 200, .n_headers = 1};
	(void)fail(&e, code, "words");
	e.retry_after_sec = wait_sec;
	acme_answer_problem(x, &e, &a);
	return a;
}

START_TEST(what_goes_with_a_problem)
{
	struct acme_exchange x = {.arena = arena, .endpoint = {.settings = "{\"website\": \"https://pki.example/why\", \"terms_of_service\": \"https://pki.example/terms\"}"}};
	struct http_answer a = answer(&x, E_TOO_MANY, 17);
	ck_assert_str_eq(header(&a, "Retry-After"), "17");
	ck_assert_str_eq(header(&a, "Link"), "<https://pki.example/why>;rel=\"help\"");
	ck_assert_str_eq(header(&a, "Location"), "");
	a = answer(&x, E_USER_ACTION, 0);
	ck_assert_str_eq(header(&a, "Link"), "<https://pki.example/terms>;rel=\"terms-of-service\"");
	a = answer(&x, E_MALFORMED, 0);
	ck_assert_str_eq(header(&a, "Link"), "");
	x.location = "https://ca.example/acme/x/acct/1";
	a = answer(&x, E_CONFLICT, 0);
	ck_assert_str_eq(header(&a, "Location"), x.location);
	a = answer(&x, E_BAD_ALGORITHM, 0);
	json_t *p CLEANUP(json_decref) = body(&a);
	json_t *list = json_object_get(p, "algorithms");
	size_t n = 0;
	while (jose_algorithms[n])
		n++;
	ck_assert_uint_eq(json_array_size(list), n);
	x.endpoint.settings = "{}";
	a = answer(&x, E_TOO_MANY, 17);
	ck_assert_str_eq(header(&a, "Link"), "");
}
END_TEST

/* RFC 8555 6.7.1 */
START_TEST(subproblems_name_their_identifier)
{
	struct acme_exchange x = {.arena = arena, .endpoint = {.settings = "{}"}};
	static const char *const names[] = {"dns:a.example", "ip:192.0.2.1"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)fail(&e, E_REJECTED_NAME, "not %s", names[i]);
		acme_subproblem(&x, names[i], &e);
	}
	struct http_answer a = answer(&x, E_MALFORMED, 0);
	json_t *p CLEANUP(json_decref) = body(&a), *list = json_object_get(p, "subproblems");
	ck_assert_str_eq(text(p, "type"), "urn:ietf:params:acme:error:malformed");
	ck_assert_uint_eq(json_array_size(list), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *one = json_array_get(list, i);
		ck_assert_str_eq(text(one, "type"), "urn:ietf:params:acme:error:rejectedIdentifier");
		ck_assert_str_eq(text(json_object_get(one, "identifier"), "value"), strchr(names[i], ':') + 1);
		ck_assert_ptr_null(json_object_get(one, "status"));
	}
	json_decref(x.problem);
}
END_TEST

/* --- chains --- */

enum { ROOT, OTHER_ROOT, SUB, LEAF, STRANGER, KEYS };
static EVP_PKEY *keys[KEYS];

/* A certificate of subject's key by issuer's; each key has one name. flags: 1 with key identifiers, 2 no CA. */
static struct bytes
certificate(int subject, int issuer, int flags)
{
	static const char *const names[KEYS] = {"Root", "Root", "Sub", "leaf.example", "Stranger"};
	static long serial;
	X509 *c = X509_new(), *by = X509_new();
	uint8_t *der = NULL;
	for (int i = 0; i < KEYS; i++)
		if (!keys[i])
			keys[i] = EVP_EC_gen("P-256");
	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8, (const uint8_t *)names[subject], -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(c), "CN", MBSTRING_UTF8, (const uint8_t *)names[issuer], -1, -1, 0);
	X509_set_pubkey(c, keys[subject]);
	X509_set_subject_name(by, X509_get_issuer_name(c));
	X509_set_pubkey(by, keys[issuer]);
	X509V3_CTX ctx;
	static const struct {
		int nid;
		const char *text;
	} rows[] = {{NID_subject_key_identifier, "hash"}, {NID_authority_key_identifier, "keyid:always"}, {NID_basic_constraints, "critical,CA:TRUE"},
	            {NID_key_usage, "critical,keyCertSign"}};
	for (size_t i = flags & 1 ? 0 : 2; i < (flags & 2 ? 2 : ARRAY_LEN(rows)); i++) {
		X509V3_set_ctx(&ctx, i == 1 ? by : c, c, NULL, NULL, 0);
		if (i == 1) { /* the issuer's identifier is read from its own extension */
			X509V3_CTX own;
			X509V3_set_ctx(&own, by, by, NULL, NULL, 0);
			X509_EXTENSION *id = X509V3_EXT_conf_nid(NULL, &own, NID_subject_key_identifier, "hash");
			X509_add_ext(by, id, -1);
			X509_EXTENSION_free(id);
		}
		X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, rows[i].nid, rows[i].text);
		ck_assert_ptr_nonnull(x);
		X509_add_ext(c, x, -1);
		X509_EXTENSION_free(x);
	}
	X509_sign(c, keys[issuer], EVP_sha256());
	int len = i2d_X509(c, &der);
	struct bytes b = {arena_dup(arena, der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	X509_free(c);
	X509_free(by);
	return b;
}

static void
expect(const struct acme_chain *c, const struct bytes *certs, size_t n)
{
	ck_assert_uint_eq(c->n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert(bytes_equal(c->certs[i], certs[i]));
}

START_TEST(one_chain_without_its_root)
{
	for (int flags = 0; flags <= 1; flags++) {
		struct acme_chain found[ACME_CHAINS_MAX];
		struct bytes leaf = certificate(LEAF, SUB, flags | 2);
		struct bytes pool[] = {certificate(STRANGER, STRANGER, flags), certificate(ROOT, ROOT, flags), certificate(SUB, ROOT, flags)};
		ck_assert_uint_eq(acme_chains_find(leaf, pool, ARRAY_LEN(pool), found), 1);
		expect(&found[0], &pool[2], 1);
	}
}
END_TEST

/* The house's own way is the first one, a cross certificate's the next, and a root that isn't there ends a way too. */
START_TEST(two_ways_in_the_order_of_the_pool)
{
	struct acme_chain found[ACME_CHAINS_MAX];
	struct bytes leaf = certificate(LEAF, SUB, 3), own = certificate(SUB, ROOT, 1), cross = certificate(SUB, STRANGER, 1);
	struct bytes pool[] = {own, cross, certificate(ROOT, ROOT, 1)}, turned[] = {cross, own, pool[2]};
	ck_assert_uint_eq(acme_chains_find(leaf, pool, ARRAY_LEN(pool), found), 2);
	expect(&found[0], &own, 1);
	expect(&found[1], &cross, 1);
	ck_assert_uint_eq(acme_chains_find(leaf, turned, ARRAY_LEN(turned), found), 2);
	expect(&found[0], &cross, 1);
}
END_TEST

/* A certificate of the root by another root of the same name: it isn't taken for a root itself (RFC 4210 4.4). */
START_TEST(a_link_certificate_is_no_root)
{
	struct acme_chain found[ACME_CHAINS_MAX];
	struct bytes leaf = certificate(LEAF, ROOT, 3), link = certificate(ROOT, OTHER_ROOT, 1);
	struct bytes pool[] = {certificate(ROOT, ROOT, 1), link, certificate(OTHER_ROOT, OTHER_ROOT, 1)};
	ck_assert_uint_eq(acme_chains_find(leaf, pool, ARRAY_LEN(pool), found), 2);
	expect(&found[0], NULL, 0);
	expect(&found[1], &link, 1);
}
END_TEST

START_TEST(what_is_no_issuer_is_none)
{
	struct acme_chain found[ACME_CHAINS_MAX];
	struct bytes leaf = certificate(LEAF, SUB, 3), pool[] = {certificate(SUB, ROOT, 3), certificate(STRANGER, ROOT, 1), BYTES_STR("no certificate"), {0}};
	ck_assert_uint_eq(acme_chains_find(leaf, pool, ARRAY_LEN(pool), found), 1); /* no CA, another name, no certificate */
	expect(&found[0], NULL, 0);
	/* the name is right and the key another one: its identifier tells */
	struct bytes of_other = certificate(LEAF, OTHER_ROOT, 3), roots[] = {certificate(ROOT, STRANGER, 1)};
	ck_assert_uint_eq(acme_chains_find(of_other, roots, 1, found), 1);
	expect(&found[0], NULL, 0);
	ck_assert_uint_eq(acme_chains_find(BYTES_STR("x"), pool, 1, found), 0);
	ck_assert_uint_eq(acme_chains_find(leaf, NULL, 0, found), 1);
}
END_TEST

/* Two CAs that certify each other, and copies without end: no key twice, and no more than are offered. */
START_TEST(a_circle_ends)
{
	struct acme_chain found[ACME_CHAINS_MAX];
	struct bytes leaf = certificate(LEAF, SUB, 3), pool[100];
	for (size_t i = 0; i < ARRAY_LEN(pool); i++)
		pool[i] = i % 2 ? certificate(SUB, STRANGER, 1) : certificate(STRANGER, SUB, 1);
	size_t n = acme_chains_find(leaf, pool, ARRAY_LEN(pool), found);
	ck_assert_uint_eq(n, ACME_CHAINS_MAX);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_le(found[i].n, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("answers of acme");
	TCase *t = tcase_create("answers");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, every_error_is_a_problem);
	tcase_add_test(t, what_goes_with_a_problem);
	tcase_add_test(t, subproblems_name_their_identifier);
	tcase_add_test(t, one_chain_without_its_root);
	tcase_add_test(t, two_ways_in_the_order_of_the_pool);
	tcase_add_test(t, a_link_certificate_is_no_root);
	tcase_add_test(t, what_is_no_issuer_is_none);
	tcase_add_test(t, a_circle_ends);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
