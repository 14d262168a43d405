/* ca/crl.c: CRLs as libcrypto reads them, their order, and when they are published. */
#include <dirent.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ca/crl.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct authority *ca;
static struct error e;
static char path[512];

static void
setup(void)
{
	house_open(&h, "test.crl");
	ca = house_issuing(&h);
	snprintf(path, sizeof(path), "%s/crl/%s", house_dir(), strrchr(ca->crl_url, '/') + 1);
	test_superuser("DELETE FROM siegel.revocation WHERE ca_id = 2; DELETE FROM siegel.crl WHERE ca_id = 2");
}

static void
teardown(void)
{
	house_close(&h);
}

static int
try_make(struct crl_made *made)
{
	return crl_make(ca, h.hsm, h.db, &h.chain, house_path("crl"), made, &e);
}

static struct crl_made
make(void)
{
	struct crl_made made;
	ck_assert_msg(try_make(&made) == 0, "%s", e.detail);
	return made;
}

/* The published file; the caller frees it. */
static X509_CRL *
published(void)
{
	BIO *file = BIO_new_file(path, "rb");
	ck_assert_ptr_nonnull(file);
	X509_CRL *crl = d2i_X509_CRL_bio(file, NULL);
	ck_assert_ptr_nonnull(crl);
	ck_assert(BIO_eof(file) || BIO_pending(file) == 0);
	BIO_free(file);
	return crl;
}

static int64_t
number_of(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	int64_t v = -1;
	ck_assert_ptr_nonnull(n);
	ck_assert_int_eq(ASN1_INTEGER_get_int64(&v, n), 1);
	ASN1_INTEGER_free(n);
	return v;
}

static int64_t
unix_time(const ASN1_TIME *t)
{
	struct tm tm;
	ck_assert_int_eq(ASN1_TIME_to_tm(t, &tm), 1);
	return timegm(&tm);
}

static void
add_entry(const char *serial_hex, int reason, const char *not_after)
{
	char sql[512];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO revocation (ca_id, serial, revoked_at, reason, not_after) VALUES (2, '\\x%s', '2026-03-04 05:06:07Z', %d, %s)",
		 serial_hex, reason, not_after);
	(void)test_one(h.db, sql);
}

/* RFC 5280 5.1: what every CRL has. */
START_TEST(test_empty)
{
	int64_t before = time(NULL);
	struct crl_made made = make();
	X509_CRL *crl = published();
	struct stat st;
	AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	ck_assert_int_eq(X509_CRL_get_version(crl), 1);
	ck_assert_int_eq(X509_CRL_verify(crl, ca->public_key), 1);
	ck_assert_int_eq(number_of(crl), made.number);
	ck_assert_ptr_nonnull(aki);
	ck_assert_int_eq(ASN1_STRING_length(aki->keyid), (int)ca->ski.len);
	ck_assert_mem_eq(ASN1_STRING_get0_data(aki->keyid), ca->ski.data, ca->ski.len);
	ck_assert_int_eq(X509_CRL_get_ext_count(crl), 2);
	/* 5.1.2.6: absent when there are none */
	ck_assert_ptr_null(X509_CRL_get_REVOKED(crl));
	ck_assert_int_eq(made.entries, 0);
	ck_assert_int_ge(unix_time(X509_CRL_get0_lastUpdate(crl)), before);
	ck_assert_int_le(unix_time(X509_CRL_get0_lastUpdate(crl)), time(NULL));
	ck_assert_int_eq(unix_time(X509_CRL_get0_nextUpdate(crl)), made.next_update);
	ck_assert_int_eq(made.next_update - unix_time(X509_CRL_get0_lastUpdate(crl)), ca->crl_interval_sec + ca->crl_overlap_sec);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, made.size_bytes);
	const unsigned char *p = ca->cert.whole.data;
	X509 *issuer = d2i_X509(NULL, &p, (long)ca->cert.whole.len);
	ck_assert_int_eq(X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)), 0);
	X509_free(issuer);
	AUTHORITY_KEYID_free(aki);
	X509_CRL_free(crl);
}
END_TEST

static const struct {
	const char *serial; /* as INTEGER: 80… gets a zero in front */
	int reason;
} entries[] = {{"0102030405060708", 0}, {"80ffffffffffffff", 1}, {"7f00000000000000000000000000000001", 3}, {"1111111111111111", 4},
    {"2222222222222222", 5}, {"3333333333333333", 9}, {"ffffffffffffffffffffffffffffffffffffffff", 1}};

