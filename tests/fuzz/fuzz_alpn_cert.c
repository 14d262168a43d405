/* The certificate that a responder of tls-alpn-01 shows. */
#include "enroll/acme-probe/alpn_cert.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct address address = {AF_INET, {127, 0, 0, 1}};
	static const uint8_t digest[32];
	struct error e;

	(void)!alpn_cert_check((struct bytes){data, size}, "a.example", NULL, (struct bytes){digest, sizeof(digest)}, &e);
	(void)!alpn_cert_check((struct bytes){data, size}, "127.0.0.1", &address, (struct bytes){digest, sizeof(digest)}, &e);
	return 0;
}
