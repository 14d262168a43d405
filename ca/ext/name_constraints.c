/* nameConstraints, RFC 5280 4.2.1.10, critical: the names that a CA's certificates may have. ca/constraints.c holds them. */
#include "ca/ext.h"
#include "ca/profile_read.h"

struct sides {
	struct subtrees side[2]; /* permitted, excluded: as their tags count */
};
static const char *const words[] = {"permitted", "excluded"};

extern const struct ext ext_name_constraints;

static bool
present(const struct ext_input *in)
{
	return ext_option(in->profile, &ext_name_constraints) != NULL;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	const struct sides *own = ext_option(in->profile, &ext_name_constraints);
	size_t list = der_begin(value, DER_SEQUENCE);
	for (int i = 0; i < 2; i++) {
		if (own->side[i].n == 0)
			continue;
		size_t side = der_begin(value, DER_CONTEXT_CONSTRUCTED(i));
		for (size_t k = 0; k < own->side[i].n; k++)
			subtree_put(value, &own->side[i].items[k]);
		der_close(value, side);
	}
	der_close(value, list);
}

/* Each subtree is read and written again: what the reader understands is what stands there. */
static int
lint_side(struct der side, const struct subtrees *want, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	for (size_t i = 0; i < want->n; i++) {
		struct der content;
		struct bytes tree;
		struct subtree have;
		struct buf again BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES), wanted BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
		int tag;
		if (der_get_any(&side, "name constraints", NULL, &tree, &content, e) < 0)
			return -1;
		struct der base;
		if (der_get_any(&content, "name constraints", &tag, NULL, &base, e) < 0 || der_end(&content, "name constraints", e) < 0 ||
		    subtree_parse(a, tag, der_bytes(&base), &have, e) < 0)
			return -1;
		subtree_put(&again, &have);
		subtree_put(&wanted, &want->items[i]);
		if (!bytes_equal((struct bytes){again.data, again.len}, tree) ||
		    !bytes_equal((struct bytes){wanted.data, wanted.len}, tree))
			return fail(e, E_INTERNAL, "lint: name constraints aren't the profile's (RFC 5280 4.2.1.10)");
	}
	return der_end(&side, "name constraints", e);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	const struct sides *own = ext_option(in->profile, &ext_name_constraints);
	struct der d = der_of(value), list, side;
	if (der_get(&d, DER_SEQUENCE, "name constraints", &list, e) < 0 || der_end(&d, "name constraints", e) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (own->side[i].n && (der_get(&list, DER_CONTEXT_CONSTRUCTED(i), "name constraints", &side, e) < 0 ||
				       lint_side(side, &own->side[i], e) < 0))
			return -1;
	return der_end(&list, "name constraints", e);
}

static int
read(struct arena *a, json_t *value, const char *member, const void **ret, struct error *e)
{
	struct sides *own = arena_alloc(a, sizeof(*own));
	if (profile_read_object(value, member, words, ARRAY_LEN(words), e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		json_t *side = json_object_get(value, words[i]);
		if (side && profile_read_subtrees(a, side, member, false, &own->side[i], e) < 0)
			return -1;
	}
	/* An empty sequence isn't allowed (RFC 5280 4.2.1.10). */
	if (own->side[0].n + own->side[1].n == 0)
		return profile_wrong(member, "a name that is permitted or excluded", e);
	*ret = own;
	return 0;
}

static int
check(const struct profile *p, const void *option, struct error *e)
{
	(void)option;
	return p->ca ? 0 : fail_at(e, E_BAD_VALUE, "name_constraints", "profile: name_constraints: for CAs alone (RFC 5280 4.2.1.10)");
}

const struct ext ext_name_constraints = {
    .name = "nameConstraints",
    .oid = {(const uint8_t *)"\x55\x1d\x1e", 3},
    .present = present,
    .critical = ext_always,
    .build = build,
    .lint = lint,
    .member = "name_constraints",
    .read = read,
    .check = check,
    .words = words,
    .n_words = ARRAY_LEN(words),
};
