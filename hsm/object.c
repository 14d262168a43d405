#include "hsm/object.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hsm/module.h"
#include "lib/x509/der.h"

#define SAME_ID_MAX 16      /* keys that carry one id: a token with more is a mess that we don't sort out */
#define SLOW_SEARCH_MS 20
#define LEARN_MS 300
#define ATTRIBUTE_MAX 2048  /* bytes: a modulus of 16384 bits */
#ifndef CKF_EC_F_2M /* PKCS#11 2.40 calls it so, p11-kit not at all */
#define CKF_EC_F_2M 0x00200000UL
#endif

DEFINE_CLEANUP(BIGNUM, BN_clear_free)

static bool
is_rsa(const struct keytype *type)
{
	return type->family == KEY_RSA || type->family == KEY_RSA_PSS;
}

/* PKCS#11 takes its input as plain pointers. */
static void *
plain(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = {.in = p};
	return u.out;
}

/* What stands behind the OID in the type's AlgorithmIdentifier: the named curve. Edwards curves have no parameters, and the algorithm's own OID
 * names them (PKCS#11 3.0, 2.3.10). All lengths are of one byte. */
static struct bytes
curve_of(const struct keytype *type)
{
	struct bytes a = type->algorithm;
	size_t oid = 2 + (size_t)a.data[3];
	return type->family == KEY_ED ? (struct bytes){a.data + 2, a.len - 2} : (struct bytes){a.data + 2 + oid, a.len - 2 - oid};
}

/* Tokens say whether they know prime fields or binary ones; those that say neither are tried. */
static bool
field_fits(struct token *t, const struct keytype *type)
{
	bool binary = strncmp(type->group, "sect", 4) == 0 || strncmp(type->group, "c2", 2) == 0 || strncmp(type->group, "wap", 3) == 0;
	bool prime = token_can(t, CKM_ECDSA, 0, CKF_EC_F_P), two = token_can(t, CKM_ECDSA, 0, CKF_EC_F_2M);
	return (!prime && !two) || (binary ? two : prime);
}

bool
object_type_fits(struct token *t, const struct keytype *type)
{
	CK_ULONG bits = (CK_ULONG)type->bits;
	switch (type->family) {
	case KEY_EC:
		return token_can(t, CKM_EC_KEY_PAIR_GEN, bits, CKF_GENERATE_KEY_PAIR) && token_can(t, CKM_ECDSA, bits, CKF_SIGN) &&
		    field_fits(t, type);
	case KEY_RSA_PSS:
		if (!token_can(t, CKM_RSA_PKCS_PSS, bits, CKF_SIGN))
			return false;
		return token_can(t, CKM_RSA_PKCS_KEY_PAIR_GEN, bits, CKF_GENERATE_KEY_PAIR);
	case KEY_RSA:
		return token_can(t, CKM_RSA_PKCS_KEY_PAIR_GEN, bits, CKF_GENERATE_KEY_PAIR) && token_can(t, CKM_RSA_PKCS, bits, CKF_SIGN);
	case KEY_ED:
		return token_can(t, CKM_EC_EDWARDS_KEY_PAIR_GEN, bits, CKF_GENERATE_KEY_PAIR) && token_can(t, CKM_EDDSA, bits, CKF_SIGN);
	default:
		return false;
	}
}

bool
object_type_decrypts(struct token *t, const struct keytype *type)
{
	return type->family == KEY_RSA && token_can(t, CKM_RSA_X_509, (CK_ULONG)type->bits, CKF_DECRYPT);
}

/* One search; id.data NULL: all of the class. */
static CK_RV
search(const struct token *t, CK_OBJECT_CLASS class, struct bytes id, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *ret_n)
{
	CK_FUNCTION_LIST *f = token_functions(t);
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_ID, plain(id.data), id.len}};
	CK_RV rv = f->C_FindObjectsInit(token_session(t), template, ARRAY_LEN(template) - !id.data);
	if (rv != CKR_OK)
		return rv;
	CK_ULONG n = 0, got = 1;
	while (rv == CKR_OK && n < max && got > 0) {
		rv = f->C_FindObjects(token_session(t), ret + n, max - n, &got);
		n += rv == CKR_OK ? got : 0;
	}
	CK_RV last = f->C_FindObjectsFinal(token_session(t));
	*ret_n = n;
	return rv != CKR_OK ? rv : last;
}

