#include "lib/x509/keycheck.h"

#include <string.h>

DEFINE_CLEANUP(BN_CTX, BN_CTX_free)
DEFINE_CLEANUP(BIGNUM, BN_free)

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

int
keycheck_rsa(const BIGNUM *n, const BIGNUM *exponent, struct error *e)
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

bool
keycheck_is_small_order(const struct keytype *type, struct bytes bits)
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
