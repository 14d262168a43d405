#include <config.h>

#include "tests/unit/va/suites.h"

#include <pthread.h>
#include <time.h>
#include "lib/x509/keytype.h"
#include "va/responder.h"

/* Serial 1 is good, 2 revoked for a compromised key, 3 held, 4 revoked without reason; 13 finds no store, 14 a broken row;
 * nothing else was issued. */
static int
lookup(void *ctx, struct status_query *queries, int n, struct error *e)
{
	int *calls = ctx;

	++*calls;
	for (struct status_query *q = queries; q < queries + n; q++) {
		q->status = (struct cert_status){.state = CERT_UNKNOWN};
		if (q->ca_id != 7 || q->serial.len != 1)
			continue;
		switch (q->serial.data[0]) {
		case 1:
			q->status.state = CERT_GOOD;
			break;
		case 2:
		case 3:
		case 4:
			q->status = (struct cert_status){
			    .state = CERT_REVOKED, .revoked_at = 1000000000, .reason = (const int[]){1, 6, 0}[q->serial.data[0] - 2]};
			break;
		case 13:
			return fail(e, E_STORE, "no store");
		case 14:
			q->broken = true;
			break;
		default:
			break;
		}
	}
	return 0;
}

static int calls; /* of lookup */
static struct signers *signers;
static struct responder *responder;
static struct house *house;
static struct arena *arena;

static void
responder_make(bool not_issued_revoked, long answer_sec)
{
	struct responder_options o = {.signers = signers,
	                              .lookup = lookup,
	                              .lookup_ctx = &calls,
	                              .answer_sec = answer_sec,
	                              .not_issued_revoked = not_issued_revoked};
	struct error e;

	responder_free(responder);
	ck_assert_int_eq(responder_new(&o, &responder, &e), 0);
}

static void
use(enum responder_id by)
{
	signers_set(signers, house_set(&house, 1, by));
}

static void
setup(void)
{
	struct error e;

	arena = arena_new(1024 * 1024);
	house = house_new("CA", 7, 3600, SIGNER_RIGHT);
	ck_assert_int_eq(signers_new(&signers, &e), 0);
	use(RESPONDER_BY_KEY);
	responder_make(false, 600);
}

static void
teardown(void)
{
	responder_free(responder);
	responder = NULL;
	signers_free(signers);
	house_free(house);
	arena_free(arena);
}

static struct ocsp_reply
ask(struct bytes request)
{
	struct ocsp_reply reply;

	responder_answer(responder, request, arena, time(NULL), &reply);
	return reply;
}

/* What libcrypto says of an answer: verified against the CA, as a client does it. The caller frees. */
static OCSP_BASICRESP *
verified(const struct ocsp_reply *reply)
{
	const unsigned char *p = reply->der.data;
	OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)reply->der.len);
	X509_STORE *store = X509_STORE_new();
	OCSP_BASICRESP *basic;

	ck_assert_int_eq(reply->status, OCSP_SUCCESSFUL);
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_eq(p, reply->der.data + reply->der.len);
	basic = OCSP_response_get1_basic(r);
	X509_STORE_add_cert(store, house->ca);
	ck_assert_int_eq(OCSP_basic_verify(basic, NULL, store, 0), 1);
	X509_STORE_free(store);
	OCSP_RESPONSE_free(r);
	return basic;
}

START_TEST(statuses)
{
	const int want[] = {V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_REVOKED,
	                    V_OCSP_CERTSTATUS_UNKNOWN};
	const int reasons[] = {-1, 1, 6, -1, -1};
	struct ocsp_reply reply = ask(house_request(house, EVP_sha1(), 5, 0));
	OCSP_BASICRESP *basic = verified(&reply);
	int reason;

	ck_assert(!reply.has_nonce);
	ck_assert_int_eq(OCSP_resp_count(basic), 5);
	for (int i = 0; i < 5; i++) {
		reason = -1;
		ck_assert_int_eq(OCSP_single_get0_status(OCSP_resp_get0(basic, i), &reason, NULL, NULL, NULL), want[i]);
		ck_assert_int_eq(reason, reasons[i]);
	}
	ck_assert_int_eq(OCSP_BASICRESP_get_ext_count(basic), 0);
	OCSP_BASICRESP_free(basic);
}
END_TEST

/* The answer repeats the CertID as asked, whatever its hash, and the nonce. */
START_TEST(certid_and_nonce)
{
	const EVP_MD *mds[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};

	for (size_t i = 0; i < ARRAY_LEN(mds); i++) {
		struct bytes der = house_request(house, mds[i], 1, 32);
		const unsigned char *p = der.data;
		OCSP_REQUEST *q = d2i_OCSP_REQUEST(NULL, &p, (long)der.len);
		struct ocsp_reply reply = ask(der);
		OCSP_BASICRESP *basic = verified(&reply);

		ck_assert(reply.has_nonce);
		ck_assert_int_eq(OCSP_check_nonce(q, basic), 1);
		ck_assert_int_eq(OCSP_resp_find(basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(q, 0)), -1), 0);
		OCSP_BASICRESP_free(basic);
		OCSP_REQUEST_free(q);
	}
}
END_TEST

