/* Which device an attestation certificate is about. */
#include "enroll/acme/attest_parts.h"

#include <string.h>

#include "lib/x509/oid.h"
#include "lib/x509/text.h"

#define OID_SERIAL_NUMBER OID_BYTES("\x55\x04\x05")

int
acme_attest_identifier_check(struct arena *a, const char *value, struct error *e)
{
	const char *slash = strchr(value, '/');
	struct bytes oid;
	struct error why;
	if (text_check(value, strlen(value), LIMIT_SAN_BYTES, "permanent-identifier", e) < 0)
		return fail(e, E_MALFORMED, "%s", arena_strdup(a, e->detail));
	if (strlen(value) > LIMIT_SAN_BYTES || slash == value)
		return fail(e, E_MALFORMED, "permanent-identifier: a value of 1 to %d octets is wanted", LIMIT_SAN_BYTES);
	if (!slash)
		return 0;
	const char *canonical = oid_from_text(a, slash + 1, &oid, &why) == 0 ? oid_text(a, oid) : NULL;
	if (!canonical || strcmp(canonical, slash + 1) != 0)
		return fail(e, E_MALFORMED, "permanent-identifier: behind \"/\" stands the object identifier of who assigned it (device-attest 3.1)");
	return 0;
}

/* The one serialNumber of a Name (X.520 6.2.9); empty when there is none. Other attributes may be any. */
static int
get_serial_number(struct bytes name, struct bytes *ret, struct error *e)
{
	static const char what[] = "the attestation certificate's subject";
	struct der d = der_of(name), list, set, pair, value;
	struct bytes type, found = {0};
	if (der_get(&d, DER_SEQUENCE, what, &list, e) < 0)
		return -1;
	while (!der_at_end(&list)) {
		if (der_get(&list, DER_SET, what, &set, e) < 0)
			return -1;
		while (!der_at_end(&set)) {
			int tag;
			if (der_get(&set, DER_SEQUENCE, what, &pair, e) < 0 || der_get_oid(&pair, what, &type, e) < 0 ||
			    der_get_any(&pair, what, &tag, NULL, &value, e) < 0 || der_end(&pair, what, e) < 0)
				return -1;
			if (!bytes_equal(type, OID_SERIAL_NUMBER))
				continue;
			if (found.len || der_at_end(&value) || (tag != DER_PRINTABLE_STRING && tag != DER_UTF8_STRING))
				return fail(e, E_FORBIDDEN, "%s has two serial numbers, or one that is no text", what);
			found = der_bytes(&value);
		}
	}
	*ret = found;
	return 0;
}

/* What the certificate says is compared octet for octet; the first one is kept for the error. */
struct found {
	const char *identifier;
	const char *first;
	bool is_there;
};

static int
compare(struct found *f, struct bytes value, struct bytes assigner, struct arena *a, struct error *e)
{
	const char *oid = assigner.len ? oid_text(a, assigner) : "";
	if (text_check((const char *)value.data, value.len, LIMIT_SAN_BYTES, "the attestation certificate's identifier", e) < 0)
		return -1;
	if (!oid || !value.data || memchr(value.data, '/', value.len))
		return fail(e, E_FORBIDDEN, "the attestation certificate's identifier has a slash in it, or too long an assigner (device-attest 3)");
	const char *text = arena_printf(a, "%.*s%s%s", (int)value.len, (const char *)value.data, *oid ? "/" : "", oid);
	if (!f->first)
		f->first = text;
	f->is_there = f->is_there || strcmp(text, f->identifier) == 0;
	return 0;
}

/* PermanentIdentifier, RFC 4043 2: without a value it is the subject's serialNumber. */
static int
permanent(struct der content, const struct cert *c, struct found *f, struct arena *a, struct error *e)
{
	static const char what[] = "the attestation certificate's permanentIdentifier";
	struct der identifier, text;
	struct bytes value, assigner = {0};
	if (der_get(&content, DER_SEQUENCE, what, &identifier, e) < 0 || der_end(&content, what, e) < 0)
		return -1;
	if (der_peek(&identifier) != DER_UTF8_STRING) {
		if (get_serial_number(c->subject, &value, e) < 0)
			return -1;
	} else {
		if (der_get(&identifier, DER_UTF8_STRING, what, &text, e) < 0)
			return -1;
		value = der_bytes(&text);
	}
	if ((!der_at_end(&identifier) && der_get_oid(&identifier, what, &assigner, e) < 0) || der_end(&identifier, what, e) < 0)
		return -1;
	return compare(f, value, assigner, a, e);
}

/* HardwareModuleName, RFC 4108 5: its serial number, when that is text. */
static int
module(struct der content, struct found *f, struct arena *a, struct error *e)
{
	static const char what[] = "the attestation certificate's hardwareModuleName";
	struct der name, serial;
	struct bytes type;
	if (der_get(&content, DER_SEQUENCE, what, &name, e) < 0 || der_end(&content, what, e) < 0 || der_get_oid(&name, what, &type, e) < 0 ||
	    der_get(&name, DER_OCTET_STRING, what, &serial, e) < 0 || der_end(&name, what, e) < 0)
		return -1;
	return compare(f, der_bytes(&serial), (struct bytes){0}, a, e);
}

/* The otherNames of that type in the subject's alternative names; other kinds of names say nothing here. */
static int
search(const struct cert *c, struct bytes wanted, struct found *f, struct arena *a, struct error *e)
{
	static const char what[] = "the attestation certificate's subjectAltName";
	struct bytes san = cert_san(c), type;
	struct der d = der_of(san), list, name, content;
	if (san.len == 0)
		return 0;
	if (der_get(&d, DER_SEQUENCE, what, &list, e) < 0 || der_end(&d, what, e) < 0)
		return -1;
	while (!der_at_end(&list)) {
		int tag;
		if (der_get_any(&list, what, &tag, NULL, &name, e) < 0)
			return -1;
		if (tag != DER_CONTEXT_CONSTRUCTED(0))
			continue;
		if (der_get_oid(&name, what, &type, e) < 0 || der_get(&name, DER_CONTEXT_CONSTRUCTED(0), what, &content, e) < 0 ||
		    der_end(&name, what, e) < 0)
			return -1;
		if (!bytes_equal(type, wanted))
			continue;
		if ((bytes_equal(wanted, OID_PERMANENT_IDENTIFIER) ? permanent(content, c, f, a, e) : module(content, f, a, e)) < 0)
			return -1;
	}
	return 0;
}

int
attest_device(const struct cert *c, const char *identifier, bool subject_counts, struct arena *a, struct error *e)
{
	struct found f = {.identifier = identifier};
	struct bytes serial = {0};
	/* The number of a module and that of a device may be alike: where the certificate has a permanent identifier, nothing else counts. */
	if (search(c, OID_PERMANENT_IDENTIFIER, &f, a, e) < 0 || (!f.first && search(c, OID_HARDWARE_MODULE_NAME, &f, a, e) < 0))
		return -1;
	if (!f.first && subject_counts && get_serial_number(c->subject, &serial, e) < 0)
		return -1;
	if (serial.len && compare(&f, serial, (struct bytes){0}, a, e) < 0)
		return -1;
	if (!f.first)
		return fail(e, E_FORBIDDEN, "the attestation certificate names no device: a permanentIdentifier (RFC 4043) in it is wanted");
	if (!f.is_there)
		return fail(e, E_FORBIDDEN, "the attestation certificate is for the device \"%.100s\", not for \"%.100s\"", f.first, identifier);
	return 0;
}
