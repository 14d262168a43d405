#include "lib/x509/cert.h"

#include <string.h>

#include "lib/x509/oid.h"

/* RFC 5280 4.1: Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension; 4.2: no extension twice. */
static int
parse_extensions(struct der *wrapped, struct cert *c, struct error *e)
{
	struct der list;
	if (der_get(wrapped, DER_SEQUENCE, "extensions", &list, e) < 0 || der_end(wrapped, "extensions", e) < 0)
		return -1;
	if (der_at_end(&list))
		return fail(e, E_MALFORMED, "extensions: an empty list isn't allowed (RFC 5280 4.1.2.9)");
	while (!der_at_end(&list)) {
		struct der ext, value;
		if (c->n_extensions == CERT_MAX_EXTENSIONS)
			return fail(e, E_MALFORMED, "extensions: more than %d", CERT_MAX_EXTENSIONS);
		struct cert_extension *x = &c->extensions[c->n_extensions];
		*x = (struct cert_extension){0};
		if (der_get(&list, DER_SEQUENCE, "extension", &ext, e) < 0 || der_get_oid(&ext, "extension", &x->oid, e) < 0)
			return -1;
		if (der_peek(&ext) == DER_BOOLEAN) {
			if (der_get_bool(&ext, "extension's critical flag", &x->critical, e) < 0)
				return -1;
			if (!x->critical)
				return fail(e, E_MALFORMED, "extension: a default that is written out isn't DER");
		}
		if (der_get(&ext, DER_OCTET_STRING, "extension's value", &value, e) < 0 || der_end(&ext, "extension", e) < 0)
			return -1;
		x->value = der_bytes(&value);
		if (cert_extension_find(c, x->oid))
			return fail(e, E_MALFORMED, "extensions: one comes twice (RFC 5280 4.2)");
		c->n_extensions++;
	}
	return 0;
}

static int
get_validity(struct der *tbs, struct cert *c, struct der *ret, struct error *e)
{
	if (der_peek(tbs) != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "validity: missing");
	return der_get_any(tbs, "validity", NULL, &c->validity, ret, e);
}

/* What a certificate has to be beside readable. */
struct wants {
	long version; /* at least: 2 is v3, 0 is v1 */
	size_t serial_bytes;
};
static const struct wants by_5280 = {2, 20}, of_strangers = {0, CERT_STRANGE_SERIAL_BYTES};

static int
get_version(struct der *tbs, const struct wants *w, struct error *e)
{
	struct der version;
	long v = 0;
	if ((w->version > 0 || der_peek(tbs) == DER_CONTEXT_CONSTRUCTED(0)) &&
	    (der_get(tbs, DER_CONTEXT_CONSTRUCTED(0), "version", &version, e) < 0 || der_get_small(&version, "version", 2, &v, e) < 0 ||
	     der_end(&version, "version", e) < 0))
		return -1;
	return v < w->version ? fail(e, E_MALFORMED, "version: only X.509 v3 is taken (RFC 5280 4.1.2.1)") : 0;
}

static int
parse_tbs(struct der tbs, const struct wants *w, struct cert *c, struct error *e)
{
	struct der validity, spki, wrapped;
	if (get_version(&tbs, w, e) < 0 || der_get_unsigned(&tbs, "serial number", &c->serial, e) < 0)
		return -1;
	if (c->serial.len > w->serial_bytes)
		return fail(e, E_MALFORMED, "serial number: over %zu octets (RFC 5280 4.1.2.2)", w->serial_bytes);
	if (der_get_any(&tbs, "signature algorithm", NULL, &c->signature_algorithm, NULL, e) < 0)
		return -1;
	if (der_peek(&tbs) != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "issuer: not a name");
	if (der_get_any(&tbs, "issuer", NULL, &c->issuer, NULL, e) < 0 || get_validity(&tbs, c, &validity, e) < 0 ||
	    der_get_time(&validity, "notBefore", &c->not_before, e) < 0 || der_get_time(&validity, "notAfter", &c->not_after, e) < 0 ||
	    der_end(&validity, "validity", e) < 0)
		return -1;
	if (der_peek(&tbs) != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "subject: not a name");
	if (der_get_any(&tbs, "subject", NULL, &c->subject, NULL, e) < 0 ||
	    der_get_any(&tbs, "subject public key", NULL, &c->spki, &spki, e) < 0 ||
	    der_get_any(&spki, "key algorithm", NULL, NULL, NULL, e) < 0 ||
	    der_get_bits(&spki, "subject public key", &c->spki_key, e) < 0 || der_end(&spki, "subject public key", e) < 0)
		return -1;
	/* Unique identifiers ([1], [2]) must not be there: RFC 5280 4.1.2.8. */
	if (!der_at_end(&tbs) && (der_get(&tbs, DER_CONTEXT_CONSTRUCTED(3), "extensions", &wrapped, e) < 0 ||
				  parse_extensions(&wrapped, c, e) < 0))
		return -1;
	return der_end(&tbs, "tbsCertificate", e);
}

