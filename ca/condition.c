#include "ca/condition.h"

#include <string.h>

#include "ca/manage.h"
#include "ca/metadata.h"
#include "ca/path.h"
#include "lib/limits.h"
#include "lib/utf8.h"
#include "lib/x509/dn.h"

#define NAME_MAX_BYTES 100
#define MESSAGE_MAX_BYTES 200
#define POINTER_MAX_BYTES 60
#define COUNT_MAX 10 /* the column approval.wanted */

/* --- members --- */

struct reading {
	struct db *db;
	struct arena *arena;
	int32_t tenant_id;
	bool certificates; /* bound to requests for certificates alone */
	bool policies;     /* bound to changes of policies too */
};

static int
text_check(const json_t *v, const char *where, size_t max, struct error *e)
{
	const char *s = json_string_value(v);
	size_t len = s ? json_string_length(v) : 0;
	if (len == 0 || len > max || strlen(s) != len || !utf8_valid(s, len))
		return fail_at(e, E_BAD_VALUE, where, "%s has to be a text of 1 to %zu octets", where, max);
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return fail_at(e, E_BAD_VALUE, where, "%s has to be on one line", where);
	return 0;
}

int
condition_check(struct db *db, const char *text, const char *where, struct error *e)
{
	struct db_result *result CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_TEXT(text)};
	struct error inner;
	if (strlen(text) > LIMIT_POLICY_PATH_BYTES)
		return fail_at(e, E_BAD_VALUE, where, "%s has more than %d octets", where, LIMIT_POLICY_PATH_BYTES);
	if (path_precheck(text, &inner) < 0)
		return fail_at(e, E_BAD_VALUE, where, "%s: %s", where, inner.detail);
	if (db_query(db, "SELECT r_message, r_column, r_path, r_us FROM policy_path_check($1::text)", row, 1, false, &result, e) < 0)
		return -1;
	if (!db_is_null(result, 0, 0))
		return fail_at(e, E_BAD_VALUE, where, "%s, column %lld: %.200s", where, (long long)db_int(result, 0, 1), db_text(result, 0, 0));
	if (path_check(db_text(result, 0, 2), &inner) < 0)
		return fail_at(e, E_BAD_VALUE, where, "%s: %s", where, inner.detail);
	if (db_int(result, 0, 3) > LIMIT_POLICY_PATH_US)
		return fail_at(e, E_BAD_VALUE, where, "%s takes %lld µs on a request as large as one may be, more than %d", where,
			       (long long)db_int(result, 0, 3), LIMIT_POLICY_PATH_US);
	return 0;
}

int
condition_query(struct db *db, int ms, const char *sql, const struct db_param *params, int n_params, struct db_result **ret, struct error *e)
{
	struct error later;
	if (db_query(db, "SELECT set_config('statement_timeout', $1::text, false)", &DB_INT(ms), 1, false, NULL, e) < 0)
		return -1;
	int rc = db_query(db, sql, params, n_params, false, ret, e);
	if (rc < 0 && strcmp(db_sqlstate(db), CONDITION_LATE) == 0)
		(void)fail(e, E_BAD_VALUE, "the conditions take longer than %d ms on this", ms);
	/* In a transaction that failed the rollback does it. */
	if (db_alive(db) && !db_in_failed(db) && db_query(db, "RESET statement_timeout", NULL, 0, false, NULL, &later) < 0 && rc == 0) {
		*e = later;
		return -1;
	}
	return rc;
}

static int
member_condition(struct reading *r, const json_t *rule, const char *name, const char *where, struct error *e)
{
	const json_t *v = json_object_get(rule, name);
	const char *at = arena_printf(r->arena, "%s/%s", where, name);
	if (!v)
		return 0;
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v) || json_string_length(v) == 0)
		return fail_at(e, E_BAD_VALUE, at, "%s has to be a text that isn't empty", at);
	return condition_check(r->db, json_string_value(v), at, e);
}

/* Attributes of the subject that a rule sets: each a text or an array of texts; made an array. */
static int
subject_check(struct reading *r, json_t *subject, const char *where, struct error *e)
{
	const char *name;
	json_t *v;
	void *next;
	json_object_foreach_safe(subject, next, name, v)
	{
		const char *at = arena_printf(r->arena, "%s/%.40s", where, name);
		struct error inner;
		if (json_is_string(v)) {
			json_t *list = json_pack("[O]", v);
			json_object_set_new(subject, name, list);
			v = list;
		}
		if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > LIMIT_RDN_COUNT)
			return fail_at(e, E_BAD_VALUE, at, "%s has to be a text or an array of some", at);
		for (size_t i = 0; i < json_array_size(v); i++) {
			struct dn_value value = {.type = dn_type_by_name(name), .value = json_string_value(json_array_get(v, i))};
			if (!value.type || strcmp(value.type->name, name) != 0)
				return fail_at(e, E_BAD_VALUE, at, "%s: there is no such attribute of a name", at);
			if (!value.value || dn_check(&value, &inner) < 0)
				return fail_at(e, E_BAD_VALUE, at, "%s: %s", at, value.value ? inner.detail : "has to be a text");
		}
	}
	return 0;
}

