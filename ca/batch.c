#include "ca/batch.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ca/acme_revocation.h"
#include "ca/reply.h"

/* Of one parameter of a batch: LIMIT_BATCH certificates of the largest kind. */
#define ARRAY_BYTES ((size_t)LIMIT_BATCH * (LIMIT_CERT_BYTES + 16))

int64_t
now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *
requestor_text(struct arena *a, const Siegel__Requestor *q)
{
	return arena_printf(a, "%s:%s", q->source, q->name);
}

const char *
detail_text(struct arena *a, ...)
{
	json_t *object = json_object();
	const char *key;
	va_list args;
	va_start(args, a);
	while ((key = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);
		json_object_set_new_nocheck(object, key, json_string(value ? value : ""));
	}
	va_end(args);
	char *text = json_dumps(object, JSON_COMPACT);
	const char *copy = arena_strdup(a, text ? text : "{}");
	free(text);
	json_decref(object);
	return copy;
}

void
batch_free(struct batch *b)
{
	for (int i = 0; i < b->n_arrays; i++)
		db_array_free(&b->arrays[i]);
	b->n_arrays = b->n_params = 0;
}

void
batch_begin(struct batch *b, const char *sql, const struct audit_chain *chain)
{
	batch_free(b);
	b->sql = sql;
	if (!chain)
		return;
	b->next = *chain;
	snprintf(b->chain_name, sizeof(b->chain_name), "%s", chain->name);
	b->params[b->n_params++] = DB_TEXT(b->chain_name);
}

struct db_array *
batch_column(struct batch *b, enum db_array_type type)
{
	struct db_array *a = &b->arrays[b->n_arrays++];
	db_array_init(a, type, ARRAY_BYTES);
	return a;
}

int
batch_finish(struct batch *b, struct error *e)
{
	for (int i = 0; i < b->n_arrays; i++)
		if (db_array_param(&b->arrays[i], &b->params[b->n_params++], e) < 0)
			return -1;
	return 0;
}

void
batch_text(struct db_array *a, const char *s)
{
	db_array_add(a, s, s ? strlen(s) : 0);
}

struct audit_columns
batch_audit_columns(struct batch *b)
{
	struct audit_columns c;
	c.seq = batch_column(b, DB_ARRAY_INT8);
	c.at = batch_column(b, DB_ARRAY_INT8);
	c.actor = batch_column(b, DB_ARRAY_TEXT);
	c.object = batch_column(b, DB_ARRAY_TEXT);
	c.detail = batch_column(b, DB_ARRAY_TEXT);
	c.hash = batch_column(b, DB_ARRAY_BYTEA);
	return c;
}

void
batch_audit(struct batch *b, struct audit_columns *c, const struct audit_row *row)
{
	b->next.seq++;
	audit_hash(b->next.head, b->next.name, b->next.seq, row, b->next.head);
	db_array_add_int(c->seq, b->next.seq);
	db_array_add_int(c->at, row->at_us);
	batch_text(c->actor, row->actor);
	batch_text(c->object, row->object);
	batch_text(c->detail, row->detail);
	db_array_add(c->hash, b->next.head, AUDIT_HASH_BYTES);
}

static void
add_audit(struct batch *b, struct audit_columns *c, struct order *o, const char *action, const char *detail)
{
	const Siegel__Requestor *q = o->request->requestor;
	if (!o->actor)
		o->actor = requestor_text(o->arena, q);
	struct audit_row row = {
	    .at_us = now_us(),
	    .tenant_id = q->tenant_id,
	    .actor = o->actor,
	    .action = action,
	    .object = arena_printf(o->arena, "ca/%d/serial/%s", o->ca->id, arena_hex(o->arena, o->tbs_input.serial, o->tbs_input.serial_len)),
	    .detail = detail,
	};
	batch_audit(b, c, &row);
}

