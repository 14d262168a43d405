#include "ca/profile.h"

#include <stddef.h>
#include <string.h>

#include "ca/ext.h"
#include "ca/metadata.h"
#include "ca/profile_read.h"
#include "ca/purpose.h"
#include "lib/x509/oid.h"

DEFINE_CLEANUP(json_t, json_decref)

#define FIXED_VALUE_MAX 1024 /* octets of an extension with a fixed value */
#define MINUTES_MIN 5        /* shorter than clocks differ and requests last */
#define WORD_LIST(name) name, ARRAY_LEN(name)

static const char *const key_usages[USAGE_COUNT] = {"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"};

/* One member of the definition: its name, how it is read and where its value goes. */
struct member {
	const char *name;
	int (*read)(const struct member *m, struct profile *p, json_t *value, struct error *e);
	size_t at; /* offset in struct profile */
	long n;    /* what the reader needs besides: seconds of a unit, words of a list */
	const char *const *words;
};

#define AT(type, p, m) ((type *)(void *)((char *)(p) + (m)->at))

static int
read_bool(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	return profile_read_bool(value, m->name, AT(bool, p, m), e);
}

/* A word of the member's list: its place, as an enum. */
static int
read_word(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	size_t i;
	if (profile_read_word(value, m->name, m->words, (size_t)m->n, &i, e) < 0)
		return -1;
	*AT(unsigned, p, m) = (unsigned)i;
	return 0;
}

static int
read_path_length(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	long v;
	if (profile_read_number(value, m->name, 0, 8, &v, e) < 0)
		return -1;
	p->path_length = (int)v;
	return 0;
}

static int
read_duration(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	long v, least = m->n == 60 ? MINUTES_MIN : 1;
	if (*AT(int64_t, p, m))
		return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: the same is said in another unit, too", m->name);
	if (profile_read_number(value, m->name, least, LIMIT_VALIDITY_DAYS * 86400L / m->n, &v, e) < 0)
		return -1;
	*AT(int64_t, p, m) = (int64_t)v * m->n;
	return 0;
}

static int
read_keys(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	size_t i;
	json_t *item;
	struct error weak;
	if (json_array_size(value) == 0 || json_array_size(value) > PROFILE_MAX_KEYS)
		return profile_wrong(m->name, "a list of key types", e);
	json_array_foreach(value, i, item)
	{
		p->keys[i] = json_is_string(item) ? keytype_rule(json_string_value(item)) : NULL;
		if (!p->keys[i])
			return profile_wrong(m->name, "a list of known key types", e);
		if (keytype_check(p->keys[i], &weak) < 0)
			return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: %s", m->name, weak.detail);
	}
	p->n_keys = json_array_size(value);
	return 0;
}

static int
read_key_usage(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	size_t i, place;
	json_t *item;
	if (!json_is_array(value))
		return profile_wrong(m->name, "a list", e);
	json_array_foreach(value, i, item)
	{
		if (profile_read_word(item, m->name, WORD_LIST(key_usages), &place, e) < 0)
			return -1;
		p->key_usage |= 1u << place;
	}
	return 0;
}

static int
read_purposes(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	size_t i;
	json_t *item;
	struct error why;
	if (!json_is_array(value) || json_array_size(value) > PROFILE_MAX_PURPOSES)
		return profile_wrong(m->name, "a short list", e);
	json_array_foreach(value, i, item)
	{
		struct bytes oid;
		if (!json_is_string(item))
			return profile_wrong(m->name, "a list of purposes", e);
		if (purpose_parse(p->arena, json_string_value(item), &oid, &why) < 0)
			return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: %s", m->name, why.detail);
		for (size_t k = 0; k < p->n_purposes; k++)
			if (bytes_equal(p->purposes[k], oid))
				return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: one comes twice", m->name);
		p->purposes[p->n_purposes++] = oid;
	}
	return 0;
}

static int
type_of(const char *word, const char *name, const struct dn_type **ret, struct error *e)
{
	*ret = word ? dn_type_by_name(word) : NULL;
	return *ret ? 0 : fail_at(e, E_BAD_VALUE, name, "profile: %s: \"%.40s\" isn't a known attribute type", name, word ? word : "(no text)");
}

