#include "ca/constraints.h"

#include <string.h>
#include <strings.h>

#include "lib/x509/oid.h"

/* The issuer's own name as subject: a CA that certifies its next key doesn't lengthen the path (RFC 5280 6.1.4 (l)), and isn't held to
 * its own name constraints (6.1.3 (b)). */
static bool
is_self_issued(const struct cert *issuer, const struct tbs_input *in)
{
	struct buf subject BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	if (!in->ext.profile->ca)
		return false;
	dn_put(&subject, in->subject, in->n_subject);
	return bytes_equal((struct bytes){subject.data, subject.len}, issuer->subject);
}

/* keyCertSign is the sixth bit (RFC 5280 4.2.1.3). */
static bool
may_sign(struct bytes key_usage)
{
	struct der d = der_of(key_usage), bits;
	struct error e;
	return der_get(&d, DER_BIT_STRING, "key usage", &bits, &e) == 0 && der_bytes(&bits).len >= 2 && bits.p[1] & 0x80 >> USAGE_KEY_CERT_SIGN;
}

/* RFC 5280 6.1.4 (k) to (n). */
static int
check_ca(const struct cert *issuer, int between, const struct tbs_input *in, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(issuer, OID_BASIC_CONSTRAINTS);
	struct der d, list;
	bool ca = false;
	long path = -1;
	if (!x)
		return fail_at(e, E_POLICY, "ca", "ca: its certificate has no basic constraints: it isn't a CA");
	d = der_of(x->value);
	if (der_get(&d, DER_SEQUENCE, "basic constraints", &list, e) < 0 || der_get_bool(&list, "basic constraints", &ca, e) < 0)
		return -1;
	if (!der_at_end(&list) && der_get_small(&list, "path length", INT32_MAX, &path, e) < 0)
		return -1;
	if (!ca)
		return fail_at(e, E_POLICY, "ca", "ca: its certificate isn't that of a CA");
	const struct cert_extension *usage = cert_extension_find(issuer, OID_KEY_USAGE);
	if (usage && !may_sign(usage->value))
		return fail_at(e, E_POLICY, "ca", "ca: the key usage of its certificate isn't that of a CA (RFC 5280 4.2.1.3)");
	if (in->ext.profile->ca && path >= 0 && path <= between && !is_self_issued(issuer, in))
		return fail_at(e, E_POLICY, "ca", "ca: its path length of %ld leaves no room for another CA (RFC 5280 4.2.1.9)", path);
	return 0;
}

/* It speaks for its CA alone, and is told apart by being its issuer's (RFC 6960 4.2.2.2): nobody asks for its policies. */
static bool
is_ocsp_signer(const struct profile *p)
{
	for (size_t i = 0; i < p->n_purposes; i++)
		if (bytes_equal(p->purposes[i], OID_EKU_OCSP_SIGNING))
			return true;
	return false;
}

/* The purposes of a CA's certificate are those of all below it, to nearly all that verify; OCSP signers alone are let through. */
static int
check_purposes(const struct cert *issuer, const struct tbs_input *in, struct error *e)
{
	const struct profile *p = in->ext.profile;
	if (!cert_extension_find(issuer, OID_EKU) || cert_has_eku(issuer, OID_EKU_ANY, false) || p->ca || is_ocsp_signer(p))
		return 0;
	for (size_t i = 0; i < p->n_purposes; i++)
		if (!cert_has_eku(issuer, p->purposes[i], false))
			return fail_at(e, E_POLICY, "ca", "ca: its certificate doesn't have a purpose that the profile \"%s\" gives", p->name);
	if (p->n_purposes == 0)
		return fail_at(e, E_POLICY, "ca", "ca: its certificate is for some purposes alone, the profile \"%s\" names none", p->name);
	return 0;
}

static bool
has_policy(struct bytes policies, struct bytes oid)
{
	struct der d = der_of(policies), list, policy;
	struct bytes have;
	struct error e;
	if (der_get(&d, DER_SEQUENCE, "", &list, &e) < 0)
		return false;
	while (!der_at_end(&list))
		if (der_get(&list, DER_SEQUENCE, "", &policy, &e) < 0 || der_get_oid(&policy, "", &have, &e) < 0)
			return false;
		else if (bytes_equal(have, oid))
			return true;
	return false;
}

