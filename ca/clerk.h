/* The clerk: the process of the engine that does what takes long, one thing after the other: CRLs, OCSP signers, sweeping. Workers
 * never wait for it. */
#ifndef SIEGEL_CA_CLERK_H
#define SIEGEL_CA_CLERK_H
#include "ca/worker.h"

/* Runs until the process is to stop or the channel to the master ends. */
int clerk_run(const struct config *c, int channel, struct error *e);

#endif
