/* Who may do what in the store: grants of each role on each table, row-level security by tenant, and the insert-only audit log. */
#include "config.h"
#include "tests/unit/db/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const roles[] = {"siegel_ca", "siegel_est", "siegel_va", "siegel_api", "siegel_sched", "siegel_setup", "siegel_scep", "siegel_acme"};
#define N_ROLES 8

/* S select, I insert, U update, D delete, T truncate; a small letter: some columns only. In the order of roles[]. */
static const struct {
	const char *table;
	const char *granted[N_ROLES];
} matrix[] = {
    {"account", {"SIu", "", "", "s", "", "SIu", "", ""}},
    {"acme_account", {"Su", "", "", "S", "", "", "", ""}},
    {"acme_authz", {"S", "", "", "S", "", "", "", ""}},
    {"acme_challenge", {"", "", "", "S", "", "", "", ""}},
    {"acme_count", {"", "", "", "", "", "", "", ""}},
    {"acme_key", {"SIuD", "", "", "s", "", "", "", ""}},
    {"acme_nonce", {"", "", "", "", "", "", "", ""}},
    {"acme_nonce_key", {"", "", "", "", "", "", "", ""}},
    {"acme_order", {"S", "", "", "S", "", "", "", ""}},
    {"approval", {"SIU", "", "", "s", "", "", "", ""}},
    {"approval_decision", {"SID", "", "", "S", "", "", "", ""}},
    {"archived_key", {"SI", "", "", "s", "", "", "", ""}},
    {"audit", {"SI", "", "", "sI", "S", "SI", "", ""}},
    {"audit_key", {"SIu", "", "", "s", "s", "s", "", ""}},
    {"audit_seal", {"SI", "", "", "S", "S", "S", "", ""}},
    {"batch", {"SIU", "", "", "s", "", "", "", ""}},
    {"batch_item", {"SIU", "", "", "s", "", "", "", ""}},
    {"blocked_key", {"SI", "", "", "", "", "", "", ""}},
    {"ca", {"SIuD", "s", "s", "s", "s", "", "s", ""}},
    {"ca_certificate", {"SIuD", "S", "", "S", "", "", "S", ""}},
    {"card_handoff", {"", "", "", "si", "", "", "", ""}},
    {"certificate", {"SIu", "", "s", "S", "", "", "", ""}},
    {"certificate_counted", {"SID", "", "", "", "", "", "", ""}},
    {"certificate_day", {"", "", "", "S", "", "", "", ""}},
    {"certificate_delta", {"", "", "", "S", "", "", "", ""}},
    {"certificate_label", {"S", "", "", "S", "", "", "", ""}},
    {"certificate_total", {"", "", "", "S", "", "", "", ""}},
    {"credential", {"sIuD", "", "", "SIu", "", "SIu", "", ""}},
    {"crl", {"SI", "", "S", "S", "S", "", "", ""}},
    {"directory_profile", {"SIUD", "", "", "S", "", "", "", ""}},
    {"endpoint", {"SIUD", "", "", "s", "", "", "", ""}},
    {"enrollment_code", {"SIuD", "", "", "s", "", "", "", ""}},
    {"import", {"SIUD", "", "", "s", "", "", "", ""}},
    {"import_file", {"SIUD", "", "", "S", "", "", "", ""}},
    {"import_part", {"SID", "", "", "", "", "", "", ""}},
    {"intent", {"SIuD", "", "", "", "", "", "", ""}},
    {"job", {"SIU", "", "", "S", "", "", "", ""}},
    {"job_item", {"SI", "", "", "S", "", "", "", ""}},
    {"ocsp_signer", {"SID", "", "S", "", "s", "", "", ""}},
    {"passkey", {"siuD", "", "", "s", "", "sD", "", ""}},
    {"passkey_challenge", {"", "", "", "", "", "", "", ""}},
    {"policy", {"SIuD", "", "", "S", "", "", "", ""}},
    {"policy_rule", {"SIuD", "", "", "", "", "", "", ""}},
    {"policy_state", {"S", "", "", "", "", "", "", ""}},
    {"profile", {"SIuD", "", "", "S", "", "", "", ""}},
    {"profile_template", {"S", "", "", "S", "", "", "", ""}},
    {"ra", {"SID", "", "", "", "", "", "", ""}},
    {"ra_wish", {"S", "", "", "", "", "", "", ""}},
    {"refusal_day", {"", "", "", "S", "", "", "", ""}},
    {"renewal_advice", {"SIUD", "", "", "S", "", "", "", ""}},
    {"request", {"SIuD", "", "", "", "", "", "", ""}},
    {"revocation", {"SIuD", "", "", "", "", "", "", ""}},
    {"role", {"SIuD", "", "", "S", "", "Su", "", ""}},
    {"saved_query", {"SIUD", "", "", "S", "", "", "", ""}},
    {"scep_transaction", {"", "", "", "", "", "", "SIUD", ""}},
    {"second_factor", {"SIUD", "", "", "s", "", "sD", "", ""}},
    {"secret", {"SIUD", "", "", "S", "", "", "", ""}},
    {"secret_version", {"SIUD", "", "", "s", "", "", "", ""}},
    {"session", {"suD", "", "", "siD", "", "sD", "", ""}},
    {"tenant", {"SIu", "s", "", "s", "", "S", "s", ""}},
};

