#include "ca/publickey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "ca/blocklist.h"
#include "lib/limits.h"

DEFINE_CLEANUP(BN_CTX, BN_CTX_free)
DEFINE_CLEANUP(BIGNUM, BN_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(X509_REQ, X509_REQ_free)
DEFINE_CLEANUP(RSA_PSS_PARAMS, RSA_PSS_PARAMS_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM, OSSL_PARAM_free)

/* Fermat's method finds the factors of a modulus of close primes in a few steps; 100 is what the CA/B baseline asks (6.1.1.3). */
#define FERMAT_ROUNDS 100

/* ROCA (CVE-2017-15361): the residues of such a modulus lie in the group that 65537 generates, for each of these primes. */
static bool
is_roca(const BIGNUM *n)
{
	static const unsigned primes[] = {3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
	    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
	for (size_t i = 0; i < ARRAY_LEN(primes); i++) {
		unsigned p = primes[i], residue = (unsigned)BN_mod_word(n, p), power = 1;
		bool inside = false;
		do {
			inside = inside || power == residue;
			power = power * 65537u % p;
		} while (power != 1 && !inside);
		if (!inside)
			return false;
	}
	return true;
}

/* The integer square root of n, by Newton's method from above. */
static bool
square_root(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
	if (BN_is_zero(n)) /* what is left of a modulus that is a square; Newton's method would end in a division by zero */
		return BN_set_word(root, 0) == 1;
	BN_CTX_start(ctx);
	BIGNUM *next = BN_CTX_get(ctx), *quotient = BN_CTX_get(ctx);
	bool good = quotient && BN_one(root) && BN_lshift(root, root, (BN_num_bits(n) + 2) / 2);
	while (good) {
		good = BN_div(quotient, NULL, n, root, ctx) && BN_add(next, root, quotient) && BN_rshift1(next, next);
		if (!good || BN_cmp(next, root) >= 0)
			break;
		good = BN_copy(root, next) != NULL;
	}
	BN_CTX_end(ctx);
	return good;
}

/* n = a² − b² with a just above its root: true when that is found within FERMAT_ROUNDS. */
static bool
has_close_primes(const BIGNUM *n, BN_CTX *ctx)
{
	bool found = false;
	BN_CTX_start(ctx);
	BIGNUM *a = BN_CTX_get(ctx), *b2 = BN_CTX_get(ctx), *b = BN_CTX_get(ctx), *square = BN_CTX_get(ctx);
	if (!square || !square_root(a, n, ctx))
		goto out;
	for (int i = 0; i < FERMAT_ROUNDS && !found; i++) {
		if (!BN_sqr(square, a, ctx) || !BN_sub(b2, square, n))
			break;
		if (!BN_is_negative(b2)) {
			/* a square is 0, 1, 4 or 9 modulo 16: that spares most roots */
			unsigned low = (unsigned)BN_mod_word(b2, 16);
			if ((low == 0 || low == 1 || low == 4 || low == 9) && square_root(b, b2, ctx) && BN_sqr(square, b, ctx))
				found = BN_cmp(square, b2) == 0;
		}
		if (!BN_add_word(a, 1))
			break;
	}
out:
	BN_CTX_end(ctx);
	return found;
}

static bool
has_small_factor(const BIGNUM *n)
{
	for (unsigned p = 3; p < 752; p += 2)
		if (BN_mod_word(n, p) == 0)
			return true;
	return false;
}

static int
check_rsa(const BIGNUM *n, const BIGNUM *exponent, struct error *e)
{
	BN_CTX *ctx CLEANUP(BN_CTX_free) = BN_CTX_new();
	if (!BN_is_odd(exponent) || BN_num_bits(exponent) < 17 || BN_num_bits(exponent) > 64)
		return fail(e, E_BAD_KEY, "RSA exponent: an odd number from 65537 to 2^64 is wanted");
	if (!BN_is_odd(n) || has_small_factor(n))
		return fail(e, E_BAD_KEY, "RSA modulus: it has a small factor");
	if (is_roca(n))
		return fail(e, E_BAD_KEY, "RSA modulus: made by a generator with the ROCA flaw (CVE-2017-15361)");
	if (!ctx || has_close_primes(n, ctx))
		return fail(e, E_BAD_KEY, "RSA modulus: its primes are too close to each other");
	return 0;
}

static int
load_rsa(struct bytes bits, const struct keytype **ret_type, struct bytes algorithm, EVP_PKEY **ret_key, struct error *e)
{
	struct der d = der_of(bits), list;
	struct bytes modulus, exponent;
	/* RSAPublicKey, RFC 8017 A.1.1 */
	if (der_get(&d, DER_SEQUENCE, "RSA key", &list, e) < 0 || der_end(&d, "RSA key", e) < 0 ||
	    der_get_unsigned(&list, "RSA modulus", &modulus, e) < 0 || der_get_unsigned(&list, "RSA exponent", &exponent, e) < 0 ||
	    der_end(&list, "RSA key", e) < 0)
		return -1;
	/* Sizes first: arithmetic on a modulus of 65,536 bits costs seconds (CVE-2023-6237). */
	if (modulus.len > LIMIT_RSA_MAX_BITS / 8 || exponent.len > 8)
		return fail(e, E_BAD_KEY, "RSA key: over %d bits, or an exponent over 64", LIMIT_RSA_MAX_BITS);
	BIGNUM *n CLEANUP(BN_free) = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
	BIGNUM *x CLEANUP(BN_free) = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
	if (!n || !x)
		return fail(e, E_INTERNAL, "no memory");
	int size = BN_num_bits(n);
	*ret_type = keytype_by_algorithm(algorithm, size);
	if (size < LIMIT_RSA_MIN_BITS)
		return fail(e, E_BAD_KEY, "RSA key of %d bits: too weak, at least %d are wanted", size, LIMIT_RSA_MIN_BITS);
	if (!*ret_type)
		return fail(e, E_BAD_KEY, "RSA key of %d bits: a multiple of 8 from %d to %d is wanted", size, LIMIT_RSA_MIN_BITS,
			    LIMIT_RSA_MAX_BITS);
	if (check_rsa(n, x, e) < 0)
		return -1;
	if (blocklist_has_modulus(n))
		return fail(e, E_BAD_KEY, "RSA modulus: it is on the list of weak keys (CVE-2008-0166)");
	OSSL_PARAM_BLD *build CLEANUP(OSSL_PARAM_BLD_free) = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_name(NULL, (*ret_type)->group, NULL);
	if (!build || !ctx || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, x))
		return fail(e, E_INTERNAL, "no memory");
	OSSL_PARAM *params CLEANUP(OSSL_PARAM_free) = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, ret_key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return fail(e, E_BAD_KEY, "RSA key: the cryptographic library refuses it");
	return 0;
}

enum {
	N_CURVES = 0
#define CURVE(...) +1
#include "lib/x509/curves.def"
};

/* One key with the parameters of each curve, made once: importing a point into a copy of it is five times faster than decoding a
 * SubjectPublicKeyInfo (OpenSSL 3.0). */
static EVP_PKEY *
curve_template(const struct keytype *type)
{
	static struct {
		const struct keytype *type;
		EVP_PKEY *key;
	} made[N_CURVES];
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		if (made[i].type == type)
			return made[i].key;
		if (made[i].type)
			continue;
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type->group);
		if (key) {
			made[i].type = type;
			made[i].key = key;
		}
		return key;
	}
	return NULL;
}

