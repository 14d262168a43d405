/* The runner: the process of the engine that does jobs (ca/jobs.h), those of several tenants in turns, a step each. */
#ifndef SIEGEL_CA_RUNNER_H
#define SIEGEL_CA_RUNNER_H
#include "lib/config.h"

/* Runs until the process is to stop. */
int runner_run(const struct config *c, int channel, struct error *e);

#endif
