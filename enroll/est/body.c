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

/* DER as it is, PEM with that label, or base64 in any lines. */
static int
decode(struct arena *a, struct bytes body, const char *label, const char *alternative, struct bytes *ret, struct error *e)
{
	if (body.data[0] == 0x30) { /* '0' starts no base64 of a SEQUENCE, which is "M" */
		*ret = body;
		return 0;
	}
	if (starts_with(body, "-----BEGIN"))
		return pem_decode(a, (const char *)body.data, body.len, label, alternative, ret, e);
	return base64_decode(a, (const char *)body.data, body.len, ret, e);
}

int
est_csr_decode(struct arena *a, struct bytes body, struct bytes *ret, struct error *e)
{
	struct bytes der = {0};
	if (body.len == 0)
		return fail(e, E_MALFORMED, "the body is empty; a PKCS#10 request in base64 is wanted (RFC 7030 4.2.1)");
	if (decode(a, body, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, e) < 0)
		return -1;
	if (der.len > LIMIT_CSR_BYTES)
		return fail(e, E_TOO_LARGE, "the signing request has %zu octets; at most %d are taken", der.len, LIMIT_CSR_BYTES);
	if (der.len == 0 || der.data[0] != 0x30)
		return fail(e, E_MALFORMED, "the body isn't a PKCS#10 request (RFC 2986) in base64, DER or PEM");
	*ret = der;
	return 0;
}

int
est_message_decode(struct arena *a, struct bytes body, struct bytes *ret, struct error *e)
{
	struct bytes der = {0};
	if (body.len == 0)
		return fail(e, E_MALFORMED, "the body is empty; a Full PKI Request in base64 is wanted (RFC 7030 4.3.1)");
	if (decode(a, body, "CMS", "PKCS7", &der, e) < 0)
		return -1;
	if (der.len == 0 || der.data[0] != 0x30)
		return fail(e, E_MALFORMED, "the body isn't a CMS message (RFC 5652) in base64, DER or PEM");
	*ret = der;
	return 0;
}
