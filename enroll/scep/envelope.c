/* pkcsPKIEnvelope (RFC 8894 3.2.2), in and out: by the registration authority's RSA key, or under the challenge. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/scep/scep.h"
#include "lib/limits.h"
#include "lib/x509/dn.h"
#include "lib/x509/oid.h"

enum { SECRETS_MAX = 8, ANSWER_ITERATIONS = 10000 };

#define UNANSWERABLE "the answer can't be encrypted to the signer's key, and there is no challenge to do it with (RFC 8894 3.1)"

/* One text for all that fails behind the encryption: who could tell wrong padding from a wrong content
 * would decrypt by asking often enough (Bleichenbacher's and Vaudenay's attacks). */
int
scep_hide(struct scep_exchange *x, const struct scep_message_type *type)
{
	x->hidden = true;
	x->fail = type->has_csr ? SCEP_BAD_MESSAGE_CHECK : SCEP_BAD_CERT_ID;
	return -1;
}

static bool
signs_with_rsa(const struct scep_message *m)
{
	struct error e;
	EVP_PKEY *key = NULL;
	const struct keytype *type = NULL;
	if (cms_public_key(m->signer_cert.spki, &type, &key, &e) < 0)
		return false;
	EVP_PKEY_free(key);
	return type->family == KEY_RSA;
}

/* With that content key: decrypted, and read as the type of the message wants it. */
static int
try_key(struct scep_exchange *x, const struct cms_enveloped *v, const struct secret *key, const struct scep_message_type *type,
        struct scep_opened *ret, struct error *e)
{
	struct scep_opened o = {.cipher = v->cipher};
	if (cms_decrypt(x->arena, v, key->data, &o.content, e) < 0 || scep_content_parse(type, o.content, &o.csr, e) < 0)
		return -1;
	*ret = o;
	return 0;
}

static const struct enroll_ra *
find_ra(const struct cms_enveloped *v, const struct enroll_ra *ras, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct error e;
		struct cert c;
		if (cert_parse(ras[i].certificate, &c, &e) < 0)
			continue;
		if (v->key_id.len == 0 && bytes_equal(v->issuer, c.issuer) && bytes_equal(v->serial, c.serial))
			return &ras[i];
		if (v->key_id.len && cert_has_key_id(&c, v->key_id))
			return &ras[i];
	}
	return NULL;
}

static int
open_by_key(struct scep_exchange *x, const struct cms_enveloped *v, const struct scep_message_type *type, const struct enroll_ra *ras, size_t n,
            const struct enroll_ra **ra, struct scep_opened *ret, struct error *e)
{
	CLEANUP(secret_free) struct secret *key = NULL;
	const char *scheme = scep_key_scheme(v);
	if (!scheme)
		return fail(e, E_UNSUPPORTED, "key encryption: RSAES-PKCS1-v1_5, and RSAES-OAEP with SHA-1 or SHA-256, are taken");
	const struct enroll_ra *found = find_ra(v, ras, n);
	if (!found) {
		(void)fail(e, E_FORBIDDEN, "the message is for another recipient");
		return scep_hide(x, type);
	}
	if (enroll_ra_decrypt(scep_enroll(x->scep), found, scheme, v->encrypted_key, v->cipher->key_bytes, &key, e) < 0)
		return -1;
	*ra = found;
	if (try_key(x, v, key, type, ret, e) == 0)
		return 0;
	if (type->has_csr)
		return scep_hide(x, type);
	*ret = (struct scep_opened){.cipher = v->cipher};
	return 0;
}

/* The challenge of the endpoint, and codes for somebody of the signer's name. code_id: one that is known to be meant. */
static int
find_sealed(struct scep_exchange *x, const struct scep_message *m, int64_t code_id, int64_t ret[SECRETS_MAX], int *ret_n, struct error *e)
{
	struct dn_value values[LIMIT_RDN_COUNT];
	size_t n_values = 0;
	const char *name = "";
	struct error none;
	if (dn_parse(x->arena, m->signer_cert.subject, values, ARRAY_LEN(values), &n_values, &none) < 0)
		n_values = 0;
	for (size_t i = 0; i < n_values; i++)
		if (strcmp(values[i].type->name, "CN") == 0)
			name = values[i].value;
	struct db_pool *pool = enroll_db(scep_enroll(x->scep));
	struct db *db = NULL;
	CLEANUP(db_result_free) struct db_result *res = NULL;
	if (db_pool_take(pool, &db, e) < 0)
		return -1;
	int result = db_query(db, "SELECT r_code_id FROM scep_sealed($1::int, $2::int8, $3::text, $4::int8)",
	                      (struct db_param[]){DB_INT(x->endpoint.tenant_id), DB_INT(x->endpoint.id), DB_TEXT(name), DB_INT(code_id)}, 4,
	                      false, &res, e);
	db_pool_give(pool, db);
	if (result < 0)
		return -1;
	int n = db_rows(res) < SECRETS_MAX ? db_rows(res) : SECRETS_MAX;
	for (int i = 0; i < n; i++)
		ret[i] = db_int(res, i, 0);
	*ret_n = n;
	return 0;
}

