/* CAs: making, changing and deleting them, and what the files beside this one share. How they are rolled over, certified from elsewhere and put
 * out of service is in authority_*.c. */
#include "ca/manage/authority.h"

#include <string.h>

#include "ca/crl.h"
#include "lib/log.h"
#include "lib/x509/dn.h"

const char *
ca_object(struct manage *m, int32_t id)
{
	return arena_printf(m->arena, "ca/%d", id);
}

struct founder
ca_founder(struct manage *m)
{
	return (struct founder){m->desk->db, &m->desk->chain, m->desk->hsm, m->desk->registry};
}

enum {
	ID, PARENT, SUCCESSOR, PROFILE, NAME, STATUS, SUBJECT, KEY_REF, SIGNATURE, IS_DEFAULT, EXTERNAL, GENERATION, VERSION, CERTIFICATE, CSR,
	    SKI, SPKI,
	OCSP_URL, CRL_URL, CA_URL, INTERVAL, OVERLAP, OWNER, METADATA
};

static void
take_row(struct manage *m, const struct db_result *r, struct ca_state *s)
{
	struct arena *a = m->arena;
	*s = (struct ca_state){
	    .id = (int32_t)db_int(r, 0, ID),
	    .parent_id = (int32_t)db_int(r, 0, PARENT),
	    .successor_id = (int32_t)db_int(r, 0, SUCCESSOR),
	    .profile_id = (int32_t)db_int(r, 0, PROFILE),
	    .name = arena_strdup(a, db_text(r, 0, NAME)),
	    .status = arena_strdup(a, db_text(r, 0, STATUS)),
	    .subject_text = arena_strdup(a, db_text(r, 0, SUBJECT)),
	    .key_ref = arena_strdup(a, db_text(r, 0, KEY_REF)),
	    .signature = db_is_null(r, 0, SIGNATURE) ? NULL : arena_strdup(a, db_text(r, 0, SIGNATURE)),
	    .is_default = db_bool(r, 0, IS_DEFAULT),
	    .external = db_bool(r, 0, EXTERNAL),
	    .generation = (int)db_int(r, 0, GENERATION),
	    .version = (int)db_int(r, 0, VERSION),
	    .certificate = db_bytes(r, 0, CERTIFICATE, a),
	    .csr = db_bytes(r, 0, CSR, a),
	    .ski = db_bytes(r, 0, SKI, a),
	    .spki_hash = db_bytes(r, 0, SPKI, a),
	    .ocsp_url = arena_strdup(a, db_text(r, 0, OCSP_URL)),
	    .crl_url = arena_strdup(a, db_text(r, 0, CRL_URL)),
	    .ca_url = arena_strdup(a, db_text(r, 0, CA_URL)),
	    .crl_interval_sec = (long)db_int(r, 0, INTERVAL),
	    .crl_overlap_sec = (long)db_int(r, 0, OVERLAP),
	    .owner = db_is_null(r, 0, OWNER) ? NULL : arena_strdup(a, db_text(r, 0, OWNER)),
	    .metadata = db_is_null(r, 0, METADATA) ? NULL : arena_strdup(a, db_text(r, 0, METADATA)),
	};
}

