/* Attestation objects, by libcbor's decoder of single items: it allocates nothing, so that a length that somebody claims costs nothing. */
#include "enroll/acme/attest_parts.h"

#include <cbor.h>
#include <string.h>

enum item_kind { ITEM_OTHER, ITEM_INT, ITEM_BYTES, ITEM_TEXT, ITEM_ARRAY, ITEM_MAP };

/* One item of CBOR (RFC 8949 3): of an array or map its head alone. */
struct item {
	enum item_kind kind;
	int64_t number;     /* ITEM_INT */
	struct bytes bytes; /* ITEM_BYTES, ITEM_TEXT */
	uint64_t head;      /* the argument of its head: value, length or count */
};

static void
take_int(void *p, uint64_t head, bool negative)
{
	struct item *item = p;
	item->head = head;
	if (head <= INT64_MAX) {
		item->kind = ITEM_INT;
		item->number = negative ? -1 - (int64_t)head : (int64_t)head;
	}
}

#define TAKE_INT(bits)                                                                                                                        \
	static void take_uint##bits(void *p, uint##bits##_t value)                                                                            \
	{                                                                                                                                     \
		take_int(p, value, false);                                                                                                    \
	}                                                                                                                                     \
	static void take_negint##bits(void *p, uint##bits##_t value)                                                                          \
	{                                                                                                                                     \
		take_int(p, value, true);                                                                                                     \
	}
TAKE_INT(8)
TAKE_INT(16)
TAKE_INT(32)
TAKE_INT(64)

static void
take_bytes(void *p, cbor_data data, size_t len)
{
	*(struct item *)p = (struct item){.kind = ITEM_BYTES, .bytes = {data, len}, .head = len};
}

static void
take_text(void *p, cbor_data data, size_t len)
{
	*(struct item *)p = (struct item){.kind = ITEM_TEXT, .bytes = {data, len}, .head = len};
}

static void
take_array(void *p, size_t count)
{
	*(struct item *)p = (struct item){.kind = ITEM_ARRAY, .head = count};
}

static void
take_map(void *p, size_t count)
{
	*(struct item *)p = (struct item){.kind = ITEM_MAP, .head = count};
}

/* Octets of the shortest head with this argument, RFC 8949 4.2.1. */
static size_t
head_bytes(uint64_t argument)
{
	return argument < 24 ? 1 : argument <= UINT8_MAX ? 2 : argument <= UINT16_MAX ? 3 : argument <= UINT32_MAX ? 5 : 9;
}

static int
next(struct bytes *in, enum item_kind kind, const char *what, struct item *ret, struct error *e)
{
	struct item item = {.kind = ITEM_OTHER};
	struct cbor_callbacks take = cbor_empty_callbacks; /* all else is ITEM_OTHER: strings in pieces, tags, floats … */
	take.uint8 = take_uint8;
	take.uint16 = take_uint16;
	take.uint32 = take_uint32;
	take.uint64 = take_uint64;
	take.negint8 = take_negint8;
	take.negint16 = take_negint16;
	take.negint32 = take_negint32;
	take.negint64 = take_negint64;
	take.byte_string = take_bytes;
	take.string = take_text;
	take.array_start = take_array;
	take.map_start = take_map;
	if (in->len == 0)
		return fail(e, E_MALFORMED, "attestation object: it ends where %s is wanted", what);
	struct cbor_decoder_result result = cbor_stream_decode(in->data, in->len, &take, &item);
	if (result.status != CBOR_DECODER_FINISHED || result.read == 0 || result.read > in->len)
		return fail(e, E_MALFORMED, "attestation object: %s is cut off or no CBOR", what);
	if (item.kind != kind)
		return fail(e, E_MALFORMED, "attestation object: %s is of another type than WebAuthn's, or without a definite length", what);
	if (result.read - item.bytes.len != head_bytes(item.head))
		return fail(e, E_MALFORMED, "attestation object: %s has a head that isn't the shortest (RFC 8949 4.2.1)", what);
	in->data += result.read;
	in->len -= result.read;
	*ret = item;
	return 0;
}

static bool
is(struct bytes text, const char *word)
{
	return bytes_equal(text, BYTES_STR(word));
}

static int
get_chain(struct bytes *in, struct attest_statement *s, struct error *e)
{
	struct item list, der;
	if (next(in, ITEM_ARRAY, "x5c", &list, e) < 0)
		return -1;
	if (list.head == 0 || list.head > LIMIT_ATTESTATION_CERTS)
		return fail(e, E_MALFORMED, "attestation object: x5c has 1 to %d certificates, not %llu", LIMIT_ATTESTATION_CERTS,
		            (unsigned long long)list.head);
	for (size_t i = 0; i < list.head; i++) {
		if (next(in, ITEM_BYTES, "a certificate of x5c", &der, e) < 0)
			return -1;
		if (der.bytes.len == 0 || der.bytes.len > LIMIT_CERT_BYTES)
			return fail(e, E_MALFORMED, "attestation object: a certificate of x5c is empty or too large");
		s->x5c[i] = der.bytes;
	}
	s->n_x5c = (size_t)list.head;
	return 0;
}

