#include "ca/csr_attributes.h"

#include <string.h>

#include "ca/ext.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"

#define OID_REQUEST_TEMPLATE OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x3d")   /* id-aa-certificationRequestInfoTemplate */
#define OID_EXTENSION_TEMPLATE OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x3e") /* id-aa-extensionReqTemplate */
#define VALUES_MAX PROFILE_MAX_KEYS

extern const struct ext ext_key_usage, ext_eku, ext_san;

static bool
takes(const struct profile *p, const struct keytype *t)
{
	struct error ignored;
	for (size_t i = 0; i < p->n_keys; i++)
		if (keytype_fits(p->keys[i], t))
			return keytype_available(t, &ignored) == 0;
	return false;
}

/* An AlgorithmIdentifier's OID and, when there are parameters, these. */
static void
split(struct bytes algorithm, struct bytes *ret_oid, struct bytes *ret_parameters)
{
	struct der d = der_of(algorithm), content, oid;
	struct error ignored;
	*ret_oid = *ret_parameters = (struct bytes){NULL, 0};
	if (der_get(&d, DER_SEQUENCE, "algorithm", &content, &ignored) < 0 || der_get(&content, DER_OID, "algorithm", &oid, &ignored) < 0)
		return;
	*ret_oid = der_bytes(&oid);
	*ret_parameters = der_bytes(&content);
}

static void
attribute(struct buf *b, struct bytes oid, struct bytes *values, size_t n)
{
	size_t sequence = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, oid.data, oid.len);
	der_put_set(b, values, n);
	der_close(b, sequence);
}

/* Curves as values of id-ecPublicKey, sizes as values of rsaEncryption (RFC 7030 4.5.2), anything else as its OID alone. */
static void
put_keys(struct buf *b, const struct profile *p)
{
	struct bytes curves[VALUES_MAX], sizes[VALUES_MAX], oid, parameters;
	uint8_t octets[VALUES_MAX][4];
	size_t n_curves = 0, n_sizes = 0;
	const struct keytype *t;
	for (size_t i = 0; (t = keytype_at(i)) != NULL; i++) {
		if (!takes(p, t))
			continue;
		split(t->algorithm, &oid, &parameters);
		if (t->family == KEY_EC && n_curves < VALUES_MAX) {
			curves[n_curves++] = parameters;
		} else if (t->family == KEY_RSA && n_sizes < VALUES_MAX) {
			memcpy(octets[n_sizes], (const uint8_t[]){DER_INTEGER, 2, (uint8_t)(t->bits >> 8), (uint8_t)t->bits}, 4);
			sizes[n_sizes] = (struct bytes){octets[n_sizes], 4}; /* at most 32767: positive */
			n_sizes++;
		} else if (t->family != KEY_EC && t->family != KEY_RSA && (t->family != KEY_RSA_PSS || t->bits == 3072)) {
			der_put(b, DER_OID, oid.data, oid.len);
		}
	}
	if (n_curves)
		attribute(b, OID_EC_PUBLIC_KEY, curves, n_curves);
	if (n_sizes)
		attribute(b, OID_RSA_ENCRYPTION, sizes, n_sizes);
}

/* An extension whose value follows from the profile; an ExtensionTemplate with a value is the same (RFC 9908 3.4). */
static void
put_extension(struct buf *b, const struct ext *x, const struct ext_input *in)
{
	if (!x->present(in))
		return;
	size_t sequence = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_OID, x->oid.data, x->oid.len);
	if (x->critical(in))
		der_put_bool(b, true);
	size_t value = der_begin(b, DER_OCTET_STRING);
	x->build(in, b);
	der_close(b, value);
	der_close(b, sequence);
}

/* keyUsage and extKeyUsage; in a template also a subjectAltName that the client fills in. */
static void
put_extensions(struct buf *b, const struct profile *p, bool template)
{
	const struct ext_input in = {.profile = p, .key = keytype_made(p->keys[0])};
	bool names = p->names_required || p->from_common_name;
	size_t list = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < NAME_KIND_COUNT; i++)
		names = names || p->name_required[i];
	put_extension(b, &ext_key_usage, &in);
	put_extension(b, &ext_eku, &in);
	if (template && names) {
		size_t sequence = der_begin(b, DER_SEQUENCE);
		der_put(b, DER_OID, ext_san.oid.data, ext_san.oid.len);
		der_close(b, sequence);
	}
	der_close(b, list);
}

