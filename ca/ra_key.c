#include "ca/ra_key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/utf8.h"
#include "lib/x509/oid.h"

#define MODULUS_MAX (LIMIT_RSA_MAX_BITS / 8) /* octets */
#define ATTRIBUTES_MAX 12

#define OID_CONTENT_TYPE OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03")
#define OID_MESSAGE_DIGEST OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04")
#define OID_CCT_PKI_RESPONSE OID_BYTES("\x2b\x06\x01\x05\x05\x07\x0c\x03")                /* RFC 5272 3.2 */
#define OID_KP_KEY_PACKAGE OID_BYTES("\x60\x86\x48\x01\x65\x02\x01\x02\x4e\x05")          /* RFC 5958 */
#define SCEP "\x60\x86\x48\x01\x86\xf8\x45\x01\x09" /* 2.16.840.1.113733.1.9, RFC 8894 3.2.1 */
#define OID_MESSAGE_TYPE OID_BYTES(SCEP "\x02")
#define OID_PKI_STATUS OID_BYTES(SCEP "\x03")
#define OID_FAIL_INFO OID_BYTES(SCEP "\x04")
#define OID_SENDER_NONCE OID_BYTES(SCEP "\x05")
#define OID_RECIPIENT_NONCE OID_BYTES(SCEP "\x06")
#define OID_TRANSACTION_ID OID_BYTES(SCEP "\x07")
#define OID_FAIL_INFO_TEXT OID_BYTES("\x2b\x06\x01\x05\x05\x07\x18\x01")                  /* id-scep-failInfoText */

static uint8_t secret[32];
static bool secret_made;

