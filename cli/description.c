#include <config.h>

#include "cli/description.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE_NUMBER_DIGITS 18

static json_t *
descend(const json_t *from, const char *const *names)
{
	json_t *at = (json_t *)(uintptr_t)from;

	for (; at && *names; names++)
		at = json_object_get(at, *names);
	return at;
}

const json_t *
description_inputs(const json_t *doc, const char *method, const char *pattern)
{
	json_t *content = descend(doc, (const char *const[]){"paths", pattern, method, "requestBody", "content", NULL}), *media;
	const char *type;

	json_object_foreach(content, type, media) {
		const json_t *found = descend(
			media, (const char *const[]){"schema", "properties", "data", "properties", "attributes", "properties", NULL});

		if (found)
			return found;
	}
	return NULL;
}

const json_t *
description_outputs(const json_t *doc, const char *resource)
{
	return descend(doc, (const char *const[]){"components", "schemas", resource, "properties", "attributes", "properties", NULL});
}

const char *
description_type(const json_t *members, const char *name)
{
	const char *type = json_string_value(json_object_get(json_object_get(members, name), "type"));

	return type ? type : "";
}

static bool
is_texts(const json_t *members, const char *name)
{
	const json_t *member = json_object_get(members, name);

	return strcmp(description_type(members, name), "array") == 0 && strcmp(description_type(member, "items"), "string") == 0;
}

bool
description_plain(const json_t *members, const char *name)
{
	const char *type = description_type(members, name);

	return strcmp(type, "string") == 0 || strcmp(type, "integer") == 0 || strcmp(type, "boolean") == 0 || is_texts(members, name);
}

bool
description_is_page(const json_t *path_item)
{
	return descend(path_item, (const char *const[]){"get", "responses", "200", "content", "text/html", NULL}) != NULL;
}

static int
whole_number(const char *name, const char *text, json_t **ret, struct error *e)
{
	const char *digits = text + (*text == '-');
	size_t n = strspn(digits, "0123456789");

	if (n == 0 || n > WHOLE_NUMBER_DIGITS || digits[n])
		return fail(e, E_BAD_VALUE, "%s wants a whole number, and not \"%.64s\"", name, text);
	*ret = json_integer(strtoll(text, NULL, 10));
	return 0;
}

/* Texts with commas in them are written as JSON. */
static int
texts(struct arena *a, const char *name, const char *text, json_t **ret, struct error *e)
{
	JSON_CLEANUP json_t *list = *text == '[' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_array();

	if (!list)
		return fail(e, E_BAD_VALUE, "%s wants texts between commas, or a JSON array", name);
	for (bool plain = *text != '['; plain && *text;) {
		size_t len = strcspn(text, ",");

		if (json_array_append_new(list, json_string(arena_strndup(a, text, len))) < 0)
			return fail(e, E_BAD_VALUE, "the value of %s isn't UTF-8", name);
		text += len + (text[len] == ',');
	}
	*ret = TAKE(list);
	return 0;
}

int
description_value(struct arena *a, const json_t *members, const char *name, const char *text, json_t **ret, struct error *e)
{
	const char *type = description_type(members, name);
	bool yes = strcmp(text, "true") == 0;

	if (strcmp(type, "integer") == 0)
		return whole_number(name, text, ret, e);
	if (strcmp(type, "boolean") == 0 && !yes && strcmp(text, "false") != 0)
		return fail(e, E_BAD_VALUE, "%s wants true or false, and not \"%.64s\"", name, text);
	if (is_texts(members, name))
		return texts(a, name, text, ret, e);
	*ret = strcmp(type, "boolean") == 0 ? json_boolean(yes) : json_string(text);
	return *ret ? 0 : fail(e, E_BAD_VALUE, "the value of %s isn't UTF-8", name);
}
