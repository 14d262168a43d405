/* simpleenroll, RFC 7030 4.2.1. */
#include "enroll/est/est.h"

static int
handle(struct est_exchange *x, struct bytes *ret_body, struct error *e)
{
	bool device = x->who.account_id == 0;

	if (!device && !(x->who.rights & RIGHT_BIT(RIGHT_ISSUE)))
		return fail(e, E_FORBIDDEN, "the account's role %s may not request certificates", x->who.role);
	/* A device by its own certificate may ask for itself alone; an account asks for others: it acts as a registration authority does
	 * (RFC 7030 3.7). */
	return est_issue(x, est_simpleenroll.name, device, ret_body, e);
}

const struct est_operation est_simpleenroll = {
    .name = "simpleenroll",
    .method = "POST",
    .content_type = "application/pkcs10",
    .auth = EST_AUTH_ANY,
    .handle = handle,
};
