#include "ca/bootstrap.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ca/crl.h"
#include "ca/found.h"
#include "ca/registry.h"
#include "ca/signer.h"
#include "lib/log.h"
#include "lib/x509/dn.h"

#define CHAIN "ca.bootstrap"
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
	static const char *const own[] = {"root-ca", "sub-ca", "ocsp-signer", "registration-authority"};
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

/* The row of a CA whose certificate is signed, with the certificate. */
static int
store_authority(struct boot *b, const struct founder *f, const struct wish *w, struct order *o, const char *key_ref, const struct profile *profile,
		const struct authority *parent, struct error *e)
{
	int32_t id;
	struct found_row row = {.tenant_id = b->tenant_id, .parent_id = parent ? parent->id : 0, .profile_id = profile->id, .name = w->name,
				.status = parent ? "active" : "offline", .is_default = parent != NULL, .generation = 1, .key_ref = key_ref,
				.crl_interval_sec = parent ? CRL_INTERVAL_ISSUING_SEC : CRL_INTERVAL_ROOT_SEC, .crl_overlap_sec = CRL_OVERLAP_SEC};
	found_row_take(&row, o);
	found_urls(b->arena, b->base_url, arena_hex(b->arena, row.ski, sizeof(row.ski)), &row);
	if (begin(b, e) < 0 || found_store(f, o, e) < 0 || found_row_add(b->db, &row, &id, e) < 0)
		return -1;
	/* Whoever sets a house up sees it answer: for a month it does so without a certificate to ask for. */
	struct db_param p[] = {DB_INT(id)};
	if (db_query(b->db, "UPDATE ca SET serves_until = now() + interval '30 days' WHERE id = $1::int", p, 1, false, NULL, e) < 0 ||
	    audit(b, "ca.created", arena_printf(b->arena, "ca/%d", id),
		  detail_text(b->arena, "name", w->name, "subject", o->subject_text, "key", w->key, NULL), e) < 0)
		return -1;
	return commit(b, e);
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
	struct founder f = {b->db, &b->chain, b->hsm, b->registry};
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
	    found_sign(&f, &(struct found_wish){.issuer = parent, .profile = profile, .key = key, .issue = &w.issue}, &o, e) < 0 ||
	    store_authority(b, &f, &w, o, ref, profile, parent, e) < 0 || refresh(b, e) < 0)
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
