/* certificatePolicies, RFC 5280 4.2.1.4: identifiers, and for those that have one the address of the certification practice statement. */
#include <string.h>
#include <strings.h>

#include "ca/ext.h"
#include "ca/profile_read.h"
#include "lib/x509/oid.h"

#define MAX_POLICIES 8

static const char *const words[] = {"oid", "cps"};

extern const struct ext ext_policies;

const struct policies *
ext_policies_of(const struct profile *p)
{
	static const struct policies none;
	const struct policies *own = ext_option(p, &ext_policies);
	return own ? own : &none;
}

static bool
present(const struct ext_input *in)
{
	return ext_policies_of(in->profile)->n > 0;
}

static void
put_policy(struct buf *value, const struct policy *p)
{
	size_t policy = der_begin(value, DER_SEQUENCE);
	der_put(value, DER_OID, p->oid.data, p->oid.len);
	if (p->cps) {
		size_t qualifiers = der_begin(value, DER_SEQUENCE), qualifier = der_begin(value, DER_SEQUENCE);
		der_put(value, DER_OID, OID_CPS.data, OID_CPS.len);
		der_put_str(value, DER_IA5_STRING, p->cps);
		der_close(value, qualifier);
		der_close(value, qualifiers);
	}
	der_close(value, policy);
}

static void
build(const struct ext_input *in, struct buf *value)
{
	const struct policies *own = ext_policies_of(in->profile);
	size_t list = der_begin(value, DER_SEQUENCE);
	for (size_t i = 0; i < own->n; i++)
		put_policy(value, &own->items[i]);
	der_close(value, list);
}

static int
lint_policy(struct der *list, const struct policy *want, struct error *e)
{
	struct der policy, qualifiers, qualifier, cps;
	struct bytes oid;
	if (der_get(list, DER_SEQUENCE, "policy", &policy, e) < 0 || der_get_oid(&policy, "policy", &oid, e) < 0)
		return -1;
	if (!bytes_equal(oid, want->oid))
		return fail(e, E_INTERNAL, "lint: a policy that the profile doesn't have (RFC 5280 4.2.1.4)");
	if (!want->cps)
		return der_end(&policy, "policy", e);
	if (der_get(&policy, DER_SEQUENCE, "policy", &qualifiers, e) < 0 || der_end(&policy, "policy", e) < 0 ||
	    der_get(&qualifiers, DER_SEQUENCE, "policy", &qualifier, e) < 0 || der_end(&qualifiers, "policy", e) < 0 ||
	    der_get_oid(&qualifier, "policy", &oid, e) < 0 || der_get(&qualifier, DER_IA5_STRING, "policy", &cps, e) < 0 ||
	    der_end(&qualifier, "policy", e) < 0)
		return -1;
	if (!bytes_equal(oid, OID_CPS) || !bytes_equal(der_bytes(&cps), BYTES_STR(want->cps)))
		return fail(e, E_INTERNAL, "lint: a policy's qualifier isn't the profile's (RFC 5280 4.2.1.4)");
	return 0;
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	const struct policies *own = ext_policies_of(in->profile);
	struct der d = der_of(value), list;
	if (der_get(&d, DER_SEQUENCE, "policies", &list, e) < 0 || der_end(&d, "policies", e) < 0)
		return -1;
	for (size_t i = 0; i < own->n; i++)
		if (lint_policy(&list, &own->items[i], e) < 0)
			return -1;
	return der_end(&list, "policies", e);
}

static int
read_policy(struct arena *a, json_t *item, const char *member, struct policy *ret, struct error *e)
{
	if (json_is_string(item))
		return profile_read_oid(a, item, member, &ret->oid, e);
	if (profile_read_object(item, member, words, ARRAY_LEN(words), e) < 0 ||
	    profile_read_oid(a, json_object_get(item, "oid"), member, &ret->oid, e) < 0)
		return -1;
	json_t *cps = json_object_get(item, "cps");
	if (!cps)
		return 0;
	if (profile_read_text(a, cps, member, &ret->cps, e) < 0)
		return -1;
	for (const char *c = ret->cps; *c; c++)
		if (*c <= ' ' || *c > '~')
			return profile_wrong(member, "for cps an address in ASCII", e);
	if (strncasecmp(ret->cps, "http://", 7) != 0 && strncasecmp(ret->cps, "https://", 8) != 0)
		return profile_wrong(member, "for cps an http or https address", e);
	return 0;
}

/* "1.2.3" or {"oid": "1.2.3", "cps": "https://…"}. */
static int
read(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e)
{
	struct policies *own = arena_alloc(a, sizeof(*own));
	struct policy *items = arena_alloc(a, MAX_POLICIES * sizeof(*items));
	size_t i;
	json_t *item;
	if (!json_is_array(value) || json_array_size(value) > MAX_POLICIES)
		return profile_wrong(member, "a short list of object identifiers", e);
	json_array_foreach(value, i, item)
	{
		if (read_policy(a, item, member, &items[i], e) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (bytes_equal(items[k].oid, items[i].oid))
				return fail_at(e, E_BAD_VALUE, member, "profile: %s: one comes twice (RFC 5280 4.2.1.4)", member);
	}
	*own = (struct policies){items, json_array_size(value)};
	*ret = own;
	return 0;
}

static int
check(const struct profile *p, const void *option, struct error *e)
{
	const struct policies *own = option;
	for (size_t i = 0; i < own->n; i++)
		if (bytes_equal(own->items[i].oid, OID_ANY_POLICY) && !p->ca)
			return fail_at(e, E_BAD_VALUE, "policies", "profile: policies: anyPolicy is for CAs alone (RFC 5280 4.2.1.4)");
	return 0;
}

const struct ext ext_policies = {
    .name = "certificatePolicies",
    .oid = {(const uint8_t *)"\x55\x1d\x20", 3},
    .present = present,
    .critical = ext_never,
    .build = build,
    .lint = lint,
    .member = "policies",
    .read = read,
    .check = check,
    .words = words,
    .n_words = ARRAY_LEN(words),
};
