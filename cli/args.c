#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static const struct arg_spec *
find(const struct arg_spec *table, const char *name, size_t len)
{
	for (; table && table->name; table++) {
		if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
			return table;
	}
	return NULL;
}

static int
add_option(struct args *a, const struct arg_spec *spec, const char *value, struct error *e)
{
	if (spec->kind != ARG_MANY && args_has(a, spec->name))
		return fail(e, E_MALFORMED, "--%s is given twice", spec->name);
	if (a->n_found == ARRAY_LEN(a->found))
		return fail(e, E_MALFORMED, "more than %zu options", ARRAY_LEN(a->found));
	a->found[a->n_found].spec = spec;
	a->found[a->n_found++].value = value;
	return 0;
}

/* Takes the option at argv[*i], with the word after it when that is its value. */
static int
take_option(int argc, char **argv, int *i, const struct arg_spec *common, const struct arg_spec *own, struct args *a, struct error *e)
{
	const char *name = argv[*i] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct arg_spec *spec = find(own, name, len);

	if (!spec)
		spec = find(common, name, len);
	if (!spec)
		return fail(e, E_MALFORMED, "there is no option --%.*s here", (int)len, name);
	if (spec->kind == ARG_FLAG) {
		if (equals)
			return fail(e, E_MALFORMED, "--%s takes no value", spec->name);
		return add_option(a, spec, "", e);
	}
	if (equals)
		return add_option(a, spec, equals + 1, e);
	if (*i + 1 >= argc)
		return fail(e, E_MALFORMED, "--%s wants a value", spec->name);
	return add_option(a, spec, argv[++*i], e);
}

int
args_parse(int argc, char **argv, int first, const struct arg_spec *common, const struct arg_spec *own, struct args *ret, struct error *e)
{
	struct args a = {.n_found = 0};
	bool options = true;

	for (int i = first; i < argc; i++) {
		const char *word = argv[i];

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && strncmp(word, "--", 2) == 0) {
			if (take_option(argc, argv, &i, common, own, &a, e) < 0)
				return -1;
		} else if (options && word[0] == '-' && word[1] != '\0') {
			return fail(e, E_MALFORMED, "there is no option %s here", word);
		} else if (a.n_words == ARRAY_LEN(a.words)) {
			return fail(e, E_MALFORMED, "too many words");
		} else {
			a.words[a.n_words++] = word;
		}
	}
	*ret = a;
	return 0;
}

const char *
args_next(const struct args *a, const char *name, size_t *at)
{
	while (*at < a->n_found) {
		size_t i = (*at)++;

		if (strcmp(a->found[i].spec->name, name) == 0)
			return a->found[i].value;
	}
	return NULL;
}

const char *
args_get(const struct args *a, const char *name)
{
	size_t at = 0;

	return args_next(a, name, &at);
}

bool
args_has(const struct args *a, const char *name)
{
	return args_get(a, name) != NULL;
}

int
args_number(const struct args *a, const char *name, long min, long max, long def, long *ret, struct error *e)
{
	const char *text = args_get(a, name);
	char *end;
	long n;

	if (!text) {
		*ret = def;
		return 0;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || strspn(text, "-0123456789") != strlen(text) || n < min || n > max)
		return fail(e, E_MALFORMED, "--%s wants a whole number from %ld to %ld", name, min, max);
	*ret = n;
	return 0;
}
