/* The whole program's front: what it says to command lines that go no further. */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/cli/suites.h"

static char out[16384];

/* Runs cli_main() in a child, with both streams in out; gives the exit status. */
static int
run(const char *line)
{
	char copy[512], *argv[32];
	int argc = 0, fds[2], status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	snprintf(copy, sizeof(copy), "siegelctl %s", line);
	for (char *p = strtok(copy, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		unsetenv("SIEGEL_TOKEN");
		unsetenv("SIEGEL_URL");
		setenv("HOME", "/nonexistent", 1);
		unsetenv("XDG_CONFIG_HOME");
		status = cli_main(argc, argv);
		fflush(stdout);
		_exit(status);
	}
	close(fds[1]);
	while (n < sizeof(out) - 1 && (got = read(fds[0], out + n, sizeof(out) - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct {
	const char *line;
	int status;
	const char *says;
} cases[] = {
	{"", 2, "a command is missing"},
	{"help", 0, "cert issue"},
	{"--help", 0, "cert issue"},
	{"--version", 0, "siegelctl 0."},
	{"cert issue --help", 0, "--key-out"},
	{"--config /x cert issue --help", 0, "--key-out"},
	{"login --help", 0, "--save"},
	{"cert", 2, "\"cert\" wants another word\nTry: siegelctl --help\n"},
	{"burn", 2, "there is no command \"burn\""},
	{"cert burn", 2, "there is no command \"cert burn\""},
	{"--config", 2, "--config wants a value"},
	{"cert show", 2, "ID|SERIAL is missing\nTry: siegelctl cert show --help\n"},
	{"cert show 1 2", 2, "there are too many words"},
	{"cert list --color", 2, "there is no option --color here"},
	{"cert list --limit 0", 2, "--limit wants a whole number"},
	{"cert issue --type server", 2, "one of --csr, --key-out and --pkcs12-out is wanted"},
	{"cert issue --csr /x", 2, "--type is one of"},
	{"cert issue --type king --csr /x", 2, "--type is one of"},
	{"cert issue --type server --csr /x --key-out /y", 2, "--key-out can't be given"},
	{"cert issue --type server --csr /x --key-type p256", 2, "--key-type is for a key"},
	{"cert issue --type server --key-out /dev/null", 1, "/dev/null is there already"},
	{"cert issue --type server --csr /nonexistent/x", 1, "siegelctl: can't open /nonexistent/x"},
	{"cert revoke 1", 2, "--reason is wanted"},
	{"cert list --url ftp://x", 1, "has to start with https://"},
	{"cert list --url http://ca.example", 1, "has to start with https://"},
	{"cert list --url https://ca.example", 1, "there is no token"},
	{"cert list --url https://ca.example --token-file /nonexistent/x", 1, "can't open /nonexistent/x"},
	{"cert list --config /nonexistent/x", 1, "can't open /nonexistent/x"},
	{"login", 2, "--name is wanted"},
	{"login --name a:b", 2, "no colon"},
	{"db migrate --config /nonexistent/x", 1, "can't open /nonexistent/x"},
	{"setup account --name a --role requestor", 2, "one of --token"},
	{"setup revoke-credential --name a --kind key", 2, "--kind is one of token"},
};

START_TEST(test_case)
{
	int status = run(cases[_i].line);

	ck_assert_msg(strstr(out, cases[_i].says) != NULL, "%s: %s", cases[_i].line, out);
	ck_assert_msg(status == cases[_i].status, "%s: %d %s", cases[_i].line, status, out);
}
END_TEST

/* Every command has a line of help, and its options say what they are for. */
START_TEST(test_tables)
{
	for (size_t g = 0; command_groups[g]; g++) {
		for (const struct command *c = command_groups[g]; c->group; c++) {
			ck_assert_ptr_nonnull(c->run);
			ck_assert_uint_gt(strlen(c->help), 8);
			ck_assert_uint_le(c->min_words, c->max_words);
			ck_assert_int_eq(c->max_words > 0, c->words[0] != '\0');
			for (const struct arg_spec *o = c->options; o && o->name; o++) {
				ck_assert_uint_gt(strlen(o->help), 1);
				ck_assert_int_eq(o->kind == ARG_FLAG, o->value == NULL);
			}
		}
	}
}
END_TEST

TCase *
tcase_command_line(void)
{
	TCase *t = tcase_create("command line");

	tcase_add_loop_test(t, test_case, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(t, test_tables);
	return t;
}
