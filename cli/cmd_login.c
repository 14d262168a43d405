/* A one-time code for a token. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/file.h"
#include "lib/limits.h"
#include "lib/secret.h"

/* Reads the code from the terminal without showing it, or one line of standard input. Never from argv: others can see it there. */
static int
read_code(struct secret **ret, struct error *e)
{
	char line[LIMIT_PASSWORD_BYTES + 2];
	bool terminal = isatty(STDIN_FILENO) == 1;
	struct termios before, quiet;
	bool got;

	if (terminal && tcgetattr(STDIN_FILENO, &before) == 0) {
		fputs("Code: ", stderr);
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(line, sizeof(line), stdin) != NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (got) {
		line[strcspn(line, "\r\n")] = '\0';
		*ret = secret_new(line, strlen(line));
	}
	explicit_bzero(line, sizeof(line));
	if (!got || (*ret)->len == 0)
		return fail(e, E_BAD_VALUE, "no code was given on standard input");
	return 0;
}

/* Makes the folders of a path; those that are there are left as they are. */
static void
make_folders(struct arena *a, const char *path)
{
	char *copy = arena_strdup(a, path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* a failure shows when the file is written */
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return;
		*slash = '/';
	}
}

/* The file beside the token with its id: what "logout" takes back. */
static const char *
id_path(struct arena *a, const char *path)
{
	return arena_printf(a, "%s.id", path);
}

static int
save(struct cli *c, const char *token, const char *id, struct error *e)
{
	const char *path, *line = arena_printf(c->arena, "%s\n", token), *second = arena_printf(c->arena, "%s\n", id);

	if (client_token_path(c->arena, &path, e) < 0)
		return -1;
	make_folders(c->arena, path);
	if (file_write(c->arena, path, line, strlen(line), 0600, e) < 0 ||
	    file_write(c->arena, id_path(c->arena, path), second, strlen(second), 0600, e) < 0)
		return -1;
	fprintf(stderr, "the token is kept in %s\n", path);
	return 0;
}

static int
run_login(struct cli *c, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	CLEANUP(secret_free) struct secret *code = NULL;
	JSON_CLEANUP json_t *doc = NULL;
	const char *name = args_get(&c->args, "name"), *token, *id;

	if (!name)
		return cli_usage(e, "--name is wanted");
	if (strchr(name, ':') || strlen(name) > 63)
		return cli_usage(e, "an account's name has up to 63 characters and no colon");
	if (client_new(c, &cl, e) < 0 || read_code(&code, e) < 0)
		return -1;
	client_use_basic(cl, name, (const char *)code->data);
	if (client_call(cl, "POST", "/tokens", NULL, &doc, e) < 0)
		return -1;
	token = resource_text(json_object_get(doc, "data"), "token");
	if (!token[0])
		return fail(e, E_INTERNAL, "the answer holds no token");
	id = json_string_value(json_object_get(json_object_get(doc, "data"), "id"));
	if (args_has(&c->args, "save"))
		return save(c, token, id ? id : "", e);
	if (c->json)
		cli_print_json(doc);
	else
		printf("%s\n", token);
	return 0;
}

/* The token that "login --save" kept is taken back by the server, and its file goes, also when the server has forgotten it already. */
static int
run_logout(struct cli *c, struct error *e)
{
	CLEANUP(client_free) struct client *cl = NULL;
	JSON_CLEANUP json_t *doc = NULL;
	const char *path, *id;

	if (client_token_path(c->arena, &path, e) < 0)
		return -1;
	if (file_read(c->arena, id_path(c->arena, path), 64, &id, e) < 0)
		return fail(e, E_NOT_FOUND, "no token is kept here: 'siegelctl login --save' keeps one");
	id = arena_strndup(c->arena, id, strspn(id, "0123456789"));
	if (client_new(c, &cl, e) < 0 || client_use_token(cl, e) < 0)
		return -1;
	if (client_call(cl, "DELETE", arena_printf(c->arena, "/tokens/%s", id), NULL, &doc, e) < 0 && e->code != E_UNAUTHENTICATED &&
	    e->code != E_NOT_FOUND)
		return -1;
	if (unlink(path) < 0 || unlink(id_path(c->arena, path)) < 0)
		return fail(e, E_UNAVAILABLE, "can't remove %s: %s", path, strerror(errno));
	fputs("signed out\n", stderr);
	return 0;
}

static const struct arg_spec options[] = {
	{"name", ARG_VALUE, "NAME", "the account"},
	{"save", ARG_FLAG, NULL, "keep the token in ~/.config/siegel/token instead of printing it"},
	{NULL, ARG_FLAG, NULL, NULL},
};

const struct command commands_login[] = {
	{"login", NULL, "", 0, 0, "get a token for a one-time code, which is read from standard input", options, run_login},
	{"logout", NULL, "", 0, 0, "take back the token that login --save kept", NULL, run_logout},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
