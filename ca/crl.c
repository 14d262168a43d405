#include "ca/crl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/batch.h"
#include "ca/fault.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"

#define WRITE_BYTES (256 * 1024)
#define ENTRY_MAX_BYTES 96
#define FILE_NAME_BYTES (2 * 64 + 1)

struct file {
	int fd;
	char path[512];
};

static void
file_drop(struct file *f)
{
	if (f->fd >= 0) {
		close(f->fd);
		unlink(f->path);
	}
}
#define FILE_CLEANUP __attribute__((cleanup(file_drop)))

static int
file_new(const char *dir, const char *name, const char *suffix, struct file *ret, struct error *e)
{
	snprintf(ret->path, sizeof(ret->path), "%s/.%s.%s.%ld", dir, name, suffix, (long)getpid());
	ret->fd = open(ret->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return ret->fd < 0 ? fail(e, E_INTERNAL, "%s: %s", ret->path, strerror(errno)) : 0;
}

static int
write_all(int fd, const void *data, size_t len, struct error *e)
{
	const uint8_t *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(e, E_UNAVAILABLE, "the CRL can't be written: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* --- entries --- */

struct entries {
	int fd;
	struct buf buf;
	int64_t count, bytes;
};

static int
flush_entries(struct entries *x, struct error *e)
{
	x->bytes += (int64_t)x->buf.len;
	int rc = write_all(x->fd, x->buf.data, x->buf.len, e);
	buf_clear(&x->buf);
	return rc;
}

static int64_t
number(struct bytes b)
{
	uint64_t v = 0;
	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.data[i];
	return (int64_t)v;
}

/* One revoked certificate: serial, time, and the reason unless it is "unspecified" (RFC 5280 5.1.2.6, 5.3.1). */
static int
put_entry(void *ctx, const struct bytes *fields, int n, struct error *e)
{
	struct entries *x = ctx;
	if (n != 3 || fields[0].len > LIMIT_SERIAL_BYTES)
		return fail(e, E_INTERNAL, "a revocation that can't be read");
	int64_t reason = number(fields[2]);
	size_t entry = der_begin(&x->buf, DER_SEQUENCE);
	der_put_unsigned(&x->buf, fields[0].data, fields[0].len);
	der_put_time(&x->buf, number(fields[1]));
	if (reason != 0) {
		const uint8_t code = (uint8_t)reason;
		size_t list = der_begin(&x->buf, DER_SEQUENCE), ext = der_begin(&x->buf, DER_SEQUENCE);
		der_put(&x->buf, DER_OID, OID_CRL_REASON.data, OID_CRL_REASON.len);
		size_t value = der_begin(&x->buf, DER_OCTET_STRING);
		der_put(&x->buf, DER_ENUMERATED, &code, 1);
		der_close(&x->buf, value);
		der_close(&x->buf, ext);
		der_close(&x->buf, list);
	}
	der_close(&x->buf, entry);
	x->count++;
	return x->buf.len >= WRITE_BYTES ? flush_entries(x, e) : 0;
}

/* Certificates that ended before the last CRL leave the list: they were on one CRL after their end (RFC 5280 3.3). */
static int
write_entries(struct authority *ca, struct db *db, int fd, struct entries *x, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	*x = (struct entries){.fd = fd, .buf = BUF_INIT(WRITE_BYTES + ENTRY_MAX_BYTES)};
	const char *sql = arena_printf(a,
	    "COPY (SELECT serial, floor(extract(epoch FROM revoked_at))::bigint, reason FROM revocation WHERE ca_id = %d AND not_after >="
	    " coalesce((SELECT this_update FROM crl WHERE ca_id = %d ORDER BY number DESC LIMIT 1), '-infinity')) TO STDOUT (FORMAT binary)",
	    ca->id, ca->id);
	int rc = db_copy_out(db, sql, put_entry, x, e);
	if (rc == 0)
		rc = flush_entries(x, e);
	buf_free(&x->buf);
	return rc;
}

/* --- the list --- */

static void
put_extension(struct buf *b, struct bytes oid, struct bytes value)
{
	size_t ext = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, oid.data, oid.len);
	der_put(b, DER_OCTET_STRING, value.data, value.len);
	der_close(b, ext);
}

/* crlExtensions: AKI and CRLNumber (RFC 5280 5.2.1, 5.2.3). */
static void
put_extensions(struct buf *b, const struct authority *ca, int64_t crl_number)
{
	struct buf aki BUF_CLEANUP = BUF_INIT(64), num BUF_CLEANUP = BUF_INIT(32);
	size_t list = der_begin(&aki, DER_SEQUENCE);
	der_put(&aki, DER_CONTEXT(0), ca->ski.data, ca->ski.len);
	der_close(&aki, list);
	der_put_small(&num, (long)crl_number);
	size_t wrapped = der_begin(b, DER_CONTEXT_CONSTRUCTED(0)), all = der_begin(b, DER_SEQUENCE);
	put_extension(b, OID_AKI, (struct bytes){aki.data, aki.len});
	put_extension(b, OID_CRL_NUMBER, (struct bytes){num.data, num.len});
	der_close(b, all);
	der_close(b, wrapped);
}

static int
copy_file(int from, int to, struct error *e)
{
	uint8_t data[65536];
	off_t at = 0;
	for (;;) {
		ssize_t n = pread(from, data, sizeof(data), at);
		if (n < 0)
			return fail(e, E_UNAVAILABLE, "the CRL can't be read back: %s", strerror(errno));
		if (n == 0)
			return 0;
		if (write_all(to, data, (size_t)n, e) < 0)
			return -1;
		at += n;
	}
}

struct times {
	int64_t this_update, next_update;
};

/* tbsCertList into a file: its length comes first, so its parts are measured before they are written. */
static int
write_tbs(const struct authority *ca, const struct entries *x, int entries_fd, int64_t crl_number, const struct times *t, int fd,
	  struct error *e)
{
	struct buf head BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES), tail BUF_CLEANUP = BUF_INIT(1024);
	uint8_t list_head[6], tbs_head[6];
	der_put_small(&head, 1); /* v2 */
	der_put_raw(&head, authority_signature(ca)->algorithm);
	der_put_raw(&head, ca->cert.subject);
	der_put_time(&head, t->this_update);
	der_put_time(&head, t->next_update);
	put_extensions(&tail, ca, crl_number);
	/* revokedCertificates must be absent when there are none (RFC 5280 5.1.2.6) */
	size_t list_head_len = x->count ? der_head(list_head, DER_SEQUENCE, (size_t)x->bytes) : 0;
	size_t tbs_head_len = der_head(tbs_head, DER_SEQUENCE, head.len + list_head_len + (size_t)x->bytes + tail.len);
	if (buf_check(&head, e) < 0 || buf_check(&tail, e) < 0 || write_all(fd, tbs_head, tbs_head_len, e) < 0 ||
	    write_all(fd, head.data, head.len, e) < 0 || write_all(fd, list_head, list_head_len, e) < 0 ||
	    copy_file(entries_fd, fd, e) < 0 || write_all(fd, tail.data, tail.len, e) < 0)
		return -1;
	return 0;
}

/* Signs the tbs file and writes the whole CRL. */
static int
write_signed(struct authority *ca, struct hsm *hsm, int tbs_fd, int fd, uint8_t digest[32], int64_t *ret_size, struct error *e)
{
	struct stat st;
	uint8_t signature[SIGNATURE_MAX_BYTES], head[6];
	size_t len = 0;
	struct buf tail BUF_CLEANUP = BUF_INIT(SIGNATURE_MAX_BYTES + 64);
	if (fstat(tbs_fd, &st) < 0)
		return fail(e, E_INTERNAL, "fstat: %s", strerror(errno));
	void *tbs = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, tbs_fd, 0);
	if (tbs == MAP_FAILED)
		return fail(e, E_INTERNAL, "mmap: %s", strerror(errno));
	int rc = authority_sign(ca, hsm, (struct bytes){tbs, (size_t)st.st_size}, signature, &len, e);
	if (rc == 0) {
		der_put_raw(&tail, authority_signature(ca)->algorithm);
		der_put_bits(&tail, signature, len);
		size_t head_len = der_head(head, DER_SEQUENCE, (size_t)st.st_size + tail.len);
		EVP_MD_CTX *sha = EVP_MD_CTX_new();
		*ret_size = (int64_t)(head_len + tail.len) + st.st_size;
		if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1 || EVP_DigestUpdate(sha, head, head_len) != 1 ||
		    EVP_DigestUpdate(sha, tbs, (size_t)st.st_size) != 1 || EVP_DigestUpdate(sha, tail.data, tail.len) != 1 ||
		    EVP_DigestFinal_ex(sha, digest, NULL) != 1)
			rc = fail(e, E_INTERNAL, "no digest");
		EVP_MD_CTX_free(sha);
		if (rc == 0 && (write_all(fd, head, head_len, e) < 0 || write_all(fd, tbs, (size_t)st.st_size, e) < 0 ||
				write_all(fd, tail.data, tail.len, e) < 0))
			rc = -1;
	}
	munmap(tbs, (size_t)st.st_size);
	if (rc == 0 && fsync(fd) < 0)
		rc = fail(e, E_UNAVAILABLE, "the CRL can't be made durable: %s", strerror(errno));
	return rc;
}

