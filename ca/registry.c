#include "ca/registry.h"

#include <malloc.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/pem.h"

#define OBJECT_ARENA_BYTES (1024 * 1024)
#define MANY_ROWS 1000

/* A CA as its row has it, in one piece of memory. It is taken apart when somebody wants it. */
struct row {
	int32_t id, tenant_id, parent_id, successor_id;
	enum authority_status status;
	bool is_default, external, bad; /* bad: it couldn't be taken apart, and isn't tried again */
	long crl_interval_sec, crl_overlap_sec;
	uint64_t changed;     /* the transaction that wrote it */
	uint8_t spki_hash[32];
	const char *name, *key_ref, *ocsp_url, *crl_url, *ca_url, *signature; /* in data */
	struct bytes ski, certificate, above;
	struct authority *authority; /* NULL: nobody wanted it yet */
	char data[];
};

/* Open addressing; a slot holds the place of a row and one more, 0: free. */
struct index {
	uint32_t *slots;
	size_t mask;
};

enum { BY_ID, BY_NAME, BY_KEY, BY_DEFAULT, N_INDEXES };

struct registry {
	struct row **rows; /* by id */
	size_t n_rows, n_pending;
	struct index indexes[N_INDEXES];
	bool read, complete; /* the CAs at least once; the profiles too */
	uint64_t since;    /* no transaction before this one was under way when it was read */
	struct profile **profiles;
	size_t n_profiles;
};

/* What a look-up goes by. */
struct key {
	int32_t id; /* of the CA, or of its tenant */
	const char *name;
	const uint8_t *spki_hash;
};

struct registry *
registry_new(void)
{
	return xcalloc(1, sizeof(struct registry));
}

static void
row_free(struct row *row)
{
	authority_free(row->authority);
	free(row);
}

void
registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_rows; i++)
		row_free(r->rows[i]);
	for (size_t i = 0; i < r->n_profiles; i++)
		profile_free(r->profiles[i]);
	for (size_t i = 0; i < N_INDEXES; i++)
		free(r->indexes[i].slots);
	free(r->rows);
	free(r->profiles);
	free(r);
}

/* --- look-up --- */

