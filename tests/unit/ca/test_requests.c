/* What may be asked of the engine, by whom, and what is refused with which word. */
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/ca/client.h"

/* --- who may ask for what --- */

static const struct {
	Siegel__Request__OperationCase operation;
	bool api, est, sched;
} rights[] = {
    {SIEGEL__REQUEST__OPERATION_ISSUE, true, true, false},  {SIEGEL__REQUEST__OPERATION_REVOKE, true, false, false},
    {SIEGEL__REQUEST__OPERATION_CRL, false, false, true},   {SIEGEL__REQUEST__OPERATION_SIGNER, false, false, true},
    {SIEGEL__REQUEST__OPERATION_SWEEP, false, false, true}, {SIEGEL__REQUEST__OPERATION_STATUS, true, false, true},
};

/* An operation without content: who may ask is told what is wrong with it, who may not is told only that. */
START_TEST(test_rights)
{
	static const char *const callers[] = {"api", "est", "sched"};
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		Siegel__Request q = SIEGEL__REQUEST__INIT;
		union { /* all the same: an empty message */
			Siegel__Issue issue;
			Siegel__Revoke revoke;
			Siegel__MakeCrl crl;
			Siegel__MakeSigner signer;
			Siegel__Sweep sweep;
			Siegel__Status status;
		} u;
		const bool may[] = {rights[_i].api, rights[_i].est, rights[_i].sched};
		q.operation_case = rights[_i].operation;
		switch (q.operation_case) {
		case SIEGEL__REQUEST__OPERATION_ISSUE: siegel__issue__init(&u.issue); break;
		case SIEGEL__REQUEST__OPERATION_REVOKE: siegel__revoke__init(&u.revoke); break;
		case SIEGEL__REQUEST__OPERATION_CRL: siegel__make_crl__init(&u.crl); break;
		case SIEGEL__REQUEST__OPERATION_SIGNER: siegel__make_signer__init(&u.signer); break;
		case SIEGEL__REQUEST__OPERATION_SWEEP: siegel__sweep__init(&u.sweep); break;
		default: siegel__status__init(&u.status);
		}
		q.issue = &u.issue;
		Siegel__Reply *reply = client_ask(callers[i], &q);
		ck_assert_ptr_nonnull(reply);
		bool forbidden = reply->result_case == SIEGEL__REPLY__RESULT_ERROR && strcmp(reply->error->code, error_name(E_FORBIDDEN)) == 0;
		ck_assert_msg(forbidden == !may[i], "%s", callers[i]);
		siegel__reply__free_unpacked(reply, NULL);
	}
}
END_TEST

/* A message of a field that nobody knows asks for nothing. */
START_TEST(test_no_operation)
{
	static const uint8_t unknown[] = {0, 0, 0, 2, 0x7a, 0};
	static const char *const callers[] = {"api", "est", "sched"};
	int fd = client_connect(callers[_i]);
	client_send_bytes(fd, unknown, sizeof(unknown));
	client_expect_error(client_reply(fd), E_FORBIDDEN, NULL);
	close(fd);
}
END_TEST

/* --- what a request says --- */

static Siegel__Name names[LIMIT_SAN_COUNT + 1], *name_list[LIMIT_SAN_COUNT + 1];
static Siegel__Attribute attributes[LIMIT_RDN_COUNT + 1], *attribute_list[LIMIT_RDN_COUNT + 1];
static uint8_t big[LIMIT_CSR_BYTES + 1];

static void
set_names(struct asking *q, size_t n, Siegel__Name__Kind kind, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		siegel__name__init(&names[i]);
		names[i].kind = kind;
		names[i].value = writable(value);
		name_list[i] = &names[i];
	}
	q->issue.names = name_list;
	q->issue.n_names = n;
}

static void
set_subject(struct asking *q, size_t n, const char *type, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		siegel__attribute__init(&attributes[i]);
		attributes[i].type = writable(type);
		attributes[i].value = writable(value);
		attribute_list[i] = &attributes[i];
	}
	q->issue.subject = attribute_list;
	q->issue.n_subject = n;
}

