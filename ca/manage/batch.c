/* Batches: requests for one or many certificates, which a job carries out, and the fetching of what was made. What may be asked for with
 * certificates.own alone is decided here: profiles that the role names, in the name of an owner that the account is responsible for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "ca/batch.h"
#include "ca/manage.h"
#include "lib/limits.h"
#include "lib/password.h"
#include "lib/secret.h"
#include "lib/utf8.h"
#include "lib/x509/pem.h"

#define TITLE_BYTES 200
#define PAGE_BYTES (96 * 1024) /* of one fetch: within a frame, with what goes around it */
#define PAGE_ITEMS 50

/* One line of a request, as it was said. */
struct line {
	const char *name;
	struct bytes csr;
	int64_t replaces;
	bool same_key;
};

/* What is wrong with lines: an array of objects {line, code}, or the first of it as an error. */
struct problems {
	json_t *list; /* NULL: the first one is the error */
};

static const struct {
	const char *code, *text;
} problem_texts[] = {
	{"empty", "has no name"},
	{"long", "has a name of more than 64 characters"},
	{"characters", "has a name with characters that can't be printed, or blanks around it"},
	{"request", "isn't a request for a certificate (PKCS#10 as PEM)"},
	{"member", "has to be a name, or an object with name, csr, replaces and same_key"},
	{"twice", "has a name that was there before"},
	{"renewal", "renews a certificate that isn't there"},
};

static int
problem(struct problems *p, size_t n, const char *code, struct error *e)
{
	if (p->list) {
		json_array_append_new(p->list, json_pack("{s:I,s:s}", "line", (json_int_t)(n + 1), "code", code));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(problem_texts); i++)
		if (strcmp(problem_texts[i].code, code) == 0)
			return fail_at(e, E_BAD_VALUE, "lines", "lines: number %zu %s", n + 1, problem_texts[i].text);
	return fail_at(e, E_BAD_VALUE, "lines", "lines: number %zu can't be taken", n + 1);
}

/* NULL: it can be the common name of a certificate. */
static const char *
name_fault(const char *name, size_t len)
{
	size_t chars = 0;
	if (len == 0)
		return "empty";
	for (size_t i = 0, n; i < len; i += n, chars++)
		if ((n = utf8_printable((const uint8_t *)name + i, len - i)) == 0)
			return "characters";
	if (name[0] == ' ' || name[len - 1] == ' ')
		return "characters";
	return chars > LIMIT_CN_CHARS ? "long" : NULL;
}

static int64_t
id_of(const json_t *j)
{
	const char *s = json_string_value(j);
	if (json_is_integer(j))
		return json_integer_value(j);
	return s && *s && strlen(s) <= 18 && strspn(s, "0123456789") == strlen(s) ? strtoll(s, NULL, 10) : 0;
}

static const char *
read_object(struct manage *m, const json_t *item, struct line *ret)
{
	const json_t *name = json_object_get(item, "name"), *csr = json_object_get(item, "csr"), *replaces = json_object_get(item, "replaces"),
	             *same_key = json_object_get(item, "same_key");
	struct error ignored;
	size_t known = (name != NULL) + (csr != NULL) + (replaces != NULL) + (same_key != NULL);
	if (json_object_size(item) != known || (name && !json_is_string(name)) || (same_key && !json_is_boolean(same_key)) ||
	    !(name || csr || replaces))
		return "member";
	if (csr && (!json_is_string(csr) || pem_decode(m->arena, json_string_value(csr), json_string_length(csr), "CERTIFICATE REQUEST",
	                                               "NEW CERTIFICATE REQUEST", &ret->csr, &ignored) ||
	            ret->csr.len == 0 || ret->csr.len > LIMIT_CSR_BYTES))
		return "request";
	ret->replaces = id_of(replaces);
	ret->same_key = json_is_true(same_key);
	if ((replaces && ret->replaces <= 0) || (ret->same_key && (!replaces || csr)))
		return replaces && ret->replaces <= 0 ? "renewal" : "member";
	ret->name = name ? json_string_value(name) : "";
	return *ret->name ? name_fault(ret->name, json_string_length(name)) : NULL;
}

/* NULL: *ret is filled. */
static const char *
read_line(struct manage *m, const json_t *item, struct line *ret)
{
	*ret = (struct line){.name = json_string_value(item)};
	if (json_is_object(item))
		return read_object(m, item, ret);
	return ret->name ? name_fault(ret->name, json_string_length(item)) : "member";
}

