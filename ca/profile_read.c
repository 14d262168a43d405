#include "ca/profile_read.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/x509/oid.h"
#include "lib/x509/text.h"

int
profile_wrong(const char *name, const char *wanted, struct error *e)
{
	return fail_at(e, E_BAD_VALUE, name, "profile: %s: %s is wanted", name, wanted);
}

int
profile_read_bool(json_t *value, const char *name, bool *ret, struct error *e)
{
	if (!json_is_boolean(value))
		return profile_wrong(name, "true or false", e);
	*ret = json_is_true(value);
	return 0;
}

int
profile_read_number(json_t *value, const char *name, long min, long max, long *ret, struct error *e)
{
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return fail_at(e, E_BAD_VALUE, name, "profile: %s: a number from %ld to %ld is wanted", name, min, max);
	*ret = (long)json_integer_value(value);
	return 0;
}

int
profile_read_word(json_t *value, const char *name, const char *const *words, size_t n, size_t *ret, struct error *e)
{
	const char *s = json_string_value(value);
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(words[i], s) == 0) {
			*ret = i;
			return 0;
		}
	return fail_at(e, E_BAD_VALUE, name, "profile: %s: \"%s\" isn't known", name, s ? s : "(no text)");
}

int
profile_read_text(struct arena *a, json_t *value, const char *name, const char **ret, struct error *e)
{
	size_t len = json_string_length(value);
	struct error why;
	if (!json_is_string(value) || len > PROFILE_TEXT_MAX)
		return fail_at(e, E_BAD_VALUE, name, "profile: %s: text of 1 to %d octets is wanted", name, PROFILE_TEXT_MAX);
	if (text_check(json_string_value(value), len, PROFILE_TEXT_MAX, name, &why) < 0)
		return fail_at(e, E_BAD_VALUE, name, "profile: %s", why.detail);
	*ret = arena_strndup(a, json_string_value(value), len);
	return 0;
}

int
profile_read_oid(struct arena *a, json_t *value, const char *name, struct bytes *ret, struct error *e)
{
	struct error why;
	if (!json_is_string(value) || oid_from_text(a, json_string_value(value), ret, &why) < 0)
		return profile_wrong(name, "an object identifier, as numbers with dots,", e);
	return 0;
}

int
profile_read_hex(struct arena *a, json_t *value, const char *name, size_t max, struct bytes *ret, struct error *e)
{
	const char *s = json_string_value(value);
	size_t len = json_string_length(value), n = 0;
	if (!s || len == 0 || len % 2 || len / 2 > max || strspn(s, "0123456789abcdefABCDEF") != len)
		return fail_at(e, E_BAD_VALUE, name, "profile: %s: 1 to %zu octets in hexadecimal digits are wanted", name, max);
	uint8_t *octets = arena_alloc(a, len / 2);
	if (OPENSSL_hexstr2buf_ex(octets, len / 2, &n, s, '\0') != 1)
		return profile_wrong(name, "hexadecimal text", e);
	*ret = (struct bytes){octets, n};
	return 0;
}

int
profile_read_object(json_t *value, const char *name, const char *const *words, size_t n, struct error *e)
{
	const char *key;
	json_t *item;
	if (!json_is_object(value))
		return profile_wrong(name, "an object", e);
	json_object_foreach(value, key, item)
	{
		size_t i = 0;
		while (i < n && strcmp(words[i], key) != 0)
			i++;
		if (i == n)
			return fail_at(e, E_BAD_VALUE, name, "profile: %s: \"%s\" isn't known here", name, key);
	}
	return 0;
}

static int
read_subtree(struct arena *a, enum name_kind kind, json_t *item, const char *name, bool all_kinds, struct subtree *ret, struct error *e)
{
	const char *text = json_string_value(item);
	struct error why;
	if (!text)
		return profile_wrong(name, "a list of texts", e);
	if (all_kinds && kind == NAME_URI && strchr(text, ':')) {
		*ret = (struct subtree){.kind = kind};
		return profile_read_text(a, item, name, &ret->text, e);
	}
	if (subtree_make(a, kind, text, ret, &why) < 0)
		return fail_at(e, E_BAD_VALUE, name, "profile: %s: \"%.60s\": %s", name, text, why.detail);
	return 0;
}

int
profile_read_subtrees(struct arena *a, json_t *value, const char *name, bool all_kinds, struct subtrees *ret, struct error *e)
{
	static const enum name_kind order[] = {NAME_DNS, NAME_IP, NAME_EMAIL, NAME_URI, NAME_UPN, NAME_HARDWARE, NAME_RID, NAME_PERMANENT_IDENTIFIER};
	struct subtree *items = arena_alloc(a, SUBTREE_MAX * sizeof(*items));
	size_t n = 0, i;
	json_t *item;
	if (profile_read_object(value, name, name_kind_words, all_kinds ? NAME_KIND_COUNT : NAME_UPN, e) < 0)
		return -1;
	for (size_t k = 0; k < ARRAY_LEN(order); k++) {
		json_t *list = json_object_get(value, name_kind_words[order[k]]);
		if (list && json_array_size(list) == 0)
			return profile_wrong(name, "a list for each kind of name", e);
		json_array_foreach(list, i, item)
		{
			if (n == SUBTREE_MAX)
				return fail_at(e, E_BAD_VALUE, name, "profile: %s: over %d in all", name, SUBTREE_MAX);
			if (read_subtree(a, order[k], item, name, all_kinds, &items[n++], e) < 0)
				return -1;
		}
	}
	*ret = (struct subtrees){items, n};
	return 0;
}
