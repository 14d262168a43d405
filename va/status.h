/* Status of a certificate from the store. Only what was issued has a row: an intent or an abandoned serial has none. */
#ifndef SIEGEL_VA_STATUS_H
#define SIEGEL_VA_STATUS_H
#include <stdint.h>
#include "lib/config.h"
#include "va/responder.h"

struct status;

/* Looks up by (CA, serial), many at once. Each thread that comes gets its own connection, closed when the thread ends. The caller frees *ret, after
 * all threads that used it. */
int status_new(const struct config *c, struct status **ret, struct error *e) MUST_CHECK;
void status_free(struct status *s); /* accepts NULL */
DEFINE_CLEANUP(struct status, status_free)

/* The present status of n serials, never from a cache: CERT_UNKNOWN where there is no such certificate, broken where a row makes no sense.
 * E_STORE when the store can't be reached. Has the form of status_lookup (va/responder.h). */
int status_find(void *status, struct status_query *queries, int n, struct error *e) MUST_CHECK;

#endif
