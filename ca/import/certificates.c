/* Certificates, revocations and keys of an import. */
#include <openssl/sha.h>
#include <string.h>
#include <time.h>

#include "ca/batch.h"
#include "ca/import/import.h"
#include "lib/x509/names.h"
#include "lib/db/array.h"
#include "lib/limits.h"
#include "lib/utf8.h"
#include "lib/x509/dn.h"
#include "lib/x509/oid.h"

#define STEP_ITEMS 2000
#define STEP_BYTES (16L * 1024 * 1024)
#define CRL_STEP 20000

struct authority *
import_issuer(struct job_run *j, struct bytes issuer, struct bytes aki, struct bytes tbs, struct bytes algorithm, struct bytes signature,
	      struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(j->tenant_id), DB_BYTES(aki.data ? aki.data : issuer.data, aki.len), DB_TEXT(dn_text(j->arena, issuer))};
	bool named = false;
	if (db_query(j->desk->db,
	             "SELECT id FROM ca WHERE tenant_id = $1::int AND certificate IS NOT NULL AND (ski = $2::bytea OR subject = $3::text) "
	             "ORDER BY id LIMIT 32",
	             row, 3, false, &r, e) < 0)
		return NULL;
	for (int i = 0; i < db_rows(r); i++) {
		struct authority *ca = registry_authority_by_id(j->desk->registry, (int32_t)db_int(r, i, 0));
		if (!ca || !bytes_equal(ca->cert.subject, issuer))
			continue;
		const struct sigalg *s = keytype_signature_by_algorithm(ca->type, algorithm);
		EVP_PKEY_CTX *kept = NULL;
		named = true;
		bool good = s && sigalg_verify(s, ca->public_key, &kept, tbs, signature);
		EVP_PKEY_CTX_free(kept);
		if (good)
			return ca;
	}
	if (named)
		(void)fail(e, E_BAD_VALUE, "it isn't signed by the CA that it names as its issuer, or with an algorithm that isn't taken");
	else
		(void)fail(e, E_NOT_FOUND, "its issuer isn't here: %s; import its certificate as well", dn_text(j->arena, issuer));
	return NULL;
}

/* --- certificates --- */

/* An issuer that was found is likely to be the next one's as well. */
struct issuers {
	struct {
		struct bytes issuer, aki;
		struct authority *ca;
		EVP_PKEY_CTX *kept;
		const struct sigalg *signature;
	} rows[16];
	size_t n;
};

static void
issuers_end(struct issuers *x)
{
	for (size_t i = 0; i < x->n; i++)
		EVP_PKEY_CTX_free(x->rows[i].kept);
}

static struct authority *
issuer_of(struct job_run *j, struct issuers *x, const struct cert *c, struct error *e)
{
	const struct cert_extension *ext = cert_extension_find(c, OID_AKI);
	struct bytes aki = ext ? import_aki(ext->value) : (struct bytes){0};
	for (size_t i = 0; i < x->n; i++) {
		if (!bytes_equal(x->rows[i].issuer, c->issuer) || !bytes_equal(x->rows[i].aki, aki))
			continue;
		struct authority *ca = x->rows[i].ca;
		const struct sigalg *s = keytype_signature_by_algorithm(ca->type, c->signature_algorithm);
		if (s != x->rows[i].signature) { /* the context is for one algorithm */
			EVP_PKEY_CTX_free(x->rows[i].kept);
			x->rows[i].kept = NULL;
			x->rows[i].signature = s;
		}
		if (s && sigalg_verify(s, ca->public_key, &x->rows[i].kept, c->tbs, c->signature))
			return ca;
	}
	struct authority *ca = import_issuer(j, c->issuer, aki, c->tbs, c->signature_algorithm, c->signature, e);
	if (ca && x->n < ARRAY_LEN(x->rows)) {
		x->rows[x->n].issuer = c->issuer;
		x->rows[x->n].aki = aki;
		x->rows[x->n].signature = keytype_signature_by_algorithm(ca->type, c->signature_algorithm);
		x->rows[x->n++].ca = ca;
	}
	return ca;
}

