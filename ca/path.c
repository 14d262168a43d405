#include "ca/path.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/mem.h"

DEFINE_CLEANUP(json_t, json_decref)

/* The regular expressions of PostgreSQL are fast but for two things: back references, and counts that make it write the expression out many times. */
static int
regex_check(const char *pattern, struct error *e)
{
	unsigned long product = 1;
	if (strlen(pattern) > LIMIT_POLICY_REGEX_BYTES)
		return fail(e, E_BAD_VALUE, "a regular expression has at most %d octets", LIMIT_POLICY_REGEX_BYTES);
	for (const char *p = pattern; *p; p++) {
		if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
			return fail(e, E_BAD_VALUE, "a regular expression may not refer back: \\%c", p[1]);
		if (*p == '\\' && p[1]) {
			p++;
		} else if (strncmp(p, "***", 3) == 0 || (strncmp(p, "(?", 2) == 0 && p[2] != ':')) {
			return fail(e, E_BAD_VALUE, "a regular expression has groups ( ) and (?: ) alone");
		} else if (*p == '{') {
			unsigned long most = 0;
			for (p++; *p && *p != '}'; p++)
				most = *p == ',' ? (p[1] == '}' ? most : 0)
				                 : (*p >= '0' && *p <= '9' && most < 1000 ? most * 10 + (unsigned long)(*p - '0') : most);
			product *= most ? most : 1;
			if (product > LIMIT_POLICY_REGEX_COUNT)
				return fail(e, E_BAD_VALUE, "the counts in { } of a regular expression multiply to more than %d",
				            LIMIT_POLICY_REGEX_COUNT);
			if (!*p)
				break;
		}
	}
	return 0;
}

/* A quoted text, whose first octet is the quote; *p is moved behind it. */
static int
quoted_check(const char **p, bool is_regex, struct error *e)
{
	const char *end = *p + 1;
	while (*end && *end != '"')
		end += *end == '\\' && end[1] ? 2 : 1;
	json_t *text CLEANUP(json_decref) = is_regex && *end ? json_loadb(*p, (size_t)(end - *p) + 1, JSON_DECODE_ANY, NULL) : NULL;
	*p = *end ? end + 1 : end;
	if (!is_regex || !*end)
		return 0;
	return text ? regex_check(json_string_value(text), e) : fail(e, E_BAD_VALUE, "a regular expression has a character that isn't allowed");
}

/* Whether a word stands before *p, with blanks between. */
static bool
follows(const char *text, const char *p, const char *word)
{
	size_t len = strlen(word);
	while (p > text && strchr(" \t\n\r\f", p[-1]))
		p--;
	return (size_t)(p - text) >= len && strncmp(p - len, word, len) == 0;
}

int
path_precheck(const char *text, struct error *e)
{
	for (const char *p = text; *p;) {
		if (*p == '"') {
			if (quoted_check(&p, follows(text, p, "like_regex"), e) < 0)
				return -1;
			continue;
		}
		if (strncmp(p, "/*", 2) == 0)
			return fail(e, E_BAD_VALUE, "there are no comments here: say it in the rule's message");
		p++;
	}
	return 0;
}

/* .name( of a method; names of members stand in quotes. */
static int
method_check(const char *dot, struct error *e)
{
	static const char *const taken[] = {"type", "size", "double", "ceiling", "floor", "abs"};
	size_t len = strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz_");
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strlen(taken[i]) == len && strncmp(dot + 1, taken[i], len) == 0)
			return 0;
	return fail(e, E_BAD_VALUE, "there is no method .%.*s() here: type, size, double, ceiling, floor and abs are taken", (int)len, dot + 1);
}

int
path_check(const char *path, struct error *e)
{
	bool filter[64] = {false}; /* of each parenthesis that is open: whether it, or one around it, is a filter's */
	size_t depth = 0;
	for (const char *p = path; *p;) {
		if (*p == '"') {
			if (quoted_check(&p, follows(path, p, "like_regex"), e) < 0)
				return -1;
			continue;
		}
		if (*p == '$' && p[1] == '"')
			return fail(e, E_BAD_VALUE, "there are no variables here: $ is the request");
		if (*p == '$' && depth && filter[depth - 1])
			return fail(e, E_BAD_VALUE, "within a filter ?(…), @ alone may be looked at, and not $: that could take long");
		if (strncmp(p, ".**", 3) == 0)
			return fail(e, E_BAD_VALUE, ".** isn't taken: name the member");
		if (*p == '.' && p[1] >= 'a' && p[1] <= 'z' && method_check(p, e) < 0)
			return -1;
		if (*p == '(') {
			if (depth == ARRAY_LEN(filter))
				return fail(e, E_BAD_VALUE, "over %zu parentheses in one another", ARRAY_LEN(filter));
			filter[depth] = (p > path && p[-1] == '?') || (depth && filter[depth - 1]);
			depth++;
		}
		depth -= *p == ')' && depth ? 1 : 0;
		p++;
	}
	return 0;
}