int
batch_notes(struct batch *b, const struct audit_chain *chain, const struct note *notes, size_t n, struct error *e)
{
	batch_begin(b,
	      "INSERT INTO audit (chain, seq, at_us, tenant_id, actor, action, object, detail, hash) SELECT $1::text, q, a, t, ac,"
	      " 'request.refused', o, d, h FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[])"
	      " AS u(t, q, a, ac, o, d, h)",
	      chain);
	struct db_array *tenant = batch_column(b, DB_ARRAY_INT4);
	struct audit_columns audit = batch_audit_columns(b);
	for (size_t i = 0; i < n; i++) {
		struct audit_row row = {
		    .at_us = notes[i].at_us,
		    .tenant_id = notes[i].tenant_id,
		    .actor = notes[i].actor,
		    .action = "request.refused",
		    .object = notes[i].object,
		    .detail = notes[i].detail,
		};
		db_array_add_int(tenant, row.tenant_id);
		batch_audit(b, &audit, &row);
	}
	return batch_finish(b, e);
}

int
batch_intents(struct batch *b, const struct audit_chain *chain, struct error *e)
{
	batch_begin(b,
	      "SELECT r_place, r_fault FROM intent_add($1::text, $2::int[], $3::bytea[], $4::int[], $5::int[], $6::bytea[], $7::bytea[],"
	      " $8::bytea[], $9::int[], $10::bytea[], $11::text[], $12::int[], $13::bigint[], $14::bigint[], $15::text[], $16::text[],"
	      " $17::text[], $18::bytea[], $19::bigint)",
	      chain);
	struct db_array *ca = batch_column(b, DB_ARRAY_INT4), *serial = batch_column(b, DB_ARRAY_BYTEA), *tenant = batch_column(b, DB_ARRAY_INT4),
			*profile = batch_column(b, DB_ARRAY_INT4), *tbs = batch_column(b, DB_ARRAY_BYTEA), *key = batch_column(b, DB_ARRAY_BYTEA),
			*body = batch_column(b, DB_ARRAY_BYTEA), *window = batch_column(b, DB_ARRAY_INT4), *spki = batch_column(b, DB_ARRAY_BYTEA),
			*subject = batch_column(b, DB_ARRAY_TEXT), *reuse = batch_column(b, DB_ARRAY_INT4);
	struct audit_columns audit = batch_audit_columns(b);
	for (size_t i = 0; i < b->n; i++) {
		struct order *o = b->items[i].order;
		const Siegel__Issue *q = o->request;
		db_array_add_int(ca, o->ca->id);
		db_array_add(serial, o->tbs_input.serial, o->tbs_input.serial_len);
		db_array_add_int(tenant, q->requestor->tenant_id);
		db_array_add_int(profile, o->profile->id);
		db_array_add(tbs, o->tbs.data, o->tbs.len);
		db_array_add(key, q->request_key.len ? q->request_key.data : NULL, q->request_key.len);
		db_array_add(body, q->request_key.len ? q->body_hash.data : NULL, q->body_hash.len);
		db_array_add_int(window, q->window_sec);
		db_array_add(spki, o->spki_hash, sizeof(o->spki_hash));
		batch_text(subject, o->subject_text);
		db_array_add_int(reuse, o->profile->key_reuse);
		/* Once: an order goes into a new batch for each other of its batch that is refused, and its arena has an end. */
		if (!o->intent_detail && q->replaces_id)
			o->intent_detail = detail_text(o->arena, "profile", o->profile->name, "subject", o->subject_text, "names", o->names_text,
						       "role", q->requestor->role, "evidence", q->requestor->evidence, "request",
						       q->requestor->request_id, "replaces",
						       arena_printf(o->arena, "certificate/%" PRId64, q->replaces_id),
						       o->private_key ? "key" : NULL, "made here", NULL);
		if (!o->intent_detail)
			o->intent_detail = detail_text(o->arena, "profile", o->profile->name, "subject", o->subject_text, "names", o->names_text,
						       "role", q->requestor->role, "evidence", q->requestor->evidence, "request",
						       q->requestor->request_id, o->private_key ? "key" : NULL, "made here", NULL);
		add_audit(b, &audit, o, "certificate.intent", o->intent_detail);
	}
	if (batch_finish(b, e) < 0)
		return -1;
	b->params[b->n_params++] = b->epoch ? DB_TEXT(db_int_text(b->epoch_text, b->epoch)) : DB_NULL;
	return 0;
}

