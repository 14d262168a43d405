#include "hsm/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NAME "siegel-token"
#define SIGNER "SIEGEL-TOKEN"  /* the name of our one signature operation, and of our one cipher: nobody else's key asks for it */
#define KEY_PARAM "siegel-key" /* how provider_key() hands a key over to our key management */
#define SIGNATURE_MAX 4096

DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

/* --- keys --- */

struct key {
	atomic_uint references;
	struct token *token; /* NULL: a public key alone */
	uint8_t id[OBJECT_ID_BYTES];
	size_t id_len;
	EVP_PKEY *public;
	const char *name; /* of the algorithm */
	CK_OBJECT_HANDLE handle;
	unsigned epoch; /* of the token when the handle was good; 0: never */
};

static void *
key_new(const char *name)
{
	struct key *k = xcalloc(1, sizeof(*k));
	k->references = 1;
	k->name = name;
	return k;
}

static void
key_free(void *data)
{
	struct key *k = data;
	if (!k || atomic_fetch_sub(&k->references, 1) > 1)
		return;
	EVP_PKEY_free(k->public);
	free(k);
}

#define KEY_NEW(function, name)                                                                                                \
	static void *function(void *context)                                                                                   \
	{                                                                                                                      \
		(void)context;                                                                                                 \
		return key_new(name);                                                                                          \
	}
KEY_NEW(new_ec, "EC")
KEY_NEW(new_rsa, "RSA")
KEY_NEW(new_rsa_pss, "RSA-PSS")
KEY_NEW(new_ed25519, "ED25519")
KEY_NEW(new_ed448, "ED448")

static int
key_has(const void *data, int selection)
{
	const struct key *k = data;
	return k->public && (!(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || k->token);
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;
	(void)selection;
	return x->public && y->public && EVP_PKEY_eq(x->public, y->public) == 1;
}

static int
key_get_params(void *data, OSSL_PARAM params[])
{
	const struct key *k = data;
	return k->public && EVP_PKEY_get_params(k->public, params);
}

static const OSSL_PARAM *
key_gettable_params(void *context)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	    OSSL_PARAM_END,
	};
	(void)context;
	return list;
}

/* Our own key, or a public key that somebody compares with one of ours. */
static int
key_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct key *k = data;
	const OSSL_PARAM *own = OSSL_PARAM_locate_const(params, KEY_PARAM);
	const void *from = NULL;
	size_t len = 0;
	(void)selection;
	if (own) {
		if (OSSL_PARAM_get_octet_ptr(own, &from, &len) != 1)
			return 0;
		const struct key *given = from;
		k->token = given->token;
		k->public = given->public;
		k->id_len = given->id_len;
		k->handle = given->handle;
		k->epoch = given->epoch;
		memcpy(k->id, given->id, sizeof(k->id));
		return EVP_PKEY_up_ref(k->public);
	}
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_name(NULL, k->name, NULL);
	OSSL_PARAM *copy = OSSL_PARAM_dup(params);
	int rc = ctx && copy && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &k->public, EVP_PKEY_PUBLIC_KEY, copy) == 1;
	OSSL_PARAM_free(copy);
	return rc;
}

static const OSSL_PARAM *
key_types(int selection)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_octet_ptr(KEY_PARAM, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	    OSSL_PARAM_END,
	};
	(void)selection;
	return list;
}

