#include "lib/x509/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "lib/x509/oid.h"
#include "lib/x509/text.h"

const char *const name_kind_words[NAME_KIND_COUNT] = {"dns", "ip", "email", "uri", "upn", "hardware", "rid", "permanent-identifier"};

const char *
name_kind_word(enum name_kind kind)
{
	return name_kind_words[kind];
}

/* RFC 1123 2.1 and RFC 1035 2.3.4. The last label isn't all digits, or the name would be an address to some readers. */
static int
check_dns(const char *s, bool wildcard, struct error *e)
{
	size_t len = strlen(s), labels = 0;
	const char *p = s;
	if (len == 0 || len > 253)
		return fail(e, E_BAD_VALUE, "DNS name: 1 to 253 characters are wanted");
	if (p[0] == '*') {
		if (!wildcard)
			return fail(e, E_POLICY, "DNS name: this profile takes no wildcard");
		if (p[1] != '.' || !strchr(p + 2, '.'))
			return fail(e, E_BAD_VALUE, "DNS name: a wildcard is the whole first label, and two labels follow it");
		p += 2;
	}
	bool digits_only = false;
	while (*p) {
		size_t n = strcspn(p, ".");
		if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
			return fail(e, E_BAD_VALUE, "DNS name: a label has 1 to 63 characters and no hyphen at its ends");
		digits_only = true;
		for (size_t i = 0; i < n; i++) {
			if (!isalnum((unsigned char)p[i]) && p[i] != '-')
				return fail(e, E_BAD_VALUE, "DNS name: letters, digits, \"-\" and \".\" alone; other scripts as A-labels (xn--)");
			digits_only = digits_only && isdigit((unsigned char)p[i]);
		}
		labels++;
		p += n;
		if (*p == '.' && *++p == '\0')
			return fail(e, E_BAD_VALUE, "DNS name: no dot at the end");
	}
	if (labels == 0 || digits_only)
		return fail(e, E_BAD_VALUE, "DNS name: an address isn't one");
	return 0;
}

static int
make_dns(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	(void)a;
	(void)n;
	for (char *p = s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return check_dns(s, wildcard, e);
}

static int
make_ip(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t *octets = arena_alloc(a, 16);
	(void)wildcard;
	n->octets.data = octets;
	if (inet_pton(AF_INET, s, octets) == 1)
		n->octets.len = 4;
	else if (inet_pton(AF_INET6, s, octets) == 1)
		n->octets.len = 16;
	else
		return fail(e, E_BAD_VALUE, "IP address: an IPv4 or IPv6 address is wanted, without prefix, port or zone");
	if (n->octets.len == 16 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)octets))
		return fail(e, E_BAD_VALUE, "IP address: give an IPv4 address as such, not mapped into IPv6");
	n->text = arena_strdup(a, inet_ntop(n->octets.len == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)));
	return 0;
}

static int
make_email(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	(void)a;
	(void)wildcard;
	(void)n;
	const char *at = strchr(s, '@');
	struct error ignored;
	if (!at || at == s || at - s > 64 || strchr(at + 1, '@') || check_dns(at + 1, false, &ignored) < 0)
		return fail(e, E_BAD_VALUE, "mail address: name@host is wanted");
	for (const char *p = s; p < at; p++)
		if (!isalnum((unsigned char)*p) && !strchr(".!#$%&'*+/=?^_`{|}~-", *p))
			return fail(e, E_BAD_VALUE, "mail address: a character that isn't allowed before the @ (RFC 5321 4.1.2)");
	return 0;
}

/* Schemes that name a thing. What a reader might run (javascript, data, file …) isn't among them. */
static const char *const schemes[] = {"urn", "https", "http", "spiffe", "opc.tcp", "sip", "sips", "ldap", "ldaps", "coaps", "mqtts", "tag"};

static int
make_uri(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	size_t len = strcspn(s, ":");
	bool known = false;
	(void)a;
	(void)wildcard;
	(void)n;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		known = known || (strlen(schemes[i]) == len && strncasecmp(schemes[i], s, len) == 0);
	if (!known || s[len] != ':' || s[len + 1] == '\0')
		return fail(e, E_BAD_VALUE,
			    "URI: a scheme that is taken here is wanted (urn, https, http, spiffe, opc.tcp, sip, ldap, coaps, mqtts, tag)");
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || strchr("\"<>\\^`{|}", *p))
			return fail(e, E_BAD_VALUE, "URI: a character that isn't allowed (RFC 3986 2)");
	return 0;
}

