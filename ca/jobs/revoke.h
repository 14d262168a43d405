/* What the revocation of many needs beside its job. */
#ifndef SIEGEL_CA_JOBS_REVOKE_H
#define SIEGEL_CA_JOBS_REVOKE_H

/* The number of a reason (RFC 5280 5.3.1) that makes sense for end entities; certificateHold holds, removeFromCRL releases. -1: none. */
int revoke_reason(const char *word);

#endif
