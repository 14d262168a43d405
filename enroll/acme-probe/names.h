/* Names by libunbound: forwarded to the name servers of the configuration, validated by DNSSEC where there is an anchor, nothing kept from one
 * task to the next. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_NAMES_H
#define SIEGEL_ENROLL_ACME_PROBE_NAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <unbound.h>
#include "lib/config.h"
#include "lib/mem.h"

struct names;
struct task;

enum { RR_A = 1, RR_TXT = 16, RR_AAAA = 28, RR_CAA = 257 };

struct question {
	const char *name;
	int type;
	struct ub_result *answer; /* belongs to the names, and lives as long as they do; NULL: there was none in time */
	bool asked;
};

/* Reads the configuration; E_BAD_VALUE for name servers, anchors or domains that can't be taken, E_UNAVAILABLE without any name server. The caller
 * frees *ret. */
int names_open(const struct config *c, struct names **ret, struct error *e) MUST_CHECK;
void names_free(struct names *n);
DEFINE_CLEANUP(struct names, names_free)
/* Asks all of them at once and waits until all are answered or the task's time is over: then answers are missing. */
int names_ask(struct task *t, struct question *questions, size_t n);

enum names_result {
	NAMES_FOUND,
	NAMES_NODATA,   /* the name exists, or may, without records of this type */
	NAMES_NXDOMAIN,
	NAMES_BOGUS,    /* DNSSEC says that it is forged, or broken */
	NAMES_FAILED,   /* SERVFAIL, REFUSED and the like */
	NAMES_LATE,
};
enum names_result names_result(const struct question *q);
/* What that comes to in words, for people. */
const char *names_why(struct task *t, const struct question *q);

#endif