/* The alternative names of kinds that the store knows, one a line. */
static const char *
names_of(struct arena *a, const struct cert *c)
{
	struct der d = der_of(cert_san(c)), list, value;
	struct error e;
	struct buf text BUF_CLEANUP = BUF_INIT(LIMIT_SAN_COUNT * (LIMIT_SAN_BYTES + 8));
	int tag;
	if (!cert_san(c).len || der_get(&d, DER_SEQUENCE, "names", &list, &e) < 0)
		return "";
	while (!der_at_end(&list)) {
		struct name name;
		if (der_get_any(&list, "name", &tag, NULL, &value, &e) < 0)
			break;
		struct bytes b = der_bytes(&value);
		enum name_kind kind = tag == DER_CONTEXT(1) ? NAME_EMAIL : tag == DER_CONTEXT(2) ? NAME_DNS : NAME_URI;
		if (tag == DER_CONTEXT(7)) {
			uint8_t san[24] = {DER_SEQUENCE, (uint8_t)(b.len + 2), (uint8_t)DER_CONTEXT(7), (uint8_t)b.len};
			size_t n = 0;
			if (b.len != 4 && b.len != 16)
				continue;
			memcpy(san + 4, b.data, b.len);
			if (names_parse(a, (struct bytes){san, b.len + 4}, false, &name, 1, &n, &e) < 0)
				continue;
		} else if (tag != DER_CONTEXT(1) && tag != DER_CONTEXT(2) && tag != DER_CONTEXT(6)) {
			continue;
		} else if (name_make(a, kind, (const char *)b.data, b.len, true, &name, &e) < 0) {
			continue;
		}
		if (text.len + strlen(name.text) + 16 > text.max)
			break;
		buf_printf(&text, "%s%s:%s", text.len ? "\n" : "", name_kind_word(name.kind), name.text);
	}
	return arena_strndup(a, text.data ? (const char *)text.data : "", text.len);
}

static const char *
common_name(struct arena *a, struct bytes subject)
{
	struct dn_value values[LIMIT_RDN_COUNT];
	struct error e;
	size_t n = 0;
	if (dn_parse(a, subject, values, LIMIT_RDN_COUNT, &n, &e) < 0)
		return "";
	for (size_t i = 0; i < n; i++)
		if (strcmp(values[i].type->name, "CN") == 0)
			return values[i].value;
	return "";
}

/* Profiles of the tenant by the kind of what they issue; the import may name one for all. */
struct profiles {
	int32_t named, server, client, device, any;
};

static int
load_profiles(struct job_run *j, const struct import_job *i, struct profiles *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(i->profile)};
	if (db_query(j->desk->db,
	             "SELECT max(id) FILTER (WHERE name = $2::text), min(id) FILTER (WHERE kind = 'cert_server'), min(id) FILTER (WHERE "
	             "kind = 'cert_client'), min(id) FILTER (WHERE kind = 'cert_device'), min(id) FROM profile WHERE tenant_id = $1::int "
	             "AND definition ->> "
	             "'internal' IS DISTINCT FROM 'true'",
	             row, 2, false, &r, e) < 0)
		return -1;
	*ret = (struct profiles){.named = (int32_t)db_int(r, 0, 0),
	                         .server = (int32_t)db_int(r, 0, 1),
	                         .client = (int32_t)db_int(r, 0, 2),
	                         .device = (int32_t)db_int(r, 0, 3),
	                         .any = (int32_t)db_int(r, 0, 4)};
	return ret->any ? 0 : fail(e, E_BAD_VALUE, "the tenant has no profile that certificates could belong to: make one first");
}

static int32_t
profile_for(const struct profiles *p, const struct cert *c)
{
	bool server = cert_has_eku(c, OID_EKU_SERVER_AUTH, false), client = cert_has_eku(c, OID_EKU_CLIENT_AUTH, false);
	int32_t id = p->named ? p->named : server && !client ? p->server : client && !server ? p->client : p->device;
	return id ? id : p->any;
}

enum { A_CA, A_SERIAL, A_PROFILE, A_SUBJECT, A_CN, A_NAMES, A_FROM, A_TO, A_SPKI, A_TYPE, A_DER, A_COUNT };

/* What a step stores, and what it says of the rest. */
struct rows {
	struct db_array arrays[A_COUNT];
	size_t n, places[STEP_ITEMS]; /* places: of the items in the file */
	struct db_array item_status, item_object, item_detail;
};