static int
publish(const char *dir, const struct file *f, const char *name, const char *suffix, struct error *e)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, suffix);
	if (fchmod(f->fd, 0644) < 0 || rename(f->path, path) < 0)
		return fail(e, E_UNAVAILABLE, "%s can't be put in place: %s", path, strerror(errno));
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		(void)fsync(folder);
		close(folder);
	}
	return 0;
}

/* The SHA-256 of a file; false when it can't be read. */
static bool
file_digest(const char *path, uint8_t digest[32])
{
	uint8_t data[65536];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	bool good = fd >= 0 && sha && EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1;
	while (good && (n = read(fd, data, sizeof(data))) > 0)
		good = EVP_DigestUpdate(sha, data, (size_t)n) == 1;
	good = good && n == 0 && EVP_DigestFinal_ex(sha, digest, NULL) == 1;
	EVP_MD_CTX_free(sha);
	if (fd >= 0)
		close(fd);
	return good;
}

static int
publish_certificate(const struct authority *ca, const char *dir, const char *name, struct error *e)
{
	char path[512];
	uint8_t is[32], wanted[32];
	struct file f FILE_CLEANUP = {.fd = -1};
	snprintf(path, sizeof(path), "%s/%s.crt", dir, name);
	SHA256(ca->cert.whole.data, ca->cert.whole.len, wanted);
	if (file_digest(path, is) && memcmp(is, wanted, sizeof(is)) == 0)
		return 0;
	if (file_new(dir, name, "crt", &f, e) < 0 || write_all(f.fd, ca->cert.whole.data, ca->cert.whole.len, e) < 0)
		return -1;
	return publish(dir, &f, name, "crt", e);
}

