/* The body of simpleenroll and serverkeygen: base64 in any lines, DER or PEM, as devices send it, and what it says of the encryption of a key. */
#include "enroll/est/est.h"
#include "enroll/est/protection.h"
#include "lib/limits.h"
#include "lib/x509/csr.h"
#include "lib/x509/oid.h"
#include "tests/fuzz/fuzz.h"

#define OID_CAPABILITIES OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0f")

static void
read_wishes(struct bytes der)
{
	struct protection_wishes wishes;
	struct bytes capabilities = {0};
	struct csr csr;
	struct error e;
	if (csr_parse(der, &csr, &e) < 0 || csr_attribute(&csr, OID_CAPABILITIES, DER_SEQUENCE, "SMIMECapabilities", &capabilities, &e) < 0) {
		struct der d = der_of(der), content;
		if (der_get(&d, DER_SEQUENCE, "SMIMECapabilities", &content, &e) == 0)
			capabilities = der_bytes(&content);
	}
	if (protection_wishes_read(capabilities, &wishes, &e) == 0 && (!wishes.cipher || wishes.cipher->legacy || !wishes.wrap_bytes))
		__builtin_trap();
}

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
	if (cms_certs_only_encode(a, &csr, 1, NULL, 0, &answer, &e) < 0)
		__builtin_trap();
	read_wishes(csr);
	return 0;
}
