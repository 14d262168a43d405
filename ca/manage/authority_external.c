/* Certificates that cross the border of the house: for a CA of ours by an issuer elsewhere, and for a key from elsewhere by a CA of ours. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/x509/csr.h"
#include "ca/manage/authority.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

#define MAX_CHAIN 16 /* certificates that may be given */

DEFINE_CLEANUP(X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free)
DEFINE_CLEANUP(BIO, BIO_free)

static void
stack_free(STACK_OF(X509) * s)
{
	sk_X509_pop_free(s, X509_free);
}

struct installation {
	struct ca_state ca;
	int32_t predecessor_id;        /* whose name and place it takes; 0: none */
	STACK_OF(X509) * given, *path; /* path: from its own certificate to the root */
	struct bytes ders[MAX_CHAIN];  /* of path */
	size_t n;
	struct cert own;
	struct bytes ski, above;
};

static int
read_given(struct manage *m, struct installation *in, struct error *e)
{
	const char *text;
	if (manage_text(m, "certificate", MANAGE_REQUIRED, 0, &text, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	BIO *bio CLEANUP(BIO_free) = BIO_new_mem_buf(text, -1);
	in->given = sk_X509_new_null();
	X509 *x;
	while (bio && in->given && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(in->given, x) > MAX_CHAIN)
			return fail_at(e, E_BAD_VALUE, "certificate", "certificate: more than %d are given", MAX_CHAIN);
	bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (!in->given || sk_X509_num(in->given) == 0 || !ended)
		return fail_at(e, E_BAD_VALUE, "certificate", "certificate: PEM is wanted, the CA's own and those over it up to the root");
	return 0;
}

static struct bytes
der_of_x509(struct manage *m, X509 *x)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	struct bytes b = {arena_dup(m->arena, der ? der : (const unsigned char *)"", len > 0 ? (size_t)len : 0), len > 0 ? (size_t)len : 0};
	OPENSSL_free(der);
	return b;
}

/* The one for the CA's key. */
static X509 *
find_own(struct manage *m, const struct installation *in)
{
	for (int i = 0; i < sk_X509_num(in->given); i++) {
		struct cert c;
		struct error e;
		uint8_t hash[32];
		if (cert_parse(der_of_x509(m, sk_X509_value(in->given, i)), &c, &e) == 0 &&
		    EVP_Digest(c.spki.data, c.spki.len, hash, NULL, EVP_sha256(), NULL) == 1 &&
		    bytes_equal(in->ca.spki_hash, (struct bytes){hash, sizeof(hash)}))
			return sk_X509_value(in->given, i);
	}
	return NULL;
}

/* The path to a root among those that were given, by the library (RFC 5280 6.1): signatures, names, validity, name constraints, path length. */
static int
verify(struct installation *in, X509 *own, struct error *e)
{
	X509_STORE *roots CLEANUP(X509_STORE_free) = X509_STORE_new();
	X509_STORE_CTX *ctx CLEANUP(X509_STORE_CTX_free) = X509_STORE_CTX_new();
	int n_roots = 0;
	if (!roots || !ctx)
		return fail(e, E_INTERNAL, "no memory");
	for (int i = 0; i < sk_X509_num(in->given); i++) {
		X509 *x = sk_X509_value(in->given, i);
		if (x != own && X509_self_signed(x, 1) == 1 && X509_STORE_add_cert(roots, x) == 1)
			n_roots++;
	}
	if (n_roots == 0)
		return fail_at(e, E_POLICY, "certificate", "certificate: no root is among those that are given: all certificates over the CA are"
		    " wanted");
	X509_STORE_set_flags(roots, X509_V_FLAG_CHECK_SS_SIGNATURE); /* not X509_STRICT: many a root lacks a key usage */
	if (X509_STORE_CTX_init(ctx, roots, own, in->given) != 1)
		return fail(e, E_INTERNAL, "no memory");
	if (X509_verify_cert(ctx) != 1) {
		int at = X509_STORE_CTX_get_error_depth(ctx), why = X509_STORE_CTX_get_error(ctx);
		ERR_clear_error();
		return fail_at(e, E_POLICY, "certificate", "certificate: the chain doesn't verify, %d over the CA's own: %s (RFC 5280 6.1)", at,
			       X509_verify_cert_error_string(why));
	}
	in->path = X509_STORE_CTX_get1_chain(ctx);
	return in->path ? 0 : fail(e, E_INTERNAL, "no memory");
}

/* As issuers of what this CA is to issue: one more CA below each (RFC 5280 6.1.4 (m)), which the verification of a CA's own certificate
 * doesn't look at. */
static int
check_path_length(const struct installation *in, struct error *e)
{
	int between = 1; /* this CA itself */
	for (size_t i = 1; i < in->n; i++) {
		X509 *x = sk_X509_value(in->path, (int)i);
		long most = X509_get_pathlen(x);
		if (most >= 0 && between > most)
			return fail_at(e, E_POLICY, "certificate", "certificate: what stands %zu over the CA allows %ld CAs below it (RFC 5280"
			    " 4.2.1.9)", i, most);
		if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) != 0)
			between++;
	}
	return 0;
}

