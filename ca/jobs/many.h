/* What jobs over many certificates share: the rows of certificate_next(), those that policies stand against, the audit rows of the others. */
#ifndef SIEGEL_CA_JOBS_MANY_H
#define SIEGEL_CA_JOBS_MANY_H
#include "ca/batch.h"
#include "ca/jobs.h"

/* The columns of certificate_next(). */
enum { NEXT_ID, NEXT_EFFECT, NEXT_MESSAGE, NEXT_POLICY, NEXT_RULE };

/* What a step is about. */
struct many_span {
	char *choice;  /* as certificate_choice() takes it; freed by the caller */
	int64_t upto;  /* ids from behind the cursor to this one */
	int64_t size;  /* for job_query() */
};
/* That of the next step, of at most limit certificates: those of the parameter choice up to to, or of what the job counted counted, of these the next
 * ones. E_CONFLICT: what was counted isn't kept any more. */
int many_span(struct job_run *j, int64_t after, int64_t to, int limit, struct many_span *ret, struct error *e) MUST_CHECK;
/* How many of them the policies stand against. */
int many_refused(const struct db_result *next);
/* Behind the parameters that are there: the ids of the others, and the columns of an audit row for each; detail is the same for all. */
void many_columns(struct job_run *j, struct batch *b, const char *action, const char *detail, const struct db_result *next);
/* The items of those that policies stand against; nothing is noted of the others, which are many. b is used up. */
int many_pass_over(struct job_run *j, struct batch *b, const struct db_result *next, struct error *e) MUST_CHECK;

#endif
