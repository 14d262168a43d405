/* The life of a CA's key: renewal with the same, and roll-over to a new one with link certificates (RFC 9810 4.4, RFC 4210 4.4). */
#include <string.h>

#include "ca/manage/authority.h"
#include "lib/log.h"

static bool
serves(const struct ca_state *ca)
{
	return strcmp(ca->status, "active") == 0 || strcmp(ca->status, "offline") == 0;
}

static void
abandon(struct manage *m)
{
	struct error e;
	if (db_alive(m->desk->db) && intents_abandon(m->desk->db, m->desk->chain_name, &e) < 0)
		log_error(LOG_LEVEL_WARNING, "an intent isn't marked as abandoned", &e);
}

const char *
ca_old_name(struct manage *m, const struct ca_state *old)
{
	const char *suffix = arena_printf(m->arena, "-g%d", old->generation);
	size_t room = 63 - strlen(suffix), len = strlen(old->name);
	return arena_printf(m->arena, "%.*s%s", (int)(len < room ? len : room), old->name, suffix);
}

int
ca_take_over(struct manage *m, const struct ca_state *old, int32_t successor_id, struct error *e)
{
	struct db_param p[] = {DB_INT(old->id), DB_TEXT(ca_old_name(m, old)), DB_INT(successor_id), DB_TEXT(old->name),
	    DB_TEXT(old->is_default ? "true" : "false"), DB_TEXT(strcmp(old->status, "offline") == 0 ? "offline" : "active")};
	if (db_query(m->desk->db,
		     "UPDATE ca SET name = $2::text, is_default = false, status = 'superseded', version = version + 1 WHERE id = $1::int", p, 2,
		     false, NULL,
		     e) < 0)
		return manage_taken(m, "name", "name: a CA has the name that the old one is to get", e);
	if (db_query(m->desk->db, "UPDATE ca SET name = $2::text, is_default = $3::boolean, status = $4::text WHERE id = $1::int", &p[2], 4,
	    false, NULL, e) <
		0 ||
	    db_query(m->desk->db, "UPDATE ca SET successor_id = $2::int WHERE id = $1::int", (struct db_param[]){p[0], p[2]}, 2, false, NULL,
	        e) < 0 ||
	    policies_follow(m, old->id, successor_id, e) < 0 || endpoints_follow(m, old->id, successor_id, e) < 0)
		return -1;
	return manage_audit(m, "ca.superseded", ca_object(m, old->id),
			    detail_text(m->arena, "name", p[1].data, "successor", ca_object(m, successor_id), NULL), e);
}

/* --- renewal --- */

struct renewing {
	struct ca_state ca;
	struct authority *authority, *issuer;
	struct ca_request request;
	struct profile *profile;
	struct order *order;
	struct bytes csr;
};

static int
renew_row(struct manage *m, void *ctx, struct error *e)
{
	struct renewing *n = ctx;
	struct founder f = ca_founder(m);
	const struct order *o = n->order;
	struct bytes der = {o->certificate.data, o->certificate.len};
	struct db_param p[] = {DB_INT(n->ca.id), DB_BYTES(der.data, der.len), DB_INT(o->tbs_input.not_before), DB_INT(o->tbs_input.not_after),
	    n->issuer ? DB_INT(n->issuer->id) : DB_NULL};
	if (found_store(&f, n->order, e) < 0 ||
	    db_query(m->desk->db,
		     "UPDATE ca SET certificate = $2::bytea, not_before = to_timestamp($3::bigint), not_after = to_timestamp($4::bigint),"
		     " parent_id = $5::int, version = version + 1 WHERE id = $1::int",
		     p, ARRAY_LEN(p), false, NULL, e) < 0 ||
	    found_keep(m->desk->db, m->who->tenant_id, n->ca.id, n->issuer ? n->issuer->id : 0, "own", der, e) < 0 ||
	    found_keep(m->desk->db, m->who->tenant_id, n->ca.id, n->ca.parent_id, "previous", n->ca.certificate, e) < 0)
		return -1;
	return manage_audit(m, m->op->action, m->object,
			    detail_text(m->arena, "name", n->ca.name, "issuer", n->issuer ? n->issuer->name : n->ca.name, "not_after",
					arena_printf(m->arena, "%lld", (long long)o->tbs_input.not_after), NULL), e);
}

