/* A certificate that a client or a peer sent, and everything that is asked of it afterwards. */
#include <string.h>
#include "lib/limits.h"
#include "lib/x509/cert.h"
#include "lib/x509/oid.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct cert c;
	struct error e;

	if (size > LIMIT_CERT_BYTES)
		return 0;
	if (cert_parse((struct bytes){data, size}, &c, &e) < 0 && cert_parse_tbs((struct bytes){data, size}, &c, &e) < 0) {
		dn_text(a, (struct bytes){data, size});
		return 0;
	}
	cert_has_eku(&c, OID_EKU_CLIENT_AUTH, true);
	cert_is_ca(&c);
	cert_san(&c);
	dn_text(a, c.subject);
	dn_text(a, c.issuer);
	return 0;
}
