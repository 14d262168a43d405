/* Accounts, credentials and tenants at the manager's desk. */
#include "config.h"
#include "tests/unit/ca/seat.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"

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
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	test_one(db, "DELETE FROM credential");
	test_one(db, "DELETE FROM account WHERE name NOT IN ('admin1', 'admin2', 'admin3', 'clerk1', 'auditor1', 'stranger', 'admin1b', 'admin2b')");
	test_one(db, "UPDATE account SET role = 'administrator', enabled = true WHERE name LIKE 'admin%'");
	test_one(db, "DELETE FROM role WHERE tenant_id IS NOT NULL");
	test_one(db, "DELETE FROM profile WHERE tenant_id > 2");
	test_one(db, "DELETE FROM tenant WHERE id > 2");
	seat_close(&s);
}

static int64_t
id_of(const char *account)
{
	return atoll(seat_one(&s, arena_printf(s.arena, "SELECT id FROM account WHERE name = '%s'", account)));
}

START_TEST(made_and_changed)
{
	int64_t id = act(&s, "admin1", "account.create", 0, "{'name':'line7','role':'line','title':'Line 7','email':'line7@example.org','metadata':{'site':'Ulm'}}");
	ck_assert_msg(id > 0, "%s", s.error.detail);
	expect_refused(&s, "admin1", "account.create", 0, "{'name':'line7','role':'line'}", E_CONFLICT, "name");
	expect_refused(&s, "admin1", "account.create", 0, "{'name':'a b','role':'line'}", E_BAD_VALUE, "name");
	expect_refused(&s, "admin1", "account.create", 0, "{'name':'x','role':'nobody'}", E_BAD_VALUE, "role");
	expect_refused(&s, "admin1", "account.create", 0, "{'name':'x','role':'line','email':'a@b@c'}", E_BAD_VALUE, "email");
	expect_refused(&s, "admin1", "account.create", 0, "{'name':'x'}", E_BAD_VALUE, "role");
	expect_refused(&s, "clerk1", "account.create", 0, "{'name':'x','role':'line'}", E_FORBIDDEN, NULL);
	expect_refused(&s, "stranger", "account.update", id, "{'role':'auditor'}", E_NOT_FOUND, NULL);
	ck_assert_int_eq(act(&s, "admin1", "account.update", id, "{'role':'operator','email':null}"), id);
	ck_assert_str_eq(seat_one(&s, "SELECT role || coalesce(email, '-') || (metadata ->> 'site') || version FROM account WHERE name = 'line7'"), "operator-Ulm2");
	ck_assert_int_eq(act_version(&s, "admin1", "account.update", id, 1, "{'title':'x'}"), -1);
	ck_assert_int_eq(s.error.code, E_PRECONDITION);
	ck_assert_str_eq(seat_one(&s, "SELECT string_agg(action, ' ' ORDER BY seq) FROM (SELECT * FROM audit ORDER BY seq DESC LIMIT 2) a"),
			 "account.created account.changed");
}
END_TEST

/* Nobody gives himself rights, and nobody gives what he doesn't have; also not by a role, or by evidence for a stronger account. */
START_TEST(rights_dont_grow)
{
	ck_assert_int_gt(act(&s, "admin1", "role.create", 0, "{'name':'helpdesk','rights':['read','accounts.manage']}"), 0);
	int64_t desk = act(&s, "admin1", "account.create", 0, "{'name':'helper','role':'helpdesk'}");
	ck_assert_int_gt(desk, 0);
	expect_refused(&s, "helper", "account.create", 0, "{'name':'x','role':'administrator'}", E_FORBIDDEN, "role");
	expect_refused(&s, "helper", "account.update", desk, "{'role':'administrator'}", E_FORBIDDEN, "role");
	expect_refused(&s, "helper", "account.update", id_of("admin1"), "{'enabled':false}", E_FORBIDDEN, NULL);
	expect_refused(&s, "helper", "account.update", id_of("admin1"), "{'email':'x@example.org'}", E_FORBIDDEN, NULL);
	expect_refused(&s, "helper", "credential.create", 0, "{'account':'admin1','kind':'token'}", E_FORBIDDEN, NULL);
	expect_refused(&s, "helper", "role.create", 0, "{'name':'x','rights':['cas.manage']}", E_FORBIDDEN, "rights");
	ck_assert_int_gt(act(&s, "helper", "account.create", 0, "{'name':'second','role':'helpdesk'}"), 0);
	ck_assert_int_gt(act(&s, "helper", "account.create", 0, "{'name':'third','role':'auditor'}"), 0);
	/* Also who may do all changes neither his role nor who he is. */
	int64_t self = id_of("admin1");
	expect_refused(&s, "admin1", "account.update", self, "{'role':'operator'}", E_FORBIDDEN, "role");
	expect_refused(&s, "admin1", "account.update", self, "{'email':'other@example.org'}", E_FORBIDDEN, "email");
	expect_refused(&s, "admin1", "account.update", self, "{'enabled':false}", E_FORBIDDEN, "enabled");
	expect_refused(&s, "admin1", "account.delete", self, NULL, E_FORBIDDEN, "enabled");
	ck_assert_int_eq(act(&s, "admin1", "account.update", self, "{'title':'The first'}"), self);
}
END_TEST