/* The public key alone: the private one never comes out. */
static int
key_export(void *data, int selection, OSSL_CALLBACK *f, void *arg)
{
	const struct key *k = data;
	OSSL_PARAM *params = NULL;
	if (!k->public || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || EVP_PKEY_todata(k->public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	int rc = f(params, arg);
	OSSL_PARAM_free(params);
	return rc;
}

static const char *
key_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE || operation == OSSL_OP_ASYM_CIPHER ? SIGNER : NULL;
}

/* --- signatures --- */

struct signing {
	struct key *key;
	EVP_MD *md;         /* NULL: what is signed was hashed by nobody (EdDSA), or it isn't said by whom */
	EVP_MD *mgf1;       /* NULL: as md */
	int padding, salt;  /* of RSA */
	EVP_MD_CTX *digest; /* of digest_sign and digest_verify */
	EVP_PKEY_CTX *verify;
};

static void *
signing_new(void *context, const char *query)
{
	(void)context;
	(void)query;
	return xcalloc(1, sizeof(struct signing));
}

static void
signing_free(void *data)
{
	struct signing *s = data;
	if (!s)
		return;
	key_free(s->key);
	EVP_MD_free(s->md);
	EVP_MD_free(s->mgf1);
	EVP_MD_CTX_free(s->digest);
	EVP_PKEY_CTX_free(s->verify);
	free(s);
}

static bool
set_md(EVP_MD **md, const char *name)
{
	EVP_MD_free(*md);
	*md = name && *name ? EVP_MD_fetch(NULL, name, NULL) : NULL;
	return *md || !name || !*name;
}

static bool
set_padding(struct signing *s, const OSSL_PARAM *p)
{
	const char *word = NULL;
	if (p->data_type != OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_int(p, &s->padding) == 1;
	if (OSSL_PARAM_get_utf8_string_ptr(p, &word) != 1)
		return false;
	s->padding = strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
	return strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 || strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0;
}

static bool
set_salt(struct signing *s, const OSSL_PARAM *p)
{
	const char *word = NULL;
	if (p->data_type != OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_int(p, &s->salt) == 1;
	if (OSSL_PARAM_get_utf8_string_ptr(p, &word) != 1)
		return false;
	char *end;
	bool digest = strcmp(word, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	long n = digest ? RSA_PSS_SALTLEN_DIGEST : strtol(word, &end, 10);
	if (!digest && (end == word || *end || n < 0 || n > SIGNATURE_MAX))
		return false;
	s->salt = (int)n;
	return true;
}

static int
signing_set(void *data, const OSSL_PARAM params[])
{
	struct signing *s = data;
	const OSSL_PARAM *p;
	const char *name = NULL;
	if (!params)
		return 1;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) != NULL &&
	    (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1 || !set_md(&s->md, name)))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) != NULL &&
	    (OSSL_PARAM_get_utf8_string_ptr(p, &name) != 1 || !set_md(&s->mgf1, name)))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) != NULL && !set_padding(s, p))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) != NULL && !set_salt(s, p))
		return 0;
	return 1;
}

static const OSSL_PARAM *
signing_settable(void *data, void *context)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_END,
	};
	(void)data;
	(void)context;
	return list;
}

static int
signing_init(void *data, void *key, const OSSL_PARAM params[])
{
	struct signing *s = data;
	struct key *k = key;
	if (k) {
		atomic_fetch_add(&k->references, 1);
		key_free(s->key);
		s->key = k;
		s->padding = strcmp(k->name, "RSA-PSS") == 0 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
		s->salt = RSA_PSS_SALTLEN_DIGEST;
	}
	return s->key && signing_set(s, params);
}

static bool
is_ec(const struct signing *s)
{
	return strcmp(s->key->name, "EC") == 0;
}

static bool
is_rsa(const struct signing *s)
{
	return strncmp(s->key->name, "RSA", 3) == 0;
}

/* r ‖ s (PKCS#11 2.40, 2.3.1) as ECDSA-Sig-Value (RFC 3279 2.2.3). */
static int
put_ecdsa(const uint8_t *raw, size_t len, unsigned char *out, size_t *ret_len, size_t max)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)(len / 2), NULL), *v = BN_bin2bn(raw + len / 2, (int)(len / 2), NULL);
	if (!sig || len == 0 || len % 2 || ECDSA_SIG_set0(sig, r, v) != 1) {
		BN_free(r);
		BN_free(v);
		ECDSA_SIG_free(sig);
		return 0;
	}
	int n = i2d_ECDSA_SIG(sig, NULL);
	if (n > 0 && (size_t)n <= max)
		*ret_len = (size_t)i2d_ECDSA_SIG(sig, &out);
	ECDSA_SIG_free(sig);
	return n > 0 && (size_t)n <= max;
}

/* DigestInfo (RFC 8017 9.2, step 2). */
static int
digest_info(const EVP_MD *md, struct bytes digest, uint8_t *ret, size_t max, size_t *ret_len)
{
	X509_SIG *sig = X509_SIG_new();
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *value;
	unsigned char *at = ret;
	if (!sig)
		return 0;
	X509_SIG_getm(sig, &algorithm, &value);
	int n = X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) == 1 &&
	    ASN1_OCTET_STRING_set(value, digest.data, (int)digest.len) == 1 ? i2d_X509_SIG(sig, NULL) : 0;
	if (n > 0 && (size_t)n <= max)
		*ret_len = (size_t)i2d_X509_SIG(sig, &at);
	X509_SIG_free(sig);
	return n > 0 && (size_t)n <= max;
}

