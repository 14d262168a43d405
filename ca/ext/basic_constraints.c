/* basicConstraints, RFC 5280 4.2.1.9, critical: CA with its path length, or an empty sequence that says: no CA. */
#include "ca/ext.h"

static void
build(const struct ext_input *in, struct buf *value)
{
	size_t list = der_begin(value, DER_SEQUENCE);
	if (in->profile->ca)
		der_put_bool(value, true);
	if (in->profile->ca && in->profile->path_length >= 0)
		der_put_small(value, in->profile->path_length);
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), list;
	bool ca = false;
	long path = -1;
	if (der_get(&d, DER_SEQUENCE, "basic constraints", &list, e) < 0 || der_end(&d, "basic constraints", e) < 0)
		return -1;
	if (!der_at_end(&list) && der_get_bool(&list, "basic constraints", &ca, e) < 0)
		return -1;
	if (!der_at_end(&list) && der_get_small(&list, "path length", 255, &path, e) < 0)
		return -1;
	if (der_end(&list, "basic constraints", e) < 0)
		return -1;
	if (ca != in->profile->ca || path != in->profile->path_length)
		return fail(e, E_INTERNAL, "lint: basic constraints aren't the profile's (RFC 5280 4.2.1.9)");
	return 0;
}

extern const struct ext ext_basic_constraints;
const struct ext ext_basic_constraints = {
    .name = "basicConstraints",
    .oid = {(const uint8_t *)"\x55\x1d\x13", 3},
    .present = ext_always,
    .critical = ext_always,
    .build = build,
    .lint = lint,
};