int
ra_secret_init(struct error *e)
{
	if (!secret_made && RAND_priv_bytes(secret, sizeof(secret)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	secret_made = true;
	return 0;
}

int
ra_key_new(int32_t tenant_id, int32_t ca_id, struct bytes certificate, const char *key_ref, struct ra_key **ret, struct error *e)
{
	struct ra_key *k CLEANUP(ra_key_free) = xcalloc(1, sizeof(*k));
	k->arena = arena_new(4 * LIMIT_CERT_BYTES);
	k->tenant_id = tenant_id;
	k->ca_id = ca_id;
	k->key_ref = arena_strdup(k->arena, key_ref);
	if (cert_parse((struct bytes){arena_dup(k->arena, certificate.data, certificate.len), certificate.len}, &k->cert, e) < 0)
		return fail(e, E_KEY_STORE, "the certificate of a registration authority can't be read");
	const unsigned char *at = k->cert.spki.data;
	k->public_key = d2i_PUBKEY(NULL, &at, (long)k->cert.spki.len);
	if (!k->public_key || !EVP_PKEY_is_a(k->public_key, "RSA") || EVP_PKEY_get_size(k->public_key) > MODULUS_MAX)
		return fail(e, E_KEY_STORE, "the key of a registration authority isn't RSA");
	*ret = TAKE(k);
	return 0;
}

void
ra_key_free(struct ra_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->private_key);
	EVP_PKEY_free(k->public_key);
	arena_free(k->arena);
	free(k);
}

static int
load(struct ra_key *k, struct hsm *h, struct error *e)
{
	return k->private_key ? 0 : hsm_key_load(h, k->key_ref, k->public_key, &k->private_key, e);
}

/* --- signing --- */

struct attributes {
	struct buf buf; /* one behind the other */
	size_t ends[ATTRIBUTES_MAX], n;
};

static void
attribute(struct attributes *l, struct bytes oid, int tag, const void *data, size_t len)
{
	size_t sequence = der_begin(&l->buf, DER_SEQUENCE);
	der_put(&l->buf, DER_OID, oid.data, oid.len);
	size_t values = der_begin(&l->buf, DER_SET);
	der_put(&l->buf, tag, data, len);
	der_close(&l->buf, values);
	der_close(&l->buf, sequence);
	l->ends[l->n++] = l->buf.len;
}

/* The SET OF in its order (X.690 11.6), which is what is signed (RFC 5652 5.4). */
static int
attributes_der(struct attributes *l, struct arena *a, struct bytes *ret, struct error *e)
{
	struct bytes sorted[ATTRIBUTES_MAX];
	struct buf b BUF_CLEANUP = BUF_INIT(8192);
	if (buf_check(&l->buf, e) < 0)
		return -1;
	for (size_t i = 0, from = 0; i < l->n; from = l->ends[i++])
		sorted[i] = (struct bytes){l->buf.data + from, l->ends[i] - from};
	der_put_set(&b, sorted, l->n);
	if (buf_check(&b, e) < 0)
		return -1;
	*ret = (struct bytes){arena_dup(a, b.data, b.len), b.len};
	return 0;
}

static bool
is_printable(const char *s)
{
	return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")] == '\0';
}

static void
put_number(struct attributes *l, struct bytes oid, int n)
{
	char digit = (char)('0' + n);
	attribute(l, oid, DER_PRINTABLE_STRING, &digit, 1);
}

/* RFC 8894 3.2.1 and 3.3.2. */
static int
scep_attributes(struct attributes *l, const Siegel__ScepReply *s, struct error *e)
{
	size_t len = strlen(s->transaction_id), text = strlen(s->fail_text);
	if (len == 0 || len > RA_TRANSACTION_MAX || !is_printable(s->transaction_id))
		return fail(e, E_BAD_VALUE, "transactionID: up to %d characters of PrintableString are wanted (RFC 8894 3.2.1.1)",
			    RA_TRANSACTION_MAX);
	if (s->pki_status != 0 && s->pki_status != 2 && s->pki_status != 3)
		return fail(e, E_BAD_VALUE, "pkiStatus: 0, 2 or 3 is wanted (RFC 8894 3.2.1.3)");
	if (s->fail_info < 0 || s->fail_info > 4 || (s->pki_status != 2 && (s->fail_info || text)))
		return fail(e, E_BAD_VALUE, "failInfo: 0 to 4 with FAILURE, nothing else (RFC 8894 3.2.1.4)");
	if (text > LIMIT_SCEP_TEXT_BYTES || !utf8_valid(s->fail_text, text))
		return fail(e, E_BAD_VALUE, "failInfoText: up to %d octets of UTF-8 are wanted (RFC 8894 3.2.1.4.1)", LIMIT_SCEP_TEXT_BYTES);
	if (s->sender_nonce.len != 16 || s->recipient_nonce.len > RA_NONCE_MAX)
		return fail(e, E_BAD_VALUE, "nonces: 16 octets of ours, at most %d of the client (RFC 8894 3.2.1.5)", RA_NONCE_MAX);
	attribute(l, OID_TRANSACTION_ID, DER_PRINTABLE_STRING, s->transaction_id, len);
	put_number(l, OID_MESSAGE_TYPE, 3); /* CertRep */
	put_number(l, OID_PKI_STATUS, s->pki_status);
	if (s->pki_status == 2)
		put_number(l, OID_FAIL_INFO, s->fail_info);
	if (text)
		attribute(l, OID_FAIL_INFO_TEXT, DER_UTF8_STRING, s->fail_text, text);
	attribute(l, OID_SENDER_NONCE, DER_OCTET_STRING, s->sender_nonce.data, s->sender_nonce.len);
	if (s->recipient_nonce.len)
		attribute(l, OID_RECIPIENT_NONCE, DER_OCTET_STRING, s->recipient_nonce.data, s->recipient_nonce.len);
	return 0;
}

static int
content_type(const Siegel__RaSign *q, struct bytes *ret, struct error *e)
{
	switch (q->answer_case) {
	case SIEGEL__RA_SIGN__ANSWER_SCEP_REPLY:
	case SIEGEL__RA_SIGN__ANSWER_SCEP_NEXT_CA:
		*ret = OID_PKCS7_DATA;
		return 0;
	case SIEGEL__RA_SIGN__ANSWER_CMC_REPLY:
		*ret = OID_CCT_PKI_RESPONSE;
		return 0;
	case SIEGEL__RA_SIGN__ANSWER_KEY_PACKAGE:
		*ret = OID_KP_KEY_PACKAGE;
		return 0;
	default:
		return fail(e, E_BAD_VALUE, "no kind of answer that a registration authority signs");
	}
}

struct digest {
	const char *name, *openssl;
	struct bytes oid;
};

static int
digest_named(const char *name, const struct digest **ret, struct error *e)
{
	static const struct digest rows[] = {
	    {"sha256", "SHA256", {(const uint8_t *)"\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9}},
	    {"sha384", "SHA384", {(const uint8_t *)"\x60\x86\x48\x01\x65\x03\x04\x02\x02", 9}},
	    {"sha512", "SHA512", {(const uint8_t *)"\x60\x86\x48\x01\x65\x03\x04\x02\x03", 9}},
	    {"sha1", "SHA1", {(const uint8_t *)"\x2b\x0e\x03\x02\x1a", 5}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0) {
			*ret = &rows[i];
			return 0;
		}
	return fail(e, E_BAD_VALUE, "digest: sha256, sha384, sha512 or sha1 is wanted");
}

DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

static bool
use_digest(EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 && EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
}

/* RSASSA-PKCS1-v1_5, which every client of these protocols knows (RFC 3370 3.2); what the token gave is verified. */
static int
rsa_sign(struct ra_key *k, struct hsm *h, const char *digest, struct bytes data, uint8_t ret[MODULUS_MAX], size_t *ret_len, struct error *e)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const EVP_MD *md = EVP_get_digestbyname(digest);
	if (!md || EVP_Digest(data.data, data.len, hash, &n, md, NULL) != 1)
		return fail(e, E_UNSUPPORTED, "the cryptographic library lacks %s", digest);
	if (load(k, h, e) < 0)
		return -1;
	ERR_clear_error();
	EVP_PKEY_CTX *sign CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(k->private_key, NULL);
	EVP_PKEY_CTX *verify CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(k->public_key, NULL);
	*ret_len = MODULUS_MAX;
	if (!sign || EVP_PKEY_sign_init(sign) != 1 || !use_digest(sign, md) || EVP_PKEY_sign(sign, ret, ret_len, hash, n) != 1)
		return hsm_ready(h, k->key_ref, e) < 0 ? -1 : fail(e, E_KEY_STORE, "the key store made no signature");
	if (!verify || EVP_PKEY_verify_init(verify) != 1 || !use_digest(verify, md) || EVP_PKEY_verify(verify, ret, *ret_len, hash, n) != 1) {
		hsm_distrust(h, k->key_ref);
		return fail(e, E_KEY_STORE, "the key store made a signature that doesn't verify");
	}
	return 0;
}

static ProtobufCBinaryData
kept(struct arena *a, struct bytes b)
{
	return (ProtobufCBinaryData){.len = b.len, .data = arena_dup(a, b.data, b.len)};
}

static ProtobufCBinaryData
algorithm(struct arena *a, struct bytes oid, bool null)
{
	struct buf b BUF_CLEANUP = BUF_INIT(64);
	size_t sequence = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OID, oid.data, oid.len);
	if (null)
		der_put(&b, DER_NULL, "", 0);
	der_close(&b, sequence);
	return kept(a, (struct bytes){b.data, b.len});
}

/* All attributes of an answer, as they are signed. */
static int
signed_attributes(const Siegel__RaSign *q, const struct digest *digest, struct attributes *l, struct arena *a, struct bytes *ret, struct error *e)
{
	struct bytes type, hash = {q->content_digest.data, q->content_digest.len};
	uint8_t empty[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (content_type(q, &type, e) < 0)
		return -1;
	if (EVP_Digest("", 0, empty, &n, EVP_get_digestbyname(digest->openssl), NULL) != 1)
		return fail(e, E_UNSUPPORTED, "the cryptographic library lacks %s", digest->name);
	if (hash.len == 0) /* an answer without content (RFC 8894 3.2.2): the digest of nothing */
		hash = (struct bytes){empty, n};
	if (hash.len != n)
		return fail(e, E_BAD_VALUE, "content_digest: %s has %u octets", digest->name, n);
	attribute(l, OID_CONTENT_TYPE, DER_OID, type.data, type.len);
	attribute(l, OID_MESSAGE_DIGEST, DER_OCTET_STRING, hash.data, hash.len);
	if (q->answer_case == SIEGEL__RA_SIGN__ANSWER_SCEP_REPLY && scep_attributes(l, q->scep_reply, e) < 0)
		return -1;
	return attributes_der(l, a, ret, e);
}

int
ra_key_sign(struct ra_key *k, struct hsm *h, const Siegel__RaSign *q, struct arena *a, Siegel__RaSigned *ret, struct error *e)
{
	struct attributes list = {.buf = BUF_INIT(4096)};
	const struct digest *digest;
	struct bytes attributes;
	uint8_t signature[MODULUS_MAX];
	size_t len = 0;
	if (digest_named(q->digest, &digest, e) < 0)
		return -1;
	int rc = signed_attributes(q, digest, &list, a, &attributes, e);
	buf_free(&list.buf);
	if (rc < 0 || rsa_sign(k, h, digest->openssl, attributes, signature, &len, e) < 0)
		return -1;
	ret->signed_attributes = kept(a, attributes);
	ret->digest_algorithm = algorithm(a, digest->oid, false); /* RFC 5754 2: parameters are left out */
	ret->signature_algorithm = algorithm(a, OID_RSA_ENCRYPTION, true);
	ret->signature = kept(a, (struct bytes){signature, len});
	ret->certificate = kept(a, k->cert.whole);
	return 0;
}

/* --- decryption --- */

/* 0xff when it is zero, else 0; without a branch. */
static uint8_t
is_zero(unsigned x)
{
	return (uint8_t)((((x & 0xff) - 1) >> 8) & 0xff);
}

static uint8_t
is_equal(uint8_t a, uint8_t b)
{
	return is_zero(a ^ b);
}

/* Where the key stands is known, since its length is: 00 02, octets that aren't zero, 00, key (RFC 8017 7.2.2). 0xff when it is so. */
static uint8_t
pkcs1_good(const uint8_t *em, size_t size, size_t key_bytes)
{
	uint8_t good = is_zero(em[0]) & is_equal(em[1], 2);
	size_t end = size - key_bytes - 1;
	for (size_t i = 2; i < end; i++)
		good &= (uint8_t)~is_zero(em[i]);
	return good & is_zero(em[end]);
}

static bool
mgf1(const EVP_MD *md, const uint8_t *seed, size_t seed_len, uint8_t *mask, size_t len)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	size_t step = (size_t)EVP_MD_get_size(md);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c != NULL;
	for (size_t at = 0, n = 0; good && at < len; at += step, n++) {
		uint8_t counter[4] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n};
		good = EVP_DigestInit_ex2(c, md, NULL) == 1 && EVP_DigestUpdate(c, seed, seed_len) == 1 &&
		    EVP_DigestUpdate(c, counter, 4) == 1 && EVP_DigestFinal_ex(c, digest, NULL) == 1;
		for (size_t i = 0; i < step && at + i < len; i++)
			mask[at + i] = digest[i];
	}
	EVP_MD_CTX_free(c);
	OPENSSL_cleanse(digest, sizeof(digest));
	return good;
}

/* EME-OAEP with an empty label (RFC 8017 7.1.2); em is unmasked in place. *ret_good 0xff when all of it is as it should be. */
static bool
oaep_open(const EVP_MD *md, uint8_t *em, size_t size, size_t key_bytes, uint8_t *ret_good)
{
	size_t n = (size_t)EVP_MD_get_size(md), db_len = size - n - 1, end = db_len - key_bytes - 1;
	uint8_t *seed = em + 1, *db = em + 1 + n, mask[MODULUS_MAX] = {0}, label[EVP_MAX_MD_SIZE];
	if (EVP_Digest("", 0, label, NULL, md, NULL) != 1 || !mgf1(md, db, db_len, mask, n))
		return false;
	for (size_t i = 0; i < n; i++)
		seed[i] ^= mask[i];
	if (!mgf1(md, seed, n, mask, db_len))
		return false;
	for (size_t i = 0; i < db_len; i++)
		db[i] ^= mask[i];
	uint8_t good = is_zero(em[0]);
	for (size_t i = 0; i < n; i++)
		good &= is_equal(db[i], label[i]);
	for (size_t i = n; i < end; i++)
		good &= is_zero(db[i]);
	*ret_good = good & is_equal(db[end], 1);
	OPENSSL_cleanse(mask, sizeof(mask));
	return true;
}

/* The key for a ciphertext that is wrong: always the same, known to nobody. */
static bool
rejected_key(struct bytes context, struct bytes ciphertext, uint8_t ret[RA_CONTENT_KEY_MAX])
{
	uint8_t inner[32], both[64];
	unsigned n = 0;
	if (!secret_made || !HMAC(EVP_sha256(), secret, sizeof(secret), context.data, context.len, both, &n) ||
	    EVP_Digest(ciphertext.data, ciphertext.len, inner, NULL, EVP_sha256(), NULL) != 1)
		return false;
	memcpy(both + 32, inner, sizeof(inner));
	return HMAC(EVP_sha256(), secret, sizeof(secret), both, sizeof(both), ret, &n) != NULL;
}

/* The number below the modulus: RSADP (RFC 8017 5.1.2). */
static int
rsa_raw(struct ra_key *k, struct hsm *h, struct bytes ciphertext, uint8_t *em, size_t size, struct error *e)
{
	size_t len = size;
	ERR_clear_error();
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(k->private_key, NULL);
	if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1 ||
	    EVP_PKEY_decrypt(ctx, em, &len, ciphertext.data, ciphertext.len) != 1 || len != size)
		return hsm_ready(h, k->key_ref, e) < 0 ? -1 : fail(e, E_KEY_STORE, "the key store decrypted nothing");
	return 0;
}

