/* subjectAltName, RFC 5280 4.2.1.6: critical when the subject is empty. */
#include <string.h>

#include "ca/ext.h"

static bool
present(const struct ext_input *in)
{
	return in->n_names > 0;
}

static bool
critical(const struct ext_input *in)
{
	return in->subject_is_empty;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	names_put(value, in->names, in->n_names);
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct name names[LIMIT_SAN_COUNT];
	size_t n = 0;
	if (names_parse(a, value, in->profile->wildcard, names, ARRAY_LEN(names), &n, e) < 0)
		return -1;
	if (n != in->n_names)
		return fail(e, E_INTERNAL, "lint: the names aren't those that were asked for (RFC 5280 4.2.1.6)");
	for (size_t i = 0; i < n; i++)
		if (names[i].kind != in->names[i].kind || strcmp(names[i].text, in->names[i].text) != 0)
			return fail(e, E_INTERNAL, "lint: the names aren't those that were asked for (RFC 5280 4.2.1.6)");
	/* In capital letters a DNS name would be the same, but not the one that was decided. */
	struct buf again BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	names_put(&again, in->names, in->n_names);
	if (!bytes_equal((struct bytes){again.data, again.len}, value))
		return fail(e, E_INTERNAL, "lint: the names aren't encoded as they should be (RFC 5280 4.2.1.6)");
	return 0;
}

extern const struct ext ext_san;
const struct ext ext_san = {
    .name = "subjectAltName",
    .oid = {(const uint8_t *)"\x55\x1d\x11", 3},
    .present = present,
    .critical = critical,
    .build = build,
    .lint = lint,
};
