/* Policies at the manager's desk: saved, refused at save, asked, tried out. */
#include "config.h"
#include "tests/unit/ca/seat.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/condition.h"
#include "ca/jobs.h"
#include "lib/limits.h"

TCase *tcase_approval(void);
TCase *tcase_account(void);

static struct seat s;

static void
setup(void)
{
	seat_open(&s);
}

static void
teardown(void)
{
	seat_close(&s);
}

/* What policy_apply() says of one document of tenant 1: "effect policy/rule: document". */
static const char *
apply(const char *document)
{
	char *text = arena_strdup(s.arena, document);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return seat_one(&s, arena_printf(s.arena,
					 "SELECT string_agg(concat_ws(' ', coalesce(r_effect, 'none'), r_policy || '/' || r_rule, r_wanted, r_doc), ';') FROM"
					 " policy_apply('{1}', '{1}', (SELECT array_agg(id) FROM profile WHERE tenant_id = 1 AND name = 'server'),"
					 " ARRAY[$$%s$$::jsonb])",
					 text));
}

/* A policy of one rule, switched on; its id. */
static int64_t
policy(const char *name, const char *rule)
{
	int64_t id = act(&s, "admin1", "policy.create", 0, arena_printf(s.arena, "{'name':'%s','enabled':true,'rules':[%s]}", name, rule));
	ck_assert_msg(id > 0, "%s: %s", rule, s.error.detail);
	return id;
}

static void
gone(int64_t id)
{
	ck_assert_int_eq(act(&s, "admin1", "policy.delete", id, NULL), id);
}

START_TEST(rules_do_what_they_say)
{
	int64_t b = policy("b", "{'name':'short','when':'$.key.family == \\\"ec\\\"','require':'$.days <= 100','message':'at most 100 days','pointer':'days'}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','key':{'family':'ec'},'days':100}"), "");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','key':{'family':'ec'},'days':101}"), "refuse b/short");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','key':{'family':'rsa'},'days':101}"), "");
	ck_assert_str_eq(apply("{'operation':'ca.create','key':{'family':'ec'},'days':101}"), "");
	/* Values come first, of all policies, then what is required of the result. The profile's default counts when nobody says anything. */
	ck_assert_str_eq(apply("{'operation':'certificate.issue','key':{'family':'ec'},'default_days':101}"), "refuse b/short");
	int64_t z = policy("z", "{'name':'values','default':{'days':90,'metadata':{'site':'Ulm'},'subject':{'O':'Example'}}}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','key':{'family':'ec'},'default_days':101,'metadata':{'line':'7'}}"),
			 "none {\"key\": {\"family\": \"ec\"}, \"days\": 90, \"subject\": {\"O\": [\"Example\"]}, \"metadata\": {\"line\": \"7\", \"site\": \"Ulm\"}, "
			 "\"operation\": \"certificate.issue\", \"default_days\": 101}");
	/* The first in the order of names sets a value. */
	int64_t a = policy("a", "{'name':'values','default':{'days':80}}");
	ck_assert_ptr_nonnull(strstr(apply("{'operation':'certificate.issue','subject':{'O':['Mine']}}"), "\"days\": 80, \"subject\": {\"O\": [\"Mine\"]}"));
	/* A refusal wins over a wish for approval; demands of all are gathered. */
	int64_t c = policy("c", "{'name':'four-eyes','when':'$.days > 50','approve':{'count':1,'right':'accounts.manage'},'message':'two people'}");
	int64_t d = policy("d", "{'name':'six-eyes','when':'$.days > 60','approve':{'count':2,'role':'administrator'},'message':'three people'}");
	ck_assert_int_eq(strncmp(apply("{'operation':'certificate.issue','key':{'family':'ec'},'days':101}"), "refuse b/short", 14), 0);
	ck_assert_int_eq(strncmp(apply("{'operation':'certificate.issue','days':60}"), "approve c/four-eyes 1", 21), 0);
	ck_assert_int_eq(strncmp(apply("{'operation':'certificate.issue','days':61}"), "approve c/four-eyes 2", 21), 0);
	gone(a), gone(b), gone(c), gone(d), gone(z);
	ck_assert_str_eq(apply("{'operation':'certificate.issue','days':4000}"), "");
}
END_TEST

