#include "ca/purpose.h"

#include <string.h>

#include "ca/profile.h"
#include "lib/x509/oid.h"

#define ROW(name, oid, usages) {name, {(const uint8_t *)(oid), sizeof(oid) - 1}, usages}
#define SIGN (1u << USAGE_DIGITAL_SIGNATURE)
#define COMMIT (1u << USAGE_NON_REPUDIATION)
#define ENCIPHER (1u << USAGE_KEY_ENCIPHERMENT)
#define AGREE (1u << USAGE_KEY_AGREEMENT)
#define PKIX "\x2b\x06\x01\x05\x05\x07\x03" /* 1.3.6.1.5.5.7.3 */
#define MICROSOFT "\x2b\x06\x01\x04\x01\x82\x37" /* 1.3.6.1.4.1.311 */

/* The key usages that go with a purpose: RFC 5280 4.2.1.12, RFC 3161 2.3, RFC 9336 3. A purpose more is one line. */
static const struct purpose purposes[] = {
    ROW("serverAuth", PKIX "\x01", SIGN | ENCIPHER | AGREE),
    ROW("clientAuth", PKIX "\x02", SIGN | AGREE),
    ROW("codeSigning", PKIX "\x03", SIGN),
    ROW("emailProtection", PKIX "\x04", SIGN | COMMIT | ENCIPHER | AGREE),
    ROW("timeStamping", PKIX "\x08", SIGN | COMMIT),
    ROW("OCSPSigning", PKIX "\x09", SIGN | COMMIT),
    ROW("eapOverPPP", PKIX "\x0d", SIGN | ENCIPHER | AGREE),
    ROW("eapOverLAN", PKIX "\x0e", SIGN | ENCIPHER | AGREE),
    ROW("ipsecIKE", PKIX "\x11", SIGN | COMMIT),
    ROW("secureShellClient", PKIX "\x15", SIGN),
    ROW("secureShellServer", PKIX "\x16", SIGN),
    ROW("cmcRA", PKIX "\x1c", SIGN),
    ROW("cmKGA", PKIX "\x20", SIGN),
    ROW("bundleSecurity", PKIX "\x23", 0),
    ROW("documentSigning", PKIX "\x24", SIGN | COMMIT),
    ROW("pkinitClient", "\x2b\x06\x01\x05\x02\x03\x04", SIGN),
    ROW("pkinitKDC", "\x2b\x06\x01\x05\x02\x03\x05", SIGN),
    ROW("smartcardLogon", MICROSOFT "\x14\x02\x02", SIGN),
    ROW("msDocumentSigning", MICROSOFT "\x0a\x03\x0c", SIGN | COMMIT),
};

/* Good for anything; agents that may ask in the name of others, or read their keys. */
static const struct bytes refused[] = {
    {(const uint8_t *)"\x55\x1d\x25\x00", 4},                         /* anyExtendedKeyUsage */
    {(const uint8_t *)MICROSOFT "\x0a\x0c\x01", 10},                  /* any application policy */
    {(const uint8_t *)MICROSOFT "\x14\x02\x01", 10},                  /* enrolment agent */
    {(const uint8_t *)MICROSOFT "\x15\x05", 9},                       /* exchange of private keys with a CA */
    {(const uint8_t *)MICROSOFT "\x15\x06", 9},                       /* key recovery agent */
    {(const uint8_t *)MICROSOFT "\x0a\x03\x04\x01", 11},              /* recovery of encrypted files */
};

const struct purpose *
purpose_at(size_t n)
{
	return n < ARRAY_LEN(purposes) ? &purposes[n] : NULL;
}

const struct purpose *
purpose_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
		if (strcmp(purposes[i].name, name) == 0)
			return &purposes[i];
	return NULL;
}

const struct purpose *
purpose_by_oid(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
		if (bytes_equal(purposes[i].oid, oid))
			return &purposes[i];
	return NULL;
}

bool
purpose_is_served(struct bytes oid, unsigned usages)
{
	const struct purpose *named = purpose_by_oid(oid);
	return !named || !named->usages || named->usages & usages;
}

int
purpose_parse(struct arena *a, const char *text, struct bytes *ret, struct error *e)
{
	const struct purpose *named = purpose_by_name(text);
	struct bytes oid;
	struct error ignored;
	if (named) {
		*ret = named->oid;
		return 0;
	}
	if (oid_from_text(a, text, &oid, &ignored) < 0)
		return fail(e, E_BAD_VALUE, "\"%.40s\" isn't a known purpose; others as an object identifier, numbers with dots", text);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (bytes_equal(refused[i], oid))
			return fail(e, E_BAD_VALUE, "the purpose %.60s is given to nobody: it would be good for anything, or for others", text);
	*ret = oid;
	return 0;
}