static int
renew_csr_row(struct manage *m, void *ctx, struct error *e)
{
	struct renewing *n = ctx;
	struct db_param p[] = {DB_INT(n->ca.id), DB_BYTES(n->csr.data, n->csr.len)};
	if (db_query(m->desk->db, "UPDATE ca SET csr = $2::bytea, version = version + 1 WHERE id = $1::int", p, 2, false, NULL, e) < 0)
		return -1;
	return manage_audit(m, "ca.requested", m->object, detail_text(m->arena, "name", n->ca.name, NULL), e);
}

/* An issuer elsewhere gets a new request for the same key; ca.install takes what it makes of it. */
static int
renew_external(struct manage *m, struct renewing *n, struct error *e)
{
	if (manage_body_end(m, e) < 0 || ca_csr_make(m, n->authority->cert.subject, NULL, n->authority, n->authority->type,
	    n->authority->signature, &n->csr, e) < 0 ||
	    ca_transaction(m, renew_csr_row, n, e) < 0)
		return -1;
	ca_csr_result(m, n->csr);
	return 0;
}

static int
renew(struct manage *m, struct renewing *n, struct error *e)
{
	struct founder f = ca_founder(m);
	int32_t profile_id;
	if (ca_read(m, &n->ca, e) < 0)
		return -1;
	n->authority = registry_authority_by_id(m->desk->registry, n->ca.id);
	if (!n->authority || (!serves(&n->ca) && strcmp(n->ca.status, "disabled") != 0))
		return fail(e, E_CONFLICT, "the CA is %s", n->ca.status);
	if (n->ca.external)
		return renew_external(m, n, e);
	ca_request_init(m, &n->request);
	if (ca_request_days(m, &n->request, e) < 0 ||
	    ca_profile(m, n->ca.profile_id, n->ca.parent_id ? "sub-ca" : "root-ca", true, &n->profile, &profile_id, e) < 0 || manage_body_end(m,
	        e) < 0 ||
	    ca_request_same_subject(m, &n->request, n->authority->cert.subject, e) < 0)
		return -1;
	n->issuer = n->ca.parent_id ? registry_authority_heir(m->desk->registry, n->ca.parent_id) : NULL;
	if (n->ca.parent_id && !n->issuer)
		return fail(e, E_CONFLICT, "the CA's issuer isn't there any more");
	struct found_wish w = {.issuer = n->issuer, .self = n->issuer ? NULL : n->authority, .profile = n->profile, .key = n->authority->public_key,
			       .signature = n->authority->signature, .exact_subject = n->authority->cert.subject, .issue = &n->request.issue};
	if (found_sign(&f, &w, &n->order, e) < 0) {
		abandon(m);
		return -1;
	}
	if (ca_transaction(m, renew_row, n, e) < 0)
		return -1;
	ca_first_crl(m, n->ca.id);
	return 0;
}

int
ca_renew(struct manage *m, struct error *e)
{
	struct renewing n = {0};
	int rc = renew(m, &n, e);
	order_free(n.order);
	profile_free(n.profile);
	return rc;
}

/* --- roll-over --- */

struct rollover {
	struct ca_state old;
	struct authority *authority, *issuer;
	struct ca_request request;
	struct ca_places places;
	struct ca_key key;
	struct profile *profile, *linking;
	struct order *own, *link; /* link: new with old */
	struct found_row row;
	int32_t new_id;
};