/* A list of attribute types; m->n is the offset of their number. */
static int
read_types(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	const struct dn_type **types = AT(const struct dn_type *, p, m);
	size_t i, *n = (size_t *)(void *)((char *)p + m->n);
	json_t *item;
	if (!json_is_array(value) || json_array_size(value) > PROFILE_MAX_TYPES)
		return profile_wrong(m->name, "a list of attribute types", e);
	json_array_foreach(value, i, item)
	{
		if (type_of(json_string_value(item), m->name, &types[*n], e) < 0)
			return -1;
		(*n)++;
	}
	return 0;
}

/* {"O": "Example"}: values that the profile has; m->n is the offset of their number. */
static int
read_values(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	struct dn_value *values = AT(struct dn_value, p, m);
	size_t *n = (size_t *)(void *)((char *)p + m->n);
	const char *key;
	json_t *item;
	struct error why;
	if (!json_is_object(value) || json_object_size(value) > PROFILE_MAX_TYPES)
		return profile_wrong(m->name, "an object of attribute types and values", e);
	json_object_foreach(value, key, item)
	{
		struct dn_value v;
		if (type_of(key, m->name, &v.type, e) < 0 || profile_read_text(p->arena, item, m->name, &v.value, e) < 0)
			return -1;
		if (dn_check(&v, &why) < 0)
			return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: %s", m->name, why.detail);
		values[(*n)++] = v;
	}
	return 0;
}

static int
read_texts(struct arena *a, json_t *value, const char *name, const char *const **ret, size_t *ret_n, struct error *e)
{
	size_t i, n = json_array_size(value);
	json_t *item;
	if (n == 0 || n > SUBTREE_MAX)
		return profile_wrong(name, "a list of texts", e);
	const char **texts = arena_alloc(a, n * sizeof(char *));
	json_array_foreach(value, i, item)
		if (profile_read_text(a, item, name, &texts[i], e) < 0)
			return -1;
	*ret = texts;
	*ret_n = n;
	return 0;
}

/* {"CN": {"min": 3, "max": 20, "characters": "A-Z0-9", "one_of": […]}} */
static int
read_subject_rules(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	const char *key;
	json_t *item, *v;
	if (!json_is_object(value) || json_object_size(value) > PROFILE_MAX_TYPES)
		return profile_wrong(m->name, "an object of attribute types and rules", e);
	json_object_foreach(value, key, item)
	{
		struct subject_rule r = {0};
		long min = 0, max = 0;
		if (type_of(key, m->name, &r.type, e) < 0 || profile_read_object(item, m->name, m->words, (size_t)m->n, e) < 0)
			return -1;
		long bound = (long)r.type->max_chars;
		if (((v = json_object_get(item, "min")) && profile_read_number(v, m->name, 0, bound, &min, e) < 0) ||
		    ((v = json_object_get(item, "max")) && profile_read_number(v, m->name, 1, bound, &max, e) < 0) ||
		    ((v = json_object_get(item, "characters")) && profile_read_text(p->arena, v, m->name, &r.characters, e) < 0) ||
		    ((v = json_object_get(item, "one_of")) && read_texts(p->arena, v, m->name, &r.one_of, &r.n_one_of, e) < 0))
			return -1;
		if (max && min > max)
			return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: min is more than max", m->name);
		r.min = (size_t)min;
		r.max = (size_t)max;
		p->rules[p->n_rules++] = r;
	}
	return 0;
}

/* A list of kinds of names. */
static int
read_name_kinds(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	bool *kinds = AT(bool, p, m);
	size_t i, place;
	json_t *item;
	if (!json_is_array(value))
		return profile_wrong(m->name, "a list", e);
	json_array_foreach(value, i, item)
	{
		if (profile_read_word(item, m->name, name_kind_words, NAME_KIND_COUNT, &place, e) < 0)
			return -1;
		kinds[place] = true;
	}
	return 0;
}

/* true: at least one name; a list: at least one of each of these kinds. */
static int
read_names_required(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	if (json_is_array(value))
		return read_name_kinds(m, p, value, e);
	return profile_read_bool(value, m->name, &p->names_required, e);
}