START_TEST(test_entries)
{
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		add_entry(entries[i].serial, entries[i].reason, "now() + interval '1 day'");
	struct crl_made made = make();
	X509_CRL *crl = published();
	ck_assert_int_eq(made.entries, ARRAY_LEN(entries));
	ck_assert_int_eq(X509_CRL_verify(crl, ca->public_key), 1);
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), (int)ARRAY_LEN(entries));
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		X509_REVOKED *x = NULL;
		BIGNUM *n = NULL;
		ck_assert_int_gt(BN_hex2bn(&n, entries[i].serial), 0);
		ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(n, NULL);
		ck_assert_int_eq(X509_CRL_get0_by_serial(crl, &x, serial), 1);
		ck_assert_int_eq(unix_time(X509_REVOKED_get0_revocationDate(x)), 1772600767);
		/* 5.3.1: "unspecified" is said by leaving the reason out */
		ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(x, NID_crl_reason, NULL, NULL);
		ck_assert_int_eq(reason != NULL, entries[i].reason != 0);
		if (reason)
			ck_assert_int_eq(ASN1_ENUMERATED_get(reason), entries[i].reason);
		ASN1_ENUMERATED_free(reason);
		ASN1_INTEGER_free(serial);
		BN_free(n);
	}
	X509_CRL_free(crl);
}
END_TEST

/* More than one buffer of entries. */
START_TEST(test_many)
{
	(void)test_one(h.db, "INSERT INTO revocation (ca_id, serial, revoked_at, reason, not_after)"
			     " SELECT 2, decode('7f' || lpad(to_hex(i), 30, '0'), 'hex'), now(), 1, now() + interval '1 day' FROM generate_series(1, 20000) i");
	struct crl_made made = make();
	X509_CRL *crl = published();
	ck_assert_int_eq(made.entries, 20000);
	ck_assert_int_gt(made.size_bytes, 2 * 256 * 1024);
	ck_assert_int_eq(X509_CRL_verify(crl, ca->public_key), 1);
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 20000);
	X509_CRL_free(crl);
}
END_TEST

/* The row says what was published. */
START_TEST(test_recorded)
{
	struct crl_made made = make();
	uint8_t data[4096], digest[SHA256_DIGEST_LENGTH];
	struct arena *a = arena_new(1 << 20);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, data, sizeof(data));
	ck_assert_int_eq(n, made.size_bytes);
	close(fd);
	SHA256(data, (size_t)n, digest);
	ck_assert_str_eq(test_one(h.db, "SELECT encode(sha256, 'hex') FROM crl WHERE ca_id = 2 ORDER BY number DESC LIMIT 1"),
			 arena_hex(a, digest, sizeof(digest)));
	ck_assert_int_eq(house_number(&h, "SELECT number FROM crl WHERE ca_id = 2"), made.number);
	ck_assert_str_eq(test_one(h.db, "SELECT action || ' ' || object FROM audit WHERE chain = 'test.crl' ORDER BY seq DESC LIMIT 1"),
			 arena_printf(a, "crl.issued ca/2/crl/%lld", (long long)made.number));
	ck_assert_int_eq(house_number(&h, "SELECT max(seq) FROM audit WHERE chain = 'test.crl'"), h.chain.seq);
	arena_free(a);
}
END_TEST

/* 5.2.3: numbers rise; and thisUpdate doesn't go back when the clock does. */
START_TEST(test_order)
{
	struct crl_made first = make(), second = make();
	ck_assert_int_eq(second.number, first.number + 1);
	test_superuser("UPDATE siegel.crl SET this_update = date_trunc('second', now() + interval '1 hour') WHERE ca_id = 2");
	int64_t ahead = house_number(&h, "SELECT max(extract(epoch FROM this_update))::bigint FROM crl WHERE ca_id = 2");
	struct crl_made third = make();
	X509_CRL *crl = published();
	ck_assert_int_eq(third.number, second.number + 1);
	ck_assert_int_eq(number_of(crl), third.number);
	ck_assert_int_eq(unix_time(X509_CRL_get0_lastUpdate(crl)), ahead);
	ck_assert_int_gt(unix_time(X509_CRL_get0_nextUpdate(crl)), ahead);
	X509_CRL_free(crl);
}
END_TEST

/* A list doesn't promise more than its issuer's life. */
START_TEST(test_issuer_ends)
{
	int64_t end = ca->cert.not_after;
	ca->cert.not_after = time(NULL) + 3600;
	struct crl_made made = make();
	ck_assert_int_eq(made.next_update, ca->cert.not_after);
	ca->cert.not_after = end;
}
END_TEST

/* RFC 5280 3.3: an expired certificate is on one list after its end, and then leaves. */
START_TEST(test_expired_leave)
{
	add_entry("0102030405060708", 1, "now() + interval '1 day'");
	add_entry("1111111111111111", 1, "now() - interval '30 minutes'");
	ck_assert_int_eq(make().entries, 2);
	test_superuser("UPDATE siegel.crl SET this_update = now() - interval '1 hour' WHERE ca_id = 2");
	ck_assert_int_eq(make().entries, 2); /* it ended after the last one: this is the one more */
	ck_assert_int_eq(make().entries, 1);
	ck_assert_int_eq(make().entries, 1);
}
END_TEST

