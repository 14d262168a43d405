#include "ca/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "ca/document.h"

#define DOCUMENTS_BYTES ((size_t)LIMIT_BATCH * 2 * LIMIT_FRAME_BYTES)

void
policy_tenants_free(struct policy_tenants *p)
{
	free(p->tenants);
	*p = (struct policy_tenants){0};
}

int
policy_tenants_read(struct policy_tenants *p, struct db *db, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (db_query(db,
		     "SELECT p.r_epoch, t FROM policy_tenants('{certificate.issue,certificate.renew}') p"
		     " LEFT JOIN LATERAL unnest(p.r_tenants) t ON true ORDER BY t",
		     NULL, 0, false, &r, e) < 0)
		return -1;
	policy_tenants_free(p);
	p->epoch = db_int(r, 0, 0);
	p->tenants = xcalloc((size_t)db_rows(r) + 1, sizeof(*p->tenants));
	for (int row = 0; row < db_rows(r); row++)
		if (!db_is_null(r, row, 1))
			p->tenants[p->n++] = (int32_t)db_int(r, row, 1);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

bool
policy_tenants_have(const struct policy_tenants *p, int32_t tenant_id)
{
	return p->n > 0 && bsearch(&tenant_id, p->tenants, p->n, sizeof(tenant_id), compare);
}

int
verdicts_ask(struct batch *b, struct error *e)
{
	static const enum db_array_type types[] = {DB_ARRAY_INT4, DB_ARRAY_INT4, DB_ARRAY_INT4, DB_ARRAY_TEXT};
	batch_free(b);
	b->sql = "SELECT r_place, r_doc::text, r_effect, r_message, r_pointer, r_policy, r_rule, r_wanted, r_approvers, r_message_de"
		 " FROM policy_apply($1::int[], $2::int[], $3::int[], $4::text[]::jsonb[])";
	for (; b->n_arrays < (int)ARRAY_LEN(types); b->n_arrays++)
		db_array_init(&b->arrays[b->n_arrays], types[b->n_arrays], DOCUMENTS_BYTES);
	for (size_t i = 0; i < b->n; i++) {
		struct order *o = b->items[i].order;
		const char *document = document_of(o);
		db_array_add_int(&b->arrays[0], o->request->requestor->tenant_id);
		db_array_add_int(&b->arrays[1], o->ca->id);
		db_array_add_int(&b->arrays[2], o->profile->id);
		db_array_add(&b->arrays[3], document, strlen(document));
	}
	for (; b->n_params < b->n_arrays; b->n_params++)
		if (db_array_param(&b->arrays[b->n_params], &b->params[b->n_params], e) < 0)
			return -1;
	return 0;
}

void
verdict_read(struct verdict *v, const struct db_result *r, int row)
{
	enum { PLACE, DOCUMENT, EFFECT, MESSAGE, POINTER, POLICY, RULE, WANTED, APPROVERS, MESSAGE_DE };
	const char *effect = db_text(r, row, EFFECT);
	*v = (struct verdict){
	    .place = (size_t)db_int(r, row, PLACE) - 1,
	    .document = db_is_null(r, row, DOCUMENT) ? NULL : db_text(r, row, DOCUMENT),
	    .effect = strcmp(effect, "refuse") == 0 ? VERDICT_REFUSE : strcmp(effect, "approve") == 0 ? VERDICT_APPROVE : VERDICT_NONE,
	    .message = db_text(r, row, MESSAGE),
	    .pointer = db_text(r, row, POINTER),
	    .policy = db_text(r, row, POLICY),
	    .rule = db_text(r, row, RULE),
	    .wanted = (int)db_int(r, row, WANTED),
	    .approvers = db_text(r, row, APPROVERS),
	    .message_de = db_text(r, row, MESSAGE_DE),
	};
}

void
verdict_error(const struct verdict *v, struct error *e)
{
	(void)fail_at(e, E_POLICY, v->pointer, "%.240s (policy \"%s\")", *v->message ? v->message : "a rule refuses it", v->policy);
	error_german(e, v->message_de);
}

void
approvals_begin(struct approvals *a, struct batch *b, const struct audit_chain *chain)
{
	batch_begin(b,
		    "SELECT r_place, r_id FROM request_hold($1::text, $2::int[], $3::bytea[], $4::text[], $5::bytea[], $6::text[], $7::int[],"
		    " $8::text[], $9::bigint[], $10::text[], $11::int[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], $16::text[],"
		    " $17::bytea[], $18::bigint[])",
		    chain);
	a->batch = b;
	a->tenant = batch_column(b, DB_ARRAY_INT4);
	a->key = batch_column(b, DB_ARRAY_BYTEA);
	a->body = batch_column(b, DB_ARRAY_TEXT);
	a->request = batch_column(b, DB_ARRAY_BYTEA);
	a->reason = batch_column(b, DB_ARRAY_TEXT);
	a->wanted = batch_column(b, DB_ARRAY_INT4);
	a->approvers = batch_column(b, DB_ARRAY_TEXT);
	a->account = batch_column(b, DB_ARRAY_INT8);
	a->requestor = batch_column(b, DB_ARRAY_TEXT);
	a->days = batch_column(b, DB_ARRAY_INT4);
	a->audit = batch_audit_columns(b);
	a->outdated = batch_column(b, DB_ARRAY_INT8);
}

static struct bytes
packed(struct arena *a, const Siegel__Issue *q)
{
	size_t len = siegel__issue__get_packed_size(q);
	uint8_t *data = arena_alloc(a, len + 1);
	siegel__issue__pack(q, data);
	return (struct bytes){data, len};
}

/* The request as it is compared when it comes again: with profile and CA as they were found, without the password of a file that nobody will get. */
static void
put_request(struct db_array *column, const struct order *o)
{
	Siegel__Issue q = *o->request;
	char none[] = "";
	q.pkcs12_password = none;
	q.profile = arena_strdup(o->arena, o->profile->name);
	q.ca = arena_strdup(o->arena, o->ca->name);
	struct bytes b = packed(o->arena, &q);
	db_array_add(column, b.data, b.len);
}

/* What decides what comes out, beside the body that the hash is of. */
static struct bytes
terms_of(struct arena *a, const Siegel__Issue *q, const char *profile, const char *ca)
{
	Siegel__Issue terms;
	siegel__issue__init(&terms);
	terms.profile = arena_strdup(a, profile);
	terms.ca = arena_strdup(a, ca);
	terms.server_key = q->server_key;
	terms.crmf = q->crmf;
	terms.renewal = q->renewal;
	terms.same_identity_as = q->same_identity_as;
	terms.identities = q->identities;
	terms.n_identities = q->n_identities;
	return packed(a, &terms);
}

enum approval_match
approval_match(struct bytes stored, const struct order *o)
{
	const Siegel__Issue *q = o->request;
	Siegel__Issue *was = siegel__issue__unpack(NULL, stored.len, stored.data);
	enum approval_match match = APPROVAL_OTHER_REQUEST;
	if (was && bytes_equal((struct bytes){was->body_hash.data, was->body_hash.len}, (struct bytes){q->body_hash.data, q->body_hash.len}))
		match = bytes_equal(terms_of(o->arena, was, was->profile, was->ca), terms_of(o->arena, q, o->profile->name, o->ca->name))
			    ? APPROVAL_SAME
			    : APPROVAL_OTHER_TERMS;
	siegel__issue__free_unpacked(was, NULL);
	return match;
}

void
approvals_add(struct approvals *a, struct order *o, int64_t outdated, const struct verdict *v)
{
	const Siegel__Issue *q = o->request;
	const char *actor = requestor_text(o->arena, q->requestor);
	struct audit_row row = {
	    .at_us = now_us(),
	    .tenant_id = q->requestor->tenant_id,
	    .actor = actor,
	    .action = "approval.asked",
	    .object = arena_printf(o->arena, "request/%s", q->requestor->request_id),
	    .detail = detail_text(o->arena, "operation", q->replaces_id ? "certificate.renew" : "certificate.issue", "policy", v->policy, "rule",
				  v->rule, "profile", o->profile->name, "subject", o->subject_text, "names", o->names_text,
				  outdated ? "in_place_of" : NULL, arena_printf(o->arena, "approval/%lld", (long long)outdated), NULL),
	};
	db_array_add_int(a->tenant, q->requestor->tenant_id);
	db_array_add(a->key, q->request_key.data, q->request_key.len);
	db_array_add_int(a->days, LIMIT_APPROVAL_DAYS);
	batch_text(a->body, document_of(o));
	put_request(a->request, o);
	batch_text(a->reason, v->message);
	db_array_add_int(a->wanted, v->wanted);
	batch_text(a->approvers, v->approvers);
	db_array_add_int(a->account, q->requestor->account_id);
	batch_text(a->requestor, actor);
	batch_audit(a->batch, &a->audit, &row);
	db_array_add_int(a->outdated, outdated);
}

int
approvals_finish(struct approvals *a, struct error *e)
{
	return batch_finish(a->batch, e);
}
