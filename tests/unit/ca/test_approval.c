/* Approvals at the manager's desk: R07, R08, and what becomes of what was approved. */
#include "config.h"
#include "tests/unit/ca/seat.h"

#include <string.h>

TCase *tcase_approval(void);

static struct seat s;
static int64_t demand;

/* Two of those who manage accounts approve each new role. */
static void
setup(void)
{
	seat_open(&s);
	demand = act(&s, "admin1", "policy.create", 0,
		     "{'name':'four-eyes','enabled':true,'operations':['role.create','role.delete'],'rules':[{'name':'roles','when':"
		     "'$.operation == \\\"role.delete\\\" || $.body.name starts with \\\"x\\\"','approve':{'count':2,'right':'accounts.manage'},'message':'two others look at it'}]}");
	ck_assert_msg(demand > 0, "%s", s.error.detail);
	if (strcmp(seat_one(&s, "SELECT count(*) FROM account WHERE name = 'admin1b'"), "0") == 0) {
		struct db *db CLEANUP(db_free) = test_db("siegel_owner");
		test_one(db, "UPDATE account SET email = 'One@Example.org' WHERE name = 'admin1'");
		test_one(db, "INSERT INTO account (tenant_id, name, role, email) VALUES (1, 'admin1b', 'administrator', 'one@example.org ')");
		test_one(db, "INSERT INTO account (tenant_id, name, role, email) VALUES (1, 'admin2b', 'administrator', 'two@example.org')");
		test_one(db, "UPDATE account SET email = 'two@example.org' WHERE name = 'admin2'");
	}
}

static void
teardown(void)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	test_one(db, "DELETE FROM approval");
	test_one(db, "DELETE FROM role WHERE tenant_id IS NOT NULL");
	test_one(db, "DELETE FROM policy");
	seat_close(&s);
}

#define ROLE "{'name':'xrole','rights':['read']}"

static int64_t
asked(const char *body)
{
	ck_assert_msg(act(&s, "admin1", "role.create", 0, body) == 0, "%s", s.error.detail);
	ck_assert_int_gt(s.approval, 0);
	return s.approval;
}

static const char *
status(int64_t id)
{
	return seat_one(&s, arena_printf(s.arena, "SELECT status FROM approval WHERE id = %lld", (long long)id));
}

static const char *
roles(void)
{
	return seat_one(&s, "SELECT count(*) FROM role WHERE name = 'xrole'");
}

START_TEST(two_of_three)
{
	ck_assert_int_gt(act(&s, "admin1", "role.create", 0, "{'name':'plain','rights':['read']}"), 0); /* the condition doesn't hold */
	int64_t id = asked(ROLE);
	ck_assert_int_eq(asked(ROLE), id); /* the same again */
	ck_assert_str_eq(roles(), "0");
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, "{'comment':'fine'}"), id);
	ck_assert_str_eq(json_string_value(json_object_get(s.result, "status")), "open");
	ck_assert_str_eq(status(id), "open");
	ck_assert_str_eq(roles(), "0");
	ck_assert_int_eq(act(&s, "admin3", "approval.approve", id, NULL), id);
	ck_assert_str_eq(json_string_value(json_object_get(s.result, "status")), "done");
	ck_assert_str_eq(status(id), "done");
	ck_assert_str_eq(roles(), "1");
	ck_assert_str_eq(seat_one(&s, "SELECT string_agg(actor || ' ' || action, ', ' ORDER BY seq) FROM (SELECT * FROM audit ORDER BY seq DESC LIMIT 5) a"),
			 "rest:admin1 approval.asked, rest:admin2 approval.approved, rest:admin3 approval.approved, rest:admin1 role.created, rest:admin1 approval.done");
	expect_refused(&s, "admin2", "approval.approve", id, NULL, E_CONFLICT, NULL);
	/* The same again is a new request now, and fails at once: the name is taken. */
	expect_refused(&s, "admin1", "role.create", 0, ROLE, E_CONFLICT, "name");
}
END_TEST

