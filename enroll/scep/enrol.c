/* PKCSReq and RenewalReq, RFC 8894 3.3.1 and 3.3.2. */
#include <openssl/sha.h>

#include "enroll/scep/scep.h"
#include "lib/limits.h"

/* Whether a transaction that was used for another request was so by the same key: clients make its name of their key (RFC 8894 3.2.1.1), and ask
 * again with that key for something else. That other request was issued, or waited for people. */
static int
is_same_key(struct scep_exchange *x, const struct scep_message *m, const struct enroll_request *r, const struct csr *csr, bool *ret, struct error *e)
{
	uint8_t request[ENROLL_KEY_BYTES], spki[SHA256_DIGEST_LENGTH], signer[SHA256_DIGEST_LENGTH];
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	struct db *db = NULL;
	CLEANUP(db_result_free) struct db_result *res = NULL;
	enroll_request_key("scep", r, request);
	SHA256(csr->spki.data, csr->spki.len, spki);
	SHA256(m->signer_cert.spki.data, m->signer_cert.spki.len, signer);
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	const struct db_param row[] = {DB_INT(x->endpoint.tenant_id), DB_BYTES(request, sizeof(request)), DB_BYTES(spki, sizeof(spki)),
	                               DB_BYTES(signer, sizeof(signer))};
	int result = db_query(db, "SELECT scep_same_key($1::int, $2::bytea, $3::bytea, $4::bytea)", row, ARRAY_LEN(row), false, &res, e);
	db_pool_give(pool, db);
	if (result == 0)
		*ret = db_bool(res, 0, 0);
	return result;
}

/* The same transaction with the same request gets the same certificate. With another request of the same key it is another transaction; with
 * another key it is refused. */
static int
issue(struct scep_exchange *x, const struct scep_message *m, struct enroll_request *r, const struct csr *csr, struct enroll_result *ret,
      struct error *e)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	bool same = false;
	int result = enroll_issue(scep_enroll(x->scep), r, x->arena, ret, e);
	if (result == 0 || e->code != E_KEY_REUSED)
		return result;
	if (is_same_key(x, m, r, csr, &same, e) < 0)
		return -1;
	if (!same)
		return fail(e, E_KEY_REUSED, "another key used the transaction: transactionID wants to be one of this key's own (RFC 8894 3.2.1.1)");
	SHA256(csr->info.data, csr->info.len, hash);
	r->transaction = arena_printf(x->arena, "%s\n%s", r->transaction, arena_hex(x->arena, hash, sizeof(hash)));
	return enroll_issue(scep_enroll(x->scep), r, x->arena, ret, e);
}

static struct enroll_request
request_of(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, const struct scep_grant *g)
{
	const struct endpoint *ep = &x->endpoint;
	return (struct enroll_request){
	    .who = &g->who,
	    .endpoint_id = ep->id,
	    .rules = {g->rule},
	    .renewal = g->renewal,
	    .code_id = g->code_id,
	    .request_id = x->request->request_id,
	    .profile = ep->profile,
	    .ca = ep->ca,
	    .csr = csr->whole,
	    .same_identity_as = g->renewal ? g->who.certificate : (struct bytes){0},
	    .transaction = m->transaction,
	    .binding = csr->info,
	    .operation = g->renewal ? "renewal" : "enrolment",
	    .window_sec = (int)endpoint_int(ep, "retry_window_sec", config_int(scep_config(x->scep), OPT_scep_retry_window_sec)),
	};
}

int
scep_issue(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, const struct scep_grant *g, struct bytes *ret_content,
           struct error *e)
{
	struct enroll_result issued;
	struct enroll_request r = request_of(x, m, csr, g);
	if (issue(x, m, &r, csr, &issued, e) < 0)
		return -1;
	/* Before the answer goes out: when it fails, the client comes again and gets the same certificate. The engine's window began up to a call
	 * ago, and the yes must not outlive it. */
	if (g->who.evidence == EVIDENCE_WEBHOOK && scep_transaction_served(x, m, r.window_sec - LIMIT_ENGINE_CALL_MS / 1000, e) < 0)
		return -1;
	x->serial = issued.serial;
	x->repeated = issued.repeated;
	return cms_certs_only_encode(x->arena, &issued.certificate, 1, NULL, 0, ret_content, e);
}

static int
handle(struct scep_exchange *x, const struct scep_work *w, struct bytes *ret_content, struct error *e)
{
	if (scep_issue(x, w->message, w->csr, w->grant, ret_content, e) == 0)
		return 0;
	if (e->code != E_PENDING)
		return -1;
	struct error kept = *e;
	uint8_t key[ENROLL_KEY_BYTES];
	const struct enroll_request r = request_of(x, w->message, w->csr, w->grant);
	enroll_request_key("scep", &r, key);
	if (scep_transaction_keep(x, w->message, w->csr, key, e) == 0)
		*e = kept;
	return -1;
}

const struct scep_message_type scep_pkcs_req = {
    .type = SCEP_PKCS_REQ,
    .name = "PKCSReq",
    .need = SCEP_NEED_ENROL,
    .has_csr = true,
    .handle = handle,
};

const struct scep_message_type scep_renewal_req = {
    .type = SCEP_RENEWAL_REQ,
    .name = "RenewalReq",
    .need = SCEP_NEED_RENEW,
    .has_csr = true,
    .handle = handle,
};
