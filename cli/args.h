/* Words and options of a command line, by table. Options may stand anywhere; "--" ends them. */
#ifndef SIEGEL_CLI_ARGS_H
#define SIEGEL_CLI_ARGS_H
#include <stdbool.h>
#include <stddef.h>
#include "lib/error.h"

enum arg_kind { ARG_FLAG, ARG_VALUE, ARG_MANY };

struct arg_spec {
	const char *name; /* without dashes; NULL ends a table */
	enum arg_kind kind;
	const char *value; /* placeholder for help, "FILE"; NULL for a flag */
	const char *help;
};

#define ARGS_MAX 160 /* more than LIMIT_SAN_COUNT names and the other options of one command */

struct args {
	struct {
		const struct arg_spec *spec;
		const char *value; /* "" for a flag */
	} found[ARGS_MAX];
	size_t n_found;
	const char *words[ARGS_MAX];
	size_t n_words;
};

/* Reads argv[first..] by both tables. -1 with E_MALFORMED for an option that is unknown, lacks or mustn't have a value, or is given
 * twice, and for too many words. Values point into argv. */
int args_parse(int argc, char **argv, int first, const struct arg_spec *common, const struct arg_spec *own, struct args *ret,
               struct error *e) MUST_CHECK;
/* The value of an option, "" of a flag, NULL when it isn't given. */
const char *args_get(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *name);
/* The next value of an ARG_MANY option: *at starts at 0. NULL at the end. */
const char *args_next(const struct args *a, const char *name, size_t *at);
/* A whole number in the range, or def when the option isn't given. */
int args_number(const struct args *a, const char *name, long min, long max, long def, long *ret, struct error *e) MUST_CHECK;

#endif