/* The safe side: what can't be evaluated restricts, and sets nothing. */
START_TEST(what_cant_be_evaluated)
{
	int64_t a = policy("a", "{'name':'r','require':'$.days < \\\"x\\\"','message':'m'}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','days':1}"), "refuse a/r");
	gone(a);
	a = policy("a", "{'name':'w','when':'$.days < \\\"x\\\"','refuse':true,'message':'m'}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','days':1}"), "refuse a/w");
	ck_assert_str_eq(apply("{'operation':'certificate.issue'}"), "");
	gone(a);
	a = policy("a", "{'name':'w','when':'$.days < \\\"x\\\"','default':{'owner':'me'}}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','days':1}"), "");
	gone(a);
	a = policy("a", "{'name':'w','require':'$.a / $.b > 1 && $.c.double() > 2','message':'m'}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','a':1,'b':0,'c':'x'}"), "refuse a/w");
	gone(a);
}
END_TEST

START_TEST(bound_to_what_it_says)
{
	int64_t a = act(&s, "admin1", "policy.create", 0,
			"{'name':'a','enabled':true,'profile':'client','rules':[{'name':'r','refuse':true,'message':'m'}]}");
	ck_assert_str_eq(apply("{'operation':'certificate.issue'}"), ""); /* the document is of profile server */
	ck_assert_int_eq(act(&s, "admin1", "policy.update", a, "{'profile':'server','ca':'issuing','condition':'$.metadata.site == \\\"Ulm\\\"'}"), a);
	ck_assert_str_eq(apply("{'operation':'certificate.issue'}"), "");
	ck_assert_str_eq(apply("{'operation':'certificate.issue','metadata':{'site':'Ulm'}}"), "refuse a/r");
	ck_assert_int_eq(act(&s, "admin1", "policy.update", a, "{'enabled':false}"), a);
	ck_assert_str_eq(apply("{'operation':'certificate.issue','metadata':{'site':'Ulm'}}"), "");
	ck_assert_int_eq(act(&s, "admin1", "policy.update", a, "{'enabled':true,'condition':null,'ca':null}"), a);
	ck_assert_str_eq(apply("{'operation':'certificate.issue'}"), "refuse a/r");
	/* Another tenant's is none of ours. */
	expect_refused(&s, "stranger", "policy.update", a, "{'enabled':false}", E_NOT_FOUND, NULL);
	expect_refused(&s, "stranger", "policy.delete", a, NULL, E_NOT_FOUND, NULL);
	ck_assert_str_eq(seat_one(&s, "SELECT count(*) FROM policy_apply('{2}', '{1}', '{1}', ARRAY['{\"operation\":\"certificate.issue\"}'::jsonb])"), "0");
	ck_assert_int_eq(act_version(&s, "admin1", "policy.update", a, 1, "{'title':'x'}"), -1);
	ck_assert_int_eq(s.error.code, E_PRECONDITION);
	gone(a);
}
END_TEST

/* A CA that takes over another one's name takes over what is bound to it. */
START_TEST(policies_follow_the_name)
{
	struct manage m = {.desk = &s.desk, .arena = s.arena};
	int64_t a = act(&s, "admin1", "policy.create", 0, "{'name':'a','enabled':true,'ca':'issuing','rules':[{'name':'r','refuse':true,'message':'m'}]}");
	int64_t old = atoll(seat_one(&s, "SELECT ca_id FROM policy")), other = atoll(seat_one(&s, "SELECT id FROM ca WHERE tenant_id = 2"));
	static const char asked[] = "SELECT count(*) FROM policy_apply('{1}', '{%lld}', '{1}', ARRAY['{\"operation\":\"certificate.issue\"}'::jsonb])";
	ck_assert_str_eq(seat_one(&s, arena_printf(s.arena, asked, (long long)other)), "0");
	ck_assert_int_eq(policies_follow(&m, old, other, &s.error), 0);
	ck_assert_str_eq(seat_one(&s, arena_printf(s.arena, asked, (long long)other)), "1");
	ck_assert_str_eq(seat_one(&s, arena_printf(s.arena, asked, (long long)old)), "0");
	gone(a);
}
END_TEST

