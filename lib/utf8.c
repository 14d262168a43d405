#include "lib/utf8.h"

size_t
utf8_next(const uint8_t *s, size_t len, uint32_t *ret_point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t point;
	size_t n;

	if (len == 0)
		return 0;
	if (s[0] < 0x80) {
		n = 1;
		point = s[0];
	} else if ((s[0] & 0xe0) == 0xc0) {
		n = 2;
		point = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		point = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		n = 4;
		point = s[0] & 0x07;
	} else {
		return 0;
	}
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	/* RFC 3629 section 3: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
	if (point < smallest[n] || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff)
		return 0;
	if (ret_point)
		*ret_point = point;
	return n;
}

size_t
utf8_printable(const uint8_t *s, size_t len)
{
	uint32_t p = 0;
	size_t n = utf8_next(s, len, &p);

	if (p < 0x20 || (p >= 0x7f && p <= 0x9f))
		return 0;
	if (p == 0x61c || p == 0x200e || p == 0x200f || (p >= 0x2028 && p <= 0x202e) || (p >= 0x2066 && p <= 0x2069))
		return 0;
	return n;
}

bool
utf8_valid(const void *s, size_t len)
{
	const uint8_t *p = s;

	while (len > 0) {
		size_t n = utf8_next(p, len, NULL);

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

size_t
utf8_whole(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	for (size_t back = 1; back <= 4 && back <= len; back++) {
		uint8_t c = p[len - back];

		if ((c & 0xc0) == 0x80)
			continue;
		if ((c & 0xc0) == 0xc0 && utf8_next(p + len - back, back, NULL) == 0)
			return len - back;
		break;
	}
	return len;
}