int
batch_certificates(struct batch *b, const struct audit_chain *chain, struct error *e)
{
	batch_begin(b,
	      "SELECT r_serial, r_id, r_created, r_fault FROM certificate_add($1::text, $2::int[], $3::bytea[], $4::int[], $5::int[], $6::text[],"
	      " $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[], $13::text[], $14::text[], $15::int[],"
	      " $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bytea[], $21::int[], $22::bigint[], $23::bigint[], $24::text[],"
	      " $25::text[], $26::text[], $27::bytea[])",
	      chain);
	struct db_array *ca = batch_column(b, DB_ARRAY_INT4), *serial = batch_column(b, DB_ARRAY_BYTEA), *tenant = batch_column(b, DB_ARRAY_INT4),
			*profile = batch_column(b, DB_ARRAY_INT4), *subject = batch_column(b, DB_ARRAY_TEXT), *cn = batch_column(b, DB_ARRAY_TEXT),
			*names = batch_column(b, DB_ARRAY_TEXT), *from = batch_column(b, DB_ARRAY_INT8), *to = batch_column(b, DB_ARRAY_INT8),
			*spki = batch_column(b, DB_ARRAY_BYTEA), *der = batch_column(b, DB_ARRAY_BYTEA), *requestor = batch_column(b, DB_ARRAY_TEXT),
			*source = batch_column(b, DB_ARRAY_TEXT), *reuse = batch_column(b, DB_ARRAY_INT4), *key_type = batch_column(b, DB_ARRAY_TEXT),
			*owner = batch_column(b, DB_ARRAY_TEXT), *metadata = batch_column(b, DB_ARRAY_TEXT),
			*replaces = batch_column(b, DB_ARRAY_INT8),
			*wrapped = batch_column(b, DB_ARRAY_BYTEA), *possession = batch_column(b, DB_ARRAY_INT4);
	struct audit_columns audit = batch_audit_columns(b);
	for (size_t i = 0; i < b->n; i++) {
		struct order *o = b->items[i].order;
		const Siegel__Requestor *q = o->request->requestor;
		uint8_t digest[SHA256_DIGEST_LENGTH];
		db_array_add_int(ca, o->ca->id);
		db_array_add(serial, o->tbs_input.serial, o->tbs_input.serial_len);
		db_array_add_int(tenant, q->tenant_id);
		db_array_add_int(profile, o->profile->id);
		batch_text(subject, o->subject_text);
		batch_text(cn, o->common_name);
		batch_text(names, o->names_text);
		db_array_add_int(from, o->tbs_input.not_before);
		db_array_add_int(to, o->tbs_input.not_after);
		db_array_add(spki, o->spki_hash, sizeof(o->spki_hash));
		db_array_add(der, o->certificate.data, o->certificate.len);
		batch_text(requestor, q->name);
		batch_text(source, q->source);
		db_array_add_int(reuse, o->profile->key_reuse);
		batch_text(key_type, o->tbs_input.ext.key->name);
		batch_text(owner, o->owner);
		batch_text(metadata, o->metadata);
		if (o->request->replaces_id)
			db_array_add_int(replaces, o->request->replaces_id);
		else
			db_array_add(replaces, NULL, 0);
		db_array_add(wrapped, o->wrapped.data, o->wrapped.len); /* NULL: none */
		db_array_add_int(possession, !o->unproven);
		SHA256(o->certificate.data, o->certificate.len, digest);
		add_audit(b, &audit, o, "certificate.issued",
			  detail_text(o->arena, "sha256", arena_hex(o->arena, digest, sizeof(digest)), NULL));
	}
	return batch_finish(b, e);
}

