#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include "lib/arena.h"
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/keytype.h"
#include "lib/x509/oid.h"
#include "va/signer_key.h"
#include "va/signer_set.h"

static const EVP_MD *
hash_md(int h)
{
	switch (h) {
	case OCSP_HASH_SHA1:
		return EVP_sha1();
	case OCSP_HASH_SHA256:
		return EVP_sha256();
	case OCSP_HASH_SHA384:
		return EVP_sha384();
	default:
		return EVP_sha512();
	}
}

static int
hash_issuer(struct signer *s, const struct cert *ca, struct error *e)
{
	for (int h = 0; h < OCSP_HASH_COUNT; h++) {
		if (!EVP_Digest(ca->subject.data, ca->subject.len, s->name_hash[h], NULL, hash_md(h), NULL) ||
		    !EVP_Digest(ca->spki_key.data, ca->spki_key.len, s->key_hash[h], NULL, hash_md(h), NULL))
			return fail(e, E_INTERNAL, "hash of an issuer failed");
	}
	return 0;
}

/* ResponderID (RFC 6960 4.2.1): byName [1], or byKey [2], the SHA-1 of the public key's bits. */
static int
responder_id_make(const struct cert *c, enum responder_id by, struct buf *b, struct error *e)
{
	uint8_t hash[20];
	size_t mark;

	if (by == RESPONDER_BY_NAME) {
		der_put(b, DER_CONTEXT_CONSTRUCTED(1), c->subject.data, c->subject.len);
		return buf_check(b, e);
	}
	if (!EVP_Digest(c->spki_key.data, c->spki_key.len, hash, NULL, EVP_sha1(), NULL))
		return fail(e, E_INTERNAL, "hash of a signer's key failed");
	mark = der_begin(b, DER_CONTEXT_CONSTRUCTED(2));
	der_put(b, DER_OCTET_STRING, hash, sizeof(hash));
	der_close(b, mark);
	return buf_check(b, e);
}

/* How the key of that SubjectPublicKeyInfo signs. */
static int
signature_of(struct bytes spki, EVP_PKEY *key, const struct sigalg **ret, EVP_MD **ret_digest, struct error *e)
{
	struct der d = der_of(spki), content;
	struct bytes algorithm;
	const struct keytype *type;
	const struct sigalg *s;

	if (der_get(&d, DER_SEQUENCE, "public key", &content, e) < 0 || der_get_any(&content, "public key", NULL, &algorithm, NULL, e) < 0)
		return -1;
	type = keytype_by_algorithm(algorithm, EVP_PKEY_get_bits(key));
	s = type ? type->signature : NULL;
	if (!s)
		return fail(e, E_KEY_STORE, "OCSP signer's key is of a type that doesn't sign here");
	*ret_digest = s->digest ? EVP_MD_fetch(NULL, s->digest, NULL) : NULL;
	if (s->digest && !*ret_digest)
		return fail(e, E_UNSUPPORTED, "the cryptographic library here has no %s", s->digest);
	*ret = s;
	return 0;
}

/* A signer that clients wouldn't accept must not sign (RFC 6960 4.2.2.2): it is issued by the CA itself, for OCSP, and has that
 * key. The CA's signature on it is verified as well, so that a row that somebody put into the store gains nothing. */
static int
signer_check(const struct cert *ca, const struct cert *c, EVP_PKEY *key, struct error *e)
{
	const unsigned char *p = c->whole.data, *q = ca->whole.data;
	X509 *x = d2i_X509(NULL, &p, (long)c->whole.len), *issuer = d2i_X509(NULL, &q, (long)ca->whole.len);
	int r = 0;

	if (!x || !issuer)
		r = fail(e, E_KEY_STORE, "certificate of an OCSP signer or its CA can't be read");
	else if (!bytes_equal(c->issuer, ca->subject))
		r = fail(e, E_KEY_STORE, "OCSP signer isn't issued by its CA (RFC 6960 4.2.2.2)");
	else if (!cert_has_eku(c, OID_EKU_OCSP_SIGNING, false))
		r = fail(e, E_KEY_STORE, "OCSP signer's certificate lacks id-kp-OCSPSigning (RFC 6960 4.2.2.2)");
	else if (X509_check_private_key(x, key) != 1)
		r = fail(e, E_KEY_STORE, "OCSP signer's key doesn't belong to its certificate");
	else if (X509_verify(x, X509_get0_pubkey(issuer)) != 1)
		r = fail(e, E_KEY_STORE, "OCSP signer isn't signed by its CA (RFC 6960 4.2.2.2)");
	X509_free(x);
	X509_free(issuer);
	return r;
}