/* The members of attStmt, WebAuthn 8.2 and 8.3; a bit of each for those that were there. */
enum { ALG = 1, SIG = 2, X5C = 4, VER = 8, CERT_INFO = 16, PUB_AREA = 32 };

static int
get_member(struct bytes *in, struct bytes name, struct attest_statement *s, unsigned *seen, struct error *e)
{
	const struct {
		const char *name;
		unsigned bit;
		enum item_kind kind;
		struct bytes *ret;
	} members[] = {{"alg", ALG, ITEM_INT, NULL},        {"sig", SIG, ITEM_BYTES, &s->sig},
		       {"x5c", X5C, ITEM_ARRAY, NULL},      {"ver", VER, ITEM_TEXT, &s->ver},
		       {"certInfo", CERT_INFO, ITEM_BYTES, &s->cert_info}, {"pubArea", PUB_AREA, ITEM_BYTES, &s->pub_area}};
	struct item item;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!is(name, members[i].name))
			continue;
		if (*seen & members[i].bit)
			return fail(e, E_MALFORMED, "attestation object: %s comes twice", members[i].name);
		*seen |= members[i].bit;
		if (members[i].bit == X5C)
			return get_chain(in, s, e);
		if (next(in, members[i].kind, members[i].name, &item, e) < 0)
			return -1;
		if (members[i].bit == ALG)
			s->alg = item.number;
		else
			*members[i].ret = item.bytes;
		return 0;
	}
	return fail(e, E_MALFORMED, "attestation object: attStmt has a member \"%.*s\" that isn't known here", (int)(name.len > 32 ? 32 : name.len),
	            (const char *)name.data);
}

static int
get_statement(struct bytes *in, struct attest_statement *s, unsigned *seen, struct error *e)
{
	struct item map, name;
	if (next(in, ITEM_MAP, "attStmt", &map, e) < 0)
		return -1;
	for (uint64_t i = 0; i < map.head; i++) /* each turn takes octets, or ends it */
		if (next(in, ITEM_TEXT, "a member's name in attStmt", &name, e) < 0 || get_member(in, name.bytes, s, seen, e) < 0)
			return -1;
	return 0;
}

static int
check_members(const struct attest_statement *s, unsigned seen, struct error *e)
{
	bool tpm = is(s->format, "tpm");
	if (!tpm && !is(s->format, "packed"))
		return fail(e, E_UNSUPPORTED, "attestation object: the format \"%.*s\" isn't taken; tpm and packed are",
		            (int)(s->format.len > 32 ? 32 : s->format.len), (const char *)s->format.data);
	if (!(seen & X5C))
		return fail(e, E_FORBIDDEN, "attestation object: there is no x5c, and a key that speaks for itself names no device (WebAuthn 8.2)");
	if (seen != (tpm ? ALG | SIG | X5C | VER | CERT_INFO | PUB_AREA : ALG | SIG | X5C))
		return fail(e, E_MALFORMED, "attestation object: attStmt has %s (WebAuthn %s)",
		            tpm ? "ver, alg, x5c, sig, certInfo and pubArea" : "alg, sig and x5c alone", tpm ? "8.3" : "8.2");
	return 0;
}

int
attest_statement_parse(struct bytes object, struct attest_statement *ret, struct error *e)
{
	static const char *const names[] = {"fmt", "attStmt", "authData"};
	struct attest_statement s = {.format = {0}};
	struct bytes in = object;
	struct item map, name, item;
	unsigned members = 0, seen = 0;
	if (object.len > LIMIT_ATTESTATION_BYTES)
		return fail(e, E_TOO_LARGE, "attestation object: over %d octets", LIMIT_ATTESTATION_BYTES);
	if (next(&in, ITEM_MAP, "a map", &map, e) < 0)
		return -1;
	for (uint64_t i = 0; i < map.head; i++) {
		if (next(&in, ITEM_TEXT, "a member's name", &name, e) < 0)
			return -1;
		unsigned at = 0;
		while (at < ARRAY_LEN(names) && !is(name.bytes, names[at]))
			at++;
		if (at == ARRAY_LEN(names) || members & 1u << at)
			return fail(e, E_MALFORMED, "attestation object: it has fmt, attStmt and perhaps authData, each once (WebAuthn 6.5.4)");
		members |= 1u << at;
		if (at == 1 ? get_statement(&in, &s, &seen, e) < 0 : next(&in, at ? ITEM_BYTES : ITEM_TEXT, names[at], &item, e) < 0)
			return -1;
		if (at == 0)
			s.format = item.bytes;
	}
	if ((members & 3) != 3)
		return fail(e, E_MALFORMED, "attestation object: fmt or attStmt is missing (WebAuthn 6.5.4)");
	if (in.len)
		return fail(e, E_MALFORMED, "attestation object: %zu octets follow it", in.len);
	if (check_members(&s, seen, e) < 0)
		return -1;
	*ret = s;
	return 0;
}
