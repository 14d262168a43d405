/* From a CSR in the body to the certificate: the common part of simpleenroll and simplereenroll. */
#include "enroll/cms.h"
#include "enroll/est/est.h"

struct enroll_request
est_request(const struct est_exchange *x, const char *operation, struct bytes same)
{
	return (struct enroll_request){
	    .who = &x->who,
	    .request_id = x->request->request_id,
	    .endpoint_id = x->door.id,
	    .rules = {x->rules[0], x->rules[1]},
	    .code_id = x->code_id,
	    .profile = x->door.profile,
	    .ca = x->door.ca,
	    .same_identity_as = same,
	    /* By whichever operation: who asks for what he has renews it, and the profile's rules on that hold. */
	    .renewal = same.len > 0,
	    .operation = operation,
	    .window_sec = (int)endpoint_int(&x->door, "retry_window_sec", config_int(est_config(x->est), OPT_est_retry_window_sec)),
	};
}

int
est_issue(struct est_exchange *x, const char *operation, struct bytes same, struct bytes *ret_body, struct error *e)
{
	struct arena *a = x->request->arena;
	struct enroll_request r = est_request(x, operation, same);
	struct enroll_result issued;
	if (est_csr_decode(a, x->request->body, &r.csr, e) < 0 || enroll_issue(est_enroll(x->est), &r, a, &issued, e) < 0)
		return -1;
	x->serial = issued.serial;
	x->repeated = issued.repeated;
	/* RFC 7030 4.2.3: the certificate alone; its chain comes from cacerts. */
	return cms_certs_only_encode(a, &issued.certificate, 1, NULL, 0, ret_body, e);
}
