/* By libcbor's decoder of single items: it allocates nothing, so that a length that somebody claims costs nothing. */
#include "lib/x509/cbor.h"

#include <cbor.h>

static void
take_int(void *p, uint64_t head, bool negative)
{
	struct cbor_item *item = p;
	item->head = head;
	if (head <= INT64_MAX) {
		item->kind = CBOR_ITEM_INT;
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
	*(struct cbor_item *)p = (struct cbor_item){.kind = CBOR_ITEM_BYTES, .bytes = {data, len}, .head = len};
}

static void
take_text(void *p, cbor_data data, size_t len)
{
	*(struct cbor_item *)p = (struct cbor_item){.kind = CBOR_ITEM_TEXT, .bytes = {data, len}, .head = len};
}

static void
take_array(void *p, size_t count)
{
	*(struct cbor_item *)p = (struct cbor_item){.kind = CBOR_ITEM_ARRAY, .head = count};
}

static void
take_map(void *p, size_t count)
{
	*(struct cbor_item *)p = (struct cbor_item){.kind = CBOR_ITEM_MAP, .head = count};
}

static void
take_bool(void *p, bool value)
{
	*(struct cbor_item *)p = (struct cbor_item){.kind = CBOR_ITEM_BOOL, .number = value};
}

/* Octets of the shortest head with this argument, RFC 8949 4.2.1. */
static size_t
head_bytes(uint64_t argument)
{
	return argument < 24 ? 1 : argument <= UINT8_MAX ? 2 : argument <= UINT16_MAX ? 3 : argument <= UINT32_MAX ? 5 : 9;
}

int
cbor_item_next(struct cbor_in *in, enum cbor_item_kind kind, const char *what, struct cbor_item *ret, struct error *e)
{
	struct cbor_item item = {.kind = CBOR_ITEM_OTHER};
	struct cbor_callbacks take = cbor_empty_callbacks; /* all else is CBOR_ITEM_OTHER: strings in pieces, tags, floats … */
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
	take.boolean = take_bool;
	if (in->rest.len == 0)
		return fail(e, E_MALFORMED, "%s: it ends where %s is wanted", in->of, what);
	struct cbor_decoder_result result = cbor_stream_decode(in->rest.data, in->rest.len, &take, &item);
	if (result.status != CBOR_DECODER_FINISHED || result.read == 0 || result.read > in->rest.len)
		return fail(e, E_MALFORMED, "%s: %s is cut off or no CBOR", in->of, what);
	if (kind != CBOR_ITEM_ANY ? item.kind != kind : item.kind == CBOR_ITEM_OTHER)
		return fail(e, E_MALFORMED, "%s: %s is of another type than WebAuthn's, or without a definite length", in->of, what);
	if (item.kind != CBOR_ITEM_BOOL && result.read - item.bytes.len != head_bytes(item.head))
		return fail(e, E_MALFORMED, "%s: %s has a head that isn't the shortest (RFC 8949 4.2.1)", in->of, what);
	in->rest.data += result.read;
	in->rest.len -= result.read;
	*ret = item;
	return 0;
}

int
cbor_item_skip(struct cbor_in *in, const char *what, struct error *e)
{
	/* What is still to come: each item takes an octet at least, so that a count beyond them is a lie. */
	for (uint64_t left = 1; left > 0; left--) {
		struct cbor_item item;
		if (cbor_item_next(in, CBOR_ITEM_ANY, what, &item, e) < 0)
			return -1;
		uint64_t more = item.kind == CBOR_ITEM_ARRAY || item.kind == CBOR_ITEM_MAP ? item.head : 0;
		if (more > in->rest.len)
			return fail(e, E_MALFORMED, "%s: %s claims more than there is", in->of, what);
		left += item.kind == CBOR_ITEM_MAP ? 2 * more : more;
	}
	return 0;
}