static CK_RV
read_attribute(const struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, uint8_t *buffer, struct bytes *ret)
{
	CK_ATTRIBUTE a = {type, buffer, ATTRIBUTE_MAX};
	CK_RV rv = token_functions(t)->C_GetAttributeValue(token_session(t), object, &a, 1);
	*ret = (struct bytes){buffer, rv == CKR_OK && a.ulValueLen != (CK_ULONG)-1 ? a.ulValueLen : 0};
	return rv;
}

static int64_t
clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static CK_RV
list_class(const struct token *t, CK_OBJECT_CLASS class, struct object_index *x)
{
	CK_OBJECT_HANDLE *all = xcalloc(INDEX_OBJECTS_MAX, sizeof(*all));
	CK_ULONG n = 0;
	CK_RV rv = search(t, class, (struct bytes){NULL, 0}, all, INDEX_OBJECTS_MAX, &n);
	if (rv == CKR_OK && n > 0) {
		x->pending = xrealloc(x->pending, (x->n_pending + n) * sizeof(*x->pending));
		for (CK_ULONG i = 0; i < n; i++)
			x->pending[x->n_pending++] = (struct object_pending){class, all[i]};
	}
	free(all);
	return rv;
}

/* Reads ids for a moment; after the last the index is used. An object that is gone meanwhile, or has no id, is left out. */
static CK_RV
learn(const struct token *t, struct object_index *x)
{
	CK_RV rv = CKR_OK;
	if (!x->pending) {
		rv = list_class(t, CKO_PRIVATE_KEY, x);
		if (rv == CKR_OK)
			rv = list_class(t, CKO_PUBLIC_KEY, x);
		if (rv != CKR_OK)
			index_clear(x);
	}
	int64_t end = clock_ms() + LEARN_MS;
	for (; rv == CKR_OK && x->pending && x->next_pending < x->n_pending && clock_ms() < end; x->next_pending++) {
		const struct object_pending *p = &x->pending[x->next_pending];
		uint8_t buffer[ATTRIBUTE_MAX];
		struct bytes id;
		if (read_attribute(t, p->object, CKA_ID, buffer, &id) == CKR_OK && !index_add(x, p->class, id, p->object))
			return CKR_OK; /* too many: searching goes on */
	}
	if (rv == CKR_OK && x->next_pending == x->n_pending)
		index_sort(x);
	return rv;
}

/* Keys with that id. A token that took its time for a search is asked for all its keys once, so that ten thousand CAs don't take ten
 * thousand such searches; what isn't among them may be new, and is searched for. */
static CK_RV
find_all(struct token *t, CK_OBJECT_CLASS class, struct bytes id, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *ret_n)
{
	struct object_index *x = token_objects(t);
	if (x->epoch != token_epoch(t)) {
		index_clear(x);
		x->epoch = token_epoch(t);
	}
	*ret_n = x->complete ? index_find(x, class, id, ret, max) : 0;
	if (*ret_n > 0)
		return CKR_OK;
	int64_t start = clock_ms();
	CK_RV rv = search(t, class, id, ret, max, ret_n);
	return rv != CKR_OK || x->complete || clock_ms() - start < SLOW_SEARCH_MS ? rv : learn(t, x);
}

/* CKA_EC_POINT is an OCTET STRING with the point; some modules give the point itself. */
static struct bytes
unwrap_point(struct bytes p)
{
	size_t head = p.len > 2 && p.data[1] == 0x81 ? 3 : 2;
	if (p.len > head && p.data[0] == 0x04 && p.data[head - 1] == p.len - head && (head == 3 || p.data[1] < 0x80))
		return (struct bytes){p.data + head, p.len - head};
	return p;
}