int
batch_abandon(struct batch *b, struct error *e)
{
	batch_begin(b,
	      "UPDATE intent SET abandoned_at = now() FROM unnest($1::int[], $2::bytea[]) AS u(c, s)"
	      " WHERE intent.ca_id = u.c AND intent.serial = u.s AND intent.abandoned_at IS NULL",
	      NULL);
	struct db_array *ca = batch_column(b, DB_ARRAY_INT4), *serial = batch_column(b, DB_ARRAY_BYTEA);
	for (size_t i = 0; i < b->n; i++) {
		db_array_add_int(ca, b->items[i].order->ca->id);
		db_array_add(serial, b->items[i].order->tbs_input.serial, b->items[i].order->tbs_input.serial_len);
	}
	return batch_finish(b, e);
}

int
intents_abandon(struct db *db, const char *chain, struct error *e)
{
	struct db_param params[] = {DB_TEXT(chain)};
	return db_query(db, "UPDATE intent SET abandoned_at = now() WHERE chain = $1::text AND abandoned_at IS NULL", params, 1, false, NULL, e);
}

static const char *const reasons[] = {"unspecified", "keyCompromise", NULL, "affiliationChanged", "superseded", "cessationOfOperation",
    "certificateHold", NULL, "removeFromCRL", "privilegeWithdrawn"};

const char *
reason_word(int reason)
{
	return reason >= 0 && (size_t)reason < ARRAY_LEN(reasons) ? reasons[reason] : NULL;
}

int
reason_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i] && strcmp(reasons[i], word) == 0)
			return (int)i;
	return -1;
}

static struct db_param
number(struct arena *a, int64_t n)
{
	return DB_TEXT(db_int_text(arena_alloc(a, 24), n));
}

#define REVOKE_COLUMNS "SELECT r_repeated, r_reason, r_at, " STORED_COLUMNS("$2::bigint") ", r_same_key FROM "
#define REVOKE_PARAMETERS                                                                                                         \
	"($1::int, $2::bigint, $3::int, $4::boolean, $5::text, $6::bigint, $7::bigint, $8::text, $9::text, $10::text, $11::bytea, "

/* A revocation as policies see it, as document_of_each() of ca/manage/certificate.c has it. */
static const char *
document_of(struct arena *a, const Siegel__Revoke *q)
{
	const Siegel__Requestor *who = q->requestor;
	json_t *document = json_pack("{s:s,s:s,s:s,s:s,s:s,s:{s:s}}", "operation", "certificate.revoke", "source", who->source, "requestor",
				     who->name, "role", who->role, "evidence", who->evidence, "body", "reason", reason_word(q->reason));
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	const char *copy = arena_strdup(a, text ? text : "{}");
	free(text);
	json_decref(document);
	return copy;
}

void
batch_revoke(struct batch_revocation *b, const Siegel__Revoke *q, bool judged, const struct audit_chain *chain, struct arena *a)
{
	struct audit_row row = {
	    .at_us = now_us(),
	    .tenant_id = q->requestor->tenant_id,
	    .actor = requestor_text(a, q->requestor),
	    .action = q->release ? "certificate.released" : q->reason == REASON_HOLD ? "certificate.held" : "certificate.revoked",
	    .object = arena_printf(a, "certificate/%" PRId64, q->certificate_id),
	    .detail = detail_text(a, "reason", arena_printf(a, "%d", q->reason), "role", q->requestor->role, "evidence",
				  q->requestor->evidence, "request", q->requestor->request_id, NULL),
	};
	bool asks = !judged && strcmp(q->requestor->source, "acme") == 0;
	b->sql = asks ? REVOKE_COLUMNS "certificate_revoke_judged" REVOKE_PARAMETERS "$12::jsonb, $13::bigint, $14::bigint, $15::bytea)"
		      : REVOKE_COLUMNS "certificate_revoke" REVOKE_PARAMETERS "$12::boolean)";
	b->next = *chain;
	b->next.seq++;
	audit_hash(chain->head, chain->name, b->next.seq, &row, b->next.head);
	struct db_param *p = b->params;
	*p++ = number(a, row.tenant_id);
	*p++ = number(a, q->certificate_id);
	*p++ = number(a, q->reason);
	*p++ = DB_TEXT(q->release ? "true" : "false");
	*p++ = DB_TEXT(b->next.name);
	*p++ = number(a, b->next.seq);
	*p++ = number(a, row.at_us);
	*p++ = DB_TEXT(row.actor);
	*p++ = DB_TEXT(row.object);
	*p++ = DB_TEXT(row.detail);
	*p++ = DB_BYTES(b->next.head, AUDIT_HASH_BYTES);
	*p++ = DB_TEXT(asks ? document_of(a, q) : judged ? "true" : "false");
	b->n_params = (int)(p - b->params);
	if (!asks)
		return;
	struct bytes der = acme_revocation_certificate(a, q);
	*p++ = number(a, q->endpoint_id);
	*p++ = q->acme_account ? number(a, q->acme_account) : DB_NULL;
	*p++ = DB_BYTES(der.data, der.len);
	b->n_params = (int)(p - b->params);
}

