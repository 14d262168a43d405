/* PEM and base64 as clients send them. */
#include "lib/limits.h"
#include "lib/x509/pem.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes der;
	struct error e;

	if (size > LIMIT_BODY_BYTES)
		return 0;
	if (pem_decode(a, (const char *)data, size, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", &der, &e) == 0)
		pem_encode(a, "CERTIFICATE REQUEST", der);
	if (base64_decode(a, (const char *)data, size, &der, &e) == 0)
		base64_encode(a, der);
	return 0;
}
