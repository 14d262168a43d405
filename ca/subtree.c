#include "ca/subtree.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "10.0.0.0/8": no bit of the address lies outside the mask. */
static int
make_network(struct arena *a, const char *text, struct subtree *t, struct error *e)
{
	const char *slash = strchr(text, '/');
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
	if (!slash || slash - text >= INET6_ADDRSTRLEN || digits == 0 || digits > 3 || slash[1 + digits])
		return fail(e, E_BAD_VALUE, "network: an address and the length of its prefix are wanted: \"10.0.0.0/8\"");
	const char *address = arena_strndup(a, text, (size_t)(slash - text));
	t->n_octets = inet_pton(AF_INET, address, t->address) == 1 ? 4 : inet_pton(AF_INET6, address, t->address) == 1 ? 16 : 0;
	unsigned bits = (unsigned)strtoul(slash + 1, NULL, 10);
	if (t->n_octets == 0 || bits > 8 * t->n_octets)
		return fail(e, E_BAD_VALUE, "network: an address and the length of its prefix are wanted: \"10.0.0.0/8\"");
	for (unsigned i = 0; i < bits; i++)
		t->mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (size_t i = 0; i < t->n_octets; i++)
		if (t->address[i] & ~t->mask[i])
			return fail(e, E_BAD_VALUE, "network: the address has bits behind its prefix");
	return 0;
}

static int
make_oid(struct arena *a, const char *text, struct error *e)
{
	struct name n;
	return name_make(a, NAME_RID, text, strlen(text), false, &n, e);
}

int
subtree_make(struct arena *a, enum name_kind kind, const char *text, struct subtree *ret, struct error *e)
{
	struct subtree t = {.kind = kind};
	char *s = arena_strdup(a, text);
	const char *host = s;
	t.text = s;
	if (strlen(s) > LIMIT_SAN_BYTES)
		return fail(e, E_BAD_VALUE, "subtree: over %d octets", LIMIT_SAN_BYTES);
	if (kind == NAME_IP) {
		if (make_network(a, text, &t, e) < 0)
			return -1;
		*ret = t;
		return 0;
	}
	if (kind == NAME_RID || kind == NAME_HARDWARE || kind == NAME_PERMANENT_IDENTIFIER) {
		if (make_oid(a, text, e) < 0)
			return -1;
		*ret = t;
		return 0;
	}
	for (char *p = strchr(s, '@') ? strchr(s, '@') : s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (kind == NAME_EMAIL && strchr(s, '@')) {
		struct name n;
		if (name_make(a, NAME_EMAIL, s, strlen(s), false, &n, e) < 0)
			return -1;
	} else {
		if ((kind == NAME_EMAIL || kind == NAME_URI) && *host == '.')
			host++;
		if ((*s || kind == NAME_UPN) && !name_is_dns(a, host))
			return fail(e, E_BAD_VALUE, "subtree: a domain is wanted");
	}
	*ret = t;
	return 0;
}

/* name is the domain, or ends in a dot and the domain. */
static bool
below(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);
	return d == 0 || (n == d && strcasecmp(name, domain) == 0) || (n > d && name[n - d - 1] == '.' && strcasecmp(name + n - d, domain) == 0);
}

/* RFC 5280 4.2.1.10 for mail and URIs: a host is that host alone, with a dot in front all below it, empty everything. */
static bool
host_matches(const char *host, const char *constraint)
{
	size_t n = strlen(host), c = strlen(constraint);
	if (*constraint == '.')
		return n > c && strcasecmp(host + n - c, constraint) == 0;
	return c == 0 || strcasecmp(host, constraint) == 0;
}

/* RFC 3986 3.2: the host of the authority, in ret (256 octets); false when there is none that is a name, or one that could be written in
 * another way (an escape, a dot at its end) and so be taken for another. */