/* R07: nobody approves his own, by whichever of his accounts, and nobody counts twice. */
START_TEST(nobody_approves_his_own)
{
	int64_t id = asked(ROLE);
	expect_refused(&s, "admin1", "approval.approve", id, NULL, E_FORBIDDEN, NULL);
	expect_refused(&s, "admin1b", "approval.approve", id, NULL, E_FORBIDDEN, NULL);
	expect_refused(&s, "admin1", "approval.reject", id, NULL, E_FORBIDDEN, NULL);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	expect_refused(&s, "admin2", "approval.approve", id, NULL, E_CONFLICT, NULL);
	expect_refused(&s, "admin2b", "approval.approve", id, NULL, E_CONFLICT, NULL);
	expect_refused(&s, "clerk1", "approval.approve", id, NULL, E_FORBIDDEN, NULL);  /* may decide, but not on this */
	expect_refused(&s, "auditor1", "approval.approve", id, NULL, E_FORBIDDEN, NULL);
	expect_refused(&s, "stranger", "approval.approve", id, NULL, E_NOT_FOUND, NULL);
	ck_assert_str_eq(status(id), "open");
	ck_assert_str_eq(roles(), "0");
}
END_TEST

/* R08: a request that changes loses its approvals. */
START_TEST(a_change_voids_approvals)
{
	int64_t id = asked(ROLE);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	expect_refused(&s, "admin2", "approval.update", id, "{'body':{}}", E_FORBIDDEN, NULL);
	ck_assert_int_eq(act(&s, "admin1", "approval.update", id, "{'body':{'name':'xrole','rights':['read','jobs.manage']}}"), id);
	expect_refused(&s, "admin3", "approval.approve", 0, NULL, E_NOT_FOUND, NULL);
	ck_assert_int_eq(act_version(&s, "admin3", "approval.approve", id, 1, NULL), -1); /* he saw the one before */
	ck_assert_int_eq(s.error.code, E_PRECONDITION);
	ck_assert_int_eq(act_version(&s, "admin3", "approval.approve", id, 2, NULL), id);
	ck_assert_str_eq(status(id), "open");
	ck_assert_str_eq(roles(), "0");
	expect_refused(&s, "admin2", "approval.approve", id, NULL, E_PRECONDITION, NULL); /* which one does he mean? */
	ck_assert_int_eq(act_version(&s, "admin2", "approval.approve", id, 2, NULL), id);
	ck_assert_str_eq(status(id), "done");
	ck_assert_str_eq(seat_one(&s, "SELECT rights FROM role WHERE name = 'xrole'"), "{read,jobs.manage}");
}
END_TEST

START_TEST(ended_otherwise)
{
	int64_t id = asked(ROLE);
	expect_refused(&s, "admin2", "approval.withdraw", id, NULL, E_FORBIDDEN, NULL);
	ck_assert_int_eq(act(&s, "admin1", "approval.withdraw", id, "{'comment':'a mistake'}"), id);
	ck_assert_str_eq(status(id), "withdrawn");
	expect_refused(&s, "admin2", "approval.approve", id, NULL, E_CONFLICT, NULL);
	int64_t second = asked(ROLE);
	ck_assert_int_ne(second, id);
	ck_assert_int_eq(act(&s, "admin2", "approval.reject", second, "{'comment':'no'}"), second);
	ck_assert_str_eq(status(second), "rejected");
	int64_t third = asked(ROLE);
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	test_one(db, "UPDATE approval SET expires_at = now() - interval '1 minute' WHERE status = 'open'");
	expect_refused(&s, "admin2", "approval.approve", third, NULL, E_CONFLICT, NULL);
	ck_assert_int_eq(desk_begin(&s.desk, &s.error), 0);
	ck_assert_int_eq(approvals_expire(&s.desk, s.arena, &s.error), 0);
	ck_assert_int_eq(desk_commit(&s.desk, &s.error), 0);
	ck_assert_str_eq(status(third), "expired");
	ck_assert_str_eq(roles(), "0");
}
END_TEST

/* It is done with the rights that the one who asked has when it is done, and what fails is shown. */
START_TEST(rights_of_then)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	int64_t id = asked(ROLE);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	test_one(db, "UPDATE account SET role = 'requestor' WHERE name = 'admin1'");
	ck_assert_int_eq(act(&s, "admin3", "approval.approve", id, NULL), id);
	test_one(db, "UPDATE account SET role = 'administrator' WHERE name = 'admin1'");
	ck_assert_str_eq(json_string_value(json_object_get(s.result, "status")), "failed");
	ck_assert_str_eq(status(id), "failed");
	ck_assert_str_eq(seat_one(&s, "SELECT error FROM approval ORDER BY id DESC LIMIT 1"), "the account doesn't have the right accounts.manage");
	ck_assert_str_eq(roles(), "0");
	/* An approver who lost his right since doesn't count. */
	id = asked(ROLE);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	test_one(db, "UPDATE account SET enabled = false WHERE name = 'admin2'");
	ck_assert_int_eq(act(&s, "admin3", "approval.approve", id, NULL), id);
	test_one(db, "UPDATE account SET enabled = true WHERE name = 'admin2'");
	ck_assert_str_eq(status(id), "open");
}
END_TEST

