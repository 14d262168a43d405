/* The rules of a policy: read, and held to what doc/policies.md says, before they are stored or run. */
#ifndef SIEGEL_CA_CONDITION_H
#define SIEGEL_CA_CONDITION_H
#include <jansson.h>

#include "lib/db/db.h"

/* Conditions and rules, as the columns of the table policy take them. */
struct policy_rules {
	const char *operations; /* text[]: "{certificate.issue,certificate.renew}" */
	const char *condition;  /* NULL: every request */
	const char *text;       /* JSON */
	int n;
};

/* Checks them for a tenant; db is in a transaction. operations NULL: issuing and renewing certificates. *ret lives as long as the arena and what
 * was given. E_BAD_VALUE with the pointer of the member ("rules/2/when"), and for a path that can't be parsed with the column. */
int policy_rules_read(struct db *db, struct arena *a, int32_t tenant_id, const json_t *operations, const char *condition, const json_t *rules,
               struct policy_rules *ret, struct error *e) MUST_CHECK;

/* The n-th member that a rule may have, NULL behind the last; *ret_max: octets that its text may have, 0 when it is checked otherwise. */
const char *policy_rule_member(size_t n, size_t *ret_max);

/* Checks one condition: that it is a path, true or false, and within what costs little. db is in a transaction. E_BAD_VALUE with this
 * pointer, and for one that can't be parsed with the column. */
int condition_check(struct db *db, const char *text, const char *where, struct error *e) MUST_CHECK;

#define CONDITION_LATE "57014" /* SQLSTATE query_canceled */
/* db_query() for a statement that holds conditions against what clients send, who choose its size: what takes longer than ms is ended by the
 * server with E_BAD_VALUE, and db_sqlstate() is CONDITION_LATE. Nobody else's request waits for it longer, and no statement runs on after its
 * client has given up. sql is a string literal. */
int condition_query(struct db *db, int ms, const char *sql, const struct db_param *params, int n_params, struct db_result **ret,
                    struct error *e) MUST_CHECK;

#endif
