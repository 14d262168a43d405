#include "lib/password.h"

#include <ctype.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/limits.h"
#include "lib/utf8.h"

#define SCRYPT_N 32768
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SCRYPT_MAX_BYTES (64 * 1024 * 1024)

int
password_hash(struct bytes password, const uint8_t salt[PASSWORD_SALT_BYTES], uint8_t ret[PASSWORD_HASH_BYTES], struct error *e)
{
	uint8_t key[32];
	if (password.len > LIMIT_PASSWORD_BYTES)
		return fail_at(e, E_BAD_VALUE, "password", "password: at most %d octets", LIMIT_PASSWORD_BYTES);
	bool made = EVP_PBE_scrypt((const char *)password.data, password.len, salt, PASSWORD_SALT_BYTES, SCRYPT_N, SCRYPT_R, SCRYPT_P,
	                           SCRYPT_MAX_BYTES,
	                           key, sizeof(key)) == 1 &&
	            EVP_Digest(key, sizeof(key), ret, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	return made ? 0 : fail(e, E_INTERNAL, "scrypt isn't available, or there is no memory for it");
}

static bool
holds(const char *text, const char *part)
{
	size_t n = strlen(part);
	for (; n && *text; text++) {
		size_t i = 0;
		while (i < n && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
			i++;
		if (i == n)
			return true;
	}
	return false;
}

int
password_check_file(const char *password, const char *field, struct error *e)
{
	size_t len = strlen(password), chars = 0, step;
	for (size_t i = 0; i < len; i += step, chars++) {
		step = utf8_next((const uint8_t *)password + i, len - i, NULL);
		if (step == 0)
			return fail_at(e, E_BAD_VALUE, field, "%s: it isn't UTF-8", field);
	}
	if (chars < LIMIT_FILE_PASSWORD_CHARS || len > LIMIT_PASSWORD_BYTES)
		return fail_at(e, E_BAD_VALUE, field, "%s: %d characters at least, %d octets at most", field, LIMIT_FILE_PASSWORD_CHARS,
		               LIMIT_PASSWORD_BYTES);
	return 0;
}

int
password_check(const char *password, const char *account, struct error *e)
{
	size_t len = strlen(password), chars = 0, first = 0, step;
	bool varied = false;
	for (size_t i = 0; i < len; i += step, chars++) {
		step = utf8_next((const uint8_t *)password + i, len - i, NULL);
		if (step == 0)
			return fail_at(e, E_BAD_VALUE, "password", "password: it isn't UTF-8");
		first = i ? first : step;
		varied = varied || step != first || memcmp(password + i, password, step) != 0;
	}
	if (chars < LIMIT_PASSWORD_CHARS || len > LIMIT_PASSWORD_BYTES)
		return fail_at(e, E_BAD_VALUE, "password", "password: %d characters at least, %d octets at most", LIMIT_PASSWORD_CHARS,
		               LIMIT_PASSWORD_BYTES);
	if (!varied)
		return fail_at(e, E_BAD_VALUE, "password", "password: it is one character over and over");
	if (strlen(account) >= 3 && holds(password, account))
		return fail_at(e, E_BAD_VALUE, "password", "password: it holds the account's name");
	return 0;
}
