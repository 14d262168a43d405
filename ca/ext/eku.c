/* extKeyUsage, RFC 5280 4.2.1.12: the profile's purposes; critical when it says so (RFC 3161 2.3 wants it for time stamps). */
#include "ca/ext.h"

static bool
present(const struct ext_input *in)
{
	return in->profile->n_purposes > 0;
}

static bool
critical(const struct ext_input *in)
{
	return in->profile->purposes_critical;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	size_t list = der_begin(value, DER_SEQUENCE);
	for (size_t i = 0; i < in->profile->n_purposes; i++)
		der_put(value, DER_OID, in->profile->purposes[i].data, in->profile->purposes[i].len);
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), list;
	size_t n = 0;
	if (der_get(&d, DER_SEQUENCE, "EKU", &list, e) < 0 || der_end(&d, "EKU", e) < 0)
		return -1;
	for (; !der_at_end(&list); n++) {
		struct bytes oid;
		if (der_get_oid(&list, "EKU", &oid, e) < 0)
			return -1;
		if (n == in->profile->n_purposes || !bytes_equal(oid, in->profile->purposes[n]))
			return fail(e, E_INTERNAL, "lint: a purpose that the profile doesn't have (RFC 5280 4.2.1.12)");
	}
	return n == in->profile->n_purposes ? 0 : fail(e, E_INTERNAL, "lint: a purpose is missing (RFC 5280 4.2.1.12)");
}

extern const struct ext ext_eku;
const struct ext ext_eku = {
    .name = "extKeyUsage",
    .oid = {(const uint8_t *)"\x55\x1d\x25", 3},
    .present = present,
    .critical = critical,
    .build = build,
    .lint = lint,
};