static struct enroll_ra_password
password_of(const struct scep_exchange *x, int64_t code_id, const struct scep_password *p)
{
	return (struct enroll_ra_password){
	    .tenant_id = x->endpoint.tenant_id,
	    .endpoint_id = code_id ? 0 : x->endpoint.id,
	    .code_id = code_id,
	    .salt = p->salt,
	    .iterations = (int)p->iterations,
	    .prf = p->prf,
	    .cipher = p->cipher->engine,
	    .iv = p->iv,
	};
}

/* The answer goes under the same password. */
static void
take_password(struct scep_exchange *x, int64_t code, const struct scep_password *p)
{
	x->password.is_set = true;
	x->password.code_id = code;
	x->password.iterations = p->iterations;
}

static int
open_by_password(struct scep_exchange *x, const struct scep_message *m, const struct cms_enveloped *v, const struct scep_message_type *type,
                 struct scep_opened *ret, struct error *e)
{
	struct scep_password p = {0};
	int64_t codes[SECRETS_MAX];
	int n = 0;
	/* RFC 8894 3.1: only for keys that can't encrypt; it also keeps strangers from making us derive keys by passwords, which is work. */
	if (signs_with_rsa(m))
		return fail(e, E_UNSUPPORTED, "what an RSA key signed is encrypted to the registration authority, not by a password (RFC 8894 3.1)");
	if (scep_password_parse(v, &p, e) < 0)
		return -1;
	if (p.cipher->legacy && !x->legacy)
		return fail(e, E_UNSUPPORTED, "PWRI-KEK: %s isn't taken here", p.cipher->name);
	const char *key = scep_throttle_key(x);
	if (throttle_check(key, e) < 0 || find_sealed(x, m, 0, codes, &n, e) < 0)
		return -1;
	bool found = false;
	for (int i = 0; i < n; i++) {
		CLEANUP(secret_free) struct secret *content_key = NULL;
		struct scep_opened one;
		struct enroll_ra_password q = password_of(x, codes[i], &p);
		if (enroll_ra_password_unwrap(scep_enroll(x->scep), &q, v->encrypted_key, v->cipher->key_bytes, &content_key, e) < 0)
			return -1;
		if (found || try_key(x, v, content_key, type, &one, e) < 0)
			continue;
		found = true;
		*ret = one;
		take_password(x, codes[i], &p);
		if (type->has_csr)
			return 0; /* its content has a signature of its own: which challenge it was shows to nobody else */
	}
	/* Of a type without a request all are tried, and when none opens it the content is empty, as with a key: neither time nor answer says it. */
	if (!type->has_csr && n > 0) {
		if (!found) {
			*ret = (struct scep_opened){.cipher = v->cipher};
			take_password(x, codes[0], &p);
		}
		return 0;
	}
	if (type->has_csr)
		throttle_failed(key);
	(void)fail(e, E_FORBIDDEN, "the message is under none of the challenges that are open here");
	return scep_hide(x, type);
}

int
scep_open_envelope(struct scep_exchange *x, const struct scep_message *m, const struct scep_message_type *type, const struct enroll_ra *ras,
                   size_t n_ras, const struct enroll_ra **ra, struct scep_opened *ret, struct error *e)
{
	struct cms_enveloped v;
	if (!m->cms.has_content)
		return fail(e, E_MALFORMED, "the message has no pkcsPKIEnvelope (RFC 8894 3.2.2)");
	if (cms_enveloped_parse(x->arena, m->cms.content, &v, e) < 0)
		return -1;
	if (v.cipher->legacy && !x->legacy)
		return fail(e, E_UNSUPPORTED, "the content's cipher isn't taken here: %s", v.cipher->name);
	if (!bytes_equal(v.content_type, OID_PKCS7_DATA))
		return fail(e, E_MALFORMED, "the pkcsPKIEnvelope holds something else than data (RFC 8894 3.2.2)");
	if (v.kind == CMS_PASSWORD)
		return open_by_password(x, m, &v, type, ret, e);
	/* Told before anything is decrypted: behind that it would say that the content is right. */
	if (!type->has_csr && !signs_with_rsa(m))
		return fail(e, E_UNSUPPORTED, UNANSWERABLE);
	return open_by_key(x, &v, type, ras, n_ras, ra, ret, e);
}

