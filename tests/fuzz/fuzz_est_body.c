/* The body of simpleenroll: base64 in any lines, DER or PEM, as devices send it. */
#include "enroll/est/est.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes csr, answer;
	struct error e;

	if (size > LIMIT_BODY_BYTES)
		return 0;
	if (est_csr_decode(a, (struct bytes){data, size}, &csr, &e) < 0)
		return 0;
	if (csr.len > LIMIT_CSR_BYTES || csr.data[0] != 0x30)
		__builtin_trap();
	if (certs_only_encode(a, &csr, 1, &answer, &e) < 0)
		__builtin_trap();
	return 0;
}
