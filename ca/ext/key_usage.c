/* keyUsage, RFC 5280 4.2.1.3, critical: what the profile says, as far as the type of the key can do it (RFC 4055 1.2, 8410 5, 8813 3, 9881 5,
 * 9909, 9935 5). */
#include "ca/ext.h"

static unsigned
wanted(const struct ext_input *in)
{
	return in->profile->key_usage & in->key->usages;
}

static void
build(const struct ext_input *in, struct buf *value)
{
	unsigned usage = wanted(in);
	uint8_t bits[3] = {0}; /* number of unused bits, then the bits from the most significant */
	int last = 0;
	for (int i = 0; i < USAGE_COUNT; i++)
		if (usage & 1u << i) {
			bits[1 + i / 8] |= (uint8_t)(0x80 >> i % 8);
			last = i;
		}
	bits[0] = (uint8_t)(7 - last % 8);
	der_put(value, DER_BIT_STRING, bits, (size_t)(2 + last / 8));
}

static int
lint(const struct ext_input *in, struct bytes value, struct error *e)
{
	struct der d = der_of(value), content;
	unsigned usage = 0;
	if (der_get(&d, DER_BIT_STRING, "key usage", &content, e) < 0 || der_end(&d, "key usage", e) < 0)
		return -1;
	struct bytes b = der_bytes(&content);
	/* X.690 11.2.2: a list of named bits ends with a bit that is set. */
	if (b.len < 2 || b.data[0] > 7 || !(b.data[b.len - 1] & 1 << b.data[0]))
		return fail(e, E_INTERNAL, "lint: key usage isn't DER");
	for (size_t i = 1; i < b.len; i++)
		for (int k = 0; k < 8; k++)
			if (b.data[i] & 0x80 >> k)
				usage |= 1u << (8 * (i - 1) + (unsigned)k);
	if (usage == 0 || usage != wanted(in))
		return fail(e, E_INTERNAL, "lint: key usage isn't the profile's (RFC 5280 4.2.1.3)");
	if (!in->profile->ca && usage & (1u << USAGE_KEY_CERT_SIGN | 1u << USAGE_CRL_SIGN))
		return fail(e, E_INTERNAL, "lint: keyCertSign without CA (RFC 5280 4.2.1.3)");
	return 0;
}

extern const struct ext ext_key_usage;
const struct ext ext_key_usage = {
    .name = "keyUsage",
    .oid = {(const uint8_t *)"\x55\x1d\x0f", 3},
    .present = ext_always,
    .critical = ext_always,
    .build = build,
    .lint = lint,
};
