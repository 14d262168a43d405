/* What the profile makes of the subject, the names and the validity that a request has. */
#ifndef SIEGEL_CA_RULES_H
#define SIEGEL_CA_RULES_H
#include "ca/profile.h"

/* notBefore lies this much before the decision: clocks of devices that are slow. */
#define BACKDATE_SEC 60

/* Puts in what the profile fixes and what it has defaults for, brings the attributes into its order and checks them: *n of values, which
 * have room for LIMIT_RDN_COUNT. E_POLICY with pointer "subject/<type>". */
int rules_subject(struct arena *a, const struct profile *p, struct dn_value *values, size_t *n, struct error *e) MUST_CHECK;
/* Kinds, number, subtrees, none twice. pointer: of the n-th name "names/<n>", or root when that isn't "names". E_POLICY, E_BAD_VALUE. */
int rules_names(struct arena *a, const struct profile *p, const struct name *names, size_t n, const char *root, struct error *e) MUST_CHECK;

struct validity {
	int64_t not_before, not_after; /* inclusive (RFC 5280 4.1.2.5) */
	const char *rule;              /* how it came about: Issued.validity_rule of lib/ipc/engine.proto */
};
/* For asked seconds (0: the profile's default) from now on, below an issuer with this validity (issuer_end INT64_MAX: none). E_POLICY or
 * E_BAD_VALUE with pointer "days". */
int rules_validity(const struct profile *p, int64_t asked_sec, int64_t now, int64_t issuer_begin, int64_t issuer_end, struct validity *ret,
                   struct error *e) MUST_CHECK;

#endif