/* The key store was away, or the process ended, between the last approval and the deed: whoever may approve says so once more. */
START_TEST(approved_and_not_done)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	int64_t id = asked(ROLE);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	test_one(db, "UPDATE approval SET status = 'approved' WHERE status = 'open'");
	ck_assert_int_eq(asked(ROLE), id);
	expect_refused(&s, "admin1", "approval.approve", id, NULL, E_FORBIDDEN, NULL);
	expect_refused(&s, "clerk1", "approval.approve", id, NULL, E_FORBIDDEN, NULL);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	ck_assert_str_eq(status(id), "done");
	ck_assert_str_eq(roles(), "1");
}
END_TEST

/* Two rules want different people: both wishes are met, one person may count for both. */
START_TEST(each_wish_is_met)
{
	int64_t other = act(&s, "admin1", "policy.create", 0,
			    "{'name':'registrars','enabled':true,'operations':['role.create'],'rules':[{'name':'ra','approve':{'count':1,'role':'registration_authority'},"
			    "'message':'one of the registration authority'}]}");
	ck_assert_int_gt(other, 0);
	int64_t id = asked(ROLE);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	ck_assert_int_eq(act(&s, "admin3", "approval.approve", id, NULL), id);
	ck_assert_str_eq(status(id), "open");
	const json_t *demands = json_object_get(s.result, "approvers");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(demands, 0), "met")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(demands, 1), "met")), 0);
	ck_assert_int_eq(act(&s, "clerk1", "approval.approve", id, NULL), id);
	ck_assert_str_eq(status(id), "done");
}
END_TEST

/* Switching off the policy by which others look at it is itself looked at, if it says so. */
START_TEST(policies_can_guard_themselves)
{
	int64_t guard = act(&s, "admin1", "policy.create", 0,
			    "{'name':'guard','enabled':true,'operations':['policy.update','policy.delete'],'rules':[{'name':'g','approve':{'count':1,'right':"
			    "'policies.manage'},'message':'m'}]}");
	ck_assert_int_gt(guard, 0);
	ck_assert_int_eq(act(&s, "admin1", "policy.update", demand, "{'enabled':false}"), 0);
	ck_assert_int_gt(s.approval, 0);
	int64_t id = s.approval;
	expect_refused(&s, "admin1", "policy.delete", 99999, NULL, E_NOT_FOUND, NULL);
	ck_assert_int_eq(act(&s, "admin2", "approval.approve", id, NULL), id);
	ck_assert_str_eq(seat_one(&s, "SELECT count(*) FROM policy_rule WHERE policy = 'four-eyes'"), "0");
	ck_assert_int_gt(act(&s, "admin1", "role.create", 0, ROLE), 0);
}
END_TEST

/* A policy that refuses an operation does so before anybody is asked. */
START_TEST(refused_operations)
{
	int64_t id = act(&s, "admin1", "policy.create", 0,
			 "{'name':'a','enabled':true,'operations':['role.create'],'rules':[{'name':'r','when':'$.role == \\\"administrator\\\" && $.evidence == \\\"token\\\"',"
			 "'refuse':true,'message':'not by token','pointer':'name'}]}");
	ck_assert_int_gt(id, 0);
	expect_refused(&s, "admin1", "role.create", 0, ROLE, E_POLICY, "name");
	ck_assert_str_eq(s.error.detail, "not by token (policy a, rule r)");
}
END_TEST

TCase *
tcase_approval(void)
{
	TCase *t = tcase_create("approval");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, two_of_three);
	tcase_add_test(t, nobody_approves_his_own);
	tcase_add_test(t, a_change_voids_approvals);
	tcase_add_test(t, ended_otherwise);
	tcase_add_test(t, rights_of_then);
	tcase_add_test(t, approved_and_not_done);
	tcase_add_test(t, each_wish_is_met);
	tcase_add_test(t, policies_can_guard_themselves);
	tcase_add_test(t, refused_operations);
	return t;
}
