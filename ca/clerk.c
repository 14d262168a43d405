#include "ca/clerk.h"

#include "ca/audit_seal.h"
#include "ca/crl.h"
#include "ca/desk.h"
#include "ca/manage.h"
#include "ca/ra.h"
#include "ca/reply.h"
#include "ca/retire.h"
#include "ca/signer.h"
#include "lib/seal.h"

#define CHAIN "ca.clerk"
#define CREDENTIAL_AGE_DAYS 30
/* Intents this old belong to a batch that is under way in no worker that lives; whether their chain is held is asked as well. */
#define SWEEP_AGE_SEC 60

struct clerk {
	struct desk desk;
	struct secret *ocsp_key; /* shared with siegel-va */
	bool checked;            /* the published CRLs are those of the store */
	bool rests;              /* the request failed because its CA's key rests: nothing was begun */
};

/* What a former clerk committed it may not have published. */
static int
check_published(struct clerk *k, struct error *e)
{
	k->checked = crl_check_published(k->desk.db, config_str(k->desk.config, OPT_ca_crl_dir), e) == 0;
	return k->checked ? 0 : -1;
}

static int
prepare(struct clerk *k, struct error *e)
{
	if (desk_prepare(&k->desk, true, e) < 0)
		return -1;
	return k->checked ? 0 : check_published(k, e);
}

static int
make_crl(struct clerk *k, const Siegel__MakeCrl *q, Siegel__Reply *reply, Siegel__MadeCrl *made, struct error *e)
{
	struct authority *ca = registry_authority_by_id(k->desk.registry, q->ca_id);
	struct crl_made crl;
	if (!ca || ca->status == AUTHORITY_RETIRED)
		return fail(e, E_NOT_FOUND, "there is no such CA, or it is retired");
	if ((k->rests = hsm_rests(k->desk.hsm, ca->key_ref, e) < 0))
		return -1;
	if (crl_make(ca, k->desk.hsm, k->desk.db, &k->desk.chain, config_str(k->desk.config, OPT_ca_crl_dir), &crl, e) < 0)
		return -1;
	made->number = crl.number;
	made->entries = crl.entries;
	made->size_bytes = crl.size_bytes;
	made->next_update = crl.next_update;
	reply->result_case = SIEGEL__REPLY__RESULT_CRL;
	reply->crl = made;
	return 0;
}

static int
make_signer(struct clerk *k, const Siegel__MakeSigner *q, Siegel__Reply *reply, Siegel__MadeSigner *made, struct error *e)
{
	struct authority *ca = registry_authority_by_id(k->desk.registry, q->ca_id);
	if (!ca || ca->status == AUTHORITY_RETIRED)
		return fail(e, E_NOT_FOUND, "there is no such CA, or it is retired");
	if ((k->rests = hsm_rests(k->desk.hsm, ca->key_ref, e) < 0))
		return -1;
	if (!k->ocsp_key && seal_key_read(config_str(k->desk.config, OPT_ca_ocsp_key_file), &k->ocsp_key, e) < 0)
		return -1;
	if (signer_make(ca, k->desk.registry, k->desk.hsm, k->desk.db, &k->desk.chain, k->ocsp_key, &made->not_after, e) < 0)
		return -1;
	reply->result_case = SIEGEL__REPLY__RESULT_SIGNER;
	reply->signer = made;
	return 0;
}

/* Approvals whose time ran out, credentials that ended so long ago that nobody asks for them, keys of batches that were there to be fetched. */
static int
sweep_rest(struct clerk *k, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct db_param age[] = {DB_INT(CREDENTIAL_AGE_DAYS)};
	if (desk_begin(&k->desk, e) < 0 || approvals_expire(&k->desk, a, e) < 0 ||
	    db_query(k->desk.db, "DELETE FROM credential WHERE least(revoked_at, used_at, expires_at) < now() - make_interval(days => $1::int)",
	             age, 1, false, NULL, e) < 0 ||
	    db_query(k->desk.db, "SELECT batch_sweep()", NULL, 0, false, NULL, e) < 0)
		return -1;
	return desk_commit(&k->desk, e);
}

