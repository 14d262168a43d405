/* What the API's description says of profiles and rules (api/schemas/) against what the engine reads: the same members, words and bounds. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/condition.h"
#include "ca/manage.h"
#include "ca/profile.h"
#include "ca/purpose.h"
#include "lib/x509/keytype.h"

#undef fail /* check.h has one of its own */
#include <check.h>

static json_t *
schema_named(const char *name)
{
	char path[1024];
	json_error_t where;
	snprintf(path, sizeof(path), "%s/api/schemas/%s.json", TOP_SRCDIR, name);
	json_t *schema = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	ck_assert_msg(schema != NULL, "%s:%d: %s", path, where.line, where.text);
	return schema;
}

static bool
has(const json_t *list, const char *word)
{
	size_t i;
	json_t *item;
	if (json_is_object(list))
		return json_object_get(list, word) != NULL;
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
		if (strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

static size_t
size_of(const json_t *list)
{
	return json_is_object(list) ? json_object_size(list) : json_array_size(list);
}

/* The words that a member's schema has, or the members of its own. */
static json_t *
words_of(json_t *schema)
{
	json_t *list, *items = json_object_get(schema, "items"), *either = json_object_get(items, "anyOf"), *choice = json_object_get(schema, "anyOf");
	if (choice)
		return words_of(json_array_get(choice, 1));
	if (either)
		return words_of(json_array_get(either, 1));
	if (items)
		return words_of(items);
	if ((list = json_object_get(schema, "enum")) || (list = json_object_get(schema, "x-siegel-values")))
		return list;
	return json_object_get(schema, "properties");
}

START_TEST(members_and_words)
{
	json_t *schema CLEANUP(json_decref) = schema_named("profile_definition");
	json_t *properties = json_object_get(schema, "properties");
	const char *const *words;
	const char *name;
	size_t n = 0, n_words;
	for (; (name = profile_member(n, &words, &n_words)); n++) {
		json_t *member = json_object_get(properties, name), *list = words_of(member);
		ck_assert_msg(member != NULL, "the description lacks \"%s\"", name);
		if (strcmp(name, "subject_rules") == 0)
			list = words_of(json_object_get(list, "CN"));
		for (size_t i = 0; i < n_words; i++)
			ck_assert_msg(has(list, words[i]), "the description of %s lacks \"%s\"", name, words[i]);
		ck_assert_msg(!words || size_of(list) == n_words, "the description of %s has more than the parser", name);
	}
	ck_assert_uint_eq(n, json_object_size(properties));
}
END_TEST

/* Each member stands in one section, once. */
START_TEST(sections)
{
	json_t *schema CLEANUP(json_decref) = schema_named("profile_definition");
	json_t *properties = json_object_get(schema, "properties"), *section, *member;
	json_t *seen CLEANUP(json_decref) = json_object();
	size_t i, k;
	json_array_foreach(json_object_get(schema, "x-siegel-sections"), i, section)
		json_array_foreach(json_array_get(section, 1), k, member)
		{
			ck_assert_ptr_nonnull(json_object_get(properties, json_string_value(member)));
			ck_assert_ptr_null(json_object_get(seen, json_string_value(member)));
			json_object_set_new(seen, json_string_value(member), json_true());
		}
	ck_assert_uint_eq(json_object_size(seen), json_object_size(properties));
}
END_TEST

START_TEST(registries)
{
	json_t *schema CLEANUP(json_decref) = schema_named("profile_definition");
	json_t *properties = json_object_get(schema, "properties"), *item;
	static const char *const of_types[] = {"subject_allowed", "subject_required", "subject_order", "subject_fixed", "subject_defaults", "subject_rules"};
	size_t n, i;
	const struct keytype *t;
	struct error e;
	for (size_t k = 0; k < ARRAY_LEN(of_types); k++) {
		json_t *list = words_of(json_object_get(properties, of_types[k]));
		for (n = 0; dn_type_at(n); n++)
			ck_assert_msg(has(list, dn_type_at(n)->name), "%s lacks %s", of_types[k], dn_type_at(n)->name);
		ck_assert_uint_eq(size_of(list), n);
	}
	json_t *purposes = words_of(json_object_get(properties, "extended_key_usage"));
	for (n = 0; purpose_at(n); n++)
		ck_assert_msg(has(purposes, purpose_at(n)->name), "extended_key_usage lacks %s", purpose_at(n)->name);
	ck_assert_uint_eq(json_array_size(purposes), n);
	json_t *keys = words_of(json_object_get(properties, "keys"));
	for (n = 0; (t = keytype_at(n)); n++)
		ck_assert_msg(has(keys, t->name) == (keytype_check(t, &e) == 0), "keys: %s", t->name);
	json_array_foreach(keys, i, item)
	{
		t = keytype_rule(json_string_value(item));
		ck_assert_msg(t != NULL && keytype_check(t, &e) == 0, "no profile takes keys of the type %s", json_string_value(item));
	}
}
END_TEST

/* A definition with one member alone: what the reader says of it. */
static void
read_one(const json_t *definition, struct error *e)
{
	struct profile *p CLEANUP(profile_free) = NULL;
	char *text = json_dumps(definition, 0);
	int rc = profile_new(arena_new(1024 * 1024), 1, 1, "x", "certificate", text, &p, e);
	free(text);
	ck_assert_int_eq(rc, -1); /* it lacks all that has to be there */
}

/* Every number and every truth value, however deep: of a value that is beyond all bounds the reader says which there are. */
static int
check_leaves(json_t *root, json_t *at, json_t *properties, const char *path)
{
	const char *name;
	json_t *schema;
	int n = 0;
	json_object_foreach(properties, name, schema)
	{
		const char *type = json_string_value(json_object_get(schema, "type"));
		char here[200], wanted[200] = "true or false is wanted";
		struct error e = {0};
		snprintf(here, sizeof(here), "%s/%s", path, name);
		if (type && strcmp(type, "object") == 0) {
			json_t *inner = json_object();
			json_object_set_new(at, name, inner);
			n += check_leaves(root, inner, json_object_get(schema, "properties"), here);
		} else if (type && (strcmp(type, "integer") == 0 || strcmp(type, "boolean") == 0)) {
			json_object_set_new(at, name, json_integer(-999999));
			if (strcmp(type, "integer") == 0)
				snprintf(wanted, sizeof(wanted), "a number from %lld to %lld is wanted",
					 (long long)json_integer_value(json_object_get(schema, "minimum")),
					 (long long)json_integer_value(json_object_get(schema, "maximum")));
			read_one(root, &e);
			ck_assert_msg(strstr(e.detail, wanted) != NULL, "%s: \"%s\", and by the description \"%s\"", here, e.detail, wanted);
			n++;
		}
		json_object_del(at, name);
	}
	return n;
}

START_TEST(bounds)
{
	json_t *schema CLEANUP(json_decref) = schema_named("profile_definition");
	json_t *root CLEANUP(json_decref) = json_object();
	int n = check_leaves(root, root, json_object_get(schema, "properties"), "");
	ck_assert_int_ge(n, 60);
}
END_TEST

START_TEST(rules)
{
	json_t *schema CLEANUP(json_decref) = schema_named("policy_rules");
	json_t *properties = json_object_get(json_object_get(schema, "items"), "properties");
	const char *name;
	size_t n = 0, max;
	for (; (name = policy_rule_member(n, &max)); n++) {
		json_t *member = json_object_get(properties, name);
		ck_assert_msg(member != NULL, "the description lacks \"%s\"", name);
		if (max)
			ck_assert_uint_eq((size_t)json_integer_value(json_object_get(member, "maxLength")), max);
	}
	ck_assert_uint_eq(n, json_object_size(properties));
	ck_assert_int_eq(json_integer_value(json_object_get(schema, "maxItems")), LIMIT_POLICY_RULES);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(properties, "when"), "maxLength")), LIMIT_POLICY_PATH_BYTES);
}
END_TEST

/* What policies are asked about: all that the manager may hold, and issuing. */
START_TEST(operations)
{
	json_t *schema CLEANUP(json_decref) = schema_named("policy_document");
	json_t *words = words_of(json_object_get(json_object_get(schema, "properties"), "operation"));
	size_t n = 2;
	ck_assert(has(words, "certificate.issue") && has(words, "certificate.renew"));
	for (size_t i = 0; manage_tables[i]; i++)
		for (const struct manage_op *op = manage_tables[i]; op->name; op++) {
			bool asked = !(op->flags & MANAGE_DIRECT);
			ck_assert_msg(has(words, op->name) == asked, "%s", op->name);
			n += asked;
		}
	ck_assert_uint_eq(json_array_size(words), n);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("schemas");
	TCase *t = tcase_create("against the engine");
	tcase_add_test(t, members_and_words);
	tcase_add_test(t, sections);
	tcase_add_test(t, registries);
	tcase_add_test(t, bounds);
	tcase_add_test(t, rules);
	tcase_add_test(t, operations);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
