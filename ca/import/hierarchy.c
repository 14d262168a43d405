/* CAs of an import: which certificates are CAs', whose key came along, who stands over whom. */
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/batch.h"
#include "ca/ext.h"
#include "ca/import/import.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/x509/dn.h"
#include "lib/x509/oid.h"

#define CRL_INTERVAL_SEC 86400
#define CRL_OVERLAP_SEC (6 * 86400)

/* A key that came along, until its CA is found. */
static EVP_PKEY *
private_key(struct bytes pkcs8)
{
	EVP_PKEY *key = NULL;
	struct error e;
	return keytype_from_pkcs8(pkcs8, &key, &e) < 0 ? NULL : key;
}

struct bytes
import_aki(struct bytes extension)
{
	struct der d = der_of(extension), list, id;
	struct error e;
	if (!extension.len || der_get(&d, DER_SEQUENCE, "AKI", &list, &e) < 0 || der_peek(&list) != DER_CONTEXT(0) ||
	    der_get(&list, DER_CONTEXT(0), "AKI", &id, &e) < 0)
		return (struct bytes){0};
	return der_bytes(&id);
}

static struct bytes
extension_value(const struct cert *c, struct bytes oid)
{
	const struct cert_extension *x = cert_extension_find(c, oid);
	return x ? x->value : (struct bytes){0};
}

static int
load_public_key(struct import_ca *ca, struct error *e)
{
	struct der d = der_of(ca->cert.spki), content;
	struct bytes algorithm;
	if (der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 || der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0)
		return -1;
	if (publickey_load(algorithm, ca->cert.spki_key, &ca->type, &ca->public_key, e) < 0)
		return -1;
	ca->signature = keytype_signature_by_algorithm(ca->type, algorithm); /* RFC 4055 1.2 */
	return ca->type->signature ? 0 : fail(e, E_BAD_KEY, "a CA with a %s key can't sign", ca->type->name);
}

static bool
signed_by(const struct cert *c, const struct keytype *type, EVP_PKEY *key)
{
	EVP_PKEY_CTX *kept = NULL;
	const struct sigalg *s = keytype_signature_by_algorithm(type, c->signature_algorithm);
	bool good = s && sigalg_verify(s, key, &kept, c->tbs, c->signature);
	EVP_PKEY_CTX_free(kept);
	return good;
}

static struct import_ca *
add(struct import_job *i)
{
	if (i->n_cas % 32 == 0)
		i->cas = xrealloc(i->cas, (i->n_cas + 32) * sizeof(*i->cas));
	i->cas[i->n_cas] = (struct import_ca){0};
	return &i->cas[i->n_cas++];
}

static int
note_certificate(struct import_job *i, const char *where, struct bytes der, struct error *e)
{
	struct cert c;
	struct error unread;
	if (cert_parse(der, &c, &unread) < 0 || !cert_is_ca(&c))
		return 0;
	for (size_t k = 0; k < i->n_cas; k++)
		if (bytes_equal(i->cas[k].der, der))
			return 0;
	if (i->n_cas == LIMIT_IMPORT_CAS)
		return fail(e, E_TOO_LARGE, "over %d CA certificates: split the import", LIMIT_IMPORT_CAS);
	struct import_ca *ca = add(i);
	ca->where = where;
	ca->der = (struct bytes){arena_dup(i->arena, der.data, der.len), der.len};
	if (cert_parse(ca->der, &ca->cert, e) < 0)
		return -1;
	SHA256(ca->cert.spki.data, ca->cert.spki.len, ca->spki_hash);
	struct bytes ski = extension_value(&ca->cert, OID_SKI);
	if (ski.len > 2 && ski.data[0] == DER_OCTET_STRING && ski.data[1] == ski.len - 2 && ski.len <= 66) {
		ca->ski = (struct bytes){ski.data + 2, ski.len - 2};
	} else {
		uint8_t id[20];
		ext_key_identifier(ca->cert.spki_key, id);
		ca->ski = (struct bytes){arena_dup(i->arena, id, sizeof(id)), sizeof(id)};
	}
	ca->aki = import_aki(extension_value(&ca->cert, OID_AKI));
	if (load_public_key(ca, &unread) < 0)
		ca->fault = arena_strdup(i->arena, unread.detail);
	else if (!cert_has_usage(&ca->cert, USAGE_KEY_CERT_SIGN, true))
		ca->fault = "it is a CA's, but its key usage lacks keyCertSign (RFC 5280 4.2.1.3)";
	else if (ca->cert.not_after < time(NULL))
		ca->fault = "the CA's certificate has expired";
	ca->root = bytes_equal(ca->cert.issuer, ca->cert.subject) && !ca->fault && signed_by(&ca->cert, ca->type, ca->public_key);
	return 0;
}