static bool
pss_params(const struct signing *s, CK_RSA_PKCS_PSS_PARAMS *ret)
{
	static const struct {
		int nid;
		CK_MECHANISM_TYPE hash;
		CK_RSA_PKCS_MGF_TYPE mgf;
	} rows[] = {
	    {NID_sha256, CKM_SHA256, CKG_MGF1_SHA256}, {NID_sha384, CKM_SHA384, CKG_MGF1_SHA384}, {NID_sha512, CKM_SHA512, CKG_MGF1_SHA512},
	};
	const EVP_MD *mgf1 = s->mgf1 ? s->mgf1 : s->md;
	ret->hashAlg = ret->mgf = 0;
	for (size_t i = 0; s->md && i < ARRAY_LEN(rows); i++) {
		if (rows[i].nid == EVP_MD_get_type(s->md))
			ret->hashAlg = rows[i].hash;
		if (rows[i].nid == EVP_MD_get_type(mgf1))
			ret->mgf = rows[i].mgf;
	}
	ret->sLen = s->salt >= 0 ? (CK_ULONG)s->salt : s->md ? (CK_ULONG)EVP_MD_get_size(s->md) : 0;
	return ret->hashAlg && ret->mgf && (s->salt >= 0 || s->salt == RSA_PSS_SALTLEN_DIGEST || s->salt == RSA_PSS_SALTLEN_AUTO);
}

enum use { SIGN, DECRYPT };

static CK_RV
call(const struct key *k, enum use use, CK_MECHANISM *mechanism, CK_BYTE *data, size_t data_len, uint8_t *ret, CK_ULONG *len)
{
	CK_FUNCTION_LIST *f = token_functions(k->token);
	CK_SESSION_HANDLE session = token_session(k->token);
	CK_RV rv = use == SIGN ? f->C_SignInit(session, mechanism, k->handle) : f->C_DecryptInit(session, mechanism, k->handle);
	if (rv != CKR_OK)
		return rv;
	return use == SIGN ? f->C_Sign(session, data, data_len, ret, len) : f->C_Decrypt(session, data, data_len, ret, len);
}

/* One call of the token. The object is looked for when its handle isn't of this opening. */
static int
token_use(struct key *k, enum use use, CK_MECHANISM *mechanism, struct bytes data, uint8_t *ret, CK_ULONG *len, struct error *e)
{
	const char *what = use == SIGN ? "sign" : "decrypt";
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = data.data};
	for (int tries = 0; tries < 2; tries++) {
		if (k->epoch == 0 || k->epoch != token_epoch(k->token) || !token_is_open(k->token)) {
			if (object_find(k->token, (struct bytes){k->id, k->id_len}, k->public, &k->handle, e) < 0)
				return -1;
			k->epoch = token_epoch(k->token);
		}
		if (token_begin(k->token, TOKEN_CALL_MS, e) < 0)
			return -1;
		if (k->epoch != token_epoch(k->token)) { /* opened between the two */
			if (token_end(k->token, CKR_OK, what, e) < 0)
				return -1;
			continue;
		}
		CK_RV rv = call(k, use, mechanism, u.out, data.len, ret, len);
		token_worked(k->token);
		return token_end(k->token, rv, what, e);
	}
	return fail(e, E_KEY_STORE, "the token \"%s\" closes again and again", token_name(k->token));
}