static size_t
count_files(void)
{
	DIR *d = opendir(house_path("crl"));
	struct dirent *f;
	size_t n = 0;
	while ((f = readdir(d)) != NULL)
		n += strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* Whoever reads the old file while the new one comes reads the old one to its end. */
START_TEST(test_replaced_at_once)
{
	struct stat before, after;
	uint8_t old[4096], again[4096];
	size_t files = count_files();
	(void)make();
	int fd = open(path, O_RDONLY);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ssize_t n = read(fd, old, sizeof(old));
	(void)make();
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_ne(before.st_ino, after.st_ino);
	ck_assert_int_eq(after.st_mode & 0777, 0644);
	ck_assert_int_eq(pread(fd, again, sizeof(again), 0), n);
	ck_assert_mem_eq(old, again, (size_t)n);
	close(fd);
	ck_assert_uint_eq(count_files(), files); /* no temporary file stays */
}
END_TEST

static const char forbid[] =
    "CREATE FUNCTION siegel.no_crl() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;"
    "CREATE CONSTRAINT TRIGGER no_crl AFTER INSERT ON siegel.crl DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION siegel.no_crl()";
static const char end_backend[] =
    "CREATE FUNCTION siegel.no_crl() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$"
    " BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;"
    "CREATE TRIGGER no_crl AFTER INSERT ON siegel.crl FOR EACH ROW EXECUTE FUNCTION siegel.no_crl()";

/* The store refuses at the commit, or goes away before: nothing is published, and the number isn't used up. */
START_TEST(test_not_committed)
{
	struct crl_made made = make(), none;
	struct stat before, after;
	size_t files = count_files();
	ck_assert_int_eq(stat(path, &before), 0);
	test_superuser(_i == 0 ? forbid : end_backend);
	int rc = try_make(&none);
	test_superuser("SET client_min_messages = warning; DROP FUNCTION siegel.no_crl CASCADE");
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(db_alive(h.db), _i == 0);
	if (_i == 1)
		ck_assert_int_eq(e.code, E_STORE);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_uint_eq(count_files(), files);
	/* the next one is as if nothing had been */
	if (_i == 1)
		ck_assert_int_eq(db_reconnect(h.db, &e), 0);
	ck_assert_int_eq(audit_open(h.db, "test.crl", &h.chain, &e), 0);
	ck_assert_int_eq(make().number, made.number + 1);
}
END_TEST

START_TEST(test_nowhere_to_publish)
{
	struct crl_made made = make(), none;
	struct audit_chain before = h.chain;
	ck_assert_int_eq(crl_make(ca, h.hsm, h.db, &h.chain, house_path("nosuch"), &none, &e), -1);
	ck_assert_int_eq(h.chain.seq, before.seq);
	ck_assert_int_eq(house_number(&h, "SELECT crl_number FROM ca WHERE id = 2"), made.number);
	ck_assert_int_eq(make().number, made.number + 1);
}
END_TEST

/* Committed and then not put in place: a new one is wanted, and so is one for a file that isn't that of the row. */
START_TEST(test_wanted_again)
{
	struct crl_made none;
	int64_t made = make().number;
	(void)test_one(h.db, "UPDATE ca SET crl_wanted_at = NULL WHERE id = 2");
	ck_assert_int_eq(crl_check_published(h.db, house_path("crl"), &e), 0);
	ck_assert_str_eq(test_one(h.db, "SELECT crl_wanted_at IS NULL FROM ca WHERE id = 2"), "t");
	/* a folder in the file's place can't be replaced by rename */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(try_make(&none), -1);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(house_number(&h, "SELECT max(number) FROM crl WHERE ca_id = 2"), made + 1);
	ck_assert_str_eq(test_one(h.db, "SELECT crl_wanted_at > (SELECT max(created_at) FROM crl WHERE ca_id = 2) FROM ca WHERE id = 2"), "t");
	/* the process that committed ended before the rename */
	for (int i = 0; i < 2; i++) {
		(void)test_one(h.db, "UPDATE ca SET crl_wanted_at = NULL WHERE id = 2");
		if (i == 1)
			house_write(path + strlen(house_dir()) + 1, "not the list");
		ck_assert_int_eq(crl_check_published(h.db, house_path("crl"), &e), 0);
		ck_assert_str_eq(test_one(h.db, "SELECT crl_wanted_at IS NULL FROM ca WHERE id = 2"), "f");
	}
	ck_assert_int_eq(make().number, made + 2);
}
END_TEST

TCase *
tcase_crl(void)
{
	TCase *c = tcase_create("crl");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_empty);
	tcase_add_test(c, test_entries);
	tcase_add_test(c, test_many);
	tcase_add_test(c, test_recorded);
	tcase_add_test(c, test_order);
	tcase_add_test(c, test_issuer_ends);
	tcase_add_test(c, test_expired_leave);
	tcase_add_test(c, test_replaced_at_once);
	tcase_add_loop_test(c, test_not_committed, 0, 2);
	tcase_add_test(c, test_nowhere_to_publish);
	tcase_add_test(c, test_wanted_again);
	tcase_set_timeout(c, 60);
	return c;
}
