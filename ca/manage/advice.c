/* Advice on renewal (RFC 9773 4.2): clients of ACME that ask are told to renew in a time that the house says, such as before many certificates are
 * revoked. A time in the past means at once. */
#include <string.h>
#include <time.h>

#include "ca/batch.h"
#include "ca/manage/acme.h"
#include "ca/manage/certificate.h"
#include "lib/text.h"

#define PAGE_MAX_BYTES 512

struct advice {
	const char *begins, *ends; /* ISO 8601; NULL: it is taken back */
	const char *explanation;   /* NULL: none */
};

/* "2026-01-31T00:00:00Z" */
static int
read_time(struct manage *m, const char *member, const char **ret, struct error *e)
{
	struct tm tm = {0};
	if (manage_text(m, member, 0, 0, ret, e) < 0)
		return -1;
	if (!*ret)
		return 0;
	const char *end = strlen(*ret) == TIME_TEXT_BYTES - 1 ? strptime(*ret, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	struct tm same = tm;
	if (!end || *end || tm.tm_year < 100 || timegm(&same) == -1 || same.tm_mday != tm.tm_mday || same.tm_sec != tm.tm_sec)
		return fail_at(e, E_BAD_VALUE, member, "%s: a time such as 2026-01-31T00:00:00Z is wanted", member);
	return 0;
}

static int
read_advice(struct manage *m, struct advice *ret, struct error *e)
{
	struct error why;
	int withdraw;
	*ret = (struct advice){0};
	if (read_time(m, "begins", &ret->begins, e) < 0 || read_time(m, "ends", &ret->ends, e) < 0 ||
	    manage_text(m, "explanation", 0, PAGE_MAX_BYTES, &ret->explanation, e) < 0 || manage_bool(m, "withdraw", 0, &withdraw, e) < 0)
		return -1;
	if (withdraw == 1)
		return ret->begins || ret->ends || ret->explanation
		    ? fail_at(e, E_BAD_VALUE, "withdraw", "withdraw: what is taken back has no begins, ends or explanation") : 0;
	if (!ret->begins != !ret->ends)
		return fail_at(e, E_BAD_VALUE, ret->begins ? "ends" : "begins", "begins and ends come together; without both it is at once");
	if (ret->explanation && acme_check_page(ret->explanation, strlen(ret->explanation), &why) < 0)
		return fail_at(e, E_BAD_VALUE, "explanation", "explanation: %s", why.detail);
	if (ret->begins)
		return strcmp(ret->begins, ret->ends) < 0 ? 0 : fail_at(e, E_BAD_VALUE, "ends", "ends: it has to be after begins (RFC 9773 4.2)");
	/* Over already: whoever asks from now on renews (RFC 9773 4.2). */
	ret->begins = time_text(now_us() / 1000000 - 86400, arena_alloc(m->arena, TIME_TEXT_BYTES));
	ret->ends = time_text(now_us() / 1000000 - 1, arena_alloc(m->arena, TIME_TEXT_BYTES));
	return 0;
}

static const char *
detail_of(struct manage *m, const struct advice *a, const char *choice)
{
	return detail_text(m->arena, "begins", a->begins ? a->begins : "", "ends", a->ends ? a->ends : "", "explanation",
			   a->explanation ? a->explanation : "", "certificates", choice, NULL);
}

/* --- one --- */

/* Why a certificate isn't meant. */
static int
not_meant(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db, "SELECT status, not_after <= now() FROM certificate WHERE id = $1::int8 AND tenant_id = $2::int", row, 2, false, &r,
		     e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such certificate");
	if (db_int(r, 0, 0) != 1)
		return fail(e, E_CONFLICT, "the certificate is revoked or held: clients that ask are told to renew it at once anyway");
	return db_bool(r, 0, 1) ? fail(e, E_CONFLICT, "the certificate has expired") : fail(e, E_FORBIDDEN, "the certificate is the house's own");
}

static int
advise(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct advice a;
	if (read_advice(m, &a, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	const char *id = arena_printf(m->arena, "%lld", (long long)m->id);
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(arena_printf(m->arena, "{\"ids\":[\"%s\"]}", id)), DB_TEXT(a.begins),
	                         DB_TEXT(a.ends), DB_TEXT(a.explanation), DB_TEXT(m->actor), DB_INT(m->id)};
	if (db_query(m->desk->db,
		     "SELECT r_count FROM renewal_advise($1::int, $2::jsonb, $3::timestamptz, $4::timestamptz, $5::text, $6::text, 0, $7::int8, 1)",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) == 0)
		return not_meant(m, e);
	m->object = arena_printf(m->arena, "certificate/%s", id);
	m->detail = detail_of(m, &a, id);
	return 0;
}

static int
withdraw(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (manage_body_end(m, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM renewal_advice WHERE certificate_id = $1::int8 AND tenant_id = $2::int RETURNING 1", row, 2, false, &r,
		     e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such advice");
	m->object = arena_printf(m->arena, "certificate/%lld", (long long)m->id);
	return 0;
}

/* --- many --- */

static int
ask_for_job(struct manage *m, const struct advice *a, const struct meant *meant, int64_t last, int64_t count, struct error *e)
{
	json_t *parameters = certificate_job_parameters(meant, last, count);
	json_t *said = json_pack("{s:s*,s:s*,s:s*}", "begins", a->begins, "ends", a->ends, "explanation", a->explanation);
	int rc = said && json_object_update(parameters, said) == 0 ? manage_job(m, "advise_renewal", parameters, e)
	                                                           : fail(e, E_INTERNAL, "the job can't be written down");
	json_decref(said);
	json_decref(parameters);
	m->object = arena_printf(m->arena, "job/%lld", (long long)m->ret_job);
	m->detail = detail_of(m, a, manage_json(m, meant->choice));
	return rc;
}

static int
advise_meant(struct manage *m, const struct advice *a, const struct meant *meant, bool dry_run, int64_t expected, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(manage_json(m, meant->choice))};
	if (!meant->counted &&
	    certificate_choice_query(m, meant->choice, "SELECT r_count, r_last, r_sample FROM renewal_count($1::int, $2::jsonb)", row, 2, &r, e) < 0)
		return -1;
	if (dry_run) {
		m->ret_result = json_pack("{s:I,s:o}", "count", (json_int_t)db_int(r, 0, 0), "sample", json_loads(db_text(r, 0, 2), 0, NULL));
		return 0;
	}
	int64_t n = r ? db_int(r, 0, 0) : meant->count;
	if (expected >= 0 && certificate_check_expected(meant, n, expected, e) < 0)
		return -1;
	return ask_for_job(m, a, meant, r ? db_int(r, 0, 1) : meant->last, n, e);
}

/* No policy is asked about advice. */
static int
count_by_job(struct manage *m, const struct meant *meant, struct error *e)
{
	json_t *document = json_object();
	int rc = certificate_count_by_job(m, meant, MEANT_ADVICE, document, e);
	json_decref(document);
	m->object = arena_printf(m->arena, "job/%lld", (long long)m->ret_job);
	m->detail = detail_text(m->arena, "counted", manage_json(m, meant->choice), NULL);
	return rc;
}

static int
advise_many(struct manage *m, struct error *e)
{
	struct meant meant = {0};
	struct advice a;
	int64_t expected;
	int dry_run, as_job, rc = -1;
	if (read_advice(m, &a, e) < 0 || manage_int(m, "expected", 0, 0, INT64_MAX, -1, &expected, e) < 0 ||
	    manage_bool(m, "dry_run", 0, &dry_run, e) < 0 || manage_bool(m, "as_job", 0, &as_job, e) < 0)
		return -1;
	if (as_job == 1 && dry_run != 1)
		return fail_at(e, E_BAD_VALUE, "as_job", "as_job is for a dry run: nobody is to do what he meant to count");
	if (certificate_read_meant(m, MEANT_ADVICE, &meant, e) == 0 && manage_body_end(m, e) == 0)
		rc = dry_run == 1 && (as_job == 1 || meant.counted) ? count_by_job(m, &meant, e)
		                                                    : advise_meant(m, &a, &meant, dry_run == 1, expected, e);
	json_decref(meant.choice);
	return rc;
}

extern const struct manage_op manage_advice[];
const struct manage_op manage_advice[] = {
    {"certificate.advise_renewal", "renewal_advice.changed", RIGHT_REVOKE, 0, advise},
    {"certificate.advise_renewal_many", "renewal_advice.changed", RIGHT_REVOKE, 0, advise_many},
    {"renewal_advice.withdraw", "renewal_advice.withdrawn", RIGHT_REVOKE, 0, withdraw},
    {0},
};
