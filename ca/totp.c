#include "ca/totp.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void
totp_code(struct bytes secret, int64_t step, char ret[TOTP_DIGITS + 1])
{
	uint8_t counter[8], mac[EVP_MAX_MD_SIZE] = {0};
	unsigned len = 0;
	for (int i = 0; i < 8; i++)
		counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	HMAC(EVP_sha1(), secret.data, (int)secret.len, counter, sizeof(counter), mac, &len);
	/* RFC 4226 5.4: dynamic truncation. */
	const uint8_t *at = mac + (mac[19] & 0x0f);
	uint32_t number = ((uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) % 1000000;
	snprintf(ret, TOTP_DIGITS + 1, "%06u", number % 1000000);
	OPENSSL_cleanse(mac, sizeof(mac));
}

int64_t
totp_step(struct bytes secret, const char *code, int64_t now_sec, int64_t last_step)
{
	char given[TOTP_DIGITS + 1] = {0}, wanted[TOTP_DIGITS + 1];
	int64_t found = 0, now = now_sec / TOTP_STEP_SEC;
	bool is_code = strlen(code) == TOTP_DIGITS;
	memcpy(given, is_code ? code : "......", TOTP_DIGITS);
	for (int64_t step = now - TOTP_SKEW; step <= now + TOTP_SKEW; step++) {
		totp_code(secret, step, wanted);
		if (CRYPTO_memcmp(given, wanted, TOTP_DIGITS) == 0 && step > last_step)
			found = step;
	}
	OPENSSL_cleanse(wanted, sizeof(wanted));
	return found;
}