/* What the server says about one role and one table. */
static const char granted_sql[] =
    "SELECT concat("
    "  CASE WHEN has_table_privilege($1, c.oid, 'SELECT') THEN 'S' WHEN has_any_column_privilege($1, c.oid, 'SELECT') THEN 's' END,"
    "  CASE WHEN has_table_privilege($1, c.oid, 'INSERT') THEN 'I' WHEN has_any_column_privilege($1, c.oid, 'INSERT') THEN 'i' END,"
    "  CASE WHEN has_table_privilege($1, c.oid, 'UPDATE') THEN 'U' WHEN has_any_column_privilege($1, c.oid, 'UPDATE') THEN 'u' END,"
    "  CASE WHEN has_table_privilege($1, c.oid, 'DELETE') THEN 'D' END,"
    "  CASE WHEN has_table_privilege($1, c.oid, 'TRUNCATE') THEN 'T' END)"
    " FROM pg_class c WHERE c.relnamespace = 'siegel'::regnamespace AND c.relname = $2";

START_TEST(grants_are_exactly_these)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");
	struct error e;

	for (size_t t = 0; t < ARRAY_LEN(matrix); t++)
		for (size_t r = 0; r < N_ROLES; r++) {
			CLEANUP(db_result_free)
			struct db_result *res = NULL;
			const struct db_param params[] = {DB_TEXT(roles[r]), DB_TEXT(matrix[t].table)};
			ck_assert_int_eq(db_query(db, granted_sql, params, 2, false, &res, &e), 0);
			ck_assert_int_eq(db_rows(res), 1);
			ck_assert_msg(!strcmp(db_text(res, 0, 0), matrix[t].granted[r]), "%s on %s: granted \"%s\", wanted \"%s\"", roles[r],
			              matrix[t].table, db_text(res, 0, 0), matrix[t].granted[r]);
		}
}
END_TEST

START_TEST(every_table_is_in_the_matrix)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");
	CLEANUP(db_result_free)
	struct db_result *r = NULL;
	struct error e;

	ck_assert_int_eq(db_query(db,
	                          "SELECT relname, relname IN ('blocked_key', 'profile_template', 'acme_nonce', 'acme_nonce_key', 'acme_count', 'passkey_challenge') OR (relrowsecurity AND relforcerowsecurity) "
	                          "FROM pg_class WHERE relnamespace = 'siegel'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1",
	                          NULL, 0, false, &r, &e),
	                 0);
	ck_assert_int_eq(db_rows(r), (int)ARRAY_LEN(matrix));
	for (int i = 0; i < db_rows(r); i++) {
		ck_assert_str_eq(db_text(r, i, 0), matrix[i].table);
		ck_assert_msg(db_bool(r, i, 1), "%s has no row-level security", matrix[i].table);
	}
}
END_TEST

START_TEST(roles_have_no_power_of_their_own)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");

	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'siegel\\_%' AND "
	                              "(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)"),
	                 "0");
	for (size_t r = 0; r < N_ROLES; r++) {
		CLEANUP(db_free)
		struct db *role = test_db(roles[r]);
		ck_assert_str_eq(test_refused(role, "CREATE TABLE siegel.mine (a int)"), "42501");
		ck_assert_str_eq(test_refused(role, "CREATE TABLE public.mine (a int)"), "42501");
		ck_assert_str_eq(test_refused(role, "SET ROLE siegel_owner"), "42501");
	}
}
END_TEST

