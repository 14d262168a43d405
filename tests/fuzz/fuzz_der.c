/* The DER reader, driven over everything that it is given, as deep as it goes. */
#include "lib/limits.h"
#include "lib/x509/der.h"
#include "tests/fuzz/fuzz.h"

static void
walk(struct der d, int depth)
{
	struct error e;
	struct der content, at;
	struct bytes whole, part;
	int64_t t;
	long n;
	bool b;
	int tag;

	while (depth < LIMIT_DER_DEPTH && !der_at_end(&d)) {
		at = d;
		if (der_get_unsigned(&at, "a", &part, &e) == 0 || der_get_oid(&at, "b", &part, &e) == 0 ||
		    der_get_bits(&at, "c", &part, &e) == 0 || der_get_bool(&at, "d", &b, &e) == 0 ||
		    der_get_time(&at, "e", &t, &e) == 0 || der_get_small(&at, "f", 100, &n, &e) == 0)
			at = d;
		if (der_get_any(&d, "element", &tag, &whole, &content, &e) < 0)
			return;
		if (tag & 0x20)
			walk(content, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(der_of((struct bytes){data, size}), 0);
	return 0;
}