/* The import sees that the point is on the curve. Where the curve has more points than its group, the point must be of the group, too
 * (NIST SP 800-56A 5.6.2.3.3). */
static bool
is_of_group(const struct keytype *type, EVP_PKEY *key)
{
	if (type->cofactor == 1)
		return true;
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	return ctx && EVP_PKEY_public_check(ctx) == 1;
}

static int
load_ec(const struct keytype *type, struct bytes bits, EVP_PKEY **ret_key, struct error *e)
{
	size_t field = ((size_t)type->bits + 7) / 8;
	/* RFC 5480 2.2: uncompressed; compressed and hybrid forms aren't used, and the point at infinity is no key. */
	if (bits.len != 1 + 2 * field || bits.data[0] != 0x04)
		return fail(e, E_BAD_KEY, "EC key: an uncompressed point of %s is wanted (RFC 5480 2.2)", type->group);
	EVP_PKEY *template = curve_template(type);
	if (!template)
		return keytype_available(type, e) < 0 ? -1 : fail(e, E_INTERNAL, "no memory");
	EVP_PKEY *key = EVP_PKEY_new();
	if (!key || EVP_PKEY_copy_parameters(key, template) != 1 ||
	    EVP_PKEY_set1_encoded_public_key(key, bits.data, bits.len) != 1 || !is_of_group(type, key)) {
		EVP_PKEY_free(key);
		return fail(e, E_BAD_KEY, "EC key: the point isn't on the curve %s", type->group);
	}
	*ret_key = key;
	return 0;
}

