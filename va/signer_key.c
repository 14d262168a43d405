#include <string.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include "lib/limits.h"
#include "va/signer_key.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16
#define AAD_PREFIX "ocsp-signer:"

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
signer_wrap_key_read(const char *path, struct secret **ret, struct error *e)
{
	CLEANUP(secret_free) struct secret *text = NULL;
	CLEANUP(secret_free) struct secret *key = secret_new(NULL, SIGNER_WRAP_KEY_BYTES);

	if (*path == '\0')
		return fail(e, E_KEY_STORE, "[va] ocsp_key_file isn't set");
	if (secret_read_file(path, LIMIT_SECRET_FILE_BYTES, &text, e) < 0)
		return -1;
	if (text->len != 2 * SIGNER_WRAP_KEY_BYTES)
		return fail(e, E_KEY_STORE, "[va] ocsp_key_file doesn't hold %d hexadecimal digits", 2 * SIGNER_WRAP_KEY_BYTES);
	for (size_t i = 0; i < SIGNER_WRAP_KEY_BYTES; i++) {
		int hi = hex_value(text->data[2 * i]), lo = hex_value(text->data[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return fail(e, E_KEY_STORE, "[va] ocsp_key_file doesn't hold hexadecimal digits alone");
		key->data[i] = (unsigned char)(hi << 4 | lo);
	}
	*ret = TAKE(key);
	return 0;
}

static size_t
aad_make(struct bytes serial, char ret[sizeof(AAD_PREFIX) + 2 * LIMIT_SERIAL_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = sizeof(AAD_PREFIX) - 1;

	memcpy(ret, AAD_PREFIX, at);
	for (size_t i = 0; i < serial.len; i++) {
		ret[at++] = digits[serial.data[i] >> 4];
		ret[at++] = digits[serial.data[i] & 15];
	}
	return at;
}

/* PKCS#8, all of it. */
static int
key_decode(const struct secret *der, EVP_PKEY **ret, struct error *e)
{
	const unsigned char *p = der->data;
	CLEANUP(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der->len);
	EVP_PKEY *key;

	if (!info || p != der->data + der->len)
		return fail(e, E_KEY_STORE, "OCSP signer's key isn't PKCS#8");
	key = EVP_PKCS82PKEY(info);
	if (!key)
		return fail(e, E_KEY_STORE, "OCSP signer's key is of a kind that isn't known here");
	*ret = key;
	return 0;
}

int
signer_key_unwrap(struct bytes wrapped, struct bytes serial, const struct secret *wrap_key, EVP_PKEY **ret, struct error *e)
{
	CLEANUP(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = NULL;
	CLEANUP(secret_free) struct secret *plain = NULL;
	char aad[sizeof(AAD_PREFIX) + 2 * LIMIT_SERIAL_BYTES];
	unsigned char tag[TAG_BYTES];
	size_t aad_len, len;
	int n;

	if (wrapped.len <= NONCE_BYTES + TAG_BYTES || wrapped.len > LIMIT_CERT_BYTES || serial.len > LIMIT_SERIAL_BYTES ||
	    wrap_key->len != SIGNER_WRAP_KEY_BYTES)
		return fail(e, E_KEY_STORE, "wrapped key of an OCSP signer has a length that can't be right");
	len = wrapped.len - NONCE_BYTES - TAG_BYTES;
	memcpy(tag, wrapped.data + NONCE_BYTES + len, TAG_BYTES);
	aad_len = aad_make(serial, aad);
	plain = secret_new(NULL, len);
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), wrap_key->data, wrapped.data, NULL) ||
	    !EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)aad, (int)aad_len) ||
	    !EVP_DecryptUpdate(ctx, plain->data, &n, wrapped.data + NONCE_BYTES, (int)len) ||
	    !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag))
		return fail(e, E_INTERNAL, "unwrapping an OCSP signer's key failed");
	if (EVP_DecryptFinal_ex(ctx, plain->data + len, &n) != 1)
		return fail(e, E_KEY_STORE, "OCSP signer's key was wrapped under another key, or was altered");
	return key_decode(plain, ret, e);
}
