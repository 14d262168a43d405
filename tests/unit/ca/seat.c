#include "config.h"
#include "tests/unit/ca/seat.h"

#include <stdio.h>
#include <string.h>

static void
furnish(struct seat *s)
{
	static const char sql[] =
	    "INSERT INTO tenant (name) VALUES ('default'), ('other');"
	    "INSERT INTO ca (tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, not_before, not_after, ocsp_url, crl_url,"
	    " ca_url, crl_interval_sec, crl_overlap_sec) SELECT id, 'issuing', 'retired', 'CN=' || name, '\\x00', sha256(name::bytea),"
	    " sha256(name::bytea), 'file:x', now(), now() + '1y', '', '', '', 3600, 60 FROM tenant;"
	    "INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT id, p, 'cert_' || p, p, '{}' FROM tenant, unnest('{server,client}'::text[]) p;"
	    "INSERT INTO account (tenant_id, name, role) SELECT 1, n, r FROM unnest('{admin1,admin2,admin3,clerk1,auditor1}'::text[],"
	    " '{administrator,administrator,administrator,registration_authority,auditor}'::text[]) u(n, r);"
	    "INSERT INTO account (tenant_id, name, role) VALUES (2, 'stranger', 'administrator');";
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	if (strcmp(test_one(db, "SELECT count(*) FROM tenant"), "0") == 0 && db_exec(db, sql, &s->error) < 0)
		ck_abort_msg("%s", db_last_message(db));
}

void
seat_open(struct seat *s)
{
	*s = (struct seat){.arena = arena_new(64 * 1024 * 1024)};
	furnish(s);
	desk_init(&s->desk, test_config(), "ca.manager");
	ck_assert_msg(desk_prepare(&s->desk, false, &s->error) == 0, "%s", s->error.detail);
}

void
seat_close(struct seat *s)
{
	json_decref(s->result);
	desk_close(&s->desk);
	arena_free(s->arena);
}

static int
ask(struct seat *s, struct manage *m, const char *account, const char *text)
{
	static Siegel__Requestor who;
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_TEXT(account)};
	ck_assert_int_eq(db_query(s->desk.db, "SELECT id, tenant_id, role FROM account WHERE name = $1::text", row, 1, false, &r, &s->error), 0);
	ck_assert_msg(db_rows(r) == 1, "there is no account %s", account);
	siegel__requestor__init(&who);
	who.account_id = db_int(r, 0, 0);
	who.tenant_id = (int32_t)db_int(r, 0, 1);
	who.name = arena_strdup(s->arena, account);
	who.role = arena_strdup(s->arena, db_text(r, 0, 2));
	who.evidence = arena_strdup(s->arena, "token");
	who.source = arena_strdup(s->arena, "rest");
	who.request_id = who.evidence;
	m->who = &who;
	m->actor = arena_printf(s->arena, "rest:%s", account);
	m->body = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(m->body != NULL, "no JSON: %s", text);
	m->whole = json_deep_copy(m->body);
	return manage_run(m, &s->approval, &s->error);
}

static int64_t
run(struct seat *s, const char *account, const char *operation, int64_t id, int version, const char *body)
{
	struct manage m = {.desk = &s->desk, .arena = s->arena, .op = manage_find(operation), .id = id, .version = version};
	ck_assert_msg(m.op != NULL, "there is no operation %s", operation);
	s->approval = 0;
	memset(&s->error, 0, sizeof(s->error));
	int rc = ask(s, &m, account, body);
	json_decref(s->result);
	s->result = m.ret_result;
	s->job = m.ret_job;
	json_decref(m.body);
	json_decref((json_t *)(uintptr_t)m.whole);
	if (rc < 0)
		return -1;
	return s->approval ? 0 : m.ret_id ? m.ret_id : m.id;
}

int64_t
act_version(struct seat *s, const char *account, const char *operation, int64_t id, int version, const char *body)
{
	char *text = arena_strdup(s->arena, body ? body : "{}");
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return run(s, account, operation, id, version, text);
}

int64_t
act_json(struct seat *s, const char *account, const char *operation, int64_t id, const char *body)
{
	return run(s, account, operation, id, 0, body);
}

int64_t
act(struct seat *s, const char *account, const char *operation, int64_t id, const char *body)
{
	return act_version(s, account, operation, id, 0, body);
}

void
expect_refused(struct seat *s, const char *account, const char *operation, int64_t id, const char *body, enum error_code code, const char *pointer)
{
	int64_t got = act(s, account, operation, id, body);
	ck_assert_msg(got == -1, "%s %s: done", operation, body ? body : "");
	ck_assert_msg(s->error.code == code, "%s %s: %s at %s: %s (%s)", operation, body ? body : "", error_name(s->error.code), s->error.pointer,
		      s->error.detail, db_last_message(s->desk.db));
	if (pointer)
		ck_assert_str_eq(s->error.pointer, pointer);
}

const char *
seat_one(struct seat *s, const char *sql)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query_text(s->desk.db, sql, NULL, 0, &r, &s->error) < 0)
		ck_abort_msg("%s: %s (%s)", sql, s->error.detail, db_last_message(s->desk.db));
	return arena_strdup(s->arena, db_text(r, 0, 0));
}

void
seat_certificates(struct seat *s, int n, int days, const char *metadata)
{
	struct db *db CLEANUP(db_free) = test_db("siegel_owner");
	struct db_param row[] = {DB_INT(n), DB_INT(days), DB_TEXT(metadata)};
	if (db_query(db,
		     "INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash, der,"
		     " requestor, source, key_type, metadata) SELECT 1, k.id, p.id, substring(sha256((i || clock_timestamp()::text)::bytea) FOR 16),"
		     " 'CN=h' || i || ',O=Example\\, Inc', 'h' || i, ARRAY['dns:h' || i], now(), now() + make_interval(days => $2::int), sha256('k'), '\\x00',"
		     " 'rest:line1', 'rest', 'p256', $3::jsonb FROM generate_series(1, $1::int) i, ca k, profile p"
		     " WHERE k.tenant_id = 1 AND p.tenant_id = 1 AND p.name = 'server'",
		     row, ARRAY_LEN(row), false, NULL, &s->error) < 0)
		ck_abort_msg("%s", db_last_message(db));
}
