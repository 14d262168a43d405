#include "enroll/est/protection.h"
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>
#include "lib/ipc/engine.h"
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "lib/x509/oid.h"

#define OID_CAPABILITIES OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0f")              /* RFC 8551 2.5.2 */
#define OID_DECRYPT_KEY_ID OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x25")    /* RFC 7030 4.4.1.1 */
#define OID_ASYMM_DECRYPT_KEY_ID OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x36") /* RFC 7030 4.4.1.2 */
#define OID_KEY_PACKAGE OID_BYTES("\x60\x86\x48\x01\x65\x02\x01\x02\x4e\x05")           /* RFC 5958 4 */
#define IDENTIFIER_MAX 200

void
protection_clear(struct protection *p)
{
	secret_free(p->content_key);
	p->content_key = NULL;
}

/* An attribute that may be missing; then *ret_is_there is false. */
static int
get_attribute(const struct csr *csr, struct bytes oid, int tag, const char *what, bool *ret_is_there, struct bytes *ret, struct error *e)
{
	*ret_is_there = csr_attribute(csr, oid, tag, what, ret, e) == 0;
	return *ret_is_there || e->code == E_NOT_FOUND ? 0 : -1;
}

/* --- keys by identifier --- */

/* Subject key identifier, or SHA-256 of the SubjectPublicKeyInfo. */
static bool
is_key_of(struct bytes certificate, struct bytes identifier)
{
	struct error e;
	struct cert c;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	if (!certificate.len || cert_parse(certificate, &c, &e) < 0)
		return false;
	SHA256(c.spki.data, c.spki.len, hash);
	return bytes_equal(identifier, (struct bytes){hash, sizeof(hash)}) || cert_has_key_id(&c, identifier);
}

/* The certificate that the client shows, or one of ours of the tenant that is good. */
static int
find_certificate(struct est_exchange *x, struct bytes identifier, struct bytes *ret, struct error *e)
{
	CLEANUP(db_result_free) struct db_result *r = NULL;
	const struct db_param row[] = {DB_BYTES(identifier.data, identifier.len)};
	if (x->has_certificate && is_key_of(x->shown.certificate, identifier)) {
		*ret = x->shown.certificate;
		return 0;
	}
	if (identifier.len == SHA256_DIGEST_LENGTH) {
		if (enroll_query(est_enroll(x->est), x->door.tenant_id, "SELECT certificate_of_key($1::bytea)", row, 1, &r, e) < 0)
			return -1;
		if (!db_is_null(r, 0, 0)) {
			*ret = db_bytes(r, 0, 0, x->request->arena);
			return 0;
		}
	}
	return fail(e, E_NOT_FOUND,
	            "AsymmetricDecryptKeyIdentifier: neither the client certificate's subjectKeyIdentifier nor SHA-256 of the public key of a"
	            " certificate that is good here (RFC 7030 4.4.1.2)");
}

/* What the engine wraps under the secret of that name. */
static int
wrap(struct est_exchange *x, struct bytes identifier, struct protection *p, struct error *e)
{
	struct arena *a = x->request->arena;
	Siegel__Request q = SIEGEL__REQUEST__INIT;
	Siegel__WrapKey m = SIEGEL__WRAP_KEY__INIT;
	Siegel__Reply *reply;
	m.tenant_id = x->door.tenant_id;
	m.identifier = (ProtobufCBinaryData){.len = identifier.len, .data = arena_dup(a, identifier.data, identifier.len)};
	m.content_key = (ProtobufCBinaryData){.len = p->content_key->len, .data = p->content_key->data};
	q.operation_case = SIEGEL__REQUEST__OPERATION_WRAP_KEY;
	q.wrap_key = &m;
	if (enroll_call(est_enroll(x->est), &q, &reply, e) < 0)
		return -1;
	int rc = -1;
	if (reply->result_case != SIEGEL__REPLY__RESULT_WRAPPED_KEY)
		(void)fail(e, E_INTERNAL, "the engine answered something else than a wrapped key");
	else
		rc = recipient_for_secret(a, identifier,
		                          (struct bytes){reply->wrapped_key->encrypted_key.data, reply->wrapped_key->encrypted_key.len},
		                          reply->wrapped_key->kek_bytes, &p->wishes, p, e);
	engine_reply_free(reply);
	return rc;
}

