#include "ca/found.h"

#include <string.h>

#include "ca/constraints.h"

int
found_profile(const struct profile *base, int path_length, bool certified, struct profile **ret, struct error *e)
{
	if (!base->ca)
		return fail_at(e, E_POLICY, "profile", "profile: \"%s\" isn't one of CAs (basicConstraints say no CA)", base->name);
	if (path_length >= 0 && base->path_length >= 0 && path_length > base->path_length)
		return fail_at(e, E_POLICY, "path_length", "path length: the profile \"%s\" allows at most %d", base->name, base->path_length);
	struct profile *p = xcalloc(1, sizeof(*p));
	*p = *base;
	p->arena = arena_new(1024); /* what it points to is that of base */
	p->users = 1;
	if (path_length != PATH_LENGTH_OF_PROFILE)
		p->path_length = path_length;
	if (certified)
		p->key_reuse = REUSE_ALLOW;
	*ret = p;
	return 0;
}

/* What stands over the issuer, step by step: its own certificate is looked at when the order is made. */
static int
check_above(const struct founder *f, const struct authority *issuer, const struct tbs_input *in, struct error *e)
{
	int between = 0;
	for (const struct authority *ca = issuer; ca && between < LIMIT_CA_DEPTH; ca = registry_authority_by_id(f->registry, ca->parent_id)) {
		struct der d = der_of(ca->above);
		struct bytes one;
		struct cert c;
		if (between > 0 && constraints_check(&ca->cert, between, in, e) < 0)
			return -1;
		between++;
		while (!der_at_end(&d)) {
			if (der_get_any(&d, "certificate", NULL, &one, NULL, e) < 0 || cert_parse(one, &c, e) < 0 ||
			    constraints_check(&c, between++, in, e) < 0)
				return -1;
		}
	}
	return between < LIMIT_CA_DEPTH ? 0 : fail_at(e, E_POLICY, "parent", "parent: %d CAs stand over it already", LIMIT_CA_DEPTH);
}

/* What the order's own way doesn't know: a subject that is given octet for octet, an end that isn't days, the algorithm of a root. */
static int
adjust(struct order *o, const struct found_wish *w, struct error *e)
{
	struct tbs_input *in = &o->tbs_input;
	o->unproven = w->unproven;
	if (w->exact_subject.len) {
		in->exact_subject = (struct bytes){arena_dup(o->arena, w->exact_subject.data, w->exact_subject.len), w->exact_subject.len};
		if (!w->issuer)
			in->issuer = in->exact_subject;
	}
	if (!w->issuer && w->signature)
		in->signature_algorithm = w->signature->algorithm;
	if (w->not_after && in->not_after > w->not_after)
		in->not_after = w->not_after;
	return order_renumber(o, e);
}

static int
sign_self(const struct founder *f, const struct found_wish *w, struct order *o, struct error *e)
{
	uint8_t *signature = xcalloc(1, SIGNATURE_MAX_BYTES);
	size_t len = 0;
	struct bytes tbs = {o->tbs.data, o->tbs.len};
	struct authority alone = {.type = o->tbs_input.ext.key, .signature = w->signature, .private_key = w->key, .public_key = w->key};
	int rc = tbs_lint(tbs, &o->tbs_input, e);
	if (rc == 0)
		rc = authority_sign(w->self ? w->self : &alone, f->hsm, tbs, signature, &len, e);
	EVP_PKEY_CTX_free(alone.sign_ctx);
	EVP_PKEY_CTX_free(alone.verify_ctx);
	if (rc == 0)
		certificate_put(&o->certificate, tbs, o->tbs_input.signature_algorithm, signature, len);
	free(signature);
	return rc == 0 ? buf_check(&o->certificate, e) : -1;
}

int
found_sign(const struct founder *f, const struct found_wish *w, struct order **ret, struct error *e)
{
	struct order *o CLEANUP(order_free) = NULL;
	if (w->issuer && w->issuer->status != AUTHORITY_ACTIVE && w->issuer->status != AUTHORITY_OFFLINE)
		return fail_at(e, E_CONFLICT, "parent", "parent: the CA \"%s\" is %s and issues nothing", w->issuer->name,
			       authority_status_word(w->issuer->status));
	if (order_make_internal(w->issuer, w->profile, w->key, w->issue, now_us() / 1000000, &o, e) < 0 || adjust(o, w, e) < 0 ||
	    (w->issuer && check_above(f, w->issuer, &o->tbs_input, e) < 0) ||
	    (w->issuer ? issue_sign(o, f->hsm, f->db, f->chain, e) < 0 : sign_self(f, w, o, e) < 0))
		return -1;
	*ret = TAKE(o);
	return 0;
}

int
found_store(const struct founder *f, struct order *o, struct error *e)
{
	int64_t id;
	return o->ca ? issue_store(o, f->db, f->chain, &id, e) : 0;
}

