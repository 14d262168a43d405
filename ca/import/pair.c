/* Whether the private half of a key belongs to its public half: files may say anything. Numbers are compared, primes aren't proven, which for the
 * largest RSA keys takes seconds; what that leaves open a signature shows. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "ca/import/import.h"
#include "lib/x509/sigalg.h"

enum { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI, RSA_NUMBERS };

static const char *const names[RSA_NUMBERS] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

/* d is good modulo a prime, and so is what is kept of it (RFC 8017 3.2). */
static bool
exponent_fits(BIGNUM *const x[], const BIGNUM *prime, const BIGNUM *kept, BN_CTX *ctx)
{
	BIGNUM *less = BN_CTX_get(ctx), *t = BN_CTX_get(ctx);
	return t && BN_copy(less, prime) && BN_sub_word(less, 1) && !BN_is_zero(less) && BN_mod_mul(t, x[RSA_E], x[RSA_D], less, ctx) &&
	    BN_is_one(t) && BN_nnmod(t, x[RSA_D], less, ctx) && BN_cmp(t, kept) == 0;
}

static bool
numbers_fit(BIGNUM *const x[], BN_CTX *ctx)
{
	BIGNUM *t = BN_CTX_get(ctx);
	for (int i = 0; i < RSA_NUMBERS; i++)
		if (BN_is_zero(x[i]) || BN_is_negative(x[i]) || BN_num_bits(x[i]) > BN_num_bits(x[RSA_N]))
			return false;
	return t && BN_mul(t, x[RSA_P], x[RSA_Q], ctx) && BN_cmp(t, x[RSA_N]) == 0 && exponent_fits(x, x[RSA_P], x[RSA_DP], ctx) &&
	    exponent_fits(x, x[RSA_Q], x[RSA_DQ], ctx) && BN_mod_mul(t, x[RSA_QI], x[RSA_Q], x[RSA_P], ctx) && BN_is_one(t);
}

static bool
rsa_fits(EVP_PKEY *key)
{
	BIGNUM *x[RSA_NUMBERS] = {NULL};
	BN_CTX *ctx = BN_CTX_secure_new();
	bool good = ctx != NULL;
	for (int i = 0; good && i < RSA_NUMBERS; i++)
		good = EVP_PKEY_get_bn_param(key, names[i], &x[i]) == 1;
	if (good) {
		BN_CTX_start(ctx);
		good = numbers_fit(x, ctx);
		BN_CTX_end(ctx);
	}
	for (int i = 0; i < RSA_NUMBERS; i++)
		BN_clear_free(x[i]);
	BN_CTX_free(ctx);
	return good;
}

/* With the digest that the key itself names, or the default of its type. */
static bool
signs(EVP_PKEY *key)
{
	uint8_t text[32], *signature = xcalloc(1, SIGALG_MAX_BYTES);
	size_t len = SIGALG_MAX_BYTES;
	EVP_MD_CTX *make = EVP_MD_CTX_new(), *check = EVP_MD_CTX_new();
	bool good = make && check && RAND_bytes(text, sizeof(text)) == 1 && EVP_DigestSignInit(make, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(make, signature, &len, text, sizeof(text)) == 1 && EVP_DigestVerifyInit(check, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(check, signature, len, text, sizeof(text)) == 1;
	EVP_MD_CTX_free(make);
	EVP_MD_CTX_free(check);
	free(signature);
	return good;
}

static bool
checked(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	int rc = ctx ? EVP_PKEY_check(ctx) : 0;
	EVP_PKEY_CTX_free(ctx);
	return rc == 1 || rc == -2; /* -2: there is no check for the type */
}

bool
import_pair_fits(EVP_PKEY *key)
{
	bool rsa = EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
	bool good = (rsa ? rsa_fits(key) : checked(key)) && (!EVP_PKEY_can_sign(key) || signs(key));
	ERR_clear_error();
	return good;
}
