/* Writing SignedData and EnvelopedData as DER, RFC 5652. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/cms.h"
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER, EVP_CIPHER_free)

#define MAX_HEADS 2048 /* of what stands around a content: names of an issuer, algorithms, a wrapped key */

/* The order of a SET OF, X.690 11.6. */
static int
compare(const void *left, const void *right)
{
	const struct bytes *l = left, *r = right;
	int c = memcmp(l->data, r->data, l->len < r->len ? l->len : r->len);
	return c ? c : (l->len > r->len) - (l->len < r->len);
}

static void
put_set(struct arena *a, struct buf *b, int tag, const struct bytes *elements, int n)
{
	struct bytes *sorted = arena_dup(a, elements, (size_t)n * sizeof(*elements));
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);
	size_t set = der_begin(b, tag);
	for (int i = 0; i < n; i++)
		der_put_raw(b, sorted[i]);
	der_close(b, set);
}

static size_t
total(const struct bytes *elements, int n)
{
	size_t len = 0;
	for (int i = 0; i < n; i++)
		len += elements[i].len;
	return len;
}

static int
hand_over(struct arena *a, const struct buf *b, struct bytes *ret, struct error *e)
{
	if (buf_check(b, e) < 0)
		return -1;
	*ret = (struct bytes){arena_dup(a, b->data, b->len), b->len};
	return 0;
}

int
cms_certs_only_encode(struct arena *a, const struct bytes *certs, int n_certs, const struct bytes *crls, int n_crls, struct bytes *ret,
                      struct error *e)
{
	struct buf BUF_CLEANUP b = BUF_INIT(total(certs, n_certs) + total(crls, n_crls) + MAX_HEADS);
	size_t content_info = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, OID_PKCS7_SIGNED_DATA.data, OID_PKCS7_SIGNED_DATA.len);
	size_t explicit_content = der_begin(&b, DER_CONTEXT_CONSTRUCTED(0));
	size_t signed_data = der_begin(&b, DER_SEQUENCE);
	der_put_small(&b, 1); /* RFC 5652 5.1: version 1 with plain certificates and id-data */
	der_put(&b, DER_SET, "", 0); /* digestAlgorithms */
	size_t encapsulated = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, OID_PKCS7_DATA.data, OID_PKCS7_DATA.len);
	der_close(&b, encapsulated);
	if (n_certs > 0)
		put_set(a, &b, DER_CONTEXT_CONSTRUCTED(0), certs, n_certs);
	if (n_crls > 0)
		put_set(a, &b, DER_CONTEXT_CONSTRUCTED(1), crls, n_crls);
	der_put(&b, DER_SET, "", 0); /* signerInfos */
	der_close(&b, signed_data);
	der_close(&b, explicit_content);
	der_close(&b, content_info);
	return hand_over(a, &b, ret, e);
}

void
cms_put_issuer_and_serial(struct buf *b, const struct cert *c)
{
	size_t seq = der_begin(b, DER_SEQUENCE);
	der_put_raw(b, c->issuer);
	der_put_unsigned(b, c->serial.data, c->serial.len);
	der_close(b, seq);
}

/* SignerInfo, RFC 5652 5.3. */
static void
put_signer(struct buf *b, const struct cert *signer, const struct cms_signature *s)
{
	size_t info = der_begin(b, DER_SEQUENCE);
	der_put_small(b, 1); /* by issuerAndSerialNumber */
	cms_put_issuer_and_serial(b, signer);
	der_put_raw(b, s->digest_algorithm);
	size_t attributes = b->len;
	der_put_raw(b, s->signed_attributes);
	if (!b->overflow)
		b->data[attributes] = DER_CONTEXT_CONSTRUCTED(0);
	der_put_raw(b, s->signature_algorithm);
	der_put(b, DER_OCTET_STRING, s->signature.data, s->signature.len);
	der_close(b, info);
}