/* Values that the profile gives; types alone of those that the client has to give. */
static void
put_subject(struct buf *b, const struct profile *p)
{
	size_t name = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < p->n_fixed; i++) {
		struct buf one BUF_CLEANUP = BUF_INIT(4096);
		struct der d, rdns;
		struct error ignored;
		dn_put(&one, &p->fixed[i], 1);
		d = der_of((struct bytes){one.data, one.len});
		if (der_get(&d, DER_SEQUENCE, "name", &rdns, &ignored) == 0)
			der_put_raw(b, der_bytes(&rdns));
	}
	for (size_t i = 0; i < p->n_required; i++) {
		bool fixed = false;
		for (size_t k = 0; k < p->n_fixed; k++)
			fixed = fixed || p->fixed[k].type == p->required[i];
		if (fixed)
			continue;
		size_t set = der_begin(b, DER_SET), sequence = der_begin(b, DER_SEQUENCE);
		der_put(b, DER_OID, p->required[i]->oid.data, p->required[i]->oid.len);
		der_close(b, sequence);
		der_close(b, set);
	}
	der_close(b, name);
}

/* The one type of key that the profile takes; NULL when the client has a choice. */
static const struct keytype *
only_key(const struct profile *p)
{
	const struct keytype *only = NULL, *t;
	for (size_t i = 0; (t = keytype_at(i)) != NULL; i++)
		if (takes(p, t)) {
			if (only)
				return NULL;
			only = t;
		}
	return only;
}

/* A SubjectPublicKeyInfoTemplate; the size of an RSA key is that of a placeholder (RFC 9908 3.4). */
static void
put_key(struct buf *b, const struct keytype *t)
{
	struct der d = der_of(t->algorithm);
	size_t key = der_begin(b, DER_CONTEXT_CONSTRUCTED(0));
	der_put_raw(b, der_bytes(&d));
	if (t->family == KEY_RSA) {
		uint8_t modulus[LIMIT_RSA_MAX_BITS / 8];
		struct buf placeholder BUF_CLEANUP = BUF_INIT(LIMIT_RSA_MAX_BITS / 8 + 64);
		memset(modulus, 0xff, sizeof(modulus));
		size_t sequence = der_begin(&placeholder, DER_SEQUENCE);
		der_put_unsigned(&placeholder, modulus, (size_t)t->bits / 8);
		der_put_small(&placeholder, 65537);
		der_close(&placeholder, sequence);
		der_put_bits(b, placeholder.data, placeholder.len);
	}
	der_close(b, key);
}

static void
put_template(struct buf *b, const struct profile *p)
{
	const struct keytype *only = only_key(p);
	struct buf extensions BUF_CLEANUP = BUF_INIT(8192), template BUF_CLEANUP = BUF_INIT(16384);
	size_t sequence = der_begin(&template, DER_SEQUENCE);
	der_put_small(&template, 0);
	if (p->n_fixed || p->n_required)
		put_subject(&template, p);
	if (only)
		put_key(&template, only);
	put_extensions(&extensions, p, true);
	size_t attributes = der_begin(&template, DER_CONTEXT_CONSTRUCTED(1));
	attribute(&template, OID_EXTENSION_TEMPLATE, &(struct bytes){extensions.data, extensions.len}, 1);
	der_close(&template, attributes);
	der_close(&template, sequence);
	attribute(b, OID_REQUEST_TEMPLATE, &(struct bytes){template.data, template.len}, 1);
}

int
csr_attributes_put(struct buf *b, const struct profile *p, struct error *e)
{
	struct buf extensions BUF_CLEANUP = BUF_INIT(8192);
	size_t list = der_begin(b, DER_SEQUENCE);
	put_keys(b, p);
	put_extensions(&extensions, p, false);
	attribute(b, OID_EXTENSION_REQUEST, &(struct bytes){extensions.data, extensions.len}, 1);
	put_template(b, p);
	der_close(b, list);
	return buf_check(b, e);
}
