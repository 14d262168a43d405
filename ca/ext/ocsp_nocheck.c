/* id-pkix-ocsp-nocheck, RFC 6960 4.2.2.2.1: a short-lived signer isn't asked about. */
#include "ca/ext.h"

static bool
present(const struct ext_input *in)
{
	return in->profile->ocsp_nocheck;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	(void)in;
	der_put(value, DER_NULL, NULL, 0);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), content;
	(void)in;
	if (der_get(&d, DER_NULL, "ocsp-nocheck", &content, e) < 0 || der_end(&content, "ocsp-nocheck", e) < 0)
		return -1;
	return der_end(&d, "ocsp-nocheck", e);
}

extern const struct ext ext_ocsp_nocheck;
const struct ext ext_ocsp_nocheck = {"ocsp-nocheck", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x30\x01\x05", 9}, present, ext_never, build,
    lint};