static int
check_own(struct manage *m, struct installation *in, X509 *own, struct error *e)
{
	struct csr csr;
	const struct cert_extension *ski;
	uint32_t usage = X509_get_key_usage(own);
	if (csr_parse(in->ca.csr, &csr, e) < 0 || cert_parse(in->ders[0], &in->own, e) < 0)
		return fail_at(e, E_BAD_VALUE, "certificate", "certificate: %s", arena_strdup(m->arena, e->detail));
	if (!bytes_equal(in->own.subject, csr.subject)) {
		const unsigned char *p = csr.subject.data;
		X509_NAME *wanted = d2i_X509_NAME(NULL, &p, (long)csr.subject.len);
		bool same = wanted && X509_NAME_cmp(wanted, X509_get_subject_name(own)) == 0;
		X509_NAME_free(wanted);
		if (!same)
			return fail_at(e, E_POLICY, "certificate", "certificate: its subject is %s, and %s was asked for", dn_text(m->arena,
			    in->own.subject),
				       in->ca.subject_text);
	}
	if (!cert_is_ca(&in->own))
		return fail_at(e, E_POLICY, "certificate", "certificate: it isn't that of a CA (RFC 5280 4.2.1.9)");
	if (usage != UINT32_MAX && (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != (KU_KEY_CERT_SIGN | KU_CRL_SIGN))
		return fail_at(e, E_POLICY, "certificate", "certificate: its key usage lacks keyCertSign or cRLSign (RFC 5280 4.2.1.3)");
	/* Whoever issued it chose the key identifier; what we issue has to repeat it (RFC 5280 4.2.1.1). */
	in->ski = in->ca.ski;
	ski = cert_extension_find(&in->own, OID_SKI);
	struct der d = der_of(ski ? ski->value : (struct bytes){0}), id;
	if (ski && (der_get(&d, DER_OCTET_STRING, "key identifier", &id, e) < 0 || der_end(&d, "key identifier", e) < 0))
		return fail_at(e, E_BAD_VALUE, "certificate", "certificate: its key identifier can't be read");
	if (ski)
		in->ski = der_bytes(&id);
	return in->ski.len >= 1 && in->ski.len <= 64 ? 0 : fail_at(e, E_BAD_VALUE, "certificate", "certificate: a key identifier of 1 to 64"
	    " octets is wanted");
}

static int
check(struct manage *m, struct installation *in, struct error *e)
{
	struct buf above BUF_CLEANUP = BUF_INIT(MAX_CHAIN * LIMIT_CERT_BYTES);
	X509 *own = find_own(m, in);
	if (!own)
		return fail_at(e, E_POLICY, "certificate", "certificate: none of those that are given is for the CA's key");
	if (verify(in, own, e) < 0)
		return -1;
	in->n = (size_t)sk_X509_num(in->path);
	for (size_t i = 0; i < in->n && i < MAX_CHAIN; i++) {
		in->ders[i] = der_of_x509(m, sk_X509_value(in->path, (int)i));
		if (i > 0)
			der_put_raw(&above, in->ders[i]);
	}
	in->above = (struct bytes){arena_dup(m->arena, above.data ? above.data : (const uint8_t *)"", above.len), above.len};
	return check_own(m, in, own, e) < 0 ? -1 : check_path_length(in, e);
}

/* The row: its files and URLs are named by the key identifier. */
static int
certify_row(struct manage *m, const struct installation *in, struct error *e)
{
	const char *status = strcmp(in->ca.status, "pending") == 0 ? "active" : in->ca.status;
	struct db_param p[] = {DB_INT(in->ca.id), DB_BYTES(in->own.whole.data, in->own.whole.len), DB_INT(in->own.not_before),
	    DB_INT(in->own.not_after), DB_BYTES(in->ski.data, in->ski.len), in->above.len ? DB_BYTES(in->above.data, in->above.len) : DB_NULL,
	    DB_TEXT(status)};
	if (db_query(m->desk->db,
			"UPDATE ca SET certificate = $2::bytea, not_before = to_timestamp($3::bigint), not_after = to_timestamp($4::bigint),"
			" ski = $5::bytea,"
			" above = $6::bytea, status = $7::text, crl_url = replace(crl_url, encode(ski, 'hex'), encode($5::bytea, 'hex')),"
			" ca_url = replace(ca_url, encode(ski, 'hex'), encode($5::bytea, 'hex')), version = version + 1 WHERE id = $1::int",
			p, ARRAY_LEN(p), false, NULL, e) == 0)
		return 0;
	return manage_taken(m, "certificate",
	                    "certificate: its key identifier is that of another CA here, whose files it names; its issuer has to choose another",
	                    e);
}

static const char *
fingerprint(struct manage *m, struct bytes der)
{
	uint8_t digest[32] = {0};
	return EVP_Digest(der.data, der.len, digest, NULL, EVP_sha256(), NULL) == 1 ? arena_hex(m->arena, digest, sizeof(digest)) : "";
}

static int
install(struct manage *m, void *ctx, struct error *e)
{
	struct installation *in = ctx;
	struct db_param id[] = {DB_INT(in->ca.id)};
	int32_t tenant = m->who->tenant_id;
	if (certify_row(m, in, e) < 0 || found_keep(m->desk->db, tenant, in->ca.id, 0, "own", in->own.whole, e) < 0 ||
	    (in->ca.certificate.len && !bytes_equal(in->ca.certificate, in->own.whole) &&
	     found_keep(m->desk->db, tenant, in->ca.id, 0, "previous", in->ca.certificate, e) < 0) ||
	    db_query(m->desk->db, "DELETE FROM ca_certificate WHERE ca_id = $1::int AND kind = 'chain'", id, 1, false, NULL, e) < 0)
		return -1;
	for (size_t i = 1; i < in->n; i++)
		if (found_keep(m->desk->db, tenant, in->ca.id, 0, "chain", in->ders[i], e) < 0)
			return -1;
	if (in->predecessor_id) {
		struct ca_state old;
		int64_t id_of_this = m->id;
		m->id = in->predecessor_id;
		int rc = ca_read(m, &old, e);
		m->id = id_of_this;
		if (rc < 0 || ca_take_over(m, &old, in->ca.id, e) < 0)
			return -1;
	}
	m->ret_id = in->ca.id;
	m->object = ca_object(m, in->ca.id);
	return manage_audit(m, m->op->action, m->object,
			    detail_text(m->arena, "name", in->ca.name, "issuer", dn_text(m->arena, in->own.issuer), "sha256",
					fingerprint(m, in->own.whole), NULL), e);
}

static int
find_predecessor(struct manage *m, struct installation *in, struct error *e)
{
	struct db_result *r CLEANUP(db_result_free) = NULL;
	struct db_param id[] = {DB_INT(in->ca.id)};
	if (strcmp(in->ca.status, "pending") != 0)
		return 0;
	if (db_query(m->desk->db, "SELECT id FROM ca WHERE successor_id = $1::int AND status <> 'superseded'", id, 1, false, &r, e) < 0)
		return -1;
	in->predecessor_id = db_rows(r) ? (int32_t)db_int(r, 0, 0) : 0;
	return 0;
}

int
ca_install(struct manage *m, struct error *e)
{
	struct installation in = {0};
	int rc = ca_read(m, &in.ca, e);
	if (rc == 0 && !in.ca.external)
		rc = fail(e, E_CONFLICT, "the CA's issuer is one of ours: it is renewed, not installed");
	if (rc == 0 && (strcmp(in.ca.status, "retired") == 0 || strcmp(in.ca.status, "revoked") == 0 || strcmp(in.ca.status, "superseded") == 0))
		rc = fail(e, E_CONFLICT, "the CA is %s", in.ca.status);
	if (rc == 0)
		rc = read_given(m, &in, e) < 0 || check(m, &in, e) < 0 || find_predecessor(m, &in, e) < 0 ? -1 : ca_transaction(m, install, &in, e);
	if (rc == 0)
		ca_first_crl(m, in.ca.id);
	stack_free(in.given);
	stack_free(in.path);
	return rc;
}

/* --- cross-certificates --- */

struct crossing {
	struct ca_state issuer;
	struct authority *of; /* the other CA when it is one of ours; NULL: a foreign one */
	bool proven;          /* its key is here, or signed its request */
	struct bytes subject, algorithm, bits;
	int64_t not_after;    /* of the other's own certificate; 0: not known */
	EVP_PKEY *key;
	struct profile *profile;
	struct order *order;
	struct ca_request request;
};

static int
take_certificate(struct manage *m, struct crossing *x, struct bytes der, const char *pointer, struct error *e)
{
	struct cert c;
	struct der spki, content;
	if (cert_parse(der, &c, e) < 0)
		return fail_at(e, E_BAD_VALUE, pointer, "%s: %s", pointer, arena_strdup(m->arena, e->detail));
	if (!cert_is_ca(&c))
		return fail_at(e, E_POLICY, pointer, "%s: it isn't that of a CA (RFC 5280 4.2.1.9)", pointer);
	spki = der_of(c.spki);
	if (der_get(&spki, DER_SEQUENCE, "public key", &content, e) < 0 || der_get_any(&content, "public key", NULL, &x->algorithm, NULL, e) < 0 ||
	    der_get_bits(&content, "public key", &x->bits, e) < 0)
		return -1;
	x->subject = c.subject;
	x->not_after = c.not_after;
	return 0;
}

static int
take_csr(struct crossing *x, struct bytes der, struct error *e)
{
	struct csr csr;
	const struct keytype *type;
	if (csr_parse(der, &csr, e) < 0 || publickey_load(csr.spki_algorithm, csr.key, &type, &x->key, e) < 0 || csr_verify(&csr, type, x->key,
	    e) < 0)
		return fail_again(e, e->code, "csr");
	x->subject = csr.subject;
	x->proven = true;
	return 0;
}

/* Whose key it is: a CA of ours by name, a certificate or a request of one elsewhere. */
static int
read_other(struct manage *m, struct crossing *x, struct error *e)
{
	const char *name, *certificate, *csr;
	const struct keytype *type;
	struct bytes der = {0};
	if (manage_text(m, "ca", 0, NAME_TEXT_MAX, &name, e) < 0 || manage_text(m, "certificate", 0, 0, &certificate, e) < 0 ||
	    manage_text(m, "csr", 0, 0, &csr, e) < 0)
		return -1;
	if ((name != NULL) + (certificate != NULL) + (csr != NULL) != 1)
		return fail_at(e, E_BAD_VALUE, "ca", "one of ca, certificate and csr is wanted");
	if (csr)
		return pem_decode(m->arena, csr, strlen(csr), "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, e) < 0
		    ? fail_at(e, E_BAD_VALUE, "csr", "csr: %s", arena_strdup(m->arena, e->detail))
		    : take_csr(x, der, e);
	if (name) {
		x->of = registry_authority(m->desk->registry, m->who->tenant_id, name);
		if (!x->of)
			return fail_at(e, E_NOT_FOUND, "ca", "ca: there is none of this name");
		if (x->of->id == x->issuer.id)
			return fail_at(e, E_BAD_VALUE, "ca", "ca: it is the issuer itself");
		der = x->of->cert.whole;
		x->proven = *x->of->key_ref != '\0';
	} else if (pem_decode(m->arena, certificate, strlen(certificate), "CERTIFICATE", NULL, &der, e) < 0) {
		return fail_at(e, E_BAD_VALUE, "certificate", "certificate: %s", arena_strdup(m->arena, e->detail));
	}
	if (take_certificate(m, x, der, name ? "ca" : "certificate", e) < 0)
		return -1;
	return publickey_load(x->algorithm, x->bits, &type, &x->key, e);
}

static int
keep_cross(struct manage *m, void *ctx, struct error *e)
{
	struct crossing *x = ctx;
	struct founder f = ca_founder(m);
	struct bytes der = {x->order->certificate.data, x->order->certificate.len};
	if (found_store(&f, x->order, e) < 0 ||
	    found_keep(m->desk->db, m->who->tenant_id, x->of ? x->of->id : x->issuer.id, x->issuer.id, "cross", der, e) < 0)
		return -1;
	return manage_audit(m, m->op->action, m->object,
			    detail_text(m->arena, "issuer", x->issuer.name, "subject", x->order->subject_text, "serial",
					arena_hex(m->arena, x->order->tbs_input.serial, x->order->tbs_input.serial_len), NULL), e);
}

static int
cross(struct manage *m, struct crossing *x, struct error *e)
{
	struct founder f = ca_founder(m);
	int32_t profile_id;
	struct error ignored;
	ca_request_init(m, &x->request);
	if (ca_read(m, &x->issuer, e) < 0 || read_other(m, x, e) < 0 || ca_request_days(m, &x->request, e) < 0 ||
	    ca_profile(m, 0, "sub-ca", true, &x->profile, &profile_id, e) < 0 || manage_body_end(m, e) < 0 ||
	    ca_request_same_subject(m, &x->request, x->subject, e) < 0)
		return -1;
	struct found_wish w = {.issuer = registry_authority_by_id(m->desk->registry, x->issuer.id), .profile = x->profile, .key = x->key,
			       .exact_subject = x->subject, .not_after = x->not_after, .issue = &x->request.issue, .unproven = !x->proven};
	if (!w.issuer)
		return fail(e, E_CONFLICT, "the CA waits for its certificate");
	if (found_sign(&f, &w, &x->order, e) < 0) {
		if (db_alive(m->desk->db) && intents_abandon(m->desk->db, m->desk->chain_name, &ignored) < 0)
			return -1; /* the first failure is the one that is told */
		return -1;
	}
	if (ca_transaction(m, keep_cross, x, e) < 0)
		return -1;
	m->ret_result = json_object();
	json_object_set_new(m->ret_result, "certificate",
			    json_string(pem_encode(m->arena, "CERTIFICATE", (struct bytes){x->order->certificate.data, x->order->certificate.len})));
	return 0;
}

int
ca_cross(struct manage *m, struct error *e)
{
	struct crossing x = {0};
	int rc = cross(m, &x, e);
	EVP_PKEY_free(x.key);
	order_free(x.order);
	profile_free(x.profile);
	return rc;
}
