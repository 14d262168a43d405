/* A certificate's identifier (RFC 9773 4.1), as anybody puts it into an address: one that is taken has one form, and a window follows from it. */
#include <stdlib.h>
#include <string.h>
#include "enroll/acme/renewal_info.h"
#include "enroll/acme/jwk.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	const char *text = arena_strndup(a, (const char *)data, size);
	struct acme_renewal r = {.begins = 1700000000, .ends = 1700000000 + (int64_t)size * 86400};
	struct bytes key_id, serial;
	struct error e;

	if (acme_certid_parse(a, text, &key_id, &serial, &e) < 0)
		return 0;
	const char *again = strchr(text, '.') + 1;
	size_t sign = serial.data[0] & 0x80 ? 1 : 0;
	uint8_t *der = arena_alloc(a, serial.len + 1);
	der[0] = 0;
	memcpy(der + sign, serial.data, serial.len);
	struct acme_window w = acme_renewal_window(&r, serial, r.begins);
	if (strcmp(base64url_encode(a, (struct bytes){der, serial.len + sign}), again) != 0 || w.end <= w.start)
		abort();
	return 0;
}
