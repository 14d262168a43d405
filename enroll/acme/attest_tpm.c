/* WebAuthn's format "tpm" (8.3): a TPM 2.0 certifies by its attestation key that it holds a key, with the digest of the key authorization in what it
 * signs. Structures are those of the TPM 2.0 Library Specification, part 2. */
#include "enroll/acme/attest_parts.h"

#include <openssl/crypto.h>
#include <string.h>

#include "enroll/cms.h"
#include "lib/x509/oid.h"

enum { TPM_GENERATED_VALUE = 0xff544347u, TPM_ST_ATTEST_CERTIFY = 0x8017 };
enum {
	TPM_ALG_RSA = 0x0001, TPM_ALG_NULL = 0x0010, TPM_ALG_RSASSA = 0x0014, TPM_ALG_RSAES = 0x0015, TPM_ALG_RSAPSS = 0x0016, TPM_ALG_ECDSA = 0x0018,
	TPM_ALG_ECDAA = 0x001a, TPM_ALG_ECC = 0x0023
};
/* TPMA_OBJECT, 8.3 */
enum { FIXED_TPM = 1 << 1, FIXED_PARENT = 1 << 4, SENSITIVE_DATA_ORIGIN = 1 << 5, ENCRYPTED_DUPLICATION = 1 << 11, SIGN = 1 << 18 };
#define NAME_BYTES_MAX (2 + EVP_MAX_MD_SIZE)

static const struct {
	uint16_t id;
	const char *digest;
} hashes[] = {{0x000b, "SHA256"}, {0x000c, "SHA384"}, {0x000d, "SHA512"}};

static const struct {
	uint16_t id;
	const char *type;
	size_t bytes; /* of a coordinate */
} curves[] = {{0x0003, "p256", 32}, {0x0004, "p384", 48}, {0x0005, "p521", 66}};

static const char *
digest_of(uint16_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		if (hashes[i].id == id)
			return hashes[i].digest;
	return NULL;
}

static int
get_octets(struct bytes *in, size_t n, const char *what, struct bytes *ret, struct error *e)
{
	if (in->len < n)
		return fail(e, E_MALFORMED, "%s: it ends too early (TPM 2.0 part 2)", what);
	*ret = (struct bytes){in->data, n};
	in->data += n;
	in->len -= n;
	return 0;
}

