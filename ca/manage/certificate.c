/* Certificates: who looks after one, what is noted about it; and the revocation of many, which a job does. */
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/condition.h"
#include "ca/manage/certificate.h"


static int
update(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct ownership own;
	if (manage_ownership(m, &own, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_TEXT(own.has_owner ? "true" : "false"), DB_TEXT(own.owner),
	    DB_TEXT(own.has_metadata ? "true" : "false"), DB_TEXT(own.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE certificate SET owner = CASE WHEN $3::boolean THEN $4::text ELSE owner END,"
		     " metadata = CASE WHEN $5::boolean THEN $6::jsonb ELSE metadata END WHERE id = $1::int8 AND tenant_id = $2::int"
		     " RETURNING coalesce(owner, ''), coalesce(metadata::text, '')",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such certificate");
	m->object = arena_printf(m->arena, "certificate/%lld", (long long)m->id);
	m->detail = detail_text(m->arena, "owner", db_text(r, 0, 0), "metadata", db_text(r, 0, 1), NULL);
	return 0;
}

/* --- one, where policies have a say; siegel-api asks a worker first, which does it at once where they have none --- */

static int
change_status(struct manage *m, int reason, bool release, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct batch_revocation b;
	Siegel__Revoke q = SIEGEL__REVOKE__INIT;
	q.requestor = (Siegel__Requestor *)(uintptr_t)m->who;
	q.certificate_id = m->id;
	q.reason = reason;
	q.release = release;
	batch_revoke(&b, &q, true, &m->desk->chain, m->arena);
	if (db_query(m->desk->db, b.sql, b.params, b.n_params, true, &r, e) < 0) {
		(void)batch_revoke_error(db_sqlstate(m->desk->db), db_last_message(m->desk->db), e);
		return -1;
	}
	if (!db_bool(r, 0, REVOKED_REPEATED)) /* its audit row is written by the statement */
		m->desk->chain = b.next;
	return 0;
}

static int
revoke(struct manage *m, struct error *e)
{
	const char *word;
	int reason;
	if (manage_text(m, "reason", MANAGE_REQUIRED, 40, &word, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	reason = reason_parse(word);
	if (reason < 0 || reason == REASON_HOLD || reason == REASON_RELEASE)
		return fail_at(e, E_BAD_VALUE, "reason", "reason: not one that a certificate can be revoked for (RFC 5280 5.3.1)");
	return change_status(m, reason, false, e);
}

static int
hold(struct manage *m, struct error *e)
{
	return manage_body_end(m, e) < 0 ? -1 : change_status(m, REASON_HOLD, false, e);
}

static int
release(struct manage *m, struct error *e)
{
	return manage_body_end(m, e) < 0 ? -1 : change_status(m, 0, true, e);
}

/* --- many --- */

struct choice {
	struct meant meant;
	const char *text; /* of the choice */
	const char *word; /* of the reason */
	int reason;
};

static int
check_ids(json_t *ids, struct error *e)
{
	size_t i;
	json_t *id;
	if (json_array_size(ids) == 0 || json_array_size(ids) > LIMIT_CHOICE_IDS)
		return fail_at(e, E_BAD_VALUE, "ids", "ids has to be an array of 1 to %d ids", LIMIT_CHOICE_IDS);
	json_array_foreach(ids, i, id)
	{
		const char *s = json_string_value(id);
		if (!s || strlen(s) != json_string_length(id) || !*s || strlen(s) > 18 || strspn(s, "0123456789") != strlen(s))
			return fail_at(e, E_BAD_VALUE, "ids", "ids: number %zu isn't the id of a certificate", i + 1);
	}
	return 0;
}

static int
check_times(const char *name, json_t *bounds, struct error *e)
{
	const char *op;
	json_t *bound;
	if (!json_is_object(bounds) || json_object_size(bounds) == 0)
		return fail_at(e, E_BAD_VALUE, "filter", "filter: %s has to be an object with lt, le, gt or ge and a time each", name);
	json_object_foreach(bounds, op, bound)
	{
		if (strcmp(op, "lt") != 0 && strcmp(op, "le") != 0 && strcmp(op, "gt") != 0 && strcmp(op, "ge") != 0)
			return fail_at(e, E_BAD_VALUE, "filter", "filter: %s takes lt, le, gt and ge", name);
		if (!json_is_string(bound))
			return fail_at(e, E_BAD_VALUE, "filter", "filter: %s: a time is a text such as 2026-01-31T23:59:59Z", name);
	}
	return 0;
}

/* What is said of a text: the text, or an object with eq, in (texts) and contains. words: it has only some values, and no parts. */
static int
check_text(const char *name, const json_t *said, bool words, struct error *e)
{
	const char *op;
	json_t *value, *item;
	size_t i;
	if (json_is_string(said))
		return 0;
	if (!json_is_object(said) || json_object_size(said) == 0)
		return fail_at(e, E_BAD_VALUE, "filter", "filter: %s has to be a text, or an object with eq, in or contains", name);
	json_object_foreach((json_t *)(uintptr_t)said, op, value)
	{
		if (strcmp(op, "in") == 0) {
			bool texts = json_array_size(value) > 0 && json_array_size(value) <= LIMIT_CHOICE_VALUES;
			json_array_foreach(value, i, item)
				texts = texts && json_is_string(item);
			if (!texts)
				return fail_at(e, E_BAD_VALUE, "filter", "filter: %s: in takes 1 to %d texts", name, LIMIT_CHOICE_VALUES);
		} else if ((strcmp(op, "eq") != 0 && (words || strcmp(op, "contains") != 0)) || !json_is_string(value)) {
			return fail_at(e, E_BAD_VALUE, "filter", "filter: %s takes eq%s with a text, and in with texts", name,
				       words ? "" : " and contains");
		}
	}
	return words && json_object_size(said) > 1 ? fail_at(e, E_BAD_VALUE, "filter", "filter: %s takes either eq or in", name) : 0;
}

static int
check_metadata(const json_t *metadata, struct error *e)
{
	const char *key;
	json_t *said;
	if (!json_is_object(metadata) || json_object_size(metadata) == 0)
		return fail_at(e, E_BAD_VALUE, "filter", "filter: metadata has to be an object of texts");
	json_object_foreach((json_t *)(uintptr_t)metadata, key, said)
		if (check_text("metadata", said, false, e) < 0)
			return -1;
	return 0;
}

static int check_members(json_t *filter, struct error *e);

/* Filters of which one has to fit. */
static int
check_any(const json_t *any, struct error *e)
{
	size_t i;
	json_t *one;
	if (json_array_size(any) == 0 || json_array_size(any) > LIMIT_FILTER_GROUPS)
		return fail_at(e, E_BAD_VALUE, "filter", "filter: any has to be an array of 1 to %d filters", LIMIT_FILTER_GROUPS);
	json_array_foreach((json_t *)(uintptr_t)any, i, one)
	{
		if (json_object_size(one) == 0 || json_object_get(one, "any"))
			return fail_at(e, E_BAD_VALUE, "filter", "filter: any: number %zu has to be a filter that isn't empty, without another any",
				       i + 1);
		if (check_members(one, e) < 0)
			return -1;
	}
	return 0;
}

static int
check_filter(json_t *filter, struct error *e)
{
	const json_t *any = json_object_get(filter, "any");
	if (json_object_size(filter) == 0)
		return fail_at(e, E_BAD_VALUE, "filter", "filter has to have a member: nothing is done to all certificates by leaving it out");
	return any && check_any(any, e) < 0 ? -1 : check_members(filter, e);
}

static int
check_members(json_t *filter, struct error *e)
{
	static const struct {
		const char *name;
		enum { TEXT, WORD, EXACT, TIME, METADATA } kind;
	} known[] = {
	    {"profile", TEXT}, {"issuer", TEXT}, {"subject", TEXT}, {"common_name", TEXT}, {"requestor", TEXT}, {"source", TEXT}, {"owner", TEXT},
	    {"key_type", TEXT}, {"names", TEXT}, {"status", WORD}, {"revocation_reason", WORD}, {"serial", EXACT}, {"key_sha256", EXACT},
	    {"fingerprint_sha256", EXACT}, {"not_before", TIME}, {"not_after", TIME}, {"created_at", TIME}, {"revoked_at", TIME},
	    {"metadata", METADATA},
	};
	const char *name;
	json_t *value;
	json_object_foreach(filter, name, value)
	{
		size_t i = 0;
		if (strcmp(name, "any") == 0) /* check_any() */
			continue;
		while (i < ARRAY_LEN(known) && strcmp(known[i].name, name) != 0)
			i++;
		if (i == ARRAY_LEN(known))
			return fail_at(e, E_BAD_VALUE, "filter", "filter: there is no \"%.40s\" to filter by", name);
		if (known[i].kind == EXACT && !json_is_string(value))
			return fail_at(e, E_BAD_VALUE, "filter", "filter: %s has to be a text", name);
		if ((known[i].kind == TIME && check_times(name, value, e) < 0) || (known[i].kind == METADATA && check_metadata(value, e) < 0) ||
		    (known[i].kind <= WORD && check_text(name, value, known[i].kind == WORD, e) < 0))
			return -1;
		if (strcmp(name, "names") == 0 && json_object_get(value, "in"))
			return fail_at(e, E_BAD_VALUE, "filter", "filter: names takes eq and contains");
	}
	return 0;
}

int
certificate_read_choice(struct manage *m, json_t **ret, struct error *e)
{
	json_t *ids, *filter;
	const char *condition;
	if (manage_array(m, "ids", 0, &ids, e) < 0 || manage_object(m, "filter", 0, &filter, e) < 0 ||
	    manage_text(m, "condition", 0, LIMIT_POLICY_PATH_BYTES, &condition, e) < 0)
		return -1;
	if (!ids + !filter + !condition != 2)
		return fail_at(e, E_BAD_VALUE, "ids", "one of ids, filter and condition says which certificates");
	if ((ids && check_ids(ids, e) < 0) || (filter && check_filter(filter, e) < 0) || (condition &&
	    condition_check(m->desk->db, condition, "condition", e) < 0))
		return -1;
	*ret = ids ? json_pack("{s:O}", "ids", ids) : filter ? json_pack("{s:O}", "filter", filter) : json_pack("{s:s}", "condition", condition);
	return 0;
}

int
certificate_choice_query(struct manage *m, const json_t *choice, const char *sql, const struct db_param *params, int n, struct db_result **ret,
                         struct error *e)
{
	const char *member = json_object_get(choice, "ids") ? "ids" : json_object_get(choice, "filter") ? "filter" : "condition";
	if (condition_query(m->desk->db, LIMIT_POLICY_DRY_RUN_MS, sql, params, n, ret, e) == 0)
		return 0;
	if (strcmp(db_sqlstate(m->desk->db), CONDITION_LATE) == 0)
		return fail_at(e, E_BAD_VALUE, member, "%s: finding these takes longer than %d ms: ask for fewer, or for a job (as_job)", member,
			       LIMIT_POLICY_DRY_RUN_MS);
	if (strncmp(db_sqlstate(m->desk->db), "22", 2) == 0) /* a time that isn't one, digits that aren't hexadecimal */
		return fail_at(e, E_BAD_VALUE, "filter", "filter: a value isn't of its type");
	return -1;
}

/* The members that say which certificates, and what is done to them. */
static int
read_choice(struct manage *m, struct choice *ret, struct error *e)
{
	const char *reason;
	if (manage_text(m, "reason", 0, 40, &reason, e) < 0)
		return -1;
	ret->word = reason ? reason : "unspecified";
	ret->reason = reason_parse(ret->word);
	if (ret->reason < 0)
		return fail_at(e, E_BAD_VALUE, "reason", "reason: not one that a certificate can be revoked, held or released for (RFC 5280 5.3.1)");
	if (certificate_read_meant(m, ret->reason, &ret->meant, e) < 0)
		return -1;
	ret->text = manage_json(m, ret->meant.choice);
	return 0;
}

/* What policies are asked about each of them: what they would be asked if it were the only one, but for the certificate itself. */
static json_t *
document_of_each(const struct manage *m, const struct choice *c)
{
	int reason = c->reason;
	const char *operation = reason == REASON_HOLD ? "certificate.hold" : reason == REASON_RELEASE ? "certificate.release" : "certificate.revoke";
	json_t *body = reason == REASON_HOLD || reason == REASON_RELEASE ? json_object() : json_pack("{s:s}", "reason", c->word);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "operation", operation, "source", m->who->source, "requestor", m->who->name, "role",
			 m->who->role, "evidence", m->who->evidence, "body", body);
}

/* document NULL: the policies aren't asked. */
static int
count(struct manage *m, const struct choice *c, const json_t *document, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(c->text), DB_INT(c->reason), DB_TEXT(document ? manage_json(m, document) : NULL),
	    DB_INT(LIMIT_JUDGED)};
	static const char sql[] =
	    "SELECT r_count, r_last, r_sample, r_refused FROM certificate_count($1::int, $2::jsonb, $3::int, $4::jsonb, $5::int)";
	return certificate_choice_query(m, c->meant.choice, sql, row, ARRAY_LEN(row), ret, e);
}

/* The dry run. */
static int
choose(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct choice c = {0};
	int as_job;
	int rc = manage_bool(m, "as_job", 0, &as_job, e) < 0 || read_choice(m, &c, e) < 0 || manage_body_end(m, e) < 0 ? -1 : 0;
	if (rc == 0) {
		json_t *document CLEANUP(json_decref) = document_of_each(m, &c);
		rc = as_job == 1 || c.meant.counted ? certificate_count_by_job(m, &c.meant, c.reason, document, e) : count(m, &c, document, &r, e);
	}
	json_decref(c.meant.choice);
	if (rc == 0 && r)
		m->ret_result = json_pack("{s:I,s:I,s:o}", "count", (json_int_t)db_int(r, 0, 0), "refused", (json_int_t)db_int(r, 0, 3), "sample",
					  json_loads(db_text(r, 0, 2), 0, NULL));
	return rc;
}

static int
ask_for_job(struct manage *m, const struct choice *c, int64_t expected, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (!c->meant.counted && count(m, c, NULL, &r, e) < 0)
		return -1;
	int64_t n = r ? db_int(r, 0, 0) : c->meant.count;
	if (certificate_check_expected(&c->meant, n, expected, e) < 0)
		return -1;
	/* What is issued from now on isn't meant. */
	json_t *parameters = certificate_job_parameters(&c->meant, r ? db_int(r, 0, 1) : c->meant.last, n);
	json_object_set_new(parameters, "document", document_of_each(m, c));
	json_object_set_new(parameters, "reason", json_integer(c->reason));
	int rc = manage_job(m, "revoke", parameters, e);
	json_decref(parameters);
	return rc;
}

static int
revoke_many(struct manage *m, struct error *e)
{
	struct choice c = {0};
	int64_t expected;
	int rc = read_choice(m, &c, e);
	if (rc == 0)
		rc = manage_int(m, "expected", 0, 0, INT64_MAX, -1, &expected, e);
	if (rc == 0)
		rc = manage_body_end(m, e) < 0 ? -1 : ask_for_job(m, &c, expected, e);
	json_decref(c.meant.choice);
	return rc;
}

extern const struct manage_op manage_certificate[];
const struct manage_op manage_certificate[] = {
    {"certificate.update", "certificate.changed", RIGHT_METADATA, 0, update},
    {"certificate.revoke", "", RIGHT_REVOKE, MANAGE_OWN, revoke},
    {"certificate.hold", "", RIGHT_REVOKE, 0, hold},
    {"certificate.release", "", RIGHT_REVOKE, 0, release},
    {"certificate.choose", "", RIGHT_REVOKE, MANAGE_DIRECT, choose},
    {"certificate.revoke_many", "", RIGHT_REVOKE, 0, revoke_many},
    {0},
};