static int
read_names_max(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	const char *key;
	json_t *item;
	if (profile_read_object(value, m->name, name_kind_words, NAME_KIND_COUNT, e) < 0)
		return -1;
	json_object_foreach(value, key, item)
		for (size_t i = 0; i < NAME_KIND_COUNT; i++)
			if (strcmp(name_kind_words[i], key) == 0 &&
			    profile_read_number(item, m->name, 1, LIMIT_SAN_COUNT, &p->name_max[i], e) < 0)
				return -1;
	return 0;
}

static int
read_names_within(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	return profile_read_subtrees(p->arena, value, m->name, true, &p->within, e);
}

static int
read_renew(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	struct renewal *r = &p->renewal;
	json_t *v;
	if (profile_read_object(value, m->name, m->words, (size_t)m->n, e) < 0)
		return -1;
	if (((v = json_object_get(value, "allowed")) && profile_read_bool(v, m->name, &r->allowed, e) < 0) ||
	    ((v = json_object_get(value, "same_key")) && profile_read_bool(v, m->name, &r->same_key, e) < 0) ||
	    ((v = json_object_get(value, "other_names")) && profile_read_bool(v, m->name, &r->other_names, e) < 0) ||
	    ((v = json_object_get(value, "before_days")) && profile_read_number(v, m->name, 0, LIMIT_VALIDITY_DAYS, &r->before_days, e) < 0) ||
	    ((v = json_object_get(value, "after_days")) && profile_read_number(v, m->name, 0, 3650, &r->after_days, e) < 0))
		return -1;
	return 0;
}

static int
read_metadata(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	struct error why;
	if (!json_is_object(value))
		return profile_wrong(m->name, "an object of texts", e);
	if (metadata_check(value, &why) < 0)
		return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: %s", m->name, why.detail);
	char *dumped = json_dumps(value, JSON_COMPACT);
	p->metadata = arena_strdup(p->arena, dumped ? dumped : "{}");
	free(dumped);
	return 0;
}

/* What has a meaning of its own isn't given a fixed value: the extensions that we write, all of RFC 5280, those by which Microsoft's
 * directory decides who somebody is, and those of certificate transparency. */
static bool
is_reserved(struct bytes oid)
{
	const struct bytes arcs[] = {OID_BYTES("\x55\x1d"), OID_BYTES("\x2b\x06\x01\x05\x05\x07"), OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37"),
	    OID_BYTES("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04"), OID_BYTES("\x60\x86\x48\x01\x86\xf8\x42\x01")};
	for (size_t i = 0; i < ARRAY_LEN(arcs); i++)
		if (oid_below(oid, arcs[i]))
			return true;
	for (size_t i = 0; i < ext_count; i++)
		if (bytes_equal(ext_list[i]->oid, oid))
			return true;
	return false;
}

static int
read_extensions(const struct member *m, struct profile *p, json_t *value, struct error *e)
{
	size_t i;
	json_t *item;
	if (!json_is_array(value) || json_array_size(value) > PROFILE_MAX_EXTENSIONS)
		return profile_wrong(m->name, "a short list", e);
	json_array_foreach(value, i, item)
	{
		struct fixed_extension x = {0};
		struct error why;
		if (profile_read_object(item, m->name, m->words, (size_t)m->n, e) < 0 ||
		    profile_read_oid(p->arena, json_object_get(item, "oid"), m->name, &x.oid, e) < 0 ||
		    profile_read_hex(p->arena, json_object_get(item, "value"), m->name, FIXED_VALUE_MAX, &x.value, e) < 0)
			return -1;
		json_t *critical = json_object_get(item, "critical");
		if (critical && profile_read_bool(critical, m->name, &x.critical, e) < 0)
			return -1;
		struct der d = der_of(x.value), content;
		if (der_get_any(&d, "value", NULL, NULL, &content, &why) < 0 || !der_at_end(&d))
			return profile_wrong(m->name, "a value that is one element of DER", e);
		if (is_reserved(x.oid))
			return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: this extension has a meaning of its own, no fixed value", m->name);
		for (size_t k = 0; k < p->n_extensions; k++)
			if (bytes_equal(p->extensions[k].oid, x.oid))
				return fail_at(e, E_BAD_VALUE, m->name, "profile: %s: one comes twice (RFC 5280 4.2)", m->name);
		p->extensions[p->n_extensions++] = x;
	}
	return 0;
}

