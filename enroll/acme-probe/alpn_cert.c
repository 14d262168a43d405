#include "enroll/acme-probe/alpn_cert.h"

#include <string.h>
#include <strings.h>

#include "lib/x509/cert.h"
#include "lib/x509/oid.h"

#define OID_ACME_IDENTIFIER OID_BYTES("\x2b\x06\x01\x05\x05\x07\x01\x1f")
#define OID_ACME_IDENTIFIER_DRAFT OID_BYTES("\x2b\x06\x01\x05\x05\x07\x01\x1e\x01") /* of drafts before RFC 8737 */

static int
check_names(struct bytes san, const char *host, const struct address *address, struct error *e)
{
	struct der d = der_of(san), names, content;
	struct bytes whole;
	int tag;
	if (!san.len)
		return fail(e, E_FORBIDDEN, "the certificate has no subjectAltName (RFC 8737 3)");
	if (der_get(&d, DER_SEQUENCE, "subjectAltName", &names, e) < 0 || der_end(&d, "subjectAltName", e) < 0 ||
	    der_get_any(&names, "subjectAltName", &tag, &whole, &content, e) < 0)
		return -1;
	if (!der_at_end(&names))
		return fail(e, E_FORBIDDEN, "the certificate's subjectAltName has more than the one name (RFC 8737 3)");
	struct bytes name = der_bytes(&content);
	bool same;
	if (address)
		same = tag == DER_CONTEXT(7) && bytes_equal(name, (struct bytes){address->octets, address->family == AF_INET ? 4 : 16});
	else
		same = tag == DER_CONTEXT(2) && name.len == strlen(host) && strncasecmp((const char *)name.data, host, name.len) == 0;
	return same ? 0 : fail(e, E_FORBIDDEN, "the certificate's subjectAltName isn't the name that is validated (RFC 8737 3)");
}

static int
check_digest(const struct cert *c, struct bytes digest, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(c, OID_ACME_IDENTIFIER);
	struct der d, content;
	if (!x && cert_extension_find(c, OID_ACME_IDENTIFIER_DRAFT))
		return fail(e, E_FORBIDDEN, "the certificate has acmeIdentifier under a draft's number, 1.3.6.1.5.5.7.1.30.1 (RFC 8737 3)");
	if (!x)
		return fail(e, E_FORBIDDEN, "the certificate has no extension acmeIdentifier, 1.3.6.1.5.5.7.1.31 (RFC 8737 3)");
	if (!x->critical)
		return fail(e, E_FORBIDDEN, "the certificate's extension acmeIdentifier isn't critical (RFC 8737 3)");
	d = der_of(x->value);
	if (der_get(&d, DER_OCTET_STRING, "acmeIdentifier", &content, e) < 0 || der_end(&d, "acmeIdentifier", e) < 0)
		return -1;
	if (der_bytes(&content).len != 32)
		return fail(e, E_FORBIDDEN, "the certificate's acmeIdentifier doesn't have 32 octets (RFC 8737 3)");
	if (!bytes_equal(der_bytes(&content), digest))
		return fail(e, E_FORBIDDEN, "the certificate's acmeIdentifier isn't the digest for this challenge and account");
	return 0;
}

int
alpn_cert_check(struct bytes der, const char *host, const struct address *address, struct bytes digest, struct error *e)
{
	struct cert c;
	if (cert_parse_strange(der, &c, e) < 0 || check_names(cert_san(&c), host, address, e) < 0)
		return -1;
	return check_digest(&c, digest, e);
}