/* Signatures by a point of small order fit any message. Its y is 0, 1 or p - 1 for orders 1, 2 and 4, and for Ed25519 one of two more for
 * order 8; p and above isn't an encoding (RFC 8032 5.1.3, 5.2.3). */
static const struct {
	const char *group, *prime, *order_8[2];
} edwards[] = {
    {"ED25519", "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFED",
     {"05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826", "7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7"}},
    {"ED448", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE"
	      "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
     {NULL, NULL}},
};

static bool
has_small_order(const struct keytype *type, struct bytes bits)
{
	uint8_t encoded[57]; /* little-endian, the sign of x in the highest bit */
	BIGNUM *top CLEANUP(BN_free) = NULL, *y CLEANUP(BN_free) = NULL;
	size_t curve = strcmp(type->group, edwards[0].group) == 0 ? 0 : 1;
	if (bits.len > sizeof(encoded))
		return true;
	memcpy(encoded, bits.data, bits.len);
	encoded[bits.len - 1] &= 0x7f;
	y = BN_lebin2bn(encoded, (int)bits.len, NULL);
	if (!y || !BN_hex2bn(&top, edwards[curve].prime) || !BN_sub_word(top, 1) || BN_num_bits(y) <= 1 || BN_cmp(y, top) >= 0)
		return true;
	for (size_t i = 0; i < 2 && edwards[curve].order_8[i]; i++)
		if (!BN_hex2bn(&top, edwards[curve].order_8[i]) || BN_cmp(y, top) == 0)
			return true;
	return false;
}

int
publickey_load(struct bytes algorithm, struct bytes bits, const struct keytype **ret_type, EVP_PKEY **ret_key, struct error *e)
{
	const struct keytype *type = keytype_by_algorithm(algorithm, LIMIT_RSA_MIN_BITS);
	if (!type)
		return fail(e, E_BAD_KEY, "public key: an algorithm, curve or parameters that aren't taken here");
	if (blocklist_has_spki(algorithm, bits))
		return fail(e, E_BAD_KEY, "public key: it is on the list of keys that aren't certified");
	if (type->family == KEY_RSA || type->family == KEY_RSA_PSS) {
		if (load_rsa(bits, ret_type, algorithm, ret_key, e) == 0)
			return 0;
		e->code = E_BAD_KEY;
		return -1;
	}
	if (keytype_check(type, e) < 0)
		return -1;
	*ret_type = type;
	if (type->family == KEY_EC)
		return load_ec(type, bits, ret_key, e);
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, type->group, NULL, bits.data, bits.len);
	if (key && type->family == KEY_ED && has_small_order(type, bits)) {
		EVP_PKEY_free(key);
		return fail(e, E_BAD_KEY, "%s key: a point of small order, or not a point's encoding (RFC 8032)", type->group);
	}
	*ret_key = key;
	if (key)
		return 0;
	return keytype_available(type, e) < 0 ? -1 : fail(e, E_BAD_KEY, "%s key: not the encoding of one", type->group);
}

