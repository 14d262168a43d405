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

#endif
