/* A CertReqMsg (RFC 4211): taken apart, its key loaded and checked, its proof of possession verified, its names read. */
#include "lib/x509/names.h"
#include "ca/publickey.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
	const struct keytype *type;
	struct name names[LIMIT_SAN_COUNT];
	struct csr csr;
	struct error e;
	size_t n;

	if (crmf_parse(a, (struct bytes){data, size}, &csr, &e) < 0)
		return 0;
	dn_text(a, csr.subject);
	if (csr.san.len > 0 && names_parse(a, csr.san, true, names, LIMIT_SAN_COUNT, &n, &e) < 0)
		return 0;
	if (publickey_load(csr.spki_algorithm, csr.key, &type, &key, &e) == 0 && csr_verify(&csr, type, key, &e) < 0)
		return 0;
	return 0;
}
