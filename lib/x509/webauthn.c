#include "lib/x509/webauthn.h"

#include <jansson.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "lib/x509/cbor.h"
#include "lib/x509/der.h"
#include "lib/x509/jose.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM, OSSL_PARAM_free)
DEFINE_CLEANUP(BIGNUM, BN_free)
DEFINE_CLEANUP(json_t, json_decref)

enum { ES256 = -7, EDDSA = -8, RS256 = -257 };
const int webauthn_algorithms[] = {ES256, EDDSA, RS256, 0};

enum { FLAG_UP = 0x01, FLAG_UV = 0x04, FLAG_AT = 0x40, FLAG_ED = 0x80 };
enum { HASH_BYTES = 32, DATA_HEAD_BYTES = 37, AAGUID_BYTES = 16, RSA_MIN_BYTES = 256, RSA_MAX_BYTES = 512, RSA_E_BYTES = 4 };

static const char DATA[] = "authenticator data";

/* Attested credential data, 6.5.1: AAGUID, the length of the id, the id, the key. */
static int
get_attested(struct bytes *rest, struct webauthn_data *d, struct error *e)
{
	if (rest->len < AAGUID_BYTES + 2)
		return fail(e, E_MALFORMED, "%s: the credential's is cut off (WebAuthn 6.5.1)", DATA);
	size_t len = (size_t)rest->data[AAGUID_BYTES] << 8 | rest->data[AAGUID_BYTES + 1];
	rest->data += AAGUID_BYTES + 2;
	rest->len -= AAGUID_BYTES + 2;
	if (len < 16 || len > WEBAUTHN_ID_BYTES || len > rest->len)
		return fail(e, E_MALFORMED, "%s: the credential's id has 16 to %d octets (WebAuthn 4, 6.5.1)", DATA, WEBAUTHN_ID_BYTES);
	d->credential_id = (struct bytes){rest->data, len};
	struct cbor_in in = {{rest->data + len, rest->len - len}, DATA};
	const uint8_t *key = in.rest.data;
	if (cbor_item_skip(&in, "the credential's key", e) < 0)
		return -1;
	d->cose_key = (struct bytes){key, (size_t)(in.rest.data - key)};
	*rest = in.rest;
	return 0;
}