START_TEST(roles_that_are_needed_stay)
{
	int64_t role = act(&s, "admin1", "role.create", 0, "{'name':'security','rights':['read','approvals.decide']}");
	int64_t policy = act(&s, "admin1", "policy.create", 0,
			     "{'name':'a','operations':['role.create'],'rules':[{'name':'r','approve':{'count':1,'role':'security'},'message':'m'}]}");
	ck_assert_int_gt(policy, 0);
	expect_refused(&s, "admin1", "role.delete", role, NULL, E_CONFLICT, NULL);
	ck_assert_int_eq(act(&s, "admin1", "policy.delete", policy, NULL), policy);
	int64_t account = act(&s, "admin1", "account.create", 0, "{'name':'guard','role':'security'}");
	expect_refused(&s, "admin1", "role.delete", role, NULL, E_CONFLICT, NULL);
	ck_assert_int_eq(act(&s, "admin1", "account.update", account, "{'role':'line'}"), account);
	ck_assert_int_eq(act(&s, "admin1", "role.delete", role, NULL), role);
}
END_TEST

/* FMT_SMR.2: nobody is auditor and anything else, also not by two accounts. */
START_TEST(auditors_are_nothing_else)
{
	ck_assert_int_gt(act(&s, "admin1", "account.create", 0, "{'name':'watch','role':'auditor','email':'Both@example.org'}"), 0);
	expect_refused(&s, "admin1", "account.create", 0, "{'name':'work','role':'operator','email':'both@example.org'}", E_CONFLICT, "role");
	int64_t id = act(&s, "admin1", "account.create", 0, "{'name':'work','role':'operator','email':'work@example.org'}");
	expect_refused(&s, "admin1", "account.update", id, "{'email':'both@example.org'}", E_CONFLICT, "role");
	expect_refused(&s, "admin1", "role.create", 0, "{'name':'x','rights':['audit.read','certificates.issue']}", E_BAD_VALUE, "rights");
}
END_TEST

START_TEST(one_remains)
{
	/* stranger is the only one of his tenant; a second one may be taken away, the last one not. */
	int64_t second = act(&s, "stranger", "account.create", 0, "{'name':'second','role':'administrator'}");
	ck_assert_int_gt(second, 0);
	ck_assert_int_eq(act(&s, "second", "account.delete", id_of("stranger"), NULL), id_of("stranger"));
	expect_refused(&s, "stranger", "account.update", second, "{'role':'operator'}", E_FORBIDDEN, NULL);
	expect_refused(&s, "second", "account.update", second, "{'enabled':false}", E_FORBIDDEN, NULL);
	ck_assert_int_eq(act(&s, "second", "account.update", id_of("stranger"), "{'enabled':true}"), id_of("stranger"));
	/* A role that two have: when it loses the right, nobody has it. */
	ck_assert_int_gt(act(&s, "stranger", "role.create", 0, "{'name':'keeper','rights':['read','accounts.manage']}"), 0);
	int64_t role = atoll(seat_one(&s, "SELECT id FROM role WHERE name = 'keeper'"));
	ck_assert_int_gt(act(&s, "stranger", "account.create", 0, "{'name':'keeper1','role':'keeper'}"), 0);
	ck_assert_int_eq(act(&s, "keeper1", "role.update", role, "{'rights':['read','accounts.manage']}"), role);
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	test_one(db, "UPDATE account SET enabled = false WHERE tenant_id = 2 AND role = 'administrator'");
	expect_refused(&s, "keeper1", "role.update", role, "{'rights':['read']}", E_CONFLICT, NULL);
	test_one(db, "UPDATE account SET enabled = true WHERE name = 'stranger'");
	ck_assert_int_eq(act(&s, "keeper1", "role.update", role, "{'rights':['read']}"), role);
}
END_TEST

