/* Suites of the probe's test program. */
#ifndef SIEGEL_TESTS_UNIT_ACME_PROBE_SUITES_H
#define SIEGEL_TESTS_UNIT_ACME_PROBE_SUITES_H
#include <check.h>

struct config;

/* siegel-acme's side: connections, tasks, probes that end. */
TCase *front_case(void);
/* A configuration with these lines; ends the test when it is refused. The caller frees it. */
struct config *config_of(const char *text);

#endif