int
webauthn_data_parse(struct bytes data, const char *rp_id, bool attested, struct webauthn_data *ret, struct error *e)
{
	struct webauthn_data d = {0};
	uint8_t hash[EVP_MAX_MD_SIZE];
	if (data.len < DATA_HEAD_BYTES || data.len > WEBAUTHN_OBJECT_BYTES)
		return fail(e, E_MALFORMED, "%s: it has %d octets at least (WebAuthn 6.1)", DATA, DATA_HEAD_BYTES);
	if (EVP_Digest(rp_id, strlen(rp_id), hash, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	if (memcmp(data.data, hash, HASH_BYTES) != 0)
		return fail(e, E_FORBIDDEN, "the passkey is for another site than %s (WebAuthn 7.2 step 13)", rp_id);
	uint8_t flags = data.data[HASH_BYTES];
	const uint8_t *count = data.data + HASH_BYTES + 1;
	d.user_present = flags & FLAG_UP;
	d.user_verified = flags & FLAG_UV;
	d.sign_count = (uint32_t)count[0] << 24 | (uint32_t)count[1] << 16 | (uint32_t)count[2] << 8 | count[3];
	if (attested != !!(flags & FLAG_AT))
		return fail(e, E_MALFORMED, "%s: a new credential's stands in it when one is registered, and only then (WebAuthn 6.1)", DATA);
	struct bytes rest = {data.data + DATA_HEAD_BYTES, data.len - DATA_HEAD_BYTES};
	if (attested && get_attested(&rest, &d, e) < 0)
		return -1;
	if (flags & FLAG_ED) {
		struct cbor_in in = {rest, DATA};
		struct cbor_item map;
		struct cbor_in look = in;
		if (cbor_item_next(&look, CBOR_ITEM_MAP, "what extensions say", &map, e) < 0 || cbor_item_skip(&in, "what extensions say", e) < 0)
			return -1;
		rest = in.rest;
	}
	if (rest.len)
		return fail(e, E_MALFORMED, "%s: %zu octets follow it", DATA, rest.len);
	*ret = d;
	return 0;
}

int
webauthn_object_parse(struct bytes object, struct bytes *ret_data, struct error *e)
{
	static const char *const names[] = {"fmt", "attStmt", "authData"};
	struct cbor_in in = {object, "attestation object"};
	struct cbor_item map, name, item;
	struct bytes data = {0};
	unsigned seen = 0;
	if (object.len > WEBAUTHN_OBJECT_BYTES)
		return fail(e, E_TOO_LARGE, "attestation object: over %d octets", WEBAUTHN_OBJECT_BYTES);
	if (cbor_item_next(&in, CBOR_ITEM_MAP, "a map", &map, e) < 0)
		return -1;
	for (uint64_t i = 0; i < map.head; i++) { /* each turn takes octets, or ends it */
		unsigned at = 0;
		if (cbor_item_next(&in, CBOR_ITEM_TEXT, "a member's name", &name, e) < 0)
			return -1;
		while (at < ARRAY_LEN(names) && !bytes_equal(name.bytes, BYTES_STR(names[at])))
			at++;
		if (at == ARRAY_LEN(names) || seen & 1u << at)
			return fail(e, E_MALFORMED, "attestation object: it has fmt, attStmt and authData, each once (WebAuthn 6.5.4)");
		seen |= 1u << at;
		struct cbor_in look = in;
		if (at == 1 ? cbor_item_next(&look, CBOR_ITEM_MAP, names[at], &item, e) < 0 || cbor_item_skip(&in, names[at], e) < 0
		            : cbor_item_next(&in, at ? CBOR_ITEM_BYTES : CBOR_ITEM_TEXT, names[at], &item, e) < 0)
			return -1;
		if (at == 2)
			data = item.bytes;
	}
	if (seen != 7)
		return fail(e, E_MALFORMED, "attestation object: it has fmt, attStmt and authData, each once (WebAuthn 6.5.4)");
	if (in.rest.len)
		return fail(e, E_MALFORMED, "attestation object: %zu octets follow it", in.rest.len);
	*ret_data = data;
	return 0;
}

/* --- keys --- */

/* The parameters of a COSE_Key that are known here: common ones (RFC 9052 7.1), and -1, -2, -3 of its type (RFC 9053 7, 8230 4). */
struct cose {
	int64_t kty, alg, crv; /* crv: -1 of EC2 and OKP */
	struct bytes minus1, x, y; /* -1 of RSA: n; -2: x, e; -3: y */
	unsigned seen;
};
enum { SEEN_KTY = 1, SEEN_ALG = 2, SEEN_1 = 4, SEEN_2 = 8, SEEN_3 = 16 };

static int
get_parameter(struct cbor_in *in, int64_t label, struct cose *k, struct error *e)
{
	struct cbor_item item;
	unsigned bit = label == 1 ? SEEN_KTY : label == 3 ? SEEN_ALG : label == -1 ? SEEN_1 : label == -2 ? SEEN_2 : label == -3 ? SEEN_3 : 0;
	if (!bit || k->seen & bit)
		return fail(e, E_MALFORMED, "the passkey's key has a parameter %lld that isn't known, or that comes twice (RFC 9052 7.1)",
		            (long long)label);
	k->seen |= bit;
	if (cbor_item_next(in, CBOR_ITEM_ANY, "a parameter of the key", &item, e) < 0)
		return -1;
	bool number = bit & (SEEN_KTY | SEEN_ALG) || (bit == SEEN_1 && item.kind == CBOR_ITEM_INT);
	if (item.kind != (number ? CBOR_ITEM_INT : CBOR_ITEM_BYTES))
		return fail(e, E_MALFORMED, "the passkey's key: its parameter %lld is of another type (RFC 9053 7)", (long long)label);
	switch (bit) {
	case SEEN_KTY: k->kty = item.number; break;
	case SEEN_ALG: k->alg = item.number; break;
	case SEEN_1:
		k->crv = number ? item.number : 0;
		k->minus1 = item.bytes;
		break;
	case SEEN_2: k->x = item.bytes; break;
	default: k->y = item.bytes;
	}
	return 0;
}

static int
read_cose(struct bytes cose, struct cose *ret, struct error *e)
{
	struct cbor_in in = {cose, "the passkey's key"};
	struct cbor_item map, label;
	struct cose k = {0};
	if (cbor_item_next(&in, CBOR_ITEM_MAP, "a map", &map, e) < 0)
		return -1;
	for (uint64_t i = 0; i < map.head; i++)
		if (cbor_item_next(&in, CBOR_ITEM_INT, "a parameter's label", &label, e) < 0 || get_parameter(&in, label.number, &k, e) < 0)
			return -1;
	if (in.rest.len)
		return fail(e, E_MALFORMED, "the passkey's key: %zu octets follow it", in.rest.len);
	*ret = k;
	return 0;
}

static int
key_of(const char *type, OSSL_PARAM_BLD *params, EVP_PKEY **ret, struct error *e)
{
	OSSL_PARAM *list CLEANUP(OSSL_PARAM_free) = OSSL_PARAM_BLD_to_param(params);
	EVP_PKEY_CTX *make CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	if (!list || !make || EVP_PKEY_fromdata_init(make) != 1)
		return fail(e, E_INTERNAL, "no key can be made");
	if (EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, list) != 1)
		return fail(e, E_BAD_KEY, "the passkey's key isn't one");
	EVP_PKEY_CTX *check CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(key, NULL);
	if (!check || EVP_PKEY_public_check(check) != 1) /* on the curve (SP 800-56A 5.6.2.3.3); an odd modulus without small factors */
		return fail(e, E_BAD_KEY, "the passkey's key isn't one");
	*ret = TAKE(key);
	return 0;
}

static int
ec_key(const struct cose *k, EVP_PKEY **ret, struct error *e)
{
	OSSL_PARAM_BLD *params CLEANUP(OSSL_PARAM_BLD_free) = OSSL_PARAM_BLD_new();
	uint8_t point[65] = {4};
	if (k->crv != 1 || k->x.len != 32 || k->y.len != 32)
		return fail(e, E_BAD_KEY, "the passkey's key: ES256 has a point of P-256, uncompressed (WebAuthn 5.8.5)");
	memcpy(point + 1, k->x.data, 32);
	memcpy(point + 33, k->y.data, 32);
	if (!params || OSSL_PARAM_BLD_push_utf8_string(params, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(params, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) != 1)
		return fail(e, E_INTERNAL, "no key can be made");
	return key_of("EC", params, ret, e);
}

static int
ed_key(const struct cose *k, EVP_PKEY **ret, struct error *e)
{
	if (k->crv != 6 || k->x.len != 32 || k->seen & SEEN_3)
		return fail(e, E_BAD_KEY, "the passkey's key: EdDSA has a key of Ed25519 (WebAuthn 5.8.5)");
	*ret = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->x.data, k->x.len);
	return *ret ? 0 : fail(e, E_BAD_KEY, "the passkey's key isn't one");
}

static int
rsa_key(const struct cose *k, EVP_PKEY **ret, struct error *e)
{
	OSSL_PARAM_BLD *params CLEANUP(OSSL_PARAM_BLD_free) = OSSL_PARAM_BLD_new();
	if (k->minus1.len < RSA_MIN_BYTES || k->minus1.len > RSA_MAX_BYTES || k->minus1.data[0] == 0 || k->x.len == 0 || k->x.len > RSA_E_BYTES ||
	    k->seen & SEEN_3)
		return fail(e, E_BAD_KEY, "the passkey's key: RSA has %d to %d bits", 8 * RSA_MIN_BYTES, 8 * RSA_MAX_BYTES);
	BIGNUM *n CLEANUP(BN_free) = BN_bin2bn(k->minus1.data, (int)k->minus1.len, NULL);
	BIGNUM *exponent CLEANUP(BN_free) = BN_bin2bn(k->x.data, (int)k->x.len, NULL);
	if (!params || !n || !exponent || OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
		return fail(e, E_INTERNAL, "no key can be made");
	if (!BN_is_odd(exponent) || BN_is_one(exponent))
		return fail(e, E_BAD_KEY, "the passkey's key: the exponent is odd and at least 3");
	return key_of("RSA", params, ret, e);
}

int
webauthn_key_parse(struct bytes cose, struct arena *a, struct bytes *ret_spki, struct error *e)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = NULL;
	uint8_t *der = NULL;
	struct cose k;
	int rc;
	if (read_cose(cose, &k, e) < 0)
		return -1;
	enum { OKP = 1, EC2 = 2, RSA_KEY = 3 };
	if (k.alg == ES256 && k.kty == EC2)
		rc = ec_key(&k, &key, e);
	else if (k.alg == EDDSA && k.kty == OKP)
		rc = ed_key(&k, &key, e);
	else if (k.alg == RS256 && k.kty == RSA_KEY)
		rc = rsa_key(&k, &key, e);
	else
		rc = fail(e, E_UNSUPPORTED, "the passkey's key is of another algorithm than ES256, EdDSA and RS256");
	if (rc < 0)
		return -1;
	int len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return fail(e, E_INTERNAL, "a key can't be written");
	*ret_spki = (struct bytes){arena_dup(a, der, (size_t)len), (size_t)len};
	OPENSSL_free(der);
	return 0;
}

/* --- what the browser says --- */

int
webauthn_client_data(struct bytes json, const char *type, const struct webauthn_site *site, struct arena *a, struct bytes *ret_challenge,
                     struct error *e)
{
	json_error_t where;
	if (json.len > WEBAUTHN_CLIENT_DATA_BYTES)
		return fail(e, E_TOO_LARGE, "client data: over %d octets", WEBAUTHN_CLIENT_DATA_BYTES);
	json_t *data CLEANUP(json_decref) = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &where);
	const char *is = json_string_value(json_object_get(data, "type")), *origin = json_string_value(json_object_get(data, "origin"));
	const char *challenge = json_string_value(json_object_get(data, "challenge"));
	if (!is || !origin || !challenge)
		return fail(e, E_MALFORMED, "client data: type, challenge and origin are wanted (WebAuthn 5.8.1)");
	if (strcmp(is, type) != 0)
		return fail(e, E_FORBIDDEN, "client data: it is of another ceremony than %s (WebAuthn 7.2 step 11)", type);
	bool known = false;
	for (size_t i = 0; site->origins[i]; i++)
		known = known || strcmp(site->origins[i], origin) == 0;
	if (!known || json_is_true(json_object_get(data, "crossOrigin")))
		return fail(e, E_FORBIDDEN, "client data: it comes from a page of another site (WebAuthn 7.2 step 13)");
	return base64url_decode(a, challenge, strlen(challenge), "client data: challenge", ret_challenge, e);
}