/* RFC 6960 2.2 and 4.4.8: revoked, on hold, since 1970, and the extension that says why. Never good either way. */
START_TEST(not_issued_revoked)
{
	struct ocsp_reply reply;
	OCSP_BASICRESP *basic;
	ASN1_GENERALIZEDTIME *at = NULL;
	int reason = -1;

	responder_make(true, 600);
	reply = ask(house_request(house, EVP_sha1(), 5, 0));
	basic = verified(&reply);
	ck_assert_int_eq(OCSP_single_get0_status(OCSP_resp_get0(basic, 4), &reason, &at, NULL, NULL), V_OCSP_CERTSTATUS_REVOKED);
	ck_assert_int_eq(reason, 6);
	ck_assert_str_eq((const char *)ASN1_STRING_get0_data((ASN1_STRING *)at), "19700101000000Z");
	ck_assert_int_eq(OCSP_BASICRESP_get_ext_count(basic), 1);
	OCSP_BASICRESP_free(basic);
	reply = ask(house_request(house, EVP_sha1(), 4, 0));
	basic = verified(&reply);
	ck_assert_int_eq(OCSP_BASICRESP_get_ext_count(basic), 0);
	OCSP_BASICRESP_free(basic);
}
END_TEST

static const char *const signer_types[] = {"rsa2048", "rsapss2048", "p384", "p521", "brainpoolp256r1", "ed25519", "ed448", "mldsa44", "mldsa65"};

/* Whatever the signer's key signs with, the answer says so; twice, with contexts that are kept. */
START_TEST(signer_of_any_type)
{
	struct error e;
	struct ocsp_reply reply;

	if (keytype_available(keytype_by_name(signer_types[_i]), &e) < 0)
		return;
	house_signer_of(house, signer_types[_i], 3600, SIGNER_RIGHT);
	use(RESPONDER_BY_KEY);
	for (int i = 0; i < 2; i++) {
		reply = ask(house_request(house, EVP_sha1(), 1, 0));
		OCSP_BASICRESP_free(verified(&reply));
	}
}
END_TEST

START_TEST(by_name_and_rsa)
{
	struct ocsp_reply reply;
	OCSP_BASICRESP *basic;
	const X509_NAME *name = NULL;
	const ASN1_OCTET_STRING *hash = NULL;

	house_signer_of(house, "rsa2048", 3600, SIGNER_RIGHT);
	use(RESPONDER_BY_NAME); /* the thread at work changes to it at once */
	reply = ask(house_request(house, EVP_sha1(), 1, 0));
	basic = verified(&reply);
	ck_assert_int_eq(OCSP_resp_get0_id(basic, &hash, &name), 1);
	ck_assert_ptr_nonnull(name);
	ck_assert_ptr_null(hash);
	OCSP_BASICRESP_free(basic);
}
END_TEST

static void
check_refused(struct bytes request, enum ocsp_response_status want)
{
	struct ocsp_reply reply = ask(request);

	ck_assert_int_eq(reply.status, want);
	ck_assert_uint_eq(reply.der.len, 5);
	ck_assert_uint_eq(reply.der.data[4], want);
	ck_assert_str_ne(reply.error.detail, "");
}

START_TEST(refusals)
{
	struct house *stranger = house_new("stranger", 8, 3600, SIGNER_RIGHT);

	check_refused((struct bytes){(const uint8_t *)"", 0}, OCSP_MALFORMED_REQUEST);
	check_refused(house_request(stranger, EVP_sha1(), 1, 0), OCSP_UNAUTHORIZED);
	check_refused(house_request(house, EVP_md5(), 1, 0), OCSP_UNAUTHORIZED);
	check_refused(house_request(house, EVP_sha1(), 13, 0), OCSP_TRY_LATER);
	house_free(stranger);
}
END_TEST

/* Many at once: each gets its own answer, a bad one costs the others nothing, and there are few look-ups. */
START_TEST(batch)
{
	struct ocsp_job jobs[150], *list[150];
	uint8_t der[2][4096];
	size_t len[2];

	for (int i = 0; i < 2; i++) {
		struct bytes q = house_request(house, EVP_sha1(), i == 0 ? 1 : 12, 0);

		len[i] = q.len;
		memcpy(der[i], q.data, q.len);
	}
	for (int i = 0; i < 150; i++) {
		jobs[i] = (struct ocsp_job){.request = {der[i % 2], i % 3 == 0 ? 7 : len[i % 2]}, .arena = arena};
		list[i] = &jobs[i];
	}
	calls = 0;
	responder_answer_many(responder, list, 150, time(NULL));
	ck_assert_int_le(calls, 8);
	for (int i = 0; i < 150; i++) {
		OCSP_BASICRESP *basic;

		if (i % 3 == 0) {
			ck_assert_int_eq(jobs[i].reply.status, OCSP_MALFORMED_REQUEST);
			continue;
		}
		basic = verified(&jobs[i].reply);
		ck_assert_int_eq(OCSP_resp_count(basic), i % 2 == 0 ? 1 : 12);
		ck_assert_int_eq(OCSP_single_get0_status(OCSP_resp_get0(basic, 0), NULL, NULL, NULL, NULL), V_OCSP_CERTSTATUS_GOOD);
		OCSP_BASICRESP_free(basic);
	}
}
END_TEST