bool
batch_revoke_error(const char *state, const char *message, struct error *e)
{
	if (strcmp(state, "SG005") == 0)
		(void)fail(e, E_NOT_FOUND, "there is no such certificate");
	else if (strcmp(state, "SG006") == 0)
		(void)fail(e, E_FORBIDDEN, "a certificate of a CA or an OCSP signer isn't revoked by this request");
	else if (strcmp(state, "SG007") == 0)
		(void)fail(e, E_CONFLICT, "the certificate is revoked, and that is for ever: a hold alone can be released (RFC 5280 5.3.1)");
	else if (strcmp(state, "SG011") == 0)
		(void)fail(e, E_FORBIDDEN,
			   "the account didn't order the certificate, and holds no valid authorizations for all its names (RFC 8555 7.6)");
	else if (strcmp(state, "SG010") == 0)
		(void)fail(e, E_POLICY, "%s", message);
	else
		return false;
	return true;
}

void
batch_take_faults(struct batch *b, const struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++) {
		int64_t place = db_int(r, row, 0);
		if (place >= 1 && (size_t)place <= b->n)
			b->items[place - 1].fault = (enum batch_fault)db_int(r, row, 1);
	}
}

bool
batch_has_faults(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].fault)
			return true;
	return false;
}

void
batch_fault_error(enum batch_fault fault, struct error *e)
{
	switch (fault) {
	case BATCH_KEY_BLOCKED:
		(void)fail_at(e, E_BAD_KEY, "csr", "key: it was reported as compromised and is never certified again");
		break;
	case BATCH_KEY_TAKEN:
		(void)fail_at(e, E_BAD_KEY, "csr", "key: it is certified for another subject already; make a new one");
		break;
	case BATCH_REPLACED_REVOKED:
		(void)fail(e, E_CONFLICT, "the certificate that is to be replaced was revoked or held meanwhile");
		break;
	default:
		(void)fail(e, E_INTERNAL, "the store refused the batch");
	}
}

int
batch_take_ids(struct batch *b, const struct db_result *r, struct error *e)
{
	for (size_t i = 0; i < b->n; i++)
		b->items[i].id = 0;
	for (int row = 0; row < db_rows(r); row++) {
		struct bytes serial = db_bytes(r, row, 0, NULL);
		/* PostgreSQL gives the rows in the order of the batch, so the first look finds them. */
		for (size_t k = 0; k < b->n; k++) {
			struct batch_item *item = &b->items[((size_t)row + k) % b->n];
			if (bytes_equal(serial, (struct bytes){item->order->tbs_input.serial, item->order->tbs_input.serial_len})) {
				item->id = db_int(r, row, 1);
				item->created_at = db_int(r, row, 2);
				item->fault = (enum batch_fault)db_int(r, row, 3);
				break;
			}
		}
	}
	if (batch_has_faults(b))
		return 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].id == 0)
			return fail(e, E_INTERNAL, "the store gave no id for a certificate");
	return 0;
}