/* A user principal name is a way to log on: what is before the @ may be any text, what is behind it is a domain. */
static int
make_upn(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	const char *at = strrchr(s, '@');
	struct error ignored;
	(void)a;
	(void)wildcard;
	(void)n;
	if (!at || at == s || memchr(s, '@', (size_t)(at - s)) || check_dns(at + 1, false, &ignored) < 0)
		return fail(e, E_BAD_VALUE, "UPN: name@domain is wanted");
	for (const char *p = s; p < at; p++)
		if (strchr(" \"/\\[]:;|=,+*?<>", *p))
			return fail(e, E_BAD_VALUE, "UPN: a character that no account's name has");
	return 0;
}

/* RFC 4108 5: the kind of module, and its serial number. */
static int
make_hardware(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	char *colon = strchr(s, ':');
	size_t digits = colon ? strlen(colon + 1) : 0, len = 0;
	(void)wildcard;
	if (!colon || digits == 0 || digits % 2 || strspn(colon + 1, "0123456789abcdefABCDEF") != digits)
		return fail(e, E_BAD_VALUE, "hardware module: its type and serial number are wanted: \"1.3.6.1.4.1.99999.7:0a1b\"");
	uint8_t *octets = arena_alloc(a, digits / 2);
	if (oid_from_text(a, arena_strndup(a, s, (size_t)(colon - s)), &n->type, e) < 0)
		return -1;
	if (OPENSSL_hexstr2buf_ex(octets, digits / 2, &len, colon + 1, '\0') != 1)
		return fail(e, E_INTERNAL, "hexadecimal digits can't be read");
	for (char *p = colon; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	n->octets = (struct bytes){octets, len};
	n->text = arena_printf(a, "%s%s", oid_text(a, n->type), colon);
	return 0;
}

static int
make_rid(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	(void)wildcard;
	if (oid_from_text(a, s, &n->octets, e) < 0)
		return -1;
	n->text = oid_text(a, n->octets); /* without zeros in front of an arc */
	return n->text ? 0 : fail(e, E_BAD_VALUE, "registered id: an object identifier is wanted, as numbers with dots");
}

/* RFC 4043 2, in the form of draft-ietf-acme-device-attest: octet for octet, so an assigner that could be written in another way isn't taken. */
static int
make_permanent(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e)
{
	const char *slash = strchr(s, '/');
	(void)wildcard;
	n->octets = (struct bytes){(const uint8_t *)s, slash ? (size_t)(slash - s) : strlen(s)};
	if (n->octets.len == 0 || (slash && strchr(slash + 1, '/')))
		return fail(e, E_BAD_VALUE, "permanent identifier: a value without slashes is wanted, perhaps with \"/\" and its assigner's OID");
	if (!slash)
		return 0;
	if (oid_from_text(a, slash + 1, &n->type, e) < 0)
		return -1;
	const char *canonical = oid_text(a, n->type);
	if (!canonical || strcmp(canonical, slash + 1) != 0)
		return fail(e, E_BAD_VALUE, "permanent identifier: its assigner is an object identifier, as numbers with dots and no zeros in front");
	return 0;
}

static void
put_text(struct buf *b, const struct name *n, int tag)
{
	der_put_str(b, tag, n->text);
}

static void
put_octets(struct buf *b, const struct name *n, int tag)
{
	der_put(b, tag, n->octets.data, n->octets.len);
}

static void
put_upn(struct buf *b, const struct name *n, int tag)
{
	size_t other = der_begin(b, tag);
	der_put(b, DER_OID, OID_UPN.data, OID_UPN.len);
	size_t value = der_begin(b, DER_CONTEXT_CONSTRUCTED(0));
	der_put_str(b, DER_UTF8_STRING, n->text);
	der_close(b, value);
	der_close(b, other);
}

static void
put_hardware(struct buf *b, const struct name *n, int tag)
{
	size_t other = der_begin(b, tag);
	der_put(b, DER_OID, OID_HARDWARE_MODULE_NAME.data, OID_HARDWARE_MODULE_NAME.len);
	size_t value = der_begin(b, DER_CONTEXT_CONSTRUCTED(0)), module = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, n->type.data, n->type.len);
	der_put(b, DER_OCTET_STRING, n->octets.data, n->octets.len);
	der_close(b, module);
	der_close(b, value);
	der_close(b, other);
}

static void
put_permanent(struct buf *b, const struct name *n, int tag)
{
	size_t other = der_begin(b, tag);
	der_put(b, DER_OID, OID_PERMANENT_IDENTIFIER.data, OID_PERMANENT_IDENTIFIER.len);
	size_t value = der_begin(b, DER_CONTEXT_CONSTRUCTED(0)), identifier = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_UTF8_STRING, n->octets.data, n->octets.len);
	if (n->type.len)
		der_put(b, DER_OID, n->type.data, n->type.len);
	der_close(b, identifier);
	der_close(b, value);
	der_close(b, other);
}