static int
signing_sign(void *data, unsigned char *out, size_t *ret_len, size_t max, const unsigned char *in, size_t in_len)
{
	struct signing *s = data;
	struct error e;
	uint8_t signature[SIGNATURE_MAX], info[128];
	CK_ULONG len = sizeof(signature);
	CK_RSA_PKCS_PSS_PARAMS pss;
	CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
	struct bytes what = {in, in_len};
	if (!out) {
		*ret_len = (size_t)EVP_PKEY_get_size(s->key->public);
		return 1;
	}
	if (!s->key->token)
		return 0;
	if (is_ec(s)) {
		/* The leftmost octets of a digest that is longer than the order (FIPS 186-5 6.4.1); the rest the token does, bit by bit. */
		size_t order = ((size_t)EVP_PKEY_get_bits(s->key->public) + 7) / 8;
		mechanism.mechanism = CKM_ECDSA;
		what.len = what.len > order ? order : what.len;
	} else if (is_rsa(s) && s->padding == RSA_PKCS1_PSS_PADDING) {
		mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
		if (!pss_params(s, &pss))
			return 0;
	} else if (is_rsa(s)) {
		mechanism.mechanism = CKM_RSA_PKCS;
		if (s->md && !digest_info(s->md, what, info, sizeof(info), &what.len))
			return 0;
		what.data = s->md ? info : what.data;
	}
	if (token_use(s->key, SIGN, &mechanism, what, signature, &len, &e) < 0) {
		ERR_raise_data(ERR_LIB_PROV, PROV_R_FAILED_TO_SIGN, "%s", e.detail);
		return 0;
	}
	if (is_ec(s))
		return put_ecdsa(signature, len, out, ret_len, max);
	if (len > max)
		return 0;
	memcpy(out, signature, len);
	*ret_len = len;
	return 1;
}

/* Verifying needs no token: it is done with the public key, by the library. */
static int
signing_verify(void *data, const unsigned char *signature, size_t len, const unsigned char *in, size_t in_len)
{
	struct signing *s = data;
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new(s->key->public, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1 || (s->md && EVP_PKEY_CTX_set_signature_md(ctx, s->md) != 1))
		return 0;
	if (is_rsa(s) && (EVP_PKEY_CTX_set_rsa_padding(ctx, s->padding) != 1 ||
			  (s->padding == RSA_PKCS1_PSS_PADDING && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt) != 1) ||
			  (s->mgf1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, s->mgf1) != 1)))
		return 0;
	return EVP_PKEY_verify(ctx, signature, len, in, in_len) == 1;
}

static int
digest_init(void *data, const char *md, void *key, const OSSL_PARAM params[])
{
	struct signing *s = data;
	if (!signing_init(s, key, NULL) || ((is_ec(s) || is_rsa(s)) && !set_md(&s->md, md && *md ? md : "SHA256")))
		return 0;
	if (s->md) {
		EVP_MD_CTX_free(s->digest);
		s->digest = EVP_MD_CTX_new();
		if (!s->digest || EVP_DigestInit_ex2(s->digest, s->md, NULL) != 1)
			return 0;
	}
	return signing_set(s, params);
}

static int
digest_update(void *data, const unsigned char *in, size_t len)
{
	struct signing *s = data;
	return s->digest && EVP_DigestUpdate(s->digest, in, len) == 1;
}

static int
digest_sign_final(void *data, unsigned char *out, size_t *ret_len, size_t max)
{
	struct signing *s = data;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (out && (!s->digest || EVP_DigestFinal_ex(s->digest, digest, &n) != 1))
		return 0;
	return signing_sign(s, out, ret_len, max, digest, n);
}

static int
digest_verify_final(void *data, const unsigned char *signature, size_t len)
{
	struct signing *s = data;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	return s->digest && EVP_DigestFinal_ex(s->digest, digest, &n) == 1 && signing_verify(s, signature, len, digest, n);
}

static int
digest_sign(void *data, unsigned char *out, size_t *ret_len, size_t max, const unsigned char *in, size_t len)
{
	struct signing *s = data;
	if (!s->md)
		return signing_sign(s, out, ret_len, max, in, len);
	if (out && !digest_update(s, in, len))
		return 0;
	return digest_sign_final(s, out, ret_len, max);
}

static int
digest_verify(void *data, const unsigned char *signature, size_t signature_len, const unsigned char *in, size_t len)
{
	struct signing *s = data;
	if (s->md)
		return digest_update(s, in, len) && digest_verify_final(s, signature, signature_len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, s->key->public) == 1 &&
	    EVP_DigestVerify(ctx, signature, signature_len, in, len) == 1;
	EVP_MD_CTX_free(ctx);
	return rc;
}

/* --- decryption --- */

