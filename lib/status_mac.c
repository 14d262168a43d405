#include "lib/status_mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/seal.h"

int
status_key_read(const char *ocsp_key_file, struct status_key *ret, struct error *e)
{
	static const char purpose[] = "siegel certificate status";
	CLEANUP(secret_free) struct secret *shared = NULL;
	uint8_t key[SHA256_DIGEST_LENGTH];

	if (seal_key_read(ocsp_key_file, &shared, e) < 0)
		return -1;
	if (!HMAC(EVP_sha256(), shared->data, (int)shared->len, (const unsigned char *)purpose, sizeof(purpose) - 1, key, NULL))
		return fail(e, E_INTERNAL, "HMAC-SHA256 isn't available");
	for (size_t i = 0; i < sizeof(ret->inner); i++) {
		uint8_t octet = i < sizeof(key) ? key[i] : 0;

		ret->inner[i] = octet ^ 0x36;
		ret->outer[i] = octet ^ 0x5c;
	}
	OPENSSL_cleanse(key, sizeof(key));
	return 0;
}

static uint8_t *
put(uint8_t *p, uint64_t v, int n)
{
	for (int i = n; i-- > 0;)
		*p++ = (uint8_t)(v >> 8 * i);
	return p;
}

void
status_mac(const struct status_key *key, int32_t ca_id, struct bytes serial, int status, int64_t revoked_at, int reason,
           uint8_t ret[STATUS_MAC_BYTES])
{
	uint8_t text[64 + 4 + 2 + LIMIT_SERIAL_BYTES + 2 + 8 + 2], outer[64 + SHA256_DIGEST_LENGTH], digest[SHA256_DIGEST_LENGTH];
	size_t len = serial.len <= LIMIT_SERIAL_BYTES ? serial.len : LIMIT_SERIAL_BYTES;
	uint8_t *p = text + 64;

	memcpy(text, key->inner, 64);
	p = put(p, (uint32_t)ca_id, 4);
	p = put(p, len, 2);
	memcpy(p, serial.data, len);
	p = put(p + len, (uint64_t)status, 2);
	p = put(p, (uint64_t)revoked_at, 8);
	p = put(p, (uint64_t)reason, 2);
	memcpy(outer, key->outer, 64);
	SHA256(text, (size_t)(p - text), outer + 64);
	SHA256(outer, sizeof(outer), digest);
	memcpy(ret, digest, STATUS_MAC_BYTES);
}
