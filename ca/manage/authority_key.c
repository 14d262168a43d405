/* Keys of CAs, and the requests by which other CAs certify them. */
#include <openssl/x509.h>
#include <string.h>

#include "ca/manage/authority.h"
#include "lib/log.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

static int
identify(struct manage *m, struct ca_key *k, struct error *e)
{
	unsigned char *der = NULL;
	uint8_t ski[20];
	int len = i2d_PUBKEY(k->key, &der);
	struct der d = der_of((struct bytes){der, len > 0 ? (size_t)len : 0}), content;
	struct bytes bits;
	int rc = der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 || der_get_any(&content, "public key", NULL, NULL, NULL, e) < 0 ||
		der_get_bits(&content, "public key", &bits, e) < 0
	    ? -1
	    : 0;
	if (rc == 0) {
		ext_key_identifier(bits, ski);
		k->ski_hex = arena_hex(m->arena, ski, sizeof(ski));
	}
	OPENSSL_free(der);
	return rc;
}

int
ca_key_make(struct manage *m, struct ca_key *k, const char *label, struct error *e)
{
	const char *store;
	if (manage_text(m, "key_store", 0, HSM_NAME_BYTES, &store, e) < 0 || manage_body_end(m, e) < 0)
		return -1;
	if (hsm_key_generate(m->desk->hsm, store ? store : "", k->type, label, k->ref, &k->key, e) == 0)
		return identify(m, k, e);
	return e->code == E_NOT_FOUND || e->code == E_BAD_VALUE ? fail_again(e, E_BAD_VALUE, "key_store") : -1;
}

void
ca_key_end(struct manage *m, struct ca_key *k, bool keep)
{
	struct error e;
	if (k->key && !keep && hsm_key_delete(m->desk->hsm, k->ref, k->key, &e) < 0)
		log_error(LOG_LEVEL_WARNING, "a key that isn't used couldn't be destroyed", &e);
	EVP_PKEY_free(k->key);
	k->key = NULL;
}

/* extensionRequest (RFC 2985 5.4.2): basicConstraints with CA, and keyUsage keyCertSign and cRLSign. */
static void
put_attributes(struct buf *b)
{
	static const uint8_t usages[] = {0x03, 0x02, 0x01, 0x06}, yes[] = {0x30, 0x03, 0x01, 0x01, 0xff};
	const struct {
		struct bytes oid, value;
	} wanted[] = {{OID_KEY_USAGE, {usages, sizeof(usages)}}, {OID_BASIC_CONSTRAINTS, {yes, sizeof(yes)}}};
	size_t all = der_begin(b, DER_CONTEXT_CONSTRUCTED(0)), attribute = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, OID_EXTENSION_REQUEST.data, OID_EXTENSION_REQUEST.len);
	size_t set = der_begin(b, DER_SET), list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		size_t ext = der_begin(b, DER_SEQUENCE);
		der_put(b, DER_OID, wanted[i].oid.data, wanted[i].oid.len);
		der_put_bool(b, true);
		der_put(b, DER_OCTET_STRING, wanted[i].value.data, wanted[i].value.len);
		der_close(b, ext);
	}
	der_close(b, list);
	der_close(b, set);
	der_close(b, attribute);
	der_close(b, all);
}

int
ca_csr_make(struct manage *m, struct bytes subject, EVP_PKEY *key, struct authority *self, const struct keytype *type,
	    const struct sigalg *signature, struct bytes *ret, struct error *e)
{
	struct buf info BUF_CLEANUP = BUF_INIT(LIMIT_CSR_BYTES), csr BUF_CLEANUP = BUF_INIT(LIMIT_CSR_BYTES);
	struct authority alone = {.type = type, .signature = signature, .private_key = key, .public_key = key};
	struct authority *signer = self ? self : &alone;
	unsigned char *spki = NULL;
	int len = i2d_PUBKEY(self ? self->public_key : key, &spki);
	if (len <= 0)
		return fail(e, E_INTERNAL, "a key can't be encoded");
	size_t all = der_begin(&info, DER_SEQUENCE);
	der_put_small(&info, 0);
	der_put_raw(&info, subject);
	der_put_raw(&info, (struct bytes){spki, (size_t)len});
	put_attributes(&info);
	der_close(&info, all);
	OPENSSL_free(spki);
	if (buf_check(&info, e) < 0)
		return -1;
	uint8_t *bits = arena_alloc(m->arena, SIGNATURE_MAX_BYTES);
	size_t n = 0;
	int rc = authority_sign(signer, m->desk->hsm, (struct bytes){info.data, info.len}, bits, &n, e);
	EVP_PKEY_CTX_free(alone.sign_ctx);
	EVP_PKEY_CTX_free(alone.verify_ctx);
	if (rc < 0)
		return -1;
	certificate_put(&csr, (struct bytes){info.data, info.len}, authority_signature(signer)->algorithm, bits, n);
	*ret = (struct bytes){arena_dup(m->arena, csr.data, csr.len), csr.len};
	return buf_check(&csr, e);
}

void
ca_csr_result(struct manage *m, struct bytes csr)
{
	m->ret_result = json_object();
	json_object_set_new(m->ret_result, "csr", json_string(pem_encode(m->arena, "CERTIFICATE REQUEST", csr)));
}
