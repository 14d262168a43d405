/* Bodies as devices send them. */
#include <string.h>
#include "enroll/est/est.h"
#include "lib/limits.h"
#include "lib/x509/pem.h"

static bool
starts_with(struct bytes b, const char *prefix)
{
	size_t len = strlen(prefix);
	return b.len >= len && memcmp(b.data, prefix, len) == 0;
}

int
est_csr_decode(struct arena *a, struct bytes body, struct bytes *ret, struct error *e)
{
	struct bytes der = {0};
	if (body.len == 0)
		return fail(e, E_MALFORMED, "the body is empty; a PKCS#10 request in base64 is wanted (RFC 7030 4.2.1)");
	if (body.data[0] == 0x30)
		der = body; /* '0' starts no base64 of a SEQUENCE, which is "M" */
	else if (starts_with(body, "-----BEGIN")) {
		if (pem_decode(a, (const char *)body.data, body.len, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, e) < 0)
			return -1;
	} else if (base64_decode(a, (const char *)body.data, body.len, &der, e) < 0)
		return -1;
	if (der.len > LIMIT_CSR_BYTES)
		return fail(e, E_TOO_LARGE, "the signing request has %zu octets; at most %d are taken", der.len, LIMIT_CSR_BYTES);
	if (der.len == 0 || der.data[0] != 0x30)
		return fail(e, E_MALFORMED, "the body isn't a PKCS#10 request (RFC 2986) in base64, DER or PEM");
	*ret = der;
	return 0;
}
