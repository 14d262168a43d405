/* Revocations and private keys of an import. */
#include "ca/import/crl_read.h"

#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "ca/archive.h"
#include "ca/batch.h"
#include "ca/import/import.h"
#include "lib/db/array.h"
#include "lib/limits.h"

#define STEP_ENTRIES 20000

static int
store_entries(struct job_run *j, const struct authority *ca, struct der *entries, int64_t *revoked, int64_t *unknown, bool *ret_end, struct error *e)
{
	struct db_array serials, times, reasons;
	struct db_param row[5] = {DB_INT(ca->id)};
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int rc = 0;
	db_array_init(&serials, DB_ARRAY_BYTEA, STEP_ENTRIES * 32);
	db_array_init(&times, DB_ARRAY_INT8, STEP_ENTRIES * 16);
	db_array_init(&reasons, DB_ARRAY_INT4, STEP_ENTRIES * 16);
	for (int n = 0; rc == 0 && n < STEP_ENTRIES; n++) {
		struct crl_entry x;
		rc = crl_entry(entries, &x, ret_end, e);
		if (rc < 0 || *ret_end)
			break;
		if (x.serial.len > LIMIT_SERIAL_BYTES || x.reason == 8) /* removeFromCRL: not of a whole list */
			continue;
		db_array_add(&serials, x.serial.data, x.serial.len);
		db_array_add_int(&times, x.at);
		db_array_add_int(&reasons, x.reason);
	}
	if (rc == 0 && (db_array_param(&serials, &row[1], e) < 0 || db_array_param(&times, &row[2], e) < 0 ||
	                db_array_param(&reasons, &row[3], e) < 0))
		rc = -1;
	row[4] = DB_INT(ca->cert.not_after); /* a number without its certificate stays in the list as long as it can matter */
	if (rc == 0 && serials.count)
		rc = db_query(
		    j->desk->db,
		    "SELECT r_revoked, r_unknown FROM import_revocations($1::int, $2::bytea[], $3::bigint[], $4::int[], $5::bigint)", row,
		    5, false, &r, e);
	if (rc == 0 && r) {
		*revoked += db_int(r, 0, 0);
		*unknown += db_int(r, 0, 1);
	}
	db_array_free(&serials);
	db_array_free(&times);
	db_array_free(&reasons);
	return rc;
}

static int
take_crl(struct job_run *j, struct import_job *i, const char *where, const struct crl_read *crl, struct authority *ca, struct error *e)
{
	struct der entries = crl->entries, look = entries;
	struct crl_entry x;
	struct error bad;
	int64_t revoked = 0, unknown = 0;
	bool end = false;
	(void)i;
	while (!end) /* all of it can be read, or none of it is taken */
		if (crl_entry(&look, &x, &end, &bad) < 0)
			return job_item(j, "failed", where, bad.detail, e);
	for (end = false; !end;)
		if (store_entries(j, ca, &entries, &revoked, &unknown, &end, e) < 0)
			return -1;
	struct db_param row[] = {DB_INT(ca->id), DB_INT(crl->number)};
	if (db_query(j->desk->db, "UPDATE ca SET crl_number = greatest(crl_number, $2::int8) WHERE id = $1::int", row, 2, false, NULL, e) < 0)
		return -1;
	const char *detail = arena_printf(j->arena, "CRL of ca/%d: %lld certificates revoked, %lld numbers without a certificate", (int)ca->id,
					  (long long)revoked, (long long)unknown);
	if (job_audit(j, "crl.imported", arena_printf(j->arena, "ca/%d", (int)ca->id),
		      detail_text(j->arena, "revoked", arena_printf(j->arena, "%lld", (long long)revoked), "unknown",
				  arena_printf(j->arena, "%lld", (long long)unknown), NULL),
		      e) < 0)
		return -1;
	return job_item(j, revoked ? "done" : "repeated", where, detail, e);
}

