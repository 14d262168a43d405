/* An attestation object (CBOR), and each structure that stands in one: TPM's, certificates. */
#include "enroll/acme/attest_parts.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct bytes in = {data, size}, octets;
	struct attest_statement s = {.sig = in, .cert_info = in, .pub_area = in, .x5c = {in}, .n_x5c = 1};
	const struct attest_algorithm *alg;
	struct tpm_attest t;
	struct tpm_public p;
	struct cert c;
	struct error e;
	const char *text;

	if (size > LIMIT_ATTESTATION_BYTES || attest_algorithm(-7, &alg, &e) < 0)
		return 0;
	(void)!attest_statement_parse(in, &s, &e); /* else the parts by themselves */
	(void)!tpm_attest_parse(s.cert_info, &t, &e);
	(void)!tpm_public_parse(s.pub_area, a, &p, &e);
	(void)!tpm_signature_parse(s.sig, alg, a, &octets, &e);
	if (s.n_x5c && cert_parse(s.x5c[0], &c, &e) == 0 && (attest_device(&c, "SN-0042", true, a, &e) < 0 || s.cert_info.len))
		(void)!(s.cert_info.len ? attest_tpm : attest_packed)(&s, &c, in, a, &octets, &text, &e);
	return 0;
}
