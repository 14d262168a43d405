/* PKCSReq and RenewalReq, RFC 8894 3.3.1 and 3.3.2. */
#include "enroll/scep/scep.h"

int
scep_issue(struct scep_exchange *x, const struct scep_message *m, const struct csr *csr, const struct scep_grant *g, struct bytes *ret_content,
           struct error *e)
{
	const struct endpoint *ep = &x->endpoint;
	struct enroll_result issued;
	struct enroll_request r = {
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
	if (enroll_issue(scep_enroll(x->scep), &r, x->arena, &issued, e) < 0)
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
	if (scep_transaction_keep(x, w->message, w->csr, false, e) == 0)
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
