#include "ca/bootstrap.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "ca/crl.h"
#include "ca/registry.h"
#include "ca/signer.h"
#include "lib/log.h"
#include "lib/x509/dn.h"

#define CHAIN "ca.bootstrap"
#define CRL_INTERVAL_ISSUING_SEC (24 * 3600)
#define CRL_INTERVAL_ROOT_SEC (90 * 24 * 3600)
#define CRL_OVERLAP_SEC (6 * 24 * 3600) /* verifiers have a valid list for this long when a CRL can't be made */
#define MAX_SUBJECT 8

DEFINE_CLEANUP(json_t, json_decref)

struct boot {
	const struct config *config;
	json_t *file;
	struct db *db;
	struct audit_chain chain;
	struct hsm *hsm;
	struct registry *registry;
	struct arena *arena;
	int32_t tenant_id;
	const char *base_url;
};

/* The members of one CA in the file. */
struct wish {
	const char *name, *key;
	Siegel__Issue issue;
	Siegel__Requestor requestor;
	Siegel__Attribute attributes[MAX_SUBJECT], *subject[MAX_SUBJECT];
};

static int
audit(struct boot *b, const char *action, const char *object, const char *detail, struct error *e)
{
	struct audit_row row = {.at_us = now_us(), .tenant_id = b->tenant_id, .actor = "setup", .action = action, .object = object, .detail = detail};
	return audit_append(b->db, &b->chain, &row, e);
}

static int
begin(struct boot *b, struct error *e)
{
	return db_query(b->db, "BEGIN", NULL, 0, false, NULL, e);
}

static int
commit(struct boot *b, struct error *e)
{
	return db_query(b->db, "COMMIT", NULL, 0, false, NULL, e);
}

static int
member(json_t *object, const char *name, const char **ret, struct error *e)
{
	const char *s = json_string_value(json_object_get(object, name));
	if (!s)
		return fail_at(e, E_BAD_VALUE, name, "the file lacks the text \"%s\"", name);
	*ret = s;
	return 0;
}