static void no_requestor(struct asking *q) { q->issue.requestor = NULL; }
static void short_key(struct asking *q) { ask_with_key(q, 1, 1); q->issue.request_key.len = 31; }
static void long_key(struct asking *q) { ask_with_key(q, 1, 1); q->issue.request_key = (ProtobufCBinaryData){.data = big, .len = 33}; }
static void huge_key(struct asking *q) { ask_with_key(q, 1, 1); q->issue.request_key = (ProtobufCBinaryData){.data = big, .len = sizeof(big)}; }
static void short_hash(struct asking *q) { ask_with_key(q, 1, 1); q->issue.body_hash.len = 31; }
static void no_hash(struct asking *q) { ask_with_key(q, 1, 1); q->issue.body_hash.len = 0; }
static void no_window(struct asking *q) { ask_with_key(q, 1, 1); q->issue.window_sec = 0; }
static void past_window(struct asking *q) { ask_with_key(q, 1, 1); q->issue.window_sec = -1; }
static void actor_not_text(struct asking *q) { q->requestor.name = writable("a\xff"); }
static void source_not_text(struct asking *q) { q->requestor.source = writable("\xc3"); }
static void other_source(struct asking *q) { q->requestor.source = writable("est"); }
static void evidence_not_text(struct asking *q) { q->requestor.evidence = writable("\xed\xa0\x80"); }
static void no_tenant(struct asking *q) { q->requestor.tenant_id = 0; }
static void other_tenant(struct asking *q) { q->requestor.tenant_id = 77; }
static void no_profile(struct asking *q) { q->issue.profile = writable(""); }
static void internal_profile(struct asking *q) { q->issue.profile = writable("sub-ca"); }
static void signer_profile(struct asking *q) { q->issue.profile = writable("ocsp-signer"); }
static void offline_ca(struct asking *q) { q->issue.ca = writable("root"); }
static void unknown_ca(struct asking *q) { q->issue.ca = writable("nosuch"); }
static void past_days(struct asking *q) { q->issue.days = -1; }
static void many_days(struct asking *q) { q->issue.days = 40000; }
static void over_profile(struct asking *q) { q->issue.days = 3651; }
static void unknown_key_type(struct asking *q) { q->issue.key_type = writable("rsa1024"); }
static void other_key_type(struct asking *q) { q->issue.key_type = writable("sect283k1"); }
static void unknown_kind(struct asking *q) { set_names(q, 1, (Siegel__Name__Kind)99, "a.example"); }
static void past_kind(struct asking *q) { set_names(q, 1, (Siegel__Name__Kind)-1, "a.example"); }
static void many_names(struct asking *q) { set_names(q, LIMIT_SAN_COUNT + 1, SIEGEL__NAME__KIND__DNS, "a.example"); }
static void name_twice(struct asking *q) { set_names(q, 2, SIEGEL__NAME__KIND__DNS, "a.example"); }
static void empty_name(struct asking *q) { set_names(q, 1, SIEGEL__NAME__KIND__DNS, ""); }
static void name_not_text(struct asking *q) { set_names(q, 1, SIEGEL__NAME__KIND__DNS, "\xff.example"); }
static void name_not_allowed(struct asking *q) { set_names(q, 1, SIEGEL__NAME__KIND__EMAIL, "a@a.example"); }
static void many_attributes(struct asking *q) { set_subject(q, LIMIT_RDN_COUNT + 1, "O", "x"); }
static void unknown_attribute(struct asking *q) { set_subject(q, 1, "2.5.4.3", "x"); }
static void two_cns(struct asking *q) { set_subject(q, 2, "CN", "a.example"); }
static void no_cn(struct asking *q) { set_subject(q, 1, "O", "x"); }
static void empty_cn(struct asking *q) { set_subject(q, 1, "CN", ""); }
static void cn_not_text(struct asking *q) { set_subject(q, 1, "CN", "\xff"); }
static void no_csr(struct asking *q) { q->issue.csr = (ProtobufCBinaryData){.data = big, .len = 1}; }
static void big_csr(struct asking *q) { q->issue.csr = (ProtobufCBinaryData){.data = big, .len = sizeof(big)}; }
static void not_a_certificate(struct asking *q) { q->issue.same_identity_as = (ProtobufCBinaryData){.data = big, .len = 100}; }