/* RSA without padding alone: what a token says of a padding, and how long it takes to say it, would tell too much (RFC 8017 7.2.2). */
struct cipher {
	struct key *key;
	int padding;
};

static void *
cipher_new(void *context)
{
	(void)context;
	return xcalloc(1, sizeof(struct cipher));
}

static void
cipher_free(void *data)
{
	struct cipher *c = data;
	if (!c)
		return;
	key_free(c->key);
	free(c);
}

static int
cipher_set(void *data, const OSSL_PARAM params[])
{
	struct cipher *c = data;
	const char *word = NULL;
	const OSSL_PARAM *p = params ? OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE) : NULL;
	if (!p)
		return 1;
	if (p->data_type != OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_int(p, &c->padding) == 1 && c->padding == RSA_NO_PADDING;
	if (OSSL_PARAM_get_utf8_string_ptr(p, &word) != 1 || strcmp(word, OSSL_PKEY_RSA_PAD_MODE_NONE) != 0)
		return 0;
	c->padding = RSA_NO_PADDING;
	return 1;
}

static const OSSL_PARAM *
cipher_settable(void *data, void *context)
{
	static const OSSL_PARAM list[] = {OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0), OSSL_PARAM_END};
	(void)data;
	(void)context;
	return list;
}

static int
cipher_init(void *data, void *key, const OSSL_PARAM params[])
{
	struct cipher *c = data;
	struct key *k = key;
	if (k) {
		atomic_fetch_add(&k->references, 1);
		key_free(c->key);
		c->key = k;
	}
	return c->key && c->key->token && strcmp(c->key->name, "RSA") == 0 && cipher_set(c, params);
}

static int
cipher_decrypt(void *data, unsigned char *out, size_t *ret_len, size_t max, const unsigned char *in, size_t in_len)
{
	struct cipher *c = data;
	struct error e = {0};
	size_t size = (size_t)EVP_PKEY_get_size(c->key->public);
	uint8_t plain[SIGNATURE_MAX];
	CK_ULONG len = sizeof(plain);
	CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
	if (!out) {
		*ret_len = size;
		return 1;
	}
	if (c->padding != RSA_NO_PADDING || in_len != size || max < size)
		return 0;
	int rc = token_use(c->key, DECRYPT, &mechanism, (struct bytes){in, in_len}, plain, &len, &e) == 0 && len <= size;
	if (rc) { /* a number: a token may leave out its zeros in front */
		memset(out, 0, size - len);
		memcpy(out + size - len, plain, len);
		*ret_len = size;
	} else {
		ERR_raise_data(ERR_LIB_PROV, PROV_R_FAILED_TO_DECRYPT, "%s", e.detail);
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	return rc;
}

/* --- the provider --- */

#define FN(f) ((void (*)(void))(f))
#define KEY_MANAGEMENT(name, new)                                                                                              \
	static const OSSL_DISPATCH name[] = {                                                                                  \
	    {OSSL_FUNC_KEYMGMT_NEW, FN(new)},                                                                                  \
	    {OSSL_FUNC_KEYMGMT_FREE, FN(key_free)},                                                                            \
	    {OSSL_FUNC_KEYMGMT_HAS, FN(key_has)},                                                                              \
	    {OSSL_FUNC_KEYMGMT_MATCH, FN(key_match)},                                                                          \
	    {OSSL_FUNC_KEYMGMT_GET_PARAMS, FN(key_get_params)},                                                                \
	    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, FN(key_gettable_params)},                                                      \
	    {OSSL_FUNC_KEYMGMT_IMPORT, FN(key_import)},                                                                        \
	    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, FN(key_types)},                                                                   \
	    {OSSL_FUNC_KEYMGMT_EXPORT, FN(key_export)},                                                                        \
	    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, FN(key_types)},                                                                   \
	    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, FN(key_operation)},                                                       \
	    {0, NULL},                                                                                                         \
	};
KEY_MANAGEMENT(management_ec, new_ec)
KEY_MANAGEMENT(management_rsa, new_rsa)
KEY_MANAGEMENT(management_rsa_pss, new_rsa_pss)
KEY_MANAGEMENT(management_ed25519, new_ed25519)
KEY_MANAGEMENT(management_ed448, new_ed448)

