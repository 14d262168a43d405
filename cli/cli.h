/* What the commands of siegelctl share. */
#ifndef SIEGEL_CLI_CLI_H
#define SIEGEL_CLI_CLI_H
#include <jansson.h>
#include <stdbool.h>
#include "cli/args.h"
#include "lib/arena.h"
#include "lib/config.h"

#define CLI_USAGE 2 /* what a command gives back for a command line that is wrong; *e says why */

/* One run of siegelctl. */
struct cli {
	struct arena *arena; /* for the whole run */
	struct args args;    /* words without those of the command */
	bool json;
	struct config *config; /* NULL until cli_config() */
};

struct command {
	const char *group, *verb; /* "cert", "issue"; verb NULL: the group stands alone */
	const char *words;        /* usage of the words that follow, "ID|SERIAL"; "" when none */
	size_t min_words, max_words;
	const char *help; /* one line */
	const struct arg_spec *options;
	/* 0, -1 with *e when it failed or was refused, or CLI_USAGE with *e. */
	int (*run)(struct cli *c, struct error *e);
};

/* One table for each group, ended by a row without group. */
extern const struct command commands_cert[], commands_ca[], commands_db[], commands_audit[], commands_setup[], commands_login[], commands_import[],
    commands_resources[];
/* Any other first word: a resource of the server. Its words are all of them, the first as well. */
extern const struct command command_resource;
/* Prints what a resource can, as the server describes it. */
int resource_help(struct cli *c, const char *resource, struct error *e) MUST_CHECK;
/* All of them, ended by NULL. */
extern const struct command *const command_groups[];

/* main(), with the streams of the process. */
int cli_main(int argc, char **argv);

/* Reads --config (default SIEGEL_SYSCONFDIR/siegel.conf) once. The pointer belongs to *c. */
int cli_config(struct cli *c, const struct config **ret, struct error *e) MUST_CHECK;
/* Prints a JSON document and a newline to standard output. */
void cli_print_json(const json_t *doc);
/* Fills *e and gives CLI_USAGE. */
int cli_usage(struct error *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline void
json_free_p(json_t **p)
{
	json_decref(*p);
}
#define JSON_CLEANUP __attribute__((cleanup(json_free_p)))

#endif
