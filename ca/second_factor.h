/* The second factor of an account (RFC 6238): the engine keeps its secret sealed, and says whether a code is by it. */
#ifndef SIEGEL_CA_SECOND_FACTOR_H
#define SIEGEL_CA_SECOND_FACTOR_H
#include "hsm/hsm.h"
#include "lib/db/db.h"
#include "lib/ipc/engine.pb-c.h"

#define SECOND_FACTOR_CODE_BYTES 16
#define SECOND_FACTOR_RECOVERY_BYTES 40

/* For what the secret of the account of that number is sealed. */
#define SECOND_FACTOR_CONTEXT "totp:%lld"

/* Seconds until another code is looked at, of a row of second_factor: after five wrong ones two, then four, up to a quarter of an hour. */
#define SECOND_FACTOR_WAIT                                                                                                    \
	"CASE WHEN failures < 5 THEN 0"                                                                                       \
	" ELSE greatest(0, ceil(extract(epoch FROM failed_at - now()) + least(900, power(2, least(failures - 4, 20)))))::int END"

/* E_TOO_MANY that says how long to wait, when wait_sec isn't 0. */
int second_factor_must_wait(int64_t wait_sec, struct error *e) MUST_CHECK;
/* *ret_good: the code is one of now (RFC 6238 5.2) of q's account, or the recovery code is one of its; it is used up by that, and of several that
 * ask with the same one at the same time one gets yes. A code counts as a wrong one until it is found good, so that those that come together
 * are counted too; recovery codes aren't counted, and wait for nothing. False as well for an account of another tenant and for one without a second factor. E_TOO_MANY, E_MALFORMED. */
int second_factor_check(struct db *db, struct hsm *hsm, const Siegel__CheckSecondFactor *q, struct arena *a, bool *ret_good,
	struct error *e) MUST_CHECK;

#endif