static int
read_rollover(struct manage *m, struct rollover *v, struct error *e)
{
	if (ca_read(m, &v->old, e) < 0)
		return -1;
	v->authority = registry_authority_by_id(m->desk->registry, v->old.id);
	if (!v->authority || !serves(&v->old))
		return fail(e, E_CONFLICT, "the CA is %s", v->old.status);
	if (v->old.successor_id)
		return fail(e, E_CONFLICT, "its new key (ca/%d) waits for a certificate: install that, or delete it", v->old.successor_id);
	ca_request_init(m, &v->request);
	if (ca_request_days(m, &v->request, e) < 0 || ca_places_read(m, &v->places, e) < 0 ||
	    ca_profile(m, v->old.profile_id, v->old.parent_id || v->old.external ? "sub-ca" : "root-ca", false, &v->profile, &v->row.profile_id,
	        e) < 0 ||
	    ca_algorithm(m, v->authority->type, &v->key.type, &v->key.signature, e) < 0 ||
	    ca_request_same_subject(m, &v->request, v->authority->cert.subject, e) < 0)
		return -1;
	if (!v->key.signature && v->key.type == v->authority->type)
		v->key.signature = v->authority->signature;
	v->issuer = v->old.parent_id ? registry_authority_heir(m->desk->registry, v->old.parent_id) : NULL;
	return v->old.parent_id && !v->issuer ? fail(e, E_CONFLICT, "the CA's issuer isn't there any more") : 0;
}

static int
fill_row(struct manage *m, struct rollover *v, struct error *e)
{
	struct found_row *row = &v->row;
	row->tenant_id = m->who->tenant_id;
	row->parent_id = v->issuer ? v->issuer->id : 0;
	row->external = v->old.external;
	row->generation = v->old.generation + 1;
	row->key_ref = v->key.ref;
	row->key_type = v->key.type->name;
	row->signature = v->key.signature ? v->key.signature->name : NULL;
	row->crl_interval_sec = v->old.crl_interval_sec;
	row->crl_overlap_sec = v->old.crl_overlap_sec;
	row->owner = v->old.owner;
	row->metadata = v->old.metadata;
	row->status = v->old.external ? "pending" : v->old.status;
	/* Its name until it takes over. */
	row->name = ca_old_name(m, &(struct ca_state){.name = v->old.name, .generation = row->generation});
	return ca_places_fill(m, &v->places, v->old.ocsp_url, v->key.ski_hex, row, e);
}

static int
take_over(struct manage *m, void *ctx, struct error *e)
{
	struct rollover *v = ctx;
	struct founder f = ca_founder(m);
	if (found_store(&f, v->own, e) < 0 || (v->link && found_store(&f, v->link, e) < 0))
		return -1;
	if (found_row_add(m->desk->db, &v->row, &v->new_id, e) < 0)
		return manage_taken(m, "name", "name: a CA has the name that the new one is to get", e);
	if (v->link && found_keep(m->desk->db, m->who->tenant_id, v->new_id, v->old.id, "link_new_with_old",
				  (struct bytes){v->link->certificate.data, v->link->certificate.len}, e) < 0)
		return -1;
	m->ret_id = v->new_id;
	m->object = ca_object(m, v->new_id);
	if (ca_take_over(m, &v->old, v->new_id, e) < 0)
		return -1;
	return manage_audit(m, m->op->action, m->object,
			    detail_text(m->arena, "name", v->old.name, "key", v->row.key_type, "from", ca_object(m, v->old.id), "subject",
			        v->row.subject, NULL), e);
}

static int
add_pending(struct manage *m, void *ctx, struct error *e)
{
	struct rollover *v = ctx;
	if (found_row_add(m->desk->db, &v->row, &v->new_id, e) < 0)
		return manage_taken(m, "name", "name: a CA has the name that the new one is to get", e);
	struct db_param p[] = {DB_INT(v->old.id), DB_INT(v->new_id)};
	if (db_query(m->desk->db, "UPDATE ca SET successor_id = $2::int WHERE id = $1::int", p, 2, false, NULL, e) < 0)
		return -1;
	m->ret_id = v->new_id;
	m->object = ca_object(m, v->new_id);
	return manage_audit(m, "ca.requested", m->object, detail_text(m->arena, "name", v->old.name, "from", ca_object(m, v->old.id), NULL), e);
}

/* The new key waits for a certificate from elsewhere, and takes over when it is installed. */
static int
roll_external(struct manage *m, struct rollover *v, struct error *e)
{
	struct order *o CLEANUP(order_free) = NULL;
	if (ca_csr_make(m, v->authority->cert.subject, v->key.key, NULL, v->key.type, v->key.signature, &v->row.csr, e) < 0 ||
	    order_make_internal(NULL, v->profile, v->key.key, &v->request.issue, now_us() / 1000000, &o, e) < 0)
		return -1;
	found_row_take(&v->row, o);
	v->row.subject = v->old.subject_text;
	v->row.certificate = (struct bytes){0};
	if (ca_transaction(m, add_pending, v, e) < 0)
		return -1;
	ca_csr_result(m, v->row.csr);
	return 0;
}

