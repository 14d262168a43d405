/* Whole requests with a store and without an engine: who is let through, and what is said when the engine is away. */
#include <openssl/cms.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "enroll/est/est.h"
#include "lib/log.h"
#include "lib/x509/pem.h"
#include "tests/unit/auth/store.h"

static struct config *config;
static struct est *est;
static const char csr_base64[] = "MAYCAQACAX8=";

/* The same store, with the test's own tenant on the path. */
static void
setup(void)
{
	struct error e = {0};
	store_setup();
	log_open("est", LOG_LEVEL_ERROR);
	CLEANUP(db_result_free) struct db_result *res = NULL;
	ck_assert_int_eq(db_query(owner, "SELECT name FROM tenant WHERE id = $1::int", (struct db_param[]){DB_INT(tenant_id)}, 1, false,
	                          &res, &e),
	                 0);
	const char *dir = getenv("SIEGEL_TEST_DIR");
	char *path = arena_printf(arena, "%s/est-%d.conf", dir, tenant_id);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "[database]\nhost = %s/socket\n[sockets]\ndir = %s\n[est]\ntenant = %s\n", dir, dir, db_text(res, 0, 0));
	int closed = fclose(f);
	ck_assert_int_eq(closed, 0);
	ck_assert_msg(config_load(path, &config, &e) == 0, "%s", e.detail);
	ck_assert_msg(est_open(config, &est, &e) == 0, "%s", e.detail);
	unlink(path);
}

static void
teardown(void)
{
	est_close(est);
	config_free(config);
	store_teardown();
}

static const char *
answer_header(const struct http_answer *a, const char *name)
{
	for (int i = 0; i < a->n_headers; i++)
		if (strcmp(a->headers[i].name, name) == 0)
			return a->headers[i].value;
	return "";
}

static const char *
basic(const char *name, const char *secret)
{
	const char *plain = arena_printf(arena, "%s:%s", name, secret);
	return arena_printf(arena, "Basic %s", base64_encode(arena, BYTES_STR(plain)));
}

/* As the edge passes it. */
static const char *
escaped(const char *pem)
{
	char *out = arena_alloc(arena, 3 * strlen(pem) + 1), *p = out;
	for (; *pem; pem++)
		p += sprintf(p, "%%%02X", (unsigned char)*pem);
	return out;
}

/* POST of a CSR; authorization and certificate may be NULL. Returns the status. */
static int
post(const char *operation, const char *authorization, const char *pem, struct http_answer *ret)
{
	struct http_header headers[2];
	int n = 0;
	if (authorization)
		headers[n++] = (struct http_header){"Authorization", authorization};
	if (pem)
		headers[n++] = (struct http_header){"X-Siegel-Client-Cert", escaped(pem)};
	struct http_request r = {
	    .method = "POST",
	    .path = arena_printf(arena, EST_PREFIX "%s", operation),
	    .headers = headers,
	    .n_headers = n,
	    .body = BYTES_STR(csr_base64),
	    .arena = arena,
	    .request_id = "0123456789abcdef",
	    .client = "192.0.2.1",
	};
	*ret = (struct http_answer){0};
	est_handle(est, &r, ret);
	return ret->status;
}

static bool
says(const struct http_answer *a, const char *word)
{
	return memmem(a->body.data, a->body.len, word, strlen(word)) != NULL;
}

START_TEST(test_cacerts)
{
	struct http_request r = {.method = "GET", .path = EST_PREFIX "cacerts", .arena = arena, .request_id = "0", .client = "-"};
	for (int i = 0; i < 2; i++) { /* from the store, then from memory */
		struct http_answer a = {0};
		struct bytes der = {0};
		struct error e = {0};
		est_handle(est, &r, &a);
		ck_assert_int_eq(a.status, 200);
		ck_assert_str_eq(a.content_type, EST_CERTS_ONLY_TYPE);
		ck_assert_ptr_null(memchr(a.body.data, '\n', a.body.len));
		ck_assert_int_eq(base64_decode(arena, (const char *)a.body.data, a.body.len, &der, &e), 0);
		const unsigned char *p = der.data;
		CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
		ck_assert_ptr_nonnull(cms);
		STACK_OF(X509) *certs = CMS_get1_certs(cms);
		ck_assert_int_eq(sk_X509_num(certs), 1);
		ck_assert_int_eq(X509_cmp(sk_X509_value(certs, 0), ca_cert), 0);
		sk_X509_pop_free(certs, X509_free);
		CMS_ContentInfo_free(cms);
	}
}
END_TEST

