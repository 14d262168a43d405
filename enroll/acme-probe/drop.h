/* What the process gives up after its start. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_DROP_H
#define SIEGEL_ENROLL_ACME_PROBE_DROP_H
#include "lib/error.h"

/* From here on, for all threads that are made later: no program is run, no process made, nothing listened for, no file written or made or removed,
 * no other process looked into, no other kind of socket than IPv4, IPv6, Unix and the kernel's (for this machine's addresses). E_UNAVAILABLE when the
 * kernel doesn't take the filter. */
int drop_powers(struct error *e) MUST_CHECK;

#endif
