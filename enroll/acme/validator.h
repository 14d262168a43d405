/* Threads that validate what clients said is ready (RFC 8555 8): they take challenges from the store, have them looked at, and store what was
 * found. Any number of front ends may do so; one that dies has lost its challenge to the next. */
#ifndef SIEGEL_ENROLL_ACME_VALIDATOR_H
#define SIEGEL_ENROLL_ACME_VALIDATOR_H
#include "enroll/acme/acme.h"

/* As many threads as [acme] validators says. s outlives it. The caller stops *ret. */
int acme_validator_start(struct acme *s, struct acme_validator **ret, struct error *e) MUST_CHECK;
void acme_validator_stop(struct acme_validator *v); /* accepts NULL */
/* There is something to do: one of the threads looks at once. Accepts NULL. */
void acme_validator_wake(struct acme_validator *v);

#endif