/* The BIT STRING of a SubjectPublicKeyInfo. */
static bool
public_bits(EVP_PKEY *key, uint8_t *ret, size_t max, size_t *ret_len)
{
	unsigned char *der = NULL, *at;
	const unsigned char *bits = NULL;
	int len = i2d_PUBKEY(key, &der), n = 0;
	X509_PUBKEY *x = NULL;
	at = der;
	const unsigned char *in = at;
	bool good = len > 0 && d2i_X509_PUBKEY(&x, &in, len) && X509_PUBKEY_get0_param(NULL, &bits, &n, NULL, x) == 1 && (size_t)n <= max;
	if (good) {
		memcpy(ret, bits, (size_t)n);
		*ret_len = (size_t)n;
	}
	X509_PUBKEY_free(x);
	OPENSSL_free(der);
	return good;
}

static bool
is_number(EVP_PKEY *key, const char *name, struct bytes value)
{
	BIGNUM *wanted = NULL, *have = BN_bin2bn(value.data, (int)value.len, NULL);
	bool same = value.len && have && EVP_PKEY_get_bn_param(key, name, &wanted) == 1 && BN_cmp(wanted, have) == 0;
	BN_free(wanted);
	BN_free(have);
	return same;
}

/* Whether an object, private or public, carries that public key. A private EC key need not: *ret_silent. */
static CK_RV
carries(const struct token *t, CK_OBJECT_HANDLE object, EVP_PKEY *expected, bool *ret, bool *ret_silent)
{
	uint8_t a[ATTRIBUTE_MAX], b[ATTRIBUTE_MAX], wanted[ATTRIBUTE_MAX];
	struct bytes value, exponent = {NULL, 0};
	size_t len = 0;
	CK_RV rv;
	*ret = *ret_silent = false;
	if (EVP_PKEY_is_a(expected, "RSA") || EVP_PKEY_is_a(expected, "RSA-PSS")) {
		rv = read_attribute(t, object, CKA_MODULUS, a, &value);
		if (rv == CKR_OK)
			rv = read_attribute(t, object, CKA_PUBLIC_EXPONENT, b, &exponent);
		*ret = rv == CKR_OK && is_number(expected, OSSL_PKEY_PARAM_RSA_N, value) && is_number(expected, OSSL_PKEY_PARAM_RSA_E, exponent);
		return rv == CKR_ATTRIBUTE_TYPE_INVALID ? CKR_OK : rv;
	}
	rv = read_attribute(t, object, CKA_EC_POINT, a, &value);
	*ret_silent = rv == CKR_ATTRIBUTE_TYPE_INVALID || (rv == CKR_OK && value.len == 0);
	*ret = rv == CKR_OK && public_bits(expected, wanted, sizeof(wanted), &len) &&
	    (bytes_equal(unwrap_point(value), (struct bytes){wanted, len}) || bytes_equal(value, (struct bytes){wanted, len}));
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ? CKR_OK : rv;
}

/* Which of the private keys with that id belongs to the public key: the one that says so, or the only one, when a public key object with
 * the same id says so for it. CK_INVALID_HANDLE: none. */
static CK_RV
pick(struct token *t, struct bytes id, EVP_PKEY *expected, CK_OBJECT_HANDLE *ret, bool *ret_any)
{
	CK_OBJECT_HANDLE private[SAME_ID_MAX], public[SAME_ID_MAX];
	CK_ULONG n_private = 0, n_public = 0;
	bool same = false, silent = false;
	CK_RV rv = find_all(t, CKO_PRIVATE_KEY, id, private, SAME_ID_MAX, &n_private);
	*ret = CK_INVALID_HANDLE;
	*ret_any = n_private > 0;
	for (CK_ULONG i = 0; rv == CKR_OK && i < n_private; i++) {
		rv = carries(t, private[i], expected, &same, &silent);
		if (rv == CKR_OK && same) {
			*ret = private[i];
			return CKR_OK;
		}
		if (silent && n_private > 1) /* which of them can't be told */
			return rv;
	}
	if (rv != CKR_OK || n_private != 1 || !silent)
		return rv;
	rv = find_all(t, CKO_PUBLIC_KEY, id, public, SAME_ID_MAX, &n_public);
	for (CK_ULONG i = 0; rv == CKR_OK && i < n_public; i++) {
		rv = carries(t, public[i], expected, &same, &silent);
		if (rv == CKR_OK && same)
			*ret = private[0];
	}
	return rv;
}

