/* How operations on many certificates say which. */
#ifndef SIEGEL_CA_MANAGE_CERTIFICATE_H
#define SIEGEL_CA_MANAGE_CERTIFICATE_H
#include "ca/manage.h"

/* The members ids, filter and condition, of which one has to be there: the choice as certificate_choice() in the store takes it, which the caller
 * frees. *ret stays on failure. */
int certificate_read_choice(struct manage *m, json_t **ret, struct error *e) MUST_CHECK;
/* A query with a choice among its parameters, for at most LIMIT_POLICY_DRY_RUN_MS; what is wrong with the choice is E_BAD_VALUE at its member. */
int certificate_choice_query(struct manage *m, const json_t *choice, const char *sql, const struct db_param *params, int n, struct db_result **ret,
                             struct error *e) MUST_CHECK;

/* What operations on many are about. */
struct meant {
	json_t *choice;      /* freed by the caller, also on failure */
	int64_t counted;     /* the job that counted them; 0: none did */
	int64_t count, last; /* of that job: how many, and the highest id */
};
/* In the place of a reason: notes, advice on renewal. */
#define MEANT_NOTES (-1)
#define MEANT_ADVICE (-2)
/* The members ids, filter and condition, or counted: the id of a job of the same account that counted them, for the same reason, at most a week ago
 * (E_BAD_VALUE, E_CONFLICT at counted). */
int certificate_read_meant(struct manage *m, int reason, struct meant *ret, struct error *e) MUST_CHECK;
/* Whether so many are expected (-1: it wasn't said, which ids and what was counted need not). E_CONFLICT, E_BAD_VALUE. */
int certificate_check_expected(const struct meant *meant, int64_t found, int64_t expected, struct error *e) MUST_CHECK;
/* What each job over them has among its parameters (ca/jobs/many.h); the caller adds to it and frees it. */
json_t *certificate_job_parameters(const struct meant *meant, int64_t last, int64_t count) __attribute__((returns_nonnull));
/* A job counts them; document: what policies would be asked about each. E_CONFLICT when the tenant has too many of these. */
int certificate_count_by_job(struct manage *m, const struct meant *meant, int reason, const json_t *document, struct error *e) MUST_CHECK;

#endif