/* The lines: *ret has as many as the array. With p->list those that are at fault are empty. */
static int
read_lines(struct manage *m, struct problems *p, struct line **ret, size_t *ret_n, struct error *e)
{
	json_t *list, *item, *seen CLEANUP(json_decref) = json_object();
	size_t i;
	if (manage_array(m, "lines", MANAGE_REQUIRED, &list, e) < 0)
		return -1;
	if (json_array_size(list) == 0 || json_array_size(list) > LIMIT_BATCH_ITEMS)
		return fail_at(e, E_BAD_VALUE, "lines", "lines has to be an array of 1 to %d names or objects", LIMIT_BATCH_ITEMS);
	struct line *lines = arena_alloc(m->arena, json_array_size(list) * sizeof(*lines));
	json_array_foreach(list, i, item)
	{
		const char *fault = read_line(m, item, &lines[i]);
		if (!fault && *lines[i].name && json_object_get(seen, lines[i].name))
			fault = "twice";
		if (!fault && *lines[i].name)
			json_object_set_new(seen, lines[i].name, json_true());
		if (fault && problem(p, i, fault, e) < 0)
			return -1;
	}
	*ret = lines;
	*ret_n = json_array_size(list);
	return 0;
}

static bool
may_issue_all(const struct manage *m)
{
	return (m->rights & RIGHT_BIT(RIGHT_ISSUE)) != 0;
}

/* The profile is one by which the account may ask; the owner one that it is responsible for. */
static int
check_order(struct manage *m, const char *profile, const char *owner, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id), DB_TEXT(profile), DB_TEXT(owner)};
	if (db_query(m->desk->db,
		     "SELECT EXISTS (SELECT FROM profile p WHERE p.tenant_id = $2::int AND p.name = $3::text"
		     " AND p.id = ANY (account_profiles($1::int8))),"
		     " $4::text = ANY (account_owners($1::int8))",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (!db_bool(r, 0, 0))
		return fail_at(e, E_NOT_FOUND, "profile", "profile: there is none of this name that the account may ask by");
	if (!may_issue_all(m) && !db_bool(r, 0, 1))
		return fail_at(e, E_FORBIDDEN, "owner", "owner: the account isn't responsible for that");
	return 0;
}

/* Renewals are of certificates that the account may renew: others aren't there. */
static int
check_renewals(struct manage *m, const struct line *lines, size_t n, struct problems *p, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		struct db_result *r CLEANUP(db_result_free) = NULL;
		struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id), DB_INT(lines[i].replaces),
		    DB_TEXT(may_issue_all(m) ? "true" : "false")};
		if (lines[i].replaces == 0)
			continue;
		if (db_query(m->desk->db,
			     "SELECT EXISTS (SELECT FROM certificate x WHERE x.tenant_id = $2::int AND x.id = $3::int8) AND"
			     " ($4::boolean OR certificate_is_own($1::int8, $3::int8))",
			     row, ARRAY_LEN(row), false, &r, e) < 0)
			return -1;
		if (!db_bool(r, 0, 0) && problem(p, i, "renewal", e) < 0)
			return -1;
	}
	return 0;
}

/* Nobody fills the store with what nobody fetches. */
static int
check_open(struct manage *m, size_t n, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "SELECT count(DISTINCT b.id) FILTER (WHERE i.status = 'open'), count(*) FROM batch b JOIN batch_item i ON i.batch_id = b.id"
		     " WHERE b.tenant_id = $2::int AND b.account_id = $1::int8 AND i.status IN ('open', 'waiting')",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_int(r, 0, 0) >= LIMIT_BATCH_OPEN)
		return fail(e, E_CONFLICT, "%d batches are being worked on: wait for one of them", LIMIT_BATCH_OPEN);
	if (db_int(r, 0, 1) + (int64_t)n > LIMIT_BATCH_LEFT)
		return fail(e, E_CONFLICT, "%d items of an account's batches may be open or waiting, and these would be more: wait for some of them",
		            LIMIT_BATCH_LEFT);
	return 0;
}

static int
store_password(struct manage *m, const char *password, struct error *e)
{
	struct buf sealed BUF_CLEANUP = BUF_INIT(LIMIT_PASSWORD_BYTES + HSM_SEAL_OVERHEAD);
	if (!password)
		return 0;
	if (hsm_seal(m->desk->hsm, "", arena_printf(m->arena, "batch:%" PRId64, m->ret_id), password, strlen(password), &sealed, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->ret_id), DB_BYTES(sealed.data, sealed.len)};
	return db_query(m->desk->db, "UPDATE batch SET password = $2::bytea WHERE id = $1::int8", row, ARRAY_LEN(row), false, NULL, e);
}

