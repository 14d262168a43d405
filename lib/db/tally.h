/* Refused requests for the dashboard: counted in memory, added up in the store every few seconds, so that a refusal costs no statement of its own
 * and a flood of them is a handful of rows. What was counted since the last time is lost when the process is killed. */
#ifndef SIEGEL_LIB_DB_TALLY_H
#define SIEGEL_LIB_DB_TALLY_H
#include "lib/db/db.h"

struct db_tally;

/* For a front end: a thread that writes as role, which says which way the requests came. The configuration must outlive it. The caller stops *ret. */
int db_tally_start(const struct config *c, const char *role, struct db_tally **ret, struct error *e) MUST_CHECK;
/* A request of that tenant was refused. Counted are refusals alone (HTTP status 4xx, but for a nonce that is to be fetched anew): faults of ours are
 * for the log. Without a tenant (0), and with t NULL, nothing is. */
void db_tally_add(struct db_tally *t, int32_t tenant_id, enum error_code code);
/* The same for what failed for another reason than an error's: a word of [a-z_], up to 40 letters, that is never freed; one of few. */
void db_tally_add_reason(struct db_tally *t, int32_t tenant_id, const char *reason);
/* Writes what is left, and ends. Accepts NULL. */
void db_tally_stop(struct db_tally *t);

#endif