/* Not a number below the modulus: everybody can see that, it betrays nothing. */
static bool
is_below_modulus(const struct ra_key *k, struct bytes ciphertext)
{
	BIGNUM *n = NULL, *c = BN_bin2bn(ciphertext.data, (int)ciphertext.len, NULL);
	bool below = c && EVP_PKEY_get_bn_param(k->public_key, "n", &n) == 1 && BN_cmp(c, n) < 0;
	BN_free(n);
	BN_free(c);
	return below;
}

static int
scheme_named(const char *name, const EVP_MD **ret, struct error *e)
{
	*ret = NULL;
	if (strcmp(name, "rsa-pkcs1") == 0)
		return 0;
	*ret = strcmp(name, "rsa-oaep-sha1") == 0 ? EVP_sha1() : strcmp(name, "rsa-oaep-sha256") == 0 ? EVP_sha256() : NULL;
	return *ret ? 0 : fail(e, E_BAD_VALUE, "scheme: rsa-pkcs1, rsa-oaep-sha1 or rsa-oaep-sha256 is wanted");
}

static int
check_key_bytes(int32_t n, struct error *e)
{
	return n == 16 || n == 24 || n == 32 ? 0 : fail(e, E_BAD_VALUE, "key_bytes: 16, 24 or 32 is wanted");
}