/* The key must be one that the token never gives out. */
static CK_RV
stays(const struct token *t, CK_OBJECT_HANDLE object, bool *ret)
{
	CK_BBOOL sensitive = CK_FALSE, extractable = CK_TRUE;
	CK_ATTRIBUTE a[] = {{CKA_SENSITIVE, &sensitive, sizeof(sensitive)}, {CKA_EXTRACTABLE, &extractable, sizeof(extractable)}};
	CK_RV rv = token_functions(t)->C_GetAttributeValue(token_session(t), object, a, ARRAY_LEN(a));
	*ret = rv == CKR_OK && sensitive == CK_TRUE && extractable == CK_FALSE;
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ? CKR_OK : rv;
}

int
object_find(struct token *t, struct bytes id, EVP_PKEY *expected, CK_OBJECT_HANDLE *ret, struct error *e)
{
	CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
	bool any = false, good = false;
	if (token_begin(t, TOKEN_CALL_MS, e) < 0)
		return -1;
	CK_RV rv = pick(t, id, expected, &found, &any);
	if (rv == CKR_OBJECT_HANDLE_INVALID) { /* somebody destroyed what was learned */
		index_clear(token_objects(t));
		rv = pick(t, id, expected, &found, &any);
	}
	if (rv == CKR_OK && found != CK_INVALID_HANDLE)
		rv = stays(t, found, &good);
	if (token_end(t, rv, "find a key", e) < 0)
		return -1;
	if (found == CK_INVALID_HANDLE)
		return any ? fail(e, E_KEY_STORE, "the key that the token \"%s\" gave isn't that of the certificate", token_name(t))
			   : fail(e, E_KEY_STORE, "the token \"%s\" doesn't hold the key that is wanted", token_name(t));
	if (!good)
		return fail(e, E_KEY_STORE, "the token \"%s\" would give out the key (it must be sensitive and not extractable): it isn't used",
			    token_name(t));
	*ret = found;
	return 0;
}

/* --- making --- */

/* The SubjectPublicKeyInfo of a new pair, from what the token says of it (RFC 3279 2.3, RFC 8410 4). */
static CK_RV
read_public(const struct token *t, CK_OBJECT_HANDLE object, const struct keytype *type, struct buf *out)
{
	uint8_t a[ATTRIBUTE_MAX], b[ATTRIBUTE_MAX];
	struct bytes value, exponent = {NULL, 0};
	struct buf key BUF_CLEANUP = BUF_INIT(2 * ATTRIBUTE_MAX + 64);
	CK_RV rv = read_attribute(t, object, is_rsa(type) ? CKA_MODULUS : CKA_EC_POINT, a, &value);
	if (rv == CKR_OK && is_rsa(type))
		rv = read_attribute(t, object, CKA_PUBLIC_EXPONENT, b, &exponent);
	if (rv != CKR_OK)
		return rv;
	if (is_rsa(type)) {
		size_t sequence = der_begin(&key, DER_SEQUENCE);
		der_put_unsigned(&key, value.data, value.len);
		der_put_unsigned(&key, exponent.data, exponent.len);
		der_close(&key, sequence);
	} else {
		value = unwrap_point(value);
		buf_add(&key, value.data, value.len);
	}
	size_t spki = der_begin(out, DER_SEQUENCE);
	der_put_raw(out, type->algorithm);
	der_put_bits(out, key.data, key.len);
	der_close(out, spki);
	return CKR_OK;
}

