#include "lib/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

static const struct {
	int http, scep, cmc, acme_http;
	const char *acme, *name, *title;
} rows[E_COUNT] = {
#define ERROR(code, http, scep, cmc, acme_http, acme, name, title) [E_##code] = {http, scep, cmc, acme_http, acme, name, title},
#include "lib/errors.def"
#undef ERROR
};

/* Copies with control characters and bytes that aren't UTF-8 as '?': the text reaches terminals and logs. Cuts at a whole
 * character. */
static void
copy_clean(char *out, size_t size, const char *text)
{
	const uint8_t *in = (const uint8_t *)text;
	size_t left = strlen(text), n = 0;

	while (left > 0) {
		size_t len = utf8_printable(in, left);
		size_t take = len ? len : 1;

		if (n + take >= size)
			break;
		if (len)
			memcpy(out + n, in, len);
		else
			out[n] = '?';
		n += take;
		in += take;
		left -= take;
	}
	out[n] = '\0';
}

/* What stands around a value while the text is made. A value that has them itself is told apart by neither: then the text isn't found in another
 * language, and that is all. */
#define VALUE_BEGINS '\x02'
#define VALUE_ENDS '\x03'

/* The format with marks around each conversion; false when there is no room for them. */
static bool
mark(const char *fmt, char *ret, size_t size)
{
	size_t n = 0;

	while (*fmt) {
		size_t len = 1;

		if (fmt[0] == '%' && fmt[1] == '%')
			len = 2;
		else if (fmt[0] == '%')
			len += strspn(fmt + 1, "#0- +.*123456789hlLjzt") + 1;
		if (n + len + 3 > size)
			return false;
		if (len > 1 && fmt[1] != '%')
			ret[n++] = VALUE_BEGINS;
		memcpy(ret + n, fmt, len);
		n += len;
		if (len > 1 && fmt[1] != '%')
			ret[n++] = VALUE_ENDS;
		fmt += len;
	}
	ret[n] = '\0';
	return true;
}

/* Takes the marks out of the text and notes where they were. */
static void
take_marks(struct error *e, char *text)
{
	size_t n = 0, begun = 0;
	bool inside = false;

	e->n_values = 0;
	for (const char *p = text; *p; p++) {
		if (*p == VALUE_BEGINS && !inside) {
			inside = true;
			begun = n;
		} else if (*p == VALUE_ENDS && inside) {
			inside = false;
			if (e->n_values < ERROR_VALUES) {
				e->values[e->n_values].at = (uint16_t)begun;
				e->values[e->n_values++].len = (uint16_t)(n - begun);
			}
		} else {
			text[n++] = *p;
		}
	}
	text[n] = '\0';
}

static void PRINTF_LIKE(4, 0)
fill(struct error *e, enum error_code code, const char *pointer, const char *fmt, va_list args)
{
	char marked[sizeof(e->detail) + 4 * ERROR_VALUES], text[sizeof(e->detail) + 4 * ERROR_VALUES], copy[sizeof(e->detail)];
	int n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the caller's literal, with marks */
	n = vsnprintf(text, sizeof(text), mark(fmt, marked, sizeof(marked)) ? marked : fmt, args);
#pragma GCC diagnostic pop
	if (n < 0)
		text[0] = '\0';
	/* A cut in the middle of a character leaves its first bytes: drop them rather than show a '?'. */
	if (n >= (int)sizeof(text))
		text[utf8_whole(text, strlen(text))] = '\0';
	take_marks(e, text);
	if (strlen(text) >= sizeof(e->detail)) {
		text[utf8_whole(text, sizeof(e->detail) - 1)] = '\0';
		e->n_values = 0; /* what is cut isn't the text any more */
	}
	e->code = code;
	e->retry_after_sec = 0;
	copy_clean(copy, sizeof(copy), text);
	memcpy(e->detail, copy, sizeof(copy));
	e->message_de[0] = '\0';
	copy_clean(e->pointer, sizeof(e->pointer), pointer);
}

int
(fail)(struct error *e, enum error_code code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(e, code, "", fmt, args);
	va_end(args);
	return -1;
}

int
(fail_at)(struct error *e, enum error_code code, const char *pointer, const char *fmt, ...)
{
	char copy[sizeof(e->pointer)];
	va_list args;

	/* The pointer may be e->pointer itself. */
	snprintf(copy, sizeof(copy), "%s", pointer);
	va_start(args, fmt);
	fill(e, code, copy, fmt, args);
	va_end(args);
	return -1;
}

void
error_german(struct error *e, const char *text)
{
	copy_clean(e->message_de, sizeof(e->message_de), text);
}

int
(fail_again)(struct error *e, enum error_code code, const char *pointer)
{
	char copy[sizeof(e->pointer)];

	snprintf(copy, sizeof(copy), "%s", pointer);
	copy_clean(e->pointer, sizeof(e->pointer), copy);
	e->code = code;
	e->retry_after_sec = 0;
	return -1;
}

/* A code from outside the list, which is a mistake of ours, reads as an internal fault. */
static enum error_code
known(enum error_code code)
{
	return (unsigned)code < E_COUNT ? code : E_INTERNAL;
}

int
error_http_status(enum error_code code)
{
	return rows[known(code)].http;
}

int
error_scep_fail_info(enum error_code code)
{
	return rows[known(code)].scep;
}

int
error_cmc_fail_info(enum error_code code)
{
	return rows[known(code)].cmc;
}

int
error_acme_status(enum error_code code)
{
	return rows[known(code)].acme_http;
}

const char *
error_acme_type(enum error_code code)
{
	return rows[known(code)].acme;
}

const char *
error_name(enum error_code code)
{
	return rows[known(code)].name;
}

const char *
error_title(enum error_code code)
{
	return rows[known(code)].title;
}
