/* Writes siegel.conf(5) from lib/options.def, so that the page can't differ from the program. A section without a sentence here ends
 * the build. */
#include <stdio.h>
#include <string.h>

#include "lib/config.h"

static const struct {
	const char *name, *text;
} sections[] = {
	{"instance", "The installation as a whole."},
	{"log", "What the processes write to standard error, one line an event."},
	{"database", "How PostgreSQL is reached. Each process logs in as its own role, siegel_ca and so on, by peer authentication."},
	{"sockets", "The Unix sockets by which the edge and the processes reach each other."},
	{"peers", "Who may speak to the engine, by the system user at the other end of the socket."},
	{"ca", "The engine, siegel-ca(8)."},
	{"va", "The validation authority, siegel-va(8)."},
	{"api", "The REST interface, siegel-api(8)."},
	{"est", "Enrollment over Secure Transport, siegel-est(8)."},
	{"scep", "SCEP, siegel-scep(8)."},
	{"acme", "ACME, siegel-acme(8)."},
	{"acme_probe", "Validation of ACME's challenges, siegel-acme-probe(8); see doc/acme-validation.md."},
	{"sched", "Periodic work, siegel-sched(8)."},
	{"cli", "The command line, siegelctl(8)."},
};

static const char head[] = ".Dd November 22, 2026\n"
			   ".Dt SIEGEL.CONF 5\n"
			   ".Os\n"
			   ".Sh NAME\n"
			   ".Nm siegel.conf\n"
			   ".Nd configuration of the Siegel certification authority\n"
			   ".Sh DESCRIPTION\n"
			   "All processes and\n"
			   ".Xr siegelctl 8\n"
			   "read one file, by default\n"
			   ".Pa /etc/siegel/siegel.conf .\n"
			   "It is an INI file in UTF-8: sections in brackets, lines\n"
			   ".Dq key = value ,\n"
			   "comments after\n"
			   ".Sq #\n"
			   "or\n"
			   ".Sq \\&;\n"
			   "at the start of a line, and after a blank and\n"
			   ".Sq \\&;\n"
			   "within one.\n"
			   "A line has up to 198 bytes.\n"
			   "A line that begins with a blank goes on with the text before it.\n"
			   "A section or key that isn't known, a key that is given twice, a number out of range and a path that isn't absolute are\n"
			   "refused with file and line.\n"
			   "The file holds no secrets: keys and the PIN stand in files of their own, mode 0600.\n"
			   ".Pp\n"
			   "A process takes a change when it is started again; its option\n"
			   ".Fl -check-config\n"
			   "checks a file before.\n";

static const char tail[] = ".Sh EXAMPLES\n"
			   ".Bd -literal -offset indent\n"
			   "[instance]\n"
			   "name = Plant 3\n"
			   "[database]\n"
			   "host = /run/postgresql\n"
			   "[ca]\n"
			   "pkcs11_module = /usr/lib/softhsm/libsofthsm2.so\n"
			   "pin_file = /etc/siegel/pin\n"
			   ".Ed\n"
			   ".Sh SEE ALSO\n"
			   ".Xr siegel-acme 8 ,\n"
			   ".Xr siegel-api 8 ,\n"
			   ".Xr siegel-ca 8 ,\n"
			   ".Xr siegel-est 8 ,\n"
			   ".Xr siegel-scep 8 ,\n"
			   ".Xr siegel-sched 8 ,\n"
			   ".Xr siegel-va 8 ,\n"
			   ".Xr siegelctl 8\n";

/* The text so that mdoc acts on nothing in it. A new sentence starts a new line, as mdoc wants. */
static void
print_text(const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		fputs("\\&", stdout);
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (p[0] == ' ' && p > text && p[-1] == '.')
			putchar('\n');
		else
			putchar(*p);
	}
}

static void
print_option(const struct option_row *row)
{
	static const char *const types[] = {[OPTION_STR] = "text", [OPTION_INT] = "number", [OPTION_PATH] = "path"};

	printf(".It Cm %s = Ar %s\n", row->key, types[row->type]);
	print_text(row->help);
	if (row->type == OPTION_INT)
		printf("; %ld to %ld, default %s\n", row->min, row->max, row->def);
	else if (row->def[0])
		printf("; default\n.Li %s\n", row->def);
	else
		printf("; not set by default\n");
}

static int
print_section(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (strcmp(sections[i].name, name) != 0)
			continue;
		printf(".Sh SECTION [%s]\n", name);
		print_text(sections[i].text);
		printf("\n.Bl -tag -width Ds\n");
		for (int k = 0; k < OPT_COUNT; k++) {
			if (strcmp(option_table[k].section, name) == 0)
				print_option(&option_table[k]);
		}
		printf(".El\n");
		return 0;
	}
	fprintf(stderr, "doc/conf_man.c: [%s] of lib/options.def has no sentence\n", name);
	return -1;
}

int
main(void)
{
	const char *last = "";

	fputs(head, stdout);
	for (int k = 0; k < OPT_COUNT; k++) {
		if (strcmp(option_table[k].section, last) != 0 && print_section(option_table[k].section) < 0)
			return 1;
		last = option_table[k].section;
	}
	fputs(tail, stdout);
	return fflush(stdout) != 0;
}
