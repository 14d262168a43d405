#include "ca/audit_seal.h"

#include <openssl/x509.h>
#include <string.h>

#include "ca/batch.h"
#include "lib/db/audit.h"

#define KEY_TYPE "p256"

struct seal_key {
	int64_t id;
	const struct keytype *type;
	const char *ref;
	struct bytes spki;
	EVP_PKEY *public_key;
};

/* Goes from chain to chain in the index: the table has a few chains and millions of rows. */
static const char heads_sql[] =
    "WITH RECURSIVE c AS (SELECT min(chain) AS chain FROM audit"
    " UNION ALL SELECT (SELECT min(a.chain) FROM audit a WHERE a.chain > c.chain) FROM c WHERE c.chain IS NOT NULL)"
    " SELECT coalesce(string_agg(c.chain || ' ' || h.seq || ' ' || encode(h.hash, 'hex') || E'\\n', '' ORDER BY c.chain COLLATE \"C\"), '')"
    " FROM c CROSS JOIN LATERAL (SELECT a.seq, a.hash FROM audit a WHERE a.chain = c.chain ORDER BY a.seq DESC LIMIT 1) h WHERE c.chain IS NOT NULL";

static int
make_key(struct desk *d, struct arena *a, struct seal_key *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	char ref[HSM_REF_BYTES];
	unsigned char *der = NULL;
	struct audit_chain before = d->chain;
	struct error undo;
	ret->type = keytype_by_name(KEY_TYPE);
	if (hsm_key_generate(d->hsm, "", ret->type, "audit log", ref, &key, e) < 0)
		return -1;
	int len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return fail(e, E_INTERNAL, "the key can't be encoded");
	ret->spki = (struct bytes){arena_dup(a, der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	ret->ref = arena_strdup(a, ref);
	struct db_param row[] = {DB_TEXT(ref), DB_TEXT(KEY_TYPE), DB_BYTES(ret->spki.data, ret->spki.len)};
	struct audit_row made = {.at_us = now_us(), .actor = "engine:clerk", .action = "audit.key", .object = "audit", .detail = "{}"};
	if (desk_begin(d, e) < 0)
		return -1;
	if (db_query(d->db, "INSERT INTO audit_key (key_ref, key_type, public_key) VALUES ($1::text, $2::text, $3::bytea) RETURNING id",
	             row, 3, false, &r, e) == 0 &&
	    desk_audit(d, &made, e) == 0) {
		ret->id = db_int(r, 0, 0);
		return desk_commit(d, e);
	}
	if (db_alive(d->db) && desk_rollback(d, &before, &undo) < 0)
		*e = undo;
	return -1;
}

static int
find_key(struct desk *d, struct arena *a, struct seal_key *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query(d->db, "SELECT id, key_ref, key_type, public_key FROM audit_key WHERE retired_at IS NULL ORDER BY id DESC LIMIT 1",
	             NULL, 0, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return make_key(d, a, ret, e);
	struct bytes spki = db_bytes(r, 0, 3, a);
	*ret = (struct seal_key){.id = db_int(r, 0, 0), .type = keytype_by_name(db_text(r, 0, 2)), .ref = arena_strdup(a, db_text(r, 0, 1))};
	ret->spki = (struct bytes){arena_dup(a, spki.data, spki.len), spki.len};
	return ret->type ? 0 : fail(e, E_UNSUPPORTED, "the key of the audit log is of an unknown type");
}

static int
sign(struct desk *d, struct seal_key *k, struct bytes text, uint8_t *ret, size_t *ret_len, struct error *e)
{
	const unsigned char *p = k->spki.data;
	EVP_PKEY *public_key CLEANUP(EVP_PKEY_free) = d2i_PUBKEY(NULL, &p, (long)k->spki.len), *key CLEANUP(EVP_PKEY_free) = NULL;
	EVP_PKEY_CTX *kept = NULL;
	if (!public_key)
		return fail(e, E_INTERNAL, "the public key of the audit log can't be read");
	if (hsm_key_load(d->hsm, k->ref, public_key, &key, e) < 0)
		return -1;
	bool good = sigalg_sign(k->type->signature, key, &kept, text, ret, ret_len);
	EVP_PKEY_CTX_free(kept);
	kept = NULL;
	good = good && sigalg_verify(k->type->signature, public_key, &kept, text, (struct bytes){ret, *ret_len});
	EVP_PKEY_CTX_free(kept);
	return good ? 0 : fail(e, E_KEY_STORE, "the key store made no good signature for the audit log");
}

int
audit_seal_make(struct desk *d, struct arena *a, Siegel__Sealed *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *stored CLEANUP(db_result_free) = NULL;
	struct seal_key key = {0};
	uint8_t signature[SIGALG_MAX_BYTES];
	size_t len = sizeof(signature);
	if (find_key(d, a, &key, e) < 0 || db_query(d->db, heads_sql, NULL, 0, false, &r, e) < 0)
		return -1;
	ret->at_us = now_us();
	ret->heads = arena_strdup(a, db_text(r, 0, 0));
	const char *text = arena_printf(a, AUDIT_SEAL_TITLE "\n%lld\n%s", (long long)ret->at_us, ret->heads);
	if (sign(d, &key, BYTES_STR(text), signature, &len, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(key.id), DB_INT(ret->at_us), DB_TEXT(ret->heads), DB_BYTES(signature, len)};
	if (db_query(
		d->db,
		"INSERT INTO audit_seal (key_id, at_us, heads, signature) VALUES ($1::int, $2::int8, $3::text, $4::bytea) RETURNING id",
		row, 4, false, &stored, e) < 0)
		return -1;
	ret->id = db_int(stored, 0, 0);
	ret->signature = (ProtobufCBinaryData){len, arena_dup(a, signature, len)};
	ret->public_key = (ProtobufCBinaryData){key.spki.len, arena_dup(a, key.spki.data, key.spki.len)};
	return 0;
}

bool
audit_seal_is_good(const char *key_type, struct bytes spki, int64_t at_us, const char *heads, struct bytes signature, struct arena *a)
{
	const unsigned char *p = spki.data;
	const struct keytype *type = keytype_by_name(key_type);
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = d2i_PUBKEY(NULL, &p, (long)spki.len);
	EVP_PKEY_CTX *kept = NULL;
	if (!type || !type->signature || !key)
		return false;
	const char *text = arena_printf(a, AUDIT_SEAL_TITLE "\n%lld\n%s", (long long)at_us, heads);
	bool good = sigalg_verify(type->signature, key, &kept, BYTES_STR(text), signature);
	EVP_PKEY_CTX_free(kept);
	return good;
}
