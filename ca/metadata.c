#include "ca/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/utf8.h"

static bool
is_one_line(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

int
metadata_check(const json_t *metadata, struct error *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *key;
	json_t *value;
	if (json_object_size(metadata) > LIMIT_METADATA_KEYS)
		return fail_at(e, E_BAD_VALUE, "metadata", "metadata: at most %d keys are taken", LIMIT_METADATA_KEYS);
	json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
	{
		size_t len = strlen(key);
		if (len == 0 || len > LIMIT_METADATA_KEY_BYTES || strspn(key, letters) != len || strncmp(key, "__", 2) == 0)
			return fail_at(e, E_BAD_VALUE, "metadata",
				       "metadata: a key has 1 to %d letters, digits and any of _ . - and doesn't begin with __",
				       LIMIT_METADATA_KEY_BYTES);
		const char *s = json_string_value(value);
		if (!s || json_string_length(value) > LIMIT_METADATA_VALUE_BYTES || strlen(s) != json_string_length(value) ||
		    !is_one_line(s, strlen(s)))
			return fail_at(e, E_BAD_VALUE, "metadata", "metadata: a value is a text of up to %d octets on one line",
				       LIMIT_METADATA_VALUE_BYTES);
	}
	return 0;
}

int
metadata_merge(struct arena *a, const char *const *texts, size_t n, const char **ret, struct error *e)
{
	json_t *all = NULL;
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!*texts[i] || strcmp(texts[i], "{}") == 0)
			continue; /* most requests have none */
		json_t *object = json_loads(texts[i], JSON_REJECT_DUPLICATES, NULL);
		if (!all)
			all = json_object();
		rc = json_is_object(object) ? json_object_update_missing(all, object)
					    : fail_at(e, E_BAD_VALUE, "metadata", "metadata: no object of texts");
		json_decref(object);
	}
	if (rc == 0 && all)
		rc = metadata_check(all, e);
	char *text = rc == 0 && json_object_size(all) > 0 ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (rc == 0)
		*ret = text ? arena_strdup(a, text) : NULL;
	free(text);
	json_decref(all);
	return rc;
}

int
owner_check(const char *owner, struct error *e)
{
	size_t len = strlen(owner);
	if (len > LIMIT_METADATA_VALUE_BYTES || !utf8_valid(owner, len) || !is_one_line(owner, len))
		return fail_at(e, E_BAD_VALUE, "owner", "owner: a text of up to %d octets on one line is wanted", LIMIT_METADATA_VALUE_BYTES);
	return 0;
}
