/* Payloads of ACME: identifiers of an order, and the names of a CSR (RFC 8555 7.4). */
#include "enroll/acme/identifier.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	const char *names[LIMIT_ACME_NAMES + LIMIT_RDN_COUNT], *one;
	struct bytes in = {data, size};
	json_t *payload = NULL;
	struct error e;
	struct csr csr;
	size_t n = 0, i;
	json_t *v;

	if (size > LIMIT_BODY_BYTES)
		return 0;
	if (csr_parse(in, &csr, &e) == 0)
		(void)!acme_identifiers_of_csr(a, &csr, names, ARRAY_LEN(names), &n, &e);
	if (jws_json(in, "payload", &payload, &e) < 0)
		return 0;
	json_array_foreach(json_object_get(payload, "identifiers"), i, v) if (acme_identifier_parse(a, v, &one, &e) == 0)
		json_decref(acme_identifier_json(one));
	json_decref(payload);
	return 0;
}
