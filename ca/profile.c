#include "ca/profile.h"

#include <jansson.h>
#include <openssl/objects.h>
#include <string.h>

#include "lib/x509/oid.h"

DEFINE_CLEANUP(json_t, json_decref)
DEFINE_CLEANUP(ASN1_OBJECT, ASN1_OBJECT_free)

static const char *const key_usages[USAGE_COUNT] = {"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"};

static const struct {
	const char *name;
	struct bytes oid;
} purposes[] = {
    {"serverAuth", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x01", 8}},
    {"clientAuth", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x02", 8}},
    {"codeSigning", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x03", 8}},
    {"emailProtection", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x04", 8}},
    {"timeStamping", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x08", 8}},
    {"OCSPSigning", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x09", 8}},
    {"cmcRA", {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x1c", 8}},
};

/* One member of the definition: its name and how it is read. */
struct member {
	const char *name;
	int (*read)(struct profile *p, json_t *value, const char *name, struct error *e);
};

static int
wrong(const char *name, const char *wanted, struct error *e)
{
	return fail_at(e, E_BAD_VALUE, name, "profile: %s: %s is wanted", name, wanted);
}

static int
read_bool(json_t *value, const char *name, bool *ret, struct error *e)
{
	if (!json_is_boolean(value))
		return wrong(name, "true or false", e);
	*ret = json_is_true(value);
	return 0;
}

static int
read_number(json_t *value, const char *name, long min, long max, long *ret, struct error *e)
{
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return fail_at(e, E_BAD_VALUE, name, "profile: %s: a number from %ld to %ld is wanted", name, min, max);
	*ret = (long)json_integer_value(value);
	return 0;
}

/* One of a list of words: its place. */
static int
read_word(json_t *value, const char *name, const char *const *words, size_t n, size_t *ret, struct error *e)
{
	const char *s = json_string_value(value);
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(words[i], s) == 0) {
			*ret = i;
			return 0;
		}
	return fail_at(e, E_BAD_VALUE, name, "profile: %s: \"%s\" isn't known", name, s ? s : "(no text)");
}

static int
read_internal(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->internal, e);
}

static int
read_ca(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->ca, e);
}

static int
read_path_length(struct profile *p, json_t *value, const char *name, struct error *e)
{
	long v;
	if (read_number(value, name, 0, 8, &v, e) < 0)
		return -1;
	p->path_length = (int)v;
	return 0;
}

static int
read_days(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_number(value, name, 1, LIMIT_VALIDITY_DAYS, &p->days, e);
}

static int
read_max_days(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_number(value, name, 1, LIMIT_VALIDITY_DAYS, &p->max_days, e);
}

static int
read_beyond(json_t *value, const char *name, enum beyond *ret, struct error *e)
{
	static const char *const words[] = {"refuse", "clamp"};
	size_t i;
	if (read_word(value, name, words, ARRAY_LEN(words), &i, e) < 0)
		return -1;
	*ret = i == 0 ? BEYOND_REFUSE : BEYOND_CLAMP;
	return 0;
}

static int
read_over_maximum(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_beyond(value, name, &p->over_maximum, e);
}

static int
read_over_issuer(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_beyond(value, name, &p->over_issuer, e);
}

static int
read_keys(struct profile *p, json_t *value, const char *name, struct error *e)
{
	size_t i;
	json_t *item;
	if (json_array_size(value) == 0 || json_array_size(value) > PROFILE_MAX_KEYS)
		return wrong(name, "a list of key types", e);
	json_array_foreach(value, i, item)
	{
		struct error weak;
		p->keys[i] = json_is_string(item) ? keytype_rule(json_string_value(item)) : NULL;
		if (!p->keys[i])
			return wrong(name, "a list of known key types", e);
		if (keytype_check(p->keys[i], &weak) < 0)
			return fail_at(e, E_BAD_VALUE, name, "profile: %s: %s", name, weak.detail);
	}
	p->n_keys = json_array_size(value);
	return 0;
}

static int
read_key_usage(struct profile *p, json_t *value, const char *name, struct error *e)
{
	size_t i, place;
	json_t *item;
	if (!json_is_array(value))
		return wrong(name, "a list", e);
	json_array_foreach(value, i, item)
	{
		if (read_word(item, name, key_usages, USAGE_COUNT, &place, e) < 0)
			return -1;
		p->key_usage |= 1u << place;
	}
	return 0;
}

static int
read_purposes(struct profile *p, json_t *value, const char *name, struct error *e)
{
	size_t i, k;
	json_t *item;
	if (!json_is_array(value) || json_array_size(value) > PROFILE_MAX_PURPOSES)
		return wrong(name, "a short list", e);
	json_array_foreach(value, i, item)
	{
		const char *s = json_string_value(item);
		for (k = 0; s && k < ARRAY_LEN(purposes) && strcmp(purposes[k].name, s) != 0; k++)
			;
		/* anyExtendedKeyUsage isn't in the table and so can't be configured. */
		if (!s || k == ARRAY_LEN(purposes))
			return wrong(name, "a list of known purposes", e);
		p->purposes[p->n_purposes++] = purposes[k].oid;
	}
	return 0;
}

static int
read_types(json_t *value, const char *name, const struct dn_type **ret, size_t *ret_n, struct error *e)
{
	size_t i;
	json_t *item;
	if (!json_is_array(value) || json_array_size(value) > PROFILE_MAX_TYPES)
		return wrong(name, "a list of attribute types", e);
	json_array_foreach(value, i, item)
	{
		ret[i] = json_is_string(item) ? dn_type_by_name(json_string_value(item)) : NULL;
		if (!ret[i])
			return wrong(name, "a list of known attribute types", e);
	}
	*ret_n = json_array_size(value);
	return 0;
}

static int
read_subject_required(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_types(value, name, p->required, &p->n_required, e);
}

static int
read_subject_allowed(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_types(value, name, p->allowed, &p->n_allowed, e);
}

static int
read_names_allowed(struct profile *p, json_t *value, const char *name, struct error *e)
{
	static const char *const words[NAME_KIND_COUNT] = {"dns", "ip", "email", "uri"};
	size_t i, place;
	json_t *item;
	if (!json_is_array(value))
		return wrong(name, "a list", e);
	json_array_foreach(value, i, item)
	{
		if (read_word(item, name, words, NAME_KIND_COUNT, &place, e) < 0)
			return -1;
		p->name_allowed[place] = true;
	}
	return 0;
}

static int
read_wildcard(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->wildcard, e);
}

static int
read_from_common_name(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->from_common_name, e);
}

static int
read_names_required(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->names_required, e);
}

static int
read_policies(struct profile *p, json_t *value, const char *name, struct error *e)
{
	size_t i;
	json_t *item;
	if (!json_is_array(value) || json_array_size(value) > PROFILE_MAX_POLICIES)
		return wrong(name, "a short list of object identifiers", e);
	json_array_foreach(value, i, item)
	{
		ASN1_OBJECT *oid CLEANUP(ASN1_OBJECT_free) = json_is_string(item) ? OBJ_txt2obj(json_string_value(item), 1) : NULL;
		if (!oid)
			return wrong(name, "a list of object identifiers", e);
		size_t len = OBJ_length(oid);
		p->policies[p->n_policies++] = (struct bytes){arena_dup(p->arena, OBJ_get0_data(oid), len), len};
	}
	return 0;
}

static int
read_key_reuse(struct profile *p, json_t *value, const char *name, struct error *e)
{
	static const char *const words[] = {"allow", "same_subject", "never"};
	size_t i;
	if (read_word(value, name, words, ARRAY_LEN(words), &i, e) < 0)
		return -1;
	p->key_reuse = (enum key_reuse)i;
	return 0;
}

static int
read_status_information(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->status_information, e);
}

static int
read_ocsp_nocheck(struct profile *p, json_t *value, const char *name, struct error *e)
{
	return read_bool(value, name, &p->ocsp_nocheck, e);
}

static const struct member members[] = {
    {"internal", read_internal},
    {"ca", read_ca},
    {"path_length", read_path_length},
    {"days", read_days},
    {"max_days", read_max_days},
    {"over_maximum", read_over_maximum},
    {"over_issuer", read_over_issuer},
    {"keys", read_keys},
    {"key_usage", read_key_usage},
    {"extended_key_usage", read_purposes},
    {"subject_required", read_subject_required},
    {"subject_allowed", read_subject_allowed},
    {"names_allowed", read_names_allowed},
    {"names_required", read_names_required},
    {"wildcard", read_wildcard},
    {"from_common_name", read_from_common_name},
    {"policies", read_policies},
    {"key_reuse", read_key_reuse},
    {"status_information", read_status_information},
    {"ocsp_nocheck", read_ocsp_nocheck},
};

/* What no profile can configure away. */
static int
check_ceilings(const struct profile *p, struct error *e)
{
	unsigned sign = 1u << USAGE_KEY_CERT_SIGN | 1u << USAGE_CRL_SIGN;
	if (p->n_keys == 0 || p->days == 0 || p->max_days == 0 || p->key_usage == 0)
		return fail(e, E_BAD_VALUE, "profile: keys, days, max_days and key_usage must be there");
	if (p->days > p->max_days)
		return fail_at(e, E_BAD_VALUE, "days", "profile: days is more than max_days");
	if (!p->ca && p->max_days > LIMIT_LEAF_VALIDITY_DAYS)
		return fail_at(e, E_BAD_VALUE, "max_days", "profile: max_days: at most %d for anything but a CA", LIMIT_LEAF_VALIDITY_DAYS);
	if (!p->ca && (p->key_usage & sign || p->path_length >= 0))
		return fail_at(e, E_BAD_VALUE, "key_usage", "profile: keyCertSign, cRLSign and a path length are for CAs alone");
	if (p->ca && (!(p->key_usage & 1u << USAGE_KEY_CERT_SIGN) || !p->internal || p->n_purposes))
		return fail_at(e, E_BAD_VALUE, "ca", "profile: a CA's profile is internal, has keyCertSign and no extended key usage");
	if (!p->ca && p->n_purposes == 0)
		return fail_at(e, E_BAD_VALUE, "extended_key_usage", "profile: a purpose is wanted: a certificate good for anything isn't issued");
	for (size_t i = 0; i < p->n_purposes; i++)
		if (bytes_equal(p->purposes[i], OID_EKU_OCSP_SIGNING) && !p->internal)
			return fail_at(e, E_BAD_VALUE, "extended_key_usage", "profile: OCSPSigning is for internal profiles alone");
	return 0;
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
		if (i == ARRAY_LEN(members))
			return fail_at(e, E_BAD_VALUE, key, "profile: \"%s\" isn't a member of a profile", key);
		if (members[i].read(p, value, key, e) < 0)
			return -1;
	}
	return check_ceilings(p, e);
}

int
profile_new(struct arena *a, int32_t id, int32_t tenant_id, const char *name, const char *kind, const char *json, struct profile **ret,
	    struct error *e)
{
	json_error_t where;
	json_t *root CLEANUP(json_decref) = json_loads(json, JSON_REJECT_DUPLICATES, &where);
	struct profile *p CLEANUP(profile_free) = xcalloc(1, sizeof(*p));
	*p = (struct profile){.arena = a, .id = id, .tenant_id = tenant_id, .path_length = -1, .status_information = true, .users = 1, .row = ""};
	p->name = arena_strdup(a, name);
	p->kind = arena_strdup(a, kind);
	if (!json_is_object(root))
		return fail(e, E_BAD_VALUE, "profile: a JSON object is wanted");
	if (read_members(p, root, e) < 0)
		return -1;
	*ret = TAKE(p);
	return 0;
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
