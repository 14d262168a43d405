#include <string.h>
#include "lib/limits.h"
#include "lib/seal.h"
#include "lib/x509/keytype.h"
#include "va/signer_key.h"

#define CONTEXT_PREFIX "ocsp-signer:"

static void
context_make(struct bytes serial, char ret[sizeof(CONTEXT_PREFIX) + 2 * LIMIT_SERIAL_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = sizeof(CONTEXT_PREFIX) - 1;

	memcpy(ret, CONTEXT_PREFIX, at);
	for (size_t i = 0; i < serial.len; i++) {
		ret[at++] = digits[serial.data[i] >> 4];
		ret[at++] = digits[serial.data[i] & 15];
	}
	ret[at] = '\0';
}

int
signer_key_unwrap(struct bytes wrapped, struct bytes serial, const struct secret *wrap_key, EVP_PKEY **ret, struct error *e)
{
	CLEANUP(secret_free) struct secret *plain = NULL;
	char context[sizeof(CONTEXT_PREFIX) + 2 * LIMIT_SERIAL_BYTES];

	if (wrapped.len > LIMIT_CERT_BYTES || serial.len > LIMIT_SERIAL_BYTES)
		return fail(e, E_KEY_STORE, "wrapped key or serial of an OCSP signer is too long");
	context_make(serial, context);
	if (seal_open(wrap_key, context, wrapped, &plain, e) < 0)
		return -1;
	return keytype_from_pkcs8((struct bytes){plain->data, plain->len}, ret, e);
}
