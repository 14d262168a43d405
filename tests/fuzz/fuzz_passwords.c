/* The CSV of passwords that comes with an import. */
#include "ca/import/csv.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new((size_t)64 * 1024 * 1024);
	struct password_row *rows;
	struct error e;
	size_t n;

	if (size <= 65536)
		(void)!csv_passwords(a, (struct bytes){data, size}, &rows, &n, &e);
	return 0;
}
