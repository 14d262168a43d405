/* A condition of a policy, as somebody typed it and as PostgreSQL writes it. */
#include "ca/path.h"
#include "lib/arena.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct error e;

	if (size <= 4 * LIMIT_POLICY_PATH_BYTES) {
		const char *text = arena_strndup(a, (const char *)data, size);
		if (path_precheck(text, &e) == 0)
			(void)!path_check(text, &e);
	}
	arena_free(a);
	return 0;
}