#define BAD(change, code, pointer) {change, #change, code, pointer}
static const struct {
	void (*change)(struct asking *q);
	const char *name;
	enum error_code code;
	const char *pointer;
} bad[] = {
    BAD(no_requestor, E_MALFORMED, ""), BAD(short_key, E_MALFORMED, ""), BAD(long_key, E_MALFORMED, ""), BAD(huge_key, E_MALFORMED, ""),
    BAD(short_hash, E_MALFORMED, ""), BAD(no_hash, E_MALFORMED, ""), BAD(no_window, E_MALFORMED, ""), BAD(past_window, E_MALFORMED, ""),
    BAD(actor_not_text, E_MALFORMED, ""), BAD(source_not_text, E_MALFORMED, ""), BAD(other_source, E_FORBIDDEN, ""), BAD(evidence_not_text, E_MALFORMED, ""),
    BAD(no_tenant, E_NOT_FOUND, "ca"), BAD(other_tenant, E_NOT_FOUND, "ca"), BAD(no_profile, E_NOT_FOUND, "profile"),
    BAD(internal_profile, E_NOT_FOUND, "profile"), BAD(signer_profile, E_NOT_FOUND, "profile"), BAD(offline_ca, E_POLICY, "ca"),
    BAD(unknown_ca, E_NOT_FOUND, "ca"), BAD(past_days, E_BAD_VALUE, "days"), BAD(many_days, E_BAD_VALUE, "days"),
    BAD(over_profile, E_POLICY, "days"), BAD(unknown_key_type, E_BAD_VALUE, "key_type"), BAD(other_key_type, E_BAD_KEY, "key_type"),
    BAD(unknown_kind, E_MALFORMED, "names"), BAD(past_kind, E_MALFORMED, "names"), BAD(many_names, E_BAD_VALUE, "names"),
    BAD(name_twice, E_BAD_VALUE, "names/1"), BAD(empty_name, E_BAD_VALUE, "names/0"), BAD(name_not_text, E_BAD_VALUE, "names/0"),
    BAD(name_not_allowed, E_POLICY, "names/0"), BAD(many_attributes, E_BAD_VALUE, "subject"),
    BAD(unknown_attribute, E_BAD_VALUE, "subject/2.5.4.3"), BAD(two_cns, E_POLICY, "subject/CN"), BAD(no_cn, E_POLICY, "names"),
    BAD(empty_cn, E_BAD_VALUE, "subject/CN"), BAD(cn_not_text, E_BAD_VALUE, "subject/CN"), BAD(no_csr, E_BAD_CSR, "csr"),
    BAD(big_csr, E_TOO_LARGE, "csr"), BAD(not_a_certificate, E_MALFORMED, NULL),
};

/* siegel-est speaks for EST alone, and has no key made. */
START_TEST(test_front_end_speaks_for_itself)
{
	struct asking q;
	int fd = client_connect("est");
	ask(&q, 1, "a.example");
	client_send_issue(fd, &q);
	client_expect_error(client_reply(fd), E_FORBIDDEN, "");
	q.requestor.source = writable("est");
	client_send_issue(fd, &q);
	client_expect_error(client_reply(fd), E_FORBIDDEN, "");
	close(fd);
}
END_TEST

static const char *const front_ends[] = {"est", "scep", "acme"};

/* A request with a CSR as that front end sends it. */
static Siegel__Reply *
ask_as(const char *source, const char *profile, const char *ca, const char *cn)
{
	struct asking q;
	int fd = client_connect(source);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	ask(&q, 1, cn);
	ask_with_csr(&q, key);
	q.requestor.source = writable(source);
	q.issue.profile = writable(profile);
	q.issue.ca = writable(ca);
	static Siegel__Name name, *list[] = {&name};
	siegel__name__init(&name);
	name.value = writable(cn);
	q.issue.names = list;
	q.issue.n_names = 1;
	q.issue.n_subject = 0; /* siegel-acme says none */
	client_send_issue(fd, &q);
	Siegel__Reply *reply = client_reply(fd);
	close(fd);
	ask_free(&q);
	EVP_PKEY_free(key);
	return reply;
}