static const char *const beyond_words[] = {"refuse", "clamp"};
static const char *const reuse_words[] = {"allow", "same_subject", "never"};
static const char *const origin_words[] = {"any", "client", "appliance"};
static const char *const rule_words[] = {"min", "max", "characters", "one_of"};
static const char *const renew_words[] = {"allowed", "same_key", "other_names", "before_days", "after_days"};
static const char *const extension_words[] = {"oid", "critical", "value"};

#define OF(field) offsetof(struct profile, field)

static const struct member members[] = {
    {"disabled", read_bool, OF(disabled), 0, NULL},
    {"internal", read_bool, OF(internal), 0, NULL},
    {"ca", read_bool, OF(ca), 0, NULL},
    {"path_length", read_path_length, 0, 0, NULL},
    {"days", read_duration, OF(validity_sec), 86400, NULL},
    {"hours", read_duration, OF(validity_sec), 3600, NULL},
    {"minutes", read_duration, OF(validity_sec), 60, NULL},
    {"max_days", read_duration, OF(max_validity_sec), 86400, NULL},
    {"max_hours", read_duration, OF(max_validity_sec), 3600, NULL},
    {"max_minutes", read_duration, OF(max_validity_sec), 60, NULL},
    {"no_expiry", read_bool, OF(no_expiry), 0, NULL},
    {"over_maximum", read_word, OF(over_maximum), ARRAY_LEN(beyond_words), beyond_words},
    {"over_issuer", read_word, OF(over_issuer), ARRAY_LEN(beyond_words), beyond_words},
    {"keys", read_keys, 0, 0, NULL},
    {"key_origin", read_word, OF(key_origin), ARRAY_LEN(origin_words), origin_words},
    {"key_reuse", read_word, OF(key_reuse), ARRAY_LEN(reuse_words), reuse_words},
    {"archive_keys", read_bool, OF(archive_keys), 0, NULL},
    {"key_usage", read_key_usage, 0, USAGE_COUNT, key_usages},
    {"extended_key_usage", read_purposes, 0, 0, NULL},
    {"extended_key_usage_critical", read_bool, OF(purposes_critical), 0, NULL},
    {"without_purpose", read_bool, OF(purposes_absent), 0, NULL},
    {"subject_required", read_types, OF(required), OF(n_required), NULL},
    {"subject_allowed", read_types, OF(allowed), OF(n_allowed), NULL},
    {"subject_order", read_types, OF(order), OF(n_order), NULL},
    {"subject_fixed", read_values, OF(fixed), OF(n_fixed), NULL},
    {"subject_defaults", read_values, OF(defaults), OF(n_defaults), NULL},
    {"subject_rules", read_subject_rules, 0, ARRAY_LEN(rule_words), rule_words},
    {"names_allowed", read_name_kinds, OF(name_allowed), NAME_KIND_COUNT, name_kind_words},
    {"names_required", read_names_required, OF(name_required), NAME_KIND_COUNT, name_kind_words},
    {"names_max", read_names_max, 0, NAME_KIND_COUNT, name_kind_words},
    {"names_within", read_names_within, 0, NAME_KIND_COUNT, name_kind_words},
    {"from_common_name", read_bool, OF(from_common_name), 0, NULL},
    {"wildcard", read_bool, OF(wildcard), 0, NULL},
    {"status_information", read_bool, OF(status_information), 0, NULL},
    {"extensions", read_extensions, 0, ARRAY_LEN(extension_words), extension_words},
    {"renew", read_renew, 0, ARRAY_LEN(renew_words), renew_words},
    {"metadata", read_metadata, 0, 0, NULL},
};

