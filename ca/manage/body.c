/* The body of an operation: its members, one by one, checked. */
#include <string.h>

#include "ca/manage.h"
#include "ca/metadata.h"
#include "lib/limits.h"
#include "lib/utf8.h"
#include "lib/x509/pem.h"

const char *
manage_json(struct manage *m, const json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	const char *copy = arena_strdup(m->arena, text ? text : "null");
	free(text);
	return copy;
}

bool
manage_has(const struct manage *m, const char *name)
{
	return json_object_get(m->body, name) != NULL;
}

/* The member, owned by the caller; NULL when it isn't there or null. */
static int
take(struct manage *m, const char *name, unsigned flags, json_t **ret, struct error *e)
{
	json_t *v = json_incref(json_object_get(m->body, name));
	json_object_del(m->body, name);
	if (json_is_null(v)) {
		json_decref(v);
		v = NULL;
	}
	if (!v && flags & MANAGE_REQUIRED)
		return fail_at(e, E_BAD_VALUE, name, "%s has to be there", name);
	*ret = v;
	return 0;
}

static bool
has_controls(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return true;
	return false;
}

int
manage_text(struct manage *m, const char *name, unsigned flags, size_t max, const char **ret, struct error *e)
{
	json_t *v CLEANUP(json_decref) = NULL;
	*ret = NULL;
	if (take(m, name, flags, &v, e) < 0)
		return -1;
	if (!v)
		return 0;
	const char *s = json_string_value(v);
	size_t len = s ? json_string_length(v) : 0;
	if (!s || len == 0)
		return fail_at(e, E_BAD_VALUE, name, "%s has to be a text that isn't empty", name);
	if (max && len > max)
		return fail_at(e, E_BAD_VALUE, name, "%s has more than %zu octets", name, max);
	if (strlen(s) != len || !utf8_valid(s, len) || (max && has_controls(s, len)))
		return fail_at(e, E_BAD_VALUE, name, "%s has a character that isn't allowed", name);
	*ret = arena_strdup(m->arena, s);
	return 0;
}

int
manage_int(struct manage *m, const char *name, unsigned flags, int64_t min, int64_t max, int64_t absent, int64_t *ret, struct error *e)
{
	json_t *v CLEANUP(json_decref) = NULL;
	if (take(m, name, flags, &v, e) < 0)
		return -1;
	if (v && (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max))
		return fail_at(e, E_BAD_VALUE, name, "%s has to be a whole number from %lld to %lld", name, (long long)min, (long long)max);
	*ret = v ? json_integer_value(v) : absent;
	return 0;
}

int
manage_bool(struct manage *m, const char *name, unsigned flags, int *ret, struct error *e)
{
	json_t *v CLEANUP(json_decref) = NULL;
	if (take(m, name, flags, &v, e) < 0)
		return -1;
	if (v && !json_is_boolean(v))
		return fail_at(e, E_BAD_VALUE, name, "%s has to be true or false", name);
	*ret = v ? json_is_true(v) : -1;
	return 0;
}

/* Takes a member of one type; it goes on to live in the body's place under a name that no member has, so that m owns it. */
static int
take_container(struct manage *m, const char *name, unsigned flags, json_type type, const char *what, json_t **ret, struct error *e)
{
	json_t *v CLEANUP(json_decref) = NULL;
	*ret = NULL;
	if (take(m, name, flags, &v, e) < 0)
		return -1;
	if (!v)
		return 0;
	if (json_typeof(v) != type)
		return fail_at(e, E_BAD_VALUE, name, "%s has to be %s", name, what);
	*ret = json_object_get(m->whole, name); /* the same value, owned by m */
	return 0;
}

int
manage_object(struct manage *m, const char *name, unsigned flags, json_t **ret, struct error *e)
{
	return take_container(m, name, flags, JSON_OBJECT, "an object", ret, e);
}

int
manage_array(struct manage *m, const char *name, unsigned flags, json_t **ret, struct error *e)
{
	return take_container(m, name, flags, JSON_ARRAY, "an array", ret, e);
}

int
manage_bytes(struct manage *m, const char *name, unsigned flags, size_t max, struct bytes *ret, struct error *e)
{
	const char *text;
	*ret = (struct bytes){0};
	if (manage_text(m, name, flags, 0, &text, e) < 0)
		return -1;
	if (!text)
		return 0;
	if (base64_decode(m->arena, text, strlen(text), ret, e) < 0)
		return fail_at(e, E_BAD_VALUE, name, "%s has to be base64", name);
	if (ret->len > max)
		return fail_at(e, E_BAD_VALUE, name, "%s has more than %zu octets", name, max);
	return 0;
}

int
manage_ownership(struct manage *m, struct ownership *ret, struct error *e)
{
	json_t *metadata;
	*ret = (struct ownership){.has_owner = manage_has(m, "owner"), .has_metadata = manage_has(m, "metadata")};
	if (manage_text(m, "owner", 0, LIMIT_METADATA_VALUE_BYTES, &ret->owner, e) < 0 || manage_object(m, "metadata", 0, &metadata, e) < 0)
		return -1;
	if (!metadata)
		return 0;
	ret->metadata = json_object_size(metadata) ? manage_json(m, metadata) : NULL;
	return metadata_check(metadata, e);
}

int
manage_body_end(struct manage *m, struct error *e)
{
	const char *key = json_object_iter_key(json_object_iter(m->body));
	return key ? fail_at(e, E_BAD_VALUE, key, "there is no attribute \"%.64s\" here, or it can't be set", key) : 0;
}
