#include <config.h>

#include "cli/table.h"

#include <string.h>
#include <wchar.h>

#include "lib/buf.h"
#include "lib/utf8.h"

#define GAP 2 /* blanks between columns */

struct row {
	struct row *next;
	const char *cells[];
};

struct table {
	struct arena *arena;
	const char *const *headings;
	size_t n_columns, *widths;
	struct row *first, **end;
};

char *
text_safe(struct arena *a, const char *text)
{
	const uint8_t *in = (const uint8_t *)text;
	size_t left = strlen(text);
	char *out = arena_alloc(a, left * 4 + 1), *p = out;

	while (left > 0) {
		size_t n = utf8_printable(in, left);

		if (n == 0) {
			p += snprintf(p, 5, "\\x%02x", *in);
			n = 1;
		} else {
			memcpy(p, in, n);
			p += n;
		}
		in += n;
		left -= n;
	}
	return out;
}

size_t
text_width(const char *text)
{
	const uint8_t *in = (const uint8_t *)text;
	size_t left = strlen(text), width = 0;

	while (left > 0) {
		uint32_t point = 0;
		size_t n = utf8_next(in, left, &point);
		int w = point < 0x7f ? 1 : wcwidth((wchar_t)point);

		/* what the C library doesn't know is most likely one column wide */
		width += w >= 0 ? (size_t)w : 1;
		n = n ? n : 1;
		in += n;
		left -= n;
	}
	return width;
}

struct table *
table_new(struct arena *a, const char *const *headings, size_t n_columns)
{
	struct table *t = arena_alloc(a, sizeof(*t));

	t->arena = a;
	t->headings = headings;
	t->n_columns = n_columns;
	t->widths = arena_alloc(a, n_columns * sizeof(*t->widths));
	t->end = &t->first;
	for (size_t i = 0; i < n_columns; i++)
		t->widths[i] = text_width(headings[i]);
	return t;
}

void
table_row(struct table *t, const char *const *cells)
{
	struct row *row = arena_alloc(t->arena, sizeof(*row) + t->n_columns * sizeof(*row->cells));

	for (size_t i = 0; i < t->n_columns; i++) {
		size_t width;

		row->cells[i] = text_safe(t->arena, cells[i] ? cells[i] : "");
		width = text_width(row->cells[i]);
		if (width > t->widths[i])
			t->widths[i] = width;
	}
	*t->end = row;
	t->end = &row->next;
}

/* The last column isn't padded, so that lines don't end in blanks. */
static void
print_line(const struct table *t, const char *const *cells, FILE *to)
{
	size_t last = t->n_columns - 1;

	while (last > 0 && cells[last][0] == '\0')
		last--;
	for (size_t i = 0; i <= last; i++) {
		fputs(cells[i], to);
		if (i < last)
			fprintf(to, "%*s", (int)(t->widths[i] - text_width(cells[i]) + GAP), "");
	}
	fputc('\n', to);
}

void
table_print(const struct table *t, FILE *to)
{
	if (!t->first) {
		fputs("none\n", to);
		return;
	}
	print_line(t, t->headings, to);
	for (const struct row *row = t->first; row; row = row->next)
		print_line(t, row->cells, to);
}