static const OSSL_DISPATCH signer[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, FN(signing_new)},
    {OSSL_FUNC_SIGNATURE_FREECTX, FN(signing_free)},
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, FN(signing_init)},
    {OSSL_FUNC_SIGNATURE_SIGN, FN(signing_sign)},
    {OSSL_FUNC_SIGNATURE_VERIFY_INIT, FN(signing_init)},
    {OSSL_FUNC_SIGNATURE_VERIFY, FN(signing_verify)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, FN(digest_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, FN(digest_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, FN(digest_sign_final)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, FN(digest_sign)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, FN(digest_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, FN(digest_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, FN(digest_verify_final)},
    {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, FN(digest_verify)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, FN(signing_set)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, FN(signing_settable)},
    {0, NULL},
};

static const OSSL_DISPATCH cipher[] = {
    {OSSL_FUNC_ASYM_CIPHER_NEWCTX, FN(cipher_new)},
    {OSSL_FUNC_ASYM_CIPHER_FREECTX, FN(cipher_free)},
    {OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, FN(cipher_init)},
    {OSSL_FUNC_ASYM_CIPHER_DECRYPT, FN(cipher_decrypt)},
    {OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, FN(cipher_set)},
    {OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, FN(cipher_settable)},
    {0, NULL},
};

static const OSSL_ALGORITHM *
query(void *context, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM managements[] = {
	    {"EC", "provider=" NAME, management_ec, NULL},
	    {"RSA", "provider=" NAME, management_rsa, NULL},
	    {"RSA-PSS", "provider=" NAME, management_rsa_pss, NULL},
	    {"ED25519", "provider=" NAME, management_ed25519, NULL},
	    {"ED448", "provider=" NAME, management_ed448, NULL},
	    {NULL, NULL, NULL, NULL},
	};
	static const OSSL_ALGORITHM signers[] = {
	    {SIGNER, "provider=" NAME, signer, NULL},
	    {NULL, NULL, NULL, NULL},
	};
	static const OSSL_ALGORITHM ciphers[] = {
	    {SIGNER, "provider=" NAME, cipher, NULL},
	    {NULL, NULL, NULL, NULL},
	};
	(void)context;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return managements;
	case OSSL_OP_SIGNATURE:
		return signers;
	case OSSL_OP_ASYM_CIPHER:
		return ciphers;
	default:
		return NULL;
	}
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ret_context)
{
	static const OSSL_DISPATCH dispatch[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, FN(query)}, {0, NULL}};
	static int context;
	(void)handle;
	(void)in;
	*out = dispatch;
	*ret_context = &context;
	return 1;
}

/* Lives as long as the process: keys may be freed at its very end. The default provider is in it for what encodes public keys. */
static OSSL_LIB_CTX *
library(void)
{
	static OSSL_LIB_CTX *made;
	if (made)
		return made;
	OSSL_LIB_CTX *l = OSSL_LIB_CTX_new();
	if (l && OSSL_PROVIDER_add_builtin(l, NAME, provider_init) == 1 && OSSL_PROVIDER_load(l, "default") && OSSL_PROVIDER_load(l, NAME))
		made = l;
	else
		OSSL_LIB_CTX_free(l);
	return made;
}

int
provider_key(struct token *t, struct bytes id, EVP_PKEY *public, CK_OBJECT_HANDLE object, EVP_PKEY **ret, struct error *e)
{
	struct key k = {.token = t, .public = public, .id_len = id.len, .handle = object, .epoch = object == CK_INVALID_HANDLE ? 0 : token_epoch(t)};
	void *at = &k;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_ptr(KEY_PARAM, &at, sizeof(k)), OSSL_PARAM_construct_end()};
	const char *name = EVP_PKEY_get0_type_name(public);
	OSSL_LIB_CTX *l = library();
	if (id.len > sizeof(k.id) || !name || !l)
		return fail(e, E_INTERNAL, "a key on a token can't be used by the cryptographic library");
	memcpy(k.id, id.data, id.len);
	EVP_PKEY_CTX *ctx CLEANUP(EVP_PKEY_CTX_free) = EVP_PKEY_CTX_new_from_name(l, name, "provider=" NAME);
	EVP_PKEY *key = NULL; /* one that is there already would be filled anew */
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return fail(e, E_UNSUPPORTED, "keys of the kind %s can't be used on a token", name);
	*ret = key;
	return 0;
}
