#include "enroll/acme/jwk.h"

#include <openssl/bn.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "enroll/cms.h"
#include "lib/limits.h"
#include "lib/x509/keycheck.h"

DEFINE_CLEANUP(BIGNUM, BN_free)

static int
get_octets(struct arena *a, const json_t *object, const char *name, struct bytes *ret, struct error *e)
{
	const json_t *v = json_object_get(object, name);
	if (!json_is_string(v) || json_string_length(v) == 0)
		return fail(e, E_MALFORMED, "jwk: the member \"%s\" is missing (RFC 7518 6)", name);
	if (json_string_length(v) > (LIMIT_RSA_MAX_BITS / 8 + 1) * 4 / 3 + 4)
		return fail(e, E_BAD_KEY, "jwk: \"%s\" is longer than that of an RSA key of %d bits", name, LIMIT_RSA_MAX_BITS);
	return base64url_decode(a, json_string_value(v), json_string_length(v), "jwk", ret, e);
}

/* SubjectPublicKeyInfo around the bits of a key. */
static struct bytes
wrap(struct arena *a, struct bytes algorithm, struct bytes bits)
{
	struct buf BUF_CLEANUP b = BUF_INIT(bits.len + 64);
	size_t mark = der_begin(&b, DER_SEQUENCE);
	der_put_raw(&b, algorithm);
	der_put_bits(&b, bits.data, bits.len);
	der_close(&b, mark);
	return (struct bytes){arena_dup(a, b.data, b.len), b.len};
}

static int
check_rsa(struct bytes n, struct bytes exponent, struct error *e)
{
	BIGNUM *modulus CLEANUP(BN_free) = BN_bin2bn(n.data, (int)n.len, NULL),
			*power CLEANUP(BN_free) = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
	return modulus && power ? keycheck_rsa(modulus, power, e) : fail(e, E_INTERNAL, "no memory");
}