static int
default_check(struct reading *r, json_t *values, const char *where, struct error *e)
{
	const char *name, *at = arena_printf(r->arena, "%s/default", where);
	json_t *v;
	struct error inner;
	if (!r->certificates)
		return fail_at(e, E_BAD_VALUE, at, "%s: values are set in requests for certificates alone; the policy names other operations", at);
	if (!json_is_object(values) || json_object_size(values) == 0)
		return fail_at(e, E_BAD_VALUE, at, "%s has to be an object with what is set", at);
	json_object_foreach(values, name, v)
	{
		const char *here = arena_printf(r->arena, "%s/%.40s", at, name);
		if (strcmp(name, "days") == 0) {
			if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > LIMIT_VALIDITY_DAYS)
				return fail_at(e, E_BAD_VALUE, here, "%s has to be a whole number from 1 to %d", here, LIMIT_VALIDITY_DAYS);
		} else if (strcmp(name, "owner") == 0) {
			if (!json_is_string(v) || owner_check(json_string_value(v), &inner) < 0)
				return fail_at(e, E_BAD_VALUE, here, "%s has to be the name of an owner", here);
		} else if (strcmp(name, "metadata") == 0) {
			if (!json_is_object(v) || metadata_check(v, &inner) < 0)
				return fail_at(e, E_BAD_VALUE, here, "%s: %s", here, json_is_object(v) ? inner.detail : "has to be an object");
		} else if (strcmp(name, "subject") == 0) {
			if (!json_is_object(v))
				return fail_at(e, E_BAD_VALUE, here, "%s has to be an object", here);
			if (subject_check(r, v, here, e) < 0)
				return -1;
		} else {
			return fail_at(e, E_BAD_VALUE, here, "%s: days, owner, metadata and subject can be set", here);
		}
	}
	return 0;
}

/* Who is to approve: a right that changes something, or a role of the tenant. */
static int
approvers_check(struct reading *r, const json_t *wanted, const char *where, struct error *e)
{
	struct db_result *result CLEANUP(db_result_free) = NULL;
	const char *at = arena_printf(r->arena, "%s/approve", where);
	const json_t *count = json_object_get(wanted, "count"), *right = json_object_get(wanted, "right"), *role = json_object_get(wanted, "role");
	if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > COUNT_MAX)
		return fail_at(e, E_BAD_VALUE, at, "%s: count has to be a whole number from 1 to %d", at, COUNT_MAX);
	if (json_object_size(wanted) != 2 || !right == !role)
		return fail_at(e, E_BAD_VALUE, at, "%s has count and one of right and role", at);
	if (right) {
		enum right n = json_is_string(right) ? right_parse(json_string_value(right)) : RIGHT_COUNT;
		return n != RIGHT_COUNT && right_changes(n)
		           ? 0
		           : fail_at(e, E_BAD_VALUE, at, "%s: right isn't the word of a right that changes something", at);
	}
	if (text_check(role, at, NAME_MAX_BYTES, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(r->tenant_id), DB_TEXT(json_string_value(role))};
	if (db_query(r->db, "SELECT 1 FROM role WHERE (tenant_id = $1::int OR tenant_id IS NULL) AND name = $2::text", row, 2, false, &result, e) < 0)
		return -1;
	return db_rows(result) ? 0 : fail_at(e, E_BAD_VALUE, at, "%s: there is no role \"%.63s\"", at, json_string_value(role));
}

static int
effect_check(struct reading *r, json_t *rule, const char *where, struct error *e)
{
	static const char *const effects[] = {"default", "require", "refuse", "approve"};
	const char *effect = NULL;
	for (size_t i = 0; i < ARRAY_LEN(effects); i++)
		if (json_object_get(rule, effects[i])) {
			if (effect)
				return fail_at(e, E_BAD_VALUE, where, "%s has %s and %s: a rule has one effect", where, effect, effects[i]);
			effect = effects[i];
		}
	if (!effect)
		return fail_at(e, E_BAD_VALUE, where, "%s has no effect: one of default, require, refuse and approve is wanted", where);
	json_t *v = json_object_get(rule, effect);
	if (strcmp(effect, "default") == 0)
		return default_check(r, v, where, e);
	if (strcmp(effect, "approve") == 0)
		return approvers_check(r, v, where, e);
	if (r->policies)
		return fail_at(e, E_BAD_VALUE, where, "%s: a policy that refuses changes of policies could never be changed again", where);
	if (strcmp(effect, "refuse") == 0)
		return json_is_true(v) ? 0 : fail_at(e, E_BAD_VALUE, where, "%s: refuse is true, or isn't there", where);
	return member_condition(r, rule, "require", where, e);
}