static int
make_tenant(struct boot *b, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL, *made CLEANUP(db_result_free) = NULL;
	const char *name;
	if (member(b->file, "tenant", &name, e) < 0)
		return -1;
	struct db_param params[] = {DB_TEXT(name)};
	if (db_query(b->db, "SELECT id FROM tenant WHERE name = $1::text", params, 1, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 1) {
		b->tenant_id = (int32_t)db_int(r, 0, 0);
		return 0;
	}
	if (begin(b, e) < 0 || db_query(b->db, "INSERT INTO tenant (name) VALUES ($1::text) RETURNING id", params, 1, false, &made, e) < 0)
		return -1;
	b->tenant_id = (int32_t)db_int(made, 0, 0);
	if (audit(b, "tenant.created", arena_printf(b->arena, "tenant/%d", b->tenant_id), detail_text(b->arena, "name", name, NULL), e) < 0)
		return -1;
	return commit(b, e);
}

static int
make_profile(struct boot *b, const char *name, struct error *e)
{
	const char *dir = getenv("SIEGEL_PROFILES");
	const char *path = arena_printf(b->arena, "%s/%s.json", dir ? dir : SIEGEL_DATADIR "/profiles", name), *kind, *title;
	json_error_t where;
	json_t *file CLEANUP(json_decref) = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	struct profile *checked CLEANUP(profile_free) = NULL;
	if (!file)
		return fail(e, E_BAD_VALUE, "%s: %s", path, where.text);
	if (member(file, "kind", &kind, e) < 0 || member(file, "title", &title, e) < 0)
		return -1;
	char *text = json_dumps(json_object_get(file, "definition"), JSON_COMPACT);
	const char *definition = arena_strdup(b->arena, text ? text : "");
	free(text);
	if (profile_new(arena_new(1024 * 1024), 0, b->tenant_id, name, kind, definition, &checked, e) < 0)
		return -1;
	struct db_param row[] = {DB_INT(b->tenant_id), DB_TEXT(name), DB_TEXT(kind), DB_TEXT(title), DB_TEXT(definition)};
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (begin(b, e) < 0 ||
	    db_query(b->db,
		     "INSERT INTO profile (tenant_id, name, kind, title, definition) VALUES ($1::int, $2::text, $3::text, $4::text, $5::jsonb)"
		     " ON CONFLICT (tenant_id, name) DO NOTHING RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 1 &&
	    audit(b, "profile.created", arena_printf(b->arena, "profile/%s", db_text(r, 0, 0)), detail_text(b->arena, "name", name, NULL), e) < 0)
		return -1;
	return commit(b, e);
}

static int
make_profiles(struct boot *b, struct error *e)
{
	static const char *const own[] = {"root-ca", "sub-ca", "ocsp-signer"};
	size_t i;
	json_t *item;
	for (i = 0; i < ARRAY_LEN(own); i++)
		if (make_profile(b, own[i], e) < 0)
			return -1;
	json_array_foreach(json_object_get(b->file, "profiles"), i, item)
	{
		const char *name = json_string_value(item);
		if (!name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
			return fail_at(e, E_BAD_VALUE, "profiles", "profiles: names of small letters, digits, \"-\" and \"_\" are wanted");
		if (make_profile(b, name, e) < 0)
			return -1;
	}
	return 0;
}

static char *
writable(struct boot *b, const char *s)
{
	return arena_strdup(b->arena, s);
}

static int
read_wish(struct boot *b, const char *which, struct wish *w, struct error *e)
{
	json_t *ca = json_object_get(b->file, which), *subject = json_object_get(ca, "subject"), *pair;
	size_t i;
	*w = (struct wish){0};
	siegel__issue__init(&w->issue);
	siegel__requestor__init(&w->requestor);
	if (member(ca, "name", &w->name, e) < 0 || member(ca, "key", &w->key, e) < 0)
		return -1;
	if (json_array_size(subject) == 0 || json_array_size(subject) > MAX_SUBJECT)
		return fail_at(e, E_BAD_VALUE, which, "%s: a subject of up to %d attributes is wanted", which, MAX_SUBJECT);
	json_array_foreach(subject, i, pair)
	{
		const char *type = json_string_value(json_array_get(pair, 0)), *value = json_string_value(json_array_get(pair, 1));
		if (!type || !value)
			return fail_at(e, E_BAD_VALUE, which, "%s: subject is a list of [type, value]", which);
		siegel__attribute__init(&w->attributes[i]);
		w->attributes[i].type = writable(b, type);
		w->attributes[i].value = writable(b, value);
		w->subject[i] = &w->attributes[i];
	}
	w->requestor.tenant_id = b->tenant_id;
	w->requestor.source = writable(b, "setup");
	w->requestor.name = writable(b, "bootstrap");
	w->requestor.role = w->requestor.evidence = w->requestor.request_id = writable(b, "");
	w->issue.requestor = &w->requestor;
	w->issue.subject = w->subject;
	w->issue.n_subject = json_array_size(subject);
	w->issue.days = (int32_t)json_integer_value(json_object_get(ca, "days"));
	return 0;
}

/* The row of a CA whose certificate is signed. */
static int
store_authority(struct boot *b, const struct wish *w, const struct order *o, const char *key_ref, bool root, int32_t parent, struct error *e)
{
	uint8_t ski[20];
	ext_key_identifier(o->tbs_input.ext.key_bits, ski);
	const char *hex = arena_hex(b->arena, ski, sizeof(ski));
	struct db_param row[] = {
	    DB_INT(b->tenant_id), DB_TEXT(w->name), DB_TEXT(root ? "offline" : "active"), root ? DB_NULL : DB_INT(parent),
	    DB_TEXT(root ? "false" : "true"), DB_TEXT(o->subject_text), DB_BYTES(o->certificate.data, o->certificate.len),
	    DB_BYTES(ski, sizeof(ski)), DB_BYTES(o->spki_hash, 32), DB_TEXT(key_ref), DB_INT(o->tbs_input.not_before),
	    DB_INT(o->tbs_input.not_after), DB_TEXT(arena_printf(b->arena, "%s/ocsp", b->base_url)),
	    DB_TEXT(arena_printf(b->arena, "%s/crl/%s.crl", b->base_url, hex)), DB_TEXT(arena_printf(b->arena, "%s/ca/%s.crt", b->base_url, hex)),
	    DB_INT(root ? CRL_INTERVAL_ROOT_SEC : CRL_INTERVAL_ISSUING_SEC), DB_INT(CRL_OVERLAP_SEC)};
	struct db_result *r CLEANUP(db_result_free) = NULL;
	if (begin(b, e) < 0 ||
	    db_query(b->db,
		     "INSERT INTO ca (tenant_id, name, status, parent_id, is_default, subject, certificate, ski, spki_hash, key_ref, not_before,"
		     " not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec) VALUES ($1::int, $2::text, $3::text, $4::int,"
		     " $5::boolean, $6::text, $7::bytea, $8::bytea, $9::bytea, $10::text, to_timestamp($11::bigint), to_timestamp($12::bigint),"
		     " $13::text, $14::text, $15::text, $16::int, $17::int) RETURNING id",
		     row, ARRAY_LEN(row), false, &r, e) < 0 ||
	    audit(b, "ca.created", arena_printf(b->arena, "ca/%s", db_text(r, 0, 0)),
		  detail_text(b->arena, "name", w->name, "subject", o->subject_text, "key", w->key, NULL), e) < 0)
		return -1;
	return commit(b, e);
}

/* Signs a root with its own key. */
static int
sign_root(struct order *o, EVP_PKEY *key, struct error *e)
{
	uint8_t signature[SIGNATURE_MAX_BYTES];
	size_t len = 0;
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	struct authority self = {.type = o->tbs_input.ext.key, .private_key = key, .public_key = key};
	if (tbs_lint(tbs, &o->tbs_input, e) < 0)
		return -1;
	int rc = authority_sign(&self, NULL, tbs, signature, &len, e);
	EVP_PKEY_CTX_free(self.sign_ctx);
	EVP_PKEY_CTX_free(self.verify_ctx);
	if (rc == 0)
		certificate_put(&o->certificate, tbs, o->tbs_input.signature_algorithm, signature, len);
	return rc;
}

static int
refresh(struct boot *b, struct error *e)
{
	int bad = 0;
	if (registry_refresh(b->registry, b->db, &bad, e) < 0)
		return -1;
	return bad ? fail(e, E_INTERNAL, "%d CAs or profiles can't be read", bad) : 0;
}

/* One CA of the file, unless it is there. parent NULL: a root. */
static int
make_authority(struct boot *b, const char *which, struct authority *parent, struct authority **ret, struct error *e)
{
	struct wish w;
	char ref[HSM_REF_BYTES];
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	struct order *o CLEANUP(order_free) = NULL;
	int64_t id;
	if (read_wish(b, which, &w, e) < 0)
		return -1;
	*ret = registry_authority(b->registry, b->tenant_id, w.name);
	if (*ret)
		return 0;
	const struct profile *profile = registry_profile(b->registry, b->tenant_id, parent ? "sub-ca" : "root-ca");
	const struct keytype *type = keytype_by_name(w.key);
	if (!profile || !type)
		return fail_at(e, E_BAD_VALUE, which, "%s: unknown key type, or a profile is missing", which);
	/* before there is a key that nobody wants */
	if (keytype_check(type, e) < 0 || profile_takes(profile, type, e) < 0 || hsm_key_generate(b->hsm, "", type, w.name, ref, &key, e) < 0 ||
	    order_make_internal(parent, profile, key, &w.issue, now_us() / 1000000, &o, e) < 0 ||
	    (parent ? issue_one(o, b->hsm, b->db, &b->chain, &id, e) < 0 : sign_root(o, key, e) < 0) ||
	    store_authority(b, &w, o, ref, !parent, parent ? parent->id : 0, e) < 0 || refresh(b, e) < 0)
		return -1;
	*ret = registry_authority(b->registry, b->tenant_id, w.name);
	log_event(LOG_LEVEL_NOTICE, "CA made", "name", w.name, "subject", o->subject_text, "key", w.key, NULL);
	return *ret ? 0 : fail(e, E_INTERNAL, "the CA isn't there after it was made");
}

static int
first_crl(struct boot *b, struct authority *ca, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(ca->id)};
	struct crl_made made;
	if (db_query(b->db, "SELECT 1 FROM crl WHERE ca_id = $1::int LIMIT 1", id, 1, false, &r, e) < 0)
		return -1;
	return db_rows(r) ? 0 : crl_make(ca, b->hsm, b->db, &b->chain, config_str(b->config, OPT_ca_crl_dir), &made, e);
}

static int
make_all(struct boot *b, struct error *e)
{
	struct authority *root, *issuing;
	if (member(b->file, "base_url", &b->base_url, e) < 0 || hsm_open(b->config, &b->hsm, e) < 0 ||
	    db_connect(b->config, "siegel_ca", &b->db, e) < 0 || audit_open(b->db, CHAIN, &b->chain, e) < 0 ||
	    intents_abandon(b->db, CHAIN, e) < 0 || make_tenant(b, e) < 0 || make_profiles(b, e) < 0 || refresh(b, e) < 0)
		return -1;
	if (make_authority(b, "root", NULL, &root, e) < 0 || make_authority(b, "issuing", root, &issuing, e) < 0)
		return -1;
	return first_crl(b, root, e) < 0 || first_crl(b, issuing, e) < 0 ? -1 : 0;
}

int
bootstrap(const struct config *c, const char *file, struct error *e)
{
	json_error_t where;
	struct boot b = {.config = c, .arena = arena_new(16 * 1024 * 1024), .registry = registry_new()};
	b.file = json_load_file(file, JSON_REJECT_DUPLICATES, &where);
	int rc = b.file ? make_all(&b, e) : fail(e, E_BAD_VALUE, "%s, line %d: %s", file, where.line, where.text);
	if (rc < 0 && b.db && *db_last_message(b.db))
		log_event(LOG_LEVEL_ERROR, "the store said", "message", db_last_message(b.db), NULL);
	registry_free(b.registry); /* before the key store that its keys come from */
	hsm_close(b.hsm);
	db_free(b.db);
	json_decref(b.file);
	arena_free(b.arena);
	return rc;
}
