/* CBOR (RFC 8949) as WebAuthn has it, item by item and strictly: definite lengths, heads of the shortest form. */
#ifndef SIEGEL_LIB_X509_CBOR_H
#define SIEGEL_LIB_X509_CBOR_H
#include <stdbool.h>

#include "lib/arena.h"
#include "lib/error.h"

enum cbor_item_kind { CBOR_ITEM_OTHER, CBOR_ITEM_INT, CBOR_ITEM_BYTES, CBOR_ITEM_TEXT, CBOR_ITEM_ARRAY, CBOR_ITEM_MAP, CBOR_ITEM_BOOL, CBOR_ITEM_ANY };

/* One item (RFC 8949 3): of an array or map its head alone. Views into what is read. */
struct cbor_item {
	enum cbor_item_kind kind;
	int64_t number;     /* CBOR_ITEM_INT, CBOR_ITEM_BOOL */
	struct bytes bytes; /* CBOR_ITEM_BYTES, CBOR_ITEM_TEXT */
	uint64_t head;      /* the argument of its head: value, length or count */
};

/* What is left to read, and what it is, for the texts of errors ("attestation object"). */
struct cbor_in {
	struct bytes rest;
	const char *of;
};

/* Takes the next item, of that kind (CBOR_ITEM_ANY: of any that WebAuthn has), off in. E_MALFORMED names what. Callable from any thread. */
int cbor_item_next(struct cbor_in *in, enum cbor_item_kind kind, const char *what, struct cbor_item *ret, struct error *e) MUST_CHECK;
/* Takes one item off with all that is in it. It takes no memory, however deep it nests. E_MALFORMED. */
int cbor_item_skip(struct cbor_in *in, const char *what, struct error *e) MUST_CHECK;

#endif