/* What everybody may do in a database as PostgreSQL makes it would fill the disk, and keep the engine from its audit chains. */
START_TEST(nothing_is_public)
{
	for (size_t r = 0; r < N_ROLES; r++) {
		CLEANUP(db_free)
		struct db *role = test_db(roles[r]);
		bool writes = !strcmp(roles[r], "siegel_ca") || !strcmp(roles[r], "siegel_api") || !strcmp(roles[r], "siegel_setup");
		ck_assert_str_eq(test_refused(role, "CREATE TEMPORARY TABLE mine (a int)"), "42501");
		ck_assert_str_eq(test_refused(role, "SELECT lo_create(0)"), "42501");
		ck_assert_str_eq(test_refused(role, "SELECT lo_from_bytea(0, 'x')"), "42501");
		if (writes)
			ck_assert_str_eq(test_one(role, "SELECT pg_try_advisory_lock(1)"), "t");
		else
			ck_assert_str_eq(test_refused(role, "SELECT pg_advisory_lock_shared(1)"), "42501");
		if (!writes)
			ck_assert_str_eq(test_refused(role, "SELECT pg_try_advisory_xact_lock(1)"), "42501");
	}
}
END_TEST

/* Each verb on each table without its grant, as the roles meet it (D03). */
START_TEST(denied_means_denied)
{
	for (size_t r = 0; r < N_ROLES; r++) {
		CLEANUP(db_free)
		struct db *db = test_db(roles[r]);
		for (size_t t = 0; t < ARRAY_LEN(matrix); t++) {
			const char *g = matrix[t].granted[r];
			char sql[160];
			if (!strpbrk(g, "Ss")) {
				snprintf(sql, sizeof(sql), "SELECT 1 FROM %s", matrix[t].table);
				ck_assert_str_eq(test_refused(db, sql), "42501");
			}
			if (!strpbrk(g, "Ii")) {
				snprintf(sql, sizeof(sql), "INSERT INTO %s DEFAULT VALUES", matrix[t].table);
				ck_assert_str_eq(test_refused(db, sql), "42501");
			}
			if (!strchr(g, 'D')) {
				snprintf(sql, sizeof(sql), "DELETE FROM %s", matrix[t].table);
				ck_assert_str_eq(test_refused(db, sql), "42501");
			}
			snprintf(sql, sizeof(sql), "TRUNCATE %s CASCADE", matrix[t].table);
			ck_assert_str_eq(test_refused(db, sql), "42501");
		}
	}
}
END_TEST

/* Columns that lead to keys or say what isn't the role's business. */
START_TEST(columns_that_stay_hidden)
{
	static const struct {
		const char *role, *sql;
	} refused[] = {
	    {"siegel_api", "SELECT key_ref FROM ca"},
	    {"siegel_est", "SELECT key_ref FROM ca"},
	    {"siegel_va", "SELECT key_ref FROM ca"},
	    {"siegel_scep", "SELECT key_ref FROM ca"},
	    {"siegel_scep", "SELECT challenge_sealed FROM endpoint"},
	    {"siegel_scep", "SELECT sealed FROM enrollment_code"},
	    {"siegel_scep", "SELECT der FROM certificate"},
	    {"siegel_api", "SELECT csr FROM scep_transaction"},
	    {"siegel_api", "SELECT challenge_hash FROM endpoint"},
	    {"siegel_api", "SELECT challenge_sealed FROM endpoint"},
	    {"siegel_api", "SELECT hash FROM enrollment_code"},
	    {"siegel_api", "SELECT sealed FROM acme_key"},
	    {"siegel_acme", "SELECT sealed FROM acme_key"},
	    {"siegel_acme", "UPDATE acme_key SET revoked_at = NULL"},
	    {"siegel_acme", "SELECT der FROM certificate"},
	    {"siegel_ca", "UPDATE acme_key SET sealed = ''"},
	    {"siegel_ca", "UPDATE acme_account SET jwk = '{}'"},
	    {"siegel_ca", "UPDATE enrollment_code SET used_at = NULL"},
	    {"siegel_sched", "SELECT key_ref FROM ca"},
	    {"siegel_sched", "SELECT wrapped_key FROM ocsp_signer"},
	    {"siegel_va", "SELECT subject FROM certificate"},
	    {"siegel_va", "UPDATE certificate SET status = 1"},
	    {"siegel_va", "UPDATE ca SET status = 'active'"},
	    {"siegel_ca", "UPDATE certificate SET der = ''"},
	    {"siegel_ca", "UPDATE certificate SET serial = ''"},
	    {"siegel_ca", "UPDATE ca SET spki_hash = ''"},
	    {"siegel_api", "UPDATE role SET rights = '{}'"},
	    {"siegel_api", "UPDATE credential SET account_id = 1"},
	    {"siegel_api", "UPDATE credential SET hash = ''"},
	    {"siegel_setup", "UPDATE account SET tenant_id = 1"},
	    {"siegel_va", "SELECT auth_by_secret('token', NULL, '')"},
	    {"siegel_sched", "SELECT auth_consume(1)"},
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		CLEANUP(db_free)
		struct db *db = test_db(refused[i].role);
		ck_assert_msg(!strcmp(test_refused(db, refused[i].sql), "42501"), "%s: %s gave %s", refused[i].role, refused[i].sql,
		              db_sqlstate(db));
	}
}
END_TEST

