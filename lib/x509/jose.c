#include "lib/x509/jose.h"

#include <openssl/ecdsa.h>
#include <string.h>

DEFINE_CLEANUP(ECDSA_SIG, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

const char *const jose_algorithms[] = {"ES256", "ES384", "ES512", "EdDSA", "RS256", NULL};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *
base64url_encode(struct arena *a, struct bytes in)
{
	char *out = arena_alloc(a, (in.len + 2) / 3 * 4 + 1), *p = out;
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t v = (uint32_t)in.data[i] << 16 | (n > 1 ? (uint32_t)in.data[i + 1] << 8 : 0) | (n > 2 ? in.data[i + 2] : 0);
		for (size_t k = 0; k <= n; k++)
			*p++ = alphabet[v >> (18 - 6 * k) & 63];
	}
	*p = '\0';
	return out;
}

int
base64url_decode(struct arena *a, const char *text, size_t len, const char *what, struct bytes *ret, struct error *e)
{
	/* A character's value and 1; 0: it has none. */
	static const uint8_t values[256] = {
	    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
	};
	uint8_t *out = arena_alloc(a, len / 4 * 3 + 4);
	uint32_t v = 0;
	size_t n = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t value = values[(uint8_t)text[i]];
		if (value == 0)
			return fail(e, E_MALFORMED, "%s: base64url without padding is wanted (RFC 7515 2)", what);
		v = v << 6 | (value - 1u);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(v >> bits);
			v &= (1u << bits) - 1;
		}
	}
	if (len % 4 == 1 || v != 0)
		return fail(e, E_MALFORMED, "%s: base64url of whole octets is wanted (RFC 7515 2)", what);
	*ret = (struct bytes){out, n};
	return 0;
}

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