/* The row of the CRL and its audit row, in the transaction that is open. */
static int
record(struct authority *ca, struct db *db, struct audit_chain *chain, const struct times *t, const struct crl_made *made,
       const uint8_t digest[32], struct arena *a, struct error *e)
{
	struct db_param row[] = {DB_INT(ca->id), DB_INT(made->number), DB_INT(t->this_update), DB_INT(t->next_update),
	    DB_INT(made->entries), DB_INT(made->size_bytes), DB_BYTES(digest, 32)};
	struct audit_row audit = {
	    .at_us = now_us(),
	    .tenant_id = ca->tenant_id,
	    .actor = "ca",
	    .action = "crl.issued",
	    .object = arena_printf(a, "ca/%d/crl/%" PRId64, ca->id, made->number),
	    .detail = detail_text(a, "entries", arena_printf(a, "%" PRId64, made->entries), "sha256", arena_hex(a, digest, 32), NULL),
	};
	if (db_query(db,
		     "INSERT INTO crl (ca_id, number, this_update, next_update, entries, size_bytes, sha256)"
		     " VALUES ($1::int, $2::bigint, to_timestamp($3::bigint), to_timestamp($4::bigint), $5::bigint, $6::bigint, $7::bytea)",
		     row, ARRAY_LEN(row), false, NULL, e) < 0)
		return -1;
	return audit_append(db, chain, &audit, e);
}

