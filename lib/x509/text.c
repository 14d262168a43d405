#include "lib/x509/text.h"

#include <string.h>

#include "lib/utf8.h"

static bool
is_deceptive(uint32_t c)
{
	return (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	    (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

int
text_check(const char *s, size_t len, size_t max_chars, const char *what, struct error *e)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t chars = 0;
	if (len == 0)
		return fail(e, E_BAD_VALUE, "%s: empty", what);
	while (len) {
		uint32_t c = 0;
		size_t n = utf8_next(p, len, &c);
		if (n == 0)
			return fail(e, E_BAD_VALUE, "%s: not UTF-8", what);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return fail(e, E_BAD_VALUE, "%s: control character U+%04X", what, c);
		if (is_deceptive(c))
			return fail(e, E_BAD_VALUE, "%s: character U+%04X changes how the text is shown", what, c);
		p += n;
		len -= n;
		if (++chars > max_chars)
			return fail(e, E_BAD_VALUE, "%s: over %zu characters", what, max_chars);
	}
	return 0;
}

bool
text_is_printable_string(const char *s)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || strchr(" '()+,-./:=?", *s)))
			return false;
	return true;
}
