#include "ca/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *
name_kind_word(enum name_kind kind)
{
	static const char *const words[NAME_KIND_COUNT] = {"dns", "ip", "email", "uri"};
	return words[kind];
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
make_ip(struct arena *a, const char *s, struct name *n, struct error *e)
{
	char text[INET6_ADDRSTRLEN];
	if (inet_pton(AF_INET, s, n->octets) == 1)
		n->n_octets = 4;
	else if (inet_pton(AF_INET6, s, n->octets) == 1)
		n->n_octets = 16;
	else
		return fail(e, E_BAD_VALUE, "IP address: an IPv4 or IPv6 address is wanted, without prefix, port or zone");
	if (n->n_octets == 16 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)n->octets))
		return fail(e, E_BAD_VALUE, "IP address: give an IPv4 address as such, not mapped into IPv6");
	n->text = arena_strdup(a, inet_ntop(n->n_octets == 4 ? AF_INET : AF_INET6, n->octets, text, sizeof(text)));
	return 0;
}

static int
check_email(const char *s, struct error *e)
{
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
check_uri(const char *s, struct error *e)
{
	size_t n = strcspn(s, ":");
	bool known = false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		known = known || (strlen(schemes[i]) == n && strncasecmp(schemes[i], s, n) == 0);
	if (!known || s[n] != ':' || s[n + 1] == '\0')
		return fail(e, E_BAD_VALUE,
			    "URI: a scheme that is taken here is wanted (urn, https, http, spiffe, opc.tcp, sip, ldap, coaps, mqtts, tag)");
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || strchr("\"<>\\^`{|}", *p))
			return fail(e, E_BAD_VALUE, "URI: a character that isn't allowed (RFC 3986 2)");
	return 0;
}

int
name_make(struct arena *a, enum name_kind kind, const char *text, size_t len, bool wildcard, struct name *ret, struct error *e)
{
	struct name n = {.kind = kind};
	if (len == 0 || len > LIMIT_SAN_BYTES)
		return fail(e, E_BAD_VALUE, "%s name: 1 to %d octets are wanted", name_kind_word(kind), LIMIT_SAN_BYTES);
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return fail(e, E_BAD_VALUE, "%s name: only printable ASCII is allowed", name_kind_word(kind));
	char *s = arena_strndup(a, text, len);
	int rc = 0;
	switch (kind) {
	case NAME_DNS:
		for (char *p = s; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		rc = check_dns(s, wildcard, e);
		break;
	case NAME_IP:
		rc = make_ip(a, s, &n, e);
		break;
	case NAME_EMAIL:
		rc = check_email(s, e);
		break;
	case NAME_URI:
		rc = check_uri(s, e);
		break;
	case NAME_KIND_COUNT:
		return fail(e, E_INTERNAL, "unknown kind of name");
	}
	if (rc < 0)
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
		int tag, rc;
		if (n == max)
			return fail(e, E_BAD_VALUE, "subjectAltName: over %zu names", max);
		if (der_get_any(&list, "subjectAltName", &tag, NULL, &content, e) < 0)
			return -1;
		struct bytes b = der_bytes(&content);
		const char *text = (const char *)b.data;
		switch (tag) {
		case DER_CONTEXT(1):
			rc = name_make(a, NAME_EMAIL, text, b.len, wildcard, &ret[n], e);
			break;
		case DER_CONTEXT(2):
			rc = name_make(a, NAME_DNS, text, b.len, wildcard, &ret[n], e);
			break;
		case DER_CONTEXT(6):
			rc = name_make(a, NAME_URI, text, b.len, wildcard, &ret[n], e);
			break;
		case DER_CONTEXT(7):
			rc = parse_ip(a, b, &ret[n], e);
			break;
		default:
			return fail(e, E_POLICY, "subjectAltName: a kind of name that isn't taken (tag 0x%02x)", (unsigned)tag);
		}
		if (rc < 0)
			return -1;
		n++;
	}
	*ret_n = n;
	return 0;
}

void
names_put(struct buf *b, const struct name *names, size_t n)
{
	static const int tags[NAME_KIND_COUNT] = {DER_CONTEXT(2), DER_CONTEXT(7), DER_CONTEXT(1), DER_CONTEXT(6)};
	size_t list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < n; i++) {
		if (names[i].kind == NAME_IP)
			der_put(b, tags[NAME_IP], names[i].octets, names[i].n_octets);
		else
			der_put_str(b, tags[names[i].kind], names[i].text);
	}
	der_close(b, list);
}
