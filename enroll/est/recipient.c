/* For whom a content key is encrypted, as RecipientInfo (RFC 5652 6.2). */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>
#include "enroll/est/protection.h"
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER, EVP_CIPHER_free)
DEFINE_CLEANUP(EVP_KDF, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX, EVP_KDF_CTX_free)

#define AES "\x60\x86\x48\x01\x65\x03\x04\x01"
#define OID_STD_DH "\x2b\x81\x04\x01\x0b" /* 1.3.132.1.11: dhSinglePass-stdDH with SHA-256, -384, -512 as 1, 2, 3 (RFC 5753 7.1.4) */
#define SECRET_MAX 72                      /* octets of a shared secret: P-521 has 66 */

static const struct {
	int bytes;
	const char *name; /* OpenSSL's */
	struct bytes oid; /* RFC 3565 2.3.2 */
} wraps[] = {
    {16, "AES-128-WRAP", OID_LIT(AES "\x05")},
    {24, "AES-192-WRAP", OID_LIT(AES "\x19")},
    {32, "AES-256-WRAP", OID_LIT(AES "\x2d")},
};

static const struct {
	const char *digest;
	struct bytes oid;
} kdfs[] = {
    {"SHA256", OID_LIT(OID_STD_DH "\x01")},
    {"SHA384", OID_LIT(OID_STD_DH "\x02")},
    {"SHA512", OID_LIT(OID_STD_DH "\x03")},
};

/* --- what a client takes --- */

static bool
starts_with(struct bytes b, struct bytes head)
{
	return b.len > head.len && memcmp(b.data, head.data, head.len) == 0;
}

struct seen {
	bool cipher, transport, agreement; /* the list has one of that kind, known or not */
	bool takes_oaep, takes_pkcs1, takes_kdf;
};

/* One capability. What isn't known here only counts by its kind. */
static void
take_capability(struct protection_wishes *w, struct seen *seen, struct bytes oid, struct bytes parameters)
{
	const struct cms_cipher *cipher = cms_cipher_by_oid(oid);
	for (size_t i = 0; i < ARRAY_LEN(wraps); i++)
		if (bytes_equal(oid, wraps[i].oid)) {
			w->wraps[i] = true;
			w->wrap_bytes = w->wrap_bytes ? w->wrap_bytes : wraps[i].bytes;
			return;
		}
	for (size_t i = 0; i < ARRAY_LEN(kdfs); i++)
		if (bytes_equal(oid, kdfs[i].oid)) {
			w->kdf = seen->takes_kdf ? w->kdf : (int)i;
			seen->takes_kdf = true;
		}
	if (starts_with(oid, OID_BYTES("\x2b\x81\x04\x01")) || starts_with(oid, OID_BYTES("\x2b\x81\x05\x10\x86\x48\x3f\x00")))
		seen->agreement = true;
	if (cipher && !cipher->legacy)
		w->cipher = w->cipher ? w->cipher : cipher;
	else if (starts_with(oid, OID_BYTES(AES)) || starts_with(oid, OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x03")))
		seen->cipher = true; /* AES in other modes, RSA's encryption algorithms (RC2, DES, 3DES) */
	if (bytes_equal(oid, OID_RSA_ENCRYPTION)) {
		seen->transport = seen->takes_pkcs1 = true;
	} else if (bytes_equal(oid, OID_RSAES_OAEP)) {
		/* None are the defaults; SHA-1 in OAEP is as good as any (RFC 8017 B.1). */
		const char *digest = parameters.len ? cms_oaep_digest(parameters) : "SHA1";
		seen->transport = true;
		if (!seen->takes_oaep && digest)
			w->digest = digest;
		seen->takes_oaep = seen->takes_oaep || w->digest;
	}
}

int
protection_wishes_read(struct bytes capabilities, struct protection_wishes *ret, struct error *e)
{
	struct protection_wishes w = {0};
	struct seen seen = {0};
	struct der list = der_of(capabilities);
	while (!der_at_end(&list)) {
		struct der capability;
		struct bytes oid;
		if (der_get(&list, DER_SEQUENCE, "SMIMECapabilities", &capability, e) < 0 ||
		    der_get_oid(&capability, "SMIMECapabilities", &oid, e) < 0) {
			e->code = E_BAD_CSR;
			return -1;
		}
		take_capability(&w, &seen, oid, der_bytes(&capability));
	}
	if (!w.cipher && seen.cipher)
		return fail(e, E_UNSUPPORTED, "SMIMECapabilities: of their content ciphers none is taken here; AES in CBC is (RFC 3565)");
	if (seen.transport && !seen.takes_oaep && !seen.takes_pkcs1)
		return fail(e, E_UNSUPPORTED, "SMIMECapabilities: of RSAES-OAEP, SHA-256 in both places or the default are taken here (RFC 4055)");
	if (seen.agreement && !seen.takes_kdf)
		return fail(e, E_UNSUPPORTED,
		            "SMIMECapabilities: of key agreements, dhSinglePass-stdDH with SHA-256, -384 or -512 is taken here (RFC 5753)");
	w.cipher = w.cipher ? w.cipher : cms_cipher_by_name("AES-256-CBC");
	w.oaep = seen.takes_oaep;
	if (!w.wrap_bytes) {
		w.wrap_bytes = 32;
		w.wraps[0] = w.wraps[1] = w.wraps[2] = true;
	}
	*ret = w;
	return 0;
}

/* --- recipients --- */

static void
put_wrap_algorithm(struct buf *b, int bytes)
{
	size_t algorithm = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < ARRAY_LEN(wraps); i++)
		if (wraps[i].bytes == bytes)
			der_put(b, DER_OID, wraps[i].oid.data, wraps[i].oid.len);
	der_close(b, algorithm);
}

static int
hand_over(struct arena *a, const struct buf *b, int version, struct protection *ret, struct error *e)
{
	if (buf_check(b, e) < 0)
		return -1;
	ret->recipient = (struct bytes){arena_dup(a, b->data, b->len), b->len};
	ret->version = version;
	return 0;
}

int
recipient_for_secret(struct arena *a, struct bytes identifier, struct bytes encrypted_key, int kek_bytes, const struct protection_wishes *w,
                     struct protection *ret, struct error *e)
{
	struct buf b BUF_CLEANUP = BUF_INIT(identifier.len + encrypted_key.len + 256);
	if (!w->wraps[kek_bytes / 8 - 2])
		return fail(e, E_UNSUPPORTED,
		            "SMIMECapabilities: the key that DecryptKeyIdentifier names has %d octets, and id-aes%d-wrap isn't among them",
		            kek_bytes, 8 * kek_bytes);
	size_t info = der_begin(&b, DER_CONTEXT_CONSTRUCTED(2));
	der_put_small(&b, 4);
	size_t kek = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OCTET_STRING, identifier.data, identifier.len);
	der_close(&b, kek);
	put_wrap_algorithm(&b, kek_bytes);
	der_put(&b, DER_OCTET_STRING, encrypted_key.data, encrypted_key.len);
	der_close(&b, info);
	return hand_over(a, &b, 2, ret, e);
}