int
ca_read(struct manage *m, struct ca_state *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param p[] = {DB_INT(m->id), DB_INT(m->who->tenant_id)};
	if (db_query(m->desk->db,
		     "SELECT id, parent_id, successor_id, profile_id, name, status, subject, key_ref, signature, is_default, external,"
		     " generation, version,"
		     " certificate, csr, ski, spki_hash, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec, owner, metadata::text FROM ca"
		     " WHERE id = $1::int8 AND tenant_id = $2::int FOR NO KEY UPDATE",
		     p, ARRAY_LEN(p), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_NOT_FOUND, "there is no such CA");
	take_row(m, r, ret);
	if (m->version && ret->version != m->version)
		return fail(e, E_PRECONDITION, "the CA was changed meanwhile");
	m->ret_id = ret->id;
	m->object = ca_object(m, ret->id);
	return 0;
}

int
ca_transaction(struct manage *m, int (*change)(struct manage *m, void *ctx, struct error *e), void *ctx, struct error *e)
{
	struct audit_chain before = m->desk->chain;
	struct error undo;
	if (desk_begin(m->desk, e) < 0)
		return -1;
	if (change(m, ctx, e) == 0)
		return desk_commit(m->desk, e);
	if (db_alive(m->desk->db) && (desk_rollback(m->desk, &before, &undo) < 0 || intents_abandon(m->desk->db, m->desk->chain_name, &undo) < 0))
		*e = undo;
	return -1;
}

void
ca_first_crl(struct manage *m, int32_t id)
{
	struct error e;
	struct crl_made made;
	int bad = 0;
	struct authority *ca =
	    registry_refresh(m->desk->registry, m->desk->db, &bad, &e) == 0 ? registry_authority_by_id(m->desk->registry, id) : NULL;
	if (!ca)
		log_event(LOG_LEVEL_WARNING, "a CA that was just made isn't there", "ca", m->object, NULL);
	else if (crl_make(ca, m->desk->hsm, m->desk->db, &m->desk->chain, config_str(m->desk->config, OPT_ca_crl_dir), &made, &e) < 0)
		desk_recover(m->desk, &e); /* the chain may not stand where it was thought to */
}

int
ca_clear_default(struct manage *m, struct error *e)
{
	struct db_param tenant[] = {DB_INT(m->who->tenant_id)};
	return db_query(m->desk->db, "UPDATE ca SET is_default = false WHERE tenant_id = $1::int AND is_default", tenant, 1, false, NULL, e);
}

/* --- create --- */

struct making {
	struct found_row row;
	struct ca_request request;
	struct ca_key key;
	struct authority *parent;
	struct profile *profile;
	struct order *order;
	struct ca_places places;
	struct ownership own;
};

static int
read_parent(struct manage *m, struct making *c, struct error *e)
{
	const char *name;
	int64_t id;
	if (manage_text(m, "parent", 0, NAME_TEXT_MAX, &name, e) < 0 || manage_int(m, "parent_id", 0, 1, INT32_MAX, 0, &id, e) < 0)
		return -1;
	if (!name && !id)
		return 0;
	if ((name && id) || c->row.external)
		return fail_at(e, E_BAD_VALUE, name ? "parent" : "parent_id", "parent: %s",
			       c->row.external ? "a CA whose certificate comes from elsewhere has none here" : "give its name or its id, not both");
	c->parent = name ? registry_authority(m->desk->registry, m->who->tenant_id, name) : registry_authority_by_id(m->desk->registry, (int32_t)id);
	if (!c->parent || c->parent->tenant_id != m->who->tenant_id)
		return fail_at(e, E_NOT_FOUND, name ? "parent" : "parent_id", "parent: there is no such CA");
	c->row.parent_id = c->parent->id;
	return 0;
}

/* Where the URLs of a new CA lie: beside those of its parent, else of the default, else of the first. NULL: there is none. */
static int
find_like(struct manage *m, const struct making *c, const char **ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param p[] = {DB_INT(m->who->tenant_id), DB_INT(c->row.parent_id)};
	if (db_query(m->desk->db,
		     "SELECT ocsp_url FROM ca WHERE tenant_id = $1::int AND ocsp_url <> '' ORDER BY id = $2::int DESC, is_default DESC, id"
		     " LIMIT 1", p,
		     ARRAY_LEN(p), false, &r, e) < 0)
		return -1;
	*ret = db_rows(r) ? arena_strdup(m->arena, db_text(r, 0, 0)) : NULL;
	return 0;
}

static int
read_name(struct manage *m, struct making *c, struct error *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	struct db_result *r CLEANUP(db_result_free) = NULL;
	int external, is_default;
	if (manage_text(m, "name", MANAGE_REQUIRED, 63, &c->row.name, e) < 0 || manage_bool(m, "external", 0, &external, e) < 0 ||
	    manage_bool(m, "is_default", 0, &is_default, e) < 0)
		return -1;
	if (strspn(c->row.name, letters) != strlen(c->row.name) || *c->row.name == '-')
		return fail_at(e, E_BAD_VALUE, "name", "name: small letters, digits and \"-\" are wanted, and not \"-\" first");
	c->row.external = external == 1;
	c->row.is_default = is_default == 1;
	struct db_param p[] = {DB_INT(m->who->tenant_id), DB_TEXT(c->row.name)};
	if (db_query(m->desk->db, "SELECT 1 FROM ca WHERE tenant_id = $1::int AND name = $2::text", p, 2, false, &r, e) < 0)
		return -1;
	if (db_rows(r))
		return fail_at(e, E_CONFLICT, "name", "name: a CA of this name is there");
	return 0;
}

/* All that the body says but key_store, which the key takes. */
static int
read_making(struct manage *m, struct making *c, struct error *e)
{
	int offline;
	c->row.tenant_id = m->who->tenant_id;
	c->row.generation = 1;
	ca_request_init(m, &c->request);
	if (read_name(m, c, e) < 0 || read_parent(m, c, e) < 0 || ca_request_subject(m, &c->request, e) < 0 ||
	    ca_request_days(m, &c->request, e) < 0 || manage_bool(m, "offline", 0, &offline, e) < 0 || ca_places_read(m, &c->places, e) < 0 ||
	    manage_ownership(m, &c->own, e) < 0)
		return -1;
	bool root = !c->parent && !c->row.external;
	if (ca_profile(m, 0, root ? "root-ca" : "sub-ca", false, &c->profile, &c->row.profile_id, e) < 0 ||
	    ca_algorithm(m, keytype_made(c->profile->keys[0]), &c->key.type, &c->key.signature, e) < 0)
		return -1;
	/* A root issues CAs alone unless somebody wants otherwise. */
	c->row.status = c->row.external ? "pending" : (offline == -1 ? root : offline) ? "offline" : "active";
	if (c->row.is_default && strcmp(c->row.status, "active") != 0)
		return fail_at(e, E_BAD_VALUE, "is_default", "is_default: the default issues, and this one is %s", c->row.status);
	c->row.owner = c->own.owner;
	c->row.metadata = c->own.metadata;
	c->row.signature = c->key.signature ? c->key.signature->name : NULL;
	return 0;
}

static int
add_row(struct manage *m, void *ctx, struct error *e)
{
	struct making *c = ctx;
	struct founder f = ca_founder(m);
	int32_t id;
	if ((c->order && found_store(&f, c->order, e) < 0) || (c->row.is_default && ca_clear_default(m, e) < 0))
		return -1;
	if (found_row_add(m->desk->db, &c->row, &id, e) < 0)
		return manage_taken(m, "name", "name: a CA of this name is there", e);
	m->ret_id = id;
	m->object = ca_object(m, id);
	return manage_audit(m, "ca.created", m->object,
			    detail_text(m->arena, "name", c->row.name, "subject", c->row.subject, "key", c->row.key_type, "parent",
					c->parent ? c->parent->name : c->row.external ? "external" : "", "status", c->row.status, NULL), e);
}

/* The request for a certificate from elsewhere, by the rules of the profile for key and subject. */
static int
make_external(struct manage *m, struct making *c, struct error *e)
{
	struct found_wish w = {.profile = c->profile, .key = c->key.key, .signature = c->key.signature, .issue = &c->request.issue};
	struct order *o CLEANUP(order_free) = NULL;
	struct cert tbs;
	/* Decided as if it were for itself: what the profile wouldn't issue isn't asked for elsewhere. */
	if (order_make_internal(NULL, w.profile, w.key, w.issue, now_us() / 1000000, &o, e) < 0 ||
	    cert_parse_tbs((struct bytes){o->tbs.data, o->tbs.len}, &tbs, e) < 0 ||
	    ca_csr_make(m, tbs.subject, c->key.key, NULL, c->key.type, c->key.signature, &c->row.csr, e) < 0)
		return -1;
	found_row_take(&c->row, o);
	c->row.subject = arena_strdup(m->arena, o->subject_text);
	c->row.certificate = (struct bytes){0};
	if (ca_transaction(m, add_row, c, e) < 0)
		return -1;
	ca_csr_result(m, c->row.csr);
	return 0;
}

static int
make_certified(struct manage *m, struct making *c, struct error *e)
{
	struct founder f = ca_founder(m);
	struct found_wish w = {.issuer = c->parent, .profile = c->profile, .key = c->key.key, .signature = c->key.signature,
	    .issue = &c->request.issue};
	struct error ignored;
	if (found_sign(&f, &w, &c->order, e) < 0) {
		if (db_alive(m->desk->db) && intents_abandon(m->desk->db, m->desk->chain_name, &ignored) < 0)
			return -1; /* the first failure is the one that is told */
		return -1;
	}
	found_row_take(&c->row, c->order);
	if (ca_transaction(m, add_row, c, e) < 0)
		return -1;
	ca_first_crl(m, (int32_t)m->ret_id);
	return 0;
}

int
ca_create(struct manage *m, struct error *e)
{
	struct making *c = arena_alloc(m->arena, sizeof(*c));
	memset(c, 0, sizeof(*c));
	const char *like = NULL;
	int rc = read_making(m, c, e) < 0 || find_like(m, c, &like, e) < 0 ? -1 : ca_places_fill(m, &c->places, like, "", &c->row, e);
	if (rc == 0) /* what can be refused is refused before there is a key */
		rc = ca_key_make(m, &c->key, c->row.name, e);
	if (rc == 0)
		rc = ca_places_fill(m, &c->places, like, c->key.ski_hex, &c->row, e);
	c->row.key_ref = c->key.ref;
	if (rc == 0)
		rc = c->row.external ? make_external(m, c, e) : make_certified(m, c, e);
	ca_key_end(m, &c->key, rc == 0 || e->code == E_STORE); /* with a lost connection it isn't known whether it is used */
	order_free(c->order);
	profile_free(c->profile);
	return rc;
}

/* --- update, delete --- */

struct changing {
	struct ca_state ca;
	struct ca_places places;
	struct ownership own;
	const char *name;
	int is_default, offline;
};

static int
check_change(const struct changing *c, struct error *e)
{
	const char *status = c->ca.status;
	bool serves = strcmp(status, "active") == 0 || strcmp(status, "offline") == 0;
	if (c->is_default == 0 && c->ca.is_default)
		return fail_at(e, E_BAD_VALUE, "is_default", "is_default: make another CA the default, then this one isn't it any more");
	if (c->offline >= 0 && !serves)
		return fail_at(e, E_CONFLICT, "offline", "offline: the CA is %s", status);
	if (c->is_default == 1 && (strcmp(c->offline == 0 ? "active" : c->offline == 1 ? "offline" : status, "active") != 0))
		return fail_at(e, E_CONFLICT, "is_default", "is_default: the default issues, and this one is %s",
		    c->offline == 1 ? "offline" : status);
	if (c->offline == 1 && c->ca.is_default)
		return fail_at(e, E_CONFLICT, "offline", "offline: it is the default; make another CA that first");
	if (c->name && strcmp(c->name, c->ca.name) != 0 && strcmp(status, "superseded") == 0)
		return fail_at(e, E_CONFLICT, "name", "name: a newer key has taken it over");
	return 0;
}

int
ca_update(struct manage *m, struct error *e)
{
	struct changing c;
	if (ca_read(m, &c.ca, e) < 0 || manage_text(m, "name", 0, 63, &c.name, e) < 0 || manage_bool(m, "is_default", 0, &c.is_default, e) < 0 ||
	    manage_bool(m, "offline", 0, &c.offline, e) < 0 || ca_places_read(m, &c.places, e) < 0 || manage_ownership(m, &c.own, e) < 0 ||
	    manage_body_end(m, e) < 0 || check_change(&c, e) < 0)
		return -1;
	if (c.places.base_url) {
		struct found_row row = {.crl_interval_sec = 1, .crl_overlap_sec = 1};
		if (ca_places_fill(m, &c.places, NULL, arena_hex(m->arena, c.ca.ski.data, c.ca.ski.len), &row, e) < 0)
			return -1;
		c.places.ocsp_url = row.ocsp_url;
		c.places.crl_url = row.crl_url;
		c.places.ca_url = row.ca_url;
	}
	if (c.is_default == 1 && !c.ca.is_default && ca_clear_default(m, e) < 0)
		return -1;
	struct db_param p[] = {DB_INT(c.ca.id), DB_TEXT(c.name), c.is_default < 0 ? DB_NULL : DB_TEXT(c.is_default ? "true" : "false"),
	    c.offline < 0 ? DB_NULL : DB_TEXT(c.offline ? "offline" : "active"), DB_TEXT(c.places.ocsp_url), DB_TEXT(c.places.crl_url),
	    DB_TEXT(c.places.ca_url), DB_INT(c.places.crl_interval_sec), DB_INT(c.places.crl_overlap_sec),
	        DB_TEXT(c.own.has_owner ? "true" : "false"),
	    DB_TEXT(c.own.owner), DB_TEXT(c.own.has_metadata ? "true" : "false"), DB_TEXT(c.own.metadata)};
	if (db_query(m->desk->db,
		     "UPDATE ca SET name = coalesce($2::text, name), is_default = coalesce($3::boolean, is_default), status = coalesce($4::text,"
		     " status),"
		     " ocsp_url = coalesce($5::text, ocsp_url), crl_url = coalesce($6::text, crl_url), ca_url = coalesce($7::text, ca_url),"
		     " crl_interval_sec = CASE WHEN $8::int < 0 THEN crl_interval_sec ELSE $8::int END,"
		     " crl_overlap_sec = CASE WHEN $9::int < 0 THEN crl_overlap_sec ELSE $9::int END,"
		     " owner = CASE WHEN $10::boolean THEN $11::text ELSE owner END, metadata = CASE WHEN $12::boolean THEN $13::jsonb ELSE"
		     " metadata END,"
		     " version = version + 1 WHERE id = $1::int",
		     p, ARRAY_LEN(p), false, NULL, e) < 0)
		return manage_name_refused(m, "small letters, digits and -", e);
	m->detail = manage_json(m, m->whole);
	return 0;
}

/* Only one that waits for its certificate goes: all others have signed, and what they signed is to be found. */
int
ca_delete(struct manage *m, struct error *e)
{
	struct ca_state ca;
	if (ca_read(m, &ca, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (strcmp(ca.status, "pending") != 0)
		return fail(e, E_CONFLICT, "the CA has a certificate: it is retired, not deleted");
	struct db_param p[] = {DB_INT(ca.id)};
	if (db_query(m->desk->db, "UPDATE ca SET successor_id = NULL WHERE successor_id = $1::int", p, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM ca_certificate WHERE ca_id = $1::int", p, 1, false, NULL, e) < 0 ||
	    db_query(m->desk->db, "DELETE FROM ca WHERE id = $1::int", p, 1, false, NULL, e) < 0)
		return -1;
	m->detail = detail_text(m->arena, "name", ca.name, "key_ref", ca.key_ref, NULL);
	return 0;
}

extern const struct manage_op manage_authority[];
const struct manage_op manage_authority[] = {
    {"ca.create", "ca.created", RIGHT_CAS, MANAGE_KEYS | MANAGE_OWN_TX, ca_create},
    {"ca.update", "ca.changed", RIGHT_CAS, 0, ca_update},
    {"ca.delete", "ca.deleted", RIGHT_CAS, 0, ca_delete},
    {"ca.disable", "ca.disabled", RIGHT_CAS, 0, ca_disable},
    {"ca.enable", "ca.enabled", RIGHT_CAS, 0, ca_enable},
    {"ca.retire", "ca.retired", RIGHT_CAS, 0, ca_retire},
    {"ca.revoke", "ca.revoked", RIGHT_CAS, 0, ca_revoke},
    {"ca.install", "ca.installed", RIGHT_CAS, MANAGE_KEYS | MANAGE_OWN_TX, ca_install},
    {"ca.cross", "ca.crossed", RIGHT_CAS, MANAGE_KEYS | MANAGE_OWN_TX, ca_cross},
    {"ca.rollover", "ca.rolled_over", RIGHT_CAS, MANAGE_KEYS | MANAGE_OWN_TX, ca_rollover},
    {"ca.renew", "ca.renewed", RIGHT_CAS, MANAGE_KEYS | MANAGE_OWN_TX, ca_renew},
    {0},
};
