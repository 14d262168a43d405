/* CAA records (RFC 8659) behind a validation: before a certificate is issued on an authorization that is older, or was made without them. */
#ifndef SIEGEL_ENROLL_ACME_CAA_H
#define SIEGEL_ENROLL_ACME_CAA_H
#include "enroll/acme/order.h"

/* Asks the probe about every name that o->caa says, some at a time, and stores which of them allow it; within 15 seconds. 0: all do, or nobody
 * had to be asked. E_CAA: some don't, or couldn't be had for an hour; each is a subproblem in x->problem. E_UNAVAILABLE with
 * a retry hint: some can't be had at the moment. */
int acme_caa_check(struct acme_exchange *x, const struct acme_order *o, struct error *e) MUST_CHECK;

#endif