static int
make_recipient(struct est_exchange *x, bool symmetric, struct bytes identifier, struct protection *p, struct error *e)
{
	struct bytes certificate;
	if (identifier.len == 0 || identifier.len > IDENTIFIER_MAX)
		return fail(e, E_BAD_CSR, "the identifier of the key to encrypt for has 1 to %d octets", IDENTIFIER_MAX);
	p->content_key = secret_new(NULL, p->wishes.cipher->key_bytes);
	if (RAND_priv_bytes(p->content_key->data, (int)p->content_key->len) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (symmetric)
		return wrap(x, identifier, p, e);
	return find_certificate(x, identifier, &certificate, e) < 0
	    ? -1
	    : recipient_for_certificate(x->request->arena, certificate, (struct bytes){p->content_key->data, p->content_key->len}, &p->wishes, p, e);
}

int
protection_find(struct est_exchange *x, struct bytes der, struct protection *ret, struct error *e)
{
	struct bytes kek = {0}, key = {0}, capabilities = {0};
	bool has_kek, has_key, has_capabilities;
	struct csr csr;
	*ret = (struct protection){0};
	if (csr_parse(der, &csr, e) < 0 ||
	    get_attribute(&csr, OID_DECRYPT_KEY_ID, DER_OCTET_STRING, "DecryptKeyIdentifier", &has_kek, &kek, e) < 0 ||
	    get_attribute(&csr, OID_ASYMM_DECRYPT_KEY_ID, DER_OCTET_STRING, "AsymmetricDecryptKeyIdentifier", &has_key, &key, e) < 0 ||
	    get_attribute(&csr, OID_CAPABILITIES, DER_SEQUENCE, "SMIMECapabilities", &has_capabilities, &capabilities, e) < 0)
		return -1;
	if (has_kek && has_key)
		return fail(e, E_BAD_CSR, "DecryptKeyIdentifier and AsymmetricDecryptKeyIdentifier: one of them is wanted (RFC 7030 4.4.1)");
	if (!has_kek && !has_key) {
		if (has_capabilities) /* who says how to encrypt gets nothing that isn't */
			return fail(e, E_BAD_CSR, "SMIMECapabilities without an identifier of the key to encrypt for (RFC 7030 4.4.1)");
		if (strcmp(endpoint_text(&x->door, x->request->arena, "key_delivery", "any"), "encrypted") == 0)
			return fail(e, E_POLICY, "this path hands out keys encrypted alone: name a key by DecryptKeyIdentifier or"
			                         " AsymmetricDecryptKeyIdentifier (RFC 7030 4.4.1)");
		return 0;
	}
	ret->wanted = true;
	if (protection_wishes_read(capabilities, &ret->wishes, e) < 0 || est_ra(x, &ret->signer, e) < 0)
		return -1;
	return make_recipient(x, has_kek, has_kek ? kek : key, ret, e);
}

/* --- the key on its way --- */

/* AsymmetricKeyPackage (RFC 5958 2) with the one key, signed; what stands in the ContentInfo. */
static int
sign(struct est_exchange *x, const struct protection *p, struct bytes pkcs8, struct bytes *ret, struct error *e)
{
	Siegel__RaSign request;
	Siegel__KeyPackage kind = SIEGEL__KEY_PACKAGE__INIT;
	struct buf package BUF_CLEANUP = BUF_INIT(pkcs8.len + 16);
	struct bytes whole, oid;
	siegel__ra_sign__init(&request);
	size_t list = der_begin(&package, DER_SEQUENCE);
	der_put_raw(&package, pkcs8);
	der_close(&package, list);
	request.answer_case = SIEGEL__RA_SIGN__ANSWER_KEY_PACKAGE;
	request.key_package = &kind;
	if (buf_check(&package, e) < 0 ||
	    est_ra_sign(x, &p->signer, &request, OID_KEY_PACKAGE, (struct bytes){package.data, package.len}, NULL, 0, &whole, e) < 0)
		return -1;
	struct der d = der_of(whole), info, content;
	if (der_get(&d, DER_SEQUENCE, "ContentInfo", &info, e) < 0 || der_get_oid(&info, "contentType", &oid, e) < 0 ||
	    der_get(&info, DER_CONTEXT_CONSTRUCTED(0), "SignedData", &content, e) < 0)
		return -1;
	*ret = der_bytes(&content);
	return 0;
}

int
protection_apply(struct est_exchange *x, const struct protection *p, struct bytes pkcs8, struct bytes *ret, struct error *e)
{
	const struct cms_recipient to = {
	    .kind = CMS_READY,
	    .info = p->recipient,
	    .version = p->version,
	    .content_key = p->content_key->data,
	};
	struct bytes content;
	return sign(x, p, pkcs8, &content, e) < 0
	    ? -1
	    : cms_enveloped_encode(x->request->arena, OID_PKCS7_SIGNED_DATA, content, p->wishes.cipher, &to, ret, e);
}
