/* A request of ACME: its JWS, the one inside it (externalAccountBinding, keyChange), its key and its signature. */
#include "enroll/acme/jws.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct error e;

	if (size > LIMIT_BODY_BYTES)
		return 0;
	for (int external = 0; external < 2; external++) {
		struct jws j = {0};
		struct jwk k = {0};
		if (jws_parse(a, (struct bytes){data, size}, external, &j, &e) < 0)
			continue;
		if (!j.jwk == !j.kid)
			__builtin_trap();
		if (j.jwk && jwk_parse(a, j.jwk, &k, &e) == 0)
			(void)!jwk_verify(&k, j.alg, j.signed_data, j.signature, &e);
		jwk_free(&k);
		jws_free(&j);
	}
	return 0;
}
