/* Nonces, RFC 8555 6.5, and newNonce, 7.2. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enroll/acme/acme.h"

#define MAC_BYTES 16
#define HMAC_BLOCK 64 /* of SHA-256 */
#define REREAD_SEC 1 /* a nonce that isn't under our key may be under a newer one: so often we ask at most */

struct acme_nonces {
	struct enroll *enroll;
	EVP_MD *sha256;
	pthread_mutex_t lock;
	bool known;
	time_t read_at; /* of CLOCK_MONOTONIC */
	uint8_t key[ACME_NONCE_KEY_BYTES];
};

struct acme_nonces *
acme_nonces_new(struct enroll *en)
{
	struct acme_nonces *p = xcalloc(1, sizeof(*p));
	*p = (struct acme_nonces){.enroll = en, .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL), .lock = PTHREAD_MUTEX_INITIALIZER};
	return p;
}

void
acme_nonces_free(struct acme_nonces *p)
{
	if (!p)
		return;
	OPENSSL_cleanse(p->key, sizeof(p->key));
	EVP_MD_free(p->sha256);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static time_t
now_sec(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int
read_key(struct acme_nonces *p, uint8_t ret[ACME_NONCE_KEY_BYTES], struct error *e)
{
	uint8_t fresh[ACME_NONCE_KEY_BYTES];
	struct arena *a CLEANUP(arena_free) = arena_new(4096);
	CLEANUP(db_result_free) struct db_result *r = NULL;
	if (RAND_bytes(fresh, sizeof(fresh)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (enroll_query(p->enroll, 0, "SELECT acme_nonce_key($1::bytea)", (struct db_param[]){DB_BYTES(fresh, sizeof(fresh))}, 1, &r, e) < 0)
		return -1;
	struct bytes key = db_bytes(r, 0, 0, a);
	if (key.len != ACME_NONCE_KEY_BYTES)
		return fail(e, E_STORE, "the store has no key for nonces");
	memcpy(ret, key.data, key.len);
	return 0;
}

/* The key as it is known; it is read when it isn't, or with anew when that was some time ago. */
static int
get_key(struct acme_nonces *p, bool anew, uint8_t ret[ACME_NONCE_KEY_BYTES], struct error *e)
{
	uint8_t key[ACME_NONCE_KEY_BYTES];
	pthread_mutex_lock(&p->lock);
	bool ask = !p->known || (anew && now_sec() - p->read_at >= REREAD_SEC);
	if (ask)
		p->read_at = now_sec();
	memcpy(key, p->key, sizeof(key));
	pthread_mutex_unlock(&p->lock);
	if (ask) {
		if (read_key(p, key, e) < 0)
			return -1;
		pthread_mutex_lock(&p->lock);
		memcpy(p->key, key, sizeof(key));
		p->known = true;
		pthread_mutex_unlock(&p->lock);
	}
	memcpy(ret, key, sizeof(key));
	return 0;
}

void
acme_nonces_forget(struct acme_nonces *p)
{
	pthread_mutex_lock(&p->lock);
	p->known = false;
	pthread_mutex_unlock(&p->lock);
}

static void
digest(const struct acme_nonces *p, const uint8_t *data, size_t len, uint8_t ret[SHA256_DIGEST_LENGTH])
{
	if (EVP_Digest(data, len, ret, NULL, p->sha256, NULL) != 1)
		abort(); /* no input makes it fail */
}

/* HMAC (RFC 2104 2) by a digest that was fetched once: the library's own would look for both each time, which costs five times as much. */
static void
mac_of(const struct acme_nonces *p, const uint8_t key[ACME_NONCE_KEY_BYTES], const uint8_t nonce[ACME_NONCE_BYTES], uint8_t ret[MAC_BYTES])
{
	uint8_t inner[HMAC_BLOCK + ACME_NONCE_BYTES], outer[HMAC_BLOCK + SHA256_DIGEST_LENGTH], mac[SHA256_DIGEST_LENGTH];
	memset(inner, 0x36, HMAC_BLOCK);
	memset(outer, 0x5c, HMAC_BLOCK);
	for (size_t i = 0; i < ACME_NONCE_KEY_BYTES; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	memcpy(inner + HMAC_BLOCK, nonce, ACME_NONCE_BYTES);
	digest(p, inner, sizeof(inner), outer + HMAC_BLOCK);
	digest(p, outer, sizeof(outer), mac);
	memcpy(ret, mac, MAC_BYTES);
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
}

int
acme_nonce_make(struct acme_nonces *p, struct arena *a, const char **ret, struct error *e)
{
	uint8_t key[ACME_NONCE_KEY_BYTES], text[ACME_NONCE_BYTES + MAC_BYTES];
	uint32_t now = (uint32_t)time(NULL);
	if (get_key(p, false, key, e) < 0)
		return -1;
	if (RAND_bytes(text, ACME_NONCE_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	for (int i = 0; i < 4; i++)
		text[i] = (uint8_t)(now >> (24 - 8 * i));
	mac_of(p, key, text, text + ACME_NONCE_BYTES);
	*ret = base64url_encode(a, (struct bytes){text, sizeof(text)});
	return 0;
}

int
acme_nonce_check(struct acme_nonces *p, const char *nonce, uint8_t ret[ACME_NONCE_BYTES], uint8_t ret_key[ACME_NONCE_KEY_BYTES], struct error *e)
{
	struct arena *a CLEANUP(arena_free) = arena_new(4096);
	uint8_t key[ACME_NONCE_KEY_BYTES], mac[MAC_BYTES];
	struct bytes text;
	if (!nonce || strlen(nonce) > 64 || base64url_decode(a, nonce, strlen(nonce), "nonce", &text, e) < 0 ||
	    text.len != ACME_NONCE_BYTES + MAC_BYTES)
		return fail(e, E_BAD_NONCE, "the nonce isn't one of this server's (RFC 8555 6.5)");
	for (int anew = 0; anew < 2; anew++) {
		if (get_key(p, anew, key, e) < 0)
			return -1;
		mac_of(p, key, text.data, mac);
		if (CRYPTO_memcmp(mac, text.data + ACME_NONCE_BYTES, MAC_BYTES) == 0)
			break;
		if (anew)
			return fail(e, E_BAD_NONCE, "the nonce isn't one of this server's (RFC 8555 6.5)");
	}
	int64_t age = (int64_t)time(NULL) - ((int64_t)text.data[0] << 24 | text.data[1] << 16 | text.data[2] << 8 | text.data[3]);
	if (age > ACME_NONCE_SEC || age < -60) /* front ends' clocks may differ a little */
		return fail(e, E_BAD_NONCE, "the nonce is older than %d minutes (RFC 8555 6.5)", ACME_NONCE_SEC / 60);
	memcpy(ret, text.data, ACME_NONCE_BYTES);
	memcpy(ret_key, key, sizeof(key));
	return 0;
}

/* RFC 8555 7.2: 200 to HEAD, 204 to GET. */
static int
handle(struct acme_exchange *x, struct http_answer *a, struct error *e)
{
	const char *nonce = NULL;
	if (acme_nonce_make(acme_nonces(x->acme), x->arena, &nonce, e) < 0)
		return -1;
	a->status = strcmp(x->request->method, "HEAD") == 0 ? 200 : 204;
	http_answer_header(a, "Replay-Nonce", nonce);
	http_answer_header(a, "Cache-Control", "no-store");
	return 0;
}

const struct acme_operation acme_new_nonce = {.name = "newNonce", .path = "new-nonce", .get = handle};