/* Who keeps in memory which tenants have rules learns of each change by the epoch. */
START_TEST(changes_count_the_epoch)
{
	long before = atol(seat_one(&s, "SELECT r_epoch FROM policy_tenants('{certificate.issue}')"));
	ck_assert_str_eq(seat_one(&s, "SELECT r_tenants FROM policy_tenants('{certificate.issue}')"), "{}");
	int64_t a = policy("a", "{'name':'r','refuse':true,'message':'m'}");
	long on = atol(seat_one(&s, "SELECT r_epoch FROM policy_tenants('{certificate.issue}')"));
	ck_assert_int_gt(on, before);
	ck_assert_str_eq(seat_one(&s, "SELECT r_tenants FROM policy_tenants('{certificate.issue}')"), "{1}");
	ck_assert_str_eq(seat_one(&s, "SELECT r_tenants FROM policy_tenants('{ca.create}')"), "{}");
	gone(a);
	ck_assert_int_gt(atol(seat_one(&s, "SELECT r_epoch FROM policy_tenants('{certificate.issue}')")), on);
}
END_TEST

#define RULE(condition) "{'name':'a','rules':[{'name':'r','when':'" condition "','refuse':true,'message':'m'}]}"

#define BOUND(to, name, operations) \
	"{'name':'a','" to "':'" name "','operations':['" operations "'],'rules':[{'name':'r','approve':{'count':1,'right':'cas.manage'},'message':'m'}]}"

