#include "ca/rules.h"

#include <string.h>

#define DAY_SEC 86400

static const struct dn_value *
find(const struct dn_value *values, size_t n, const struct dn_type *type)
{
	for (size_t i = 0; i < n; i++)
		if (values[i].type == type)
			return &values[i];
	return NULL;
}

static int
add_value(struct dn_value *values, size_t *n, struct dn_value v, struct error *e)
{
	if (*n == LIMIT_RDN_COUNT)
		return fail_at(e, E_BAD_VALUE, "subject", "subject: over %d attributes", LIMIT_RDN_COUNT);
	values[(*n)++] = v;
	return 0;
}

/* What the profile fixes may be left out or said, but not otherwise. */
static int
fill_in(struct arena *a, const struct profile *p, struct dn_value *values, size_t *n, struct error *e)
{
	for (size_t i = 0; i < p->n_fixed; i++) {
		const struct dn_value *want = &p->fixed[i];
		for (size_t k = 0; k < *n; k++)
			if (values[k].type == want->type && strcmp(values[k].value, want->value) != 0)
				return fail_at(e, E_POLICY, arena_printf(a, "subject/%s", want->type->name),
					       "subject: with the profile \"%s\" %s is always \"%s\"", p->name, want->type->name, want->value);
		if (!find(values, *n, want->type) && add_value(values, n, *want, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < p->n_defaults; i++)
		if (!find(values, *n, p->defaults[i].type) && add_value(values, n, p->defaults[i], e) < 0)
			return -1;
	return 0;
}

/* The place of the type in the profile's order; what isn't in it comes last. */
static size_t
place(const struct profile *p, const struct dn_type *type)
{
	size_t i = 0;
	while (i < p->n_order && p->order[i] != type)
		i++;
	return i;
}

/* Insertion sort: a handful of values, and those of one type keep their order. */
static void
put_in_order(const struct profile *p, struct dn_value *values, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct dn_value v = values[i];
		size_t k = i;
		for (; k > 0 && place(p, values[k - 1].type) > place(p, v.type); k--)
			values[k] = values[k - 1];
		values[k] = v;
	}
}

/* A set as in a regular expression's brackets: "A-Za-z0-9-". */
static bool
in_set(const char *set, char c)
{
	for (const char *s = set; *s; s++) {
		if (s[1] == '-' && s[2]) {
			if (c >= s[0] && c <= s[2])
				return true;
			s += 2;
		} else if (*s == c) {
			return true;
		}
	}
	return false;
}

static size_t
count_chars(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static int
check_value(struct arena *a, const struct subject_rule *r, const char *value, struct error *e)
{
	const char *pointer = arena_printf(a, "subject/%s", r->type->name);
	size_t chars = count_chars(value), i = 0;
	if (chars < r->min || (r->max && chars > r->max))
		return fail_at(e, E_POLICY, pointer, "subject: %s has %zu characters, %zu to %zu are wanted", r->type->name, chars, r->min,
			       r->max ? r->max : r->type->max_chars);
	for (const char *c = value; r->characters && *c; c++)
		if (!in_set(r->characters, *c))
			return fail_at(e, E_POLICY, pointer, "subject: %s has a character that isn't one of %s", r->type->name, r->characters);
	while (i < r->n_one_of && strcmp(r->one_of[i], value) != 0)
		i++;
	if (r->n_one_of && i == r->n_one_of)
		return fail_at(e, E_POLICY, pointer, "subject: %s isn't one of the values that the profile takes", r->type->name);
	return 0;
}

static bool
type_in(const struct dn_type *type, const struct dn_type *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == type)
			return true;
	return false;
}

static int
check_attribute(struct arena *a, const struct profile *p, const struct dn_value *v, struct error *e)
{
	if (!type_in(v->type, p->allowed, p->n_allowed) && !find(p->fixed, p->n_fixed, v->type) && !find(p->defaults, p->n_defaults, v->type))
		return fail_at(e, E_POLICY, arena_printf(a, "subject/%s", v->type->name), "subject: the profile \"%s\" takes no %s", p->name,
			       v->type->name);
	for (size_t i = 0; i < p->n_rules; i++)
		if (p->rules[i].type == v->type && check_value(a, &p->rules[i], v->value, e) < 0)
			return -1;
	return 0;
}

int
rules_subject(struct arena *a, const struct profile *p, struct dn_value *values, size_t *n, struct error *e)
{
	size_t names = 0;
	if (fill_in(a, p, values, n, e) < 0)
		return -1;
	if (p->n_order)
		put_in_order(p, values, *n);
	for (size_t i = 0; i < *n; i++) {
		if (check_attribute(a, p, &values[i], e) < 0)
			return -1;
		if (strcmp(values[i].type->name, "CN") == 0 && ++names > 1)
			return fail_at(e, E_POLICY, "subject/CN", "subject: only one CN is taken");
	}
	for (size_t i = 0; i < p->n_required; i++)
		if (!find(values, *n, p->required[i]))
			return fail_at(e, E_POLICY, arena_printf(a, "subject/%s", p->required[i]->name),
				       "subject: the profile \"%s\" wants a %s", p->name, p->required[i]->name);
	return 0;
}

static bool
is_within(const struct profile *p, const struct name *n)
{
	bool constrained = false;
	for (size_t i = 0; i < p->within.n; i++) {
		const struct subtree *t = &p->within.items[i];
		if (t->kind != n->kind)
			continue;
		constrained = true;
		if (subtree_contains(t, n))
			return true;
		/* "urn:example:" and other prefixes of URIs: beyond what name constraints know */
		if (t->kind == NAME_URI && strchr(t->text, ':') && strncmp(t->text, n->text, strlen(t->text)) == 0)
			return true;
	}
	return !constrained;
}

static int
check_name(const struct profile *p, const struct name *n, const char *pointer, long *count, struct error *e)
{
	const char *word = name_kind_word(n->kind);
	if (!p->name_allowed[n->kind])
		return fail_at(e, E_POLICY, pointer, "names: the profile \"%s\" takes no %s names", p->name, word);
	if (++*count > p->name_max[n->kind] && p->name_max[n->kind])
		return fail_at(e, E_POLICY, pointer, "names: the profile \"%s\" takes at most %ld %s names", p->name, p->name_max[n->kind], word);
	if (!is_within(p, n))
		return fail_at(e, E_POLICY, pointer, "names: %s:%s isn't among those that the profile \"%s\" takes", word, n->text, p->name);
	return 0;
}

int
rules_names(struct arena *a, const struct profile *p, const struct name *names, size_t n, const char *root, struct error *e)
{
	long count[NAME_KIND_COUNT] = {0};
	for (size_t i = 0; i < n; i++) {
		const char *pointer = strcmp(root, "names") == 0 ? arena_printf(a, "names/%zu", i) : root;
		if (check_name(p, &names[i], pointer, &count[names[i].kind], e) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (names[k].kind == names[i].kind && strcmp(names[k].text, names[i].text) == 0)
				return fail_at(e, E_BAD_VALUE, pointer, "names: one comes twice");
	}
	if (n == 0 && p->names_required)
		return fail_at(e, E_POLICY, "names", "names: the profile \"%s\" wants at least one%s", p->name,
			       p->from_common_name ? ", or a CN that is a DNS name" : "");
	for (size_t i = 0; i < NAME_KIND_COUNT; i++)
		if (p->name_required[i] && count[i] == 0)
			return fail_at(e, E_POLICY, "names", "names: the profile \"%s\" wants a name of the kind %s", p->name,
				       name_kind_word((enum name_kind)i));
	return 0;
}

static int
without_expiry(const struct profile *p, int64_t asked_sec, int64_t now, int64_t issuer_begin, struct validity *ret, struct error *e)
{
	if (asked_sec)
		return fail_at(e, E_POLICY, "days", "validity: the profile \"%s\" issues without an end: ask for none", p->name);
	int64_t begin = now - BACKDATE_SEC;
	*ret = (struct validity){begin < issuer_begin ? issuer_begin : begin, PROFILE_NO_EXPIRY, "without expiry"};
	return 0;
}

int
rules_validity(const struct profile *p, int64_t asked_sec, int64_t now, int64_t issuer_begin, int64_t issuer_end, struct validity *ret,
	       struct error *e)
{
	struct validity v = {.rule = asked_sec ? "as requested" : "profile default"};
	int64_t length = asked_sec ? asked_sec : p->validity_sec;
	if (p->no_expiry)
		return without_expiry(p, asked_sec, now, issuer_begin, ret, e);
	if (asked_sec < 0 || asked_sec > (int64_t)LIMIT_VALIDITY_DAYS * DAY_SEC)
		return fail_at(e, E_BAD_VALUE, "days", "validity: 1 to %lld days are wanted",
			       (long long)((p->max_validity_sec + DAY_SEC - 1) / DAY_SEC));
	if (length > p->max_validity_sec) {
		if (p->over_maximum == BEYOND_REFUSE)
			return fail_at(e, E_POLICY, "days", "validity: the profile \"%s\" issues for at most %lld %s", p->name,
				       (long long)p->max_validity_sec / (p->max_validity_sec >= DAY_SEC ? DAY_SEC : 60),
				       p->max_validity_sec >= DAY_SEC ? "days" : "minutes");
		length = p->max_validity_sec;
		v.rule = "clamped to the profile's maximum";
	}
	v.not_before = now - BACKDATE_SEC;
	v.not_after = v.not_before + length - 1; /* inclusive: RFC 5280 4.1.2.5 */
	if (v.not_before < issuer_begin)
		v.not_before = issuer_begin;
	if (v.not_after > issuer_end) {
		if (p->over_issuer == BEYOND_REFUSE || issuer_end < now + 60)
			return fail_at(e, E_POLICY, "days", "validity: it would end after the issuer's, which is in %lld days",
				       (long long)((issuer_end - now) / DAY_SEC));
		v.not_after = issuer_end;
		v.rule = "clamped to the issuer's end";
	}
	*ret = v;
	return 0;
}