/* A key goes to the certificates that it belongs to, whichever come first. */
static void
match_keys(struct import_job *i, EVP_PKEY *key)
{
	bool asked = false, fits = false;
	for (size_t k = 0; k < i->n_cas; k++) {
		struct import_ca *ca = &i->cas[k];
		if (!ca->public_key || ca->private_key || EVP_PKEY_eq(ca->public_key, key) != 1)
			continue;
		if (!asked)
			fits = import_pair_fits(key);
		asked = true;
		if (!fits)
			ca->false_key = true;
		else if (EVP_PKEY_up_ref(key))
			ca->private_key = key;
	}
}

int
import_note(struct import_job *i, size_t file, size_t item, const struct split_item *s, struct error *e)
{
	if (s->kind == SPLIT_CERTIFICATE)
		return note_certificate(i, import_where(i->arena, i, file, item), s->data, e);
	return 0;
}

/* Once all CA certificates are known: the keys of all files. */
int
import_keys(struct job_run *j, struct import_job *i, bool *ret_done, struct error *e)
{
	while (i->at_file < i->n_files && i->n_cas) {
		if (import_split(j, i, i->at_file, e) < 0)
			return -1;
		while (i->at_item < i->split.n) {
			const struct split_item *s = &i->split.items[i->at_item++];
			EVP_PKEY *key = s->kind == SPLIT_KEY ? private_key(s->data) : NULL;
			if (key)
				match_keys(i, key);
			EVP_PKEY_free(key);
			if (key && import_time_is_up(i))
				return 0;
		}
		i->at_file++;
		i->at_item = 0;
		if (import_time_is_up(i))
			return 0;
	}
	*ret_done = true;
	return 0;
}

/* Whether one is among those that signed it. Its signature is looked at until the key is known. */
static bool
is_issuer(const struct import_job *i, const struct import_ca *ca, const struct import_ca *other)
{
	if (other == ca || other->fault || !bytes_equal(other->cert.subject, ca->cert.issuer) || (ca->aki.len && !bytes_equal(ca->aki, other->ski)))
		return false;
	if (ca->n_issuers)
		return memcmp(i->cas[ca->issuers[0]].spki_hash, other->spki_hash, sizeof(other->spki_hash)) == 0;
	return signed_by(&ca->cert, other->type, other->public_key);
}

/* at_file and at_item are the CAs that are compared. */
void
import_link(struct import_job *i, bool *ret_done)
{
	for (; i->at_file < i->n_cas; i->at_file++, i->at_item = 0) {
		struct import_ca *ca = &i->cas[i->at_file];
		while (!ca->root && !ca->fault && i->at_item < i->n_cas && ca->n_issuers < IMPORT_ISSUERS) {
			size_t k = i->at_item++;
			if (is_issuer(i, ca, &i->cas[k]))
				ca->issuers[ca->n_issuers++] = k;
			if (import_time_is_up(i))
				return;
		}
	}
	*ret_done = true;
}

/* --- the store --- */

