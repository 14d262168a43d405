/* subjectKeyIdentifier, RFC 5280 4.2.1.2 (1): SHA-1 of the key's bits; a name for the key, no protection rests on it. */
#include <openssl/sha.h>

#include "ca/ext.h"

void
ext_key_identifier(struct bytes key_bits, uint8_t ret[20])
{
	SHA1(key_bits.data, key_bits.len, ret);
}

static void
build(const struct ext_input *in, struct buf *value)
{
	uint8_t id[20];
	ext_key_identifier(in->key_bits, id);
	der_put(value, DER_OCTET_STRING, id, sizeof(id));
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), content;
	uint8_t id[20];
	if (der_get(&d, DER_OCTET_STRING, "SKI", &content, e) < 0 || der_end(&d, "SKI", e) < 0)
		return -1;
	ext_key_identifier(in->key_bits, id);
	if (!bytes_equal(der_bytes(&content), (struct bytes){id, sizeof(id)}))
		return fail(e, E_INTERNAL, "lint: SKI isn't that of the key (RFC 5280 4.2.1.2)");
	return 0;
}

extern const struct ext ext_ski;
const struct ext ext_ski = {
    .name = "subjectKeyIdentifier",
    .oid = {(const uint8_t *)"\x55\x1d\x0e", 3},
    .present = ext_always,
    .critical = ext_never,
    .build = build,
    .lint = lint,
};
