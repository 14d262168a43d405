#include <string.h>
#include <openssl/x509.h>
#include "lib/limits.h"
#include "lib/seal.h"
#include "va/signer_key.h"

#define CONTEXT_PREFIX "ocsp-signer:"

DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

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
	CLEANUP(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = NULL;
	CLEANUP(secret_free) struct secret *plain = NULL;
	char context[sizeof(CONTEXT_PREFIX) + 2 * LIMIT_SERIAL_BYTES];
	const unsigned char *p;
	EVP_PKEY *key;

	if (wrapped.len > LIMIT_CERT_BYTES || serial.len > LIMIT_SERIAL_BYTES)
		return fail(e, E_KEY_STORE, "wrapped key or serial of an OCSP signer is too long");
	context_make(serial, context);
	if (seal_open(wrap_key, context, wrapped, &plain, e) < 0)
		return -1;
	p = plain->data;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)plain->len);
	if (!info || p != plain->data + plain->len)
		return fail(e, E_KEY_STORE, "OCSP signer's key isn't PKCS#8");
	key = EVP_PKCS82PKEY(info);
	if (!key)
		return fail(e, E_KEY_STORE, "OCSP signer's key is of a kind that isn't known here");
	*ret = key;
	return 0;
}