/* The members of a rule. */
static const struct {
	const char *name;
	size_t max; /* 0: no text */
} members[] = {{"name", NAME_MAX_BYTES}, {"message", MESSAGE_MAX_BYTES}, {"message_de", MESSAGE_MAX_BYTES}, {"pointer", POINTER_MAX_BYTES},
    {"when", 0}, {"default", 0}, {"require", 0}, {"refuse", 0}, {"approve", 0}};

const char *
policy_rule_member(size_t n, size_t *ret_max)
{
	*ret_max = n < ARRAY_LEN(members) ? members[n].max : 0;
	return n < ARRAY_LEN(members) ? members[n].name : NULL;
}

static int
rule_check(struct reading *r, json_t *rule, const char *where, struct error *e)
{
	const char *name;
	json_t *v;
	if (!json_is_object(rule))
		return fail_at(e, E_BAD_VALUE, where, "%s has to be an object", where);
	json_object_foreach(rule, name, v)
	{
		size_t i = 0;
		const char *at = arena_printf(r->arena, "%s/%.40s", where, name);
		while (i < ARRAY_LEN(members) && strcmp(members[i].name, name) != 0)
			i++;
		if (i == ARRAY_LEN(members))
			return fail_at(e, E_BAD_VALUE, at, "%s: a rule has no such member", at);
		if (members[i].max && text_check(v, at, members[i].max, e) < 0)
			return -1;
	}
	if (!json_object_get(rule, "name"))
		return fail_at(e, E_BAD_VALUE, where, "%s has to have a name", where);
	if (!json_object_get(rule, "message") && !json_object_get(rule, "default"))
		return fail_at(e, E_BAD_VALUE, where, "%s has to have a message, for whom it stops", where);
	return member_condition(r, rule, "when", where, e) < 0 ? -1 : effect_check(r, rule, where, e);
}

/* --- the whole --- */

/* The operations that rules can be about: certificates, and what the manager does and may wait. */
static int
operations_read(struct reading *r, const json_t *list, const char **ret, struct error *e)
{
	const char *text = "";
	size_t i;
	json_t *v;
	r->certificates = true;
	if (!list) {
		*ret = "{certificate.issue,certificate.renew}";
		return 0;
	}
	if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > LIMIT_POLICY_OPERATIONS)
		return fail_at(e, E_BAD_VALUE, "operations", "operations has to be an array of 1 to %d", LIMIT_POLICY_OPERATIONS);
	json_array_foreach(list, i, v)
	{
		const char *name = json_is_string(v) ? json_string_value(v) : "";
		const struct manage_op *op = manage_find(name);
		bool certificate = strcmp(name, "certificate.issue") == 0 || strcmp(name, "certificate.renew") == 0;
		if (!certificate && (!op || op->flags & MANAGE_DIRECT))
			return fail_at(e, E_BAD_VALUE, "operations", "operations: %s isn't one that policies are asked about",
			               *name ? arena_printf(r->arena, "\"%.64s\"", name) : arena_printf(r->arena, "number %zu", i + 1));
		r->certificates = r->certificates && certificate;
		r->policies = r->policies || strncmp(name, "policy.", 7) == 0;
		text = arena_printf(r->arena, "%s%s%s", text, *text ? "," : "", name);
	}
	*ret = arena_printf(r->arena, "{%s}", text);
	return 0;
}

int
policy_rules_read(struct db *db, struct arena *a, int32_t tenant_id, const json_t *operations, const char *condition, const json_t *rules,
           struct policy_rules *ret, struct error *e)
{
	struct reading r = {.db = db, .arena = a, .tenant_id = tenant_id};
	json_t *copy CLEANUP(json_decref) = json_deep_copy(rules);
	json_t *rule;
	size_t i;
	*ret = (struct policy_rules){.condition = condition, .n = (int)json_array_size(copy)};
	if (operations_read(&r, operations, &ret->operations, e) < 0)
		return -1;
	if (!json_is_array(copy) || json_array_size(copy) == 0 || json_array_size(copy) > LIMIT_POLICY_RULES)
		return fail_at(e, E_BAD_VALUE, "rules", "rules has to be an array of 1 to %d", LIMIT_POLICY_RULES);
	if (condition && condition_check(db, condition, "condition", e) < 0)
		return -1;
	json_array_foreach(copy, i, rule)
		if (rule_check(&r, rule, arena_printf(a, "rules/%zu", i), e) < 0)
			return -1;
	char *text = json_dumps(copy, JSON_COMPACT);
	ret->text = arena_strdup(a, text ? text : "[]");
	free(text);
	return 0;
}