const char *
profile_member(size_t n, const char *const **ret_words, size_t *ret_n)
{
	*ret_words = NULL;
	*ret_n = 0;
	if (n < ARRAY_LEN(members)) {
		*ret_words = members[n].words;
		*ret_n = members[n].words ? (size_t)members[n].n : 0;
		return members[n].name;
	}
	n -= ARRAY_LEN(members);
	for (size_t i = 0; i < ext_count; i++)
		if (ext_list[i]->member && n-- == 0) {
			*ret_words = ext_list[i]->words;
			*ret_n = ext_list[i]->n_words;
			return ext_list[i]->member;
		}
	return NULL;
}

/* A member that an extension brings along. */
static int
read_option(struct profile *p, const char *key, json_t *value, struct error *e)
{
	for (size_t i = 0; i < ext_count; i++) {
		const struct ext *x = ext_list[i];
		if (!x->member || strcmp(x->member, key) != 0)
			continue;
		struct ext_option *o = arena_alloc(p->arena, sizeof(*o));
		*o = (struct ext_option){.of = x, .next = p->options};
		if (x->read(p->arena, value, key, &o->value, e) < 0)
			return -1;
		p->options = o;
		return 0;
	}
	return fail_at(e, E_BAD_VALUE, key, "profile: \"%.64s\" isn't a member of a profile", key);
}

const void *
ext_option(const struct profile *p, const struct ext *x)
{
	for (const struct ext_option *o = p->options; o; o = o->next)
		if (o->of == x)
			return o->value;
	return NULL;
}

static int
read_members(struct profile *p, json_t *root, struct error *e)
{
	const char *key;
	json_t *value;
	json_object_foreach(root, key, value)
	{
		size_t i = 0;
		while (i < ARRAY_LEN(members) && strcmp(members[i].name, key) != 0)
			i++;
		if (i == ARRAY_LEN(members) ? read_option(p, key, value, e) < 0 : members[i].read(&members[i], p, value, e) < 0)
			return -1;
	}
	if (profile_check_ceilings(p, e) < 0)
		return -1;
	for (const struct ext_option *o = p->options; o; o = o->next)
		if (o->of->check && o->of->check(p, o->value, e) < 0)
			return -1;
	return 0;
}

int
profile_new(struct arena *a, int32_t id, int32_t tenant_id, const char *name, const char *kind, const char *json, struct profile **ret,
	    struct error *e)
{
	json_error_t where;
	json_t *root CLEANUP(json_decref) = json_loads(json, JSON_REJECT_DUPLICATES, &where);
	struct profile *p CLEANUP(profile_free) = xcalloc(1, sizeof(*p));
	*p = (struct profile){.arena = a, .id = id, .tenant_id = tenant_id, .path_length = -1, .status_information = true, .users = 1, .row = "",
	    .renewal = {.allowed = true, .same_key = true}, .metadata = "{}"};
	p->name = arena_strdup(a, name);
	p->kind = arena_strdup(a, kind);
	if (!json_is_object(root))
		return fail(e, E_BAD_VALUE, "profile: a JSON object is wanted");
	if (read_members(p, root, e) < 0)
		return -1;
	*ret = TAKE(p);
	return 0;
}

const char *
profile_key_list(struct arena *a, const struct profile *p)
{
	const char *text = p->keys[0]->name;
	for (size_t i = 1; i < p->n_keys; i++)
		text = arena_printf(a, "%s, %s", text, p->keys[i]->name);
	return text;
}

int
profile_takes(const struct profile *p, const struct keytype *type, struct error *e)
{
	if (p->ca && !type->signature)
		return fail(e, E_BAD_KEY, "key: an %s key signs nothing, so it can't be a CA's", type->group);
	for (size_t i = 0; i < p->n_keys; i++)
		if (keytype_fits(p->keys[i], type))
			return 0;
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	return fail(e, E_BAD_KEY, "key: the profile \"%s\" takes no %s keys, but %s", p->name, type->name, profile_key_list(a, p));
}

struct profile *
profile_hold(const struct profile *p)
{
	struct profile *held = (struct profile *)(uintptr_t)p;
	held->users++;
	return held;
}

void
profile_free(struct profile *p)
{
	if (!p || --p->users > 0)
		return;
	arena_free(p->arena);
	free(p);
}