static void
door(const char *protocol, const char *profile)
{
	char sql[900];
	snprintf(sql, sizeof(sql),
		 "WITH p AS (SELECT id FROM siegel.profile WHERE tenant_id = 1 AND name = '%s'), n AS (INSERT INTO siegel.endpoint AS n"
		 " (tenant_id, protocol, label, profile_id, auth) SELECT 1, '%s', 'request', p.id, '{%s}' FROM p RETURNING n.id)"
		 " INSERT INTO siegel.directory_profile (endpoint_id, tenant_id, name, profile_id, description) SELECT n.id, 1, 'x', p.id, '' FROM n, p",
		 profile, protocol, strcmp(protocol, "acme") == 0 ? "http-01" : "password");
	test_superuser(sql);
}

/* A front end asks by what its own doors bind, from the moment on that they do, and until they don't. */
START_TEST(test_doors)
{
	const char *protocol = front_ends[_i], *other = front_ends[(_i + 1) % ARRAY_LEN(front_ends)];
	test_superuser("DELETE FROM siegel.endpoint WHERE label = 'request'");
	client_expect_error(ask_as(protocol, "server", "", "door.example"), E_FORBIDDEN, "");
	for (int again = 0; again < 5; again++) {
		door(protocol, "server");
		client_expect_issued(ask_as(protocol, "server", "", "door.example"));
		client_expect_issued(ask_as(protocol, "server", "issuing", "door.example"));
		client_expect_error(ask_as(protocol, "client", "", "door.example"), E_FORBIDDEN, "");
		client_expect_error(ask_as(protocol, "server", "root", "door.example"), E_FORBIDDEN, "");
		client_expect_error(ask_as(other, "server", "", "door.example"), E_FORBIDDEN, "");
		test_superuser(again % 2 ? "UPDATE siegel.endpoint SET enabled = false WHERE label = 'request'"
		                         : "DELETE FROM siegel.endpoint WHERE label = 'request'");
		int tries = 0; /* the notice is on its way: requests don't ask the store */
		Siegel__Reply *reply;
		while ((reply = ask_as(protocol, "server", "", "door.example"))->result_case == SIEGEL__REPLY__RESULT_ISSUED && tries++ < 200) {
			siegel__reply__free_unpacked(reply, NULL);
			usleep(5000);
		}
		client_expect_error(reply, E_FORBIDDEN, "");
		test_superuser("DELETE FROM siegel.endpoint WHERE label = 'request'");
	}
}
END_TEST

/* Profile and CA of a successor would be another certificate's. */
START_TEST(test_successor_of_front_end)
{
	struct asking q;
	int fd = client_connect(front_ends[_i]);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	ask(&q, 1, "a.example");
	ask_with_csr(&q, key);
	q.requestor.source = writable(front_ends[_i]);
	q.issue.replaces_id = 1;
	q.issue.profile = writable("");
	client_send_issue(fd, &q);
	client_expect_error(client_reply(fd), E_FORBIDDEN, "");
	close(fd);
	ask_free(&q);
	EVP_PKEY_free(key);
}
END_TEST

/* Each on the connection that then issues: it costs nobody anything. */
START_TEST(test_bad_request)
{
	struct asking q;
	int fd = client_connect("api");
	ask(&q, 1, "a.example");
	bad[_i].change(&q);
	client_send_issue(fd, &q);
	Siegel__Reply *reply = client_reply(fd);
	ck_assert_msg(reply, "%s: closed", bad[_i].name);
	ck_assert_msg(reply->result_case == SIEGEL__REPLY__RESULT_ERROR, "%s: issued", bad[_i].name);
	ck_assert_msg(strcmp(reply->error->code, error_name(bad[_i].code)) == 0, "%s: %s: %s", bad[_i].name, reply->error->code, reply->error->detail);
	ck_assert_int_gt((int)strlen(reply->error->detail), 5);
	client_expect_error(reply, bad[_i].code, bad[_i].pointer);
	ask(&q, 1, "a.example");
	client_send_issue(fd, &q);
	client_expect_issued(client_reply(fd));
	close(fd);
}
END_TEST

/* --- what comes back --- */

