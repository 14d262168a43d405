/* Tables for people: columns aligned by what a terminal shows, nothing that a terminal would act on. */
#ifndef SIEGEL_CLI_TABLE_H
#define SIEGEL_CLI_TABLE_H
#include <stdio.h>
#include "lib/arena.h"

struct table;

/* A table with these headings, in the arena. headings lives as long as the table. */
struct table *table_new(struct arena *a, const char *const *headings, size_t n_columns) __attribute__((returns_nonnull));
/* Adds a row; cells are copied. NULL cells are empty. */
void table_row(struct table *t, const char *const *cells);
/* Prints headings and rows; a table without rows prints "none". */
void table_print(const struct table *t, FILE *to);

/* The text as it may reach a terminal: control characters, marks of direction and bytes that aren't UTF-8 as \xNN. */
char *text_safe(struct arena *a, const char *text) __attribute__((returns_nonnull));
/* Columns that a safe text takes on a terminal. */
size_t text_width(const char *text);

#endif