int
ra_key_decrypt(struct ra_key *k, struct hsm *h, const Siegel__RaDecrypt *q, uint8_t ret[RA_CONTENT_KEY_MAX], struct error *e)
{
	size_t size = (size_t)EVP_PKEY_get_size(k->public_key), n = (size_t)q->key_bytes;
	struct bytes ciphertext = {q->encrypted_key.data, q->encrypted_key.len};
	uint8_t em[MODULUS_MAX] = {0}, rejected[RA_CONTENT_KEY_MAX], good = 0;
	const EVP_MD *md;
	if (scheme_named(q->scheme, &md, e) < 0 || check_key_bytes(q->key_bytes, e) < 0 || load(k, h, e) < 0)
		return -1;
	if (!rejected_key(k->cert.serial, ciphertext, rejected))
		return fail(e, E_INTERNAL, "a content key can't be derived");
	bool number = ciphertext.len == size && is_below_modulus(k, ciphertext);
	if (number && rsa_raw(k, h, ciphertext, em, size, e) < 0)
		return -1;
	if (md && !oaep_open(md, em, size, n, &good))
		return fail(e, E_INTERNAL, "OAEP can't be undone");
	if (!md)
		good = pkcs1_good(em, size, n);
	good &= number ? 0xff : 0;
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)((em[size - n + i] & good) | (rejected[i] & (uint8_t)~good));
	OPENSSL_cleanse(em, sizeof(em));
	return 0;
}

