/* A profile's definition, as the store has it. */
#include "ca/profile.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct profile *p;
	struct error e;

	if (size > LIMIT_CERT_BYTES) {
		arena_free(a);
		return 0;
	}
	if (profile_new(a, 1, 1, "fuzz", "cert_server", arena_strndup(a, (const char *)data, size), &p, &e) == 0)
		profile_free(p);
	return 0;
}