START_TEST(test_own_key)
{
	struct asking q;
	ask(&q, 1, "own.example");
	if (_i)
		q.issue.pkcs12_password = writable("correct horse");
	Siegel__Reply *reply = client_issue(&q);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_ISSUED);
	const Siegel__Issued *i = reply->issued;
	const unsigned char *p = i->certificate->der.data, *p12 = i->pkcs12.data;
	X509 *x = d2i_X509(NULL, &p, (long)i->certificate->der.len), *inside = NULL;
	EVP_PKEY *key = NULL;
	ck_assert_int_eq(*i->private_key_pem == '\0', _i);
	ck_assert_int_eq(i->pkcs12.len == 0, !_i);
	if (_i) {
		PKCS12 *box = d2i_PKCS12(NULL, &p12, (long)i->pkcs12.len);
		STACK_OF(X509) *chain = NULL;
		ck_assert_int_eq(PKCS12_verify_mac(box, "wrong", -1), 0);
		ck_assert_int_eq(PKCS12_parse(box, "correct horse", &key, &inside, &chain), 1);
		ck_assert_int_eq(X509_cmp(x, inside), 0);
		ck_assert_int_eq(sk_X509_num(chain), 1);
		sk_X509_pop_free(chain, X509_free);
		PKCS12_free(box);
	} else {
		BIO *pem = BIO_new_mem_buf(i->private_key_pem, -1);
		key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);
		BIO_free(pem);
	}
	ck_assert_int_eq(X509_check_private_key(x, key), 1);
	ck_assert_str_eq(i->certificate->subject, "CN=own.example");
	ck_assert_uint_eq(i->certificate->n_names, 1);
	ck_assert_str_eq(i->certificate->names[0], "dns:own.example");
	ck_assert_str_eq(i->certificate->status, "issued");
	ck_assert_str_eq(i->certificate->ca, "issuing");
	ck_assert_str_eq(i->validity_rule, "profile default");
	ck_assert(!i->repeated);
	X509_free(x);
	X509_free(inside);
	EVP_PKEY_free(key);
	siegel__reply__free_unpacked(reply, NULL);
}
END_TEST

START_TEST(test_csr)
{
	struct asking q;
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	ask(&q, 1, "csr.example");
	ask_with_csr(&q, key);
	Siegel__Reply *reply = client_issue(&q);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_ISSUED);
	ck_assert_str_eq(reply->issued->private_key_pem, "");
	const unsigned char *p = reply->issued->certificate->der.data;
	X509 *x = d2i_X509(NULL, &p, (long)reply->issued->certificate->der.len);
	ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1);
	X509_free(x);
	siegel__reply__free_unpacked(reply, NULL);
	/* a signature that isn't the key's */
	q.issue.csr.data[q.issue.csr.len - 1] ^= 1;
	client_expect_error(client_issue(&q), E_BAD_CSR, "csr");
	/* another subject wants another key; the place in the batch is found */
	ask_with_csr(&q, key);
	q.attribute.value = writable("other.example");
	client_expect_error(client_issue(&q), E_BAD_KEY, "csr");
	ask_free(&q);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

/* --- revocation --- */

static Siegel__Reply *
revoke_certificate(int32_t tenant, int64_t id, int reason, bool requestor)
{
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__Revoke revoke = SIEGEL__REVOKE__INIT;
	struct asking q;
	ask(&q, tenant, "");
	revoke.requestor = requestor ? &q.requestor : NULL;
	revoke.certificate_id = id;
	revoke.reason = reason;
	request.operation_case = SIEGEL__REQUEST__OPERATION_REVOKE;
	request.revoke = &revoke;
	return client_ask("api", &request);
}