int
cert_parse_tbs(struct bytes tbs, struct cert *ret, struct error *e)
{
	struct der d = der_of(tbs), content;
	struct cert c = {.tbs = tbs};
	if (der_get(&d, DER_SEQUENCE, "tbsCertificate", &content, e) < 0 || der_end(&d, "tbsCertificate", e) < 0 ||
	    parse_tbs(content, &by_5280, &c, e) < 0)
		return -1;
	*ret = c;
	return 0;
}

static int
parse(struct bytes der, const struct wants *w, struct cert *ret, struct error *e)
{
	struct der d = der_of(der), content, tbs;
	struct cert c = {.whole = der};
	struct bytes algorithm;
	if (der_get(&d, DER_SEQUENCE, "certificate", &content, e) < 0 || der_end(&d, "certificate", e) < 0)
		return -1;
	if (der_peek(&content) != DER_SEQUENCE)
		return fail(e, E_MALFORMED, "tbsCertificate: missing");
	if (der_get_any(&content, "tbsCertificate", NULL, &c.tbs, &tbs, e) < 0 || parse_tbs(tbs, w, &c, e) < 0 ||
	    der_get_any(&content, "signature algorithm", NULL, &algorithm, NULL, e) < 0 ||
	    der_get_bits(&content, "signature", &c.signature, e) < 0 || der_end(&content, "certificate", e) < 0)
		return -1;
	if (!bytes_equal(algorithm, c.signature_algorithm))
		return fail(e, E_MALFORMED, "signature algorithm: the inner and the outer one differ (RFC 5280 4.1.1.2)");
	*ret = c;
	return 0;
}

int
cert_parse(struct bytes der, struct cert *ret, struct error *e)
{
	return parse(der, &by_5280, ret, e);
}

int
cert_parse_strange(struct bytes der, struct cert *ret, struct error *e)
{
	return parse(der, &of_strangers, ret, e);
}

const struct cert_extension *
cert_extension_find(const struct cert *c, struct bytes oid)
{
	for (int i = 0; i < c->n_extensions; i++)
		if (bytes_equal(c->extensions[i].oid, oid))
			return &c->extensions[i];
	return NULL;
}

bool
cert_has_eku(const struct cert *c, struct bytes oid, bool absent_is_ok)
{
	const struct cert_extension *x = cert_extension_find(c, OID_EKU);
	struct error e;
	struct der list;
	if (!x)
		return absent_is_ok;
	struct der d = der_of(x->value);
	if (der_get(&d, DER_SEQUENCE, "extended key usage", &list, &e) < 0)
		return false;
	while (!der_at_end(&list)) {
		struct bytes purpose;
		if (der_get_oid(&list, "extended key usage", &purpose, &e) < 0)
			return false;
		if (bytes_equal(purpose, oid))
			return true;
	}
	return false;
}

bool
cert_has_usage(const struct cert *c, int usage, bool absent_is_ok)
{
	const struct cert_extension *x = cert_extension_find(c, OID_KEY_USAGE);
	size_t at = 3 + (size_t)usage / 8; /* behind the BIT STRING's tag, its length and the number of unused bits */
	if (!x)
		return absent_is_ok;
	return x->value.len > at && x->value.data[0] == DER_BIT_STRING && x->value.data[1] == x->value.len - 2 &&
	       x->value.data[at] & (0x80 >> usage % 8);
}

bool
cert_has_key_id(const struct cert *c, struct bytes key_id)
{
	const struct cert_extension *x = cert_extension_find(c, OID_SKI);
	struct error e;
	struct der octets;
	if (!x)
		return false;
	struct der d = der_of(x->value);
	return der_get(&d, DER_OCTET_STRING, "subjectKeyIdentifier", &octets, &e) == 0 && bytes_equal(der_bytes(&octets), key_id);
}

bool
cert_is_ca(const struct cert *c)
{
	const struct cert_extension *x = cert_extension_find(c, OID_BASIC_CONSTRAINTS);
	struct error e;
	struct der list;
	bool ca = false;
	if (!x)
		return false;
	struct der d = der_of(x->value);
	if (der_get(&d, DER_SEQUENCE, "basic constraints", &list, &e) < 0 || der_peek(&list) != DER_BOOLEAN)
		return false;
	return der_get_bool(&list, "basic constraints", &ca, &e) == 0 && ca;
}

struct bytes
cert_san(const struct cert *c)
{
	const struct cert_extension *x = cert_extension_find(c, OID_SAN);
	return x ? x->value : (struct bytes){0};
}