static void
rows_init(struct rows *x)
{
	static const enum db_array_type types[A_COUNT] = {DB_ARRAY_INT4, DB_ARRAY_BYTEA, DB_ARRAY_INT4, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT,
	    DB_ARRAY_INT8, DB_ARRAY_INT8, DB_ARRAY_BYTEA, DB_ARRAY_TEXT, DB_ARRAY_BYTEA};
	for (int i = 0; i < A_COUNT; i++)
		db_array_init(&x->arrays[i], types[i], 2 * STEP_BYTES);
	db_array_init(&x->item_status, DB_ARRAY_TEXT, STEP_BYTES);
	db_array_init(&x->item_object, DB_ARRAY_TEXT, STEP_BYTES);
	db_array_init(&x->item_detail, DB_ARRAY_TEXT, STEP_BYTES);
	x->n = 0;
}

static void
rows_free(struct rows *x)
{
	for (int i = 0; i < A_COUNT; i++)
		db_array_free(&x->arrays[i]);
	db_array_free(&x->item_status);
	db_array_free(&x->item_object);
	db_array_free(&x->item_detail);
}

static void
say(struct job_run *j, struct rows *x, const char *status, const char *object, const char *detail)
{
	if (strcmp(status, "failed") == 0)
		j->failed++;
	else
		j->done++;
	db_array_add(&x->item_status, status, strlen(status));
	db_array_add(&x->item_object, object, strlen(object));
	db_array_add(&x->item_detail, detail, strlen(detail));
}

static void
add_text(struct db_array *a, const char *s)
{
	db_array_add(a, s, strlen(s));
}

/* The key is sound and strong enough (I03). */
static int
check_key(const struct cert *c, const struct keytype **ret, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	struct der d = der_of(c->spki), content;
	struct bytes algorithm;
	if (der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 || der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0)
		return -1;
	return publickey_load(algorithm, c->spki_key, ret, &key, e);
}

static int
add_certificate(struct job_run *j, struct rows *x, struct issuers *issuers, const struct profiles *profiles, struct bytes der, struct error *e)
{
	struct cert c;
	const struct keytype *type = NULL;
	uint8_t spki[32];
	if (cert_parse(der, &c, e) < 0)
		return -1;
	if (cert_is_ca(&c))
		return 0; /* the first pass told of it */
	if (c.serial.len > LIMIT_SERIAL_BYTES)
		return fail(e, E_BAD_VALUE, "its serial number has over %d octets (RFC 5280 4.1.2.2)", LIMIT_SERIAL_BYTES);
	struct authority *ca = issuer_of(j, issuers, &c, e);
	if (!ca || check_key(&c, &type, e) < 0)
		return -1;
	SHA256(c.spki.data, c.spki.len, spki);
	db_array_add_int(&x->arrays[A_CA], ca->id);
	db_array_add(&x->arrays[A_SERIAL], c.serial.data, c.serial.len);
	db_array_add_int(&x->arrays[A_PROFILE], profile_for(profiles, &c));
	add_text(&x->arrays[A_SUBJECT], dn_text(j->arena, c.subject));
	add_text(&x->arrays[A_CN], common_name(j->arena, c.subject));
	add_text(&x->arrays[A_NAMES], names_of(j->arena, &c));
	db_array_add_int(&x->arrays[A_FROM], c.not_before);
	db_array_add_int(&x->arrays[A_TO], c.not_after);
	db_array_add(&x->arrays[A_SPKI], spki, sizeof(spki));
	add_text(&x->arrays[A_TYPE], type->name);
	db_array_add(&x->arrays[A_DER], der.data, der.len);
	return 1;
}

