/* CertPoll, RFC 8894 3.3.3: the outcome of a request that waits for people. The request is asked for once more as it was, and the engine knows it by
 * its request key. */
#include <openssl/sha.h>

#include "enroll/scep/scep.h"
#include "lib/limits.h"

static int
take_store(struct scep_exchange *x, struct db **ret, struct error *e)
{
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	if (db_pool_take(pool, ret, e) < 0)
		return -1;
	if (auth_set_tenant(*ret, x->endpoint.tenant_id, e) == 0)
		return 0;
	db_pool_give(pool, *ret);
	return -1;
}

int
scep_transaction_keep(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr,
                      const uint8_t request_key[ENROLL_KEY_BYTES], struct error *e)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct db *db = NULL;
	SHA256(m->signer_cert.spki.data, m->signer_cert.spki.len, key);
	if (take_store(x, &db, e) < 0)
		return -1;
	const struct db_param row[] = {DB_INT(x->endpoint.id), DB_TEXT(m->transaction), DB_BYTES(key, sizeof(key)), DB_INT(x->endpoint.tenant_id),
	                               DB_INT(m->type), DB_BYTES(csr->whole.data, csr->whole.len), DB_BYTES(m->signer.data, m->signer.len),
	                               DB_INT(LIMIT_APPROVAL_DAYS), DB_TEXT(request_key ? "false" : "true"),
	                               request_key ? DB_BYTES(request_key, ENROLL_KEY_BYTES) : DB_NULL};
	int result = db_query(db,
	                      "WITH old AS (DELETE FROM scep_transaction WHERE expires_at < now())"
	                      " INSERT INTO scep_transaction AS t"
	                      " (endpoint_id, transaction, spki_hash, tenant_id, type, csr, signer, expires_at, vouched, request_key)"
	                      " VALUES ($1::int8, $2::text, $3::bytea, $4::int, $5::int, $6::bytea, $7::bytea,"
	                      " now() + make_interval(days => $8::int), $9::boolean, $10::bytea)"
	                      " ON CONFLICT (endpoint_id, transaction, spki_hash) DO UPDATE"
	                      " SET type = excluded.type, csr = excluded.csr, signer = excluded.signer, expires_at = excluded.expires_at,"
	                      " vouched = excluded.vouched OR (t.vouched AND t.csr = excluded.csr),"
	                      " request_key = coalesce(excluded.request_key, t.request_key)",
	                      row, ARRAY_LEN(row), false, NULL, e);
	db_pool_give(enroll_db(scep_enroll(x->scep)), db);
	return result;
}

/* By the key of the signer as well: a transaction of somebody else's is as little there as one that never was. */
int
scep_transaction_find(struct scep_exchange *x, const struct scep_message *m, struct scep_transaction *ret, struct error *e)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	CLEANUP(db_result_free) struct db_result *res = NULL;
	struct db *db = NULL;
	SHA256(m->signer_cert.spki.data, m->signer_cert.spki.len, key);
	if (take_store(x, &db, e) < 0)
		return -1;
	int result = db_query(db,
	                      "SELECT type, csr, signer, vouched FROM scep_transaction"
	                      " WHERE endpoint_id = $1::int8 AND transaction = $2::text AND spki_hash = $3::bytea AND expires_at > now()",
	                      (struct db_param[]){DB_INT(x->endpoint.id), DB_TEXT(m->transaction), DB_BYTES(key, sizeof(key))}, 3, false, &res, e);
	db_pool_give(enroll_db(scep_enroll(x->scep)), db);
	if (result < 0)
		return -1;
	if (db_rows(res) != 1)
		return fail(e, E_NOT_FOUND, "there is no transaction of that name (RFC 8894 3.3.3)");
	*ret = (struct scep_transaction){
	    .type = (int)db_int(res, 0, 0),
	    .csr = db_bytes(res, 0, 1, x->arena),
	    .signer = db_bytes(res, 0, 2, x->arena),
	    .vouched = db_bool(res, 0, 3),
	};
	return 0;
}

int
scep_transaction_served(struct scep_exchange *x, const struct scep_message *m, int window_sec, struct error *e)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct db *db = NULL;
	SHA256(m->signer_cert.spki.data, m->signer_cert.spki.len, key);
	if (take_store(x, &db, e) < 0)
		return -1;
	int result = db_query(db,
	                      "UPDATE scep_transaction SET expires_at = least(expires_at, now() + make_interval(secs => $4::int))"
	                      " WHERE endpoint_id = $1::int8 AND transaction = $2::text AND spki_hash = $3::bytea",
	                      (struct db_param[]){DB_INT(x->endpoint.id), DB_TEXT(m->transaction), DB_BYTES(key, sizeof(key)), DB_INT(window_sec)}, 4,
	                      false, NULL, e);
	db_pool_give(enroll_db(scep_enroll(x->scep)), db);
	return result;
}

static bool
names(struct bytes certificate, struct bytes name)
{
	struct error e;
	struct cert c;
	return cert_parse(certificate, &c, &e) == 0 && (bytes_equal(c.subject, name) || bytes_equal(c.issuer, name));
}

/* Who a request was to: a CA of this path (RFC 8894 3.3.3), or as clients have it the one above it (sscep) or its registration authority
 * (strongSwan). */
struct issuers {
	struct scep_ca cas[SCEP_LINE_MAX];
	struct enroll_ra ras[SCEP_RAS_MAX];
	int n_cas;
	size_t n_ras;
};

static bool
is_issuer(const struct issuers *all, struct bytes name)
{
	for (int i = 0; i < all->n_cas; i++)
		if (names(all->cas[i].certificate, name))
			return true;
	for (size_t i = 0; i < all->n_ras; i++)
		if (names(all->ras[i].certificate, name))
			return true;
	return false;
}

/* The request goes through the gate again: a certificate that was revoked meanwhile renews nothing. */
static int
handle(struct scep_exchange *x, const struct scep_work *w, struct bytes *ret_content, struct error *e)
{
	const struct scep_transaction *t = &w->grant->transaction;
	struct scep_message first = {.transaction = w->message->transaction, .type = t->type, .signer = t->signer};
	struct scep_names asked;
	struct scep_grant grant = {0};
	struct issuers all;
	struct csr csr;
	/* All that takes time comes before the content is looked at. */
	if (scep_line(x, all.cas, &all.n_cas, e) < 0 || scep_find_ras(x, all.ras, &all.n_ras, e) < 0 || scep_csr_parse(t->csr, &csr, e) < 0 ||
	    cert_parse_strange(t->signer, &first.signer_cert, e) < 0 || scep_names_parse(w->content, &asked, e) < 0)
		return -1;
	if (!is_issuer(&all, asked.issuer) || !bytes_equal(asked.subject, csr.subject))
		return fail(e, E_NOT_FOUND, "there is no transaction of that name (RFC 8894 3.3.3)");
	x->named = true;
	enum scep_need need = t->type == SCEP_RENEWAL_REQ ? SCEP_NEED_RENEW : SCEP_NEED_ENROL;
	if (scep_authorise(x, need, &first, &csr, &grant, e) < 0)
		return -1;
	return scep_issue(x, &first, &csr, &grant, ret_content, e);
}

const struct scep_message_type scep_cert_poll = {
    .type = SCEP_CERT_POLL,
    .name = "CertPoll",
    .need = SCEP_NEED_TRANSACTION,
    .handle = handle,
};