static int
parse_rsa(struct arena *a, const json_t *object, bool known, struct jwk *k, struct error *e)
{
	struct bytes n, exponent;
	if (get_octets(a, object, "n", &n, e) < 0 || get_octets(a, object, "e", &exponent, e) < 0)
		return -1;
	if (n.data[0] == 0 || exponent.data[0] == 0)
		return fail(e, E_MALFORMED, "jwk: a number with zeros in front (RFC 7518 2, Base64urlUInt)");
	if (n.len < LIMIT_RSA_MIN_BITS / 8 || n.len > LIMIT_RSA_MAX_BITS / 8 || exponent.len > 8)
		return fail(e, E_BAD_KEY, "jwk: RSA keys of %d to %d bits with an exponent of up to 64 are taken", LIMIT_RSA_MIN_BITS,
		            LIMIT_RSA_MAX_BITS);
	if (!known && check_rsa(n, exponent, e) < 0)
		return -1;
	struct buf BUF_CLEANUP b = BUF_INIT(n.len + exponent.len + 32);
	size_t mark = der_begin(&b, DER_SEQUENCE);
	der_put_unsigned(&b, n.data, n.len);
	der_put_unsigned(&b, exponent.data, exponent.len);
	der_close(&b, mark);
	k->spki = wrap(a, keytype_by_name("rsa2048")->algorithm, (struct bytes){b.data, b.len});
	k->canonical = arena_printf(a, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", base64url_encode(a, exponent), base64url_encode(a, n));
	return 0;
}

static int
parse_ec(struct arena *a, const json_t *object, const char *curve, struct jwk *k, struct error *e)
{
	static const struct {
		const char *curve, *type;
	} curves[] = {{"P-256", "p256"}, {"P-384", "p384"}, {"P-521", "p521"}};
	const struct keytype *type = NULL;
	struct bytes x, y;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (strcmp(curve, curves[i].curve) == 0)
			type = keytype_by_name(curves[i].type);
	if (!type)
		return fail(e, E_BAD_KEY, "jwk: the curve is none of P-256, P-384 and P-521");
	size_t field = ((size_t)type->bits + 7) / 8;
	if (get_octets(a, object, "x", &x, e) < 0 || get_octets(a, object, "y", &y, e) < 0)
		return -1;
	if (x.len != field || y.len != field)
		return fail(e, E_MALFORMED, "jwk: coordinates of %s have %zu octets (RFC 7518 6.2.1.2)", curve, field);
	uint8_t *point = arena_alloc(a, 1 + 2 * field);
	point[0] = 4;
	memcpy(point + 1, x.data, field);
	memcpy(point + 1 + field, y.data, field);
	k->spki = wrap(a, type->algorithm, (struct bytes){point, 1 + 2 * field});
	k->canonical =
	    arena_printf(a, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", curve, base64url_encode(a, x), base64url_encode(a, y));
	return 0;
}

static int
parse_okp(struct arena *a, const json_t *object, const char *curve, struct jwk *k, struct error *e)
{
	const struct keytype *type = keytype_by_name(strcmp(curve, "Ed25519") == 0 ? "ed25519" : strcmp(curve, "Ed448") == 0 ? "ed448" : "");
	struct bytes x;
	if (!type)
		return fail(e, E_BAD_KEY, "jwk: the curve is none of Ed25519 and Ed448 (RFC 8037 2)");
	if (get_octets(a, object, "x", &x, e) < 0)
		return -1;
	if (x.len != (size_t)type->bits / 8)
		return fail(e, E_MALFORMED, "jwk: \"x\" of %s has %d octets (RFC 8032 5)", curve, type->bits / 8);
	if (keycheck_is_small_order(type, x))
		return fail(e, E_BAD_KEY, "jwk: a point of small order, whose signatures fit any message");
	k->spki = wrap(a, type->algorithm, x);
	k->canonical = arena_printf(a, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"}", curve, base64url_encode(a, x));
	return 0;
}

static int
parse(struct arena *a, const json_t *object, bool known, struct jwk *ret, struct error *e)
{
	static const char *const secrets[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	struct jwk k = {0};
	const struct keytype *type = NULL;
	const char *kty = json_string_value(json_object_get(object, "kty")), *curve = json_string_value(json_object_get(object, "crv"));
	if (!json_is_object(object) || !kty)
		return fail(e, E_MALFORMED, "jwk: an object with \"kty\" is wanted (RFC 7517 4.1)");
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (json_object_get(object, secrets[i]))
			return fail(e, E_BAD_KEY,
			            "jwk: a public key is wanted, and this holds \"%s\" of a private or secret one: don't use that key again",
			            secrets[i]);
	int result = strcmp(kty, "RSA") == 0  ? parse_rsa(a, object, known, &k, e)
	    : strcmp(kty, "EC") == 0  ? parse_ec(a, object, curve ? curve : "", &k, e)
	    : strcmp(kty, "OKP") == 0 ? parse_okp(a, object, curve ? curve : "", &k, e)
	                              : fail(e, E_BAD_KEY, "jwk: \"kty\" is none of RSA, EC and OKP");
	if (result < 0 || cms_public_key(k.spki, &type, &k.key, e) < 0)
		return -1;
	SHA256((const uint8_t *)k.canonical, strlen(k.canonical), k.thumbprint);
	*ret = k;
	return 0;
}

int
jwk_parse(struct arena *a, const json_t *object, struct jwk *ret, struct error *e)
{
	return parse(a, object, false, ret, e);
}

int
jwk_parse_known(struct arena *a, const json_t *object, struct jwk *ret, struct error *e)
{
	return parse(a, object, true, ret, e);
}

void
jwk_free(struct jwk *k)
{
	EVP_PKEY_free(k->key);
	k->key = NULL;
}

struct spki {
	struct bytes algorithm, oid, bits;
};

static bool
split(struct bytes whole, struct spki *ret)
{
	struct der d = der_of(whole), list, algorithm;
	struct error ignored;
	int tag;
	return der_get(&d, DER_SEQUENCE, "key", &list, &ignored) == 0 &&
	    der_get_any(&list, "key", &tag, &ret->algorithm, &algorithm, &ignored) == 0 && tag == DER_SEQUENCE &&
	    der_get_oid(&algorithm, "key", &ret->oid, &ignored) == 0 && der_get_bits(&list, "key", &ret->bits, &ignored) == 0 && ret->bits.len > 0;
}

/* Whether that is another key for sure, without the library, which takes long to read one: another algorithm, or other octets of a form that each key
 * has once: a point that isn't compressed, as ours are, or a key of Ed25519 or Ed448. */
static bool
is_other(const struct jwk *k, struct bytes spki)
{
	struct spki ours, theirs;
	if (!split(k->spki, &ours) || !split(spki, &theirs))
		return false;
	if (!bytes_equal(ours.oid, theirs.oid))
		return true;
	int id = EVP_PKEY_get_base_id(k->key);
	bool once = id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 || (id == EVP_PKEY_EC && theirs.bits.data[0] == ours.bits.data[0]);
	return once && bytes_equal(ours.algorithm, theirs.algorithm) && !bytes_equal(ours.bits, theirs.bits);
}

bool
jwk_is(const struct jwk *k, struct bytes spki)
{
	if (bytes_equal(k->spki, spki))
		return true;
	if (is_other(k, spki))
		return false;
	const uint8_t *p = spki.data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	bool same = key && EVP_PKEY_eq(key, k->key) == 1;
	EVP_PKEY_free(key);
	return same;
}

int
jwk_verify(const struct jwk *k, const char *alg, struct bytes data, struct bytes signature, struct error *e)
{
	return jose_verify(k->key, alg, data, signature, e);
}