START_TEST(what_is_refused_at_save)
{
	static const struct {
		const char *body, *pointer, *text;
	} cases[] = {
	    {RULE("$.days = 1"), "rules/0/when", "column 8: syntax error"},
	    {RULE("$.days > 1 && $.a foo bar"), "rules/0/when", "column 19: syntax error"},
	    {RULE("$.days > 1 & $.a"), "rules/0/when", "column 12: syntax error"},
	    {RULE("$.days >"), "rules/0/when", "column 9: something is missing"},
	    {RULE("$.a == \\\"x"), "rules/0/when", "column 10: un"}, /* expected end of, terminated: as its version has it */
	    {RULE("$.names[*] like_regex \\\"(\\\""), "rules/0/when", "column 12: invalid regular expression"},
	    {RULE("$.names[*] ? (@ == 1)"), "rules/0/when", "write exists"},
	    {RULE("$.a == $b"), "rules/0/when", "no true or false"},
	    {RULE("$.a == 1 || $.a == 2 && $.x == $b"), "rules/0/when", "variables"},
	    {RULE("$.a.datetime() < \\\"2020-01-01\\\".datetime()"), "rules/0/when", "no method .datetime"},
	    {RULE("exists($.** ? (@ == 1))"), "rules/0/when", ".** isn't taken"},
	    {RULE("exists($.names[*] ? (@ == $.names[*]))"), "rules/0/when", "@ alone"},
	    {RULE("$.a like_regex \\\"(a)\\\\\\\\1\\\""), "rules/0/when", "refer back"},
	    {RULE("$.a like_regex \\\"((a{1,100}){1,20})\\\""), "rules/0/when", "counts"},
	    {RULE("$.a like_regex \\\"(((a{1,255}){1,255}){1,255}){1,255}\\\" && $.b = 1"), "rules/0/when", "counts"},
	    {RULE("$.a like_regex /* x */ \\\"(((a{1,255}){1,255}){1,255}){1,255}\\\""), "rules/0/when", "comments"},
	    {RULE("$.a like_regex \\\"(?=a)b\\\""), "rules/0/when", "groups"},
	    {"{'name':'a','condition':'$.x ==','rules':[{'name':'r','refuse':true,'message':'m'}]}", "condition", "column 7"},
	    {"{'name':'a','rules':[{'name':'r','refuse':true,'message':'m'},{'name':'q','require':'$','message':'m'}]}", "rules/1/require", "true or false"},
	    {"{'name':'a','rules':[]}", "rules", "1 to 32"},
	    {"{'name':'a'}", "rules", "has to be there"},
	    {"{'name':'A b','rules':[{'name':'r','refuse':true,'message':'m'}]}", "name", "small letters"},
	    {"{'name':'a','rules':[{'name':'r','refuse':true}]}", "rules/0", "message"},
	    {"{'name':'a','rules':[{'refuse':true,'message':'m'}]}", "rules/0", "name"},
	    {"{'name':'a','rules':[{'name':'r','refuse':true,'require':'1 == 1','message':'m'}]}", "rules/0", "one effect"},
	    {"{'name':'a','rules':[{'name':'r','message':'m'}]}", "rules/0", "no effect"},
	    {"{'name':'a','rules':[{'name':'r','refuse':1,'message':'m'}]}", "rules/0", "refuse is true"},
	    {"{'name':'a','rules':[{'name':'r','colour':'red','refuse':true,'message':'m'}]}", "rules/0/colour", "no such member"},
	    {"{'name':'a','rules':[{'name':'r','default':{'names':['dns:x']}}]}", "rules/0/default/names", "can be set"},
	    {"{'name':'a','rules':[{'name':'r','default':{'days':0}}]}", "rules/0/default/days", "whole number"},
	    {"{'name':'a','rules':[{'name':'r','default':{'subject':{'C':'Germany'}}}]}", "rules/0/default/subject/C", "C"},
	    {"{'name':'a','rules':[{'name':'r','default':{'metadata':{'__x':'1'}}}]}", "rules/0/default/metadata", "key"},
	    {"{'name':'a','operations':['role.create'],'rules':[{'name':'r','default':{'days':1}}]}", "rules/0/default", "certificates alone"},
	    {"{'name':'a','operations':['no.such'],'rules':[{'name':'r','refuse':true,'message':'m'}]}", "operations", "\"no.such\" isn't one"},
	    {"{'name':'a','operations':['approval.approve'],'rules':[{'name':'r','refuse':true,'message':'m'}]}", "operations", "\"approval.approve\""},
	    {"{'name':'a','operations':['policy.update'],'rules':[{'name':'r','refuse':true,'message':'m'}]}", "rules/0", "never be changed"},
	    {"{'name':'a','rules':[{'name':'r','approve':{'count':0,'right':'cas.manage'},'message':'m'}]}", "rules/0/approve", "count"},
	    {"{'name':'a','rules':[{'name':'r','approve':{'count':1,'right':'read'},'message':'m'}]}", "rules/0/approve", "right"},
	    {"{'name':'a','rules':[{'name':'r','approve':{'count':1,'role':'nobody'},'message':'m'}]}", "rules/0/approve", "no role"},
	    {"{'name':'a','ca':'nowhere','rules':[{'name':'r','refuse':true,'message':'m'}]}", "ca", "none of this name"},
	    {BOUND("ca", "issuing", "certificate.revoke_many"), "ca", "certificate.revoke_many isn't about one CA"},
	    {BOUND("ca", "issuing", "certificate.revoke','ca.create"), "ca", "ca.create isn't"},
	    {BOUND("ca", "issuing", "profile.update"), "ca", "profile.update isn't"},
	    {BOUND("ca", "issuing", "role.create"), "ca", "role.create isn't"},
	    {BOUND("ca", "issuing", "certificate.advise_renewal_many"), "ca", "certificate.advise_renewal_many isn't about one CA"},
	    {BOUND("profile", "server", "certificate.revoke_many"), "profile", "certificate.revoke_many isn't about one profile"},
	    {BOUND("profile", "server", "profile.create"), "profile", "profile.create isn't"},
	    {BOUND("profile", "server", "ca.update"), "profile", "ca.update isn't"},
	    {"{'name':'a','colour':'red','rules':[{'name':'r','refuse':true,'message':'m'}]}", "colour", "no attribute"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect_refused(&s, "admin1", "policy.create", 0, cases[i].body, E_BAD_VALUE, cases[i].pointer);
		ck_assert_msg(strstr(s.error.detail, cases[i].text) != NULL, "%s: %s", cases[i].body, s.error.detail);
	}
	expect_refused(&s, "clerk1", "policy.create", 0, RULE("$.a == 1"), E_FORBIDDEN, NULL);
	ck_assert_str_eq(seat_one(&s, "SELECT count(*) FROM policy"), "0");
}
END_TEST

/* Names of members, texts and expressions may have what is refused as syntax. */
START_TEST(what_is_taken)
{
	static const char *const conditions[] = {
	    "$.\\\"a.**\\\" == \\\"$x .datetime( ?( \\\"",
	    "exists($.names[*] ? (@ starts with \\\"dns:\\\" && !(@ like_regex \\\"^dns:([a-z]+\\\\\\\\.){1,5}example$\\\" flag \\\"i\\\")))",
	    "$.subject.CN[0] == $.metadata.host && $.days.double() < 10 && $.names.size() > 1",
	    "strict $.a == 1",
	    "($.a == 1 || $.b == 2) is unknown",
	    "true == $.key.made_here",
	};
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		int64_t id = act(&s, "admin1", "policy.create", 0,
				 arena_printf(s.arena, "{'name':'a','rules':[{'name':'r','when':'%s','refuse':true,'message':'m'}]}", conditions[i]));
		ck_assert_msg(id > 0, "%s: %s", conditions[i], s.error.detail);
		gone(id);
	}
	static const char *const bonds[] = {
	    BOUND("ca", "issuing", "certificate.issue','certificate.renew','certificate.update','certificate.revoke','certificate.hold','ca.update','ca.rollover"),
	    BOUND("profile", "server", "certificate.issue','certificate.renew','certificate.release','profile.update','profile.delete"),
	};
	for (size_t i = 0; i < ARRAY_LEN(bonds); i++) {
		int64_t id = act(&s, "admin1", "policy.create", 0, bonds[i]);
		ck_assert_msg(id > 0, "%s: %s", bonds[i], s.error.detail);
		expect_refused(&s, "admin1", "policy.update", id, "{'operations':['certificate.revoke_many']}", E_BAD_VALUE, i ? "profile" : "ca");
		gone(id);
	}
}
END_TEST

