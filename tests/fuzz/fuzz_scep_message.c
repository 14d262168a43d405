/* A pkiMessage as it comes, before anything is decrypted: SignedData, its attributes and signature, the EnvelopedData in it and its recipient. */
#include "enroll/scep/scep.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_free) struct arena *a = arena_new(LIMIT_REQUEST_ARENA_BYTES);
	struct scep_message m;
	struct cms_enveloped v;
	struct scep_password p;
	struct bytes content;
	struct error e;

	if (size > LIMIT_BODY_BYTES)
		return 0;
	if (scep_message_parse(a, (struct bytes){data, size}, &m, &e) == 0)
		(void)!cms_signed_verify(&m.cms, m.signer, true, &e);
	else /* an envelope alone is where the signature doesn't stand in the way */
		m.cms.content = (struct bytes){data, size};
	if (cms_enveloped_parse(a, m.cms.content, &v, &e) < 0)
		return 0;
	if (v.kind == CMS_PASSWORD)
		(void)!scep_password_parse(&v, &p, &e);
	else
		(void)scep_key_scheme(&v);
	if (cms_decrypt(a, &v, (const uint8_t *)"0123456789abcdef0123456789abcdef", &content, &e) == 0 && content.len > v.encrypted.len)
		__builtin_trap();
	return 0;
}
