/* Owner and metadata of many certificates, by a job; and the note that certificates were exported. */
#include <stdlib.h>
#include <string.h>

#include "ca/batch.h"
#include "ca/manage/certificate.h"
#include "ca/metadata.h"
#include "lib/limits.h"

/* What is to be noted. */
struct notes {
	const char *owner; /* NULL: stays; "": none */
	json_t *set;       /* owned by m, as the next */
	json_t *remove;
};

static int
check_keys(struct manage *m, const json_t *keys, struct error *e)
{
	size_t i;
	json_t *key;
	json_array_foreach(keys, i, key)
		if (!json_string_length(key) || json_string_length(key) > LIMIT_METADATA_KEY_BYTES ||
		    strspn(json_string_value(key), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != json_string_length(key))
			return manage_text_refused(m, "metadata_remove", key, i, "isn't a key of metadata", e);
	return json_array_size(keys) > LIMIT_METADATA_KEYS
	    ? fail_at(e, E_BAD_VALUE, "metadata_remove", "metadata_remove has at most %d keys", LIMIT_METADATA_KEYS) : 0;
}

static int
read_notes(struct manage *m, struct notes *ret, struct error *e)
{
	bool owner = manage_has(m, "owner");
	*ret = (struct notes){0};
	if (manage_text(m, "owner", 0, LIMIT_METADATA_VALUE_BYTES, &ret->owner, e) < 0 || manage_object(m, "metadata_set", 0, &ret->set, e) < 0 ||
	    manage_array(m, "metadata_remove", 0, &ret->remove, e) < 0)
		return -1;
	if (owner && !ret->owner)
		ret->owner = "";
	if (ret->set && metadata_check(ret->set, e) < 0) {
		memcpy(e->pointer, "metadata_set", sizeof("metadata_set"));
		return -1;
	}
	if (ret->remove && check_keys(m, ret->remove, e) < 0)
		return -1;
	if (!owner && !json_object_size(ret->set) && !json_array_size(ret->remove))
		return fail_at(e, E_BAD_VALUE, "owner", "owner, metadata_set or metadata_remove says what is to be noted");
	return 0;
}

/* What policies are asked about each of them, as if it were the only one. The metadata that it would have differs from one to the next: they see what
 * is set. */
static json_t *
document_of_each(const struct manage *m, const struct notes *n)
{
	json_t *body = json_object();
	if (n->owner)
		json_object_set_new(body, "owner", *n->owner ? json_string(n->owner) : json_null());
	if (n->set)
		json_object_set(body, "metadata", n->set);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "operation", "certificate.update", "source", m->who->source, "requestor", m->who->name, "role",
			 m->who->role, "evidence", m->who->evidence, "body", body);
}

static int
ask_for_job(struct manage *m, const struct notes *n, const struct meant *meant, const json_t *document, int64_t last, int64_t count, struct error *e)
{
	json_t *parameters = certificate_job_parameters(meant, last, count);
	json_t *said = json_pack("{s:O,s:s*,s:O*,s:O*}", "document", document, "owner", n->owner, "set", n->set, "remove", n->remove);
	int rc = said && json_object_update(parameters, said) == 0 ? manage_job(m, "annotate", parameters, e)
	                                                           : fail(e, E_INTERNAL, "the job can't be written down");
	json_decref(said);
	json_decref(parameters);
	return rc;
}

/* Those that are meant are counted here, unless a job counts them or has done so. */
static int
count(struct manage *m, const struct meant *meant, const json_t *document, bool dry_run, struct db_result **ret, struct error *e)
{
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_TEXT(manage_json(m, meant->choice)),
	    DB_TEXT(dry_run ? manage_json(m, document) : NULL), DB_INT(LIMIT_JUDGED)};
	static const char sql[] = "SELECT r_count, r_last, r_sample, r_refused FROM certificate_count($1::int, $2::jsonb, -1, $3::jsonb, $4::int)";
	return certificate_choice_query(m, meant->choice, sql, row, ARRAY_LEN(row), ret, e);
}

static int
update_meant(struct manage *m, const struct notes *n, const struct meant *meant, bool dry_run, bool as_job, int64_t expected, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	json_t *document CLEANUP(json_decref) = document_of_each(m, n);
	if (dry_run && (as_job || meant->counted))
		return certificate_count_by_job(m, meant, MEANT_NOTES, document, e);
	if (!meant->counted && count(m, meant, document, dry_run, &r, e) < 0)
		return -1;
	if (dry_run) {
		m->ret_result = json_pack("{s:I,s:I,s:o}", "count", (json_int_t)db_int(r, 0, 0), "refused", (json_int_t)db_int(r, 0, 3), "sample",
					  json_loads(db_text(r, 0, 2), 0, NULL));
		return 0;
	}
	int64_t found = r ? db_int(r, 0, 0) : meant->count;
	return certificate_check_expected(meant, found, expected, e) < 0
	    ? -1 : ask_for_job(m, n, meant, document, r ? db_int(r, 0, 1) : meant->last, found, e);
}

static int
update_many(struct manage *m, struct error *e)
{
	struct meant meant = {0};
	struct notes n;
	int64_t expected;
	int dry_run, as_job, rc = -1;
	if (read_notes(m, &n, e) < 0 || manage_int(m, "expected", 0, 0, INT64_MAX, -1, &expected, e) < 0 ||
	    manage_bool(m, "dry_run", 0, &dry_run, e) < 0 || manage_bool(m, "as_job", 0, &as_job, e) < 0)
		return -1;
	if (as_job == 1 && dry_run != 1)
		return fail_at(e, E_BAD_VALUE, "as_job", "as_job is for a dry run: nobody is to do what he meant to count");
	if (certificate_read_meant(m, MEANT_NOTES, &meant, e) == 0 && manage_body_end(m, e) == 0)
		rc = update_meant(m, &n, &meant, dry_run == 1, as_job == 1, expected, e);
	json_decref(meant.choice);
	return rc;
}

/* siegel-api reads them itself; who took them away is in the audit log before the first one leaves. */
static int
export(struct manage *m, struct error *e)
{
	const char *format, *columns;
	json_t *query;
	if (manage_text(m, "format", MANAGE_REQUIRED, 10, &format, e) < 0 || manage_text(m, "columns", MANAGE_REQUIRED, 0, &columns, e) < 0 ||
	    manage_object(m, "query", MANAGE_REQUIRED, &query, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	m->object = "certificates";
	m->detail = detail_text(m->arena, "format", format, "columns", columns, "query", manage_json(m, query), NULL);
	return 0;
}

extern const struct manage_op manage_annotate[];
const struct manage_op manage_annotate[] = {
    {"certificate.update_many", "", RIGHT_METADATA, 0, update_many},
    {"certificate.export", "certificate.exported", RIGHT_READ, MANAGE_DIRECT, export},
    {0},
};
