/* PEM and DER files, in the process that is thrown away. */
#include "ca/import/split.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/mem.h"
#include "lib/x509/der.h"

DEFINE_CLEANUP(BIO, BIO_free)
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free)
DEFINE_CLEANUP(X509_SIG, X509_SIG_free)
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

struct splitter {
	const char *const *passwords;
	size_t n;
	struct buf *out;
};

void
split_put(struct buf *out, enum split_kind kind, const void *data, size_t len)
{
	uint8_t head[5] = {(uint8_t)kind, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
	buf_add(out, head, sizeof(head));
	buf_add(out, data, len);
}

void
split_say(struct buf *out, enum split_kind kind, const char *format, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > 0)
		split_put(out, kind, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void
put_pkey(struct splitter *s, EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info CLEANUP(PKCS8_PRIV_KEY_INFO_free) = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
	if (len > 0)
		split_put(s->out, SPLIT_KEY, der, (size_t)len);
	else
		split_say(s->out, SPLIT_ERROR, "a private key can't be written as PKCS#8");
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
}

static void
put_encrypted_key(struct splitter *s, struct bytes der)
{
	const unsigned char *p = der.data;
	struct der d = der_of(der), list;
	struct bytes algorithm;
	struct error e;
	X509_SIG *sealed CLEANUP(X509_SIG_free) = d2i_X509_SIG(NULL, &p, (long)der.len);
	if (!sealed || p != der.data + der.len || der_get(&d, DER_SEQUENCE, "key", &list, &e) < 0 ||
	    der_get_any(&list, "algorithm", NULL, &algorithm, NULL, &e) < 0) {
		split_say(s->out, SPLIT_ERROR, "an encrypted private key can't be read");
		return;
	}
	if (!split_kdf_bounded(algorithm)) {
		split_say(s->out, SPLIT_ERROR, "a private key is encrypted in a way that isn't taken, or with more than %d iterations",
		          LIMIT_IMPORT_ITERATIONS);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		PKCS8_PRIV_KEY_INFO *info CLEANUP(PKCS8_PRIV_KEY_INFO_free) = PKCS8_decrypt(sealed, s->passwords[i], -1);
		EVP_PKEY *key CLEANUP(EVP_PKEY_free) = info ? EVP_PKCS82PKEY(info) : NULL;
		if (key) {
			put_pkey(s, key);
			return;
		}
	}
	split_say(s->out, SPLIT_ERROR,
	          s->n ? "a private key: none of the passwords for this file opens it"
	               : "a private key: a password for this file is wanted");
}

static void
put_plain_key(struct splitter *s, struct bytes der)
{
	const unsigned char *p = der.data;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
	if (key && p == der.data + der.len)
		put_pkey(s, key);
	else
		split_say(s->out, SPLIT_ERROR, "a private key can't be read");
}

/* SignedData that carries certificates and CRLs (RFC 5652 5.1, RFC 2315 9.1). Its signature isn't ours to judge. */
static void
put_cms(struct splitter *s, struct bytes der)
{
	const unsigned char *p = der.data;
	CMS_ContentInfo *cms CLEANUP(CMS_ContentInfo_free) = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	if (!cms || p != der.data + der.len || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) {
		split_say(s->out, SPLIT_ERROR, "it isn't PKCS#7 or CMS SignedData with certificates");
		return;
	}
	STACK_OF(X509) *certificates = CMS_get1_certs(cms);
	STACK_OF(X509_CRL) *crls = CMS_get1_crls(cms);
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		unsigned char *out = NULL;
		int len = i2d_X509(sk_X509_value(certificates, i), &out);
		if (len > 0)
			split_put(s->out, SPLIT_CERTIFICATE, out, (size_t)len);
		OPENSSL_free(out);
	}
	for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
		unsigned char *out = NULL;
		int len = i2d_X509_CRL(sk_X509_CRL_value(crls, i), &out);
		if (len > 0)
			split_put(s->out, SPLIT_CRL, out, (size_t)len);
		OPENSSL_free(out);
	}
	if (!certificates && !crls)
		split_say(s->out, SPLIT_ERROR, "it carries neither certificates nor CRLs");
	sk_X509_pop_free(certificates, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

/* --- PEM (RFC 7468) --- */

/* A key of the old kind, encrypted by OpenSSL's own header: one round of MD5, so that there is nothing to bound. */
static void
put_old_key(struct splitter *s, const char *name, char *header, unsigned char *data, long len)
{
	EVP_CIPHER_INFO cipher;
	unsigned char *copy = NULL;
	if (!PEM_get_EVP_CIPHER_INFO(header, &cipher) || !cipher.cipher) {
		split_say(s->out, SPLIT_ERROR, "%.40s: it is encrypted in an unknown way", name);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		long n = len;
		copy = OPENSSL_memdup(data, (size_t)len);
		union {
			const char *in;
			void *out;
		} password = {.in = s->passwords[i]};
		if (copy && PEM_do_header(&cipher, copy, &n, NULL, password.out)) {
			const unsigned char *p = copy;
			EVP_PKEY *key CLEANUP(EVP_PKEY_free) = d2i_AutoPrivateKey(NULL, &p, n);
			if (key) {
				put_pkey(s, key);
				OPENSSL_clear_free(copy, (size_t)len);
				return;
			}
		}
		OPENSSL_clear_free(copy, (size_t)len);
	}
	split_say(s->out, SPLIT_ERROR,
	          s->n ? "%.40s: none of the passwords for this file opens it" : "%.40s: a password for this file is wanted", name);
}

static void
put_block(struct splitter *s, const char *name, char *header, unsigned char *data, long len)
{
	struct bytes der = {data, (size_t)len};
	size_t n = strlen(name);
	if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
		split_put(s->out, SPLIT_CERTIFICATE, data, (size_t)len);
	else if (strcmp(name, PEM_STRING_X509_CRL) == 0)
		split_put(s->out, SPLIT_CRL, data, (size_t)len);
	else if (strcmp(name, PEM_STRING_PKCS7) == 0 || strcmp(name, PEM_STRING_CMS) == 0)
		put_cms(s, der);
	else if (strcmp(name, PEM_STRING_PKCS8) == 0)
		put_encrypted_key(s, der);
	else if (n >= 11 && strcmp(name + n - 11, "PRIVATE KEY") == 0 && strstr(header, "ENCRYPTED"))
		put_old_key(s, name, header, data, len);
	else if (n >= 11 && strcmp(name + n - 11, "PRIVATE KEY") == 0)
		put_plain_key(s, der);
	else
		split_say(s->out, SPLIT_SKIPPED, "%.60s", name);
}

static void
split_pem(struct splitter *s, struct bytes file)
{
	BIO *in CLEANUP(BIO_free) = BIO_new_mem_buf(file.data, (int)file.len);
	size_t blocks = 0;
	for (;;) {
		char *name = NULL, *header = NULL;
		unsigned char *data = NULL;
		long len = 0;
		ERR_clear_error();
		if (!in || !PEM_read_bio(in, &name, &header, &data, &len)) {
			if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
				split_say(s->out, SPLIT_ERROR, "behind block %zu there is no good PEM: the rest of the file isn't taken", blocks);
			else if (blocks == 0)
				split_say(s->out, SPLIT_ERROR, "there is no PEM block in it");
			return;
		}
		if (++blocks > LIMIT_IMPORT_BLOCKS)
			split_say(s->out, SPLIT_ERROR, "over %d PEM blocks: the rest isn't taken", LIMIT_IMPORT_BLOCKS);
		else
			put_block(s, name, header, data, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)len);
		if (blocks > LIMIT_IMPORT_BLOCKS || s->out->overflow)
			return;
	}
}

/* --- DER --- */

/* What the DER is, by its first elements. */
static void
split_der(struct splitter *s, struct bytes file)
{
	struct der d = der_of(file), list, inner;
	struct error e;
	struct bytes first, oid;
	int tag = 0;
	long version;
	bool sequence = der_get(&d, DER_SEQUENCE, "file", &list, &e) == 0 && der_at_end(&d);
	struct der look = list;
	if (sequence && der_get_any(&look, "file", &tag, &first, &inner, &e) == 0) {
		struct der rest = look, v = list, t = inner;
		if (tag == DER_INTEGER && der_get_small(&v, "version", 3, &version, &e) == 0 && version == 3 && der_peek(&rest) == DER_SEQUENCE) {
			split_pkcs12(file, s->passwords, s->n, s->out);
			return;
		}
		if (tag == DER_INTEGER) {
			put_plain_key(s, file);
			return;
		}
		/* tbsCertificate begins with [0] version, tbsCertList with INTEGER version or an AlgorithmIdentifier, EncryptedPrivateKeyInfo is an
		 * AlgorithmIdentifier and an OCTET STRING. */
		if (tag == DER_SEQUENCE && der_peek(&inner) == DER_CONTEXT_CONSTRUCTED(0)) {
			split_put(s->out, SPLIT_CERTIFICATE, file.data, file.len);
			return;
		}
		if (tag == DER_SEQUENCE && der_peek(&rest) == DER_OCTET_STRING && der_get_oid(&t, "algorithm", &oid, &e) == 0) {
			put_encrypted_key(s, file);
			return;
		}
		if (tag == DER_SEQUENCE) {
			split_put(s->out, SPLIT_CRL, file.data, file.len);
			return;
		}
	}
	/* CMS may come as BER: OpenSSL's reader takes that. */
	put_cms(s, file);
}

void
split_here(struct bytes file, const char *const *passwords, size_t n, struct buf *out)
{
	struct splitter s = {passwords, n, out};
	static const char begin[] = "-----BEGIN ";
	if (file.len == 0)
		split_say(out, SPLIT_ERROR, "the file is empty");
	else if (file.len > LIMIT_IMPORT_FILE_BYTES)
		split_say(out, SPLIT_ERROR, "the file is over %d bytes", LIMIT_IMPORT_FILE_BYTES);
	else if (file.data[0] != DER_SEQUENCE && memmem(file.data, file.len, begin, sizeof(begin) - 1))
		split_pem(&s, file);
	else
		split_der(&s, file);
}
