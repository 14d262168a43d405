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
#include "lib/x509/keycheck.h"

DEFINE_CLEANUP(BN_CTX, BN_CTX_free)
DEFINE_CLEANUP(BIGNUM, BN_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(X509_REQ, X509_REQ_free)
DEFINE_CLEANUP(RSA_PSS_PARAMS, RSA_PSS_PARAMS_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM, OSSL_PARAM_free)

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
	if (keycheck_rsa(n, x, e) < 0)
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
	if (key && type->family == KEY_ED && keycheck_is_small_order(type, bits)) {
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
