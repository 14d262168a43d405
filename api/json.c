/* Writes JSON (RFC 8259). */
#include "config.h"
#include "api/json.h"
#include "lib/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
jw_free(struct json *j)
{
	buf_free(&j->out);
}

static void
quote(struct json *j, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	const char *from = s;

	buf_add_byte(&j->out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_add(&j->out, from, (size_t)(s - from));
		from = s + 1;
		if (c == '"' || c == '\\') {
			buf_add(&j->out, (char[]){'\\', (char)c}, 2);
		} else if (c == '\n') {
			buf_add(&j->out, "\\n", 2);
		} else {
			buf_add(&j->out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
		}
	}
	buf_add(&j->out, from, (size_t)(s - from));
	buf_add_byte(&j->out, '"');
}

static void
begin(struct json *j, const char *name)
{
	if (j->comma)
		buf_add_byte(&j->out, ',');
	j->comma = true;
	if (name) {
		quote(j, name);
		buf_add_byte(&j->out, ':');
	}
}

void
jw_open(struct json *j, const char *name)
{
	begin(j, name);
	buf_add_byte(&j->out, '{');
	j->comma = false;
}

void
jw_close(struct json *j)
{
	buf_add_byte(&j->out, '}');
	j->comma = true;
}

void
jw_open_array(struct json *j, const char *name)
{
	begin(j, name);
	buf_add_byte(&j->out, '[');
	j->comma = false;
}

void
jw_close_array(struct json *j)
{
	buf_add_byte(&j->out, ']');
	j->comma = true;
}

void
jw_raw(struct json *j, const char *name, const char *text)
{
	begin(j, name);
	buf_add(&j->out, text, strlen(text));
}

void
jw_text(struct json *j, const char *name, const char *value)
{
	if (!value) {
		jw_null(j, name);
		return;
	}
	begin(j, name);
	quote(j, value);
}

void
jw_int(struct json *j, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, value);
	jw_raw(j, name, text);
}

void
jw_bool(struct json *j, const char *name, bool value)
{
	jw_raw(j, name, value ? "true" : "false");
}

void
jw_null(struct json *j, const char *name)
{
	jw_raw(j, name, "null");
}

void
jw_time(struct json *j, const char *name, int64_t seconds)
{
	char text[TIME_TEXT_BYTES];

	jw_text(j, name, *time_text(seconds, text) ? text : NULL);
}