int
cms_signed_encode(struct arena *a, struct bytes content_type, struct bytes content, bool has_content, const struct cms_signature *s,
                  struct bytes *ret, struct error *e)
{
	struct cert signer;
	struct bytes certificates[CMS_MAX_CERTIFICATES];
	int n = 0;
	if (cert_parse(s->certificate, &signer, e) < 0)
		return -1;
	certificates[n++] = s->certificate;
	for (int i = 0; i < s->n_also && n < CMS_MAX_CERTIFICATES; i++)
		certificates[n++] = s->also[i];
	struct buf BUF_CLEANUP b =
	    BUF_INIT(content.len + s->certificate.len + total(certificates, n) + s->signed_attributes.len + s->signature.len + MAX_HEADS);
	size_t content_info = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, OID_PKCS7_SIGNED_DATA.data, OID_PKCS7_SIGNED_DATA.len);
	size_t explicit_info = der_begin(&b, DER_CONTEXT_CONSTRUCTED(0));
	size_t signed_data = der_begin(&b, DER_SEQUENCE);
	der_put_small(&b, bytes_equal(content_type, OID_PKCS7_DATA) ? 1 : 3); /* RFC 5652 5.1 */
	put_set(a, &b, DER_SET, &s->digest_algorithm, 1);
	size_t encapsulated = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, content_type.data, content_type.len);
	if (has_content) {
		size_t explicit_content = der_begin(&b, DER_CONTEXT_CONSTRUCTED(0));
		der_put(&b, DER_OCTET_STRING, content.data, content.len);
		der_close(&b, explicit_content);
	}
	der_close(&b, encapsulated);
	put_set(a, &b, DER_CONTEXT_CONSTRUCTED(0), certificates, n);
	size_t signers = der_begin(&b, DER_SET);
	put_signer(&b, &signer, s);
	der_close(&b, signers);
	der_close(&b, signed_data);
	der_close(&b, explicit_info);
	der_close(&b, content_info);
	return hand_over(a, &b, ret, e);
}

int
cms_put_key_transport(struct buf *b, const struct cert *c, EVP_PKEY *key, const char *oaep_digest, struct bytes content_key, struct error *e)
{
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(key, NULL);
	uint8_t encrypted[LIMIT_RSA_MAX_BITS / 8];
	size_t len = sizeof(encrypted);
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, oaep_digest ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    (oaep_digest && EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, oaep_digest, NULL) != 1) ||
	    (oaep_digest && EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, oaep_digest, NULL) != 1) ||
	    EVP_PKEY_encrypt(ctx, encrypted, &len, content_key.data, content_key.len) != 1)
		return fail(e, E_BAD_KEY, "nothing can be encrypted to the recipient's RSA key");
	size_t info = der_begin(b, DER_SEQUENCE);
	der_put_small(b, 0);
	cms_put_issuer_and_serial(b, c);
	size_t algorithm = der_begin(b, DER_SEQUENCE);
	if (oaep_digest) {
		der_put(b, DER_OID, OID_RSAES_OAEP.data, OID_RSAES_OAEP.len);
		der_put_raw(b, cms_oaep_parameters(oaep_digest));
	} else {
		der_put(b, DER_OID, OID_RSA_ENCRYPTION.data, OID_RSA_ENCRYPTION.len);
		der_put(b, DER_NULL, "", 0);
	}
	der_close(b, algorithm);
	der_put(b, DER_OCTET_STRING, encrypted, len);
	der_close(b, info);
	return 0;
}

static int
put_certificate(struct buf *b, struct bytes certificate, struct bytes content_key, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type = NULL;
	struct cert c;
	if (cert_parse_strange(certificate, &c, e) < 0 || cms_public_key(c.spki, &type, &key, e) < 0)
		return -1;
	if (type->family != KEY_RSA)
		return fail(e, E_BAD_KEY, "nothing can be encrypted to a key of type %s", type->name);
	return cms_put_key_transport(b, &c, key, NULL, content_key, e);
}

