/* A Full PKI Request as it comes over EST, and its content by itself: taken apart, the request's proof of possession verified, answered. */
#include "enroll/cms.h"
#include "enroll/est/cmc.h"
#include "enroll/est/est.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	const struct cmc_answer answer = {.status = CMC_FAILED, .failure = CMC_BAD_REQUEST, .text = "no", .nonce = {(const uint8_t *)"nonce", 5}};
	struct bytes message, content = {data, size}, response;
	struct cms_signed s;
	struct cmc_request q;
	struct error e;

	if (size > LIMIT_BODY_BYTES)
		return 0;
	if (est_message_decode(a, content, &message, &e) == 0 && cms_signed_parse(a, message, &s, &e) == 0) {
		const struct bytes *certificate = cms_signer_certificate(&s);
		if (certificate)
			(void)!cms_signed_verify(&s, *certificate, false, &e);
		content = s.content;
	}
	if (cmc_parse(a, content, &q, &e) == 0)
		(void)!cmc_check_request(a, &q, &e);
	if (cmc_encode(a, &q, &answer, &response, &e) < 0)
		__builtin_trap();
	return 0;
}
