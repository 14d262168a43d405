#include <config.h>

#include "tests/unit/va/suites.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "va/signer_key.h"

static int reported;

static void
report(const struct error *e)
{
	ck_assert_int_ne(e->code, E_NONE);
	reported++;
}

static struct signer_set *
set_of(const struct ca_row *ca, const struct signer_row *rows, int n)
{
	struct signer_set *set;
	struct error e;

	reported = 0;
	ck_assert_int_eq(signer_set_new(ca, 1, rows, n, house_wrap_key(), RESPONDER_BY_KEY, time(NULL), NULL, report, &set, &e), 0);
	return set;
}

static struct ocsp_certid
certid_of(const struct house *h, const EVP_MD *md)
{
	struct ocsp_request r;
	struct error e;

	ck_assert_int_eq(ocsp_request_parse(house_request(h, md, 1, 0), &r, &e), 0);
	return r.ids[0];
}

/* Found by each hash, and each house is told from the other. */
START_TEST(finds_issuer)
{
	struct house *houses[] = {house_new("one", 7, 3600, SIGNER_RIGHT), house_new("two", 9, 3600, SIGNER_RIGHT)};
	const EVP_MD *mds[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
	struct signer_set *set = house_set(houses, 2, RESPONDER_BY_KEY);
	struct house *stranger = house_new("one", 7, 3600, SIGNER_RIGHT); /* same name, other key */
	struct ocsp_certid id;

	for (size_t i = 0; i < ARRAY_LEN(mds); i++) {
		for (int h = 0; h < 2; h++) {
			id = certid_of(houses[h], mds[i]);
			ck_assert_int_eq(signer_set_find(set, &id), h);
		}
		id = certid_of(stranger, mds[i]);
		ck_assert_int_eq(signer_set_find(set, &id), -1);
	}
	id = certid_of(houses[0], EVP_md5());
	ck_assert_int_eq(id.hash, OCSP_HASH_UNKNOWN);
	ck_assert_int_eq(signer_set_find(set, &id), -1);
	ck_assert(signer_set_complete(set, time(NULL)));
	ck_assert(!signer_set_complete(set, time(NULL) + 7200));
	signer_set_drop(set);
	house_free(stranger);
	house_free(houses[0]);
	house_free(houses[1]);
}
END_TEST

/* What is unchanged isn't made anew: the key is the very same. What changed is. */
START_TEST(takes_over)
{
	struct house *h = house_new("one", 7, 3600, SIGNER_RIGHT), *other = house_new("one", 7, 3600, SIGNER_RIGHT);
	struct ca_row ca = h->ca_row;
	struct signer_row row = h->signer_row, wrong = other->signer_row;
	struct signer_set *first = set_of(&ca, &row, 1), *second, *third;
	struct error e;

	ck_assert_int_eq(signer_set_new(&ca, 1, &row, 1, house_wrap_key(), RESPONDER_BY_KEY, time(NULL), first, report, &second, &e), 0);
	ck_assert_ptr_eq(second->signers[0].key, first->signers[0].key);
	ck_assert_mem_eq(second->signers[0].certs.data, first->signers[0].certs.data, first->signers[0].certs.len);
	signer_set_drop(first);
	ck_assert_int_eq(signer_set_new(&ca, 1, &wrong, 1, house_wrap_key(), RESPONDER_BY_KEY, time(NULL), second, report, &third, &e), 0);
	ck_assert_ptr_null(third->signers[0].key);
	ck_assert_int_eq(reported, 1);
	signer_set_drop(second);
	signer_set_drop(third);
	house_free(h);
	house_free(other);
}
END_TEST

/* A signer that a client would refuse isn't used, and the log is told. */
START_TEST(wrong_signers)
{
	const enum signer_fault faults[] = {SIGNER_NO_EKU, SIGNER_OTHER_ISSUER, SIGNER_FORGED, SIGNER_OTHER_KEY};
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct signer_set *set;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		house_signer(h, 3600, faults[i]);
		set = set_of(&h->ca_row, &h->signer_row, 1);
		ck_assert_int_eq(set->n, 1);
		ck_assert_ptr_null(set->signers[0].key);
		ck_assert_int_eq(reported, 1);
		ck_assert(!signer_set_complete(set, time(NULL)));
		signer_set_drop(set);
	}
	house_free(h);
}
END_TEST