START_TEST(secrets_are_shown_once)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_api");
	int64_t id = act(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'token','hours':2}");
	ck_assert_msg(id > 0, "%s", s.error.detail);
	const char *secret = arena_strdup(s.arena, json_string_value(json_object_get(s.result, "secret")));
	ck_assert_int_eq((int)strlen(secret), 32);
	ck_assert_str_eq(test_one(db, arena_printf(s.arena, "SELECT name FROM auth_by_secret('token', NULL, sha256('%s'))", secret)), "clerk1");
	ck_assert_str_eq(seat_one(&s, "SELECT string_agg(detail, '') FROM (SELECT * FROM audit ORDER BY seq DESC LIMIT 1) a"),
			 "{\"account\":\"clerk1\",\"kind\":\"token\",\"hours\":\"2\"}");
	ck_assert_int_eq(act(&s, "admin1", "credential.revoke", id, NULL), id);
	ck_assert_str_eq(test_one(db, arena_printf(s.arena, "SELECT count(*) FROM auth_by_secret('token', NULL, sha256('%s'))", secret)), "0");
	expect_refused(&s, "stranger", "credential.revoke", id, NULL, E_NOT_FOUND, NULL);
	expect_refused(&s, "stranger", "credential.create", 0, "{'account':'clerk1','kind':'token'}", E_BAD_VALUE, "account");
	expect_refused(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'key'}", E_BAD_VALUE, "kind");
	expect_refused(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'token','hours':0}", E_BAD_VALUE, "hours");
	expect_refused(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'certificate'}", E_BAD_VALUE, "certificate");
	expect_refused(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'certificate','certificate':'x'}", E_BAD_VALUE, "certificate");
	expect_refused(&s, "clerk1", "credential.create", 0, "{'account':'clerk1','kind':'token'}", E_FORBIDDEN, NULL);
	for (int i = 0; i < LIMIT_CREDENTIALS; i++)
		ck_assert_int_gt(act(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'one_time'}"), 0);
	expect_refused(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'token'}", E_CONFLICT, NULL);
	/* Who is ended has no evidence that is good. */
	ck_assert_int_eq(act(&s, "admin1", "account.delete", id_of("clerk1"), NULL), id_of("clerk1"));
	ck_assert_str_eq(seat_one(&s, "SELECT count(*) FROM credential WHERE revoked_at IS NULL"), "0");
	ck_assert_int_eq(act(&s, "admin1", "account.update", id_of("clerk1"), "{'enabled':true}"), id_of("clerk1"));
}
END_TEST

/* A secret isn't stored in an approval. */
START_TEST(secrets_dont_wait)
{
	int64_t id = act(&s, "admin1", "policy.create", 0,
			 "{'name':'a','enabled':true,'operations':['credential.create','tenant.create'],'rules':[{'name':'r','approve':{'count':1,'right':'accounts.manage'},"
			 "'message':'m'}]}");
	ck_assert_int_gt(id, 0);
	expect_refused(&s, "admin1", "credential.create", 0, "{'account':'clerk1','kind':'token'}", E_POLICY, NULL);
	/* A tenant may wait; the code for its administrator is then asked for by itself. */
	ck_assert_int_eq(act(&s, "admin1", "tenant.create", 0, "{'name':'later'}"), 0);
	int64_t approval = s.approval;
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", approval, NULL), approval);
	ck_assert_str_eq(seat_one(&s, arena_printf(s.arena, "SELECT status || (result ? 'secret') FROM approval WHERE id = %lld", (long long)approval)), "donefalse");
	const char *tenant = seat_one(&s, "SELECT id FROM tenant WHERE name = 'later'");
	ck_assert_str_eq(seat_one(&s, "SELECT count(*) FROM credential"), "0");
	ck_assert_int_eq(act(&s, "admin1", "tenant.invite", atoll(tenant), NULL), atoll(tenant));
	ck_assert_ptr_nonnull(json_string_value(json_object_get(s.result, "secret")));
	ck_assert_int_eq(act(&s, "admin1", "policy.delete", id, NULL), id);
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	test_one(db, "DELETE FROM approval");
}
END_TEST