/* "Example Issuing CA 3" → "example-issuing-ca-3", and a number behind it when that is taken. */
static const char *
free_name(struct job_run *j, const struct import_ca *ca, struct error *e)
{
	struct dn_value values[LIMIT_RDN_COUNT];
	struct error unread;
	const char *text = "imported";
	char slug[48];
	size_t n = 0, len = 0;
	if (dn_parse(j->arena, ca->cert.subject, values, LIMIT_RDN_COUNT, &n, &unread) < 0)
		n = 0;
	for (size_t k = 0; k < n; k++)
		if (strcmp(values[k].type->name, "CN") == 0 || (strcmp(values[k].type->name, "O") == 0 && strcmp(text, "imported") == 0))
			text = values[k].value;
	for (const char *p = text; *p && len + 1 < sizeof(slug); p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			slug[len++] = c;
		else if (len && slug[len - 1] != '-')
			slug[len++] = '-';
	}
	while (len && slug[len - 1] == '-')
		len--;
	slug[len] = '\0';
	if (!len)
		memcpy(slug, "imported", 9);
	for (int k = 1; k < 10000; k++) {
		struct db_result *r CLEANUP(db_result_free) = NULL;
		const char *name = k == 1 ? arena_strdup(j->arena, slug) : arena_printf(j->arena, "%s-%d", slug, k);
		struct db_param row[] = {DB_INT(j->tenant_id), DB_TEXT(name)};
		if (db_query(j->desk->db, "SELECT 1 FROM ca WHERE tenant_id = $1::int AND name = $2::text", row, 2, false, &r, e) < 0)
			return NULL;
		if (db_rows(r) == 0)
			return name;
	}
	(void)fail(e, E_CONFLICT, "there are too many CAs called %s", slug);
	return NULL;
}

static int
base_url(struct job_run *j, struct import_job *i, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param tenant[] = {DB_INT(j->tenant_id)};
	if (i->base_url)
		return 0;
	if (db_query(j->desk->db,
		     "SELECT regexp_replace(crl_url, '/crl/[^/]*$', '') FROM ca WHERE tenant_id = $1::int AND crl_url LIKE '%/crl/%'"
		     " ORDER BY is_default DESC, id LIMIT 1",
		     tenant, 1, false, &r, e) < 0)
		return -1;
	if (db_rows(r) == 0)
		return fail(e, E_BAD_VALUE, "the tenant has no CA yet whose addresses could be followed: set base_url on the import");
	i->base_url = arena_strdup(i->arena, db_text(r, 0, 0));
	return 0;
}

/* The certificate that stands for a CA's key beside its own. */
static int
store_certificate(struct job_run *j, const struct import_ca *ca, int32_t issuer, const char *kind, struct error *e)
{
	struct db_param row[] = {DB_INT(j->tenant_id),
	                         DB_INT(ca->id),
	                         issuer ? DB_INT(issuer) : DB_NULL,
	                         DB_TEXT(kind),
	                         DB_TEXT(dn_text(j->arena, ca->cert.subject)),
	                         DB_TEXT(dn_text(j->arena, ca->cert.issuer)),
	                         DB_BYTES(ca->cert.serial.data, ca->cert.serial.len),
	                         DB_BYTES(ca->spki_hash, 32),
	                         DB_INT(ca->cert.not_before),
	                         DB_INT(ca->cert.not_after),
	                         DB_BYTES(ca->der.data, ca->der.len)};
	return db_query(j->desk->db,
	                "INSERT INTO ca_certificate (tenant_id, ca_id, issuer_id, kind, subject, issuer, serial, spki_hash, not_before, "
	                "not_after, certificate) VALUES ($1::int, $2::int, $3::int, $4::text, $5::text, $6::text, $7::bytea, $8::bytea, "
	                "to_timestamp($9::bigint),"
	                " to_timestamp($10::bigint), $11::bytea) ON CONFLICT DO NOTHING",
	                row, ARRAY_LEN(row), false, NULL, e);
}