static uint64_t
mix(uint64_t h, const void *data, size_t len) /* FNV-1a */
{
	const uint8_t *p = data;
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

static size_t
key_hash(int by, const struct key *k)
{
	uint64_t h = mix(14695981039346656037u, &k->id, by == BY_KEY ? 0 : sizeof(k->id));
	if (by == BY_NAME)
		h = mix(h, k->name, strlen(k->name));
	if (by == BY_KEY)
		h = mix(h, k->spki_hash, 32);
	return (size_t)(h ^ h >> 32);
}

static struct key
key_of(int by, const struct row *row)
{
	return (struct key){by == BY_ID ? row->id : row->tenant_id, row->name, row->spki_hash};
}

static bool
key_is(int by, const struct row *row, const struct key *k)
{
	switch (by) {
	case BY_ID:
		return row->id == k->id;
	case BY_NAME:
		return row->tenant_id == k->id && strcmp(row->name, k->name) == 0;
	case BY_KEY:
		return memcmp(row->spki_hash, k->spki_hash, 32) == 0;
	default:
		return row->tenant_id == k->id && row->is_default;
	}
}

static struct row *
find(const struct registry *r, int by, const struct key *k)
{
	const struct index *x = &r->indexes[by];
	for (size_t at = key_hash(by, k); x->slots; at++) {
		uint32_t slot = x->slots[at & x->mask];
		if (slot == 0)
			break;
		if (key_is(by, r->rows[slot - 1], k))
			return r->rows[slot - 1];
	}
	return NULL;
}

/* Made anew whenever a row came or changed: 10,000 of them take a millisecond. */
static void
make_index(struct registry *r, int by)
{
	struct index *x = &r->indexes[by];
	size_t size = 16;
	while (size < 2 * r->n_rows)
		size *= 2;
	free(x->slots);
	x->slots = xcalloc(size, sizeof(*x->slots));
	x->mask = size - 1;
	for (size_t i = 0; i < r->n_rows; i++) {
		struct key k = key_of(by, r->rows[i]);
		if (by == BY_DEFAULT && !r->rows[i]->is_default)
			continue;
		size_t at = key_hash(by, &k);
		while (x->slots[at & x->mask])
			at++;
		x->slots[at & x->mask] = (uint32_t)i + 1;
	}
}

static struct row *
find_id(const struct registry *r, int32_t id)
{
	return find(r, BY_ID, &(struct key){.id = id});
}

/* Itself and its issuers up to, without, the root. */
static const char *
chain_pem(const struct registry *r, struct arena *a, const struct row *row)
{
	const char *text = "";
	for (int depth = 0; row && (row->parent_id || row->external) && depth < LIMIT_CA_DEPTH; row = find_id(r, row->parent_id), depth++) {
		text = arena_printf(a, "%s%s", text, pem_encode(a, "CERTIFICATE", row->certificate));
		struct der d = der_of(row->above);
		struct bytes one;
		struct error e;
		while (!der_at_end(&d) && der_get_any(&d, "certificate", NULL, &one, NULL, &e) == 0 && !der_at_end(&d)) /* the last is the root */
			text = arena_printf(a, "%s%s", text, pem_encode(a, "CERTIFICATE", one));
	}
	return text;
}

/* Of those that a CA can choose from; the others follow from the type of its key. */
static const struct sigalg *
signature_named(const char *name)
{
	for (size_t i = 0; i < SIGALG_COUNT; i++)
		if (strcmp(sigalg_list[i].name, name) == 0)
			return &sigalg_list[i];
	return NULL;
}

/* The CA of a row, taken apart at its first use; NULL when it has no certificate yet or that can't be read. */
static struct authority *
authority_of(const struct registry *r, struct row *row)
{
	struct error e;
	if (!row || row->authority || row->bad)
		return row ? row->authority : NULL;
	struct arena *a = arena_new(OBJECT_ARENA_BYTES);
	struct authority fields = {
	    .id = row->id,
	    .tenant_id = row->tenant_id,
	    .parent_id = row->parent_id,
	    .name = arena_strdup(a, row->name),
	    .status = row->status,
	    .is_default = row->is_default,
	    .key_ref = arena_strdup(a, row->key_ref),
	    .ocsp_url = arena_strdup(a, row->ocsp_url),
	    .crl_url = arena_strdup(a, row->crl_url),
	    .ca_url = arena_strdup(a, row->ca_url),
	    .crl_interval_sec = row->crl_interval_sec,
	    .crl_overlap_sec = row->crl_overlap_sec,
	    .ski = {arena_dup(a, row->ski.data, row->ski.len), row->ski.len},
	    .above = {arena_dup(a, row->above.data, row->above.len), row->above.len},
	    .signature = signature_named(row->signature),
	    .chain_pem = chain_pem(r, a, row),
	};
	struct bytes der = {arena_dup(a, row->certificate.data, row->certificate.len), row->certificate.len};
	row->bad = authority_new(a, &fields, der, &row->authority, &e) < 0;
	return row->authority;
}

struct authority *
registry_authority_by_id(const struct registry *r, int32_t id)
{
	return authority_of(r, find_id(r, id));
}

struct authority *
registry_authority_heir(const struct registry *r, int32_t id)
{
	struct row *row = find_id(r, id);
	for (size_t n = 0; row && row->status == AUTHORITY_SUPERSEDED && row->successor_id && n < r->n_rows; n++)
		row = find_id(r, row->successor_id);
	return authority_of(r, row);
}

struct authority *
registry_authority(const struct registry *r, int32_t tenant_id, const char *name)
{
	return authority_of(r, find(r, *name ? BY_NAME : BY_DEFAULT, &(struct key){.id = tenant_id, .name = name}));
}

bool
registry_is_ca_key(const struct registry *r, const uint8_t spki_hash[32])
{
	return find(r, BY_KEY, &(struct key){.spki_hash = spki_hash}) != NULL;
}

void
registry_forget_keys(struct registry *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		if (r->rows[i]->authority)
			authority_forget_key(r->rows[i]->authority);
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

/* --- reading --- */

enum {
	ID, TENANT, PARENT, SUCCESSOR, STATUS, IS_DEFAULT, EXTERNAL, INTERVAL, OVERLAP, CHANGED, /* numbers and the like */
	NAME, KEY_REF, OCSP_URL, CRL_URL, CA_URL, SIGNATURE,                /* texts */
	SKI, SPKI_HASH, CERTIFICATE, ABOVE                                  /* octets */
};
#define COLUMNS                                                                                                                    \
	"SELECT id, tenant_id, coalesce(parent_id, 0), coalesce(successor_id, 0), status, is_default, external, crl_interval_sec, crl_overlap_sec,"  \
	" changed_xid::text::int8, name, key_ref, ocsp_url, crl_url, ca_url, coalesce(signature, ''), ski, spki_hash, certificate, above FROM ca "

/* The octets of a result that is binary, of which db_text() gives texts without their end. */
static struct bytes
field(const struct db_result *rows, int i, int column)
{
	return db_bytes(rows, i, column, NULL);
}

static const char *
keep_text(char **at, struct bytes b)
{
	char *text = *at;
	memcpy(text, b.data, b.len);
	*at += b.len + 1; /* the memory was zero */
	return text;
}

static struct bytes
keep(char **at, struct bytes b)
{
	char *data = *at;
	if (b.len)
		memcpy(data, b.data, b.len);
	*at += b.len;
	return (struct bytes){(const uint8_t *)data, b.len};
}

static struct row *
row_read(const struct db_result *rows, int i)
{
	size_t size = 0;
	char status[16] = "";
	for (int c = NAME; c <= ABOVE; c++)
		size += field(rows, i, c).len + 1;
	struct row *row = xcalloc(1, sizeof(*row) + size);
	struct bytes word = field(rows, i, STATUS), spki = field(rows, i, SPKI_HASH);
	char *at = row->data;
	memcpy(status, word.data, word.len < sizeof(status) ? word.len : sizeof(status) - 1);
	row->id = (int32_t)db_int(rows, i, ID);
	row->tenant_id = (int32_t)db_int(rows, i, TENANT);
	row->parent_id = (int32_t)db_int(rows, i, PARENT);
	row->successor_id = (int32_t)db_int(rows, i, SUCCESSOR);
	row->status = authority_status_parse(status);
	row->is_default = db_bool(rows, i, IS_DEFAULT);
	row->external = db_bool(rows, i, EXTERNAL);
	row->crl_interval_sec = (long)db_int(rows, i, INTERVAL);
	row->crl_overlap_sec = (long)db_int(rows, i, OVERLAP);
	row->changed = (uint64_t)db_int(rows, i, CHANGED);
	row->name = keep_text(&at, field(rows, i, NAME));
	row->key_ref = keep_text(&at, field(rows, i, KEY_REF));
	row->ocsp_url = keep_text(&at, field(rows, i, OCSP_URL));
	row->crl_url = keep_text(&at, field(rows, i, CRL_URL));
	row->ca_url = keep_text(&at, field(rows, i, CA_URL));
	row->signature = keep_text(&at, field(rows, i, SIGNATURE));
	row->ski = keep(&at, field(rows, i, SKI));
	row->certificate = keep(&at, field(rows, i, CERTIFICATE));
	row->above = keep(&at, field(rows, i, ABOVE));
	if (spki.len == sizeof(row->spki_hash))
		memcpy(row->spki_hash, spki.data, spki.len);
	row->bad = row->certificate.len == 0;
	return row;
}

/* Whether a row is one certificate from its beginning to its end; more is seen when it is used. */
static bool
whole(const struct row *row)
{
	struct der d = der_of(row->certificate), content;
	struct error e;
	return row->status == AUTHORITY_PENDING ||
	    (der_get(&d, DER_SEQUENCE, "certificate", &content, &e) == 0 && der_end(&d, "certificate", &e) == 0);
}

/* What is loaded stays when nothing changed but what can be changed in place. */
static void
take_over(struct row *row, struct row *old)
{
	struct authority *ca = old->authority;
	if (!ca || strcmp(row->name, old->name) != 0 || strcmp(row->key_ref, old->key_ref) != 0 || strcmp(row->ocsp_url, old->ocsp_url) != 0 ||
	    strcmp(row->crl_url, old->crl_url) != 0 || strcmp(row->ca_url, old->ca_url) != 0 || strcmp(row->signature, old->signature) != 0)
		return;
	ca->status = row->status;
	ca->is_default = row->is_default;
	ca->crl_interval_sec = row->crl_interval_sec;
	ca->crl_overlap_sec = row->crl_overlap_sec;
	row->authority = TAKE(old->authority);
}

/* In its place by id: a row with a smaller id can be committed after one with a larger one was read. *ret_moved is set when what other CAs'
 * chains are made of changed. */
static void
put_row(struct registry *r, struct row *row, bool *ret_moved)
{
	size_t low = 0, high = r->n_rows;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (r->rows[middle]->id < row->id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < r->n_rows && r->rows[low]->id == row->id) {
		struct row *old = r->rows[low];
		if (!bytes_equal(old->certificate, row->certificate) || !bytes_equal(old->above, row->above) || old->parent_id != row->parent_id)
			*ret_moved = true;
		else
			take_over(row, old);
		row_free(old);
	} else {
		if ((r->n_rows & (r->n_rows - 1)) == 0) /* doubles at each power of two */
			r->rows = xrealloc(r->rows, (r->n_rows ? 2 * r->n_rows : 1) * sizeof(struct row *));
		memmove(r->rows + low + 1, r->rows + low, (r->n_rows - low) * sizeof(struct row *));
		r->n_rows++;
	}
	r->rows[low] = row;
}

/* Of CAs only those go that wait for their certificate. */
static int
drop_deleted(struct registry *r, struct db *db, bool *ret_changed, struct error *e)
{
	struct db_result *there CLEANUP(db_result_free) = NULL;
	size_t kept = 0;
	int at = 0;
	if (r->n_pending == 0)
		return 0;
	if (db_query(db, "SELECT id FROM ca WHERE status = 'pending' ORDER BY id", NULL, 0, true, &there, e) < 0)
		return -1;
	r->n_pending = 0;
	for (size_t i = 0; i < r->n_rows; i++) {
		struct row *row = r->rows[i];
		while (at < db_rows(there) && db_int(there, at, 0) < row->id)
			at++;
		if (row->status == AUTHORITY_PENDING && (at == db_rows(there) || db_int(there, at, 0) != row->id)) {
			row_free(row);
			*ret_changed = true;
			continue;
		}
		r->n_pending += row->status == AUTHORITY_PENDING;
		r->rows[kept++] = row;
	}
	r->n_rows = kept;
	return 0;
}

static int
read_rows(struct registry *r, struct db *db, struct db_result **ret, uint64_t *ret_since, struct error *e)
{
	struct db_result *now CLEANUP(db_result_free) = NULL;
	/* Before the rows: what commits between the two is read now or next time, or twice. */
	if (db_query(db, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8", NULL, 0, true, &now, e) < 0)
		return -1;
	*ret_since = (uint64_t)db_int(now, 0, 0);
	if (!r->read || *ret_since < r->since) /* the first time, or the store was set back */
		return db_query(db, COLUMNS "ORDER BY id", NULL, 0, true, ret, e);
	/* Rows from the future come from a restored store: they were read, and don't count as changed until they change. */
	struct db_param since[] = {DB_INT((int64_t)r->since)};
	return db_query(db, COLUMNS "WHERE changed_xid >= $1::text::xid8 AND changed_xid < pg_snapshot_xmax(pg_current_snapshot()) ORDER BY id",
	    since, 1,
			true, ret, e);
}

static int
refresh_authorities(struct registry *r, struct db *db, int *ret_bad, struct error *e)
{
	struct db_result *rows CLEANUP(db_result_free) = NULL;
	uint64_t since;
	bool changed = false, moved = false;
	if (read_rows(r, db, &rows, &since, e) < 0)
		return -1;
	for (int i = 0; i < db_rows(rows); i++) {
		const struct row *known = find_id(r, (int32_t)db_int(rows, i, ID));
		if (known && known->changed == (uint64_t)db_int(rows, i, CHANGED))
			continue; /* seen already: an older transaction is still under way somewhere */
		struct row *row = row_read(rows, i);
		if (!whole(row)) {
			row->bad = true;
			(*ret_bad)++;
		}
		r->n_pending += row->status == AUTHORITY_PENDING;
		put_row(r, row, &moved);
		changed = true;
	}
	if (drop_deleted(r, db, &changed, e) < 0)
		return -1;
	for (size_t i = 0; moved && i < r->n_rows; i++) { /* their chains are made anew with them */
		authority_free(r->rows[i]->authority);
		r->rows[i]->authority = NULL;
	}
	for (int by = 0; (changed || !r->read) && by < N_INDEXES; by++)
		make_index(r, by);
	if (db_rows(rows) >= MANY_ROWS) { /* what they came in is given back: it is as large as all that stays */
		db_result_free(TAKE(rows));
		malloc_trim(0);
	}
	r->read = true;
	r->since = since;
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
	struct db_result *profiles CLEANUP(db_result_free) = NULL;
	int bad = 0;
	if (refresh_authorities(r, db, &bad, e) < 0 ||
	    db_query(db, "SELECT id, tenant_id, name, kind, definition, xmin::text FROM profile ORDER BY id", NULL, 0, false, &profiles, e) < 0)
		return -1;
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
	r->complete = true;
	return 0;
}

bool
registry_is_read(const struct registry *r)
{
	return r->complete;
}