START_TEST(test_revoke)
{
	static const int bad_reasons[] = {-1, 2, 7, 8, 10, 99};
	struct asking q;
	ask(&q, 1, "revoke.example");
	int64_t id = client_expect_issued(client_issue(&q));
	client_expect_error(revoke_certificate(1, id, 1, false), E_MALFORMED, NULL);
	for (size_t i = 0; i < ARRAY_LEN(bad_reasons); i++)
		client_expect_error(revoke_certificate(1, id, bad_reasons[i], true), E_BAD_VALUE, "reason");
	client_expect_error(revoke_certificate(2, id, 1, true), E_NOT_FOUND, NULL);
	client_expect_error(revoke_certificate(1, 0, 1, true), E_NOT_FOUND, NULL);
	client_expect_error(revoke_certificate(1, INT64_MAX, 1, true), E_NOT_FOUND, NULL);
	for (int again = 0; again < 2; again++) {
		Siegel__Reply *reply = revoke_certificate(1, id, again ? 5 : 4, true);
		ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_REVOKED);
		ck_assert_int_eq(reply->revoked->repeated, again);
		ck_assert_int_eq(reply->revoked->reason, 4);
		ck_assert_int_eq(reply->revoked->certificate->id, id);
		ck_assert_str_eq(reply->revoked->certificate->status, "revoked");
		ck_assert_str_eq(reply->revoked->certificate->subject, "CN=revoke.example");
		ck_assert_str_eq(reply->revoked->certificate->names[0], "dns:revoke.example");
		ck_assert_str_eq(reply->revoked->certificate->ca, "issuing");
		ck_assert_str_eq(reply->revoked->certificate->profile, "server");
		ck_assert_uint_gt(reply->revoked->certificate->der.len, 300);
		siegel__reply__free_unpacked(reply, NULL);
	}
}
END_TEST

/* --- external account keys; what is a good MAC and what isn't: test_acme_mac.c --- */

START_TEST(test_mac)
{
	static const char *const callers[] = {"api", "est", "scep", "sched"};
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__CheckMac mac = SIEGEL__CHECK_MAC__INIT;
	uint8_t octets[32] = {0};
	mac.tenant_id = 1;
	mac.key_id = 4711;
	mac.algorithm = writable("HS256");
	mac.content = mac.mac = (ProtobufCBinaryData){sizeof(octets), octets};
	request.operation_case = SIEGEL__REQUEST__OPERATION_MAC;
	request.mac = &mac;
	Siegel__Reply *reply = client_ask("acme", &request);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_MAC);
	ck_assert(!reply->mac->good);
	siegel__reply__free_unpacked(reply, NULL);
	mac.algorithm = writable("none");
	client_expect_error(client_ask("acme", &request), E_MALFORMED, NULL);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		client_expect_error(client_ask(callers[i], &request), E_FORBIDDEN, NULL);
}
END_TEST

/* --- second factors; what is a good code and what isn't: test_second_factor.c --- */

START_TEST(test_second_factor)
{
	static const char *const callers[] = {"acme", "est", "scep", "sched"};
	Siegel__Request request = SIEGEL__REQUEST__INIT;
	Siegel__CheckSecondFactor q = SIEGEL__CHECK_SECOND_FACTOR__INIT;
	q.tenant_id = 1;
	q.account_id = 4711;
	q.code = writable("123456");
	request.operation_case = SIEGEL__REQUEST__OPERATION_SECOND_FACTOR;
	request.second_factor = &q;
	Siegel__Reply *reply = client_ask("api", &request);
	ck_assert_int_eq(reply->result_case, SIEGEL__REPLY__RESULT_SECOND_FACTOR);
	ck_assert(!reply->second_factor->good);
	siegel__reply__free_unpacked(reply, NULL);
	q.recovery_code = writable("abcd");
	client_expect_error(client_ask("api", &request), E_MALFORMED, NULL);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++)
		client_expect_error(client_ask(callers[i], &request), E_FORBIDDEN, NULL);
}
END_TEST

TCase *
tcase_requests(void)
{
	TCase *c = tcase_create("requests");
	tcase_add_unchecked_fixture(c, engine_start, NULL);
	tcase_add_loop_test(c, test_rights, 0, ARRAY_LEN(rights));
	tcase_add_loop_test(c, test_no_operation, 0, 3);
	tcase_add_test(c, test_front_end_speaks_for_itself);
	tcase_add_loop_test(c, test_doors, 0, ARRAY_LEN(front_ends));
	tcase_add_loop_test(c, test_successor_of_front_end, 0, ARRAY_LEN(front_ends));
	tcase_add_loop_test(c, test_bad_request, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(c, test_own_key, 0, 2);
	tcase_add_test(c, test_csr);
	tcase_add_test(c, test_revoke);
	tcase_add_test(c, test_mac);
	tcase_add_test(c, test_second_factor);
	tcase_set_timeout(c, 60);
	return c;
}