/* The certificate of a sub CA is one that its issuer answers for; a CRL of his may have come before it. */
static int
store_as_issued(struct job_run *j, struct import_job *i, const struct import_ca *ca, int32_t issuer, struct error *e)
{
	struct db_param row[] = {DB_INT(j->tenant_id), DB_INT(issuer), DB_BYTES(ca->cert.serial.data, ca->cert.serial.len),
	    DB_TEXT(dn_text(j->arena, ca->cert.subject)), DB_INT(ca->cert.not_before), DB_INT(ca->cert.not_after), DB_BYTES(ca->spki_hash, 32),
	    DB_BYTES(ca->der.data, ca->der.len), DB_TEXT(j->actor), DB_TEXT(ca->type->name), DB_TEXT(i->owner), DB_TEXT(i->metadata),
	    DB_TEXT(ca->private_key ? "true" : "false")};
	return db_query(
	    j->desk->db,
	    "WITH made AS (INSERT INTO certificate (tenant_id, ca_id, profile_id, serial, subject, common_name, names, not_before, not_after, "
	    "spki_hash, der, requestor, source, key_type, owner, metadata, possession, status, revoked_at, reason) SELECT $1::int, $2::int, p.id, "
	    "$3::bytea, $4::text, '', '{}', to_timestamp($5::bigint), to_timestamp($6::bigint), $7::bytea, $8::bytea, $9::text, 'import', "
	    "$10::text, $11::text, $12::jsonb, $13::boolean, CASE WHEN v.reason IS NULL THEN 1 WHEN v.reason = 6 THEN 3 ELSE 2 END, v.revoked_at, "
	    "v.reason FROM profile p LEFT JOIN revocation v ON v.ca_id = $2::int AND v.serial = $3::bytea"
	    " WHERE p.tenant_id = $1::int AND p.name = 'sub-ca' ON CONFLICT (ca_id, serial) DO NOTHING RETURNING spki_hash, reason)"
	    " INSERT INTO blocked_key (spki_hash, reason, tenant_id) SELECT m.spki_hash, 'keyCompromise', CASE WHEN NOT $13::boolean THEN "
	    "$1::int END FROM made m WHERE m.reason = 1"
	    " ON CONFLICT DO NOTHING",
	    row, ARRAY_LEN(row), false, NULL, e);
}

/* The CA of ours with this key, if there is one. */
static int
find_known(struct job_run *j, struct import_ca *ca, const char **ret_status, bool *ret_has_key, bool *ret_same, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(j->tenant_id), DB_BYTES(ca->spki_hash, 32), DB_BYTES(ca->der.data, ca->der.len)};
	if (db_query(j->desk->db,
	             "SELECT id, status, key_ref <> '', certificate IS NOT DISTINCT FROM $3::bytea FROM ca WHERE tenant_id = $1::int AND "
	             "spki_hash = $2::bytea ORDER BY id LIMIT 1",
	             row, 3, false, &r, e) < 0)
		return -1;
	*ret_status = NULL;
	if (db_rows(r) == 0)
		return 0;
	ca->id = (int32_t)db_int(r, 0, 0);
	*ret_status = arena_strdup(j->arena, db_text(r, 0, 1));
	*ret_has_key = db_bool(r, 0, 2);
	*ret_same = db_bool(r, 0, 3);
	return 0;
}

static int
insert_ca(struct job_run *j, struct import_job *i, struct import_ca *ca, int32_t parent, const char *key_ref, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	const char *name = free_name(j, ca, e), *hex = arena_hex(j->arena, ca->ski.data, ca->ski.len);
	if (!name)
		return -1;
	struct db_param row[] = {DB_INT(j->tenant_id),
	                         DB_TEXT(name),
	                         parent ? DB_INT(parent) : DB_NULL,
	                         DB_TEXT(dn_text(j->arena, ca->cert.subject)),
	                         DB_BYTES(ca->der.data, ca->der.len),
	                         DB_BYTES(ca->ski.data, ca->ski.len),
	                         DB_BYTES(ca->spki_hash, 32),
	                         DB_TEXT(key_ref),
	                         DB_INT(ca->cert.not_before),
	                         DB_INT(ca->cert.not_after),
	                         DB_TEXT(arena_printf(j->arena, "%s/ocsp", i->base_url)),
	                         DB_TEXT(arena_printf(j->arena, "%s/crl/%s.crl", i->base_url, hex)),
	                         DB_TEXT(arena_printf(j->arena, "%s/ca/%s.crt", i->base_url, hex)),
	                         DB_INT(CRL_INTERVAL_SEC),
	                         DB_INT(CRL_OVERLAP_SEC),
	                         DB_TEXT(ca->root || parent ? "false" : "true"),
	                         DB_TEXT(ca->type->name),
	                         DB_TEXT(i->owner),
	                         DB_TEXT(i->metadata)};
	if (db_query(j->desk->db,
	             "INSERT INTO ca (tenant_id, name, status, parent_id, subject, certificate, ski, spki_hash, key_ref, not_before, "
	             "not_after, ocsp_url, crl_url, ca_url, crl_interval_sec, crl_overlap_sec, external, key_type, owner, metadata) VALUES "
	             "($1::int, $2::text, "
	             "'retired', $3::int, $4::text, $5::bytea, $6::bytea, $7::bytea, $8::text, to_timestamp($9::bigint), "
	             "to_timestamp($10::bigint), "
	             "$11::text, $12::text, $13::text, $14::int, $15::int, $16::boolean, $17::text, $18::text, $19::jsonb) RETURNING id",
	             row, ARRAY_LEN(row), false, &r, e) < 0)
		return -1;
	ca->id = (int32_t)db_int(r, 0, 0);
	return store_certificate(j, ca, ca->root ? ca->id : parent, "own", e);
}

