/* policyConstraints, RFC 5280 4.2.1.11, critical: after how many certificates a path must have a policy, and may not map any. */
#include "ca/ext.h"
#include "ca/profile_read.h"

#define MOST 16 /* certificates: no path is longer */

struct numbers {
	long n[2]; /* requireExplicitPolicy, inhibitPolicyMapping: as their tags count; -1: absent */
};
static const char *const words[] = {"require_explicit", "inhibit_mapping"};

extern const struct ext ext_policy_constraints;

static bool
present(const struct ext_input *in)
{
	return ext_option(in->profile, &ext_policy_constraints) != NULL;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	const struct numbers *own = ext_option(in->profile, &ext_policy_constraints);
	size_t list = der_begin(value, DER_SEQUENCE);
	for (int i = 0; i < 2; i++) {
		uint8_t octet = (uint8_t)own->n[i];
		if (own->n[i] >= 0)
			der_put(value, DER_CONTEXT(i), &octet, 1);
	}
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	const struct numbers *own = ext_option(in->profile, &ext_policy_constraints);
	struct der d = der_of(value), list, content;
	if (der_get(&d, DER_SEQUENCE, "policy constraints", &list, e) < 0 || der_end(&d, "policy constraints", e) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (own->n[i] < 0)
			continue;
		if (der_get(&list, DER_CONTEXT(i), "policy constraints", &content, e) < 0)
			return -1;
		if (der_bytes(&content).len != 1 || *content.p != own->n[i])
			return fail(e, E_INTERNAL, "lint: policy constraints aren't the profile's (RFC 5280 4.2.1.11)");
	}
	return der_end(&list, "policy constraints", e);
}

static int
read(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e)
{
	struct numbers *own = arena_alloc(a, sizeof(*own));
	if (profile_read_object(value, member, words, ARRAY_LEN(words), e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		json_t *n = json_object_get(value, words[i]);
		own->n[i] = -1;
		if (n && profile_read_number(n, member, 0, MOST, &own->n[i], e) < 0)
			return -1;
	}
	if (own->n[0] < 0 && own->n[1] < 0)
		return profile_wrong(member, "require_explicit or inhibit_mapping", e);
	*ret = own;
	return 0;
}

static int
check(const struct profile *p, const void *option, struct error *e)
{
	(void)option;
	return p->ca ? 0 : fail_at(e, E_BAD_VALUE, "policy_constraints", "profile: policy_constraints: for CAs alone (RFC 5280 4.2.1.11)");
}

const struct ext ext_policy_constraints = {
    .name = "policyConstraints",
    .oid = {(const uint8_t *)"\x55\x1d\x24", 3},
    .present = present,
    .critical = ext_always,
    .build = build,
    .lint = lint,
    .member = "policy_constraints",
    .read = read,
    .check = check,
    .words = words,
    .n_words = ARRAY_LEN(words),
};
