#include <config.h>

#include "tests/unit/va/suites.h"

#include <time.h>
#include <openssl/asn1.h>
#include "lib/x509/der.h"
#include "va/ocsp_response.h"

#define NOW 1900000000 /* 2030-03-17 17:46:40 */

static const uint8_t id[] = {0x30, 0x2f, 0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x04, 0x14, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                             1,    1,    1,    1,    1,    1,    1,    0x04, 0x0a, 2,    2,    2, 2, 2, 2, 2, 2, 2, 2, 0x02, 0x02, 0x12, 0x34};
static const uint8_t responder[] = {0xa2, 0x06, 0x04, 0x04, 9, 9, 9, 9};
static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

static struct ocsp_answer
answer_of(struct cert_status status)
{
	struct ocsp_answer a = {.responder_id = {responder, sizeof(responder)},
	                        .produced_at = NOW,
	                        .this_update = NOW,
	                        .next_update = NOW + 60,
	                        .n_singles = 1};

	a.singles[0] = (struct ocsp_single){.certid = {id, sizeof(id)}, .status = status};
	return a;
}

/* Written by us, read by libcrypto. The caller frees. */
static OCSP_BASICRESP *
read_back(const struct ocsp_answer *a)
{
	BUF_CLEANUP struct buf data = BUF_INIT(65536), whole = BUF_INIT(65536);
	static const uint8_t sig[] = {1, 2, 3};
	OCSP_RESPONSE *r;
	OCSP_BASICRESP *basic;
	const unsigned char *p;
	struct error e;

	ocsp_data_encode(&data, a);
	ck_assert_int_eq(buf_check(&data, &e), 0);
	ocsp_response_encode(&whole, (struct bytes){data.data, data.len}, (struct bytes){algorithm, sizeof(algorithm)},
	                     (struct bytes){sig, sizeof(sig)}, (struct bytes){NULL, 0});
	ck_assert_int_eq(buf_check(&whole, &e), 0);
	p = whole.data;
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)whole.len);
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_eq(p, whole.data + whole.len);
	ck_assert_int_eq(OCSP_response_status(r), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	basic = OCSP_response_get1_basic(r);
	ck_assert_ptr_nonnull(basic);
	OCSP_RESPONSE_free(r);
	return basic;
}

static void
check_time(const ASN1_GENERALIZEDTIME *t, time_t want)
{
	struct tm tm;

	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(ASN1_STRING_type((const ASN1_STRING *)t), V_ASN1_GENERALIZEDTIME);
	ck_assert_int_eq(ASN1_TIME_to_tm((const ASN1_TIME *)t, &tm), 1);
	ck_assert_int_eq(timegm(&tm), want);
}

static void
check_status(struct cert_status status, int want, int want_reason)
{
	struct ocsp_answer a = answer_of(status);
	OCSP_BASICRESP *basic = read_back(&a);
	ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
	int reason = -1;

	ck_assert_int_eq(OCSP_resp_count(basic), 1);
	ck_assert_int_eq(OCSP_single_get0_status(OCSP_resp_get0(basic, 0), &reason, &revoked, &this_update, &next_update), want);
	check_time(this_update, NOW);
	check_time(next_update, NOW + 60);
	check_time(OCSP_resp_get0_produced_at(basic), NOW);
	if (want == V_OCSP_CERTSTATUS_REVOKED) {
		ck_assert_int_eq(reason, want_reason);
		check_time(revoked, (time_t)status.revoked_at);
	}
	OCSP_BASICRESP_free(basic);
}

START_TEST(good)
{
	check_status((struct cert_status){.state = CERT_GOOD}, V_OCSP_CERTSTATUS_GOOD, 0);
}
END_TEST

START_TEST(unknown)
{
	check_status((struct cert_status){.state = CERT_UNKNOWN}, V_OCSP_CERTSTATUS_UNKNOWN, 0);
}
END_TEST