/* An unsigned integer of n octets, most significant first. */
static int
get_number(struct bytes *in, size_t n, const char *what, uint64_t *ret, struct error *e)
{
	struct bytes b;
	uint64_t value = 0;
	if (get_octets(in, n, what, &b, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | b.data[i];
	*ret = value;
	return 0;
}

static int
get_16(struct bytes *in, const char *what, uint16_t *ret, struct error *e)
{
	uint64_t value;
	if (get_number(in, 2, what, &value, e) < 0)
		return -1;
	*ret = (uint16_t)value;
	return 0;
}

/* TPM2B_…: a length of two octets, and as many. */
static int
get_sized(struct bytes *in, const char *what, struct bytes *ret, struct error *e)
{
	uint16_t len;
	if (get_16(in, what, &len, e) < 0)
		return -1;
	return get_octets(in, len, what, ret, e);
}

/* An algorithm and its n parameters of two octets, which TPM_ALG_NULL hasn't. */
static int
get_scheme(struct bytes *in, size_t n, const char *what, struct error *e)
{
	uint16_t id;
	struct bytes skipped;
	if (get_16(in, what, &id, e) < 0)
		return -1;
	if (id == TPM_ALG_NULL || id == TPM_ALG_RSAES)
		return 0;
	return get_octets(in, 2 * (id == TPM_ALG_ECDAA ? n + 1 : n), what, &skipped, e);
}

/* TPMS_RSA_PARMS and the modulus, 12.2.3.5 and 11.2.4.5. */
static int
get_rsa(struct bytes *in, struct arena *a, struct bytes *ret_spki, struct error *e)
{
	static const char what[] = "pubArea (RSA)";
	uint16_t bits;
	uint64_t exponent;
	struct bytes n;
	uint8_t octets[4];
	if (get_scheme(in, 2, what, e) < 0 || get_scheme(in, 1, what, e) < 0 || get_16(in, what, &bits, e) < 0 ||
	    get_number(in, 4, what, &exponent, e) < 0 || get_sized(in, what, &n, e) < 0)
		return -1;
	if (bits > LIMIT_RSA_MAX_BITS || n.len == 0 || n.len * 8 != bits || !(n.data[0] & 0x80))
		return fail(e, E_MALFORMED, "pubArea: its modulus doesn't have the %u bits that it tells, of %d at most", bits, LIMIT_RSA_MAX_BITS);
	exponent = exponent ? exponent : 65537;
	for (size_t i = 0; i < 4; i++)
		octets[i] = (uint8_t)(exponent >> (24 - 8 * i));
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES), key BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	size_t zeros = 0;
	while (zeros < 3 && octets[zeros] == 0)
		zeros++;
	size_t pair = der_begin(&key, DER_SEQUENCE);
	der_put_unsigned(&key, n.data, n.len);
	der_put_unsigned(&key, octets + zeros, 4 - zeros);
	der_close(&key, pair);
	size_t spki = der_begin(&b, DER_SEQUENCE);
	der_put_raw(&b, keytype_by_name("rsa2048")->algorithm);
	der_put_bits(&b, key.data, key.len);
	der_close(&b, spki);
	*ret_spki = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	return 0;
}

/* TPMS_ECC_PARMS and the point, 12.2.3.6 and 11.2.5.3. */
static int
get_ec(struct bytes *in, struct arena *a, struct bytes *ret_spki, struct error *e)
{
	static const char what[] = "pubArea (ECC)";
	uint16_t curve;
	struct bytes x, y;
	uint8_t point[1 + 2 * 66] = {4}; /* uncompressed, RFC 5480 2.2 */
	size_t at = 0;
	if (get_scheme(in, 2, what, e) < 0 || get_scheme(in, 1, what, e) < 0 || get_16(in, what, &curve, e) < 0 ||
	    get_scheme(in, 1, what, e) < 0 || get_sized(in, what, &x, e) < 0 || get_sized(in, what, &y, e) < 0)
		return -1;
	while (at < ARRAY_LEN(curves) && curves[at].id != curve)
		at++;
	if (at == ARRAY_LEN(curves))
		return fail(e, E_UNSUPPORTED, "pubArea: a curve that isn't taken (0x%04x); P-256, P-384 and P-521 are", curve);
	size_t len = curves[at].bytes;
	if (x.len > len || y.len > len)
		return fail(e, E_MALFORMED, "pubArea: a coordinate is longer than the curve's");
	if (x.len)
		memcpy(point + 1 + len - x.len, x.data, x.len);
	if (y.len)
		memcpy(point + 1 + 2 * len - y.len, y.data, y.len);
	struct buf b BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	size_t spki = der_begin(&b, DER_SEQUENCE);
	der_put_raw(&b, keytype_by_name(curves[at].type)->algorithm);
	der_put_bits(&b, point, 1 + 2 * len);
	der_close(&b, spki);
	*ret_spki = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	return 0;
}

int
tpm_public_parse(struct bytes in, struct arena *a, struct tpm_public *ret, struct error *e)
{
	struct tpm_public p = {0};
	struct bytes policy;
	uint64_t attributes;
	if (get_16(&in, "pubArea", &p.type, e) < 0)
		return -1;
	if (p.type != TPM_ALG_RSA && p.type != TPM_ALG_ECC)
		return fail(e, E_MALFORMED, "pubArea: no TPMT_PUBLIC of an RSA or ECC key (TPM2B_PUBLIC, as tools write it, has two octets more)");
	if (get_16(&in, "pubArea", &p.name_alg, e) < 0 || get_number(&in, 4, "pubArea", &attributes, e) < 0 ||
	    get_sized(&in, "pubArea", &policy, e) < 0)
		return -1;
	p.attributes = (uint32_t)attributes;
	if ((p.type == TPM_ALG_RSA ? get_rsa(&in, a, &p.spki, e) : get_ec(&in, a, &p.spki, e)) < 0)
		return -1;
	if (in.len)
		return fail(e, E_MALFORMED, "pubArea: %zu octets follow it", in.len);
	*ret = p;
	return 0;
}

int
tpm_attest_parse(struct bytes in, struct tpm_attest *ret, struct error *e)
{
	static const char what[] = "certInfo";
	struct tpm_attest t = {0};
	struct bytes skipped;
	uint64_t magic, safe;
	uint16_t type;
	if (get_number(&in, 4, what, &magic, e) < 0 || get_16(&in, what, &type, e) < 0)
		return -1;
	if (magic != TPM_GENERATED_VALUE)
		return fail(e, E_FORBIDDEN, "certInfo: its magic isn't TPM_GENERATED_VALUE: no TPM made it (WebAuthn 8.3)");
	if (type != TPM_ST_ATTEST_CERTIFY)
		return fail(e, E_FORBIDDEN, "certInfo: its type isn't TPM_ST_ATTEST_CERTIFY (WebAuthn 8.3)");
	if (get_sized(&in, what, &skipped, e) < 0 || get_sized(&in, what, &t.extra_data, e) < 0 || get_octets(&in, 16, what, &skipped, e) < 0 ||
	    get_number(&in, 1, what, &safe, e) < 0 || get_number(&in, 8, what, &t.firmware, e) < 0 || get_sized(&in, what, &t.name, e) < 0 ||
	    get_sized(&in, what, &skipped, e) < 0)
		return -1;
	if (safe > 1 || in.len)
		return fail(e, E_MALFORMED, "certInfo: no TPMS_ATTEST of a certified key, or something follows it (TPM 2.0 part 2, 10.12.8)");
	*ret = t;
	return 0;
}

int
tpm_signature_parse(struct bytes in, const struct attest_algorithm *alg, struct arena *a, struct bytes *ret, struct error *e)
{
	struct bytes rest = in, r, s = {0};
	struct error no;
	uint16_t scheme, hash;
	bool has = get_16(&rest, "sig", &scheme, &no) == 0 && get_16(&rest, "sig", &hash, &no) == 0 && get_sized(&rest, "sig", &r, &no) == 0;
	has = has && (scheme == TPM_ALG_RSASSA || scheme == TPM_ALG_RSAPSS || scheme == TPM_ALG_ECDSA);
	has = has && (scheme != TPM_ALG_ECDSA || get_sized(&rest, "sig", &s, &no) == 0) && rest.len == 0;
	if (!has) {
		*ret = in; /* not TPMT_SIGNATURE, but what is in it: many write that, and it is verified as strictly */
		return 0;
	}
	if (scheme != alg->tpm_scheme || hash != alg->tpm_hash)
		return fail(e, E_FORBIDDEN, "sig: it isn't made with %s, which alg says", alg->name);
	if (scheme != TPM_ALG_ECDSA) {
		*ret = r;
		return 0;
	}
	if (r.len == 0 || r.len > 66 || s.len == 0 || s.len > 66)
		return fail(e, E_MALFORMED, "sig: numbers of 1 to 66 octets are wanted");
	struct buf b BUF_CLEANUP = BUF_INIT(256);
	size_t pair = der_begin(&b, DER_SEQUENCE);
	for (const struct bytes *n = &r; n; n = n == &r ? &s : NULL) {
		struct bytes number = *n;
		while (number.len > 1 && number.data[0] == 0) {
			number.data++;
			number.len--;
		}
		der_put_unsigned(&b, number.data, number.len);
	}
	der_close(&b, pair);
	*ret = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	return 0;
}

static int
hash_of(const char *name, struct bytes in, uint8_t ret[EVP_MAX_MD_SIZE], size_t *ret_len, struct error *e)
{
	if (EVP_Q_digest(NULL, name, NULL, in.data, in.len, ret, ret_len) != 1)
		return fail(e, E_INTERNAL, "the cryptographic library lacks %s", name);
	return 0;
}

/* The key was made in this TPM, and never leaves it. */
static int
check_attributes(uint32_t attributes, struct error *e)
{
	static const struct {
		uint32_t bit;
		const char *name;
		bool wanted;
	} rules[] = {{FIXED_TPM, "fixedTPM", true}, {FIXED_PARENT, "fixedParent", true}, {SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin", true},
		     {ENCRYPTED_DUPLICATION, "encryptedDuplication", false}, {SIGN, "sign", true}};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (!(attributes & rules[i].bit) == rules[i].wanted)
			return fail(e, E_FORBIDDEN, "pubArea: the key %s the attribute %s (TPM 2.0 part 2, 8.3)",
			            rules[i].wanted ? "doesn't have" : "has", rules[i].name);
	return 0;
}

/* The name in certInfo is that of pubArea: nameAlg and its digest (TPM 2.0 part 1, 16). */
static int
check_name(const struct tpm_attest *t, const struct tpm_public *p, struct bytes pub_area, struct error *e)
{
	uint8_t name[NAME_BYTES_MAX] = {(uint8_t)(p->name_alg >> 8), (uint8_t)p->name_alg};
	size_t len = 0;
	const char *digest = digest_of(p->name_alg);
	if (!digest)
		return fail(e, E_FORBIDDEN, "pubArea: its nameAlg isn't SHA-256, SHA-384 or SHA-512");
	if (hash_of(digest, pub_area, name + 2, &len, e) < 0)
		return -1;
	if (!bytes_equal(t->name, (struct bytes){name, len + 2}))
		return fail(e, E_FORBIDDEN, "certInfo: it certifies another key than that of pubArea (WebAuthn 8.3)");
	return 0;
}

int
attest_tpm(const struct attest_statement *s, const struct cert *c, struct bytes key_authorization, struct arena *a, struct bytes *ret_spki,
           const char **ret_text, struct error *e)
{
	const struct attest_algorithm *alg;
	struct tpm_attest t;
	struct tpm_public p;
	struct bytes signature;
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t len = 0;
	const struct keytype *type;
	EVP_PKEY *key = NULL;
	if (!bytes_equal(s->ver, BYTES_STR("2.0")))
		return fail(e, E_UNSUPPORTED, "attStmt: ver isn't \"2.0\" (WebAuthn 8.3)");
	if (attest_algorithm(s->alg, &alg, e) < 0)
		return -1;
	if (!alg->tpm_scheme)
		return fail(e, E_UNSUPPORTED, "attStmt: a TPM doesn't sign with %s", alg->name);
	if (!cert_has_eku(c, OID_EKU_AIK, false))
		return fail(e, E_FORBIDDEN, "the attestation certificate isn't a TPM's: its extended key usage lacks 2.23.133.8.3 (WebAuthn 8.3.1)");
	if (tpm_attest_parse(s->cert_info, &t, e) < 0 || tpm_signature_parse(s->sig, alg, a, &signature, e) < 0 ||
	    attest_signature(c, alg, s->cert_info, signature, e) < 0 || hash_of(alg->digest, key_authorization, digest, &len, e) < 0)
		return -1;
	if (t.extra_data.len != len || CRYPTO_memcmp(t.extra_data.data, digest, len) != 0)
		return fail(e, E_FORBIDDEN, "certInfo: its extraData isn't the %s digest of this challenge's key authorization", alg->digest);
	if (tpm_public_parse(s->pub_area, a, &p, e) < 0 || check_name(&t, &p, s->pub_area, e) < 0 || check_attributes(p.attributes, e) < 0)
		return -1;
	if (cms_public_key(p.spki, &type, &key, e) < 0)
		return fail(e, E_BAD_KEY, "pubArea: %s", arena_strdup(a, e->detail));
	EVP_PKEY_free(key);
	*ret_spki = p.spki;
	*ret_text = arena_printf(a, "a key of type %s in a TPM with firmware %016llx, certified with %s", type->name, (unsigned long long)t.firmware,
	                         alg->name);
	return 0;
}
