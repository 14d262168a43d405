/* simplereenroll, RFC 7030 4.2.2: a new certificate for the identity that the client's certificate has, with the same key (renew) or
 * another one (rekey). */
#include "enroll/est/est.h"

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	struct bytes same; /* whoever asks, the certificate that is shown is the one that is renewed */
	return est_may_enroll(x, &same, e) < 0 ? -1 : est_issue(x, est_simplereenroll.name, x->shown.certificate, ret_body, e);
}

const struct est_operation est_simplereenroll = {
    .name = "simplereenroll",
    .method = "POST",
    .content_type = "application/pkcs10",
    .auth = EST_AUTH_CERTIFICATE,
    .handle = handle,
};