/* The examples that come with the product, each as it is. */
START_TEST(examples_are_taken)
{
	glob_t found;
	ck_assert_int_eq(glob(TOP_SRCDIR "/ca/policies/*.json", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *file CLEANUP(json_decref) = json_load_file(found.gl_pathv[i], 0, NULL);
		json_t *policy = json_object_get(file, "policy");
		ck_assert_msg(policy != NULL && json_object_get(file, "title_de") && json_object_get(file, "description_de"), "%s", found.gl_pathv[i]);
		json_object_set_new(policy, "enabled", json_true());
		struct manage m = {.desk = &s.desk, .arena = s.arena};
		int64_t id = act_json(&s, "admin1", "policy.create", 0, manage_json(&m, policy));
		ck_assert_msg(id > 0, "%s: %s", found.gl_pathv[i], s.error.detail);
		struct db *db CLEANUP(db_free) = test_db("siegel_owner"); /* four-eyes guards itself */
		test_one(db, "DELETE FROM policy");
	}
	ck_assert_uint_ge(found.gl_pathc, 6);
	globfree(&found);
}
END_TEST

START_TEST(limits_hold)
{
	json_t *rules CLEANUP(json_decref) = json_array();
	for (int i = 0; i < LIMIT_POLICY_RULES; i++)
		json_array_append_new(rules, json_pack("{s:s,s:b,s:s}", "name", "r", "refuse", true, "message", "m"));
	char *text = json_dumps(rules, 0);
	int64_t ids[LIMIT_POLICY_TENANT_RULES / LIMIT_POLICY_RULES];
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		ids[i] = act(&s, "admin1", "policy.create", 0, arena_printf(s.arena, "{'name':'p%zu','enabled':true,'rules':%s}", i, text));
		ck_assert_int_gt(ids[i], 0);
	}
	free(text);
	expect_refused(&s, "admin1", "policy.create", 0, "{'name':'over','enabled':true,'rules':[{'name':'r','refuse':true,'message':'m'}]}", E_CONFLICT, NULL);
	json_array_append_new(rules, json_pack("{s:s,s:b,s:s}", "name", "r", "refuse", true, "message", "m"));
	text = json_dumps(rules, 0);
	expect_refused(&s, "admin1", "policy.create", 0, arena_printf(s.arena, "{'name':'over','rules':%s}", text), E_BAD_VALUE, "rules");
	free(text);
	char *path = arena_alloc(s.arena, LIMIT_POLICY_PATH_BYTES + 1);
	memset(path, ' ', LIMIT_POLICY_PATH_BYTES);
	expect_refused(&s, "admin1", "policy.create", 0,
		       arena_printf(s.arena, "{'name':'over','condition':'1 == 1 %s','rules':[{'name':'r','refuse':true,'message':'m'}]}", path), E_BAD_VALUE,
		       "condition");
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		gone(ids[i]);
}
END_TEST

