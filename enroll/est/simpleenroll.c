/* simpleenroll, RFC 7030 4.2.1. */
#include "enroll/est/est.h"

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	struct bytes same;
	return est_may_enroll(x, &same, e) < 0 ? -1 : est_issue(x, est_simpleenroll.name, same, ret_body, e);
}

const struct est_operation est_simpleenroll = {
    .name = "simpleenroll",
    .method = "POST",
    .content_type = "application/pkcs10",
    .auth = EST_AUTH_ANY,
    .handle = handle,
};