/* RFC 5280 6.1.3 (d): a policy that the issuer doesn't have isn't valid below it. */
static int
check_policies(const struct cert *issuer, const struct tbs_input *in, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(issuer, OID_CERTIFICATE_POLICIES);
	const struct policies *own = ext_policies_of(in->ext.profile);
	for (size_t i = 0; x && i < own->n; i++)
		if (!has_policy(x->value, own->items[i].oid) && !has_policy(x->value, OID_ANY_POLICY))
			return fail_at(e, E_POLICY, "ca",
				       "ca: its certificate doesn't have a certificate policy of the profile \"%s\" (RFC 5280 6.1.3)",
				       in->ext.profile->name);
	return 0;
}

/* requireExplicitPolicy (RFC 5280 4.2.1.11): after so many certificates a path is valid with a policy alone. */
static int
check_explicit_policy(const struct cert *issuer, int between, const struct tbs_input *in, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(issuer, OID_POLICY_CONSTRAINTS);
	struct der d, list, content;
	if (!x || in->ext.profile->ca || ext_policies_of(in->ext.profile)->n || is_ocsp_signer(in->ext.profile))
		return 0;
	d = der_of(x->value);
	if (der_get(&d, DER_SEQUENCE, "policy constraints", &list, e) < 0)
		return -1;
	if (der_peek(&list) != DER_CONTEXT(0))
		return 0;
	if (der_get(&list, DER_CONTEXT(0), "policy constraints", &content, e) < 0)
		return -1;
	/* 6.1.4 (h), 6.1.5 (a): counted down by each certificate that follows */
	if (der_bytes(&content).len == 1 && *content.p > between + 1)
		return 0;
	return fail_at(e, E_POLICY, "ca", "ca: it wants a certificate policy, and the profile \"%s\" has none (RFC 5280 4.2.1.11)",
		       in->ext.profile->name);
}

/* One side of the name constraints: each subtree as the issuer has it. */
struct side {
	struct subtree trees[SUBTREE_MAX];
	struct bytes directory[SUBTREE_MAX]; /* Names */
	size_t n_trees, n_directory;
	bool other;                          /* otherName, registered id … : nothing of these kinds can be checked */
};

static int
read_side(struct arena *a, struct der list, struct side *ret, struct error *e)
{
	while (!der_at_end(&list)) {
		struct der tree, content;
		int tag;
		if (der_get(&list, DER_SEQUENCE, "name constraints", &tree, e) < 0 ||
		    der_get_any(&tree, "name constraints", &tag, NULL, &content, e) < 0 || der_end(&tree, "name constraints", e) < 0)
			return -1; /* with minimum or maximum, too: RFC 5280 4.2.1.10 has none */
		if (ret->n_trees == SUBTREE_MAX || ret->n_directory == SUBTREE_MAX)
			return fail(e, E_POLICY, "name constraints: over %d subtrees", SUBTREE_MAX);
		if (tag == DER_CONTEXT_CONSTRUCTED(4))
			ret->directory[ret->n_directory++] = der_bytes(&content);
		else if (tag == DER_CONTEXT(1) || tag == DER_CONTEXT(2) || tag == DER_CONTEXT(6) || tag == DER_CONTEXT(7)) {
			if (subtree_parse(a, tag, der_bytes(&content), &ret->trees[ret->n_trees++], e) < 0)
				return -1;
		} else {
			ret->other = true;
		}
	}
	return 0;
}

static bool
has_kind(const struct side *s, enum name_kind kind)
{
	for (size_t i = 0; i < s->n_trees; i++)
		if (s->trees[i].kind == kind)
			return true;
	return false;
}

static bool
name_is_allowed(const struct side *permitted, const struct side *excluded, const struct name *n)
{
	bool constrained = has_kind(permitted, n->kind), inside = !constrained;
	if (n->kind == NAME_UPN || n->kind == NAME_HARDWARE || n->kind == NAME_RID || n->kind == NAME_PERMANENT_IDENTIFIER)
		return !permitted->other && !excluded->other;
	/* RFC 5280 4.2.1.10: a URI without a host that is a name can't be held to constraints. */
	if (n->kind == NAME_URI && (constrained || has_kind(excluded, n->kind)) && !subtree_uri_has_host(n->text))
		return false;
	for (size_t i = 0; !inside && i < permitted->n_trees; i++)
		inside = subtree_contains(&permitted->trees[i], n);
	for (size_t i = 0; inside && i < excluded->n_trees; i++)
		inside = !subtree_touches(&excluded->trees[i], n);
	return inside;
}