static int
sign_new(struct manage *m, struct rollover *v, struct error *e)
{
	struct founder f = ca_founder(m);
	struct bytes subject = v->authority->cert.subject;
	struct found_wish own = {.issuer = v->issuer, .profile = v->profile, .key = v->key.key, .signature = v->key.signature,
	    .exact_subject = subject,
				 .issue = &v->request.issue};
	if (found_sign(&f, &own, &v->own, e) < 0)
		return -1;
	found_row_take(&v->row, v->own);
	if (v->issuer)
		return 0; /* it is the issuer's certificate that leads to the new key */
	struct found_wish link = {.issuer = v->authority, .profile = v->linking, .key = v->key.key, .exact_subject = subject,
	    .issue = &v->request.issue,
				  .not_after = v->authority->cert.not_after};
	return found_sign(&f, &link, &v->link, e);
}

static int
keep_old_with_new(struct manage *m, void *ctx, struct error *e)
{
	struct rollover *v = ctx;
	struct founder f = ca_founder(m);
	return found_store(&f, v->link, e) < 0
	    ? -1
	    : found_keep(m->desk->db, m->who->tenant_id, v->old.id, v->new_id, "link_old_with_new",
			 (struct bytes){v->link->certificate.data, v->link->certificate.len}, e);
}

/* The other link: the new key signs once it is in the store. Not later than the old one ends. */
static int
link_old_with_new(struct manage *m, struct rollover *v, struct error *e)
{
	struct founder f = ca_founder(m);
	int bad;
	order_free(v->link);
	v->link = NULL;
	struct authority *old CLEANUP(authority_free) = authority_hold(v->authority);
	if (registry_refresh(m->desk->registry, m->desk->db, &bad, e) < 0)
		return -1;
	struct found_wish w = {.issuer = registry_authority_by_id(m->desk->registry, v->new_id), .profile = v->linking, .key = old->public_key,
			       .exact_subject = old->cert.subject, .issue = &v->request.issue, .not_after = old->cert.not_after};
	if (!w.issuer)
		return fail(e, E_INTERNAL, "the new CA isn't there");
	if (found_sign(&f, &w, &v->link, e) < 0) {
		abandon(m);
		return -1;
	}
	return ca_transaction(m, keep_old_with_new, v, e);
}

static int
roll(struct manage *m, struct rollover *v, struct error *e)
{
	struct error missing;
	if (read_rollover(m, v, e) < 0 || ca_key_make(m, &v->key, v->old.name, e) < 0 || fill_row(m, v, e) < 0 ||
	    found_profile(v->profile, PATH_LENGTH_OF_PROFILE, true, &v->linking, e) < 0)
		return -1;
	if (v->old.external)
		return roll_external(m, v, e);
	if (sign_new(m, v, e) < 0) {
		abandon(m);
		return -1;
	}
	if (ca_transaction(m, take_over, v, e) < 0)
		return -1;
	/* From here on the new key is in force, whatever fails. */
	if (!v->issuer && link_old_with_new(m, v, &missing) < 0) {
		log_error(LOG_LEVEL_ERROR, "a roll-over lacks the link certificate of the old key with the new one", &missing);
		m->ret_result = json_object();
		json_object_set_new(m->ret_result, "missing", json_string(arena_printf(m->arena, "link_old_with_new: %s", missing.detail)));
	}
	ca_first_crl(m, v->new_id);
	return 0;
}

int
ca_rollover(struct manage *m, struct error *e)
{
	struct rollover *v = arena_alloc(m->arena, sizeof(*v));
	memset(v, 0, sizeof(*v));
	int rc = roll(m, v, e);
	ca_key_end(m, &v->key, rc == 0 || e->code == E_STORE || v->new_id != 0); /* a lost connection leaves open whether it is used */
	order_free(v->own);
	order_free(v->link);
	profile_free(v->linking); /* a copy of the copy */
	profile_free(v->profile);
	return rc;
}
