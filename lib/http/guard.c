/* What must not get through, whatever stands in front of us: request smuggling (RFC 9112 6.3, 11.2), paths that mean something
 * else after another round of decoding, headers that come twice, bodies that are announced too large. */
#include "config.h"
#include "lib/http/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/limits.h"
#include "lib/utf8.h"

/* Two of these would let two readers of the same bytes see two requests, or two identities. */
static const char *const single[] = {
	"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding", "Authorization", "Idempotency-Key",
	"Expect", "Origin", "Sec-Fetch-Site", "X-Siegel-Console", "X-Siegel-Client-Cert", "X-Siegel-Host", "X-Real-IP", "X-Request-Id",
};

static const char *const methods[] = {"GET", "HEAD", "POST", "PATCH", "DELETE"};

const char *
http_header_get(const struct http_request *r, const char *name)
{
	for (int i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

const char *
http_query_get(const struct http_request *r, const char *name)
{
	for (int i = 0; i < r->n_query; i++)
		if (strcmp(r->query[i].name, name) == 0)
			return r->query[i].value;
	return NULL;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
http_decode(struct arena *a, const char *s, const char **ret, struct error *e)
{
	unsigned char *out = arena_alloc(a, strlen(s) + 1);
	size_t n = 0, step;
	int hi, lo;

	while (*s) {
		if (*s != '%') {
			out[n++] = (unsigned char)*s++;
			continue;
		}
		hi = hex_digit(s[1]);
		lo = hi < 0 ? -1 : hex_digit(s[2]);
		if (lo < 0)
			return fail(e, E_MALFORMED, "the address has a broken percent escape (RFC 3986 2.1)");
		if (hi == 0 && lo == 0)
			return fail(e, E_MALFORMED, "the address has an escaped NUL");
		out[n++] = (unsigned char)(hi << 4 | lo);
		s += 3;
	}
	for (size_t i = 0; i < n; i += step) {
		step = utf8_next(out + i, n - i, NULL);
		if (step == 0)
			return fail(e, E_MALFORMED, "the address isn't UTF-8 (RFC 3629)");
		if (out[i] < 0x20 || out[i] == 0x7f)
			return fail(e, E_MALFORMED, "the address has a control character");
	}
	*ret = (const char *)out;
	return 0;
}

const char *
http_client_cert_pem(const struct http_request *r)
{
	const char *s = http_header_get(r, "X-Siegel-Client-Cert");
	char *out;
	size_t n = 0;
	int hi, lo;

	if (!s || !*s)
		return NULL;
	out = arena_alloc(r->arena, strlen(s) + 1);
	while (*s) {
		hi = *s == '%' ? hex_digit(s[1]) : -1;
		lo = hi < 0 ? -1 : hex_digit(s[2]);
		if (lo < 0 || (hi == 0 && lo == 0)) {
			out[n++] = *s++;
			continue;
		}
		out[n++] = (char)(hi << 4 | lo);
		s += 3;
	}
	return out;
}

/* RFC 9110 5.6.2: token. */
static bool
valid_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *s))
			return false;
	return true;
}

/* RFC 9110 5.5: field-value without obsolete folding. */
static bool
valid_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static int
check_headers(const struct http_request *r, struct error *e)
{
	bool seen[ARRAY_LEN(single)] = {false};

	for (int i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (!valid_name(h->name))
			return fail(e, E_MALFORMED, "a header's name has characters that aren't allowed (RFC 9110 5.1)");
		if (!valid_value(h->value))
			return fail(e, E_MALFORMED, "the header %s has a control character (RFC 9110 5.5)", h->name);
		for (size_t k = 0; k < ARRAY_LEN(single); k++) {
			if (strcasecmp(h->name, single[k]) != 0)
				continue;
			if (seen[k])
				return fail(e, E_MALFORMED, "the header %s comes twice", single[k]);
			seen[k] = true;
		}
	}
	return 0;
}

/* RFC 9112 3.2. */
static int
check_host(const struct http_request *r, struct error *e)
{
	const char *host = http_header_get(r, "Host");

	if (!host || !*host)
		return fail(e, E_MALFORMED, "the header Host is missing (RFC 9112 3.2)");
	if (strlen(host) > 255 ||
	    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != strlen(host))
		return fail(e, E_MALFORMED, "the header Host isn't a name or an address (RFC 9112 3.2)");
	return 0;
}

/* RFC 9112 6.1 to 6.3, 11.2. */
static int
check_framing(const struct http_request *r, size_t max_body_bytes, struct error *e)
{
	const char *length = http_header_get(r, "Content-Length");
	const char *transfer = http_header_get(r, "Transfer-Encoding");
	const char *encoding = http_header_get(r, "Content-Encoding");
	const char *expect = http_header_get(r, "Expect");

	if (length && transfer)
		return fail(e, E_MALFORMED, "Content-Length and Transfer-Encoding come together (RFC 9112 6.3)");
	if (transfer && strcasecmp(transfer, "chunked") != 0)
		return fail(e, E_MALFORMED, "the only transfer coding taken here is chunked (RFC 9112 6.1)");
	if (length) {
		size_t digits = strspn(length, "0123456789");

		if (digits == 0 || length[digits])
			return fail(e, E_MALFORMED, "Content-Length isn't a number (RFC 9110 8.6)");
		if (digits > 15 || strtoull(length, NULL, 10) > max_body_bytes)
			return fail(e, E_TOO_LARGE, "the body is longer than %zu bytes", max_body_bytes);
	}
	/* Nothing is ever unpacked: a small body can't become a large one. */
	if (encoding && *encoding && strcasecmp(encoding, "identity") != 0)
		return fail(e, E_MEDIA_TYPE, "a body with a content coding isn't taken; send it plain");
	if (expect && strcasecmp(expect, "100-continue") != 0)
		return fail(e, E_MALFORMED, "the only expectation taken here is 100-continue (RFC 9110 10.1.1)");
	if (http_header_get(r, "Upgrade"))
		return fail(e, E_MALFORMED, "no other protocol is spoken here (RFC 9110 7.8)");
	return 0;
}

static int
check_path(const struct http_request *r, struct error *e)
{
	const char *s = r->path;

	if (strlen(r->raw_path) > LIMIT_URI_BYTES)
		return fail(e, E_URI_TOO_LONG, "the address is longer than %d bytes", LIMIT_URI_BYTES);
	if (r->raw_path[0] != '/' || s[0] != '/')
		return fail(e, E_MALFORMED, "the address has to begin with a slash (RFC 9112 3.2.1)");
	for (; *s; s++) {
		size_t len;

		/* Somebody behind us might decode once more. */
		if (*s == '%' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0)
			return fail(e, E_MALFORMED, "the address is escaped twice");
		if (*s == '\\')
			return fail(e, E_MALFORMED, "the address has a backslash");
		if (*s != '/')
			continue;
		len = strcspn(s + 1, "/");
		if ((len == 1 && s[1] == '.') || (len == 2 && s[1] == '.' && s[2] == '.'))
			return fail(e, E_MALFORMED, "the address has a segment of dots");
	}
	return 0;
}

int
http_guard(const struct http_request *r, size_t max_body_bytes, struct error *e)
{
	bool known = false;

	if (check_headers(r, e) || check_host(r, e) || check_framing(r, max_body_bytes, e) || check_path(r, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		known = known || strcmp(r->method, methods[i]) == 0;
	if (!known)
		return fail(e, E_BAD_METHOD, "methods are GET, HEAD, POST, PATCH and DELETE");
	return 0;
}
