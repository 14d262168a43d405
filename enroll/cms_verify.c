/* Whether a signature is good, and what an envelope holds. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "enroll/cms.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER, EVP_CIPHER_free)

#define OID_CONTENT_TYPE OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03")
#define OID_MESSAGE_DIGEST OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04")

/* Signature algorithms that name no digest, or one that SignerInfo's digest has to be. RFC 3370 3.2, RFC 5754 3.2, RFC 5753 2.1.1; clients on
 * OpenSSL and Cisco's write the key's algorithm in their place. */
static const struct {
	struct bytes oid;
	const char *digest; /* NULL: any */
	enum key_family family;
} hashed[] = {
    {OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), NULL, KEY_RSA},     {OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), "SHA1", KEY_RSA},
    {OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "SHA256", KEY_RSA}, {OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), "SHA384", KEY_RSA},
    {OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), "SHA512", KEY_RSA}, {OID_LIT("\x2a\x86\x48\xce\x3d\x02\x01"), NULL, KEY_EC},
    {OID_LIT("\x2a\x86\x48\xce\x3d\x04\x01"), "SHA1", KEY_EC},            {OID_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x02"), "SHA256", KEY_EC},
    {OID_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x03"), "SHA384", KEY_EC},      {OID_LIT("\x2a\x86\x48\xce\x3d\x04\x03\x04"), "SHA512", KEY_EC},
};

static bool
is_hashed(const struct cms_signer *g, const struct keytype *type)
{
	struct error e;
	struct der d = der_of(g->signature_algorithm), content;
	struct bytes oid;
	if (der_get(&d, DER_SEQUENCE, "signature algorithm", &content, &e) < 0 || der_get_oid(&content, "signature algorithm", &oid, &e) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(hashed); i++)
		if (bytes_equal(hashed[i].oid, oid) && hashed[i].family == type->family &&
		    (!hashed[i].digest || strcmp(hashed[i].digest, g->digest->name) == 0))
			return true;
	return false;
}

/* The signature over data by that key. *ret_known: the algorithm is one that is taken. */
static bool
signature_is_good(const struct cms_signer *g, const struct keytype *type, EVP_PKEY *key, struct bytes data, bool *ret_known)
{
	*ret_known = true;
	if (is_hashed(g, type)) {
		EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
		return ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_get_digestbyname(g->digest->name), NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, g->signature.data, g->signature.len, data.data, data.len) == 1;
	}
	/* RSASSA-PSS, EdDSA (RFC 8419), ML-DSA (RFC 9882): a row of the registry. */
	EVP_PKEY_CTX *kept CLEANUP(EVP_PKEY_CTX_free) = NULL;
	const struct sigalg *s = keytype_signature_by_algorithm(type, g->signature_algorithm);
	*ret_known = s != NULL;
	return s && sigalg_verify(s, key, &kept, data, g->signature);
}

/* X.690 11.6: shorter ones are padded with zeros behind, which for elements that differ is the order of memcmp(). */
static int
compare(const void *left, const void *right)
{
	const struct bytes *l = left, *r = right;
	int c = memcmp(l->data, r->data, l->len < r->len ? l->len : r->len);
	return c ? c : (l->len > r->len) - (l->len < r->len);
}

/* What is signed: the attributes as a SET OF (RFC 5652 5.4), as they were sent or in DER's order. */
static int
put_signed(struct buf *b, const struct cms_signer *g, bool sorted, struct error *e)
{
	struct der d = der_of(g->signed_attributes);
	struct bytes element[CMS_MAX_ATTRIBUTES];
	size_t n = 0;
	while (!der_at_end(&d)) {
		if (n == CMS_MAX_ATTRIBUTES)
			return fail(e, E_MALFORMED, "signed attributes: over %d", CMS_MAX_ATTRIBUTES);
		if (der_get_any(&d, "signed attribute", NULL, &element[n++], NULL, e) < 0)
			return -1;
	}
	if (sorted)
		qsort(element, n, sizeof(element[0]), compare);
	size_t set = der_begin(b, DER_SET);
	for (size_t i = 0; i < n; i++)
		der_put_raw(b, element[i]);
	der_close(b, set);
	return buf_check(b, e);
}

