/* CAs that are out of service and have nothing left that lives: they are retired by themselves. */
#ifndef SIEGEL_CA_RETIRE_H
#define SIEGEL_CA_RETIRE_H
#include "ca/desk.h"

/* Retires each CA that is superseded or revoked and whose last certificate, or whose own, has ended: no CRL and no OCSP answer of it is of use
 * any more. One transaction, with an audit row for each. */
int retire_ended(struct desk *d, struct error *e) MUST_CHECK;

#endif
