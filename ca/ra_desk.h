/* What a worker does for front ends beside issuing: it signs, decrypts and wraps with the keys of registration authorities and with secrets, checks
 * external account keys, and tells what profiles want. It asks the store on a lane that is idle, and remembers certificates for a while. */
#ifndef SIEGEL_CA_RA_DESK_H
#define SIEGEL_CA_RA_DESK_H
#include "ca/worker.h"

struct ra_desk;

/* Knows nothing yet. The caller frees it with ra_desk_free(). */
struct ra_desk *ra_desk_new(void) __attribute__((returns_nonnull));
/* Accepts NULL; before the key store that its keys come from. What waits is dropped. */
void ra_desk_free(struct ra_desk *d);
/* Whether the operation is one of those that are done here. */
bool ra_desk_is_for(Siegel__Request__OperationCase operation);
/* Does it and answers, at once, or when a lane is idle. */
void ra_desk_take(struct ra_desk *d, struct worker *w, struct job *job);
/* Goes on with what waits; to be called in each turn of the loop. True: something still waits. */
bool ra_desk_tend(struct ra_desk *d, struct worker *w);

#endif