static int
signer_fill(struct signer *s, const struct cert *ca, const struct signer_row *row, const struct cert *c,
            const struct secret *wrap_key, enum responder_id by, struct error *e)
{
	BUF_CLEANUP struct buf id = BUF_INIT(LIMIT_CERT_BYTES + 16), certs = BUF_INIT(LIMIT_CERT_BYTES + 16);
	CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
	const struct sigalg *signature;
	EVP_MD *digest;
	size_t outer, inner;

	if (signer_key_unwrap(row->wrapped_key, row->serial, wrap_key, &key, e) < 0 || signer_check(ca, c, key, e) < 0 ||
	    responder_id_make(c, by, &id, e) < 0)
		return -1;
	outer = der_begin(&certs, DER_CONTEXT_CONSTRUCTED(0));
	inner = der_begin(&certs, DER_SEQUENCE);
	der_put_raw(&certs, c->whole);
	der_close(&certs, inner);
	der_close(&certs, outer);
	if (buf_check(&certs, e) < 0 || signature_of(c->spki, key, &signature, &digest, e) < 0)
		return -1;
	s->key = TAKE(key);
	s->not_before = c->not_before > ca->not_before ? c->not_before : ca->not_before;
	s->not_after = c->not_after < ca->not_after ? c->not_after : ca->not_after;
	s->signature = signature;
	s->digest = digest;
	s->responder_id = id;
	s->certs = certs;
	id = certs = BUF_INIT(0);
	return 0;
}

static void
signer_clear(struct signer *s)
{
	EVP_PKEY_free(s->key);
	EVP_MD_free(s->digest);
	buf_free(&s->responder_id);
	buf_free(&s->certs);
	s->key = NULL;
	s->digest = NULL;
}

/* Takes the signer of this CA that lives longest. A row that can't be used is reported, not fatal: another may serve. */
static void
signer_choose(struct signer *s, const struct cert *ca, const struct signer_row *const *rows, int n_rows, const struct secret *wrap_key,
              enum responder_id by, int64_t now, void (*report)(const struct error *e))
{
	struct error e;
	struct cert c;

	for (int i = 0; i < n_rows; i++) {
		struct signer candidate = {.ca_id = s->ca_id};

		if (cert_parse(rows[i]->certificate, &c, &e) < 0) {
			if (report)
				report(&e);
			continue;
		}
		if (c.not_before > now || c.not_after <= now || (s->key && c.not_after <= s->not_after))
			continue;
		if (signer_fill(&candidate, ca, rows[i], &c, wrap_key, by, &e) < 0) {
			if (report)
				report(&e);
			continue;
		}
		memcpy(candidate.name_hash, s->name_hash, sizeof(s->name_hash));
		memcpy(candidate.key_hash, s->key_hash, sizeof(s->key_hash));
		memcpy(candidate.made_of, s->made_of, sizeof(s->made_of));
		signer_clear(s);
		*s = candidate;
	}
}

static int
digest_rows(const struct ca_row *ca, const struct signer_row *const *rows, int n, uint8_t ret[32], struct error *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, ca->certificate.data, ca->certificate.len);

	for (int i = 0; ok && i < n; i++) {
		const struct bytes fields[] = {rows[i]->serial, rows[i]->certificate, rows[i]->wrapped_key};

		for (size_t k = 0; ok && k < ARRAY_LEN(fields); k++)
			ok = EVP_DigestUpdate(ctx, &fields[k].len, sizeof(fields[k].len)) && EVP_DigestUpdate(ctx, fields[k].data, fields[k].len);
	}
	ok = ok && EVP_DigestFinal_ex(ctx, ret, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : fail(e, E_INTERNAL, "hash of a signer's rows failed");
}

/* What a former set made of the same rows, as long as it lives. */
static bool
signer_take_over(struct signer *s, const struct signer_set *before, int64_t now)
{
	int low = 0, high = before ? before->n : 0;

	while (low < high) {
		int middle = (low + high) / 2;
		if (before->signers[middle].ca_id < s->ca_id)
			low = middle + 1;
		else
			high = middle;
	}
	const struct signer *old = before && low < before->n ? &before->signers[low] : NULL;
	if (!old || old->ca_id != s->ca_id || !old->key || memcmp(old->made_of, s->made_of, sizeof(s->made_of)) != 0 || old->not_after <= now)
		return false;
	*s = *old;
	EVP_PKEY_up_ref(s->key);
	if (s->digest)
		EVP_MD_up_ref(s->digest);
	s->responder_id = s->certs = BUF_INIT(LIMIT_CERT_BYTES + 16);
	buf_add(&s->responder_id, old->responder_id.data, old->responder_id.len);
	buf_add(&s->certs, old->certs.data, old->certs.len);
	return true;
}

static size_t
key_place(const uint8_t *hash)
{
	size_t h;

	memcpy(&h, hash, sizeof(h)); /* it is a hash already */
	return h;
}

static void
index_make(struct signer_set *set)
{
	size_t size = 16;

	while (size < 2 * (size_t)set->n)
		size *= 2;
	set->mask = size - 1;
	for (int h = 0; h < OCSP_HASH_COUNT; h++) {
		set->by_key[h] = xcalloc(size, sizeof(uint32_t));
		for (int i = 0; i < set->n; i++) {
			size_t at = key_place(set->signers[i].key_hash[h]);
			while (set->by_key[h][at & set->mask])
				at++;
			set->by_key[h][at & set->mask] = (uint32_t)i + 1;
		}
	}
}