static const struct {
	const char *name, *roles;
} functions[] = {
    {"account_owners", "siegel_ca"},
    {"account_profiles", "siegel_ca"},
    {"account_rights", "siegel_api siegel_ca siegel_est siegel_scep"},
    {"acme_account_change", "siegel_acme"},
    {"acme_account_limited", "siegel_acme"},
    {"acme_account_new", ""},
    {"acme_attested_limited", "siegel_acme"},
    {"acme_authz_deactivate", "siegel_acme"},
    {"acme_authz_get", "siegel_acme"},
    {"acme_authz_limit", ""},
    {"acme_authz_limited", "siegel_acme"},
    {"acme_authz_make", ""},
    {"acme_authz_new", ""},
    {"acme_authz_row", ""},
    {"acme_authz_stands", "siegel_api"},
    {"acme_begin", "siegel_acme"},
    {"acme_ca_line", ""},
    {"acme_caa_done", "siegel_acme"},
    {"acme_certificate_get", "siegel_acme"},
    {"acme_certificate_row", ""},
    {"acme_chains", "siegel_acme"},
    {"acme_challenge_attested", ""},
    {"acme_challenge_begin", ""},
    {"acme_challenge_done", ""},
    {"acme_challenge_limited", "siegel_acme"},
    {"acme_challenge_result", "siegel_acme"},
    {"acme_challenge_take", "siegel_acme"},
    {"acme_count_add", ""},
    {"acme_count_give", ""},
    {"acme_count_wait", ""},
    {"acme_covers", ""},
    {"acme_directory_remove", "siegel_ca"},
    {"acme_failures_of", ""},
    {"acme_key_change", "siegel_acme"},
    {"acme_key_find", "siegel_acme"},
    {"acme_names", ""},
    {"acme_nonce_at", ""},
    {"acme_nonce_key", "siegel_acme"},
    {"acme_order_caa", "siegel_acme"},
    {"acme_order_done", "siegel_acme"},
    {"acme_order_end", ""},
    {"acme_order_finalize", "siegel_acme"},
    {"acme_order_get", "siegel_acme"},
    {"acme_order_lacks", ""},
    {"acme_holds", ""},
    {"acme_issued_for", ""},
    {"acme_may_revoke", "siegel_ca"},
    {"acme_order_limited", "siegel_acme"},
    {"acme_order_new", ""},
    {"acme_order_status", "siegel_api"},
    {"acme_orders", "siegel_acme"},
    {"acme_profiles", "siegel_acme"},
    {"acme_renewal", "siegel_acme"},
    {"acme_renews", ""},
    {"acme_revocable", "siegel_acme"},
    {"acme_signed_authz", "siegel_acme"},
    {"acme_signed_certificate", "siegel_acme"},
    {"acme_signed_finalize", "siegel_acme"},
    {"acme_signed_order", "siegel_acme"},
    {"acme_signed_order_get", "siegel_acme"},
    {"acme_stands", ""},
    {"acme_sweep", "siegel_sched"},
    {"acme_time", ""},
    {"approval_add", "siegel_ca"},
    {"approval_deciders", "siegel_api siegel_portal"},
    {"approval_eligible", "siegel_ca"},
    {"approval_standing", "siegel_ca"},
    {"auth_by_certificate", "siegel_api siegel_est siegel_scep"},
    {"auth_by_secret", "siegel_api siegel_est siegel_scep"},
    {"auth_consume", "siegel_api siegel_est siegel_scep"},
    {"batch_resume", ""},
    {"batch_sweep", "siegel_ca"},
    {"ca_chain", "siegel_ca"},
    {"ca_is_of", "siegel_est siegel_scep"},
    {"ca_key_store", "siegel_api"},
    {"certificate_add", "siegel_ca"},
    {"certificate_affected", "siegel_ca"},
    {"certificate_annotate_many", "siegel_ca"},
    {"certificate_annotate_next", "siegel_ca"},
    {"certificate_choice", "siegel_ca"},
    {"certificate_count", "siegel_ca"},
    {"certificate_counted_add", "siegel_ca"},
    {"certificate_counted_begin", "siegel_ca"},
    {"certificate_counted_end", "siegel_ca"},
    {"certificate_counted_next", "siegel_ca"},
    {"certificate_document", "siegel_ca"},
    {"certificate_filter", "siegel_ca"},
    {"certificate_find", "siegel_ca"},
    {"certificate_labels", ""},
    {"certificate_is_own", "siegel_ca"},
    {"certificate_judge", "siegel_ca"},
    {"certificate_next", "siegel_ca"},
    {"certificate_of_fingerprint", "siegel_api siegel_portal"},
    {"certificate_of_key", "siegel_est"},
    {"certificate_revoke", "siegel_ca"},
    {"certificate_revoke_judged", "siegel_ca"},
    {"certificate_revoke_many", "siegel_ca"},
    {"certificate_said", "siegel_ca"},
    {"certificate_said_word", "siegel_ca"},
    {"dashboard", "siegel_api"},
    {"day_utc", "siegel_api"},
    {"endpoint_find", "siegel_acme siegel_est siegel_scep"},
    {"enrollment_code_find", "siegel_est siegel_scep"},
    {"enrollment_code_give", "siegel_est siegel_scep"},
    {"enrollment_code_take", "siegel_est siegel_scep"},
    {"import_add", "siegel_ca"},
    {"import_revocations", "siegel_ca"},
    {"intent_add", "siegel_ca"},
    {"key_faults", "siegel_ca"},
    {"key_lock", "siegel_ca"},
    {"policy_apply", "siegel_ca"},
    {"policy_compile", "siegel_ca"},
    {"policy_dry_run", "siegel_ca"},
    {"policy_explain", "siegel_ca"},
    {"policy_german", "siegel_api siegel_portal"},
    {"policy_judge", "siegel_ca"},
    {"policy_path_check", "siegel_ca"},
    {"policy_tenants", "siegel_ca"},
    {"portal_account", "siegel_api siegel_portal"},
    {"portal_owners", "siegel_portal"},
    {"portal_profiles", "siegel_api"},
    {"portal_requestor", "siegel_portal"},
    {"ra_list", "siegel_est siegel_scep"},
    {"login_salt", "siegel_api"},
    {"machine_store", "siegel_api"},
    {"ra_state", "siegel_sched"},
    {"ra_want", "siegel_est siegel_scep"},
    {"refusals_add", "siegel_acme siegel_api siegel_est siegel_scep"},
    {"request_find", "siegel_ca"},
    {"metadata_changed", "siegel_ca"},
    {"renewal_advise", "siegel_ca"},
    {"renewal_count", "siegel_ca"},
    {"request_hold", "siegel_ca"},
    {"same_person", "siegel_ca"},
    {"scep_certificate", "siegel_scep"},
    {"scep_same_key", "siegel_scep"},
    {"scep_sealed", "siegel_scep"},
    {"passkey_challenge_use", "siegel_api"},
    {"passkey_find", "siegel_api"},
    {"passkey_used", "siegel_api"},
    {"card_good", ""},
    {"card_handoff_sweep", "siegel_api"},
    {"card_handoff_take", "siegel_api"},
    {"has_second_factor", "siegel_api siegel_ca"},
    {"account_admits", "siegel_api siegel_est siegel_scep"},
    {"account_opens", "siegel_api siegel_ca siegel_setup"},
    {"account_sign_in", "siegel_api siegel_ca siegel_setup"},
    {"session_find", "siegel_api"},
    {"session_leave", "siegel_api"},
    {"session_proved", "siegel_api"},
    {"statistics_check", ""},
    {"statistics_fold", "siegel_sched"},
    {"statistics_rebuild", ""},
    {"subject_document", "siegel_ca"},
    {"works_for_house", "siegel_api"},
};

