/* What is in a pkiMessage's envelope, after decryption: the first octet says of which type the message is. */
#include "enroll/scep/scep.h"
#include "lib/limits.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scep_message_type *const types[] = {&scep_pkcs_req, &scep_renewal_req, &scep_cert_poll, &scep_get_cert, &scep_get_crl};
	struct csr csr = {0};
	struct error e;

	if (size < 1 || size > LIMIT_BODY_BYTES)
		return 0;
	const struct scep_message_type *type = types[data[0] % ARRAY_LEN(types)];
	struct bytes content = {data + 1, size - 1};
	if (scep_content_parse(type, content, &csr, &e) == 0 && type->has_csr && (csr.whole.len != content.len || csr.challenge.len > content.len))
		__builtin_trap();
	return 0;
}
