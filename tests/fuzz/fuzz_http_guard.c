/* Requests at the guard: a line of method and address, then headers "name:value", each ended by a newline. */
#include <string.h>
#include "lib/http/http.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	char *text = arena_strndup(a, (const char *)data, size < LIMIT_BODY_BYTES ? size : LIMIT_BODY_BYTES), *line, *colon;
	struct http_request r = {.method = strsep(&text, " \n"), .raw_path = "", .arena = a};
	struct http_header h[32];
	struct error e;

	r.headers = h;
	if ((line = strsep(&text, "\n")))
		r.raw_path = line;
	while ((line = strsep(&text, "\n")) && r.n_headers < 32)
		if ((colon = strchr(line, ':'))) {
			*colon = '\0';
			h[r.n_headers++] = (struct http_header){line, colon + 1};
		}
	if (http_decode(a, r.raw_path, &r.path, &e) == 0 && http_guard(&r, LIMIT_BODY_BYTES, &e) == 0)
		http_client_cert_pem(&r);
	return 0;
}