START_TEST(functions_are_for_those_who_need_them)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");
	char sql[512];

	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		snprintf(sql, sizeof(sql),
		         "SELECT string_agg(r.rolname, ' ' ORDER BY r.rolname) FROM pg_roles r, pg_proc p WHERE p.proname = '%s' AND "
		         "r.rolname LIKE 'siegel\\_%%' AND r.rolname <> 'siegel_owner' AND has_function_privilege(r.oid, p.oid, 'EXECUTE')",
		         functions[i].name);
		ck_assert_str_eq(test_one(db, sql), functions[i].roles);
	}
	/* None is missing above; triggers aren't called by anybody. */
	snprintf(sql, sizeof(sql), "%zu", ARRAY_LEN(functions));
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'siegel'::regnamespace "
	                              "AND prorettype <> 'trigger'::regtype"),
	                 sql);
	/* Who runs as the owner finds nothing but what is the owner's. */
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'siegel'::regnamespace AND prosecdef "
	                              "AND NOT coalesce(proconfig @> '{\"search_path=siegel, pg_temp\"}', false)"),
	                 "0");
}
END_TEST

/* Two tenants with a CA, a profile, a certificate, an account and an audit row each; made once for the tests that follow. */
static void
make_tenants(void)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_owner");
	struct error e;
	static const char sql[] =
	    "INSERT INTO tenant (name) VALUES ('a'), ('b');"
	    "INSERT INTO ca (tenant_id, name, status, subject, certificate, ski, spki_hash, key_ref, not_before, not_after, ocsp_url, crl_url,"
	    " ca_url, crl_interval_sec, crl_overlap_sec) SELECT id, 'issuing', 'active', 'CN=' || name, '\\x00', sha256(name::bytea),"
	    " sha256(name::bytea), 'file:x', now(), now() + '1y', '', '', '', 3600, 60 FROM tenant;"
	    "INSERT INTO profile (tenant_id, name, kind, title, definition) SELECT id, 'server', 'cert_server', 'Server', '{}' FROM tenant;"
	    "INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, spki_hash, der,"
	    " requestor, source) SELECT c.tenant_id, c.id, p.id, '\\x0102030405060708', c.subject, 'x', '{}', now(), now(), c.spki_hash,"
	    " '\\x00', 'r', 'rest' FROM ca c JOIN profile p USING (tenant_id);"
	    "INSERT INTO crl (ca_id, number, this_update, next_update, entries, size_bytes, sha256)"
	    " SELECT id, 1, now(), now(), 0, 0, '' FROM ca;"
	    "INSERT INTO account (tenant_id, name, role) SELECT id, 'admin', 'administrator' FROM tenant;"
	    "INSERT INTO credential (tenant_id, account_id, kind, hash) SELECT tenant_id, id, 'token', sha256(id::text::bytea) FROM account;"
	    "INSERT INTO audit SELECT 'ca.t.' || id, 1, 0, id, 'a', 'b', 'c', '{}', sha256('') FROM tenant;";

	if (strcmp(test_one(db, "SELECT count(*) FROM tenant"), "0") != 0)
		return;
	if (db_exec(db, sql, &e) < 0)
		ck_abort_msg("%s", db_last_message(db));
}

