/* Profiles: what a certificate of one kind looks like. Read from JSON (doc/profiles.md), checked against hard ceilings, kept ready. */
#ifndef SIEGEL_CA_PROFILE_H
#define SIEGEL_CA_PROFILE_H
#include <stdbool.h>

#include "ca/names.h"
#include "lib/x509/dn.h"
#include "lib/x509/keytype.h"

#define PROFILE_MAX_KEYS 16
#define PROFILE_MAX_PURPOSES 8
#define PROFILE_MAX_TYPES 16
#define PROFILE_MAX_POLICIES 4

enum beyond { BEYOND_REFUSE, BEYOND_CLAMP };
enum key_reuse { REUSE_ALLOW, REUSE_SAME_SUBJECT, REUSE_NEVER };

struct profile {
	struct arena *arena; /* holds all that is pointed to */
	int users;           /* the registry and each order under way */
	int32_t id, tenant_id;
	const char *name, *kind;
	const char *row;     /* which version of its row it was read from */
	bool internal;       /* for the engine's own certificates: no client can ask for it */
	bool ca;             /* basicConstraints CA:TRUE */
	int path_length;     /* -1: none */
	long days, max_days;
	enum beyond over_maximum, over_issuer;
	const struct keytype *keys[PROFILE_MAX_KEYS];
	size_t n_keys;       /* the first is the default for keys that the engine makes */
	unsigned key_usage;  /* bit n: KU_… n */
	struct bytes purposes[PROFILE_MAX_PURPOSES]; /* extended key usages */
	size_t n_purposes;
	const struct dn_type *required[PROFILE_MAX_TYPES], *allowed[PROFILE_MAX_TYPES];
	size_t n_required, n_allowed;
	bool name_allowed[NAME_KIND_COUNT];
	bool wildcard, from_common_name, names_required;
	struct bytes policies[PROFILE_MAX_POLICIES]; /* content octets of their identifiers */
	size_t n_policies;
	enum key_reuse key_reuse;
	bool status_information; /* AIA and CDP */
	bool ocsp_nocheck;       /* RFC 6960 4.2.2.2.1 */
};

/* Takes over the arena. E_BAD_VALUE names the member at fault: unknown members, types that don't fit and what lies above the
 * ceilings of lib/limits.h are refused, so that no profile can be saved that weakens them. */
int profile_new(struct arena *a, int32_t id, int32_t tenant_id, const char *name, const char *kind, const char *json, struct profile **ret,
                struct error *e) MUST_CHECK;
/* One more user, which profile_free() ends: an order goes on with the profile that it began with, whatever is read meanwhile. */
struct profile *profile_hold(const struct profile *p) __attribute__((returns_nonnull));
/* Ends one use; the last one frees. Accepts NULL. */
void profile_free(struct profile *p);
DEFINE_CLEANUP(struct profile, profile_free)

#endif