/* Which tag of GeneralName it has, how text is checked and made canonical, how it is written. */
static const struct {
	int tag;
	bool utf8;
	int (*make)(struct arena *a, char *s, bool wildcard, struct name *n, struct error *e);
	void (*put)(struct buf *b, const struct name *n, int tag);
} kinds[NAME_KIND_COUNT] = {
    [NAME_DNS] = {DER_CONTEXT(2), false, make_dns, put_text},
    [NAME_IP] = {DER_CONTEXT(7), false, make_ip, put_octets},
    [NAME_EMAIL] = {DER_CONTEXT(1), false, make_email, put_text},
    [NAME_URI] = {DER_CONTEXT(6), false, make_uri, put_text},
    [NAME_UPN] = {DER_CONTEXT_CONSTRUCTED(0), true, make_upn, put_upn},
    [NAME_HARDWARE] = {DER_CONTEXT_CONSTRUCTED(0), false, make_hardware, put_hardware},
    [NAME_RID] = {DER_CONTEXT(8), false, make_rid, put_octets},
    [NAME_PERMANENT_IDENTIFIER] = {DER_CONTEXT_CONSTRUCTED(0), true, make_permanent, put_permanent},
};

int
name_make(struct arena *a, enum name_kind kind, const char *text, size_t len, bool wildcard, struct name *ret, struct error *e)
{
	struct name n = {.kind = kind};
	if (len == 0 || len > LIMIT_SAN_BYTES)
		return fail(e, E_BAD_VALUE, "%s name: 1 to %d octets are wanted", name_kind_word(kind), LIMIT_SAN_BYTES);
	if (kinds[kind].utf8 && text_check(text, len, LIMIT_SAN_BYTES, "name", e) < 0)
		return -1;
	for (size_t i = 0; !kinds[kind].utf8 && i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return fail(e, E_BAD_VALUE, "%s name: only printable ASCII is allowed", name_kind_word(kind));
	char *s = arena_strndup(a, text, len);
	if (kinds[kind].make(a, s, wildcard, &n, e) < 0)
		return -1;
	if (!n.text)
		n.text = s;
	*ret = n;
	return 0;
}

bool
name_is_dns(struct arena *a, const char *text)
{
	struct name n;
	struct error e;
	return name_make(a, NAME_DNS, text, strlen(text), false, &n, &e) == 0;
}

static int
parse_ip(struct arena *a, struct bytes b, struct name *ret, struct error *e)
{
	char text[INET6_ADDRSTRLEN];
	if (b.len != 4 && b.len != 16)
		return fail(e, E_BAD_VALUE, "IP address: 4 or 16 octets are wanted");
	inet_ntop(b.len == 4 ? AF_INET : AF_INET6, b.data, text, sizeof(text));
	return name_make(a, NAME_IP, text, strlen(text), false, ret, e);
}

static int
parse_rid(struct arena *a, struct bytes b, struct name *ret, struct error *e)
{
	const char *text = oid_text(a, b);
	if (!text)
		return fail(e, E_BAD_VALUE, "registered id: an object identifier of up to %d octets is wanted", OID_MAX_OCTETS);
	return name_make(a, NAME_RID, text, strlen(text), false, ret, e);
}

static int
parse_hardware(struct arena *a, struct der *value, struct name *ret, struct error *e)
{
	struct der module, serial;
	struct bytes type;
	if (der_get(value, DER_SEQUENCE, "hardwareModuleName", &module, e) < 0 || der_get_oid(&module, "hardwareModuleName", &type, e) < 0 ||
	    der_get(&module, DER_OCTET_STRING, "hardwareModuleName", &serial, e) < 0 || der_end(&module, "hardwareModuleName", e) < 0)
		return -1;
	const char *oid = oid_text(a, type);
	struct bytes b = der_bytes(&serial);
	if (!oid || b.len > LIMIT_SAN_BYTES)
		return fail(e, E_BAD_VALUE, "hardwareModuleName: too long");
	const char *text = arena_printf(a, "%s:%s", oid, arena_hex(a, b.data, b.len));
	return name_make(a, NAME_HARDWARE, text, strlen(text), false, ret, e);
}

/* RFC 4043 lets the value stand in the subject's serialNumber instead; here it stands where it is checked. */
static int
parse_permanent(struct arena *a, struct der *value, struct name *ret, struct error *e)
{
	struct der identifier, text;
	struct bytes assigner = {0};
	if (der_get(value, DER_SEQUENCE, "permanentIdentifier", &identifier, e) < 0 ||
	    der_get(&identifier, DER_UTF8_STRING, "permanentIdentifier's value", &text, e) < 0 ||
	    (!der_at_end(&identifier) && der_get_oid(&identifier, "permanentIdentifier's assigner", &assigner, e) < 0) ||
	    der_end(&identifier, "permanentIdentifier", e) < 0)
		return -1;
	struct bytes b = der_bytes(&text);
	const char *oid = assigner.len ? oid_text(a, assigner) : "";
	if (!oid || b.len == 0 || b.len > LIMIT_SAN_BYTES || memchr(b.data, '/', b.len) || memchr(b.data, '\0', b.len))
		return fail(e, E_BAD_VALUE, "permanentIdentifier: a value of 1 to %d octets without slashes is wanted", LIMIT_SAN_BYTES);
	const char *whole = arena_printf(a, "%.*s%s%s", (int)b.len, (const char *)b.data, *oid ? "/" : "", oid);
	return name_make(a, NAME_PERMANENT_IDENTIFIER, whole, strlen(whole), false, ret, e);
}

/* otherName: the kinds that we know. */
static int
parse_other(struct arena *a, struct der other, struct name *ret, struct error *e)
{
	struct der value, text;
	struct bytes oid;
	if (der_get_oid(&other, "otherName", &oid, e) < 0 || der_get(&other, DER_CONTEXT_CONSTRUCTED(0), "otherName", &value, e) < 0 ||
	    der_end(&other, "otherName", e) < 0)
		return -1;
	if (bytes_equal(oid, OID_HARDWARE_MODULE_NAME)) {
		if (parse_hardware(a, &value, ret, e) < 0)
			return -1;
	} else if (bytes_equal(oid, OID_PERMANENT_IDENTIFIER)) {
		if (parse_permanent(a, &value, ret, e) < 0)
			return -1;
	} else if (bytes_equal(oid, OID_UPN)) {
		if (der_get(&value, DER_UTF8_STRING, "UPN", &text, e) < 0)
			return -1;
		struct bytes b = der_bytes(&text);
		if (name_make(a, NAME_UPN, (const char *)b.data, b.len, false, ret, e) < 0)
			return -1;
	} else {
		return fail(e, E_POLICY, "subjectAltName: a kind of otherName that isn't taken");
	}
	return der_end(&value, "otherName", e);
}

static int
parse_one(struct arena *a, int tag, struct der content, bool wildcard, struct name *ret, struct error *e)
{
	struct bytes b = der_bytes(&content);
	const char *text = (const char *)b.data;
	switch (tag) {
	case DER_CONTEXT_CONSTRUCTED(0):
		return parse_other(a, content, ret, e);
	case DER_CONTEXT(1):
		return name_make(a, NAME_EMAIL, text, b.len, wildcard, ret, e);
	case DER_CONTEXT(2):
		return name_make(a, NAME_DNS, text, b.len, wildcard, ret, e);
	case DER_CONTEXT(6):
		return name_make(a, NAME_URI, text, b.len, wildcard, ret, e);
	case DER_CONTEXT(7):
		return parse_ip(a, b, ret, e);
	case DER_CONTEXT(8):
		return parse_rid(a, b, ret, e);
	default:
		return fail(e, E_POLICY, "subjectAltName: a kind of name that isn't taken (tag 0x%02x)", (unsigned)tag);
	}
}

int
names_parse(struct arena *a, struct bytes san, bool wildcard, struct name *ret, size_t max, size_t *ret_n, struct error *e)
{
	struct der d = der_of(san), list, content;
	size_t n = 0;
	if (der_get(&d, DER_SEQUENCE, "subjectAltName", &list, e) < 0 || der_end(&d, "subjectAltName", e) < 0)
		return -1;
	if (der_at_end(&list))
		return fail(e, E_BAD_VALUE, "subjectAltName: an empty list isn't allowed (RFC 5280 4.2.1.6)");
	while (!der_at_end(&list)) {
		int tag;
		if (n == max)
			return fail(e, E_BAD_VALUE, "subjectAltName: over %zu names", max);
		if (der_get_any(&list, "subjectAltName", &tag, NULL, &content, e) < 0 ||
		    parse_one(a, tag, content, wildcard, &ret[n], e) < 0)
			return -1;
		n++;
	}
	*ret_n = n;
	return 0;
}

void
names_put(struct buf *b, const struct name *names, size_t n)
{
	size_t list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < n; i++)
		kinds[names[i].kind].put(b, &names[i], kinds[names[i].kind].tag);
	der_close(b, list);
}
