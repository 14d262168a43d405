/* Certificate extensions: one file each in ca/ext/, one line each in ca/ext/list.c. */
#ifndef SIEGEL_CA_EXT_H
#define SIEGEL_CA_EXT_H
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
/* The key identifier of RFC 5280 4.2.1.2 (1): SHA-1 of the key's bits. ret takes 20 octets. */
void ext_key_identifier(struct bytes key_bits, uint8_t ret[20]);

#endif
