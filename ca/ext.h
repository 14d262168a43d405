/* Certificate extensions: one file each in ca/ext/, one line each in ca/ext/list.c. */
#ifndef SIEGEL_CA_EXT_H
#define SIEGEL_CA_EXT_H
#include <jansson.h>

#include "ca/authority.h"
#include "ca/profile.h"

/* What an extension is made from. */
struct ext_input {
	const struct authority *ca; /* the issuer; NULL for a root, which issues itself */
	const struct profile *profile;
	const struct keytype *key;  /* of the subject */
	struct bytes key_bits;      /* of the subject's public key */
	struct bytes issuer_ski;    /* key identifier of the issuer */
	const struct name *names;
	size_t n_names;
	bool subject_is_empty;
};

struct ext {
	const char *name;
	struct bytes oid;
	/* Does a certificate of this input carry it? */
	bool (*present)(const struct ext_input *in);
	bool (*critical)(const struct ext_input *in);
	/* Appends the content of extnValue. */
	void (*build)(const struct ext_input *in, struct buf *value);
	/* Reads what was built with the strict reader and compares it with what was wanted; E_INTERNAL names the rule. */
	int (*lint)(const struct ext_input *in, struct bytes value, struct error *e);
	/* Its own member in the definition of a profile, and how it is read into the arena; NULL when it needs none. E_BAD_VALUE. */
	const char *member;
	int (*read)(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e);
	/* What no profile may combine it with, asked when all members were read and the option is there; may be NULL. */
	int (*check)(const struct profile *p, const void *option, struct error *e);
	/* The words that the member takes, or the members of its own; NULL when it has no list of them. */
	const char *const *words;
	size_t n_words;
};

extern const struct ext *const ext_list[];
extern const size_t ext_count;

static inline bool
ext_always(const struct ext_input *in)
{
	(void)in;
	return true;
}
static inline bool
ext_never(const struct ext_input *in)
{
	(void)in;
	return false;
}
/* What the extension's read() made of its member of this profile; NULL when the member isn't there. */
const void *ext_option(const struct profile *p, const struct ext *x);
/* A certificate policy, and where its certification practice statement is (NULL: it doesn't say). */
struct policy {
	struct bytes oid;
	const char *cps;
};
struct policies {
	const struct policy *items;
	size_t n;
};
/* Those of the profile, or none. */
const struct policies *ext_policies_of(const struct profile *p) __attribute__((returns_nonnull));
/* The key identifier of RFC 5280 4.2.1.2 (1): SHA-1 of the key's bits. ret takes 20 octets. */
void ext_key_identifier(struct bytes key_bits, uint8_t ret[20]);

#endif