/* Each reason; 0 is left out (RFC 5280 5.3.1), and libcrypto gives -1 then. */
START_TEST(revoked)
{
	for (int reason = 0; reason <= REASON_MAX; reason++)
		check_status((struct cert_status){.state = CERT_REVOKED, .revoked_at = NOW - 86400, .reason = reason},
		             V_OCSP_CERTSTATUS_REVOKED, reason == 0 ? OCSP_REVOKED_STATUS_NOSTATUS : reason);
}
END_TEST

/* Times are GeneralizedTime in every year, 1970 and 2100 as well. */
START_TEST(times)
{
	const int64_t at[] = {0, 951782400, 2524607999, 2524608000, 4107542400};

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		check_status((struct cert_status){.state = CERT_REVOKED, .revoked_at = at[i], .reason = 6}, V_OCSP_CERTSTATUS_REVOKED, 6);
}
END_TEST

START_TEST(certid_is_kept)
{
	struct ocsp_answer a = answer_of((struct cert_status){.state = CERT_GOOD});
	OCSP_BASICRESP *basic = read_back(&a);
	unsigned char *der = NULL;
	int n = i2d_OCSP_CERTID(OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, 0)), &der);

	ck_assert_int_eq(n, (int)sizeof(id));
	ck_assert_mem_eq(der, id, sizeof(id));
	OPENSSL_free(der);
	OCSP_BASICRESP_free(basic);
}
END_TEST

START_TEST(extensions)
{
	static const uint8_t nonce[] = {0x04, 0x02, 0xab, 0xcd};
	struct ocsp_answer a = answer_of((struct cert_status){.state = CERT_GOOD});
	OCSP_BASICRESP *basic;

	a.nonce = (struct bytes){nonce, sizeof(nonce)};
	a.extended_revoke = true;
	basic = read_back(&a);
	ck_assert_int_eq(OCSP_BASICRESP_get_ext_count(basic), 2);
	ck_assert_int_ge(OCSP_BASICRESP_get_ext_by_NID(basic, NID_id_pkix_OCSP_Nonce, -1), 0);
	ck_assert_int_eq(OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1), -1);
	OCSP_BASICRESP_free(basic);
}
END_TEST

/* As many answers as one request may ask for stay within the room that is promised. */
START_TEST(twenty)
{
	struct ocsp_answer a = answer_of((struct cert_status){.state = CERT_REVOKED, .revoked_at = 1, .reason = 1});
	OCSP_BASICRESP *basic;

	for (int i = 1; i < LIMIT_OCSP_CERTIDS; i++)
		a.singles[i] = a.singles[0];
	a.n_singles = LIMIT_OCSP_CERTIDS;
	basic = read_back(&a);
	ck_assert_int_eq(OCSP_resp_count(basic), LIMIT_OCSP_CERTIDS);
	OCSP_BASICRESP_free(basic);
}
END_TEST

START_TEST(errors)
{
	const enum ocsp_response_status all[] = {OCSP_MALFORMED_REQUEST, OCSP_INTERNAL_ERROR, OCSP_TRY_LATER, OCSP_UNAUTHORIZED};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct bytes der = ocsp_error_response(all[i]);
		const unsigned char *p = der.data;
		OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &p, (long)der.len);

		ck_assert_ptr_nonnull(r);
		ck_assert_int_eq(OCSP_response_status(r), (int)all[i]);
		ck_assert_ptr_null(OCSP_response_get1_basic(r));
		OCSP_RESPONSE_free(r);
	}
}
END_TEST

TCase *
tcase_ocsp_response(void)
{
	TCase *t = tcase_create("ocsp_response");

	tcase_add_test(t, good);
	tcase_add_test(t, unknown);
	tcase_add_test(t, revoked);
	tcase_add_test(t, times);
	tcase_add_test(t, certid_is_kept);
	tcase_add_test(t, extensions);
	tcase_add_test(t, twenty);
	tcase_add_test(t, errors);
	return t;
}
