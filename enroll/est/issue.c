/* From a CSR in the body to the certificate: the common part of simpleenroll and simplereenroll. */
#include "enroll/est/est.h"

int
est_issue(struct est_exchange *x, const char *operation, bool same_identity, struct bytes *ret_body, struct error *e)
{
	struct arena *a = x->request->arena;
	const struct config *c = est_config(x->est);
	struct enroll_request r = {
	    .who = &x->who,
	    .request_id = x->request->request_id,
	    .profile = config_str(c, OPT_est_profile),
	    .ca = config_str(c, OPT_est_ca),
	    .same_identity_as = same_identity ? x->who.certificate : (struct bytes){0},
	    .operation = operation,
	    .window_sec = (int)config_int(c, OPT_est_retry_window_sec),
	};
	struct enroll_result issued;
	if (est_csr_decode(a, x->request->body, &r.csr, e) < 0 || enroll_issue(est_enroll(x->est), &r, a, &issued, e) < 0)
		return -1;
	x->serial = issued.serial;
	x->repeated = issued.repeated;
	/* RFC 7030 4.2.3: the certificate alone; its chain comes from cacerts. */
	return certs_only_encode(a, &issued.certificate, 1, ret_body, e);
}