START_TEST(tenants)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_api");
	int64_t id = act(&s, "admin1", "tenant.create", 0, "{'name':'north','title':'North','administrator':'boss','email':'boss@example.org','owner':'sales'}");
	ck_assert_msg(id > 0, "%s", s.error.detail);
	const char *secret = arena_strdup(s.arena, json_string_value(json_object_get(s.result, "secret")));
	ck_assert_str_eq(test_one(db, arena_printf(s.arena, "SELECT tenant_id || name FROM auth_by_secret('one_time', 'boss', sha256('%s'))", secret)),
			 arena_printf(s.arena, "%lldboss", (long long)id));
	ck_assert_str_eq(seat_one(&s, arena_printf(s.arena, "SELECT string_agg(name, ' ' ORDER BY name) FROM profile WHERE tenant_id = %lld", (long long)id)),
			 "client server");
	/* The new tenant's own log tells of what is in it. */
	ck_assert_str_eq(seat_one(&s, arena_printf(s.arena, "SELECT string_agg(action, ' ' ORDER BY seq) FROM audit WHERE tenant_id = %lld", (long long)id)),
			 "profile.created profile.created account.created credential.created");
	expect_refused(&s, "admin1", "tenant.create", 0, "{'name':'north'}", E_CONFLICT, "name");
	expect_refused(&s, "admin1", "tenant.create", 0, "{'name':'A b'}", E_BAD_VALUE, "name");
	expect_refused(&s, "admin1", "tenant.create", 0, "{'name':'east','administrator':'a b'}", E_BAD_VALUE, "administrator");
	expect_refused(&s, "stranger", "tenant.create", 0, "{'name':'east'}", E_FORBIDDEN, NULL); /* an administrator, but not of the house */
	expect_refused(&s, "stranger", "tenant.update", id, "{'title':'x'}", E_FORBIDDEN, NULL);
	expect_refused(&s, "clerk1", "tenant.create", 0, "{'name':'east'}", E_FORBIDDEN, NULL);
	/* Switched off, nobody of it may do anything. */
	ck_assert_int_eq(act(&s, "admin1", "tenant.update", id, "{'enabled':false}"), id);
	expect_refused(&s, "boss", "account.create", 0, "{'name':'x','role':'line'}", E_FORBIDDEN, NULL);
	ck_assert_int_eq(act(&s, "admin1", "tenant.update", id, "{'enabled':true,'title':'N'}"), id);
	ck_assert_int_gt(act(&s, "boss", "account.create", 0, "{'name':'x','role':'line'}"), 0);
	expect_refused(&s, "admin1", "tenant.update", 1, "{'enabled':false}", E_CONFLICT, "enabled");
	expect_refused(&s, "admin1", "tenant.invite", 1, NULL, E_CONFLICT, NULL);
	expect_refused(&s, "admin1", "tenant.update", 99999, "{'enabled':false}", E_NOT_FOUND, NULL);
}
END_TEST

TCase *
tcase_account(void)
{
	TCase *t = tcase_create("account");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, made_and_changed);
	tcase_add_test(t, rights_dont_grow);
	tcase_add_test(t, roles_that_are_needed_stay);
	tcase_add_test(t, auditors_are_nothing_else);
	tcase_add_test(t, one_remains);
	tcase_add_test(t, secrets_are_shown_once);
	tcase_add_test(t, secrets_dont_wait);
	tcase_add_test(t, tenants);
	return t;
}
