#include "lib/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/limits.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

int
seal_key_parse(const struct secret *text, const char *where, struct secret **ret, struct error *e)
{
	struct secret *key CLEANUP(secret_free) = secret_new(NULL, SEAL_KEY_BYTES);
	size_t written = 0;
	if (text->len != 2 * SEAL_KEY_BYTES ||
	    OPENSSL_hexstr2buf_ex(key->data, SEAL_KEY_BYTES, &written, (const char *)text->data, '\0') != 1 || written != SEAL_KEY_BYTES)
		return fail(e, E_KEY_STORE, "%s: 64 hexadecimal digits are wanted", where);
	*ret = TAKE(key);
	return 0;
}

int
seal_key_read(const char *path, struct secret **ret, struct error *e)
{
	struct secret *text CLEANUP(secret_free) = NULL;
	return secret_read_file(path, LIMIT_SECRET_FILE_BYTES, &text, e) < 0 ? -1 : seal_key_parse(text, path, ret, e);
}

int
seal(const struct secret *key, const char *context, const void *plain, size_t len, struct buf *out, struct error *e)
{
	uint8_t nonce[NONCE_BYTES], tag[TAG_BYTES];
	EVP_CIPHER_CTX *ctx CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	struct buf text BUF_CLEANUP = BUF_INIT(len + 1);
	int n = 0, last = 0;
	if (!ctx || RAND_bytes(nonce, sizeof(nonce)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	buf_add(&text, plain, len); /* room of the right size; overwritten in place */
	if (key->len != SEAL_KEY_BYTES || buf_check(&text, e) < 0 ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->data, nonce) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)context, (int)strlen(context)) != 1 ||
	    EVP_EncryptUpdate(ctx, text.data, &n, plain, (int)len) != 1 || EVP_EncryptFinal_ex(ctx, text.data + n, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) != 1)
		return fail(e, E_INTERNAL, "encryption failed");
	buf_add(out, nonce, sizeof(nonce));
	buf_add(out, text.data, len);
	buf_add(out, tag, sizeof(tag));
	return buf_check(out, e);
}

int
seal_open(const struct secret *key, const char *context, struct bytes sealed, struct secret **ret, struct error *e)
{
	EVP_CIPHER_CTX *ctx CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG_BYTES];
	int n = 0, last = 0;
	if (!ctx || key->len != SEAL_KEY_BYTES || sealed.len < SEAL_OVERHEAD_BYTES)
		return fail(e, E_KEY_STORE, "sealed data is too short");
	size_t len = sealed.len - SEAL_OVERHEAD_BYTES;
	struct secret *plain CLEANUP(secret_free) = secret_new(NULL, len);
	memcpy(tag, sealed.data + sealed.len - TAG_BYTES, TAG_BYTES);
	if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->data, sealed.data) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)context, (int)strlen(context)) != 1 ||
	    EVP_DecryptUpdate(ctx, plain->data, &n, sealed.data + NONCE_BYTES, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) != 1 ||
	    EVP_DecryptFinal_ex(ctx, plain->data + n, &last) != 1)
		return fail(e, E_KEY_STORE, "sealed data doesn't open with this key");
	*ret = TAKE(plain);
	return 0;
}
