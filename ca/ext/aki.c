/* authorityKeyIdentifier, RFC 5280 4.2.1.1: the issuer's key identifier, never critical. */
#include "ca/ext.h"
#include "lib/x509/oid.h"

static void
build(const struct ext_input *in, struct buf *value)
{
	size_t list = der_begin(value, DER_SEQUENCE);
	der_put(value, DER_CONTEXT(0), in->issuer_ski.data, in->issuer_ski.len);
	der_close(value, list);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), list, id;
	if (der_get(&d, DER_SEQUENCE, "AKI", &list, e) < 0 || der_get(&list, DER_CONTEXT(0), "AKI", &id, e) < 0 ||
	    der_end(&list, "AKI", e) < 0 || der_end(&d, "AKI", e) < 0)
		return -1;
	if (!bytes_equal(der_bytes(&id), in->issuer_ski))
		return fail(e, E_INTERNAL, "lint: AKI isn't the issuer's key identifier (RFC 5280 4.2.1.1)");
	/* What the store calls the issuer's key identifier is what its certificate says. */
	const struct cert_extension *ski = in->ca ? cert_extension_find(&in->ca->cert, OID_SKI) : NULL;
	struct der s = ski ? der_of(ski->value) : d, own;
	if (ski && (der_get(&s, DER_OCTET_STRING, "SKI", &own, e) < 0 || !bytes_equal(der_bytes(&own), in->issuer_ski)))
		return fail(e, E_INTERNAL, "lint: AKI isn't the key identifier of the issuer's certificate (RFC 5280 4.2.1.1)");
	return 0;
}

extern const struct ext ext_aki;
const struct ext ext_aki = {
    .name = "authorityKeyIdentifier",
    .oid = {(const uint8_t *)"\x55\x1d\x23", 3},
    .present = ext_always,
    .critical = ext_never,
    .build = build,
    .lint = lint,
};
