/* Profiles: what a certificate of one kind looks like. Read from JSON (doc/profiles.md), checked against hard ceilings, kept ready. */
#ifndef SIEGEL_CA_PROFILE_H
#define SIEGEL_CA_PROFILE_H
#include <stdbool.h>

#include "lib/x509/names.h"
#include "ca/subtree.h"
#include "lib/x509/dn.h"
#include "lib/x509/keytype.h"

#define PROFILE_MAX_KEYS 64
#define PROFILE_MAX_PURPOSES 8
#define PROFILE_MAX_TYPES 16
#define PROFILE_MAX_EXTENSIONS 8

/* notAfter of what has no well-defined expiry: 9999-12-31 23:59:59 (RFC 5280 4.1.2.5). */
#define PROFILE_NO_EXPIRY INT64_C(253402300799)

enum beyond { BEYOND_REFUSE, BEYOND_CLAMP };
enum key_reuse { REUSE_ALLOW, REUSE_SAME_SUBJECT, REUSE_NEVER };
enum key_origin { ORIGIN_ANY, ORIGIN_CLIENT, ORIGIN_APPLIANCE };

/* What the profile says of the values of one attribute type. */
struct subject_rule {
	const struct dn_type *type;
	size_t min, max;          /* characters; 0: no bound of its own */
	const char *characters;   /* "A-Za-z0-9-": none but these; NULL: any */
	const char *const *one_of; /* NULL: any */
	size_t n_one_of;
};

/* Renewal, for those who ask for one. */
struct renewal {
	bool allowed, same_key;
	bool other_names;         /* it may have another subject and other names, where the request says so (RFC 6402 2.8) */
	long after_days;          /* how long after its end it may still be asked for */
	long before_days;         /* the earliest time, before the end of the certificate; 0: any time */
};

/* An extension with a fixed value that no file of ca/ext knows. */
struct fixed_extension {
	struct bytes oid, value;  /* content octets; content of extnValue */
	bool critical;
};

/* An option of the profile that only the extension of that file knows. */
struct ext_option {
	const struct ext *of;
	const void *value;
	const struct ext_option *next;
};

struct profile {
	struct arena *arena; /* holds all that is pointed to */
	int users;           /* the registry and each order under way */
	int32_t id, tenant_id;
	const char *name, *kind;
	const char *row;     /* which version of its row it was read from */
	bool disabled;       /* nothing is issued by it any more */
	bool internal;       /* for the engine's own certificates: no client can ask for it */
	bool ca;             /* basicConstraints CA:TRUE */
	int path_length;     /* -1: none */
	int64_t validity_sec, max_validity_sec;
	bool no_expiry;      /* in place of both */
	enum beyond over_maximum, over_issuer;
	const struct keytype *keys[PROFILE_MAX_KEYS]; /* types, or ranges of them: keytype_fits() */
	size_t n_keys;       /* the first is the default for keys that the engine makes */
	enum key_origin key_origin;
	bool archive_keys;   /* keys that the engine made are kept, wrapped */
	unsigned key_usage;  /* bit n: KU_… n */
	struct bytes purposes[PROFILE_MAX_PURPOSES]; /* extended key usages */
	size_t n_purposes;
	bool purposes_critical, purposes_absent;
	const struct dn_type *required[PROFILE_MAX_TYPES], *allowed[PROFILE_MAX_TYPES], *order[PROFILE_MAX_TYPES];
	size_t n_required, n_allowed, n_order;
	struct dn_value fixed[PROFILE_MAX_TYPES], defaults[PROFILE_MAX_TYPES];
	size_t n_fixed, n_defaults;
	struct subject_rule rules[PROFILE_MAX_TYPES];
	size_t n_rules;
	bool name_allowed[NAME_KIND_COUNT], name_required[NAME_KIND_COUNT];
	long name_max[NAME_KIND_COUNT]; /* 0: LIMIT_SAN_COUNT in all */
	struct subtrees within;  /* names of a kind that occurs here lie in one of these */
	bool wildcard, from_common_name, names_required;
	enum key_reuse key_reuse;
	struct renewal renewal;
	const char *metadata;    /* defaults, a JSON object of strings; "{}" when there are none */
	bool status_information; /* AIA and CDP */
	struct fixed_extension extensions[PROFILE_MAX_EXTENSIONS];
	size_t n_extensions;
	const struct ext_option *options;
};

/* Takes over the arena. E_BAD_VALUE names the member at fault: unknown members, types that don't fit and what lies above the
 * ceilings of lib/limits.h are refused, so that no profile can be saved that weakens them. */
int profile_new(struct arena *a, int32_t id, int32_t tenant_id, const char *name, const char *kind, const char *json, struct profile **ret,
                struct error *e) MUST_CHECK;
/* The n-th member that a definition may have, NULL behind the last. *ret_words: the words that it takes, or the members of its own; NULL when it
 * has no list of them. */
const char *profile_member(size_t n, const char *const **ret_words, size_t *ret_n);
/* What no profile can configure away (ca/ceilings.c); the extensions add their own. E_BAD_VALUE names the member. */
int profile_check_ceilings(const struct profile *p, struct error *e) MUST_CHECK;
/* May its certificates have keys of that type? E_BAD_KEY says which it takes; or that a CA's key must sign. */
int profile_takes(const struct profile *p, const struct keytype *type, struct error *e) MUST_CHECK;
/* "p256, p384 …" for people. */
const char *profile_key_list(struct arena *a, const struct profile *p) __attribute__((returns_nonnull));
/* One more user, which profile_free() ends: an order goes on with the profile that it began with, whatever is read meanwhile. */
struct profile *profile_hold(const struct profile *p) __attribute__((returns_nonnull));
/* Ends one use; the last one frees. Accepts NULL. */
void profile_free(struct profile *p);
DEFINE_CLEANUP(struct profile, profile_free)

#endif
