/* JSON:API documents and what is made of them: POST of a certificate. */
#include "api/issue.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct issue *i = arena_alloc(a, sizeof *i);
	struct document d = {0};
	struct error e;

	if (size > LIMIT_BODY_BYTES || document_parse((struct bytes){data, size}, "cert_server", &d, &e))
		return 0;
	if (issue_from_document(&d, "server", a, i, &e) == 0) {
		(void)fail_at(&e, E_POLICY, "names/0", "a test");
		issue_map_pointer(i, &d, &e);
	}
	document_free(&d);
	return 0;
}