static const char *
outcome(int n)
{
	const json_t *rule = json_array_get(json_object_get(s.result, "rules"), (size_t)n);
	return rule ? json_string_value(json_object_get(rule, "outcome")) : "nothing";
}

#define TRIAL                                                                                                                                              \
	"'rules':[{'name':'d','default':{'days':90,'owner':'ops'}},{'name':'q','when':'$.key.family == \\\"ec\\\"','require':'$.days < 80','message':'m'},"  \
	"{'name':'u','when':'$.days < \\\"x\\\"','refuse':true,'message':'m'},{'name':'a','when':'$.days > 1000','approve':{'count':1,'right':'cas.manage'},'message':'m'}]"

START_TEST(evaluated)
{
	/* A policy that isn't stored. */
	ck_assert_int_eq(act(&s, "clerk1", "policy.evaluate", 0, "{" TRIAL ",'document':{'key':{'family':'ec'},'owner':'me'}}"), 0);
	ck_assert_str_eq(outcome(0), "set");
	ck_assert_str_eq(outcome(1), "refused");
	ck_assert_str_eq(outcome(2), "refused");
	ck_assert_str_eq(outcome(3), "not_matched");
	const json_t *first = json_array_get(json_object_get(s.result, "rules"), 0), *third = json_array_get(json_object_get(s.result, "rules"), 2);
	ck_assert_int_eq((int)json_array_size(json_object_get(first, "set")), 1);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(first, "set"), 0)), "days");
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(third, "unknown"), 0)), "when");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(s.result, "document"), "days")), 90);
	/* One that is stored, with a change that isn't, and a certificate. */
	seat_certificates(&s, 1, 2000, "{\"site\":\"Ulm\"}");
	int64_t id = act(&s, "admin1", "policy.create", 0, "{'name':'a'," TRIAL "}");
	ck_assert_int_gt(id, 0);
	const char *certificate = seat_one(&s, "SELECT max(id) FROM certificate");
	ck_assert_int_eq(act(&s, "clerk1", "policy.evaluate", id, arena_printf(s.arena, "{'certificate':%s}", certificate)), id);
	ck_assert_str_eq(outcome(1), "refused");
	ck_assert_str_eq(outcome(3), "approval");
	ck_assert_int_eq(act(&s, "clerk1", "policy.evaluate", id, arena_printf(s.arena, "{'certificate':%s,'condition':'$.subject.O == \\\"none\\\"'}", certificate)),
			 id);
	ck_assert_str_eq(outcome(1), "not_bound");
	ck_assert_int_eq(act(&s, "clerk1", "policy.evaluate", id,
			     arena_printf(s.arena, "{'certificate':%s,'condition':'$.subject.O == \\\"Example, Inc\\\" && $.metadata.site == \\\"Ulm\\\"'}", certificate)),
			 id);
	ck_assert_str_eq(outcome(1), "refused");
	expect_refused(&s, "clerk1", "policy.evaluate", id, "{'certificate':99999}", E_BAD_VALUE, "certificate");
	expect_refused(&s, "stranger", "policy.evaluate", 0, arena_printf(s.arena, "{" TRIAL ",'certificate':%s}", certificate), E_BAD_VALUE, "certificate");
	expect_refused(&s, "clerk1", "policy.evaluate", id, "{}", E_BAD_VALUE, "document");
	gone(id);
}
END_TEST

/* The job of a dry run, step by step. */
struct dry {
	struct job_run j;
	bool more;
	int steps;
};

extern const struct job_kind job_dry_run;

static void
dry_begin(struct dry *d)
{
	ck_assert_int_gt(s.job, 0);
	*d = (struct dry){.j = {.desk = &s.desk, .arena = s.arena, .kind = &job_dry_run, .id = s.job, .tenant_id = 1, .state = json_object(),
				.result = json_object()}, .more = true};
	d->j.parameters = json_loads(seat_one(&s, arena_printf(s.arena, "SELECT parameters FROM job WHERE id = %lld", (long long)s.job)), 0, NULL);
}

static void
dry_step(struct dry *d)
{
	ck_assert_int_eq(desk_begin(&s.desk, &s.error), 0);
	ck_assert_msg(job_dry_run.step(&d->j, &d->more, &s.error) == 0, "%s", s.error.detail);
	ck_assert_int_eq(desk_commit(&s.desk, &s.error), 0);
	d->steps++;
}