/* The store signs with the key, and the certificate's key says so: what the store made of it is what signs from now on. */
static bool
store_signs(struct hsm *hsm, const struct import_ca *ca, const char *ref)
{
	struct authority alone = {.type = ca->type, .signature = ca->signature, .public_key = ca->public_key};
	uint8_t text[32], *signature = xcalloc(1, SIGNATURE_MAX_BYTES);
	size_t len = 0;
	struct error e;
	bool good = RAND_bytes(text, sizeof(text)) == 1 && hsm_key_load(hsm, ref, ca->public_key, &alone.private_key, &e) == 0 &&
	    authority_sign(&alone, NULL, (struct bytes){text, sizeof(text)}, signature, &len, &e) == 0;
	EVP_PKEY_CTX_free(alone.verify_ctx);
	authority_forget_key(&alone);
	free(signature);
	return good;
}

/* Into the key store. *ret_ref is empty when no key came along, and NULL, with the CA's fault, when the store doesn't sign with it. */
static int
keep_key(struct job_run *j, struct import_job *i, struct import_ca *ca, const char **ret_ref, struct error *e)
{
	char ref[HSM_REF_BYTES];
	struct error left;
	struct hsm *hsm = j->desk->hsm;
	*ret_ref = "";
	if (!ca->private_key)
		return 0;
	if (hsm_key_import(hsm, i->key_store ? i->key_store : "", ca->private_key, ca->type, "imported CA", ref, e) < 0)
		return -1;
	*ret_ref = arena_strdup(j->arena, ref);
	if (store_signs(hsm, ca, ref))
		return 0;
	*ret_ref = NULL;
	int away = hsm_ready(hsm, ref, e);
	if (hsm_key_delete(hsm, ref, ca->public_key, &left) < 0)
		log_error(LOG_LEVEL_WARNING, "a key that was imported and doesn't sign stays in the key store", &left);
	if (away < 0)
		return -1;
	ca->placed = false;
	ca->fault = "the key store makes no good signature with its private key";
	return 0;
}

static int
report(struct job_run *j, const char *status, const struct import_ca *ca, const char *what, struct error *e)
{
	return job_item(j, status, ca->where, arena_printf(j->arena, "ca/%d: %s%s", (int)ca->id, what, dn_text(j->arena, ca->cert.subject)), e);
}

/* The files of a CA are published under its key identifier, which its certificate says: one that another key has isn't taken, whosever that is. */
static int
identifier_is_free(struct job_run *j, const struct import_ca *ca, bool *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_BYTES(ca->ski.data, ca->ski.len), DB_INT(ca->id)};
	*ret = true;
	if (!ca->private_key)
		return 0;
	if (db_query(j->desk->db, "SELECT 1 FROM ca WHERE ski = $1::bytea AND key_ref <> '' AND id <> $2::int", row, 2, false, &r, e) < 0)
		return -1;
	*ret = db_rows(r) == 0;
	return 0;
}

/* Who brings a CA's key makes a CA that issues, which the right to import doesn't say. Asked when the key is taken: the files tell no sooner. */
static int
may_bring_keys(struct job_run *j, bool *ret, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param row[] = {DB_INT(j->account_id)};
	if (db_query(j->desk->db, "SELECT coalesce('cas.manage' = ANY (account_rights($1::int8)), false)", row, 1, false, &r, e) < 0)
		return -1;
	*ret = db_bool(r, 0, 0);
	return 0;
}

/* Why a CA isn't stored; NULL: it is. */
static int
refusal(struct job_run *j, const struct import_ca *ca, const char **ret, struct error *e)
{
	bool is_free, may = true;
	if (identifier_is_free(j, ca, &is_free, e) < 0 || (ca->private_key && may_bring_keys(j, &may, e) < 0))
		return -1;
	*ret = !is_free ? "another CA of this installation has its key identifier (RFC 5280 4.2.1.2), under which its CRLs are published"
	    : !may ? "it comes with its private key: who imports that needs the right cas.manage"
	    : ca->false_key && !ca->private_key ? "the private key that came along names its public key, but isn't the other half of it"
						: NULL;
	return 0;
}