void
found_row_take(struct found_row *row, const struct order *o)
{
	ext_key_identifier(o->tbs_input.ext.key_bits, row->ski);
	memcpy(row->spki_hash, o->spki_hash, sizeof(row->spki_hash));
	row->subject = o->subject_text;
	row->certificate = (struct bytes){o->certificate.data, o->certificate.len};
	row->not_before = o->tbs_input.not_before;
	row->not_after = o->tbs_input.not_after;
	row->key_type = o->tbs_input.ext.key->name;
}

void
found_urls(struct arena *a, const char *base_url, const char *ski_hex, struct found_row *row)
{
	row->ocsp_url = arena_printf(a, "%s/ocsp", base_url);
	row->crl_url = arena_printf(a, "%s/crl/%s.crl", base_url, ski_hex);
	row->ca_url = arena_printf(a, "%s/ca/%s.crt", base_url, ski_hex);
}

static struct db_param
number_or_null(char *buf24, int64_t v)
{
	if (!v)
		return DB_NULL;
	return (struct db_param){.data = db_int_text(buf24, v)};
}

static struct db_param
bytes_or_null(struct bytes b)
{
	return b.len ? DB_BYTES(b.data, b.len) : DB_NULL;
}

int
found_row_add(struct db *db, const struct found_row *row, int32_t *ret_id, struct error *e)
{
	char number[3][24];
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param p[] = {
	    DB_INT(row->tenant_id), DB_TEXT(row->name), DB_TEXT(row->status), number_or_null(number[0], row->parent_id),
	    DB_TEXT(row->is_default ? "true" : "false"), DB_TEXT(row->subject), bytes_or_null(row->certificate), DB_BYTES(row->ski, sizeof(row->ski)),
	    DB_BYTES(row->spki_hash, sizeof(row->spki_hash)), DB_TEXT(row->key_ref), row->certificate.len ? DB_INT(row->not_before) : DB_NULL,
	    row->certificate.len ? DB_INT(row->not_after) : DB_NULL, DB_TEXT(row->ocsp_url), DB_TEXT(row->crl_url), DB_TEXT(row->ca_url),
	    DB_INT(row->crl_interval_sec), DB_INT(row->crl_overlap_sec), DB_INT(row->generation), DB_TEXT(row->external ? "true" : "false"),
	    bytes_or_null(row->csr), number_or_null(number[1], row->profile_id), DB_TEXT(row->key_type), DB_TEXT(row->signature), DB_TEXT(row->owner),
	    DB_TEXT(row->metadata)};
	if (db_query(db,
		     "INSERT INTO ca (tenant_id, name, status, parent_id, is_default, subject, certificate, ski, spki_hash, key_ref, not_before,"
		     " not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec, generation, external, csr, profile_id, key_type,"
		     " signature,"
		     " owner, metadata) VALUES ($1::int, $2::text, $3::text, $4::int, $5::boolean, $6::text, $7::bytea, $8::bytea, $9::bytea,"
		     " $10::text,"
		     " to_timestamp($11::bigint), to_timestamp($12::bigint), $13::text, $14::text, $15::text, $16::int, $17::int, $18::int,"
		     " $19::boolean,"
		     " $20::bytea, $21::int, $22::text, $23::text, $24::text, $25::jsonb) RETURNING id",
		     p, ARRAY_LEN(p), false, &r, e) < 0)
		return -1;
	*ret_id = (int32_t)db_int(r, 0, 0);
	return row->certificate.len ? found_keep(db, row->tenant_id, *ret_id, row->parent_id, "own", row->certificate, e) : 0;
}

int
found_keep(struct db *db, int32_t tenant_id, int32_t ca_id, int32_t issuer_id, const char *kind, struct bytes certificate, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct cert c;
	char number[24];
	uint8_t hash[32];
	if (cert_parse(certificate, &c, e) < 0)
		return -1;
	if (EVP_Digest(c.spki.data, c.spki.len, hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "no digest");
	struct db_param p[] = {DB_INT(tenant_id), DB_INT(ca_id), number_or_null(number, issuer_id), DB_TEXT(kind), DB_TEXT(dn_text(a, c.subject)),
	    DB_TEXT(dn_text(a, c.issuer)), DB_BYTES(c.serial.data, c.serial.len), DB_BYTES(hash, sizeof(hash)), DB_INT(c.not_before),
	    DB_INT(c.not_after), DB_BYTES(certificate.data, certificate.len)};
	if (strcmp(kind, "own") == 0 &&
	    db_query(db, "UPDATE ca_certificate SET kind = 'previous' WHERE ca_id = $1::int AND kind = 'own'", &p[1], 1, false, NULL, e) < 0)
		return -1;
	return db_query(db,
			"INSERT INTO ca_certificate (tenant_id, ca_id, issuer_id, kind, subject, issuer, serial, spki_hash, not_before,"
			" not_after, certificate)"
			" VALUES ($1::int, $2::int, $3::int, $4::text, $5::text, $6::text, $7::bytea, $8::bytea, to_timestamp($9::bigint),"
			" to_timestamp($10::bigint), $11::bytea) ON CONFLICT DO NOTHING",
			p, ARRAY_LEN(p), false, NULL, e);
}