#define RSA_PSS_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"

/* The digest of MGF1, which is to be that of the signature (RFC 4055 3.1); left out it is SHA-1. */
static int
mask_digest(const RSA_PSS_PARAMS *params)
{
	const X509_ALGOR *mask = params->maskGenAlgorithm;
	if (!mask || OBJ_obj2nid(mask->algorithm) != NID_mgf1 || !mask->parameter)
		return NID_sha1;
	X509_ALGOR *digest = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), mask->parameter);
	int nid = digest ? OBJ_obj2nid(digest->algorithm) : NID_sha1;
	X509_ALGOR_free(digest);
	return nid;
}

/* RFC 4055 3.1: a digest that is left out is SHA-1, which isn't taken. */
static bool
pss_digest_is_taken(const X509_ALGOR *algorithm)
{
	int type = V_ASN1_UNDEF;
	const void *value = NULL;
	X509_ALGOR_get0(NULL, &type, &value, algorithm);
	if (type != V_ASN1_SEQUENCE)
		return false;
	RSA_PSS_PARAMS *params CLEANUP(RSA_PSS_PARAMS_free) = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
	if (!params || !params->hashAlgorithm)
		return false;
	int digest = OBJ_obj2nid(params->hashAlgorithm->algorithm);
	return mask_digest(params) == digest && (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512);
}

static bool
verify_pss(const struct csr *csr, EVP_PKEY *key)
{
	const unsigned char *p = csr->whole.data;
	const X509_ALGOR *algorithm = NULL;
	X509_REQ *request CLEANUP(X509_REQ_free) = d2i_X509_REQ(NULL, &p, (long)csr->whole.len);
	if (!request)
		return false;
	X509_REQ_get0_signature(request, NULL, &algorithm);
	return pss_digest_is_taken(algorithm) && X509_REQ_verify(request, key) == 1;
}

/* RSASSA-PSS with parameters that aren't written as we write them: another salt, a digest without NULL. */
static bool
is_other_pss(const struct keytype *type, struct bytes algorithm)
{
	size_t oid_len = sizeof(RSA_PSS_OID) - 1;
	return (type->family == KEY_RSA || type->family == KEY_RSA_PSS) && algorithm.len > 2 + oid_len &&
	    memcmp(algorithm.data + 2, RSA_PSS_OID, oid_len) == 0;
}

int
csr_verify(const struct csr *csr, const struct keytype *type, EVP_PKEY *key, struct error *e)
{
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = NULL;
	if (!type->signature)
		return fail(e, E_BAD_CSR, "key: an %s key can't sign a request, so it proves nothing: ask for a key that is made here", type->group);
	/* RFC 4055 1.2: a key that is bound to parameters signs with these alone. */
	const struct sigalg *s = keytype_signature_by_algorithm(type, csr->signature_algorithm);
	const struct sigalg *bound = keytype_signature_by_algorithm(type, csr->spki_algorithm);
	if (bound && s != bound)
		return fail(e, E_BAD_CSR, "signature algorithm: not the one that the key is bound to (RFC 4055 1.2)");
	if (!s && !is_other_pss(type, csr->signature_algorithm))
		return fail(e, E_BAD_CSR, "signature algorithm: SHA-256, SHA-384 or SHA-512 with the request's key, or its own algorithm, is wanted");
	if (s ? !sigalg_verify(s, key, &ctx, csr->info, csr->signature) : !verify_pss(csr, key))
		return fail(e, E_BAD_CSR, "signature: not made with the private key of the request's public key");
	return 0;
}