/* --- passwords and secrets --- */

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

static const struct {
	const char *name;
	const EVP_MD *(*md)(void);
} prfs[] = {{"hmac-sha1", EVP_sha1}, {"hmac-sha256", EVP_sha256}, {"hmac-sha512", EVP_sha512}};
static const struct {
	const char *name;
	const EVP_CIPHER *(*cipher)(void);
} ciphers[] = {
    {"aes-128-cbc", EVP_aes_128_cbc}, {"aes-192-cbc", EVP_aes_192_cbc}, {"aes-256-cbc", EVP_aes_256_cbc}, {"des-ede3-cbc", EVP_des_ede3_cbc}};

/* A key-encryption key in use. */
struct kek {
	const EVP_CIPHER *cipher;
	size_t block;
	const uint8_t *iv;
	uint8_t key[32];
};

static int
kek_derive(struct bytes password, const Siegel__Password *q, struct kek *ret, struct error *e)
{
	const EVP_MD *md = NULL;
	*ret = (struct kek){.iv = q->iv.data};
	for (size_t i = 0; i < ARRAY_LEN(prfs); i++)
		if (strcmp(prfs[i].name, q->prf) == 0)
			md = prfs[i].md();
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		if (strcmp(ciphers[i].name, q->cipher) == 0)
			ret->cipher = ciphers[i].cipher();
	if (!md || !ret->cipher)
		return fail(e, E_BAD_VALUE, "%s: not one that is taken", md ? "cipher" : "prf");
	ret->block = (size_t)EVP_CIPHER_get_block_size(ret->cipher);
	bool makes = q->direction_case == SIEGEL__PASSWORD__DIRECTION_CONTENT_KEY;
	if (q->iterations < (makes ? 10000 : 1) || q->iterations > LIMIT_PASSWORD_ITERATIONS)
		return fail(e, E_BAD_VALUE, "iterations: 1 to %d, for an answer at least 10000", LIMIT_PASSWORD_ITERATIONS);
	if (q->salt.len < 8 || q->salt.len > 64 || q->iv.len != ret->block)
		return fail(e, E_BAD_VALUE, "salt: 8 to 64 octets; iv: a block");
	if (password.len == 0 || PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, q->salt.data, (int)q->salt.len, q->iterations, md,
						   EVP_CIPHER_get_key_length(ret->cipher), ret->key) != 1)
		return fail(e, E_INTERNAL, "a key can't be derived from the challenge");
	return 0;
}

