#include "ca/manage/secret_wrap.h"

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"
#include "lib/x509/pem.h"

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER, EVP_CIPHER_free)
DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free)
DEFINE_CLEANUP(X509, X509_free)
DEFINE_CLEANUP(BIO, BIO_free)

int
secret_wrap_aes(const struct secret *kek, bool padded, const struct secret *value, struct buf *out, struct error *e)
{
	static const struct {
		size_t len;
		const char *plain, *padded;
	} ciphers[] = {{16, "AES-128-WRAP", "AES-128-WRAP-PAD"}, {24, "AES-192-WRAP", "AES-192-WRAP-PAD"}, {32, "AES-256-WRAP", "AES-256-WRAP-PAD"}};
	const char *name = NULL;
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		if (ciphers[i].len == kek->len)
			name = padded ? ciphers[i].padded : ciphers[i].plain;
	if (!name)
		return fail_at(e, E_BAD_VALUE, "kek", "kek: a key of 16, 24 or 32 octets is wanted");
	if (!padded && (value->len < 16 || value->len % 8))
		return fail_at(e, E_BAD_VALUE, "format",
		               "format: aes-kw takes a multiple of 8 octets from 16 on (RFC 3394 2); take aes-kwp (RFC 5649)");
	EVP_CIPHER *cipher CLEANUP(EVP_CIPHER_free) = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	uint8_t *wrapped = xcalloc(1, value->len + 32);
	int n = 0, more = 0;
	bool good = cipher && ctx;
	if (good)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	good = good && EVP_EncryptInit_ex2(ctx, cipher, kek->data, NULL, NULL) == 1 &&
	       EVP_EncryptUpdate(ctx, wrapped, &n, value->data, (int)value->len) == 1 && EVP_EncryptFinal_ex(ctx, wrapped + n, &more) == 1;
	if (good)
		buf_add(out, wrapped, (size_t)(n + more));
	free(wrapped);
	return good ? buf_check(out, e) : fail(e, E_INTERNAL, "the secret can't be wrapped");
}

/* Encryption is among what the certificate's key is for, when it says what it is for (RFC 5280 4.2.1.3). */
static bool
may_be_encrypted_for(const struct cert *c)
{
	const struct cert_extension *usage = cert_extension_find(c, OID_KEY_USAGE);
	return !usage || (usage->value.len >= 4 && usage->value.data[3] & (0x20 | 0x08)); /* keyEncipherment, keyAgreement */
}

int
secret_wrap_cms(struct arena *a, const char *recipient_pem, struct bytes value, struct buf *out, struct error *e)
{
	struct bytes der;
	struct cert c;
	if (pem_decode(a, recipient_pem, strlen(recipient_pem), "CERTIFICATE", NULL, &der, e) < 0 || cert_parse(der, &c, e) < 0)
		return fail_at(e, E_BAD_VALUE, "recipient", "recipient: a certificate as PEM is wanted");
	if (c.not_after < time(NULL))
		return fail_at(e, E_BAD_VALUE, "recipient", "recipient: the certificate has expired");
	if (!may_be_encrypted_for(&c))
		return fail_at(e, E_BAD_VALUE, "recipient", "recipient: its key usage allows neither keyEncipherment nor keyAgreement");
	const unsigned char *p = der.data;
	X509 *x CLEANUP(X509_free) = d2i_X509(NULL, &p, (long)der.len);
	BIO *in CLEANUP(BIO_free) = BIO_new_mem_buf(value.data, (int)value.len);
	STACK_OF(X509) *list = sk_X509_new_null();
	if (!x || !in || !list || !sk_X509_push(list, x)) {
		sk_X509_free(list);
		return fail(e, E_INTERNAL, "no memory");
	}
	CMS_ContentInfo *cms CLEANUP(CMS_ContentInfo_free) = CMS_encrypt(list, in, EVP_aes_256_cbc(), CMS_BINARY);
	sk_X509_free(list);
	unsigned char *text = NULL;
	int len = cms ? i2d_CMS_ContentInfo(cms, &text) : 0;
	if (len <= 0)
		return fail_at(e, E_BAD_VALUE, "recipient", "recipient: nothing can be encrypted for its key");
	buf_add(out, text, (size_t)len);
	OPENSSL_free(text);
	return buf_check(out, e);
}