static int
check_content(const struct cms_signed *s, struct error *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len = 0;
	struct bytes type, said;
	if (cms_signed_attribute(s, OID_CONTENT_TYPE, DER_OID, "contentType", &type, e) < 0 ||
	    cms_signed_attribute(s, OID_MESSAGE_DIGEST, DER_OCTET_STRING, "messageDigest", &said, e) < 0)
		return -1;
	if (!bytes_equal(type, s->content_type))
		return fail(e, E_FORBIDDEN, "contentType isn't the content's (RFC 5652 11.1)");
	if (EVP_Q_digest(NULL, s->signer.digest->name, NULL, s->content.len ? (const void *)s->content.data : "", s->content.len, digest, &len) != 1)
		return fail(e, E_UNSUPPORTED, "the signer's digest isn't to be had in the cryptographic library");
	if (!bytes_equal(said, (struct bytes){digest, len}))
		return fail(e, E_FORBIDDEN, "messageDigest isn't the content's (RFC 5652 11.2)");
	return 0;
}

int
cms_signed_verify(const struct cms_signed *s, struct bytes cert, bool legacy, struct error *e)
{
	struct cert c;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type = NULL;
	if (!s->has_signer)
		return fail(e, E_MALFORMED, "the message isn't signed");
	if (s->signer.digest->legacy && !legacy)
		return fail(e, E_UNSUPPORTED, "signatures with %s aren't taken here", s->signer.digest->name);
	if (cert_parse_strange(cert, &c, e) < 0 || cms_public_key(c.spki, &type, &key, e) < 0 || check_content(s, e) < 0)
		return -1;
	for (int sorted = 0; sorted < 2; sorted++) {
		struct buf BUF_CLEANUP b = BUF_INIT(s->signer.signed_attributes.len + 16);
		bool known = false;
		if (put_signed(&b, &s->signer, sorted, e) < 0)
			return -1;
		if (signature_is_good(&s->signer, type, key, (struct bytes){b.data, b.len}, &known))
			return 0;
		if (!known)
			return fail(e, E_UNSUPPORTED, "the signature algorithm isn't taken, or isn't one of the signer's key and digest");
	}
	return fail(e, E_FORBIDDEN, "the signature is wrong");
}

/* PKCS#7 padding (RFC 5652 6.3): how many octets it has, or 0 when it is wrong, in a time that depends on neither. */
static size_t
padding_of(const uint8_t *data, size_t len, size_t block)
{
	unsigned n = data[len - 1], bad = 0;
	bad |= (n - 1u) >> 31;              /* 0 */
	bad |= ((unsigned)block - n) >> 31; /* more than a block */
	for (size_t i = 1; i <= block; i++) {
		unsigned inside = ((unsigned)i - 1u - n) >> 31; /* 1 when i <= n */
		bad |= inside & (((unsigned)data[len - i] ^ n) != 0);
	}
	return (size_t)(n & (bad - 1u));
}

int
cms_decrypt(struct arena *a, const struct cms_enveloped *v, const uint8_t *key, struct bytes *ret, struct error *e)
{
	EVP_CIPHER *cipher CLEANUP(EVP_CIPHER_free) = EVP_CIPHER_fetch(NULL, v->cipher->name, NULL);
	EVP_CIPHER_CTX *ctx CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	uint8_t *out = arena_alloc(a, v->encrypted.len + 32);
	int len = 0, more = 0;
	if (v->encrypted.len == 0 || v->encrypted.len % v->cipher->iv_bytes != 0)
		return fail(e, E_MALFORMED, "encrypted content: whole blocks are wanted");
	if (!cipher || !ctx || EVP_DecryptInit_ex2(ctx, cipher, key, v->iv.data, NULL) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_DecryptUpdate(ctx, out, &len, v->encrypted.data, (int)v->encrypted.len) != 1 || EVP_DecryptFinal_ex(ctx, out + len, &more) != 1)
		return fail(e, E_INTERNAL, "the content can't be decrypted: the cryptographic library refuses %s", v->cipher->name);
	size_t all = (size_t)(len + more);
	*ret = (struct bytes){out, all - padding_of(out, all, v->cipher->iv_bytes)};
	return 0;
}
