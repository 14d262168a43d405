#include "ca/registry.h"

#include <string.h>

#include "lib/x509/pem.h"

#define OBJECT_ARENA_BYTES (1024 * 1024)

struct registry {
	struct authority **authorities; /* by id: looked up by a binary search */
	size_t n_authorities;
	struct profile **profiles;
	size_t n_profiles;
};

struct registry *
registry_new(void)
{
	return xcalloc(1, sizeof(struct registry));
}

void
registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_authorities; i++)
		authority_free(r->authorities[i]);
	for (size_t i = 0; i < r->n_profiles; i++)
		profile_free(r->profiles[i]);
	free(r->authorities);
	free(r->profiles);
	free(r);
}

struct authority *
registry_authority_by_id(const struct registry *r, int32_t id)
{
	size_t low = 0, high = r->n_authorities;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (r->authorities[middle]->id == id)
			return r->authorities[middle];
		if (r->authorities[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct authority *
registry_authority_at(const struct registry *r, size_t n)
{
	return n < r->n_authorities ? r->authorities[n] : NULL;
}

struct authority *
registry_authority(const struct registry *r, int32_t tenant_id, const char *name)
{
	for (size_t i = 0; i < r->n_authorities; i++) {
		struct authority *ca = r->authorities[i];
		if (ca->tenant_id == tenant_id && (*name ? strcmp(ca->name, name) == 0 : ca->is_default))
			return ca;
	}
	return NULL;
}

const struct profile *
registry_profile(const struct registry *r, int32_t tenant_id, const char *name)
{
	for (size_t i = 0; i < r->n_profiles; i++)
		if (r->profiles[i]->tenant_id == tenant_id && strcmp(r->profiles[i]->name, name) == 0)
			return r->profiles[i];
	return NULL;
}

const struct profile *
registry_profile_by_id(const struct registry *r, int32_t tenant_id, int32_t id)
{
	for (size_t i = 0; i < r->n_profiles; i++)
		if (r->profiles[i]->tenant_id == tenant_id && r->profiles[i]->id == id)
			return r->profiles[i];
	return NULL;
}

bool
registry_is_ca_key(const struct registry *r, const uint8_t spki_hash[32])
{
	for (size_t i = 0; i < r->n_authorities; i++)
		if (memcmp(r->authorities[i]->spki_hash, spki_hash, 32) == 0)
			return true;
	return false;
}

void
registry_forget_keys(struct registry *r)
{
	for (size_t i = 0; i < r->n_authorities; i++)
		authority_forget_key(r->authorities[i]);
}

static enum authority_status
parse_status(const char *s)
{
	return strcmp(s, "active") == 0 ? AUTHORITY_ACTIVE
	    : strcmp(s, "offline") == 0 ? AUTHORITY_OFFLINE
	    : strcmp(s, "retired") == 0 ? AUTHORITY_RETIRED
					: AUTHORITY_DISABLED;
}

/* Itself and its issuers up to, without, the root: a parent was there before its child, and so has the smaller id. */
static const char *
chain_pem(const struct registry *r, struct arena *a, const struct authority *ca)
{
	const char *text = "";
	for (; ca && ca->parent_id; ca = registry_authority_by_id(r, ca->parent_id))
		text = arena_printf(a, "%s%s", text, pem_encode(a, "CERTIFICATE", ca->cert.whole));
	return text;
}

/* In its place by id: a row with a smaller id can be committed after one with a larger one was read. */
static void
insert_authority(struct registry *r, struct authority *ca)
{
	size_t at = r->n_authorities++;
	r->authorities = xrealloc(r->authorities, r->n_authorities * sizeof(struct authority *));
	for (; at > 0 && r->authorities[at - 1]->id > ca->id; at--)
		r->authorities[at] = r->authorities[at - 1];
	r->authorities[at] = ca;
}

static int
add_authority(struct registry *r, const struct db_result *rows, int i, struct error *e)
{
	struct arena *a = arena_new(OBJECT_ARENA_BYTES);
	struct authority *ca = NULL;
	struct authority fields = {
	    .id = (int32_t)db_int(rows, i, 0),
	    .tenant_id = (int32_t)db_int(rows, i, 1),
	    .parent_id = (int32_t)db_int(rows, i, 2),
	    .name = arena_strdup(a, db_text(rows, i, 3)),
	    .status = parse_status(db_text(rows, i, 4)),
	    .is_default = db_bool(rows, i, 5),
	    .key_ref = arena_strdup(a, db_text(rows, i, 6)),
	    .ocsp_url = arena_strdup(a, db_text(rows, i, 7)),
	    .crl_url = arena_strdup(a, db_text(rows, i, 8)),
	    .ca_url = arena_strdup(a, db_text(rows, i, 9)),
	    .crl_interval_sec = (long)db_int(rows, i, 10),
	    .crl_overlap_sec = (long)db_int(rows, i, 11),
	    .chain_pem = "",
	};
	struct bytes der = db_bytes(rows, i, 12, a), ski = db_bytes(rows, i, 13, a);
	fields.ski = (struct bytes){arena_dup(a, ski.data, ski.len), ski.len};
	der.data = arena_dup(a, der.data, der.len);
	struct authority *known = registry_authority_by_id(r, fields.id);
	if (known) { /* what can change: its status, whether it is the default, its intervals */
		known->status = fields.status;
		known->is_default = fields.is_default;
		known->crl_interval_sec = fields.crl_interval_sec;
		known->crl_overlap_sec = fields.crl_overlap_sec;
		arena_free(a);
		return 0;
	}
	if (authority_new(a, &fields, der, &ca, e) < 0)
		return -1;
	insert_authority(r, ca);
	ca->chain_pem = chain_pem(r, ca->arena, ca);
	return 0;
}

/* A profile whose row is unchanged stays as it is. */
static int
add_profile(struct registry *r, const struct db_result *rows, int i, struct profile *const *known, size_t n_known, struct error *e)
{
	struct profile *p = NULL;
	int32_t id = (int32_t)db_int(rows, i, 0);
	for (size_t k = 0; k < n_known; k++)
		if (known[k]->id == id && strcmp(known[k]->row, db_text(rows, i, 5)) == 0)
			p = profile_hold(known[k]);
	if (!p && profile_new(arena_new(OBJECT_ARENA_BYTES), id, (int32_t)db_int(rows, i, 1), db_text(rows, i, 2), db_text(rows, i, 3),
			db_text(rows, i, 4), &p, e) < 0)
		return -1;
	if (!*p->row)
		p->row = arena_strdup(p->arena, db_text(rows, i, 5));
	r->profiles = xrealloc(r->profiles, (r->n_profiles + 1) * sizeof(struct profile *));
	r->profiles[r->n_profiles++] = p;
	return 0;
}

int
registry_refresh(struct registry *r, struct db *db, int *ret_bad, struct error *e)
{
	struct db_result *cas CLEANUP(db_result_free) = NULL, *profiles CLEANUP(db_result_free) = NULL;
	int bad = 0;
	if (db_query(db,
		     "SELECT id, tenant_id, coalesce(parent_id, 0), name, status, is_default, key_ref, ocsp_url, crl_url, ca_url, crl_interval_sec,"
		     " crl_overlap_sec, certificate, ski FROM ca ORDER BY id",
		     NULL, 0, false, &cas, e) < 0 ||
	    db_query(db, "SELECT id, tenant_id, name, kind, definition, xmin::text FROM profile ORDER BY id", NULL, 0, false, &profiles, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(cas); i++)
		bad += add_authority(r, cas, i, e) < 0;
	struct profile **known = r->profiles;
	size_t n_known = r->n_profiles;
	r->profiles = NULL;
	r->n_profiles = 0;
	for (int i = 0; i < db_rows(profiles); i++)
		bad += add_profile(r, profiles, i, known, n_known, e) < 0;
	for (size_t i = 0; i < n_known; i++)
		profile_free(known[i]);
	free(known);
	*ret_bad = bad;
	return 0;
}