int
scep_check_answerable(struct scep_exchange *x, const struct scep_message *m, const struct scep_grant *g, struct error *e)
{
	int64_t codes[SECRETS_MAX];
	int n = 0;
	if (x->password.is_set || signs_with_rsa(m))
		return 0;
	if (g->challenge.len && find_sealed(x, m, g->code_id, codes, &n, e) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (codes[i] == g->code_id) {
			x->password.is_set = true;
			x->password.code_id = g->code_id;
			return 0;
		}
	return fail(e, E_UNSUPPORTED, UNANSWERABLE);
}

/* cms_recipient's wrap. */
static int
wrap(void *ctx, struct arena *a, struct bytes content_key, struct bytes *ret_derivation, struct bytes *ret_algorithm, struct bytes *ret_encrypted_key,
     struct error *e)
{
	const struct scep_exchange *x = ctx;
	uint8_t random[16 + CMS_IV_BYTES];
	if (RAND_bytes(random, sizeof(random)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	struct scep_password p = {
	    .salt = {random, 16},
	    .iterations = x->password.iterations > ANSWER_ITERATIONS ? x->password.iterations : ANSWER_ITERATIONS,
	    .prf = "hmac-sha256",
	    .cipher = cms_cipher_by_name(content_key.len == 32 ? "AES-256-CBC" : content_key.len == 16 ? "AES-128-CBC" : "AES-192-CBC"),
	    .iv = {random + 16, CMS_IV_BYTES},
	};
	struct enroll_ra_password q = password_of(x, x->password.code_id, &p);
	if (scep_password_encode(a, &p, ret_derivation, ret_algorithm, e) < 0)
		return -1;
	return enroll_ra_password_wrap(scep_enroll(x->scep), &q, content_key, a, ret_encrypted_key, e);
}

static int
encrypt(struct scep_exchange *x, const struct scep_message *m, const struct scep_answer *answer, struct bytes *ret, struct error *e)
{
	struct cms_recipient to = {.kind = CMS_KEY_TRANSPORT, .certificate = m->signer};
	if (x->password.is_set)
		to = (struct cms_recipient){.kind = CMS_PASSWORD, .wrap = wrap, .ctx = x};
	return cms_enveloped_encode(x->arena, OID_PKCS7_DATA, answer->content, answer->cipher, &to, ret, e);
}

int
scep_reply(struct scep_exchange *x, const struct scep_message *m, const struct enroll_ra *ra, const struct scep_answer *answer, struct bytes *ret,
           struct error *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE], nonce[16];
	size_t len = 0;
	struct bytes envelope = {0};
	Siegel__RaSign q;
	Siegel__ScepReply r;
	struct enroll_ra_signature made;
	bool success = answer->status == SCEP_SUCCESS;
	/* Cisco's clients take an answer in their own digest and cipher alone. */
	const struct cms_digest *md = m->cms.signer.digest;
	if (md->legacy && !x->legacy)
		md = cms_digest_by_oid(OID_SHA256);
	if (success && encrypt(x, m, answer, &envelope, e) < 0)
		return -1;
	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (success && EVP_Q_digest(NULL, md->name, NULL, envelope.data, envelope.len, digest, &len) != 1)
		return fail(e, E_INTERNAL, "no digest by %s", md->name);
	siegel__ra_sign__init(&q);
	siegel__scep_reply__init(&r);
	r.transaction_id = arena_strdup(x->arena, m->transaction);
	r.pki_status = answer->status;
	r.fail_info = answer->fail;
	r.fail_text = arena_strdup(x->arena, answer->status == SCEP_FAILURE && answer->text ? answer->text : "");
	r.sender_nonce = (ProtobufCBinaryData){.len = sizeof(nonce), .data = nonce};
	if (m->sender_nonce.len)
		r.recipient_nonce = (ProtobufCBinaryData){
		    .len = m->sender_nonce.len,
		    .data = arena_dup(x->arena, m->sender_nonce.data, m->sender_nonce.len),
		};
	q.digest = arena_strdup(x->arena, md->engine);
	q.content_digest = (ProtobufCBinaryData){.len = len, .data = len ? digest : NULL};
	q.answer_case = SIEGEL__RA_SIGN__ANSWER_SCEP_REPLY;
	q.scep_reply = &r;
	if (enroll_ra_sign(scep_enroll(x->scep), ra, &q, x->arena, &made, e) < 0)
		return -1;
	const struct cms_signature s = {made.signed_attributes, made.digest_algorithm, made.signature_algorithm, made.signature, ra->certificate,
	                                NULL, 0};
	return cms_signed_encode(x->arena, OID_PKCS7_DATA, envelope, success, &s, ret, e);
}