static int
store_lines(struct manage *m, const struct line *lines, size_t n, struct error *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	batch_begin(b,
		    "INSERT INTO batch_item (batch_id, tenant_id, n, name, csr, replaces_id, same_key) SELECT $1::int8, $2::int, u.n,"
		    " coalesce(nullif(u.name, ''), (SELECT x.common_name FROM certificate x WHERE x.tenant_id = $2::int AND x.id = u.replaces), ''),"
		    " u.csr, u.replaces, u.same_key = 1 FROM unnest($3::text[], $4::bytea[], $5::bigint[], $6::int[]) WITH ORDINALITY AS u(name, csr,"
		    " replaces, same_key, n)",
		    NULL);
	char id[24], tenant[24];
	b->params[b->n_params++] = DB_TEXT(db_int_text(id, m->ret_id));
	b->params[b->n_params++] = DB_TEXT(db_int_text(tenant, m->who->tenant_id));
	struct db_array *name = batch_column(b, DB_ARRAY_TEXT), *csr = batch_column(b, DB_ARRAY_BYTEA), *replaces = batch_column(b, DB_ARRAY_INT8),
			*same_key = batch_column(b, DB_ARRAY_INT4);
	for (size_t i = 0; i < n; i++) {
		batch_text(name, lines[i].name);
		db_array_add(csr, lines[i].csr.len ? lines[i].csr.data : NULL, lines[i].csr.len);
		if (lines[i].replaces)
			db_array_add_int(replaces, lines[i].replaces);
		else
			db_array_add(replaces, NULL, 0);
		db_array_add_int(same_key, lines[i].same_key);
	}
	int rc = batch_finish(b, e) < 0 ? -1 : db_query(m->desk->db, b->sql, b->params, b->n_params, false, NULL, e);
	batch_free(b);
	free(b);
	return rc;
}

static int
check_format(const char *format, const char *password, const struct line *lines, size_t n, struct error *e)
{
	bool makes_keys = false;
	for (size_t i = 0; i < n; i++)
		makes_keys = makes_keys || (!lines[i].csr.len && !lines[i].same_key);
	if (strcmp(format, "pkcs12") != 0 && strcmp(format, "pem") != 0)
		return fail_at(e, E_BAD_VALUE, "format", "format: pkcs12 or pem is wanted");
	if (password && strcmp(format, "pkcs12") != 0)
		return fail_at(e, E_BAD_VALUE, "password", "password: it is for the format pkcs12");
	if (!password && makes_keys && strcmp(format, "pkcs12") == 0)
		return fail_at(e, E_BAD_VALUE, "password", "password has to be there: PKCS#12 is encrypted by it");
	return password ? password_check_file(password, "password", e) : 0;
}

