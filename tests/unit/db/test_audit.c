/* lib/audit: chains that can be appended to and checked. */
#include "config.h"
#include "tests/unit/db/support.h"

#include <string.h>
#include "lib/db/audit.h"

static const struct audit_row sample = {
    .at_us = 1700000000123456, .tenant_id = 3, .actor = "rest:line1", .action = "certificate.issued", .object = "ca/2/serial/0a", .detail = "{}"};

START_TEST(hash_is_what_the_documentation_says)
{
	uint8_t zero[AUDIT_HASH_BYTES] = {0}, hash[AUDIT_HASH_BYTES];
	/* Computed with another implementation (python3, hashlib) from the words of audit.h. */
	static const uint8_t want[AUDIT_HASH_BYTES] = {0x9a, 0x68, 0x9c, 0xb1, 0x98, 0x9b, 0xfb, 0xfb, 0x44, 0x27, 0xa4, 0x0c, 0x9d, 0xfc, 0x2f, 0x1f,
	                                               0x0a, 0xaa, 0x9a, 0x63, 0xc9, 0xa3, 0xee, 0xa0, 0xfd, 0x01, 0xa2, 0x99, 0x8c, 0x8c, 0x4c, 0xf0};

	audit_hash(zero, "ca.0.1", 1, &sample, hash);
	ck_assert_mem_eq(hash, want, sizeof(want));
}
END_TEST

START_TEST(every_field_counts)
{
	uint8_t prev[AUDIT_HASH_BYTES] = {0}, first[AUDIT_HASH_BYTES], other[AUDIT_HASH_BYTES];
	struct audit_row rows[7];

	audit_hash(prev, "c", 1, &sample, first);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] = sample;
	rows[0].at_us++;
	rows[1].tenant_id++;
	rows[2].actor = "rest:line2";
	rows[3].action = "certificate.intent";
	rows[4].object = "ca/2/serial/0b";
	rows[5].detail = "{ }";
	/* A byte that moves from one field to the next. */
	rows[6].actor = "rest:line1c";
	rows[6].action = "ertificate.issued";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		audit_hash(prev, "c", 1, &rows[i], other);
		ck_assert_mem_ne(first, other, sizeof(first));
	}
	audit_hash(prev, "c", 2, &sample, other);
	ck_assert_mem_ne(first, other, sizeof(first));
	audit_hash(prev, "d", 1, &sample, other);
	ck_assert_mem_ne(first, other, sizeof(first));
	prev[31] = 1;
	audit_hash(prev, "c", 1, &sample, other);
	ck_assert_mem_ne(first, other, sizeof(first));
}
END_TEST

START_TEST(rows_are_chained)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	struct audit_chain chain, again;
	uint8_t prev[AUDIT_HASH_BYTES] = {0}, hash[AUDIT_HASH_BYTES];
	struct error e;

	ck_assert_int_eq(audit_open(db, "ca.test.1", &chain, &e), 0);
	ck_assert_int_eq(chain.seq, 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(audit_append(db, &chain, &sample, &e), 0);
	ck_assert_int_eq(chain.seq, 5);
	ck_assert_int_eq(db_query(db,
	                          "SELECT seq, at_us, tenant_id, actor, action, object, detail, hash FROM audit "
	                          "WHERE chain = 'ca.test.1' ORDER BY seq",
	                          NULL, 0, true, &r, &e),
	                 0);
	ck_assert_int_eq(db_rows(r), 5);
	for (int i = 0; i < 5; i++) {
		struct audit_row row = {.at_us = db_int(r, i, 1),
		                        .tenant_id = (int32_t)db_int(r, i, 2),
		                        .actor = db_text(r, i, 3),
		                        .action = db_text(r, i, 4),
		                        .object = db_text(r, i, 5),
		                        .detail = db_text(r, i, 6)};
		audit_hash(prev, "ca.test.1", db_int(r, i, 0), &row, hash);
		ck_assert_mem_eq(hash, db_bytes(r, i, 7, NULL).data, sizeof(hash));
		memcpy(prev, hash, sizeof(prev));
	}
	ck_assert_mem_eq(prev, chain.head, sizeof(prev));
	/* Opened again it goes on where it was. */
	ck_assert_int_eq(audit_open(db, "ca.test.1", &again, &e), 0);
	ck_assert_int_eq(again.seq, 5);
	ck_assert_mem_eq(again.head, chain.head, sizeof(again.head));
}
END_TEST

START_TEST(a_transaction_that_fails_leaves_no_row)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_ca");
	struct audit_chain chain;
	struct error e;

	ck_assert_int_eq(audit_open(db, "ca.test.2", &chain, &e), 0);
	ck_assert_int_eq(db_exec(db, "BEGIN", &e), 0);
	ck_assert_int_eq(audit_append(db, &chain, &sample, &e), 0);
	ck_assert_int_eq(db_exec(db, "ROLLBACK", &e), 0);
	ck_assert_int_eq(audit_open(db, "ca.test.2", &chain, &e), 0);
	ck_assert_int_eq(chain.seq, 0);
	ck_assert_int_eq(audit_append(db, &chain, &sample, &e), 0);
	/* A chain that wasn't opened again: its number is taken, and it doesn't move. */
	chain.seq = 0;
	ck_assert_int_eq(audit_append(db, &chain, &sample, &e), -1);
	ck_assert_int_eq(e.code, E_CONFLICT);
	ck_assert_int_eq(chain.seq, 0);
}
END_TEST

START_TEST(a_chain_has_one_writer)
{
	struct db *first = test_db("siegel_ca");
	CLEANUP(db_free)
	struct db *second = test_db("siegel_ca");
	struct audit_chain a, b;
	struct error e;

	ck_assert_int_eq(audit_open(first, "ca.test.3", &a, &e), 0);
	ck_assert_int_eq(audit_append(first, &a, &sample, &e), 0);
	ck_assert_int_eq(audit_open(second, "ca.test.4", &b, &e), 0);
	ck_assert_int_eq(audit_open(second, "ca.test.3", &b, &e), -1);
	ck_assert_int_eq(e.code, E_CONFLICT);
	/* The lock goes with its holder. */
	db_free(first);
	ck_assert_int_eq(audit_open(second, "ca.test.3", &b, &e), 0);
	ck_assert_int_eq(b.seq, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("audit");
	TCase *t = tcase_create("audit");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, hash_is_what_the_documentation_says);
	tcase_add_test(t, every_field_counts);
	tcase_add_test(t, rows_are_chained);
	tcase_add_test(t, a_transaction_that_fails_leaves_no_row);
	tcase_add_test(t, a_chain_has_one_writer);
	suite_add_tcase(suite, t);
	return test_main(suite);
}