/* True when the subject begins with the attributes of the directory name. */
static int
subject_begins(struct arena *a, struct bytes directory, const struct tbs_input *in, bool *ret, struct error *e)
{
	struct dn_value values[LIMIT_RDN_COUNT];
	size_t n = 0;
	if (dn_parse(a, directory, values, ARRAY_LEN(values), &n, e) < 0)
		return -1;
	*ret = n <= in->n_subject;
	for (size_t i = 0; *ret && i < n; i++)
		*ret = values[i].type == in->subject[i].type && strcasecmp(values[i].value, in->subject[i].value) == 0;
	return 0;
}

static int
check_subject(struct arena *a, const struct side *permitted, const struct side *excluded, const struct tbs_input *in, struct error *e)
{
	bool inside = permitted->n_directory == 0 || in->n_subject == 0, match;
	for (size_t i = 0; i < permitted->n_directory && !inside; i++)
		if (subject_begins(a, permitted->directory[i], in, &inside, e) < 0)
			return -1;
	for (size_t i = 0; i < excluded->n_directory && in->n_subject; i++) {
		if (subject_begins(a, excluded->directory[i], in, &match, e) < 0)
			return -1;
		inside = inside && !match;
	}
	return inside ? 0 : fail_at(e, E_POLICY, "subject", "subject: the name constraints of the CA don't allow it (RFC 5280 4.2.1.10)");
}

/* Without a DNS name among the names, a common name that looks like one is taken for a host by old clients, and held to the constraints by
 * OpenSSL: it must not be a way around them. */
static bool
common_name_is_allowed(struct arena *a, const struct side *permitted, const struct side *excluded, const struct tbs_input *in)
{
	struct name n;
	struct error ignored;
	for (size_t i = 0; i < in->ext.n_names; i++)
		if (in->ext.names[i].kind == NAME_DNS)
			return true;
	for (size_t i = 0; i < in->n_subject; i++) {
		const char *value = in->subject[i].value;
		if (strcmp(in->subject[i].type->name, "CN") == 0 && strchr(value, '.') &&
		    name_make(a, NAME_DNS, value, strlen(value), true, &n, &ignored) == 0 && !name_is_allowed(permitted, excluded, &n))
			return false;
	}
	return true;
}

static int
check_names(const struct cert *issuer, const struct tbs_input *in, struct error *e)
{
	const struct cert_extension *x = cert_extension_find(issuer, OID_NAME_CONSTRAINTS);
	if (!x || is_self_issued(issuer, in))
		return 0;
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct side *permitted = arena_alloc(a, sizeof(*permitted)), *excluded = arena_alloc(a, sizeof(*excluded));
	struct der d = der_of(x->value), list, part;
	if (der_get(&d, DER_SEQUENCE, "name constraints", &list, e) < 0)
		return -1;
	if (der_peek(&list) == DER_CONTEXT_CONSTRUCTED(0) &&
	    (der_get(&list, DER_CONTEXT_CONSTRUCTED(0), "name constraints", &part, e) < 0 || read_side(a, part, permitted, e) < 0))
		return -1;
	if (der_peek(&list) == DER_CONTEXT_CONSTRUCTED(1) &&
	    (der_get(&list, DER_CONTEXT_CONSTRUCTED(1), "name constraints", &part, e) < 0 || read_side(a, part, excluded, e) < 0))
		return -1;
	if (der_end(&list, "name constraints", e) < 0 || check_subject(a, permitted, excluded, in, e) < 0)
		return -1;
	if (!in->ext.profile->ca && !common_name_is_allowed(a, permitted, excluded, in))
		return fail_at(e, E_POLICY, "subject/CN", "subject: the name constraints of the CA don't allow the host that the CN names");
	for (size_t i = 0; i < in->ext.n_names; i++)
		if (!name_is_allowed(permitted, excluded, &in->ext.names[i]))
			return fail_at(e, E_POLICY, "names", "names: the name constraints of the CA don't allow %s:%s (RFC 5280 4.2.1.10)",
				       name_kind_word(in->ext.names[i].kind), in->ext.names[i].text);
	return 0;
}

int
constraints_check(const struct cert *issuer, int between, const struct tbs_input *in, struct error *e)
{
	if (check_ca(issuer, between, in, e) < 0 || check_purposes(issuer, in, e) < 0 || check_policies(issuer, in, e) < 0 ||
	    check_explicit_policy(issuer, between, in, e) < 0)
		return -1;
	return check_names(issuer, in, e);
}