START_TEST(a_tenant_sees_itself_alone)
{
	static const char *const tables[] = {"ca", "profile", "certificate", "account", "credential", "crl", "audit"};
	char sql[256];

	make_tenants();
	for (int tenant = 0; tenant < 2; tenant++) {
		CLEANUP(db_free)
		struct db *db = test_db("siegel_api");
		for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[t]);
			ck_assert_msg(!strcmp(test_one(db, sql), "0"), "%s is seen without a tenant", tables[t]);
		}
		snprintf(sql, sizeof(sql), "SELECT set_config('siegel.tenant', '%d', false)", tenant + 1);
		test_one(db, sql);
		for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[t]);
			ck_assert_msg(!strcmp(test_one(db, sql), "1"), "%s: not one row of tenant %d", tables[t], tenant + 1);
			if (!strcmp(tables[t], "crl"))
				continue;
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE tenant_id <> %d", tables[t], tenant + 1);
			ck_assert_str_eq(test_one(db, sql), "0");
		}
		/* A tenant that was set and taken back is none. */
		test_one(db, "SELECT set_config('siegel.tenant', '', false)");
		ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate"), "0");
	}
}
END_TEST

/* What siegel-api becomes for accounts that see their own alone: nothing by itself, a few tables, and of these the rows of one account. */
START_TEST(the_portal_sees_ones_own_alone)
{
	static const char *const seen[] = {"approval", "approval_decision", "batch", "batch_item", "ca", "ca_certificate", "certificate", "certificate_label", "profile"};
	static const char *const hidden[] = {"SELECT definition FROM profile", "SELECT password FROM batch", "SELECT sealed FROM batch_item", "SELECT key_ref FROM ca",
	                                     "SELECT request FROM approval", "SELECT dashboard(1)", "SELECT account_rights(1)", "SELECT portal_profiles()"};
	CLEANUP(db_free)
	struct db *owner = test_db("siegel_owner");
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");
	char sql[256];

	make_tenants();
	test_one(owner, "UPDATE certificate SET owner = 'admin'");
	ck_assert_str_eq(test_one(db, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'siegel_portal'"), "f");
	test_one(db, "SELECT set_config('role', 'siegel_portal', false)");
	for (size_t t = 0; t < ARRAY_LEN(matrix); t++) {
		bool may = false;
		for (size_t i = 0; i < ARRAY_LEN(seen); i++)
			may = may || !strcmp(seen[i], matrix[t].table);
		CLEANUP(db_result_free)
		struct db_result *r = NULL;
		struct error e;
		const struct db_param params[] = {DB_TEXT("siegel_portal"), DB_TEXT(matrix[t].table)};
		ck_assert_int_eq(db_query(owner, granted_sql, params, 2, false, &r, &e), 0);
		ck_assert_msg(strspn(db_text(r, 0, 0), may ? "Ss" : "") == strlen(db_text(r, 0, 0)), "%s: %s", matrix[t].table, db_text(r, 0, 0));
		snprintf(sql, sizeof(sql), "SELECT count(tenant_id) FROM %s", matrix[t].table);
		if (may)
			ck_assert_str_eq(test_one(db, sql), "0");
	}
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		ck_assert_str_eq(test_refused(db, hidden[i]), "42501");
	test_one(db, "SELECT set_config('siegel.tenant', '1', false)");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate"), "0");
	test_one(db, "SELECT set_config('siegel.account', (SELECT '1'), false)");
	ck_assert_str_eq(test_one(db, "SELECT string_agg(tenant_id::text, ',') FROM certificate"), "1");
	test_one(owner, "UPDATE certificate SET owner = 'other'");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate"), "0");
	test_one(owner, "UPDATE account SET responsible_for = '{other}' WHERE id = 1");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate"), "1");
	test_one(owner, "UPDATE account SET responsible_for = '{}'");
	test_one(owner, "UPDATE certificate SET owner = NULL, requestor = 'admin'");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate"), "1");
	test_one(owner, "UPDATE certificate SET source = 'est'");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM certificate"), "0");
	test_one(owner, "UPDATE certificate SET requestor = 'r', source = 'rest'");
	/* And back: siegel-api itself has none of this, and its own. */
	test_one(db, "SELECT set_config('role', 'none', false)");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM account"), "1");
	ck_assert_str_eq(test_refused(db, "SELECT portal_owners()"), "42501");
}
END_TEST

START_TEST(a_tenant_writes_for_itself_alone)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");

	make_tenants();
	test_one(db, "SELECT set_config('siegel.tenant', '1', false)");
	ck_assert_str_eq(test_refused(db, "INSERT INTO credential (tenant_id, account_id, kind, hash) VALUES (2, 2, 'token', sha256('x'))"), "42501");
	test_one(db, "INSERT INTO credential (tenant_id, account_id, kind, hash) VALUES (1, 1, 'token', sha256('x'))");
	ck_assert_str_eq(test_one(db, "WITH u AS (UPDATE credential SET revoked_at = now() WHERE tenant_id = 2 RETURNING 1) SELECT count(*) FROM u"),
	                 "0");
	ck_assert_str_eq(test_one(db, "WITH u AS (UPDATE credential SET revoked_at = now() WHERE hash = sha256('x') RETURNING 1) "
	                              "SELECT count(*) FROM u"),
	                 "1");
	CLEANUP(db_free)
	struct db *owner = test_db("siegel_owner");
	test_one(owner, "DELETE FROM credential WHERE hash = sha256('x')");
	CLEANUP(db_free)
	struct db *est = test_db("siegel_est");
	ck_assert_str_eq(test_one(est, "SELECT count(*) FROM ca"), "0");
	test_one(est, "SELECT set_config('siegel.tenant', '2', false)");
	ck_assert_str_eq(test_one(est, "SELECT string_agg(tenant_id::text, ',') FROM ca"), "2");
}
END_TEST

START_TEST(evidence_is_found_before_the_tenant_is_known)
{
	CLEANUP(db_free)
	struct db *db = test_db("siegel_api");

	make_tenants();
	ck_assert_str_eq(test_one(db, "SELECT tenant_id || ' ' || name FROM auth_by_secret('token', NULL, sha256('2'))"), "2 admin");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM auth_by_secret('token', 'other', sha256('2'))"), "0");
	ck_assert_str_eq(test_one(db, "SELECT count(*) FROM auth_by_secret('password', NULL, sha256('2'))"), "0");
	ck_assert_str_eq(test_one(db, "SELECT auth_consume(2)"), "f");
	ck_assert_str_eq(test_one(db, "SELECT tenant_id FROM auth_by_certificate(sha256('b'), '\\x0102030405060708')"), "2");
	/* A table of the caller's own can't slip into one that runs as the owner; the owner is the only one who can make any. */
	CLEANUP(db_free)
	struct db *owner = test_db("siegel_owner");
	test_one(owner, "CREATE TEMP TABLE credential (id int)");
	ck_assert_str_eq(test_one(owner, "SELECT tenant_id || ' ' || name FROM auth_by_secret('token', NULL, sha256('2'))"), "2 admin");
}
END_TEST

/* D04: nobody changes the audit log, not even its owner. */
START_TEST(audit_is_insert_only)
{
	static const char *const all[] = {"siegel_owner", "siegel_ca", "siegel_api", "siegel_sched", "siegel_setup"};

	make_tenants();
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		CLEANUP(db_free)
		struct db *db = test_db(all[i]);
		ck_assert_str_eq(test_refused(db, "UPDATE audit SET actor = 'x'"), "42501");
		ck_assert_str_eq(test_refused(db, "DELETE FROM audit"), "42501");
		ck_assert_str_eq(test_refused(db, "TRUNCATE audit"), "42501");
	}
	CLEANUP(db_free)
	struct db *api = test_db("siegel_api");
	ck_assert_str_eq(test_refused(api, "INSERT INTO audit VALUES ('ca.0.1', 1, 0, 1, 'a', 'b', 'c', '{}', sha256(''))"), "42501");
	test_one(api, "INSERT INTO audit VALUES ('api.0', 1, 0, 1, 'a', 'b', 'c', '{}', sha256(''))");
	/* ON CONFLICT … DO UPDATE is an update. */
	ck_assert_str_eq(test_refused(api, "INSERT INTO audit VALUES ('api.0', 1, 0, 1, 'x', 'b', 'c', '{}', sha256('')) "
	                                   "ON CONFLICT (chain, seq) DO UPDATE SET actor = 'x'"),
	                 "42501");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("grants");
	TCase *t = tcase_create("grants");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, grants_are_exactly_these);
	tcase_add_test(t, every_table_is_in_the_matrix);
	tcase_add_test(t, roles_have_no_power_of_their_own);
	tcase_add_test(t, nothing_is_public);
	tcase_add_test(t, denied_means_denied);
	tcase_add_test(t, columns_that_stay_hidden);
	tcase_add_test(t, functions_are_for_those_who_need_them);
	tcase_add_test(t, a_tenant_sees_itself_alone);
	tcase_add_test(t, the_portal_sees_ones_own_alone);
	tcase_add_test(t, a_tenant_writes_for_itself_alone);
	tcase_add_test(t, evidence_is_found_before_the_tenant_is_known);
	tcase_add_test(t, audit_is_insert_only);
	suite_add_tcase(suite, t);
	return test_main(suite);
}