START_TEST(test_cacerts_without_ca)
{
	struct http_request r = {.method = "GET", .path = EST_PREFIX "cacerts", .arena = arena, .request_id = "0", .client = "-"};
	struct http_answer a = {0};
	store_sql("UPDATE ca SET status = 'disabled' WHERE id = $1::int RETURNING 1", (struct db_param[]){DB_INT(ca_id)}, 1);
	est_handle(est, &r, &a);
	ck_assert_int_eq(a.status, 503);
	ck_assert(says(&a, "no CA is in service"));
}
END_TEST

START_TEST(test_engine_is_away)
{
	struct http_answer a;
	store_credential(store_account("line", "requestor"), "password", "pw-line", 7);
	ck_assert_int_eq(post("simpleenroll", basic("line", "pw-line"), NULL, &a), 503);
	ck_assert_str_ne(answer_header(&a, "Retry-After"), "");
}
END_TEST

START_TEST(test_who_is_refused)
{
	struct http_answer a;
	store_credential(store_account("reader", "auditor"), "password", "pw-reader", 9);
	ck_assert_int_eq(post("simpleenroll", basic("reader", "pw-reader"), NULL, &a), 403);
	ck_assert(says(&a, "auditor"));
	ck_assert_int_eq(post("simpleenroll", NULL, NULL, &a), 401);
	ck_assert_int_eq(strncmp(answer_header(&a, "WWW-Authenticate"), "Basic realm=", 12), 0);
	ck_assert_int_eq(post("simplereenroll", basic("reader", "pw-reader"), NULL, &a), 403);
	ck_assert(says(&a, "RFC 7030 4.2.2"));

	int32_t own = tenant_id;
	tenant_id = (int32_t)store_sql("INSERT INTO tenant (name) VALUES ('x' || $1::text) RETURNING id",
	                               (struct db_param[]){DB_INT(own)}, 1);
	store_credential(store_account("stranger", "administrator"), "password", "pw-stranger", 11);
	tenant_id = own;
	ck_assert_int_eq(post("simpleenroll", basic("stranger", "pw-stranger"), NULL, &a), 403);
	ck_assert(says(&a, "another tenant"));
}
END_TEST

START_TEST(test_certificates)
{
	struct http_answer a;
	X509 *cert = make_cert(&(struct recipe){0});
	int64_t id = store_cert(cert);
	const char *pem = cert_pem(cert);
	/* Let through, as far as the engine that is away. */
	ck_assert_int_eq(post("simplereenroll", NULL, pem, &a), 503);
	ck_assert_int_eq(post("simpleenroll", NULL, pem, &a), 503);
	store_sql("UPDATE certificate SET status = 2 WHERE id = $1::int8 RETURNING 1", (struct db_param[]){DB_INT(id)}, 1);
	ck_assert_int_eq(post("simplereenroll", NULL, pem, &a), 403);
	ck_assert(says(&a, "revoked"));
	ck_assert_int_eq(post("simpleenroll", NULL, pem, &a), 403);
	/* A password that is sent decides, and a wrong one isn't made good by a certificate. */
	ck_assert_int_eq(post("simpleenroll", basic("nobody", "x"), pem, &a), 401);
	X509_free(cert);
}
END_TEST

START_TEST(test_guessing)
{
	struct http_answer a;
	store_credential(store_account("guessed", "requestor"), "password", "pw-guessed", 10);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(post("simpleenroll", basic("guessed", "wrong"), NULL, &a), 401);
	ck_assert_int_eq(post("simpleenroll", basic("guessed", "pw-guessed"), NULL, &a), 429);
	ck_assert_str_ne(answer_header(&a, "Retry-After"), "");
	ck_assert_int_eq(post("simpleenroll", basic("another", "wrong"), NULL, &a), 401);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("est with a store");
	TCase *t = tcase_create("requests");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_cacerts_without_ca); /* before a chain is kept, when all run in one process */
	tcase_add_test(t, test_cacerts);
	tcase_add_test(t, test_engine_is_away);
	tcase_add_test(t, test_who_is_refused);
	tcase_add_test(t, test_certificates);
	tcase_add_test(t, test_guessing);
	suite_add_tcase(s, t);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