/* ECC-CMS-SharedInfo, RFC 5753 7.2. */
static void
put_shared_info(struct buf *b, int bytes)
{
	uint32_t bits = (uint32_t)bytes * 8;
	size_t info = der_begin(b, DER_SEQUENCE);
	put_wrap_algorithm(b, bytes);
	size_t supplied = der_begin(b, DER_CONTEXT_CONSTRUCTED(2));
	der_put(b, DER_OCTET_STRING, (const uint8_t[]){(uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits}, 4);
	der_close(b, supplied);
	der_close(b, info);
}

/* The key-encryption key from a shared secret (RFC 5753 7.2, SEC 1 3.6.1). */
static int
derive(const uint8_t *shared, size_t len, const struct protection_wishes *w, uint8_t *ret, struct error *e)
{
	struct buf info BUF_CLEANUP = BUF_INIT(128);
	EVP_KDF *kdf CLEANUP(EVP_KDF_free) = EVP_KDF_fetch(NULL, "X963KDF", NULL);
	EVP_KDF_CTX *ctx CLEANUP(EVP_KDF_CTX_free) = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[16];
	put_shared_info(&info, w->wrap_bytes);
	memcpy(digest, kdfs[w->kdf].digest, strlen(kdfs[w->kdf].digest) + 1);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)shared, len),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data, info.len),
	    OSSL_PARAM_construct_end(),
	};
	return ctx && EVP_KDF_derive(ctx, ret, (size_t)w->wrap_bytes, params) == 1
	    ? 0
	    : fail(e, E_INTERNAL, "the cryptographic library derives no key for an agreement");
}

static int
wrap(const uint8_t *kek, int bytes, struct bytes content_key, uint8_t *ret, int *ret_len, struct error *e)
{
	EVP_CIPHER *cipher CLEANUP(EVP_CIPHER_free) = EVP_CIPHER_fetch(NULL, wraps[bytes / 8 - 2].name, NULL);
	EVP_CIPHER_CTX *ctx CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	int more = 0;
	if (!cipher || !ctx)
		return fail(e, E_INTERNAL, "the cryptographic library has no AES key wrap");
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_EncryptInit_ex2(ctx, cipher, kek, NULL, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, ret, ret_len, content_key.data, (int)content_key.len) != 1 || EVP_EncryptFinal_ex(ctx, ret + *ret_len, &more) != 1)
		return fail(e, E_INTERNAL, "a content key can't be wrapped");
	*ret_len += more;
	return 0;
}

