/* certificatePolicies, RFC 5280 4.2.1.4: identifiers alone, without qualifiers. */
#include "ca/ext.h"

static bool
present(const struct ext_input *in)
{
	return in->profile->n_policies > 0;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	size_t list = der_begin(value, DER_SEQUENCE);
	for (size_t i = 0; i < in->profile->n_policies; i++) {
		size_t policy = der_begin(value, DER_SEQUENCE);
		der_put(value, DER_OID, in->profile->policies[i].data, in->profile->policies[i].len);
		der_close(value, policy);
	}
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), list, policy;
	size_t n = 0;
	if (der_get(&d, DER_SEQUENCE, "policies", &list, e) < 0 || der_end(&d, "policies", e) < 0)
		return -1;
	for (; !der_at_end(&list); n++) {
		struct bytes oid;
		if (der_get(&list, DER_SEQUENCE, "policy", &policy, e) < 0 || der_get_oid(&policy, "policy", &oid, e) < 0 ||
		    der_end(&policy, "policy", e) < 0)
			return -1;
		if (n == in->profile->n_policies || !bytes_equal(oid, in->profile->policies[n]))
			return fail(e, E_INTERNAL, "lint: a policy that the profile doesn't have (RFC 5280 4.2.1.4)");
	}
	return n == in->profile->n_policies ? 0 : fail(e, E_INTERNAL, "lint: a policy is missing (RFC 5280 4.2.1.4)");
}

extern const struct ext ext_policies;
const struct ext ext_policies = {"certificatePolicies", {(const uint8_t *)"\x55\x1d\x20", 3}, present, ext_never, build, lint};
