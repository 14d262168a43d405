/* A collection of the REST interface, as a table for people or as one JSON document. */
#ifndef SIEGEL_CLI_LIST_H
#define SIEGEL_CLI_LIST_H
#include "cli/client.h"

struct list_column {
	const char *heading;
	const char *attribute; /* "id" is the resource's id; "type" its type */
};

/* Options --filter, --sort and --limit of a list command. */
#define LIST_OPTIONS                                                                                                         \
	{"filter", ARG_MANY, "NAME=VALUE", "only what matches; NAME[lt], [le], [gt], [ge], [contains] compare"},             \
	    {"sort", ARG_VALUE, "NAME", "order by an attribute; -NAME for descending"},                                      \
	    {"limit", ARG_VALUE, "N", "stop after N (else all)"}

/* Reads all pages of a collection, or up to --limit, and prints them. 0, -1 or CLI_USAGE. */
int list_run(struct cli *c, const char *collection, const struct list_column *columns, size_t n_columns, struct error *e);
/* The same for a collection that no command knows: the columns are --columns, or the first short attributes. */
int list_any(struct cli *c, const char *collection, struct error *e);
/* Prints one resource: attributes one under the other, long texts (PEM) after the rest. */
void list_show(struct cli *c, const json_t *doc);

#endif