/* Intents of chains that nobody holds (a worker that is no longer configured), request keys that ran out, CAs that ended. */
static int
sweep(struct clerk *k, Siegel__Reply *reply, Siegel__Swept *swept, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param age[] = {DB_INT(SWEEP_AGE_SEC)};
	if (retire_ended(&k->desk, e) < 0)
		return -1;
	if (sweep_rest(k, e) < 0)
		return -1;
	if (db_query(k->desk.db,
		     "WITH free AS MATERIALIZED (SELECT chain, pg_try_advisory_lock(hashtextextended('audit ' || chain, 0)) AS got FROM"
		     " (SELECT DISTINCT chain FROM intent WHERE abandoned_at IS NULL AND created_at < now() - make_interval(secs => $1::int)"
		     " AND chain <> '" CHAIN "') AS c),"
		     " marked AS (UPDATE intent i SET abandoned_at = now() FROM free f WHERE f.got AND i.chain = f.chain AND"
		     " i.abandoned_at IS NULL RETURNING 1), keys AS (DELETE FROM request WHERE expires_at < now() RETURNING 1)"
		     " SELECT (SELECT count(*) FROM marked), (SELECT count(*) FROM keys),"
		     " (SELECT count(pg_advisory_unlock(hashtextextended('audit ' || chain, 0))) FROM free WHERE got)",
		     age, 1, false, &r, e) < 0)
		return -1;
	swept->intents = db_int(r, 0, 0);
	swept->requests = db_int(r, 0, 1);
	reply->result_case = SIEGEL__REPLY__RESULT_SWEPT;
	reply->swept = swept;
	return 0;
}

static int
make_seal(struct clerk *k, struct buf *frame, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__Sealed sealed;
	siegel__sealed__init(&sealed);
	if (audit_seal_make(&k->desk, a, &sealed, e) < 0)
		return -1;
	reply.result_case = SIEGEL__REPLY__RESULT_SEALED;
	reply.sealed = &sealed;
	reply_put(frame, &reply);
	return 0;
}

static int
make_ra(struct clerk *k, const Siegel__MakeRa *q, struct buf *frame, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__MadeRa made = SIEGEL__MADE_RA__INIT;
	if (ra_make(&k->desk, q->ca_id, &made, a, e) < 0)
		return -1;
	reply.result_case = SIEGEL__REPLY__RESULT_RA;
	reply.ra = &made;
	reply_put(frame, &reply);
	return 0;
}

static int
serve(struct clerk *k, const Siegel__Request *request, struct buf *frame, struct error *e)
{
	Siegel__Reply reply = SIEGEL__REPLY__INIT;
	Siegel__MadeCrl crl = SIEGEL__MADE_CRL__INIT;
	Siegel__MadeSigner signer = SIEGEL__MADE_SIGNER__INIT;
	Siegel__Swept swept = SIEGEL__SWEPT__INIT;
	Siegel__StatusReport status = SIEGEL__STATUS_REPORT__INIT;
	int rc;
	k->rests = false;
	if (!caller_may(CALLER_SCHED, request->operation_case))
		return fail(e, E_FORBIDDEN, "siegel-sched may not ask for that");
	if (prepare(k, e) < 0)
		return -1;
	if (request->operation_case == SIEGEL__REQUEST__OPERATION_SEAL)
		return make_seal(k, frame, e);
	if (request->operation_case == SIEGEL__REQUEST__OPERATION_RA)
		return make_ra(k, request->ra, frame, e);
	switch (request->operation_case) {
	case SIEGEL__REQUEST__OPERATION_CRL:
		rc = make_crl(k, request->crl, &reply, &crl, e);
		break;
	case SIEGEL__REQUEST__OPERATION_SIGNER:
		rc = make_signer(k, request->signer, &reply, &signer, e);
		break;
	case SIEGEL__REQUEST__OPERATION_SWEEP:
		rc = sweep(k, &reply, &swept, e);
		break;
	default:
		status.store = true;
		status.key_store = hsm_usable(k->desk.hsm);
		reply.result_case = SIEGEL__REPLY__RESULT_STATUS;
		reply.status = &status;
		rc = 0;
	}
	if (rc == 0)
		reply_put(frame, &reply);
	return rc;
}

static void
answer(void *ctx, enum caller caller, const Siegel__Request *request, struct buf *frame)
{
	struct clerk *k = ctx;
	struct error e;
	(void)caller;
	if (serve(k, request, frame, &e) == 0)
		return;
	if (e.code != E_FORBIDDEN && e.code != E_NOT_FOUND && !k->rests) {
		k->checked = false;
		desk_recover(&k->desk, &e);
	}
	reply_error(frame, &e);
}

int
clerk_run(const struct config *c, int channel, struct error *e)
{
	struct clerk k = {0};
	struct desk_service service = {.answer = answer, .ctx = &k};
	(void)e;
	desk_init(&k.desk, c, CHAIN);
	desk_serve(&service, channel);
	desk_close(&k.desk);
	secret_free(k.ocsp_key);
	return 0;
}
