#include "ca/authority.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <string.h>

#include "ca/fault.h"
#include "lib/x509/oid.h"

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

int
authority_new(struct arena *a, const struct authority *fields, struct bytes certificate, struct authority **ret, struct error *e)
{
	struct authority *ca CLEANUP(authority_free) = xcalloc(1, sizeof(*ca));
	*ca = *fields;
	ca->arena = a;
	if (cert_parse(certificate, &ca->cert, e) < 0)
		return -1;
	struct der spki = der_of(ca->cert.spki), content;
	struct bytes algorithm;
	if (der_get(&spki, DER_SEQUENCE, "public key", &content, e) < 0 ||
	    der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0 ||
	    publickey_load(algorithm, ca->cert.spki_key, &ca->type, &ca->public_key, e) < 0)
		return -1;
	SHA256(ca->cert.spki.data, ca->cert.spki.len, ca->spki_hash);
	*ret = TAKE(ca);
	return 0;
}

void
authority_free(struct authority *ca)
{
	if (!ca)
		return;
	authority_forget_key(ca);
	EVP_PKEY_CTX_free(ca->verify_ctx);
	EVP_PKEY_free(ca->public_key);
	arena_free(ca->arena);
	free(ca);
}

void
authority_forget_key(struct authority *ca)
{
	EVP_PKEY_CTX_free(ca->sign_ctx);
	EVP_PKEY_free(ca->private_key);
	ca->sign_ctx = NULL;
	ca->private_key = NULL;
}

/* A context that is kept: setting one up costs as much as a signature with P-256 (OpenSSL 3.0). */
static EVP_PKEY_CTX *
context(EVP_PKEY *key, const char *digest, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	if (ctx && init(ctx) == 1 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(digest)) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static bool
sign(struct authority *ca, struct bytes data, uint8_t *ret, size_t *ret_len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;
	*ret_len = SIGNATURE_MAX_BYTES;
	if (!ca->type->digest) {
		EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
		return ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, ca->private_key) == 1 &&
		    EVP_DigestSign(ctx, ret, ret_len, data.data, data.len) == 1;
	}
	if (!ca->sign_ctx)
		ca->sign_ctx = context(ca->private_key, ca->type->digest, EVP_PKEY_sign_init);
	return ca->sign_ctx && EVP_Q_digest(NULL, ca->type->digest, NULL, data.data, data.len, digest, &digest_len) == 1 &&
	    EVP_PKEY_sign(ca->sign_ctx, ret, ret_len, digest, digest_len) == 1;
}

static bool
verify(struct authority *ca, struct bytes data, const uint8_t *signature, size_t len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;
	if (!ca->type->digest) {
		EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
		return ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, ca->public_key) == 1 &&
		    EVP_DigestVerify(ctx, signature, len, data.data, data.len) == 1;
	}
	if (!ca->verify_ctx)
		ca->verify_ctx = context(ca->public_key, ca->type->digest, EVP_PKEY_verify_init);
	return ca->verify_ctx && EVP_Q_digest(NULL, ca->type->digest, NULL, data.data, data.len, digest, &digest_len) == 1 &&
	    EVP_PKEY_verify(ca->verify_ctx, signature, len, digest, digest_len) == 1;
}

int
authority_sign(struct authority *ca, struct hsm *hsm, struct bytes data, uint8_t *ret, size_t *ret_len, struct error *e)
{
	if (!ca->private_key && hsm_key_load(hsm, ca->key_ref, ca->public_key, &ca->private_key, e) < 0)
		return -1;
	ERR_clear_error();
	if (!sign(ca, data, ret, ret_len))
		return fail(e, E_KEY_STORE, "the key store made no signature");
	FAULT("signed");
	if (!verify(ca, data, ret, *ret_len))
		return fail(e, E_KEY_STORE, "the key store made a signature that doesn't verify");
	FAULT("verified");
	return 0;
}
