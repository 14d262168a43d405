#include "lib/x509/dn.h"

#include <string.h>
#include <strings.h>

#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"
#include "lib/x509/text.h"

/* Upper bounds: RFC 5280 appendix A.1. A type more is one line. */
static const struct dn_type types[] = {
    {"CN", {(const uint8_t *)"\x55\x04\x03", 3}, DER_UTF8_STRING, LIMIT_CN_CHARS},
    {"O", {(const uint8_t *)"\x55\x04\x0a", 3}, DER_UTF8_STRING, 64},
    {"OU", {(const uint8_t *)"\x55\x04\x0b", 3}, DER_UTF8_STRING, 64},
    {"C", {(const uint8_t *)"\x55\x04\x06", 3}, DER_PRINTABLE_STRING, 2},
    {"L", {(const uint8_t *)"\x55\x04\x07", 3}, DER_UTF8_STRING, 128},
    {"ST", {(const uint8_t *)"\x55\x04\x08", 3}, DER_UTF8_STRING, 128},
    {"street", {(const uint8_t *)"\x55\x04\x09", 3}, DER_UTF8_STRING, 128},
    {"postalCode", {(const uint8_t *)"\x55\x04\x11", 3}, DER_UTF8_STRING, 40},
    {"serialNumber", {(const uint8_t *)"\x55\x04\x05", 3}, DER_PRINTABLE_STRING, 64},
    {"SN", {(const uint8_t *)"\x55\x04\x04", 3}, DER_UTF8_STRING, 64},
    {"GN", {(const uint8_t *)"\x55\x04\x2a", 3}, DER_UTF8_STRING, 64},
    {"title", {(const uint8_t *)"\x55\x04\x0c", 3}, DER_UTF8_STRING, 64},
    {"pseudonym", {(const uint8_t *)"\x55\x04\x41", 3}, DER_UTF8_STRING, 128},
    {"dnQualifier", {(const uint8_t *)"\x55\x04\x2e", 3}, DER_PRINTABLE_STRING, 64},
    {"organizationIdentifier", {(const uint8_t *)"\x55\x04\x61", 3}, DER_UTF8_STRING, 64},
    {"UID", {(const uint8_t *)"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10}, DER_UTF8_STRING, 256},
    {"DC", {(const uint8_t *)"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10}, DER_IA5_STRING, 63},
};

const struct dn_type *
dn_type_at(size_t n)
{
	return n < ARRAY_LEN(types) ? &types[n] : NULL;
}

const struct dn_type *
dn_type_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcasecmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

static const struct dn_type *
type_by_oid(struct bytes oid)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (bytes_equal(types[i].oid, oid))
			return &types[i];
	return NULL;
}

int
dn_check(const struct dn_value *v, struct error *e)
{
	if (text_check(v->value, strlen(v->value), v->type->max_chars, v->type->name, e) < 0)
		return -1;
	if (v->type->tag == DER_PRINTABLE_STRING && !text_is_printable_string(v->value))
		return fail(e, E_BAD_VALUE, "%s: only letters, digits, space and '()+,-./:=? are allowed", v->type->name);
	if (v->type->tag == DER_IA5_STRING)
		for (const char *p = v->value; *p; p++)
			if ((unsigned char)*p >= 0x80)
				return fail(e, E_BAD_VALUE, "%s: only ASCII is allowed", v->type->name);
	if (strcmp(v->type->name, "C") == 0 &&
	    !(v->value[0] >= 'A' && v->value[0] <= 'Z' && v->value[1] >= 'A' && v->value[1] <= 'Z'))
		return fail(e, E_BAD_VALUE, "C: two capital letters of ISO 3166 are wanted");
	return 0;
}

/* UTF-16 of two octets a character (X.680 BMPString) to UTF-8; NULL when it isn't that. */
static const char *
from_bmp(struct arena *a, struct bytes b)
{
	char *out = arena_alloc(a, b.len / 2 * 3 + 1), *p = out;
	if (b.len % 2)
		return NULL;
	for (size_t i = 0; i < b.len; i += 2) {
		unsigned c = (unsigned)b.data[i] << 8 | b.data[i + 1];
		if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
			return NULL;
		if (c < 0x80) {
			*p++ = (char)c;
		} else if (c < 0x800) {
			*p++ = (char)(0xc0 | c >> 6);
			*p++ = (char)(0x80 | (c & 0x3f));
		} else {
			*p++ = (char)(0xe0 | c >> 12);
			*p++ = (char)(0x80 | (c >> 6 & 0x3f));
			*p++ = (char)(0x80 | (c & 0x3f));
		}
	}
	return out;
}

/* The value as UTF-8, or NULL: a type that isn't taken, or an octet that can't be in it. */
static const char *
value_text(struct arena *a, int tag, struct bytes b)
{
	switch (tag) {
	case DER_BMP_STRING:
		return from_bmp(a, b);
	case DER_PRINTABLE_STRING:
	case DER_IA5_STRING:
		for (size_t i = 0; i < b.len; i++)
			if (b.data[i] >= 0x80)
				return NULL;
		__attribute__((fallthrough));
	case DER_UTF8_STRING:
		return b.len && memchr(b.data, 0, b.len) ? NULL : arena_strndup(a, (const char *)b.data, b.len);
	default:
		return NULL;
	}
}

int
dn_parse(struct arena *a, struct bytes name, struct dn_value *ret_values, size_t max, size_t *ret_n, struct error *e)
{
	struct der d = der_of(name), rdns;
	size_t n = 0;
	if (der_get(&d, DER_SEQUENCE, "subject", &rdns, e) < 0 || der_end(&d, "subject", e) < 0)
		return -1;
	while (!der_at_end(&rdns)) {
		struct der set, pair, content;
		struct bytes oid;
		int tag;
		if (der_get(&rdns, DER_SET, "subject", &set, e) < 0 || der_get(&set, DER_SEQUENCE, "subject", &pair, e) < 0)
			return -1;
		if (!der_at_end(&set))
			return fail(e, E_BAD_VALUE, "subject: a relative name of several attributes isn't taken");
		if (der_get_oid(&pair, "subject", &oid, e) < 0 || der_get_any(&pair, "subject", &tag, NULL, &content, e) < 0 ||
		    der_end(&pair, "subject", e) < 0)
			return -1;
		if (n == max)
			return fail(e, E_BAD_VALUE, "subject: over %zu attributes", max);
		struct dn_value v = {.type = type_by_oid(oid)};
		if (!v.type)
			return fail(e, E_BAD_VALUE, "subject: attribute type #%s isn't taken", arena_hex(a, oid.data, oid.len));
		v.value = value_text(a, tag, der_bytes(&content));
		if (!v.value)
			return fail(e, E_BAD_VALUE, "%s: not readable as text (string type 0x%02x)", v.type->name, (unsigned)tag);
		if (dn_check(&v, e) < 0)
			return -1;
		ret_values[n++] = v;
	}
	*ret_n = n;
	return 0;
}

void
dn_put(struct buf *b, const struct dn_value *values, size_t n)
{
	size_t name = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < n; i++) {
		size_t set = der_begin(b, DER_SET), pair = der_begin(b, DER_SEQUENCE);
		der_put(b, DER_OID, values[i].type->oid.data, values[i].type->oid.len);
		der_put_str(b, values[i].type->tag, values[i].value);
		der_close(b, pair);
		der_close(b, set);
	}
	der_close(b, name);
}

/* RFC 4514 2.4. */
static void
put_escaped(struct buf *b, const char *s)
{
	for (const char *p = s; *p; p++) {
		bool edge = (p == s && (*p == ' ' || *p == '#')) || (p[1] == 0 && *p == ' ');
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			buf_printf(b, "\\%02x", (unsigned)(unsigned char)*p);
		else if (edge || strchr("\",+;<>\\", *p))
			buf_printf(b, "\\%c", *p);
		else
			buf_add_byte(b, (uint8_t)*p);
	}
}

static void
put_attribute(struct arena *a, struct buf *b, struct der *pair)
{
	struct error e;
	struct bytes oid, whole;
	struct der content;
	int tag;
	if (der_get_oid(pair, "", &oid, &e) < 0 || der_get_any(pair, "", &tag, &whole, &content, &e) < 0)
		return;
	const struct dn_type *type = type_by_oid(oid);
	const char *text = value_text(a, tag, der_bytes(&content));
	buf_add_str(b, type ? type->name : arena_printf(a, "#%s", arena_hex(a, oid.data, oid.len)));
	buf_add_str(b, "=");
	if (type && text)
		put_escaped(b, text);
	else
		buf_printf(b, "#%s", arena_hex(a, whole.data, whole.len));
}

char *
dn_text(struct arena *a, struct bytes name_der)
{
	struct der d = der_of(name_der), rdns, parts[LIMIT_RDN_COUNT];
	struct error e;
	size_t n = 0;
	if (der_get(&d, DER_SEQUENCE, "name", &rdns, &e) == 0)
		while (n < ARRAY_LEN(parts) && !der_at_end(&rdns) && der_get(&rdns, DER_SET, "name", &parts[n], &e) == 0)
			n++;
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	while (n--) { /* most specific first: RFC 4514 2.1 */
		struct der pair;
		for (bool first = true; !der_at_end(&parts[n]) && der_get(&parts[n], DER_SEQUENCE, "name", &pair, &e) == 0; first = false) {
			if (!first)
				buf_add_str(&b, "+");
			put_attribute(a, &b, &pair);
		}
		if (n)
			buf_add_str(&b, ",");
	}
	return arena_strndup(a, (const char *)b.data, b.len);
}