/* CBC without padding; in and out may be the same. */
static bool
cbc(const struct kek *k, bool encrypt, const uint8_t *iv, const uint8_t *in, uint8_t *out, size_t len)
{
	EVP_CIPHER_CTX *c CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;
	return c && EVP_CipherInit_ex2(c, k->cipher, k->key, iv, encrypt, NULL) == 1 && EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
	    EVP_CipherUpdate(c, out, &n, in, (int)len) == 1 && EVP_CipherFinal_ex(c, out + n, &rest) == 1;
}

/* RFC 3211 2.3.2: the inner layer's last block is the outer one's IV. */
static bool
pwri_open(const struct kek *k, const uint8_t *in, size_t len, uint8_t *plain)
{
	uint8_t iv[EVP_MAX_BLOCK_LENGTH];
	size_t b = k->block;
	/* The last block of the inner layer, then all that stands before it. */
	return cbc(k, false, in + len - 2 * b, in + len - b, iv, b) && cbc(k, false, iv, in, plain, len - b) &&
	    (memcpy(plain + len - b, iv, b), cbc(k, false, k->iv, plain, plain, len));
}

/* Length, complement of the key's first octets, key, padding (RFC 3211 2.3.1). */
static int
pwri_unwrap(const struct kek *k, const Siegel__Password *q, uint8_t *ret, struct error *e)
{
	struct bytes in = {q->encrypted_key.data, q->encrypted_key.len};
	size_t n = (size_t)q->key_bytes;
	uint8_t plain[RA_WRAPPED_MAX] = {0}, rejected[RA_CONTENT_KEY_MAX], good = 0;
	bool fits = in.len % k->block == 0 && in.len >= 2 * k->block && in.len <= sizeof(plain) && in.len >= n + 4;
	if (!rejected_key((struct bytes){q->salt.data, q->salt.len}, in, rejected) || (fits && !pwri_open(k, in.data, in.len, plain)))
		return fail(e, E_INTERNAL, "a content key can't be derived");
	good = is_equal(plain[0], (uint8_t)n) & (fits ? 0xff : 0);
	for (size_t i = 1; i < 4; i++)
		good &= is_equal(plain[i], (uint8_t)~plain[i + 3]);
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)((plain[4 + i] & good) | (rejected[i] & (uint8_t)~good));
	OPENSSL_cleanse(plain, sizeof(plain));
	return 0;
}