static int
store_rows(struct job_run *j, const struct import_job *i, size_t file, struct rows *x, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[A_COUNT + 4];
	if (x->n == 0)
		return 0;
	row[0] = DB_INT(j->tenant_id);
	for (int k = 0; k < A_COUNT; k++)
		if (db_array_param(&x->arrays[k], &row[k + 1], e) < 0)
			return -1;
	row[A_COUNT + 1] = DB_TEXT(j->actor);
	row[A_COUNT + 2] = DB_TEXT(i->owner);
	row[A_COUNT + 3] = DB_TEXT(i->metadata);
	if (db_query(j->desk->db,
	             "SELECT r_place, r_status, r_id FROM import_add($1::int, $2::int[], $3::bytea[], $4::int[], $5::text[], $6::text[], "
	             "$7::text[], $8::bigint[], $9::bigint[], $10::bytea[], $11::text[], $12::bytea[], $13::text, $14::text, $15::jsonb)",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	for (int k = 0; k < db_rows(r); k++) {
		size_t place = (size_t)db_int(r, k, 0) - 1;
		const char *status = db_text(r, k, 1), *object = place < x->n ? import_where(j->arena, i, file, x->places[place]) : "";
		if (strcmp(status, "failed") == 0)
			say(j, x, status, object, "another certificate of its issuer has its serial number (RFC 5280 4.1.2.2)");
		else
			say(j, x, status, object, arena_printf(j->arena, "certificate/%lld", (long long)db_int(r, k, 2)));
	}
	return 0;
}

static int
store_items(struct job_run *j, struct rows *x, int64_t before, struct error *e)
{
	struct db_param row[6] = {DB_INT(j->id), DB_INT(j->tenant_id), DB_INT(before)};
	if (x->item_status.count == 0)
		return 0;
	if (db_array_param(&x->item_status, &row[3], e) < 0 || db_array_param(&x->item_object, &row[4], e) < 0 ||
	    db_array_param(&x->item_detail, &row[5], e) < 0)
		return -1;
	return db_query(j->desk->db,
			"INSERT INTO job_item (job_id, tenant_id, n, status, object, detail) SELECT $1::int8, $2::int, $3::int8 + n, s, o, d"
			" FROM unnest($4::text[], $5::text[], $6::text[]) WITH ORDINALITY AS u(s, o, d, n)",
			row, ARRAY_LEN(row), false, NULL, e);
}

static const char *
item_text(struct arena *a, struct bytes b)
{
	const char *s = arena_strndup(a, (const char *)b.data, b.len);
	return utf8_valid(s, strlen(s)) ? s : "(unreadable)";
}

static void
take_item(struct job_run *j, const struct import_job *i, size_t file, size_t item, struct rows *x, struct issuers *issuers,
	  const struct profiles *profiles)
{
	const struct split_item *s = &i->split.items[item];
	struct error e;
	if (s->kind == SPLIT_ERROR || s->kind == SPLIT_SKIPPED) {
		say(j, x, s->kind == SPLIT_ERROR ? "failed" : "skipped", import_where(j->arena, i, file, item), item_text(j->arena, s->data));
		return;
	}
	if (s->kind != SPLIT_CERTIFICATE)
		return;
	int rc = add_certificate(j, x, issuers, profiles, s->data, &e);
	if (rc < 0)
		say(j, x, "failed", import_where(j->arena, i, file, item), e.detail);
	else if (rc > 0)
		x->places[x->n++] = item;
}

int
import_certificates(struct job_run *j, struct import_job *i, size_t file, size_t *first, struct error *e)
{
	struct rows *x = xcalloc(1, sizeof(*x));
	struct issuers issuers = {.n = 0};
	struct profiles profiles = {0};
	int64_t before = j->done + j->failed;
	size_t item = *first, bytes = 0;
	int rc = load_profiles(j, i, &profiles, e);
	rows_init(x);
	for (; rc == 0 && item < i->split.n && x->n < STEP_ITEMS && item - *first < 10 * STEP_ITEMS && bytes < STEP_BYTES; item++) {
		bytes += i->split.items[item].data.len;
		take_item(j, i, file, item, x, &issuers, &profiles);
	}
	if (rc == 0)
		rc = store_rows(j, i, file, x, e);
	if (rc == 0)
		rc = store_items(j, x, before, e);
	if (rc == 0 && x->n)
		rc = job_audit(j, "certificate.imported", arena_printf(j->arena, "import/%lld", (long long)i->id),
			       detail_text(j->arena, "file", i->files[file].name, "certificates", arena_printf(j->arena, "%zu", x->n), NULL), e);
	issuers_end(&issuers);
	rows_free(x);
	free(x);
	if (rc == 0)
		*first = item;
	return rc;
}