static int
store_new_ca(struct job_run *j, struct import_job *i, struct import_ca *ca, int32_t parent, struct error *e)
{
	const char *ref;
	if (keep_key(j, i, ca, &ref, e) < 0)
		return -1;
	if (!ref)
		return 0;
	if (insert_ca(j, i, ca, parent, ref, e) < 0 || (parent && store_as_issued(j, i, ca, parent, e) < 0) ||
	    job_audit(j, "ca.imported", arena_printf(j->arena, "ca/%d", (int)ca->id),
	              detail_text(j->arena, "subject", dn_text(j->arena, ca->cert.subject), "key", ca->private_key ? "here" : "elsewhere", NULL),
	              e) < 0)
		return -1;
	return report(j, "done", ca, ca->private_key ? "CA with its key, " : "CA without its key, ", e);
}

static int
store_ca(struct job_run *j, struct import_job *i, struct import_ca *ca, int32_t parent, struct error *e)
{
	const char *status, *ref, *refused;
	bool has_key = false, same = false;
	if (find_known(j, ca, &status, &has_key, &same, e) < 0 || refusal(j, ca, &refused, e) < 0)
		return -1;
	if (refused) {
		ca->placed = false;
		ca->fault = refused;
		return 0;
	}
	if (!status)
		return store_new_ca(j, i, ca, parent, e);
	if (!same && (store_certificate(j, ca, parent, "cross", e) < 0 || (parent && store_as_issued(j, i, ca, parent, e) < 0)))
		return -1;
	if (has_key || !ca->private_key)
		return report(j, same ? "repeated" : "done", ca, same ? "CA, " : "another certificate of a CA, ", e);
	struct db_param row[] = {DB_INT(ca->id), DB_NULL};
	if (keep_key(j, i, ca, &ref, e) < 0)
		return -1;
	if (!ref)
		return 0;
	row[1] = DB_TEXT(ref);
	if (db_query(j->desk->db, "UPDATE ca SET key_ref = $2::text WHERE id = $1::int", row, 2, false, NULL, e) < 0)
		return -1;
	return report(j, "done", ca, "the key of a CA that was here without, ", e);
}

/* --- places --- */

/* Who signed it, among the CAs of the import: one that has its place, if there is one, for a key may have several certificates. */
static struct import_ca *
issuer_in_import(struct import_job *i, const struct import_ca *ca)
{
	struct import_ca *found = NULL;
	for (size_t k = 0; k < ca->n_issuers && !(found && found->placed); k++) {
		struct import_ca *other = &i->cas[ca->issuers[k]];
		if (!other->fault && (!found || other->placed))
			found = other;
	}
	return found;
}

/* Among those that were here before. */
static int32_t
issuer_here(struct job_run *j, struct import_ca *ca)
{
	struct error none;
	if (!ca->looked) {
		struct authority *known = import_issuer(j, ca->cert.issuer, ca->aki, ca->cert.tbs, ca->cert.signature_algorithm, ca->cert.signature,
							&none);
		ca->known = known ? known->id : 0;
	}
	ca->looked = true;
	return ca->known;
}

/* Places one when its issuer has its place. *ret_placed says so. */
static int
place(struct job_run *j, struct import_job *i, struct import_ca *ca, bool alone, bool *ret_placed, struct error *e)
{
	int32_t parent = 0;
	char number[24];
	if (!ca->root) {
		struct import_ca *issuer = issuer_in_import(i, ca);
		if (issuer && !issuer->placed)
			return 0;
		parent = issuer ? issuer->id : issuer_here(j, ca);
		if (!parent && !alone)
			return 0;
	}
	ca->placed = *ret_placed = true;
	if (store_ca(j, i, ca, parent, e) < 0)
		return -1;
	if (ca->placed)
		json_object_set_new(json_object_get(j->state, "placed"), db_int_text(number, ca - i->cas), json_integer(ca->id));
	return 0;
}

