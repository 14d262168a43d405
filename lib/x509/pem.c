#include "lib/x509/pem.h"

#include <openssl/evp.h>
#include <string.h>

char *
base64_encode(struct arena *a, struct bytes in)
{
	char *out = arena_alloc(a, 4 * ((in.len + 2) / 3) + 1);
	EVP_EncodeBlock((unsigned char *)out, in.data, (int)in.len);
	return out;
}

static int
sextet(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* EVP_DecodeBlock takes neither line breaks nor missing checks of the padding bits, so the sextets are read here. */
int
base64_decode(struct arena *a, const char *text, size_t len, struct bytes *ret, struct error *e)
{
	uint8_t *out = arena_alloc(a, len / 4 * 3 + 3);
	size_t n = 0, symbols = 0, padding = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		int v = sextet(c);
		if (v < 0)
			return fail(e, E_MALFORMED, "octet %zu isn't base64", i);
		if (padding)
			return fail(e, E_MALFORMED, "base64 goes on after its padding");
		bits = bits << 6 | (uint32_t)v;
		if (++symbols % 4 == 0) {
			out[n++] = (uint8_t)(bits >> 16);
			out[n++] = (uint8_t)(bits >> 8);
			out[n++] = (uint8_t)bits;
			bits = 0;
		}
	}
	size_t tail = symbols % 4;
	if (tail == 1 || (tail == 0 && padding) || (tail && padding != 4 - tail))
		return fail(e, E_MALFORMED, "base64 ends early or has the wrong padding");
	if ((tail == 2 && bits & 0xf) || (tail == 3 && bits & 3))
		return fail(e, E_MALFORMED, "base64 with bits set behind its end");
	if (tail == 2)
		out[n++] = (uint8_t)(bits >> 4);
	if (tail == 3) {
		out[n++] = (uint8_t)(bits >> 10);
		out[n++] = (uint8_t)(bits >> 2);
	}
	if (n == 0)
		return fail(e, E_MALFORMED, "empty where base64 is wanted");
	*ret = (struct bytes){out, n};
	return 0;
}

char *
pem_encode(struct arena *a, const char *label, struct bytes der)
{
	char *base64 = base64_encode(a, der);
	size_t len = strlen(base64), label_len = strlen(label);
	char *out = arena_alloc(a, len + len / 64 + 2 * label_len + 40), *p = out;
	p = stpcpy(stpcpy(stpcpy(p, "-----BEGIN "), label), "-----\n");
	for (size_t i = 0; i < len; i += 64) {
		size_t line = len - i < 64 ? len - i : 64;
		memcpy(p, base64 + i, line);
		p += line;
		*p++ = '\n';
	}
	stpcpy(stpcpy(stpcpy(p, "-----END "), label), "-----\n");
	return out;
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* "-----BEGIN label-----" or its END at p: the place behind it, or NULL. */
static const char *
boundary(const char *p, const char *end, const char *which, const char *label)
{
	const char *parts[] = {"-----", which, " ", label, "-----"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t n = strlen(parts[i]);
		if ((size_t)(end - p) < n || memcmp(p, parts[i], n) != 0)
			return NULL;
		p += n;
	}
	return p;
}

int
pem_decode(struct arena *a, const char *text, size_t len, const char *label, const char *alternative, struct bytes *ret, struct error *e)
{
	const char *end = text + len, *start = skip_space(text, end);
	const char *used = label, *body = boundary(start, end, "BEGIN", label);
	if (!body && alternative) {
		used = alternative;
		body = boundary(start, end, "BEGIN", alternative);
	}
	if (!body)
		return fail(e, E_MALFORMED, "PEM that starts with \"-----BEGIN %s-----\" is wanted", label);
	const char *close = memmem(body, (size_t)(end - body), "-----END ", 9);
	if (!close)
		return fail(e, E_MALFORMED, "PEM without its \"-----END %s-----\"", used);
	const char *rest = boundary(close, end, "END", used);
	if (!rest)
		return fail(e, E_MALFORMED, "PEM that ends with another label than it starts with");
	if (skip_space(rest, end) != end)
		return fail(e, E_MALFORMED, "exactly one PEM block is wanted, but more follows it");
	return base64_decode(a, body, (size_t)(close - body), ret, e);
}
