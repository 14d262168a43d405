/* inhibitAnyPolicy, RFC 5280 4.2.1.14, critical: after how many certificates anyPolicy counts no longer. */
#include "ca/ext.h"
#include "ca/profile_read.h"

#define MOST 16 /* certificates: no path is longer */

extern const struct ext ext_inhibit_any_policy;

static bool
present(const struct ext_input *in)
{
	return ext_option(in->profile, &ext_inhibit_any_policy) != NULL;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	const long *own = ext_option(in->profile, &ext_inhibit_any_policy);
	der_put_small(value, *own);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	const long *own = ext_option(in->profile, &ext_inhibit_any_policy);
	struct der d = der_of(value);
	long have;
	if (der_get_small(&d, "inhibitAnyPolicy", MOST, &have, e) < 0 || der_end(&d, "inhibitAnyPolicy", e) < 0)
		return -1;
	return have == *own ? 0 : fail(e, E_INTERNAL, "lint: inhibitAnyPolicy isn't the profile's (RFC 5280 4.2.1.14)");
}

static int
read(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e)
{
	long *own = arena_alloc(a, sizeof(*own));
	*ret = own;
	return profile_read_number(value, member, 0, MOST, own, e);
}

static int
check(const struct profile *p, const void *option, struct error *e)
{
	(void)option;
	return p->ca ? 0 : fail_at(e, E_BAD_VALUE, "inhibit_any_policy", "profile: inhibit_any_policy: for CAs alone (RFC 5280 4.2.1.14)");
}

const struct ext ext_inhibit_any_policy = {
    .name = "inhibitAnyPolicy",
    .oid = {(const uint8_t *)"\x55\x1d\x36", 3},
    .present = present,
    .critical = ext_always,
    .build = build,
    .lint = lint,
    .member = "inhibit_any_policy",
    .read = read,
    .check = check,
};
