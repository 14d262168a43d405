/* The list of kinds of jobs: one line for each file. */
#include <string.h>

#include "ca/jobs.h"

#define KINDS(X)                                                                                                                   \
	X(dry_run) \
	X(revoke) \
	X(advise_renewal) \
	X(remove_directory) \
	X(annotate) \
	X(count) \
	X(batch) \
	X(import) \
	X(audit_verify)

#define DECLARE(name) extern const struct job_kind job_##name;
#define ROW(name) &job_##name,

KINDS(DECLARE)
const struct job_kind *const job_kinds[] = {KINDS(ROW) NULL};

const struct job_kind *
job_kind_of(const char *name)
{
	for (size_t i = 0; job_kinds[i]; i++)
		if (strcmp(job_kinds[i]->name, name) == 0)
			return job_kinds[i];
	return NULL;
}
