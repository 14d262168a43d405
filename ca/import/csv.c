#include "ca/import/csv.h"

#include <string.h>

#include "lib/limits.h"
#include "lib/utf8.h"

#define COLUMNS 2
#define FIELD_MAX 1024

struct reader {
	const char *p, *end;
	char separator;
	size_t line;
};

/* One field; *ret_last: the row ends with it. */
static int
field(struct reader *r, struct arena *a, const char **ret, bool *ret_last, struct error *e)
{
	char text[FIELD_MAX + 1];
	size_t n = 0, began = r->line;
	bool quoted = r->p < r->end && *r->p == '"', open = quoted;
	if (quoted)
		r->p++;
	for (; r->p < r->end; r->p++) {
		char c = *r->p;
		if (open && c == '"') {
			if (r->p + 1 < r->end && r->p[1] == '"') {
				r->p++;
			} else {
				open = false;
				continue;
			}
		} else if (!open && (c == r->separator || c == '\n' || c == '\r')) {
			break;
		} else if (!open && quoted) {
			return fail(e, E_BAD_VALUE, "passwords, line %zu: behind a closing quote a separator is wanted", r->line);
		} else if (!open && c == '"') {
			return fail(e, E_BAD_VALUE,
			            "passwords, line %zu: a quote in the middle of a field: put the field in quotes and double it",
			            r->line);
		} else if (open && (c == '\n' || c == '\r')) {
			return fail(e, E_BAD_VALUE, "passwords, line %zu: a quote isn't closed", began);
		} else if ((unsigned char)c < ' ' || c == 0x7f) {
			return fail(e, E_BAD_VALUE, "passwords, line %zu: a control character in a field", r->line);
		}
		if (n == FIELD_MAX)
			return fail(e, E_BAD_VALUE, "passwords, line %zu: a field of over %d octets", began, FIELD_MAX);
		text[n++] = c;
	}
	if (open)
		return fail(e, E_BAD_VALUE, "passwords, line %zu: a quote isn't closed", began);
	*ret = arena_strndup(a, text, n);
	*ret_last = r->p == r->end || *r->p != r->separator;
	if (r->p < r->end && *r->p == r->separator)
		r->p++;
	return 0;
}

static void
end_row(struct reader *r)
{
	if (r->p < r->end && *r->p == '\r')
		r->p++;
	if (r->p < r->end && *r->p == '\n')
		r->p++;
	r->line++;
}

static int
check_text(struct bytes file, struct error *e)
{
	if (file.len >= 2 && ((file.data[0] == 0xff && file.data[1] == 0xfe) || (file.data[0] == 0xfe && file.data[1] == 0xff)))
		return fail(e, E_BAD_VALUE, "passwords: the file is UTF-16; save it as UTF-8");
	if (memchr(file.data, 0, file.len))
		return fail(e, E_BAD_VALUE, "passwords: there is a NUL in the file; UTF-8 text is wanted");
	if (!utf8_valid((const char *)file.data, file.len))
		return fail(e, E_BAD_VALUE, "passwords: the file isn't UTF-8");
	return 0;
}

static int
add(struct arena *a, struct password_row **rows, size_t *n, size_t *room, struct password_row row, size_t line, struct error *e)
{
	if (!*row.name)
		return fail(e, E_BAD_VALUE, "passwords, line %zu: the name of the file is missing", line);
	if (*n == LIMIT_IMPORT_PASSWORD_ROWS)
		return fail(e, E_BAD_VALUE, "passwords, line %zu: over %d rows", line, LIMIT_IMPORT_PASSWORD_ROWS);
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*rows)[i].name, row.name) == 0 && strcmp((*rows)[i].password, row.password) == 0)
			return fail(e, E_BAD_VALUE, "passwords, line %zu: the same row as before", line);
	if (*n == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct password_row *bigger = arena_alloc(a, more * sizeof(*bigger));
		if (*n)
			memcpy(bigger, *rows, *n * sizeof(*bigger));
		*rows = bigger;
		*room = more;
	}
	(*rows)[(*n)++] = row;
	return 0;
}

int
csv_passwords(struct arena *a, struct bytes file, struct password_row **ret, size_t *ret_n, struct error *e)
{
	struct password_row *rows = NULL;
	size_t n = 0, room = 0;
	if (check_text(file, e) < 0)
		return -1;
	if (file.len >= 3 && memcmp(file.data, "\xef\xbb\xbf", 3) == 0) { /* what spreadsheets put before UTF-8 */
		file.data += 3;
		file.len -= 3;
	}
	struct reader r = {(const char *)file.data, (const char *)file.data + file.len, ',', 1};
	size_t first = strcspn(arena_strndup(a, r.p, file.len < FIELD_MAX ? file.len : FIELD_MAX), ",;\n");
	if (first < file.len && r.p[first] == ';')
		r.separator = ';';
	while (r.p < r.end) {
		const char *fields[COLUMNS] = {"", ""}, *text;
		size_t k = 0, line = r.line;
		for (bool last = false; !last; k++) {
			if (field(&r, a, &text, &last, e) < 0)
				return -1;
			if (k == COLUMNS)
				return fail(e, E_BAD_VALUE, "passwords, line %zu: two columns are wanted: the file's name and its password", line);
			fields[k] = text;
		}
		end_row(&r);
		if (k == 1 && !*fields[0])
			continue;
		if (k != COLUMNS)
			return fail(e, E_BAD_VALUE, "passwords, line %zu: two columns are wanted: the file's name and its password", line);
		if (line == 1 && strcmp(fields[0], "file") == 0 && strcmp(fields[1], "password") == 0)
			continue;
		if (add(a, &rows, &n, &room, (struct password_row){fields[0], fields[1]}, line, e) < 0)
			return -1;
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}
