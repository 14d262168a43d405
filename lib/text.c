#include "lib/text.h"

#include <string.h>
#include <time.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_put(struct bytes in, char *ret)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t v = (uint32_t)in.data[i] << 16 | (n > 1 ? (uint32_t)in.data[i + 1] << 8 : 0) | (n > 2 ? in.data[i + 2] : 0);
		for (size_t k = 0; k <= n; k++)
			*ret++ = alphabet[v >> (18 - 6 * k) & 63];
	}
	*ret = '\0';
}

char *
base64url_encode(struct arena *a, struct bytes in)
{
	char *out = arena_alloc(a, BASE64URL_BYTES(in.len));
	base64url_put(in, out);
	return out;
}

int
base64url_decode(struct arena *a, const char *text, size_t len, const char *what, struct bytes *ret, struct error *e)
{
	/* A character's value and 1; 0: it has none. */
	static const uint8_t values[256] = {
	    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
	};
	uint8_t *out = arena_alloc(a, len / 4 * 3 + 4);
	uint32_t v = 0;
	size_t n = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t value = values[(uint8_t)text[i]];
		if (value == 0)
			return fail(e, E_MALFORMED, "%s: base64url without padding is wanted (RFC 7515 2)", what);
		v = v << 6 | (value - 1u);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(v >> bits);
			v &= (1u << bits) - 1;
		}
	}
	if (len % 4 == 1 || v != 0)
		return fail(e, E_MALFORMED, "%s: base64url of whole octets is wanted (RFC 7515 2)", what);
	*ret = (struct bytes){out, n};
	return 0;
}

const char *
time_text(int64_t at, char ret[TIME_TEXT_BYTES])
{
	time_t t = (time_t)at;
	struct tm tm;
	if (!gmtime_r(&t, &tm) || tm.tm_year < -900 || tm.tm_year > 8099 || strftime(ret, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = '\0';
	return ret;
}

bool
words_next(const char **text, const char **ret, size_t *ret_len)
{
	*text += strspn(*text, ",");
	*ret = *text;
	*ret_len = strcspn(*text, ",");
	*text += *ret_len;
	return *ret_len > 0;
}