static CK_RV
make_pair(const struct token *t, const struct keytype *type, bool decrypts, const char *label, uint8_t *id, CK_OBJECT_HANDLE *ret_public,
	  CK_OBJECT_HANDLE *ret_private)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE, decrypt = decrypts ? CK_TRUE : CK_FALSE;
	CK_ULONG bits = (CK_ULONG)type->bits;
	CK_BYTE exponent[] = {1, 0, 1};
	bool rsa = is_rsa(type);
	struct bytes curve = rsa ? (struct bytes){NULL, 0} : curve_of(type);
	CK_ATTRIBUTE private_template[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)}, {CKA_SENSITIVE, &yes, sizeof(yes)},
	    {CKA_EXTRACTABLE, &no, sizeof(no)}, {CKA_SIGN, &yes, sizeof(yes)},    {CKA_DECRYPT, &decrypt, sizeof(decrypt)},
	    {CKA_ID, id, OBJECT_ID_BYTES},      {CKA_LABEL, plain(label), strlen(label)},
	};
	CK_ATTRIBUTE public_template[] = {
	    {CKA_TOKEN, &yes, sizeof(yes)},
	    {CKA_VERIFY, &yes, sizeof(yes)},
	    {CKA_ID, id, OBJECT_ID_BYTES},
	    {CKA_LABEL, plain(label), strlen(label)},
	    {rsa ? CKA_MODULUS_BITS : CKA_EC_PARAMS, rsa ? &bits : plain(curve.data), rsa ? sizeof(bits) : curve.len},
	    {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}, /* last: left out for EC */
	};
	CK_MECHANISM mechanism = {
	    rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : type->family == KEY_ED ? CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
	return token_functions(t)->C_GenerateKeyPair(token_session(t), &mechanism, public_template, ARRAY_LEN(public_template) - !rsa,
						     private_template, ARRAY_LEN(private_template), ret_public, ret_private);
}

/* SoftHSM reads its folder anew at a search when somebody else changed something, and takes a change of its own for the last one: what others made
 * before it stays unseen until the next change of theirs. So a change begins with a search. */
static CK_RV
see_others(const struct token *t, const uint8_t id[OBJECT_ID_BYTES])
{
	CK_OBJECT_HANDLE none;
	CK_ULONG n;
	return search(t, CKO_PRIVATE_KEY, (struct bytes){id, OBJECT_ID_BYTES}, &none, 1, &n);
}

/* The token can't, as against: it fails. */
static bool
cannot(CK_RV rv)
{
	return rv == CKR_MECHANISM_INVALID || rv == CKR_KEY_SIZE_RANGE || rv == CKR_CURVE_NOT_SUPPORTED || rv == CKR_DOMAIN_PARAMS_INVALID ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_FUNCTION_NOT_SUPPORTED;
}