static int
put_password(struct arena *a, struct buf *b, const struct cms_recipient *to, struct bytes content_key, struct error *e)
{
	struct bytes derivation, algorithm, encrypted;
	if (to->wrap(to->ctx, a, content_key, &derivation, &algorithm, &encrypted, e) < 0)
		return -1;
	size_t info = der_begin(b, DER_CONTEXT_CONSTRUCTED(3));
	der_put_small(b, 0);
	size_t at = b->len;
	der_put_raw(b, derivation);
	if (!b->overflow)
		b->data[at] = DER_CONTEXT_CONSTRUCTED(0); /* IMPLICIT: in the place of SEQUENCE */
	der_put_raw(b, algorithm);
	der_put(b, DER_OCTET_STRING, encrypted.data, encrypted.len);
	der_close(b, info);
	return 0;
}

/* EncryptedContentInfo, RFC 5652 6.1. */
static int
put_encrypted(struct arena *a, struct buf *b, struct bytes content_type, struct bytes content, const struct cms_cipher *cipher, const uint8_t *key,
              struct error *e)
{
	EVP_CIPHER *evp CLEANUP(EVP_CIPHER_free) = EVP_CIPHER_fetch(NULL, cipher->name, NULL);
	EVP_CIPHER_CTX *ctx CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	uint8_t *out = arena_alloc(a, content.len + 32), iv[CMS_IV_BYTES];
	int len = 0, more = 0;
	if (!evp || !ctx || RAND_bytes(iv, sizeof(iv)) != 1 || EVP_EncryptInit_ex2(ctx, evp, key, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &len, content.data, (int)content.len) != 1 || EVP_EncryptFinal_ex(ctx, out + len, &more) != 1)
		return fail(e, E_INTERNAL, "the content can't be encrypted: the cryptographic library refuses %s", cipher->name);
	size_t info = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, content_type.data, content_type.len);
	size_t algorithm = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, cipher->oid.data, cipher->oid.len);
	der_put(b, DER_OCTET_STRING, iv, cipher->iv_bytes);
	der_close(b, algorithm);
	der_put(b, DER_CONTEXT(0), out, (size_t)(len + more));
	der_close(b, info);
	return 0;
}

static int
put_recipient(struct arena *a, struct buf *b, const struct cms_recipient *to, struct bytes content_key, struct error *e)
{
	if (to->kind == CMS_PASSWORD)
		return put_password(a, b, to, content_key, e);
	if (to->kind == CMS_KEY_TRANSPORT)
		return put_certificate(b, to->certificate, content_key, e);
	der_put_raw(b, to->info);
	return 0;
}

static int
put_enveloped(struct arena *a, struct buf *b, struct bytes content_type, struct bytes content, const struct cms_cipher *cipher,
              const struct cms_recipient *to, const uint8_t *key, struct error *e)
{
	size_t content_info = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, OID_ENVELOPED_DATA.data, OID_ENVELOPED_DATA.len);
	size_t explicit_content = der_begin(b, DER_CONTEXT_CONSTRUCTED(0));
	size_t enveloped = der_begin(b, DER_SEQUENCE);
	der_put_small(b, to->kind == CMS_READY ? to->version : to->kind == CMS_PASSWORD ? 3 : 0); /* RFC 5652 6.1 */
	size_t recipients = der_begin(b, DER_SET);
	int result = put_recipient(a, b, to, (struct bytes){key, cipher->key_bytes}, e);
	der_close(b, recipients);
	if (result < 0 || put_encrypted(a, b, content_type, content, cipher, key, e) < 0)
		return -1;
	der_close(b, enveloped);
	der_close(b, explicit_content);
	der_close(b, content_info);
	return 0;
}

int
cms_enveloped_encode(struct arena *a, struct bytes content_type, struct bytes content, const struct cms_cipher *cipher,
                     const struct cms_recipient *to, struct bytes *ret, struct error *e)
{
	uint8_t key[CMS_MAX_KEY_BYTES];
	struct buf BUF_CLEANUP b = BUF_INIT(content.len + to->info.len + LIMIT_CERT_BYTES + MAX_HEADS);
	if (to->kind == CMS_READY)
		memcpy(key, to->content_key, cipher->key_bytes);
	else if (RAND_priv_bytes(key, sizeof(key)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	int result = put_enveloped(a, &b, content_type, content, cipher, to, key, e);
	OPENSSL_cleanse(key, sizeof(key));
	return result < 0 ? -1 : hand_over(a, &b, ret, e);
}
