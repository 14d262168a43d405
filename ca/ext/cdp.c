/* cRLDistributionPoints, RFC 5280 4.2.1.13: one point, one address. */
#include <string.h>

#include "ca/ext.h"

static bool
present(const struct ext_input *in)
{
	return in->profile->status_information && in->ca;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	size_t list = der_begin(value, DER_SEQUENCE), point = der_begin(value, DER_SEQUENCE);
	size_t name = der_begin(value, DER_CONTEXT_CONSTRUCTED(0)), full = der_begin(value, DER_CONTEXT_CONSTRUCTED(0));
	der_put_str(value, DER_CONTEXT(6), in->ca->crl_url);
	der_close(value, full);
	der_close(value, name);
	der_close(value, point);
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), list, point, name, full, url;
	if (der_get(&d, DER_SEQUENCE, "CDP", &list, e) < 0 || der_get(&list, DER_SEQUENCE, "CDP", &point, e) < 0 ||
	    der_get(&point, DER_CONTEXT_CONSTRUCTED(0), "CDP", &name, e) < 0 ||
	    der_get(&name, DER_CONTEXT_CONSTRUCTED(0), "CDP", &full, e) < 0 || der_get(&full, DER_CONTEXT(6), "CDP", &url, e) < 0 ||
	    der_end(&full, "CDP", e) < 0 || der_end(&name, "CDP", e) < 0 || der_end(&point, "CDP", e) < 0 || der_end(&list, "CDP", e) < 0 ||
	    der_end(&d, "CDP", e) < 0)
		return -1;
	if (!bytes_equal(der_bytes(&url), BYTES_STR(in->ca->crl_url)))
		return fail(e, E_INTERNAL, "lint: CDP isn't that of the issuer (RFC 5280 4.2.1.13)");
	return 0;
}

extern const struct ext ext_cdp;
const struct ext ext_cdp = {
    .name = "cRLDistributionPoints",
    .oid = {(const uint8_t *)"\x55\x1d\x1f", 3},
    .present = present,
    .critical = ext_never,
    .build = build,
    .lint = lint,
};
