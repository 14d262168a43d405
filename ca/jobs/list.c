/* The list of kinds of jobs: one line for each file. */
#include "ca/jobs.h"

#define KINDS(X)                                                                                                                   \
	X(dry_run) \
	X(revoke) \
	X(advise_renewal) \
	X(batch) \
	X(import)

#define DECLARE(name) extern const struct job_kind job_##name;
#define ROW(name) &job_##name,

KINDS(DECLARE)
const struct job_kind *const job_kinds[] = {KINDS(ROW) NULL};
