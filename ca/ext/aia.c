/* authorityInfoAccess, RFC 5280 4.2.2.1: where OCSP answers, and where the issuer's certificate is. */
#include <string.h>

#include "ca/ext.h"
#include "lib/x509/oid.h"

static bool
present(const struct ext_input *in)
{
	return in->profile->status_information && in->ca;
}

static void
put_access(struct buf *value, struct bytes method, const char *url)
{
	size_t access = der_begin(value, DER_SEQUENCE);
	der_put(value, DER_OID, method.data, method.len);
	der_put_str(value, DER_CONTEXT(6), url);
	der_close(value, access);
}

static void
build(const struct ext_input *in, struct buf *value)
{
	size_t list = der_begin(value, DER_SEQUENCE);
	put_access(value, OID_AD_OCSP, in->ca->ocsp_url);
	put_access(value, OID_AD_CA_ISSUERS, in->ca->ca_url);
	der_close(value, list);
}

static int
lint_access(struct der *list, struct bytes method, const char *url, struct error *e)
{
	struct der access, location;
	struct bytes oid;
	if (der_get(list, DER_SEQUENCE, "AIA", &access, e) < 0 || der_get_oid(&access, "AIA", &oid, e) < 0 ||
	    der_get(&access, DER_CONTEXT(6), "AIA", &location, e) < 0 || der_end(&access, "AIA", e) < 0)
		return -1;
	if (!bytes_equal(oid, method) || !bytes_equal(der_bytes(&location), BYTES_STR(url)))
		return fail(e, E_INTERNAL, "lint: AIA isn't that of the issuer (RFC 5280 4.2.2.1)");
	return 0;
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), list;
	if (der_get(&d, DER_SEQUENCE, "AIA", &list, e) < 0 || lint_access(&list, OID_AD_OCSP, in->ca->ocsp_url, e) < 0 ||
	    lint_access(&list, OID_AD_CA_ISSUERS, in->ca->ca_url, e) < 0 || der_end(&list, "AIA", e) < 0)
		return -1;
	return der_end(&d, "AIA", e);
}

extern const struct ext ext_aia;
const struct ext ext_aia = {
    .name = "authorityInfoAccess",
    .oid = {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x01\x01", 8},
    .present = present,
    .critical = ext_never,
    .build = build,
    .lint = lint,
};