static int
by_ca(const void *a, const void *b)
{
	const struct signer_row *x = *(const struct signer_row *const *)a, *y = *(const struct signer_row *const *)b;

	return x->ca_id != y->ca_id ? (x->ca_id < y->ca_id ? -1 : 1) : (x > y) - (x < y);
}

static int
ca_by_id(const void *a, const void *b)
{
	const struct ca_row *x = *(const struct ca_row *const *)a, *y = *(const struct ca_row *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

struct making {
	struct signer_set *set;
	const struct secret *wrap_key;
	enum responder_id by;
	int64_t now;
	const struct signer_set *before;
	void (*report)(const struct error *e);
};

/* One CA with its n rows. */
static int
signer_add(const struct making *m, const struct ca_row *row, const struct signer_row *const *rows, int n, struct error *e)
{
	struct signer *s = &m->set->signers[m->set->n];
	struct cert ca;
	struct error problem;

	s->ca_id = row->id;
	if (digest_rows(row, rows, n, s->made_of, e) < 0)
		return -1;
	if (!signer_take_over(s, m->before, m->now)) {
		if (cert_parse(row->certificate, &ca, &problem) < 0) {
			if (m->report)
				m->report(&problem);
			return 0;
		}
		if (hash_issuer(s, &ca, e) < 0)
			return -1;
		signer_choose(s, &ca, rows, n, m->wrap_key, m->by, m->now, m->report);
	}
	m->set->n++;
	return 0;
}

static int
set_fill(const struct making *m, const struct ca_row **cas, int n_cas, const struct signer_row **rows, int n_rows, struct error *e)
{
	int at = 0;

	qsort(cas, (size_t)n_cas, sizeof(*cas), ca_by_id);
	qsort(rows, (size_t)n_rows, sizeof(*rows), by_ca);
	for (int i = 0; i < n_cas; i++) {
		int end;
		while (at < n_rows && rows[at]->ca_id < cas[i]->id)
			at++;
		for (end = at; end < n_rows && rows[end]->ca_id == cas[i]->id; end++)
			;
		if (signer_add(m, cas[i], rows + at, end - at, e) < 0)
			return -1;
	}
	return 0;
}

int
signer_set_new(const struct ca_row *cas, int n_cas, const struct signer_row *rows, int n_rows, const struct secret *wrap_key,
               enum responder_id by, int64_t now, const struct signer_set *before, void (*report)(const struct error *e),
               struct signer_set **ret, struct error *e)
{
	CLEANUP(signer_set_drop) struct signer_set *set = xcalloc(1, sizeof(*set));
	const struct ca_row **sorted_cas = xcalloc((size_t)n_cas + 1, sizeof(struct ca_row *));
	const struct signer_row **sorted_rows = xcalloc((size_t)n_rows + 1, sizeof(struct signer_row *));
	struct making m = {set, wrap_key, by, now, before, report};

	set->references = 1;
	set->signers = xcalloc((size_t)n_cas + 1, sizeof(*set->signers));
	for (int i = 0; i < n_cas; i++)
		sorted_cas[i] = &cas[i];
	for (int i = 0; i < n_rows; i++)
		sorted_rows[i] = &rows[i];
	int result = set_fill(&m, sorted_cas, n_cas, sorted_rows, n_rows, e);
	free(sorted_cas);
	free(sorted_rows);
	if (result < 0)
		return -1;
	index_make(set);
	*ret = TAKE(set);
	return 0;
}

struct signer_set *
signer_set_ref(struct signer_set *s)
{
	__atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED);
	return s;
}

void
signer_set_drop(struct signer_set *s)
{
	if (!s || __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (int i = 0; i < s->n; i++)
		signer_clear(&s->signers[i]);
	for (int h = 0; h < OCSP_HASH_COUNT; h++)
		free(s->by_key[h]);
	free(s->signers);
	free(s);
}

int
signer_set_find(const struct signer_set *s, const struct ocsp_certid *id)
{
	size_t len = ocsp_hash_bytes(id->hash);

	if (len == 0 || id->name_hash.len != len || id->key_hash.len != len)
		return -1;
	const uint32_t *table = s->by_key[id->hash];
	for (size_t at = key_place(id->key_hash.data); table[at & s->mask]; at++) {
		int i = (int)table[at & s->mask] - 1;
		if (memcmp(s->signers[i].key_hash[id->hash], id->key_hash.data, len) == 0 &&
		    memcmp(s->signers[i].name_hash[id->hash], id->name_hash.data, len) == 0)
			return i;
	}
	return -1;
}

bool
signer_set_complete(const struct signer_set *s, int64_t now)
{
	for (int i = 0; i < s->n; i++) {
		if (!s->signers[i].key || s->signers[i].not_before > now || s->signers[i].not_after <= now)
			return false;
	}
	return s->n > 0;
}
