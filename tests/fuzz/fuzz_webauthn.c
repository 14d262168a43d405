/* What a browser brings from an authenticator: attestation objects, authenticator data, COSE keys, client data (WebAuthn 2). */
#include "lib/limits.h"
#include "lib/x509/webauthn.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	static const char *const origins[] = {"https://localhost", NULL};
	const struct webauthn_site site = {"localhost", origins};
	struct bytes in = {data, size}, octets, spki;
	struct webauthn_data d = {.cose_key = in};
	struct error e;

	if (size > WEBAUTHN_OBJECT_BYTES)
		return 0;
	if (webauthn_object_parse(in, &octets, &e) < 0)
		octets = in;
	(void)!webauthn_data_parse(octets, site.rp_id, false, &d, &e);
	(void)!webauthn_data_parse(octets, site.rp_id, true, &d, &e);
	if (webauthn_key_parse(d.cose_key, a, &spki, &e) == 0)
		(void)!webauthn_signature(spki, (struct bytes){data, size < WEBAUTHN_DATA_BYTES ? size : 0}, in, (struct bytes){data, size % 80}, &e);
	(void)!webauthn_client_data(in, "webauthn.get", &site, a, &octets, &e);
	return 0;
}
