/* simpleenroll, RFC 7030 4.2.1. */
#include "enroll/est/est.h"

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	switch (x->who.role) {
	case ROLE_ADMINISTRATOR:
	case ROLE_OPERATOR:
	case ROLE_REQUESTOR:
		/* An account asks for others: it acts as a registration authority does (RFC 7030 3.7). */
		return est_issue(x, est_simpleenroll.name, false, ret_body, e);
	case ROLE_NONE:
		/* A device by its own certificate may ask for itself alone. */
		return est_issue(x, est_simpleenroll.name, true, ret_body, e);
	case ROLE_AUDITOR:
	case ROLE_COUNT:
		break;
	}
	return fail(e, E_FORBIDDEN, "the account's role %s may not request certificates", role_name(x->who.role));
}

const struct est_operation est_simpleenroll = {
    .name = "simpleenroll",
    .method = "POST",
    .content_type = "application/pkcs10",
    .auth = EST_AUTH_ANY,
    .handle = handle,
};
