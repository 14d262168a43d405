/* Passwords that people choose: what is stored of them. */
#ifndef SIEGEL_LIB_PASSWORD_H
#define SIEGEL_LIB_PASSWORD_H
#include <stdint.h>

#include "lib/error.h"
#include "lib/mem.h"

#define PASSWORD_SALT_BYTES 16
#define PASSWORD_HASH_BYTES 32

/* SHA-256 of what scrypt (RFC 7914, N 32768, r 8, p 1: 32 MiB, a tenth of a second) makes of the password, which may have up to
 * LIMIT_PASSWORD_BYTES, else E_BAD_VALUE. Thread-safe. */
int password_hash(struct bytes password, const uint8_t salt[PASSWORD_SALT_BYTES], uint8_t ret[PASSWORD_HASH_BYTES], struct error *e) MUST_CHECK;
/* Whether it may be somebody's password (NIST SP 800-63B 5.1.1.2, which wants a length and no mixture of letters): E_BAD_VALUE at "password"
 * when it is shorter than LIMIT_PASSWORD_CHARS, isn't UTF-8, is one letter over and over, or holds the account's name. */
int password_check(const char *password, const char *account, struct error *e) MUST_CHECK;
/* Whether a file with a key (PKCS#12) may be encrypted by it: UTF-8, LIMIT_FILE_PASSWORD_CHARS characters to LIMIT_PASSWORD_BYTES octets; else
 * E_BAD_VALUE at field. */
int password_check_file(const char *password, const char *field, struct error *e) MUST_CHECK;

#endif
