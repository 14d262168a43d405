/* What CAA records say (RFC 8659, RFC 8657), without asking for them. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_CAA_RECORDS_H
#define SIEGEL_ENROLL_ACME_PROBE_CAA_RECORDS_H
#include <stdbool.h>
#include "lib/mem.h"
#include "lib/error.h"

struct caa_question {
	char *const *issuers; /* domain names by which this CA is known */
	size_t n_issuers;
	const char *account_url;
	const char *method;
	bool wildcard;
};

/* Whether the relevant set of records (RFC 8659 3: n of them, their RDATA) lets a certificate be issued: 0, or E_FORBIDDEN with the reason. Records
 * that can't be read, and critical ones of unknown meaning, refuse. */
int caa_judge(const struct bytes *records, size_t n, const struct caa_question *q, struct error *e) MUST_CHECK;

#endif