static int
pwri_wrap(const struct kek *k, struct bytes key, uint8_t *ret, size_t *ret_len, struct error *e)
{
	size_t len = (4 + key.len + k->block - 1) / k->block * k->block;
	len = len < 2 * k->block ? 2 * k->block : len;
	if (len > RA_WRAPPED_MAX || RAND_bytes(ret, (int)len) != 1) /* what isn't written over is the padding */
		return fail(e, E_INTERNAL, "no random numbers");
	ret[0] = (uint8_t)key.len;
	for (size_t i = 0; i < 3; i++)
		ret[1 + i] = (uint8_t)~key.data[i];
	memcpy(ret + 4, key.data, key.len);
	uint8_t iv[EVP_MAX_BLOCK_LENGTH];
	if (!cbc(k, true, k->iv, ret, ret, len))
		return fail(e, E_INTERNAL, "a content key can't be encrypted");
	memcpy(iv, ret + len - k->block, k->block);
	if (!cbc(k, true, iv, ret, ret, len))
		return fail(e, E_INTERNAL, "a content key can't be encrypted");
	*ret_len = len;
	return 0;
}

int
ra_password(struct bytes password, const Siegel__Password *q, uint8_t ret[RA_WRAPPED_MAX], size_t *ret_len, struct error *e)
{
	struct bytes key = {q->content_key.data, q->content_key.len};
	struct kek k;
	int rc;
	if (q->direction_case == SIEGEL__PASSWORD__DIRECTION_CONTENT_KEY) {
		if (check_key_bytes((int32_t)key.len, e) < 0 || kek_derive(password, q, &k, e) < 0)
			return -1;
		rc = pwri_wrap(&k, key, ret, ret_len, e);
	} else {
		if (q->direction_case != SIEGEL__PASSWORD__DIRECTION_ENCRYPTED_KEY)
			return fail(e, E_BAD_VALUE, "neither a key to open nor one to wrap");
		if (check_key_bytes(q->key_bytes, e) < 0 || kek_derive(password, q, &k, e) < 0)
			return -1;
		rc = pwri_unwrap(&k, q, ret, e);
		*ret_len = (size_t)q->key_bytes;
	}
	OPENSSL_cleanse(&k, sizeof(k));
	return rc;
}

int
ra_wrap_key(struct bytes kek, struct bytes content_key, uint8_t ret[RA_CONTENT_KEY_MAX + 8], size_t *ret_len, struct error *e)
{
	const EVP_CIPHER *cipher =
	    kek.len == 16 ? EVP_aes_128_wrap() : kek.len == 24 ? EVP_aes_192_wrap() : kek.len == 32 ? EVP_aes_256_wrap() : NULL;
	EVP_CIPHER_CTX *c CLEANUP(EVP_CIPHER_CTX_free) = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;
	if (!cipher)
		return fail(e, E_BAD_VALUE, "the secret isn't an AES key: 16, 24 or 32 octets are wanted");
	if (check_key_bytes((int32_t)content_key.len, e) < 0)
		return -1;
	if (c)
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (!c || EVP_EncryptInit_ex2(c, cipher, kek.data, NULL, NULL) != 1 ||
	    EVP_EncryptUpdate(c, ret, &n, content_key.data, (int)content_key.len) != 1 || EVP_EncryptFinal_ex(c, ret + n, &rest) != 1)
		return fail(e, E_INTERNAL, "a content key can't be wrapped");
	*ret_len = (size_t)(n + rest);
	return 0;
}