static int
create(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *title, *profile, *format, *password, *owner;
	struct problems first = {0};
	struct line *lines;
	size_t n;
	int64_t days;
	if (manage_text(m, "title", 0, TITLE_BYTES, &title, e) < 0 || manage_text(m, "profile", MANAGE_REQUIRED, 63, &profile, e) < 0 ||
	    manage_text(m, "format", MANAGE_REQUIRED, 10, &format, e) < 0 || manage_text(m, "password", 0, LIMIT_PASSWORD_BYTES, &password, e) < 0 ||
	    manage_text(m, "owner", 0, LIMIT_METADATA_VALUE_BYTES, &owner, e) < 0 ||
	    manage_int(m, "days", 0, 1, LIMIT_VALIDITY_DAYS, 0, &days, e) < 0 || read_lines(m, &first, &lines, &n, e) < 0 ||
	    manage_body_end(m, e) < 0)
		return -1;
	if (!owner)
		owner = m->who->name;
	if (check_format(format, password, lines, n, e) < 0 || check_order(m, profile, owner, e) < 0 ||
	    check_renewals(m, lines, n, &first, e) < 0 || check_open(m, n, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->who->tenant_id), DB_INT(m->who->account_id), DB_TEXT(m->actor), DB_TEXT(m->who->evidence),
	    DB_TEXT(title ? title : ""), DB_TEXT(profile), DB_TEXT(format), days ? DB_INT(days) : DB_NULL, DB_TEXT(owner),
	    DB_INT(LIMIT_BATCH_RESULT_DAYS)};
	if (db_query(m->desk->db,
		     "INSERT INTO batch (tenant_id, account_id, requestor, evidence, title, profile, format, days, owner, results_until) VALUES"
		     " ($1::int, $2::int8, $3::text, $4::text, $5::text, $6::text, $7::text, $8::int, $9::text,"
		     " now() + make_interval(days => $10::int)) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->ret_id = db_int(r, 0, 0);
	m->object = arena_printf(m->arena, "batch/%" PRId64, m->ret_id);
	m->detail = detail_text(m->arena, "profile", profile, "owner", owner, "items", arena_printf(m->arena, "%zu", n), NULL);
	json_t *parameters CLEANUP(json_decref) = json_pack("{s:I,s:I}", "batch", (json_int_t)m->ret_id, "count", (json_int_t)n);
	if (store_password(m, password, e) < 0 || store_lines(m, lines, n, e) < 0 || manage_job(m, "batch", parameters, e) < 0)
		return -1;
	m->ret_job = 0; /* the batch itself says how far it is */
	return 0;
}

/* Names of lines that certificates which are good have already: among those that the account may see. */
static int
add_taken(struct manage *m, const struct line *lines, size_t n, json_t *list, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	json_t *names CLEANUP(json_decref) = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(names, json_string(lines[i].replaces || !lines[i].name ? "" : lines[i].name));
	struct db_param row[] = {DB_INT(m->who->account_id), DB_INT(m->who->tenant_id), DB_TEXT(manage_json(m, names)),
	    DB_TEXT(may_issue_all(m) ? "true" : "false")};
	if (db_query(m->desk->db,
		     "SELECT l.n FROM jsonb_array_elements_text($3::jsonb) WITH ORDINALITY AS l(name, n) WHERE l.name <> '' AND EXISTS ("
		     "SELECT FROM certificate x WHERE x.tenant_id = $2::int AND x.common_name = l.name AND x.status = 1 AND x.not_after > now()"
		     " AND ($4::boolean OR certificate_is_own($1::int8, x.id))) ORDER BY 1",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(list, json_pack("{s:I,s:s}", "line", (json_int_t)db_int(r, i, 0), "code", "exists"));
	return 0;
}

/* What would be wrong with these lines. */
static int
check(struct manage *m, struct error *e)
{
	struct problems all = {json_array()};
	struct line *lines;
	size_t n;
	int rc = read_lines(m, &all, &lines, &n, e) < 0 || manage_body_end(m, e) < 0 || check_renewals(m, lines, n, &all, e) < 0 ||
	                 add_taken(m, lines, n, all.list, e) < 0
	             ? -1
	             : 0;
	if (rc == 0)
		m->ret_result = json_pack("{s:I,s:O}", "count", (json_int_t)n, "problems", all.list);
	json_decref(all.list);
	return rc;
}

/* --- fetching --- */

enum { RESULT_N, RESULT_NAME, RESULT_CERTIFICATE, RESULT_SERIAL, RESULT_UNTIL, RESULT_DER, RESULT_CHAIN, RESULT_SEALED };

static const char *
chain_pem(struct manage *m, const char *hex)
{
	const char *text = "";
	for (const char *end; *hex; hex = *end ? end + 1 : end) {
		end = hex + strcspn(hex, ",");
		size_t len = (size_t)(end - hex) / 2;
		uint8_t *der = arena_alloc(m->arena, len + 1);
		for (size_t i = 0; i < len; i++) {
			char octet[3] = {hex[2 * i], hex[2 * i + 1], 0};
			der[i] = (uint8_t)strtoul(octet, NULL, 16);
		}
		text = arena_printf(m->arena, "%s%s", text, pem_encode(m->arena, "CERTIFICATE", (struct bytes){der, len}));
	}
	return text;
}

/* One item as it is handed out. */
static int
add_result(struct manage *m, const struct db_result *r, int i, bool pkcs12, json_t *list, size_t *size, struct error *e)
{
	struct secret *key CLEANUP(secret_free) = NULL;
	int64_t n = db_int(r, i, RESULT_N);
	const char *pem = pem_encode(m->arena, "CERTIFICATE", db_bytes(r, i, RESULT_DER, m->arena));
	const char *chain = chain_pem(m, db_text(r, i, RESULT_CHAIN)), *context = arena_printf(m->arena, "batch:%" PRId64 ":%" PRId64, m->id, n);
	json_t *item = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s}", "n", (json_int_t)n, "name", db_text(r, i, RESULT_NAME), "certificate",
	                         db_text(r, i, RESULT_CERTIFICATE), "serial", db_text(r, i, RESULT_SERIAL), "not_after", db_text(r, i, RESULT_UNTIL),
	                         "pem", pem, "chain_pem", chain);
	json_array_append_new(list, item);
	*size += strlen(pem) + strlen(chain) + 512;
	if (db_is_null(r, i, RESULT_SEALED))
		return 0;
	if (hsm_unseal(m->desk->hsm, context, db_bytes(r, i, RESULT_SEALED, m->arena), &key, e) < 0)
		return -1;
	if (pkcs12) {
		char *text = base64_encode(m->arena, (struct bytes){key->data, key->len});
		json_object_set_new(item, "pkcs12", json_string(text));
	} else {
		json_object_set_new(item, "private_key_pem", json_stringn((const char *)key->data, key->len));
	}
	*size += key->len * 4 / 3;
	return 0;
}

static int
find_mine(struct manage *m, bool *ret_pkcs12, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(m->id), DB_INT(m->who->tenant_id), DB_INT(m->who->account_id)};
	if (db_query(m->desk->db,
		     "SELECT format = 'pkcs12', account_id = $3::int8 FROM batch WHERE id = $1::int8 AND tenant_id = $2::int", row,
		     ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0 || (!db_bool(r, 0, 1) && !(m->rights & RIGHT_BIT(RIGHT_READ))))
		return fail(e, E_NOT_FOUND, "there is no such batch");
	if (!db_bool(r, 0, 1))
		return fail(e, E_FORBIDDEN, "what was made is handed out to the account alone that asked for it");
	*ret_pkcs12 = db_bool(r, 0, 0);
	return 0;
}

static int
fetch(struct manage *m, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int64_t after, number, last = 0;
	bool pkcs12, whole = true;
	size_t size = 0;
	int i;
	if (manage_int(m, "after", 0, 0, INT32_MAX, 0, &after, e) < 0 || manage_int(m, "number", 0, 1, INT32_MAX, 0, &number, e) < 0 ||
	    manage_body_end(m, e) < 0 || find_mine(m, &pkcs12, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(m->id), DB_INT(after), DB_INT(number), DB_INT(PAGE_ITEMS + 1)};
	if (db_query(m->desk->db,
		     "SELECT i.n, i.name, x.id::text, encode(x.serial, 'hex'),"
		     " to_char(x.not_after AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), x.der,"
		     " (SELECT coalesce(string_agg(encode(c, 'hex'), ',' ORDER BY o), '') FROM unnest(ca_chain(x.ca_id)) WITH ORDINALITY AS u(c, o)),"
		     " i.sealed FROM batch_item i JOIN certificate x ON x.tenant_id = i.tenant_id AND x.id = i.certificate_id"
		     " WHERE i.batch_id = $1::int8 AND i.status = 'done' AND i.n > $2::int AND ($3::int = 0 OR i.n = $3::int)"
		     " ORDER BY i.n LIMIT $4::int",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	m->ret_result = json_pack("{s:[]}", "items");
	for (i = 0; i < db_rows(r) && i < PAGE_ITEMS && size < PAGE_BYTES; i++) {
		if (add_result(m, r, i, pkcs12, json_object_get(m->ret_result, "items"), &size, e) < 0)
			return -1;
		last = db_int(r, i, RESULT_N);
	}
	whole = i == db_rows(r);
	json_object_set_new(m->ret_result, "next", whole ? json_null() : json_integer(last));
	m->object = arena_printf(m->arena, "batch/%" PRId64, m->id);
	m->detail = detail_text(m->arena, "after", arena_printf(m->arena, "%" PRId64, after), "items", arena_printf(m->arena, "%d", i), NULL);
	struct db_param fetched[] = {DB_INT(m->id), DB_INT(after), DB_INT(last), DB_INT(number)};
	return db_query(m->desk->db,
	                "UPDATE batch_item SET fetched_at = coalesce(fetched_at, now()) WHERE batch_id = $1::int8 AND n > $2::int AND n <= $3::int"
	                " AND ($4::int = 0 OR n = $4::int) AND status = 'done'",
	                fetched, ARRAY_LEN(fetched), false, NULL, e);
}

extern const struct manage_op manage_batch[];
const struct manage_op manage_batch[] = {
    {"batch.create", "batch.created", RIGHT_ISSUE, MANAGE_KEYS | MANAGE_DIRECT | MANAGE_OWN, create},
    {"batch.check", "", RIGHT_ISSUE, MANAGE_DIRECT | MANAGE_OWN, check},
    {"batch.fetch", "batch.fetched", RIGHT_ISSUE, MANAGE_KEYS | MANAGE_DIRECT | MANAGE_OWN, fetch},
    {0},
};