/* The content key under what a key of our own, made for this alone, and the recipient's agree on. */
static int
agree(EVP_PKEY *own, EVP_PKEY *key, struct bytes content_key, const struct protection_wishes *w, uint8_t *ret, int *ret_len, struct error *e)
{
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(own, NULL);
	uint8_t shared[SECRET_MAX], kek[32];
	size_t len = sizeof(shared);
	int rc = -1;
	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, key) != 1 || EVP_PKEY_derive(ctx, shared, &len) != 1)
		(void)fail(e, E_BAD_KEY, "nothing can be agreed on with the recipient's key");
	else if (derive(shared, len, w, kek, e) == 0)
		rc = wrap(kek, w->wrap_bytes, content_key, ret, ret_len, e);
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(kek, sizeof(kek));
	return rc;
}

/* KeyAgreeRecipientInfo, RFC 5753 3.1.1. */
static int
put_key_agreement(struct buf *b, const struct cert *c, const struct keytype *type, EVP_PKEY *key, struct bytes content_key,
                  const struct protection_wishes *w, struct error *e)
{
	EVP_PKEY *own CLEANUP(EVP_PKEY_free) = NULL;
	uint8_t point[2 * SECRET_MAX + 1], encrypted[CMS_MAX_KEY_BYTES + 16];
	size_t point_len = 0;
	int len = 0;
	if (keytype_generate(type, &own, e) < 0 || agree(own, key, content_key, w, encrypted, &len, e) < 0)
		return -1;
	if (EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len) != 1)
		return fail(e, E_INTERNAL, "a key for an agreement can't be encoded");
	size_t info = der_begin(b, DER_CONTEXT_CONSTRUCTED(1));
	der_put_small(b, 3);
	size_t originator = der_begin(b, DER_CONTEXT_CONSTRUCTED(0)), originator_key = der_begin(b, DER_CONTEXT_CONSTRUCTED(1));
	der_put_raw(b, type->algorithm);
	der_put_bits(b, point, point_len);
	der_close(b, originator_key);
	der_close(b, originator);
	size_t algorithm = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, kdfs[w->kdf].oid.data, kdfs[w->kdf].oid.len);
	put_wrap_algorithm(b, w->wrap_bytes);
	der_close(b, algorithm);
	size_t keys = der_begin(b, DER_SEQUENCE), one = der_begin(b, DER_SEQUENCE);
	cms_put_issuer_and_serial(b, c);
	der_put(b, DER_OCTET_STRING, encrypted, (size_t)len);
	der_close(b, one);
	der_close(b, keys);
	der_close(b, info);
	return 0;
}

/* RFC 7030 4.4.1.2: the key must be for that, or for everything (RFC 5280 4.2.1.3). */
static int
check_usage(const struct cert *c, int usage, const char *word, struct error *e)
{
	if (!cert_has_usage(c, usage, true))
		return fail(e, E_BAD_KEY, "the recipient's certificate isn't for %s (RFC 7030 4.4.1.2)", word);
	return 0;
}

int
recipient_for_certificate(struct arena *a, struct bytes certificate, struct bytes content_key, const struct protection_wishes *w,
                          struct protection *ret, struct error *e)
{
	struct buf b BUF_CLEANUP = BUF_INIT(certificate.len + 4096);
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	const struct keytype *type = NULL;
	struct cert c;
	if (cert_parse(certificate, &c, e) < 0 || cms_public_key(c.spki, &type, &key, e) < 0)
		return -1;
	if (type->family == KEY_RSA) {
		if (check_usage(&c, USAGE_KEY_ENCIPHERMENT, "keyEncipherment", e) < 0 ||
		    cms_put_key_transport(&b, &c, key, w->oaep ? w->digest : NULL, content_key, e) < 0)
			return -1;
		return hand_over(a, &b, 0, ret, e);
	}
	if (type->family != KEY_EC)
		return fail(e, E_BAD_KEY, "nothing can be encrypted to a key of type %s: RSA and EC are for that", type->name);
	if (check_usage(&c, USAGE_KEY_AGREEMENT, "keyAgreement", e) < 0 || put_key_agreement(&b, &c, type, key, content_key, w, e) < 0)
		return -1;
	return hand_over(a, &b, 2, ret, e);
}