int
webauthn_signature(struct bytes spki, struct bytes data, struct bytes client_data, struct bytes signature, struct error *e)
{
	const uint8_t *at = spki.data;
	EVP_PKEY *key CLEANUP(EVP_PKEY_free) = d2i_PUBKEY(NULL, &at, (long)spki.len);
	EVP_MD_CTX *md CLEANUP(EVP_MD_CTX_free) = EVP_MD_CTX_new();
	uint8_t text[WEBAUTHN_DATA_BYTES + HASH_BYTES];
	if (!key || !md)
		return fail(e, E_INTERNAL, "a key that is stored can't be read");
	if (data.len > WEBAUTHN_DATA_BYTES || signature.len > WEBAUTHN_SIGNATURE_BYTES)
		return fail(e, E_TOO_LARGE, "authenticator data or signature are too large");
	memcpy(text, data.data, data.len);
	if (EVP_Digest(client_data.data, client_data.len, text + data.len, NULL, EVP_sha256(), NULL) != 1)
		return fail(e, E_INTERNAL, "SHA-256 isn't available");
	const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
	if (EVP_DigestVerifyInit(md, NULL, digest, NULL, key) != 1)
		return fail(e, E_INTERNAL, "signatures can't be verified");
	if (EVP_DigestVerify(md, signature.data, signature.len, text, data.len + HASH_BYTES) != 1)
		return fail(e, E_FORBIDDEN, "the signature isn't by this passkey (WebAuthn 7.2 step 20)");
	return 0;
}
