#include "ca/manage/settings.h"

#include <string.h>

bool
word_is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, text) == 0)
			return true;
	return false;
}

int
setting_words(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e)
{
	(void)ret_text;
	return json_is_string(value) && word_is_one_of(json_string_value(value), s->words)
	           ? 0 : fail(e, E_BAD_VALUE, "one of %s is wanted", manage_words(m, s->words));
}

int
setting_number(struct manage *m, const struct setting *s, const json_t *value, const char **ret_text, struct error *e)
{
	(void)m;
	(void)ret_text;
	return json_is_integer(value) && json_integer_value(value) >= s->min && json_integer_value(value) <= s->max
	           ? 0 : fail(e, E_BAD_VALUE, "a whole number from %lld to %lld is wanted", (long long)s->min, (long long)s->max);
}

static const char *
names_of(struct manage *m, const struct setting *list)
{
	const char *text = "";
	for (; list->name; list++)
		text = arena_printf(m->arena, "%s%s%s", text, *text ? ", " : "", list->name);
	return text;
}

int
settings_read(struct manage *m, const char *what, const struct setting *list, const char **ret, struct error *e)
{
	json_t *given, *value, *kept CLEANUP(json_decref) = json_object();
	const char *name;
	if (manage_object(m, "settings", 0, &given, e) < 0)
		return -1;
	if (!given)
		return 0;
	json_object_foreach(given, name, value) {
		const struct setting *s = list;
		const char *text = NULL;
		struct error why;
		while (s->name && strcmp(s->name, name) != 0)
			s++;
		if (!s->name)
			return fail_at(e, E_BAD_VALUE, "settings", "settings: \"%.64s\" isn't known for an %s, which has %s", name, what,
				       names_of(m, list));
		if (s->check(m, s, value, &text, &why) < 0)
			return fail_at(e, E_BAD_VALUE, "settings", "settings: %s: %s", name, why.detail);
		json_object_set_new(kept, name, text ? json_string(text) : json_incref(value));
	}
	*ret = manage_json(m, kept);
	return 0;
}
