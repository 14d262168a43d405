#include "lib/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option_row option_table[OPT_COUNT] = {
#define OPTION(section, key, type, def, min, max, help) {#section, #key, OPTION_##type, def, min, max, help},
#include "lib/options.def"
#undef OPTION
};

struct config {
	char *text[OPT_COUNT]; /* NULL: the default holds */
	long number[OPT_COUNT];
};

/* The state of one reading. The first mistake is the one that is told. */
struct reader {
	struct config *config;
	FILE *file;
	const char *path;
	int line;
	bool failed;
	bool indented; /* the line begins with a blank: it goes on with the value before it */
	struct error *e;
};

static bool __attribute__((format(printf, 2, 3)))
refuse(struct reader *r, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (r->failed)
		return false;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->failed = true;
	fail(r->e, E_BAD_VALUE, "%s:%d: %s", r->path, r->line, text);
	return false;
}

static bool
section_known(const char *name, size_t len)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		if (strlen(option_table[i].section) == len && strncmp(option_table[i].section, name, len) == 0)
			return true;
	}
	return false;
}

static int
option_find(const char *section, const char *key)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		if (strcmp(option_table[i].section, section) == 0 && strcmp(option_table[i].key, key) == 0)
			return i;
	}
	return -1;
}

static bool
number_parse(const struct option_row *row, const char *value, long *ret)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno || end == value || *end || strspn(value, "-0123456789") != strlen(value))
		return false;
	if (n < row->min || n > row->max)
		return false;
	*ret = n;
	return true;
}

/* Called by inih for each key. inih goes on after a 0 and gives back the first line that was refused. */
static int
take(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	int i = option_find(section, key);
	const struct option_row *row;

	if (r->failed)
		return 0;
	if (section[0] == '\0')
		return refuse(r, "\"%s\" stands before the first [section]", key);
	if (i < 0)
		return refuse(r, "there is no option \"%s\" in [%s]", key, section);
	row = &option_table[i];
	if (r->config->text[i] && r->indented && row->type == OPTION_STR) {
		size_t size = strlen(r->config->text[i]) + strlen(value) + 2;
		char *joined = xcalloc(1, size);
		snprintf(joined, size, "%s %s", r->config->text[i], value);
		free(r->config->text[i]);
		r->config->text[i] = joined;
		return 1;
	}
	if (r->config->text[i])
		return refuse(r, "\"%s\" in [%s] is given twice", key, section);
	if (row->type == OPTION_INT && !number_parse(row, value, &r->config->number[i]))
		return refuse(r, "\"%s\" wants a whole number from %ld to %ld", key, row->min, row->max);
	if (row->type == OPTION_PATH && value[0] != '/' && !(value[0] == '\0' && row->def[0] == '\0'))
		return refuse(r, "\"%s\" wants an absolute path", key);
	r->config->text[i] = xstrdup(value);
	return 1;
}

/* inih sees a section only with its first key; an unknown one without keys is a mistake as well. */
static void
check_section(struct reader *r, const char *line)
{
	const char *end;

	line += strspn(line, " \t");
	if (*line != '[')
		return;
	end = strchr(++line, ']');
	if (!end)
		refuse(r, "a ] is missing");
	else if (!section_known(line, (size_t)(end - line)))
		refuse(r, "there is no section [%.*s]", (int)(end - line), line);
}

/* Gives inih one line. Lines beyond inih's buffer would silently become two, and a NUL would hide the rest: both refused. */
static char *
next_line(char *out, int size, void *stream)
{
	struct reader *r = stream;
	int n = 0, c;

	while (n < size - 1 && (c = getc(r->file)) != EOF) {
		out[n++] = (char)c;
		if (c == '\n')
			break;
	}
	out[n] = '\0';
	if (n == 0)
		return NULL;
	r->line++;
	r->indented = out[0] == ' ' || out[0] == '\t';
	if (strlen(out) != (size_t)n)
		refuse(r, "the line holds a NUL");
	else if (n == size - 1 && out[n - 1] != '\n')
		refuse(r, "the line is longer than %d bytes", size - 2);
	else
		check_section(r, out);
	return r->failed ? NULL : out;
}

int
config_load(const char *path, struct config **ret, struct error *e)
{
	CLEANUP(config_free) struct config *c = xcalloc(1, sizeof(*c));
	struct reader r = {.config = c, .path = path, .e = e};
	bool bad_read;
	int line;

	for (int i = 0; i < OPT_COUNT; i++) {
		if (option_table[i].type == OPTION_INT)
			c->number[i] = strtol(option_table[i].def, NULL, 10);
	}
	r.file = fopen(path, "re");
	if (!r.file)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", path, strerror(errno));
	line = ini_parse_stream(next_line, &r, take, &r);
	bad_read = ferror(r.file) != 0;
	fclose(r.file);
	if (bad_read)
		return fail(e, E_UNAVAILABLE, "can't read %s", path);
	if (!r.failed && line != 0) {
		r.line = line;
		refuse(&r, "neither a [section], \"key = value\" nor a comment");
	}
	if (r.failed)
		return -1;
	*ret = TAKE(c);
	return 0;
}

void
config_free(struct config *c)
{
	if (!c)
		return;
	for (int i = 0; i < OPT_COUNT; i++)
		free(c->text[i]);
	free(c);
}

const char *
config_str(const struct config *c, enum option_id id)
{
	return c->text[id] ? c->text[id] : option_table[id].def;
}

long
config_int(const struct config *c, enum option_id id)
{
	return c->number[id];
}
