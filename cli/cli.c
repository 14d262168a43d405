#include <config.h>

#include "cli/cli.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/table.h"
#include "lib/secret.h"

#define ARENA_BYTES ((size_t)1024 * 1024 * 1024) /* a long list of certificates on its way to a table */

const struct command *const command_groups[] = {commands_cert,  commands_ca,    commands_login, commands_db,
                                                commands_audit, commands_setup, commands_import, commands_resources, NULL};

static const struct arg_spec common[] = {
	{"config", ARG_VALUE, "FILE", "configuration (" SIEGEL_SYSCONFDIR "/siegel.conf)"},
	{"url", ARG_VALUE, "URL", "address of the REST interface (SIEGEL_URL); without it the local socket is used"},
	{"cacert", ARG_VALUE, "FILE", "CA certificates that vouch for the address (SIEGEL_CACERT)"},
	{"token-file", ARG_VALUE, "FILE", "token, mode 0600 (else SIEGEL_TOKEN, else ~/.config/siegel/token)"},
	{"json", ARG_FLAG, NULL, "print JSON for programs"},
	{"help", ARG_FLAG, NULL, "print help"},
	{"version", ARG_FLAG, NULL, "print the version"},
	{NULL, ARG_FLAG, NULL, NULL},
};

int
cli_usage(struct error *e, const char *fmt, ...)
{
	char text[sizeof(e->detail)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail(e, E_MALFORMED, "%s", text);
	return CLI_USAGE;
}

int
cli_config(struct cli *c, const struct config **ret, struct error *e)
{
	const char *path = args_get(&c->args, "config");

	if (!c->config && config_load(path ? path : SIEGEL_SYSCONFDIR "/siegel.conf", &c->config, e) < 0)
		return -1;
	*ret = c->config;
	return 0;
}

void
cli_print_json(const json_t *doc)
{
	json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
}

static void
print_options(const struct arg_spec *options, FILE *to)
{
	for (const struct arg_spec *o = options; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		fprintf(to, "  %-26s %s%s\n", left, o->help, o->kind == ARG_MANY ? " (as often as needed)" : "");
	}
}

static void
print_name(const struct command *c, FILE *to)
{
	fprintf(to, "%s%s%s%s%s", c->group, c->verb ? " " : "", c->verb ? c->verb : "", c->words[0] ? " " : "", c->words);
}

static void
help_all(FILE *to)
{
	fputs("Usage: siegelctl [options] COMMAND …\n\nCommands:\n", to);
	for (size_t g = 0; command_groups[g]; g++) {
		for (const struct command *c = command_groups[g]; c->group; c++) {
			char left[64];

			snprintf(left, sizeof(left), "%s %s %s", c->group, c->verb ? c->verb : "", c->words);
			fprintf(to, "  %-32s %s\n", left, c->help);
		}
	}
	fprintf(to, "  %-32s %s\n", "RESOURCE VERB …", command_resource.help);
	fputs("\nOptions of all commands:\n", to);
	print_options(common, to);
	fputs("\n'siegelctl COMMAND --help' tells the options of a command. siegelctl(8) tells the rest.\n", to);
}

static void
help_command(const struct command *c, FILE *to)
{
	fputs("Usage: siegelctl ", to);
	print_name(c, to);
	fprintf(to, " [options]\n%s\n", c->help);
	if (c->options) {
		fputs("\nOptions:\n", to);
		print_options(c->options, to);
	}
	fputs("\nOptions of all commands:\n", to);
	print_options(common, to);
}

static bool
is_group(const char *word)
{
	for (size_t g = 0; command_groups[g]; g++) {
		if (command_groups[g]->group && strcmp(command_groups[g]->group, word) == 0)
			return true;
	}
	return false;
}

/* Finds the command among the first words that aren't options; *ret_words says how many are its own. */
static const struct command *
find_command(int argc, char **argv, int *ret_index)
{
	const char *words[2] = {NULL, NULL};
	size_t n = 0;

	for (int i = 1; i < argc && n < 2; i++) {
		if (strncmp(argv[i], "--", 2) != 0) {
			if (n == 0)
				*ret_index = i;
			words[n++] = argv[i];
			continue;
		}
		/* options with a value may stand before the command, when they are common ones */
		for (const struct arg_spec *o = common; o->name; o++) {
			if (o->kind == ARG_VALUE && strcmp(argv[i] + 2, o->name) == 0)
				i++;
			if (i >= argc)
				break;
		}
	}
	for (size_t g = 0; n > 0 && command_groups[g]; g++) {
		for (const struct command *c = command_groups[g]; c->group; c++) {
			if (strcmp(c->group, words[0]) == 0 && (!c->verb || (n > 1 && strcmp(c->verb, words[1]) == 0)))
				return c;
		}
	}
	return n > 0 && !is_group(words[0]) && strcmp(words[0], "help") != 0 ? &command_resource : NULL;
}

static void
print_error(const struct error *e)
{
	fprintf(stderr, "siegelctl: %s", e->detail);
	if (e->pointer[0])
		fprintf(stderr, " (%s)", e->pointer);
	fputc('\n', stderr);
	if (e->retry_after_sec)
		fprintf(stderr, "siegelctl: try again after %u s\n", e->retry_after_sec);
}

/* Takes the command's own words out of the front. */
static void
drop_words(struct args *a, size_t n)
{
	memmove(a->words, a->words + n, (a->n_words - n) * sizeof(a->words[0]));
	a->n_words -= n;
}

static int
usage_error(const struct command *command, const struct error *e)
{
	fprintf(stderr, "siegelctl: %s\nTry: siegelctl ", e->detail);
	if (command) {
		/* without the words that follow: the line is there to be pasted, and "ID|SERIAL" would be a pipe */
		fprintf(stderr, "%s%s%s ", command->group, command->verb ? " " : "", command->verb ? command->verb : "");
	}
	fputs("--help\n", stderr);
	return CLI_USAGE;
}

static int
run(const struct command *command, struct cli *c)
{
	struct error e = {0};
	int rc;

	drop_words(&c->args, command->verb ? 2 : command == &command_resource ? 0 : 1);
	if (c->args.n_words < command->min_words || c->args.n_words > command->max_words) {
		if (c->args.n_words < command->min_words)
			cli_usage(&e, "%s is missing", command->words);
		else
			cli_usage(&e, "there are too many words");
		return usage_error(command, &e);
	}
	rc = command->run(c, &e);
	if (rc == CLI_USAGE)
		return usage_error(command, &e);
	if (rc < 0)
		print_error(&e);
	if (fflush(stdout) != 0 && rc == 0) {
		perror("siegelctl: standard output");
		return EXIT_FAILURE;
	}
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
help_resource(struct cli *c, const char *resource)
{
	struct error e = {0};

	if (resource_help(c, resource, &e) == 0) {
		putchar('\n');
		return EXIT_SUCCESS;
	}
	print_error(&e);
	return EXIT_FAILURE;
}

int
cli_main(int argc, char **argv)
{
	const struct rlimit none = {0, 0};
	CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_BYTES);
	struct cli c = {.arena = arena};
	const struct command *command;
	struct error e = {0};
	int rc, at = argc;

	/* Widths of characters alone: messages are in one language. */
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(077);
	setrlimit(RLIMIT_CORE, &none); /* tokens and keys pass through here */
	secret_init();
	command = find_command(argc, argv, &at);
	if (args_parse(argc, argv, 1, common, command ? command->options : NULL, &c.args, &e) < 0)
		return usage_error(command, &e);
	if (args_has(&c.args, "version")) {
		puts("siegelctl " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	if (args_has(&c.args, "help") || (!command && c.args.n_words == 1 && strcmp(c.args.words[0], "help") == 0)) {
		rc = command == &command_resource ? help_resource(&c, argv[at]) : EXIT_SUCCESS;
		if (rc == EXIT_SUCCESS)
			command ? help_command(command, stdout) : help_all(stdout);
		config_free(c.config);
		return rc;
	}
	if (!command) {
		if (at < argc && c.args.n_words == 1 && is_group(argv[at]))
			cli_usage(&e, "\"%s\" wants another word", argv[at]);
		else if (at < argc)
			cli_usage(&e, "there is no command \"%s%s%s\"", argv[at], c.args.n_words > 1 ? " " : "",
			          c.args.n_words > 1 ? c.args.words[1] : "");
		else
			cli_usage(&e, "a command is missing");
		return usage_error(NULL, &e);
	}
	c.json = args_has(&c.args, "json");
	rc = run(command, &c);
	config_free(c.config);
	return rc;
}
