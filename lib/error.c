#include "lib/error.h"

#include <stdarg.h>
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

static void PRINTF_LIKE(4, 0)
fill(struct error *e, enum error_code code, const char *pointer, const char *fmt, va_list args)
{
	char text[sizeof(e->detail)];
	int n = vsnprintf(text, sizeof(text), fmt, args);

	if (n < 0)
		text[0] = '\0';
	/* A cut in the middle of a character leaves its first bytes: drop them rather than show a '?'. */
	if (n >= (int)sizeof(text))
		text[utf8_whole(text, strlen(text))] = '\0';
	e->code = code;
	e->retry_after_sec = 0;
	copy_clean(e->detail, sizeof(e->detail), text);
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
