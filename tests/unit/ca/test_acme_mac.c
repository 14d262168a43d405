/* External account keys on a real store, sealed by a real key store: ca/acme_mac.c. The MACs are those of RFC 4231 and of OpenSSL. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "ca/acme_mac.h"
#include "lib/limits.h"
#include "tests/unit/ca/house.h"

static struct house h;
static struct arena *a;
static struct error e;
static uint8_t content[LIMIT_MAC_CONTENT_BYTES + 1], mac[EVP_MAX_MD_SIZE + 1];
static Siegel__CheckMac q;

static const char key[] = "a key of thirty-two octets, yes!";

static int64_t
add_key(const char *kid, const char *octets, size_t len)
{
	struct buf sealed BUF_CLEANUP = BUF_INIT(len + HSM_SEAL_OVERHEAD);
	struct db_result *r CLEANUP(db_result_free) = NULL;
	ck_assert_msg(hsm_seal(h.hsm, "", arena_printf(a, ACME_KEY_CONTEXT, kid), octets, len, &sealed, &e) == 0, "%s", e.detail);
	struct db_param row[] = {DB_TEXT(kid), DB_BYTES(sealed.data, sealed.len)};
	ck_assert_msg(db_query(h.db, "INSERT INTO acme_key (tenant_id, kid, sealed, requestor) VALUES (1, $1::text, $2::bytea, 'test') RETURNING id",
	                       row, 2, false, &r, &e) == 0, "%s", e.detail);
	return db_int(r, 0, 0);
}

static void
question(int64_t id, const char *algorithm, const EVP_MD *digest, const char *octets, size_t len)
{
	unsigned mac_len = 0;
	siegel__check_mac__init(&q);
	memset(content, 'c', sizeof(content));
	ck_assert_ptr_nonnull(HMAC(digest, octets, (int)len, content, 1000, mac, &mac_len));
	q.tenant_id = 1;
	q.key_id = id;
	q.algorithm = writable(algorithm);
	q.content = (ProtobufCBinaryData){1000, content};
	q.mac = (ProtobufCBinaryData){mac_len, mac};
}

static void
expect(bool wanted)
{
	bool good = !wanted;
	ck_assert_msg(acme_mac_check(h.db, h.hsm, &q, a, &good, &e) == 0, "%s", e.detail);
	ck_assert_int_eq(good, wanted);
}

static void
setup(void)
{
	house_open(&h, "test.mac");
	a = arena_new(1 << 20);
}

static void
teardown(void)
{
	test_superuser("DELETE FROM siegel.acme_key");
	arena_free(a);
	house_close(&h);
}

START_TEST(good_and_not)
{
	static const struct {
		const char *word;
		const EVP_MD *(*digest)(void);
	} algorithms[] = {{"HS256", EVP_sha256}, {"HS384", EVP_sha384}, {"HS512", EVP_sha512}};
	int64_t id = add_key("kid-good", key, 32);
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		question(id, algorithms[i].word, algorithms[i].digest(), key, 32);
		expect(true);
		for (size_t bit = 0; bit < q.mac.len * 8; bit += 7) {
			mac[bit / 8] ^= (uint8_t)(1U << bit % 8);
			expect(false);
			mac[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		expect(true);
		q.content.len--;
		expect(false);
		q.content.len++;
		for (size_t len = 0; len < q.mac.len; len += 4) { /* a MAC that is cut off (RFC 7518 3.2: all of it) */
			size_t whole = q.mac.len;
			q.mac.len = len;
			expect(false);
			q.mac.len = whole;
		}
		q.mac.len++;
		expect(false);
		question(id, algorithms[i].word, algorithms[(i + 1) % 3].digest(), key, 32);
		expect(false);
	}
	question(id, "HS256", EVP_sha256(), "another key of 32 octets, indeed", 32);
	expect(false);
}
END_TEST

/* RFC 4231 4.3, test case 2. */
START_TEST(known_answer)
{
	static const uint8_t wanted[32] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
	                                   0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
	question(add_key("kid-known", "Jefe", 4), "HS256", EVP_sha256(), "Jefe", 4);
	memcpy(content, "what do ya want for nothing?", 28);
	q.content.len = 28;
	memcpy(mac, wanted, 32);
	expect(true);
}
END_TEST

/* M11: another tenant's, revoked, expired, and none at all. */
START_TEST(keys_that_dont_count)
{
	question(add_key("kid-gone", key, 32), "HS256", EVP_sha256(), key, 32);
	expect(true);
	q.tenant_id = 2;
	expect(false);
	q.tenant_id = 1;
	q.key_id += 1000;
	expect(false);
	q.key_id -= 1000;
	test_superuser("UPDATE siegel.acme_key SET expires_at = now() + interval '1 hour'");
	expect(true);
	test_superuser("UPDATE siegel.acme_key SET expires_at = now() - interval '1 second'");
	expect(false);
	test_superuser("UPDATE siegel.acme_key SET expires_at = NULL, revoked_at = now()");
	expect(false);
	test_superuser("UPDATE siegel.acme_key SET revoked_at = NULL");
	expect(true);
}
END_TEST

/* A sealed key holds for its own row alone. */
START_TEST(moved_to_another_row)
{
	int64_t mine = add_key("kid-mine", key, 32), other = add_key("kid-other", "another key of 32 octets, indeed", 32);
	test_superuser("UPDATE siegel.acme_key SET sealed = (SELECT k.sealed FROM siegel.acme_key k WHERE k.kid = 'kid-mine') WHERE kid = 'kid-other'");
	question(mine, "HS256", EVP_sha256(), key, 32);
	expect(true);
	q.key_id = other;
	bool good = true;
	ck_assert_int_eq(acme_mac_check(h.db, h.hsm, &q, a, &good, &e), -1);
	ck_assert(good);
}
END_TEST

START_TEST(no_question)
{
	static const char *const words[] = {"", "none", "HS1", "hs256", "HS256 ", "RS256"};
	bool good = false;
	int64_t id = add_key("kid-none", key, 32);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		question(id, words[i], EVP_sha256(), key, 32);
		ck_assert_int_eq(acme_mac_check(h.db, h.hsm, &q, a, &good, &e), -1);
		ck_assert_int_eq(e.code, E_MALFORMED);
	}
	question(id, "HS256", EVP_sha256(), key, 32);
	q.content.len = 0;
	ck_assert_int_eq(acme_mac_check(h.db, h.hsm, &q, a, &good, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
	q.content.len = LIMIT_MAC_CONTENT_BYTES + 1;
	ck_assert_int_eq(acme_mac_check(h.db, h.hsm, &q, a, &good, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
	q.content.len = LIMIT_MAC_CONTENT_BYTES;
	expect(false);
}
END_TEST

TCase *
tcase_acme_mac(void)
{
	TCase *c = tcase_create("acme_mac");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, good_and_not);
	tcase_add_test(c, known_answer);
	tcase_add_test(c, keys_that_dont_count);
	tcase_add_test(c, moved_to_another_row);
	tcase_add_test(c, no_question);
	return c;
}