/* What earlier steps stored, of a process that is gone perhaps: files and their order are the same. */
static void
recall_places(struct job_run *j, struct import_job *i)
{
	const char *number;
	json_t *id;
	if (!json_object_get(j->state, "placed"))
		json_object_set_new(j->state, "placed", json_object());
	json_object_foreach(json_object_get(j->state, "placed"), number, id)
	{
		size_t k = strtoul(number, NULL, 10);
		if (k < i->n_cas) {
			i->cas[k].placed = true;
			i->cas[k].id = (int32_t)json_integer_value(id);
		}
	}
}

/* What goes into service at the end: CAs with keys. A root that issued for CAs alone stays offline. */
static void
wish_service(struct job_run *j, const struct import_job *i)
{
	json_t *list = json_array();
	for (size_t k = 0; k < i->n_cas; k++)
		if (i->cas[k].placed && i->cas[k].private_key)
			json_array_append_new(list, json_integer(i->cas[k].id));
	json_object_set_new(j->state, "serve", list);
}

/* One time through all of them. *ret_moved: one got its place. roots: these alone; alone: those whose issuer isn't here at all. */
static int
place_some(struct job_run *j, struct import_job *i, bool roots, bool alone, bool *ret_moved, struct error *e)
{
	*ret_moved = false;
	for (size_t k = 0; k < i->n_cas && !import_time_is_up(i); k++) {
		struct import_ca *ca = &i->cas[k];
		bool foreign = alone && !ca->root && !issuer_in_import(i, ca);
		if (!ca->placed && !ca->fault && (!roots || ca->root) && (!alone || foreign) && place(j, i, ca, alone, ret_moved, e) < 0)
			return -1;
	}
	return 0;
}

/* It may be left at any time, and is begun anew in the next step: what has its place keeps it. */
int
import_place(struct job_run *j, struct import_job *i, bool *ret_done, struct error *e)
{
	bool moved = false;
	recall_places(j, i);
	/* Roots before the cross-certificates of the same keys. */
	if ((i->n_cas && base_url(j, i, e) < 0) || place_some(j, i, true, false, &moved, e) < 0)
		return -1;
	/* Then those whose issuer is known; when none is left of them, one whose issuer isn't here at all. */
	for (bool alone = false;;) {
		if (place_some(j, i, false, alone, &moved, e) < 0)
			return -1;
		if (import_time_is_up(i))
			return 0;
		if (!moved && alone)
			break;
		alone = !moved;
	}
	for (size_t k = 0; k < i->n_cas; k++) {
		struct import_ca *ca = &i->cas[k];
		if (!ca->placed &&
		    job_item(j, "failed", ca->where,
		             ca->fault ? ca->fault : "the CAs certify each other in a circle, and none of them is a root or known here",
		             e) < 0)
			return -1;
	}
	wish_service(j, i);
	json_object_del(j->state, "placed");
	*ret_done = true;
	return 0;
}

/* Not one that was in service before and was retired, for which we made CRLs: it isn't brought back by whoever has a copy of its key. One whose
 * certificate its issuer revoked answers for what it issued, and issues no more. */
int
import_activate(struct job_run *j, struct import_job *i, struct error *e)
{
	size_t k;
	json_t *id;
	(void)i;
	json_array_foreach(json_object_get(j->state, "serve"), k, id)
	{
		struct db_param row[] = {DB_INT(json_integer_value(id)), DB_INT(j->tenant_id)};
		if (db_query(j->desk->db,
		             "UPDATE ca c SET crl_wanted_at = clock_timestamp(), status = CASE WHEN EXISTS (SELECT FROM certificate x WHERE "
		             "x.ca_id = c.parent_id AND x.spki_hash = c.spki_hash AND x.der = c.certificate AND x.status = 2) THEN 'revoked' "
		             "WHEN c.parent_id IS NULL AND NOT c.external "
		             "AND NOT EXISTS (SELECT FROM certificate x JOIN "
		             "profile p ON p.id = "
		             "x.profile_id WHERE x.ca_id = c.id AND p.definition ->> 'internal' IS DISTINCT FROM 'true') THEN 'offline' "
		             "ELSE 'active' END"
		             " WHERE c.id = $1::int AND c.tenant_id = $2::int AND c.status = 'retired' AND NOT EXISTS (SELECT FROM crl l "
		             "WHERE l.ca_id = c.id)",
		             row, 2, false, NULL, e) < 0)
			return -1;
	}
	return 0;
}
