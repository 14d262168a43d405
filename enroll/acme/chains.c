#include "enroll/acme/chains.h"

#include <stdlib.h>
#include <string.h>

#include "lib/x509/cert.h"
#include "lib/x509/oid.h"

#define POOL_MAX 64

struct search {
	struct cert *pool;
	size_t n_pool;
	const struct cert *path[ACME_CHAIN_MAX];
	struct acme_chain *found;
	size_t n_found;
};

/* keyIdentifier of the authority key identifier (RFC 5280 4.2.1.1); empty: it says none. */
static struct bytes
issuer_key_id(const struct cert *c)
{
	const struct cert_extension *x = cert_extension_find(c, OID_AKI);
	struct error ignored;
	struct der seq, id;
	if (!x)
		return (struct bytes){0};
	struct der d = der_of(x->value);
	if (der_get(&d, DER_SEQUENCE, "authorityKeyIdentifier", &seq, &ignored) < 0 || der_peek(&seq) != DER_CONTEXT(0) ||
	    der_get(&seq, DER_CONTEXT(0), "keyIdentifier", &id, &ignored) < 0)
		return (struct bytes){0};
	return der_bytes(&id);
}

/* Link certificates of a roll-over have one name as subject and issuer too, but another key (RFC 4210 4.4). */
static bool
is_root(const struct cert *c)
{
	struct bytes id = issuer_key_id(c);
	return bytes_equal(c->issuer, c->subject) && (id.len == 0 || cert_has_key_id(c, id));
}

static bool
can_be_issuer(const struct cert *over, const struct cert *c)
{
	struct bytes id = issuer_key_id(c);
	return cert_is_ca(over) && bytes_equal(over->subject, c->issuer) && (id.len == 0 || cert_has_key_id(over, id));
}

static bool
has_key(const struct search *s, size_t depth, const struct cert *c)
{
	for (size_t i = 0; i < depth; i++)
		if (bytes_equal(s->path[i]->spki, c->spki))
			return true;
	return false;
}

static bool
is_same(const struct acme_chain *one, const struct acme_chain *other)
{
	bool same = one->n == other->n;
	for (size_t i = 0; same && i < one->n; i++)
		same = bytes_equal(one->certs[i], other->certs[i]);
	return same;
}

static void
keep(struct search *s, size_t depth)
{
	struct acme_chain *c = &s->found[s->n_found];
	c->n = depth;
	for (size_t i = 0; i < depth; i++)
		c->certs[i] = s->path[i]->whole;
	for (size_t i = 0; i < s->n_found; i++)
		if (is_same(&s->found[i], c))
			return;
	s->n_found++;
}

static void
walk(struct search *s, const struct cert *top, size_t depth)
{
	bool goes_on = false;
	for (size_t i = 0; i < s->n_pool && s->n_found < ACME_CHAINS_MAX; i++) {
		const struct cert *over = &s->pool[i];
		if (!can_be_issuer(over, top) || has_key(s, depth, over) || bytes_equal(over->spki, top->spki))
			continue;
		if (is_root(over)) {
			keep(s, depth);
		} else if (depth < ACME_CHAIN_MAX) {
			s->path[depth] = over;
			walk(s, over, depth + 1);
		} else {
			continue;
		}
		goes_on = true;
	}
	if (!goes_on && s->n_found < ACME_CHAINS_MAX)
		keep(s, depth);
}

size_t
acme_chains_find(struct bytes leaf, const struct bytes *pool, size_t n_pool, struct acme_chain ret[ACME_CHAINS_MAX])
{
	struct search s = {.found = ret};
	struct error ignored;
	struct cert c;
	if (cert_parse(leaf, &c, &ignored) < 0)
		return 0;
	s.pool = xcalloc(POOL_MAX, sizeof(*s.pool));
	for (size_t i = 0; i < n_pool && s.n_pool < POOL_MAX; i++)
		if (cert_parse(pool[i], &s.pool[s.n_pool], &ignored) == 0)
			s.n_pool++;
	walk(&s, &c, 0);
	free(s.pool);
	return s.n_found;
}