int
import_crl(struct job_run *j, struct import_job *i, size_t file, size_t item, struct error *e)
{
	const char *where = import_where(j->arena, i, file, item);
	struct crl_read crl;
	struct error bad;
	if (crl_read(i->split.items[item].data, &crl, &bad) < 0)
		return job_item(j, "failed", where, bad.detail, e);
	struct authority *ca = import_issuer(j, crl.issuer, import_aki(crl.aki), crl.tbs, crl.algorithm, crl.signature, &bad);
	return ca ? take_crl(j, i, where, &crl, ca, e) : job_item(j, "failed", where, bad.detail, e);
}

/* The certificate of a key; *ret_rows 0: there is none. */
static int
find_certificate(struct job_run *j, EVP_PKEY *key, struct db_result **ret, struct error *e)
{
	unsigned char *der = NULL;
	uint8_t spki[32];
	int len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return fail(e, E_BAD_KEY, "a key can't be encoded");
	SHA256(der, (size_t)len, spki);
	OPENSSL_free(der);
	struct db_param row[] = {DB_INT(j->tenant_id), DB_BYTES(spki, sizeof(spki))};
	return db_query(j->desk->db,
	                "SELECT id, ca_id, serial, EXISTS (SELECT FROM ca k WHERE k.spki_hash = $2::bytea) FROM certificate WHERE "
	                "tenant_id = $1::int AND spki_hash = $2::bytea ORDER BY id DESC LIMIT 1",
	                row, 2, false, ret, e);
}

static int
keep(struct job_run *j, const char *where, const struct db_result *r, EVP_PKEY *key, struct error *e)
{
	struct buf wrapped BUF_CLEANUP = BUF_INIT(HSM_SEAL_MAX);
	if (!import_pair_fits(key))
		return job_item(j, "failed", where,
				arena_printf(j->arena, "a private key that isn't that of certificate/%s, though it names its public key",
					     db_text(r, 0, 0)),
				e);
	if (archive_seal(j->desk->hsm, (int32_t)db_int(r, 0, 1), db_bytes(r, 0, 2, j->arena), key, j->arena, &wrapped, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(j->tenant_id), DB_INT(db_int(r, 0, 0)), DB_BYTES(wrapped.data, wrapped.len)};
	struct db_result *made CLEANUP(db_result_free) = NULL;
	if (db_query(j->desk->db,
		     "INSERT INTO archived_key (tenant_id, certificate_id, wrapped) VALUES ($1::int, $2::int8, $3::bytea) ON CONFLICT DO NOTHING"
		     " RETURNING certificate_id",
		     row, ARRAY_LEN(row), false, &made, e) < 0)
		return -1;
	const char *object = arena_printf(j->arena, "certificate/%s", db_text(r, 0, 0));
	if (db_rows(made) && job_audit(j, "key.archived", object, NULL, e) < 0)
		return -1;
	return job_item(j, db_rows(made) ? "done" : "repeated", where, arena_printf(j->arena, "private key of %s, archived", object), e);
}

int
import_leaf_key(struct job_run *j, struct import_job *i, size_t file, size_t item, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const char *where = import_where(j->arena, i, file, item);
	struct error bad;
	if (keytype_from_pkcs8(i->split.items[item].data, &key, &bad) < 0)
		return job_item(j, "failed", where, "a private key can't be read", e);
	if (find_certificate(j, key, &r, e) < 0)
		return -1;
	for (size_t k = 0; k < i->n_cas; k++)
		if (i->cas[k].public_key && EVP_PKEY_eq(i->cas[k].public_key, key) == 1)
			return 0; /* the first pass told of it */
	if (db_rows(r) && db_bool(r, 0, 3))
		return 0;
	if (db_rows(r) == 0)
		return job_item(j, "failed", where, "a private key that belongs to no certificate of the import or of the store", e);
	if (!i->archive_keys)
		return job_item(j, "skipped", where,
		                arena_printf(j->arena,
		                             "private key of certificate/%s: not kept, because the import doesn't say archive_keys",
		                             db_text(r, 0, 0)),
		                e);
	return keep(j, where, r, key, e);
}
