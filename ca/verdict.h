/* What the engine knows of policies: which tenants have rules for certificates. All else the store says, by batches (policy_apply()). */
#ifndef SIEGEL_CA_VERDICT_H
#define SIEGEL_CA_VERDICT_H
#include "ca/batch.h"

struct policy_tenants {
	int64_t epoch;    /* of this knowledge; 0: none. intent_add() refuses a batch that was judged in another one (SG008). */
	int32_t *tenants; /* that have rules */
	size_t n;
};

/* Reads it anew. */
int policy_tenants_read(struct policy_tenants *p, struct db *db, struct error *e) MUST_CHECK;
void policy_tenants_free(struct policy_tenants *p);
/* Whether a tenant has rules for certificates. */
bool policy_tenants_have(const struct policy_tenants *p, int32_t tenant_id);

/* What the policies say of one request: a row of policy_apply(). Texts live as long as the result. */
struct verdict {
	size_t place;       /* of the order in the batch */
	const char *document; /* with what rules set; NULL: they set nothing */
	enum { VERDICT_NONE, VERDICT_REFUSE, VERDICT_APPROVE } effect;
	const char *message, *message_de, *pointer, *policy, *rule, *approvers;
	int wanted;         /* VERDICT_APPROVE: people */
};
/* Prepares policy_apply() for the orders of b. */
int verdicts_ask(struct batch *b, struct error *e) MUST_CHECK;
/* Reads a row of its result. */
void verdict_read(struct verdict *v, const struct db_result *r, int row);
/* What the one is told who asked for what a rule refuses. */
void verdict_error(const struct verdict *v, struct error *e);

/* Prepares request_hold(): requests, each with its key, that wait for people. begin, one call for each order, finish; its result has a row
 * (place from 1, id of the approval) for each. */
struct approvals {
	struct batch *batch;
	struct db_array *tenant, *key, *body, *request, *reason, *wanted, *approvers, *account, *requestor, *days, *outdated;
	struct audit_columns audit;
};
void approvals_begin(struct approvals *a, struct batch *b, const struct audit_chain *chain);
/* outdated: 0, or the approval of the same request that this one takes the place of: it is withdrawn. */
void approvals_add(struct approvals *a, struct order *o, int64_t outdated, const struct verdict *v);
int approvals_finish(struct approvals *a, struct error *e) MUST_CHECK;

/* An order against the request that an approval holds (what approvals_add() stored): the same and to come to the same; the same with another profile,
 * CA or identity that it has to have, which nobody approved (R08); or another one under its request key. */
enum approval_match { APPROVAL_SAME, APPROVAL_OTHER_TERMS, APPROVAL_OTHER_REQUEST };
enum approval_match approval_match(struct bytes stored, const struct order *o);

#endif
