/* What the tests of the key stores have in common: a folder with SoftHSM tokens, and keys that sign. */
#ifndef SIEGEL_TESTS_UNIT_HSM_HOUSE_H
#define SIEGEL_TESTS_UNIT_HSM_HOUSE_H
#include <openssl/evp.h>
#include <stdbool.h>
#include <sys/types.h>

extern char house_dir[64], house_module[256];

/* A folder with a token "t" (PIN 123456), PIN and master key files; a fixture. */
void house_setup(void);
void house_teardown(void);
void house_write(const char *name, const char *text, mode_t mode);
/* The path of a file in the folder; good until the eighth call after. */
const char *house_path(const char *name);
/* One more token with the same PIN; its serial number goes to ret (17 bytes). */
void house_token(const char *label, char *ret_serial);
/* Signs, and verifies with the same key. */
bool house_signs(EVP_PKEY *key, const char *digest);

#endif