int
object_generate(struct token *t, const struct keytype *type, bool decrypts, const char *label, uint8_t ret_id[OBJECT_ID_BYTES],
		EVP_PKEY **ret_public, struct error *e)
{
	CK_OBJECT_HANDLE public, private;
	struct buf spki BUF_CLEANUP = BUF_INIT(2 * ATTRIBUTE_MAX + 128);
	uint8_t id[OBJECT_ID_BYTES];
	bool good = false;
	if (RAND_bytes(id, sizeof(id)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (token_begin(t, TOKEN_MAKE_MS, e) < 0)
		return -1;
	CK_RV rv = see_others(t, id);
	if (rv == CKR_OK)
		rv = make_pair(t, type, decrypts, label, id, &public, &private);
	CK_RV made = rv;
	token_worked(t);
	if (rv == CKR_OK)
		rv = stays(t, private, &good);
	if (rv == CKR_OK && good)
		rv = read_public(t, public, type, &spki);
	if (made == CKR_OK && (rv != CKR_OK || !good)) { /* nobody will ever ask for it */
		token_functions(t)->C_DestroyObject(token_session(t), private);
		token_functions(t)->C_DestroyObject(token_session(t), public);
	}
	if (token_end(t, rv, "make a key", e) < 0) {
		if (cannot(made))
			e->code = E_UNSUPPORTED;
		return -1;
	}
	if (!good)
		return fail(e, E_KEY_STORE, "the token \"%s\" made a key that it would give out: it was destroyed", token_name(t));
	const unsigned char *at = spki.data;
	*ret_public = d2i_PUBKEY(NULL, &at, (long)spki.len);
	if (!*ret_public)
		return fail(e, E_KEY_STORE, "the token \"%s\" made a public key that can't be read", token_name(t));
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

/* --- bringing in --- */

#define IMPORT_ATTRIBUTES 24

struct template {
	CK_ATTRIBUTE a[IMPORT_ATTRIBUTES];
	CK_ULONG n;
	struct secret *held[10]; /* values that live as long as the template */
	size_t n_held;
};

static void
template_add(struct template *m, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	m->a[m->n++] = (CK_ATTRIBUTE){type, plain(value), len};
}

static bool
template_add_number(struct template *m, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key, const char *name, size_t width)
{
	BIGNUM *number CLEANUP(BN_clear_free) = NULL;
	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		return false;
	size_t len = width ? width : (size_t)BN_num_bytes(number);
	struct secret *s = m->held[m->n_held++] = secret_new(NULL, len);
	template_add(m, type, s->data, len);
	return BN_bn2binpad(number, s->data, (int)len) == (int)len;
}

static bool
add_rsa(struct template *m, EVP_PKEY *key)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		const char *name;
	} numbers[] = {
	    {CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N},          {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
	    {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D}, {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
	    {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},    {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
	    {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2}, {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!template_add_number(m, numbers[i].type, key, numbers[i].name, 0))
			return false;
	return true;
}

static bool
add_value(struct template *m, EVP_PKEY *key, const struct keytype *type)
{
	if (is_rsa(type))
		return add_rsa(m, key);
	struct bytes curve = curve_of(type);
	template_add(m, CKA_EC_PARAMS, curve.data, curve.len);
	if (type->family == KEY_EC)
		return template_add_number(m, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY, ((size_t)type->order_bits + 7) / 8);
	size_t len = 0;
	if (EVP_PKEY_get_raw_private_key(key, NULL, &len) != 1)
		return false;
	struct secret *s = m->held[m->n_held++] = secret_new(NULL, len);
	template_add(m, CKA_VALUE, s->data, len);
	return EVP_PKEY_get_raw_private_key(key, s->data, &len) == 1;
}

/* The public key beside it, by which it is found again. */
static CK_RV
put_public(const struct token *t, EVP_PKEY *key, const struct keytype *type, const char *label, const uint8_t *id, CK_OBJECT_HANDLE *ret)
{
	CK_BBOOL yes = CK_TRUE;
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE kind = is_rsa(type) ? CKK_RSA : type->family == KEY_ED ? CKK_EC_EDWARDS : CKK_EC;
	struct template m = {.n = 0};
	struct buf point BUF_CLEANUP = BUF_INIT(ATTRIBUTE_MAX);
	uint8_t bits[ATTRIBUTE_MAX];
	size_t len = 0;
	bool good = true;
	template_add(&m, CKA_CLASS, &class, sizeof(class));
	template_add(&m, CKA_KEY_TYPE, &kind, sizeof(kind));
	template_add(&m, CKA_TOKEN, &yes, sizeof(yes));
	template_add(&m, CKA_VERIFY, &yes, sizeof(yes));
	template_add(&m, CKA_ID, id, OBJECT_ID_BYTES);
	template_add(&m, CKA_LABEL, label, strlen(label));
	if (is_rsa(type)) {
		good = template_add_number(&m, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N, 0) &&
		    template_add_number(&m, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E, 0);
	} else {
		struct bytes curve = curve_of(type);
		template_add(&m, CKA_EC_PARAMS, curve.data, curve.len);
		good = public_bits(key, bits, sizeof(bits), &len);
		der_put(&point, DER_OCTET_STRING, bits, len);
		template_add(&m, CKA_EC_POINT, point.data, point.len);
	}
	CK_RV rv = good ? token_functions(t)->C_CreateObject(token_session(t), m.a, m.n, ret)
	                                      : CKR_ATTRIBUTE_VALUE_INVALID; /* the key's fault, not the token's */
	for (size_t i = 0; i < m.n_held; i++)
		secret_free(m.held[i]);
	return rv;
}

static CK_RV
put_private(const struct token *t, EVP_PKEY *key, const struct keytype *type, const char *label, const uint8_t *id, CK_OBJECT_HANDLE *ret)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE kind = is_rsa(type) ? CKK_RSA : type->family == KEY_ED ? CKK_EC_EDWARDS : CKK_EC;
	struct template m = {.n = 0};
	template_add(&m, CKA_CLASS, &class, sizeof(class));
	template_add(&m, CKA_KEY_TYPE, &kind, sizeof(kind));
	template_add(&m, CKA_TOKEN, &yes, sizeof(yes));
	template_add(&m, CKA_PRIVATE, &yes, sizeof(yes));
	template_add(&m, CKA_SENSITIVE, &yes, sizeof(yes));
	template_add(&m, CKA_EXTRACTABLE, &no, sizeof(no));
	template_add(&m, CKA_SIGN, &yes, sizeof(yes));
	template_add(&m, CKA_DECRYPT, &no, sizeof(no));
	template_add(&m, CKA_ID, id, OBJECT_ID_BYTES);
	template_add(&m, CKA_LABEL, label, strlen(label));
	CK_RV rv = add_value(&m, key, type) ? token_functions(t)->C_CreateObject(token_session(t), m.a, m.n, ret) : CKR_FUNCTION_FAILED;
	for (size_t i = 0; i < m.n_held; i++)
		secret_free(m.held[i]);
	return rv;
}

int
object_import(struct token *t, EVP_PKEY *key, const struct keytype *type, const char *label, uint8_t ret_id[OBJECT_ID_BYTES], struct error *e)
{
	CK_OBJECT_HANDLE public = CK_INVALID_HANDLE, private = CK_INVALID_HANDLE;
	uint8_t id[OBJECT_ID_BYTES];
	bool good = false;
	if (RAND_bytes(id, sizeof(id)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (token_begin(t, TOKEN_CALL_MS, e) < 0)
		return -1;
	CK_RV rv = see_others(t, id);
	if (rv == CKR_OK)
		rv = put_private(t, key, type, label, id, &private);
	CK_RV put = rv;
	if (rv == CKR_OK)
		rv = put_public(t, key, type, label, id, &public);
	if (rv == CKR_OK)
		rv = stays(t, private, &good);
	if (put == CKR_OK && (rv != CKR_OK || !good)) {
		token_functions(t)->C_DestroyObject(token_session(t), private);
		if (public != CK_INVALID_HANDLE)
			token_functions(t)->C_DestroyObject(token_session(t), public);
	}
	if (token_end(t, rv, "take a key in", e) < 0) {
		if (cannot(put))
			e->code = E_UNSUPPORTED;
		return -1;
	}
	if (!good)
		return fail(e, E_KEY_STORE, "the token \"%s\" would give out the key that it took in: it was destroyed", token_name(t));
	memcpy(ret_id, id, sizeof(id));
	return 0;
}

int
object_delete(struct token *t, struct bytes id, EVP_PKEY *expected, struct error *e)
{
	CK_OBJECT_HANDLE private = CK_INVALID_HANDLE, public[SAME_ID_MAX];
	CK_ULONG n = 0;
	bool any = false, same = false, silent = false;
	uint8_t nobodys[OBJECT_ID_BYTES] = {0};
	if (token_begin(t, TOKEN_CALL_MS, e) < 0)
		return -1;
	CK_RV rv = see_others(t, nobodys);
	if (rv == CKR_OK)
		rv = pick(t, id, expected, &private, &any);
	bool found = rv == CKR_OK && private != CK_INVALID_HANDLE;
	if (rv == CKR_OK)
		rv = find_all(t, CKO_PUBLIC_KEY, id, public, SAME_ID_MAX, &n);
	if (found && rv == CKR_OK)
		rv = token_functions(t)->C_DestroyObject(token_session(t), private);
	for (CK_ULONG i = 0; found && rv == CKR_OK && i < n; i++) {
		rv = carries(t, public[i], expected, &same, &silent);
		if (rv == CKR_OK && same)
			rv = token_functions(t)->C_DestroyObject(token_session(t), public[i]);
	}
	index_clear(token_objects(t));
	if (token_end(t, rv, "destroy a key", e) < 0)
		return -1;
	return found ? 0 : fail(e, E_NOT_FOUND, "the token \"%s\" doesn't hold that key", token_name(t));
}
