#include "lib/x509/sigalg.h"

#include <openssl/rsa.h>

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

#define DER_LIT(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}
#define ECDSA(last) DER_LIT("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03" last)
#define RSA(last) DER_LIT("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" last "\x05\x00")
/* RSASSA-PSS-params with all but the trailer, which has its default: digest, MGF1 with it, length of the salt. */
#define SHA2(last) "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" last "\x05\x00"
#define RSAPSS(last, salt)                                                                                                                 \
	DER_LIT("\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f" SHA2(last)                                          \
	    "\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" SHA2(last) "\xa2\x03\x02\x01" salt)

const struct sigalg sigalg_list[SIGALG_COUNT] = {
    [ECDSA_SHA256] = {"ecdsa-sha256", ECDSA("\x02"), "SHA256", false},
    [ECDSA_SHA384] = {"ecdsa-sha384", ECDSA("\x03"), "SHA384", false},
    [ECDSA_SHA512] = {"ecdsa-sha512", ECDSA("\x04"), "SHA512", false},
    [RSA_SHA256] = {"rsa-sha256", RSA("\x0b"), "SHA256", false},
    [RSA_SHA384] = {"rsa-sha384", RSA("\x0c"), "SHA384", false},
    [RSA_SHA512] = {"rsa-sha512", RSA("\x0d"), "SHA512", false},
    [RSAPSS_SHA256] = {"rsapss-sha256", RSAPSS("\x01", "\x20"), "SHA256", true},
    [RSAPSS_SHA384] = {"rsapss-sha384", RSAPSS("\x02", "\x30"), "SHA384", true},
    [RSAPSS_SHA512] = {"rsapss-sha512", RSAPSS("\x03", "\x40"), "SHA512", true},
};

EVP_PKEY_CTX *
sigalg_context(const struct sigalg *s, EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	const EVP_MD *md = EVP_get_digestbyname(s->digest);
	if (ctx && init(ctx) == 1 && (!s->pss || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1) &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	    (!s->pss || (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1)))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

/* The context that is kept and the digest that it works on. */
static bool
prepare(const struct sigalg *s, EVP_PKEY *key, EVP_PKEY_CTX **kept, int (*init)(EVP_PKEY_CTX *), struct bytes data,
	uint8_t digest[EVP_MAX_MD_SIZE], size_t *ret_len)
{
	if (!*kept)
		*kept = sigalg_context(s, key, init);
	return *kept && EVP_Q_digest(NULL, s->digest, NULL, data.data, data.len, digest, ret_len) == 1;
}

bool
sigalg_sign(const struct sigalg *s, EVP_PKEY *key, EVP_PKEY_CTX **kept, struct bytes data, uint8_t *ret, size_t *ret_len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;
	if (!s->digest) {
		EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
		return ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 && EVP_DigestSign(ctx, ret, ret_len, data.data, data.len) == 1;
	}
	return prepare(s, key, kept, EVP_PKEY_sign_init, data, digest, &digest_len) && EVP_PKEY_sign(*kept, ret, ret_len, digest, digest_len) == 1;
}

bool
sigalg_verify(const struct sigalg *s, EVP_PKEY *key, EVP_PKEY_CTX **kept, struct bytes data, struct bytes signature)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;
	if (!s->digest) {
		EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
		return ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature.data, signature.len, data.data, data.len) == 1;
	}
	return prepare(s, key, kept, EVP_PKEY_verify_init, data, digest, &digest_len) &&
	    EVP_PKEY_verify(*kept, signature.data, signature.len, digest, digest_len) == 1;
}
