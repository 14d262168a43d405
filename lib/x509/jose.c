#include "lib/x509/jose.h"

#include <openssl/ecdsa.h>
#include <string.h>

DEFINE_CLEANUP(ECDSA_SIG, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

const char *const jose_algorithms[] = {"ES256", "ES384", "ES512", "EdDSA", "RS256", NULL};

bool
jose_knows_algorithm(const char *alg)
{
	for (size_t i = 0; jose_algorithms[i]; i++)
		if (strcmp(alg, jose_algorithms[i]) == 0)
			return true;
	return false;
}

/* r and s of the curve's length (RFC 7518 3.4) as OpenSSL wants them. */
static bool
ecdsa_to_der(struct bytes signature, size_t half, uint8_t **ret, int *ret_len)
{
	ECDSA_SIG *s CLEANUP(ECDSA_SIG_free) = ECDSA_SIG_new();
	if (signature.len != 2 * half)
		return false;
	BIGNUM *r = BN_bin2bn(signature.data, (int)half, NULL), *v = BN_bin2bn(signature.data + half, (int)half, NULL);
	if (!s || !r || !v || ECDSA_SIG_set0(s, r, v) != 1) {
		BN_free(r);
		BN_free(v);
		return false;
	}
	*ret_len = i2d_ECDSA_SIG(s, ret);
	return *ret_len > 0;
}

static bool
digest_verify(EVP_PKEY *key, const EVP_MD *digest, struct bytes data, const uint8_t *signature, size_t len)
{
	EVP_MD_CTX *ctx CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
	return ctx && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 && EVP_DigestVerify(ctx, signature, len, data.data, data.len) == 1;
}

int
jose_verify(EVP_PKEY *key, const char *alg, struct bytes data, struct bytes signature, struct error *e)
{
	/* RFC 7518 3.1: the curve goes with the algorithm. */
	static const struct {
		const char *alg, *key;
		int bits;
		const EVP_MD *(*digest)(void);
	} rows[] = {
	    {"RS256", "RSA", 0, EVP_sha256}, {"ES256", "EC", 256, EVP_sha256},   {"ES384", "EC", 384, EVP_sha384},
	    {"ES512", "EC", 521, EVP_sha512}, {"EdDSA", "ED25519", 0, NULL}, {"EdDSA", "ED448", 0, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].alg, alg) != 0 || !EVP_PKEY_is_a(key, rows[i].key) ||
		    (rows[i].bits && EVP_PKEY_get_bits(key) != rows[i].bits))
			continue;
		uint8_t *der = NULL;
		int der_len = 0;
		bool good;
		if (rows[i].bits) {
			good = ecdsa_to_der(signature, ((size_t)rows[i].bits + 7) / 8, &der, &der_len) &&
			    digest_verify(key, rows[i].digest(), data, der, (size_t)der_len);
			OPENSSL_free(der);
		} else {
			good = digest_verify(key, rows[i].digest ? rows[i].digest() : NULL, data, signature.data, signature.len);
		}
		return good ? 0 : fail(e, E_FORBIDDEN, "the signature isn't one by the key that the message names (RFC 8555 6.2)");
	}
	return fail(e, E_BAD_ALGORITHM, jose_knows_algorithm(alg) ? "the key isn't one for the algorithm \"%s\" (RFC 7518 3.1)"
	                                                         : "the algorithm \"%.40s\" isn't taken (RFC 8555 6.2)", alg);
}