/* In a transaction: takes the next number and times, writes, signs, records. */
static int
make(struct authority *ca, struct hsm *hsm, struct db *db, struct audit_chain *chain, const char *dir, const char *name, struct file *done,
     struct crl_made *made, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(ca->id)};
	struct file list FILE_CLEANUP = {.fd = -1}, tbs FILE_CLEANUP = {.fd = -1};
	struct entries x;
	struct times t;
	uint8_t digest[32];
	/* The row's lock orders CRLs and revocations of a CA: what is revoked before is in, what comes after wants the next one. */
	if (db_query(db,
		     "UPDATE ca SET crl_number = crl_number + 1 WHERE id = $1::int RETURNING crl_number,"
		     " greatest(floor(extract(epoch FROM clock_timestamp()))::bigint, (SELECT extract(epoch FROM max(this_update))::bigint FROM crl"
		     " WHERE ca_id = $1::int))",
		     id, 1, false, &r, e) < 0)
		return -1;
	if (db_rows(r) != 1)
		return fail(e, E_NOT_FOUND, "there is no such CA");
	made->number = db_int(r, 0, 0);
	t.this_update = db_int(r, 0, 1);
	t.next_update = t.this_update + ca->crl_interval_sec + ca->crl_overlap_sec;
	if (t.next_update > ca->cert.not_after)
		t.next_update = ca->cert.not_after;
	if (file_new(dir, name, "entries", &list, e) < 0 || write_entries(ca, db, list.fd, &x, e) < 0 ||
	    file_new(dir, name, "tbs", &tbs, e) < 0 || write_tbs(ca, &x, list.fd, made->number, &t, tbs.fd, e) < 0 ||
	    write_signed(ca, hsm, tbs.fd, done->fd, digest, &made->size_bytes, e) < 0)
		return -1;
	made->entries = x.count;
	made->next_update = t.next_update;
	return record(ca, db, chain, &t, made, digest, a, e);
}

/* The name of a CA's files: its key identifier in hexadecimal. */
static void
file_name(const struct authority *ca, char ret[FILE_NAME_BYTES])
{
	*ret = '\0';
	for (size_t i = 0; i < ca->ski.len && i < FILE_NAME_BYTES / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", ca->ski.data[i]);
}

static int
want(int32_t ca_id, struct db *db, struct error *e)
{
	struct db_param id[] = {DB_INT(ca_id)};
	return db_query(db, "UPDATE ca SET crl_wanted_at = clock_timestamp() WHERE id = $1::int", id, 1, false, NULL, e);
}

int
crl_make(struct authority *ca, struct hsm *hsm, struct db *db, struct audit_chain *chain, const char *dir, struct crl_made *ret, struct error *e)
{
	char name[FILE_NAME_BYTES];
	struct file done FILE_CLEANUP = {.fd = -1};
	struct audit_chain before = *chain;
	struct error ignored;
	file_name(ca, name);
	if (publish_certificate(ca, dir, name, e) < 0 || file_new(dir, name, "crl", &done, e) < 0)
		return -1;
	if (db_query(db, "BEGIN", NULL, 0, false, NULL, e) < 0)
		return -1;
	if (make(ca, hsm, db, chain, dir, name, &done, ret, e) < 0) {
		*chain = before;
		if (db_query(db, "ROLLBACK", NULL, 0, false, NULL, &ignored) < 0)
			return -1; /* the connection is gone, and the transaction with it */
		return -1;
	}
	FAULT("crl-made");
	if (db_query(db, "COMMIT", NULL, 0, false, NULL, e) < 0) {
		*chain = before;
		return -1;
	}
	FAULT("crl-committed");
	if (publish(dir, &done, name, "crl", e) == 0)
		return 0;
	if (want(ca->id, db, &ignored) < 0)
		return -1; /* the first failure is the one that is told */
	return -1;
}

int
crl_check_published(struct db *db, const char *dir, struct error *e)
{
	char path[512];
	uint8_t digest[32];
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query(db,
		     "SELECT c.id, encode(c.ski, 'hex'), encode(l.sha256, 'hex') FROM ca c JOIN crl l ON l.ca_id = c.id AND l.number = c.crl_number"
		     " WHERE c.status <> 'retired' ORDER BY c.id",
		     NULL, 0, false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++) {
		char hex[2 * sizeof(digest) + 1];
		snprintf(path, sizeof(path), "%s/%s.crl", dir, db_text(r, i, 1));
		bool there = file_digest(path, digest);
		for (size_t k = 0; there && k < sizeof(digest); k++)
			snprintf(hex + 2 * k, 3, "%02x", digest[k]);
		if ((!there || strcmp(hex, db_text(r, i, 2)) != 0) && want((int32_t)db_int(r, i, 0), db, e) < 0)
			return -1;
	}
	return 0;
}