static void
dry_end(struct dry *d)
{
	json_decref(d->j.state);
	json_decref(d->j.result);
	json_decref((json_t *)(uintptr_t)d->j.parameters);
}

/* "What would this have refused?", at once and as a job; the job's steps meet all certificates once. */
START_TEST(run_dry)
{
	long all = atol(seat_one(&s, "SELECT count(*) FROM certificate WHERE tenant_id = 1"));
	long ours = atol(seat_one(&s, "SELECT count(*) FROM certificate WHERE tenant_id = 1 AND not_after - not_before > interval '50 days'"));
	seat_certificates(&s, 30, 100, NULL);
	seat_certificates(&s, 5300, 10, NULL);
	static const char body[] = "{'rules':[{'name':'short','require':'$.days <= 50','message':'m'}]%s}";
	ck_assert_int_eq(act(&s, "admin1", "policy.dry_run", 0, arena_printf(s.arena, body, ",'limit':5310")), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(s.result, "certificates")), 5310);
	ck_assert_int_eq(json_integer_value(json_object_get(s.result, "refused")), 10);
	ck_assert_int_eq(act(&s, "admin1", "policy.dry_run", 0, arena_printf(s.arena, body, "")), 0);
	struct dry d;
	dry_begin(&d);
	while (d.more)
		dry_step(&d);
	ck_assert_int_ge(d.steps, 2); /* 5,000 a step, or as many as it has time for */
	ck_assert_int_eq(d.j.done, all + 5330);
	ck_assert_int_eq(json_integer_value(json_object_get(d.j.result, "refused")), ours + 30);
	const json_t *rule = json_array_get(json_object_get(d.j.result, "rules"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(rule, "count")), ours + 30);
	ck_assert_int_eq((int)json_array_size(json_object_get(rule, "examples")), 20);
	dry_end(&d);
}
END_TEST

/* Conditions that take a twentieth of a second on a certificate: each step looks at as many as it has time for, and none is left out. */
START_TEST(run_dry_slowly)
{
	static const char body[] = "{'rules':[{'name':'slow','refuse':true,'when':'$.subject.CN[*] == $.subject.O[*]','message':'m'},"
				   "{'name':'late','refuse':true,'when':'$.days > 7000','message':'m'}]}";
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	seat_certificates(&s, 80, 7001, NULL);
	test_one(db, "UPDATE certificate SET subject = repeat('CN=a,', 4000) || repeat('O=b,', 4000) || 'C=DE' WHERE not_after - not_before > interval '7000 days'");
	long all = atol(seat_one(&s, "SELECT count(*) FROM certificate WHERE tenant_id = 1"));
	ck_assert_int_eq(act(&s, "admin1", "policy.dry_run", 0, body), 0);
	struct dry d;
	dry_begin(&d);
	while (d.more) {
		int64_t began = now_us();
		dry_step(&d);
		ck_assert_int_lt(now_us() - began, 4 * LIMIT_JOB_QUERY_MS * 1000);
	}
	ck_assert_int_gt(d.steps, 1);
	ck_assert_int_eq(d.j.done, all);
	ck_assert_int_eq(json_integer_value(json_object_get(d.j.result, "certificates")), all);
	ck_assert_int_eq(json_integer_value(json_object_get(d.j.result, "refused")), 80);
	dry_end(&d);
	test_one(db, "DELETE FROM certificate WHERE not_after - not_before > interval '7000 days'");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *t = tcase_create("policy");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, rules_do_what_they_say);
	tcase_add_test(t, what_cant_be_evaluated);
	tcase_add_test(t, bound_to_what_it_says);
	tcase_add_test(t, policies_follow_the_name);
	tcase_add_test(t, changes_count_the_epoch);
	tcase_add_test(t, what_is_refused_at_save);
	tcase_add_test(t, what_is_taken);
	tcase_add_test(t, examples_are_taken);
	tcase_add_test(t, limits_hold);
	tcase_add_test(t, evaluated);
	tcase_add_test(t, run_dry);
	tcase_add_test(t, run_dry_slowly);
	suite_add_tcase(suite, t);
	suite_add_tcase(suite, tcase_approval());
	suite_add_tcase(suite, tcase_account());
	return test_main(suite);
}
