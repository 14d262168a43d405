/* What CAs delegate to for a while, renewed in time: OCSP signers, registration authorities. */
#ifndef SIEGEL_SCHED_RENEW_H
#define SIEGEL_SCHED_RENEW_H
#include "sched/jobs.h"

/* Calls make() for each CA whose last one is missing or half over (signer_due_us()). sql, a string literal, gives of each CA its id, its name, the
 * database's time in microseconds, whether there is one, and from when until when the last one is valid. A CA for which make() fails holds up no
 * other; the first failure is given back. */
int renew_due(struct sched *s, const char *sql, int (*make)(struct sched *s, int64_t ca_id, const char *name, struct error *e),
              struct error *e) MUST_CHECK;

#endif