START_TEST(broken_row)
{
	responder_make(true, 600);
	struct bytes der = house_request(house, EVP_sha1(), 1, 0);
	uint8_t copy[512];

	memcpy(copy, der.data, der.len);
	ck_assert_uint_eq(copy[der.len - 1], 1); /* the serial ends the request */
	copy[der.len - 1] = 14;
	check_refused((struct bytes){copy, der.len}, OCSP_INTERNAL_ERROR);
}
END_TEST

/* Ids of two issuers, both ours: nobody could sign for both (RFC 6960 4.2.2.2). */
START_TEST(two_issuers)
{
	struct house *both[] = {house, house_new("other", 8, 3600, SIGNER_RIGHT)};
	struct bytes der;
	OCSP_REQUEST *q = OCSP_REQUEST_new();
	unsigned char *out = NULL;
	int n;

	signers_set(signers, house_set(both, 2, RESPONDER_BY_KEY));
	for (int i = 0; i < 2; i++) {
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		ASN1_INTEGER_set(serial, 1);
		OCSP_request_add0_id(q, OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(both[i]->ca),
		                                         X509_get0_pubkey_bitstr(both[i]->ca), serial));
		ASN1_INTEGER_free(serial);
	}
	n = i2d_OCSP_REQUEST(q, &out);
	der = (struct bytes){out, (size_t)n};
	check_refused(der, OCSP_UNAUTHORIZED);
	OPENSSL_free(out);
	OCSP_REQUEST_free(q);
	house_free(both[1]);
}
END_TEST

/* O04: without a living signer tryLater; an answer never outlives its signer. */
START_TEST(lives_of_signers)
{
	struct bytes der = house_request(house, EVP_sha1(), 1, 0);
	time_t now = time(NULL);
	struct ocsp_reply reply;

	responder_make(false, 864000);
	responder_answer(responder, der, arena, now, &reply);
	ck_assert_int_eq(reply.status, OCSP_SUCCESSFUL);
	ck_assert_int_le(reply.next_update, now + 3601);
	ck_assert_int_ge(reply.next_update, now + 3590);
	responder_answer(responder, der, arena, now + 3605, &reply);
	ck_assert_int_eq(reply.status, OCSP_TRY_LATER);
	responder_answer(responder, der, arena, now - 300, &reply);
	ck_assert_int_eq(reply.status, OCSP_TRY_LATER);
	house_signer(house, -1, SIGNER_RIGHT);
	use(RESPONDER_BY_KEY);
	check_refused(der, OCSP_TRY_LATER);
}
END_TEST

START_TEST(before_first_load)
{
	struct bytes der = house_request(house, EVP_sha1(), 1, 0);

	signers_set(signers, NULL);
	check_refused(der, OCSP_TRY_LATER);
}
END_TEST

static void *
ask_often(void *arg)
{
	const struct bytes *der = arg;
	struct arena *own = arena_new(1024 * 1024);
	long good = 0;

	for (int i = 0; i < 300; i++) {
		struct ocsp_reply reply;

		responder_answer(responder, *der, own, time(NULL), &reply);
		good += reply.status == OCSP_SUCCESSFUL;
		arena_reset(own);
	}
	arena_free(own);
	return (void *)(intptr_t)good;
}

/* Signers are exchanged while others sign: no answer fails. */
START_TEST(exchange_under_load)
{
	struct bytes der = house_request(house, EVP_sha1(), 4, 0);
	pthread_t threads[3];
	void *good;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, &der), 0);
	for (int i = 0; i < 20; i++)
		use(i % 2 ? RESPONDER_BY_KEY : RESPONDER_BY_NAME);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &good);
		ck_assert_int_eq((intptr_t)good, 300);
	}
}
END_TEST

TCase *
tcase_responder(void)
{
	TCase *t = tcase_create("responder");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, statuses);
	tcase_add_test(t, certid_and_nonce);
	tcase_add_test(t, not_issued_revoked);
	tcase_add_test(t, by_name_and_rsa);
	tcase_add_loop_test(t, signer_of_any_type, 0, ARRAY_LEN(signer_types));
	tcase_add_test(t, refusals);
	tcase_add_test(t, batch);
	tcase_add_test(t, broken_row);
	tcase_add_test(t, two_issuers);
	tcase_add_test(t, lives_of_signers);
	tcase_add_test(t, before_first_load);
	tcase_add_test(t, exchange_under_load);
	return t;
}
