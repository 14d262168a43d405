#include "lib/password.h"

#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "tests/unit/lib/suites.h"

/* python3 -c "import hashlib; print(hashlib.sha256(hashlib.scrypt(b'correct horse battery staple', salt=bytes(range(16)), n=32768, r=8, p=1,
 * maxmem=1<<26, dklen=32)).hexdigest())" */
static const uint8_t known[PASSWORD_HASH_BYTES] = {
    0xef,
    0x44,
    0x47,
    0x15,
    0xb8,
    0x6f,
    0x44,
    0x31,
    0x92,
    0x04,
    0x04,
    0x55,
    0x4a,
    0x03,
    0x40,
    0xdb,
    0xcd,
    0x7e,
    0x98,
    0x49,
    0x3e,
    0x2c,
    0x50,
    0xf9,
    0x9e,
    0xe5,
    0xdc,
    0x86,
    0x89,
    0xd3,
    0xb1,
    0xd0,
};

START_TEST(hashed)
{
	static const char password[] = "correct horse battery staple";
	uint8_t salt[PASSWORD_SALT_BYTES], hash[PASSWORD_HASH_BYTES], other[PASSWORD_HASH_BYTES];
	struct error e;
	for (uint8_t i = 0; i < PASSWORD_SALT_BYTES; i++)
		salt[i] = i;
	ck_assert_int_eq(password_hash(BYTES_STR(password), salt, hash, &e), 0);
	ck_assert_mem_eq(hash, known, sizeof(hash));
	salt[15]++;
	ck_assert_int_eq(password_hash(BYTES_STR(password), salt, other, &e), 0);
	ck_assert_mem_ne(hash, other, sizeof(hash));
	/* W07: what is long isn't hashed. */
	char *large = calloc(1, LIMIT_PASSWORD_BYTES + 1);
	ck_assert_int_eq(password_hash((struct bytes){(uint8_t *)large, LIMIT_PASSWORD_BYTES + 1}, salt, hash, &e), -1);
	ck_assert_int_eq(e.code, E_BAD_VALUE);
	free(large);
}
END_TEST

START_TEST(checked)
{
	static const struct {
		const char *password;
		bool good;
	} rows[] = {
	    {"twelve chars", true},
	    {"eleven char", false},
	    {"aaaaaaaaaaaa", false},
	    {"aaaaaaaaaaab", true},
	    {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc", false},
	    {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc", true},
	    {"i am Erika, hello", false},
	    {"not utf-8 \xff\xff\xff", false},
	    {"", false},
	};
	struct error e;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg((password_check(rows[i].password, "erika", &e) == 0) == rows[i].good, "row %zu", i);
		if (!rows[i].good)
			ck_assert_str_eq(e.pointer, "password");
	}
	ck_assert_int_eq(password_check("my name is al, yes", "al", &e), 0); /* two letters are in everything */
}
END_TEST

START_TEST(of_a_file)
{
	struct error e;
	char large[LIMIT_PASSWORD_BYTES + 2] = "";
	memset(large, 'a', LIMIT_PASSWORD_BYTES);
	ck_assert_int_eq(password_check_file("aaaaaaaa", "p", &e), 0); /* what people choose for a file that they send is theirs */
	ck_assert_int_eq(password_check_file("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6", "p", &e), 0);
	ck_assert_int_eq(password_check_file(large, "p", &e), 0);
	large[LIMIT_PASSWORD_BYTES] = 'a';
	const char *const bad[] = {"", "seven c", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4", "not utf-8 \xff", large};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(password_check_file(bad[i], "p", &e) < 0, "row %zu", i);
		ck_assert_int_eq(e.code, E_BAD_VALUE);
		ck_assert_str_eq(e.pointer, "p");
	}
}
END_TEST

TCase *
tcase_password(void)
{
	TCase *t = tcase_create("password");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, hashed);
	tcase_add_test(t, checked);
	tcase_add_test(t, of_a_file);
	return t;
}
