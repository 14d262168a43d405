#include "enroll/scep/message.h"

#include <stdlib.h>
#include <string.h>

#include "enroll/possession.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"

/* 2.16.840.1.113733.1.9.n, RFC 8894 3.2 */
#define OID_SCEP(n) OID_BYTES("\x60\x86\x48\x01\x86\xf8\x45\x01\x09" n)
#define OID_MESSAGE_TYPE OID_SCEP("\x02")
#define OID_SENDER_NONCE OID_SCEP("\x05")
#define OID_TRANSACTION OID_SCEP("\x07")

#define PRINTABLE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?" /* X.680 41.4 */

/* RFC 8894 3.2.1.1. What clients send is hexadecimal or base64. */
static int
read_transaction(struct arena *a, const struct cms_signed *s, const char **ret, struct error *e)
{
	struct bytes b;
	if (cms_signed_attribute(s, OID_TRANSACTION, DER_PRINTABLE_STRING, "transactionID", &b, e) < 0)
		return fail(e, E_MALFORMED, "the message has no transactionID that can be read (RFC 8894 3.2.1.1)");
	if (b.len == 0 || b.len > LIMIT_SCEP_TRANSACTION_BYTES)
		return fail(e, E_MALFORMED, "transactionID: 1 to %d characters are taken", LIMIT_SCEP_TRANSACTION_BYTES);
	*ret = arena_strndup(a, (const char *)b.data, b.len);
	return strspn(*ret, PRINTABLE) == b.len ? 0 : fail(e, E_MALFORMED, "transactionID: isn't a PrintableString (RFC 8894 3.2.1.1)");
}

/* RFC 8894 3.2.1.2: a decimal number as text. */
static int
read_type(const struct cms_signed *s)
{
	struct bytes b;
	struct error e;
	int type = 0;
	if (cms_signed_attribute(s, OID_MESSAGE_TYPE, DER_PRINTABLE_STRING, "messageType", &b, &e) < 0 || b.len == 0 || b.len > 3)
		return -1;
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] < '0' || b.data[i] > '9')
			return -1;
		type = 10 * type + b.data[i] - '0';
	}
	return type;
}

int
scep_message_parse(struct arena *a, struct bytes der, struct scep_message *ret, struct error *e)
{
	struct scep_message m = {0};
	struct error none;
	if (cms_signed_parse(a, der, &m.cms, e) < 0)
		return -1;
	if (!m.cms.has_signer || !bytes_equal(m.cms.content_type, OID_PKCS7_DATA))
		return fail(e, E_MALFORMED, "the message isn't a signed pkiMessage with content of type data (RFC 8894 3.2)");
	const struct bytes *signer = cms_signer_certificate(&m.cms);
	if (!signer)
		return fail(e, E_MALFORMED, "the signer's certificate isn't in the message (RFC 8894 3.1)");
	if (read_transaction(a, &m.cms, &m.transaction, e) < 0)
		return -1;
	m.signer = *signer;
	m.type = read_type(&m.cms);
	/* RFC 8894 3.2.1.5: 16 octets. */
	if (cms_signed_attribute(&m.cms, OID_SENDER_NONCE, DER_OCTET_STRING, "senderNonce", &m.sender_nonce, &none) < 0 ||
	    m.sender_nonce.len > LIMIT_SCEP_NONCE_BYTES)
		m.sender_nonce = (struct bytes){0};
	if (cert_parse_strange(m.signer, &m.signer_cert, e) < 0)
		return -1;
	*ret = m;
	return 0;
}

int
scep_names_parse(struct bytes der, struct scep_names *ret, struct error *e)
{
	struct der d = der_of(der), seq;
	struct scep_names n;
	int first = 0, second = 0;
	if (der_get(&d, DER_SEQUENCE, "IssuerAndSubject", &seq, e) < 0 || der_end(&d, "IssuerAndSubject", e) < 0 ||
	    der_get_any(&seq, "issuer", &first, &n.issuer, NULL, e) < 0 || der_get_any(&seq, "subject", &second, &n.subject, NULL, e) < 0 ||
	    der_end(&seq, "IssuerAndSubject", e) < 0)
		return -1;
	if (first != DER_SEQUENCE || second != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "IssuerAndSubject: two names are wanted");
	*ret = n;
	return 0;
}

int
scep_serial_parse(struct bytes der, struct scep_serial *ret, struct error *e)
{
	struct der d = der_of(der), seq;
	struct scep_serial s;
	int tag = 0;
	if (der_get(&d, DER_SEQUENCE, "IssuerAndSerialNumber", &seq, e) < 0 || der_end(&d, "IssuerAndSerialNumber", e) < 0 ||
	    der_get_any(&seq, "issuer", &tag, &s.issuer, NULL, e) < 0 || der_get_unsigned(&seq, "serial number", &s.serial, e) < 0 ||
	    der_end(&seq, "IssuerAndSerialNumber", e) < 0)
		return -1;
	if (tag != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "IssuerAndSerialNumber: a name is wanted");
	*ret = s;
	return 0;
}

int
scep_csr_parse(struct bytes der, struct csr *ret, struct error *e)
{
	struct csr csr;
	bool known;
	if (csr_parse(der, &csr, e) < 0 || enroll_csr_verify(&csr, &known, e) < 0)
		return -1;
	if (!known) /* a challenge is spent, and a webhook asked, for a key that is proven alone */
		return fail(e, E_BAD_CSR, "the request's signature isn't one of its own key (RFC 2986 3)");
	*ret = csr;
	return 0;
}