/* A row whose key doesn't open is passed over; another that is right serves. */
START_TEST(altered_rows)
{
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct signer_row rows[2] = {h->signer_row, h->signer_row};
	uint8_t *altered = malloc(rows[0].wrapped_key.len);
	const uint8_t other_serial[] = {1, 2, 3};
	struct signer_set *set;

	for (size_t i = 0; i < rows[0].wrapped_key.len; i += 7) {
		memcpy(altered, h->signer_row.wrapped_key.data, rows[0].wrapped_key.len);
		altered[i] ^= 1;
		rows[0].wrapped_key.data = altered;
		set = set_of(&h->ca_row, rows, 1);
		ck_assert_ptr_null(set->signers[0].key);
		signer_set_drop(set);
	}
	set = set_of(&h->ca_row, rows, 2);
	ck_assert_ptr_nonnull(set->signers[0].key);
	ck_assert_int_eq(reported, 1);
	signer_set_drop(set);
	rows[1].serial = (struct bytes){other_serial, sizeof(other_serial)}; /* another row's key */
	set = set_of(&h->ca_row, &rows[1], 1);
	ck_assert_ptr_null(set->signers[0].key);
	signer_set_drop(set);
	for (size_t n = 0; n < 40; n++) {
		rows[1] = h->signer_row;
		rows[1].wrapped_key.len = n;
		set = set_of(&h->ca_row, &rows[1], 1);
		ck_assert_ptr_null(set->signers[0].key);
		signer_set_drop(set);
	}
	free(altered);
	house_free(h);
}
END_TEST

/* Of several the one that lives longest; one that ran out is none. */
START_TEST(longest_life)
{
	struct house *houses[3] = {house_new("CA", 1, 3600, SIGNER_RIGHT), NULL, NULL};
	struct signer_row rows[3];
	struct signer_set *set;
	time_t now = time(NULL);

	rows[0] = houses[0]->signer_row;
	memset(&houses[0]->signer_row, 0, sizeof(rows[0]));
	house_signer(houses[0], 7200, SIGNER_RIGHT);
	rows[1] = houses[0]->signer_row;
	memset(&houses[0]->signer_row, 0, sizeof(rows[0]));
	house_signer(houses[0], -10, SIGNER_RIGHT);
	rows[2] = houses[0]->signer_row;
	set = set_of(&houses[0]->ca_row, rows, 3);
	ck_assert_int_eq(reported, 0);
	ck_assert_int_ge(set->signers[0].not_after, now + 7199);
	ck_assert_int_le(set->signers[0].not_after, now + 7202);
	signer_set_drop(set);
	set = set_of(&houses[0]->ca_row, &rows[2], 1);
	ck_assert_ptr_null(set->signers[0].key);
	signer_set_drop(set);
	for (int i = 0; i < 2; i++) {
		free((void *)(uintptr_t)rows[i].serial.data);
		free((void *)(uintptr_t)rows[i].wrapped_key.data);
		OPENSSL_free((void *)(uintptr_t)rows[i].certificate.data);
	}
	house_free(houses[0]);
}
END_TEST

START_TEST(unreadable_certificates)
{
	static const uint8_t junk[] = {0x30, 0x03, 0x02, 0x01, 0x01};
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct ca_row ca = {.id = 1, .certificate = {junk, sizeof(junk)}};
	struct signer_row row = h->signer_row;
	struct signer_set *set = set_of(&ca, &row, 1);

	ck_assert_int_eq(set->n, 0);
	ck_assert_int_eq(reported, 1);
	signer_set_drop(set);
	row.certificate = (struct bytes){junk, sizeof(junk)};
	set = set_of(&h->ca_row, &row, 1);
	ck_assert_ptr_null(set->signers[0].key);
	ck_assert_int_eq(reported, 1);
	signer_set_drop(set);
	signer_set_drop(NULL);
	house_free(h);
}
END_TEST

TCase *
tcase_signer_set(void)
{
	TCase *t = tcase_create("signer_set");

	tcase_add_test(t, finds_issuer);
	tcase_add_test(t, takes_over);
	tcase_add_test(t, wrong_signers);
	tcase_add_test(t, altered_rows);
	tcase_add_test(t, longest_life);
	tcase_add_test(t, unreadable_certificates);
	return t;
}