static bool
uri_host(const char *uri, char ret[256])
{
	const char *authority = strstr(uri, "://");
	if (!authority || authority != strchr(uri, ':'))
		return false;
	authority += 3;
	size_t len = strcspn(authority, "/?#");
	const char *at = memchr(authority, '@', len);
	const char *host = at ? at + 1 : authority;
	size_t n = strcspn(host, ":/?#");
	if (n == 0 || n > 255 || *host == '[')
		return false;
	memcpy(ret, host, n);
	ret[n] = '\0';
	if (strspn(ret, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != n || ret[n - 1] == '.')
		return false;
	return ret[strspn(ret, "0123456789.")] != '\0';
}

bool
subtree_uri_has_host(const char *uri)
{
	char host[256];
	return uri_host(uri, host);
}

static bool
in_network(const struct subtree *t, const struct name *n)
{
	if (n->octets.len != t->n_octets)
		return false;
	for (size_t i = 0; i < t->n_octets; i++)
		if ((n->octets.data[i] & t->mask[i]) != t->address[i])
			return false;
	return true;
}

/* The identifier up to a colon or the end is text, or below it. */
static bool
oid_in(const char *name, const char *text)
{
	size_t n = strlen(text);
	return strncmp(name, text, n) == 0 && (name[n] == '\0' || name[n] == '.' || name[n] == ':');
}

bool
subtree_contains(const struct subtree *t, const struct name *n)
{
	char host[256];
	if (t->kind != n->kind)
		return false;
	switch (t->kind) {
	case NAME_DNS:
		return below(n->text, t->text);
	case NAME_IP:
		return in_network(t, n);
	case NAME_EMAIL: {
		const char *at = strrchr(n->text, '@'), *want = strrchr(t->text, '@');
		if (want) /* one mailbox: its local part in letters of that case (RFC 5280 4.2.1.10) */
			return at - n->text == want - t->text && strncmp(n->text, t->text, (size_t)(want - t->text)) == 0 &&
			    strcasecmp(at, want) == 0;
		return host_matches(at + 1, t->text);
	}
	case NAME_URI:
		return uri_host(n->text, host) && host_matches(host, t->text);
	case NAME_UPN:
		return below(strrchr(n->text, '@') + 1, t->text);
	case NAME_HARDWARE:
	case NAME_RID:
		return oid_in(n->text, t->text);
	case NAME_PERMANENT_IDENTIFIER: /* by who assigned it */
		return strchr(n->text, '/') && oid_in(strchr(n->text, '/') + 1, t->text);
	case NAME_KIND_COUNT:
		break;
	}
	return false;
}

bool
subtree_touches(const struct subtree *t, const struct name *n)
{
	if (subtree_contains(t, n))
		return true;
	return t->kind == NAME_DNS && n->kind == NAME_DNS && n->text[0] == '*' && below(t->text, n->text + 2);
}

static const struct {
	enum name_kind kind;
	int tag;
} tags[] = {{NAME_EMAIL, DER_CONTEXT(1)}, {NAME_DNS, DER_CONTEXT(2)}, {NAME_URI, DER_CONTEXT(6)}, {NAME_IP, DER_CONTEXT(7)}};

void
subtree_put(struct buf *b, const struct subtree *t)
{
	size_t tree = der_begin(b, DER_SEQUENCE);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (tags[i].kind != t->kind)
			continue;
		if (t->kind != NAME_IP) {
			der_put_str(b, tags[i].tag, t->text);
			continue;
		}
		size_t network = der_begin(b, tags[i].tag);
		buf_add(b, t->address, t->n_octets);
		buf_add(b, t->mask, t->n_octets);
		der_close(b, network);
	}
	der_close(b, tree);
}

int
subtree_parse(struct arena *a, int tag, struct bytes base, struct subtree *ret, struct error *e)
{
	struct subtree t = {.kind = NAME_KIND_COUNT};
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (tags[i].tag == tag)
			t.kind = tags[i].kind;
	if (t.kind == NAME_KIND_COUNT)
		return fail(e, E_MALFORMED, "name constraints: a kind of name that can't be held here");
	if (t.kind != NAME_IP) {
		if (base.len && memchr(base.data, 0, base.len))
			return fail(e, E_MALFORMED, "name constraints: a NUL in a name");
		return subtree_make(a, t.kind, arena_strndup(a, (const char *)base.data, base.len), ret, e);
	}
	if (base.len != 8 && base.len != 32)
		return fail(e, E_MALFORMED, "name constraints: a network has 8 or 32 octets");
	t.n_octets = base.len / 2;
	memcpy(t.address, base.data, t.n_octets);
	memcpy(t.mask, base.data + t.n_octets, t.n_octets);
	t.text = "";
	*ret = t;
	return 0;
}
