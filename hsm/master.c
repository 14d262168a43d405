#include "hsm/master.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hsm/filestore.h"
#include "hsm/source.h"
#include "lib/limits.h"
#include "lib/seal.h"

/* 64 MiB and a quarter of a second for each guess; a process that opens the store needs as much, once. */
#define SCRYPT_N 65536
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SCRYPT_N_MAX (1 << 20)
#define SCRYPT_MEMORY_BYTES ((uint64_t)1200 * 1024 * 1024)
#define SALT_BYTES 16
#define PASSPHRASE_MIN 12 /* octets */
#define SEAL_CONTEXT "key-store:master"

static const char *const kinds[] = {"key:", "passphrase:", "sealed:"};
enum { KIND_KEY, KIND_PASSPHRASE, KIND_SEALED, KIND_COUNT };

/* The next word at *at; false behind the last. */
static bool
next_word(const char **at, char *ret, size_t size)
{
	*at += strspn(*at, " \t");
	size_t len = strcspn(*at, " \t");
	if (len == 0 || len >= size)
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at += len;
	return true;
}

static int
kind_of(const char *word, const char **ret_source)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if (strncmp(word, kinds[k], strlen(kinds[k])) == 0) {
			*ret_source = word + strlen(kinds[k]);
			return k;
		}
	return -1;
}

int
master_check(const char *text, struct error *e)
{
	char word[512];
	const char *at = text, *source;
	size_t n = 0;
	while (next_word(&at, word, sizeof(word))) {
		int kind = kind_of(word, &source);
		if (kind < 0)
			return fail(e, E_BAD_VALUE, "[ca] master_key: \"%s\" begins with none of key:, passphrase:, sealed:", word);
		if (kind == KIND_SEALED && source[0] != '/')
			return fail(e, E_BAD_VALUE, "[ca] master_key: sealed: wants an absolute path");
		if (kind != KIND_SEALED && source_check(source, e) < 0)
			return -1;
		n++;
	}
	if (*at || n == 0 || n > MASTER_KEYS_MAX)
		return fail(e, E_BAD_VALUE, "[ca] master_key: one to %d words, none longer than %zu bytes, are wanted", MASTER_KEYS_MAX,
			    sizeof(word) - 1);
	return 0;
}

static void
make_id(struct master_key *k)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	static const unsigned char what[] = "siegel master key";
	if (!HMAC(EVP_sha256(), k->key->data, (int)k->key->len, what, sizeof(what), mac, &n))
		abort();
	memcpy(k->id, mac, sizeof(k->id));
}

/* --- passphrases --- */

struct derivation {
	unsigned long n, r, p;
	uint8_t salt[SALT_BYTES], id[MASTER_ID_BYTES];
};

static int
derive(const struct secret *passphrase, const struct derivation *d, struct master_key *k, struct error *e)
{
	k->key = secret_new(NULL, SEAL_KEY_BYTES);
	if (EVP_PBE_scrypt((const char *)passphrase->data, passphrase->len, d->salt, sizeof(d->salt), d->n, d->r, d->p, SCRYPT_MEMORY_BYTES,
			   k->key->data, SEAL_KEY_BYTES) != 1)
		return fail(e, E_KEY_STORE, "no key can be made of the passphrase (not enough memory?)");
	make_id(k);
	return 0;
}

/* One line: scrypt N r p salt id. */
static int
derivation_read(const char *path, struct derivation *d, bool *ret_found, struct error *e)
{
	char line[256], salt[2 * SALT_BYTES + 1], id[2 * MASTER_ID_BYTES + 1];
	size_t n = 0;
	FILE *f = fopen(path, "re");
	*ret_found = f != NULL;
	if (!f)
		return errno == ENOENT ? 0 : fail(e, E_KEY_STORE, "%s: %s", path, strerror(errno));
	bool good = fgets(line, sizeof(line), f) &&
	    sscanf(line, "scrypt %lu %lu %lu %32[0-9a-f] %16[0-9a-f]", &d->n, &d->r, &d->p, salt, id) == 5 && d->n <= SCRYPT_N_MAX &&
	    d->r <= 32 && d->p <= 16 && OPENSSL_hexstr2buf_ex(d->salt, sizeof(d->salt), &n, salt, '\0') == 1 && n == sizeof(d->salt) &&
	    OPENSSL_hexstr2buf_ex(d->id, sizeof(d->id), &n, id, '\0') == 1 && n == sizeof(d->id);
	fclose(f);
	return good ? 0 : fail(e, E_KEY_STORE, "%s isn't \"scrypt N r p salt id\"", path);
}

static void
hex(const uint8_t *in, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", in[i]);
}

static int
derivation_make(const char *dir, const char *path, const struct secret *passphrase, struct derivation *d, struct master_key *k, struct error *e)
{
	char line[256], salt[2 * SALT_BYTES + 1], id[2 * MASTER_ID_BYTES + 1];
	*d = (struct derivation){.n = SCRYPT_N, .r = SCRYPT_R, .p = SCRYPT_P};
	if (RAND_bytes(d->salt, sizeof(d->salt)) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (derive(passphrase, d, k, e) < 0)
		return -1;
	hex(d->salt, sizeof(d->salt), salt);
	hex(k->id, sizeof(k->id), id);
	int n = snprintf(line, sizeof(line), "scrypt %lu %lu %lu %s %s\n", d->n, d->r, d->p, salt, id);
	return filestore_write(dir, path, (struct bytes){(const uint8_t *)line, (size_t)n}, e);
}

/* The file's name comes from where the passphrase is, so that each has its own. */
static int
from_passphrase(const char *source, const char *dir, struct master_key *k, struct error *e)
{
	struct secret *passphrase CLEANUP(secret_free) = NULL;
	struct derivation d;
	uint8_t hash[32];
	char path[512], name[17];
	bool found = false;
	if (source_read(source, LIMIT_SECRET_FILE_BYTES, &passphrase, e) < 0)
		return -1;
	if (passphrase->len < PASSPHRASE_MIN)
		return fail(e, E_BAD_VALUE, "the passphrase of the key store has less than %d octets", PASSPHRASE_MIN);
	if (EVP_Q_digest(NULL, "SHA256", NULL, source, strlen(source), hash, NULL) != 1)
		return fail(e, E_INTERNAL, "no SHA-256");
	hex(hash, 8, name);
	if ((size_t)snprintf(path, sizeof(path), "%s/master-%s.scrypt", dir, name) >= sizeof(path))
		return fail(e, E_KEY_STORE, "the key store's path is too long");
	if (derivation_read(path, &d, &found, e) < 0)
		return -1;
	if (!found) {
		if (derivation_make(dir, path, passphrase, &d, k, e) == 0)
			return 0;
		secret_free(TAKE(k->key)); /* another process may have been first */
		if (derivation_read(path, &d, &found, e) < 0 || !found)
			return found ? -1 : fail(e, E_KEY_STORE, "%s can't be written", path);
	}
	if (derive(passphrase, &d, k, e) < 0)
		return -1;
	if (CRYPTO_memcmp(d.id, k->id, sizeof(d.id)) != 0)
		return fail(e, E_KEY_STORE, "the passphrase isn't the one for which %s was made", path);
	return 0;
}

/* --- sealed by a token --- */

static int
make_sealed(const char *path, const struct master_seal *seal, struct error *e)
{
	char dir[512];
	struct buf sealed BUF_CLEANUP = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	struct secret *key CLEANUP(secret_free) = secret_new(NULL, SEAL_KEY_BYTES);
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (RAND_priv_bytes(key->data, SEAL_KEY_BYTES) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	if (seal->seal(seal->arg, SEAL_CONTEXT, (struct bytes){key->data, key->len}, &sealed, e) < 0)
		return -1;
	return filestore_write(*dir ? dir : "/", path, (struct bytes){sealed.data, sealed.len}, e);
}

static int
from_sealed(const char *path, const struct master_seal *seal, struct master_key *k, struct error *e)
{
	uint8_t data[LIMIT_SECRET_FILE_BYTES];
	struct error why;
	if (access(path, F_OK) < 0 && errno == ENOENT && make_sealed(path, seal, &why) < 0 && access(path, F_OK) < 0) {
		*e = why;
		return -1;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return fail(e, E_KEY_STORE, "%s can't be read", path);
	if (seal->unseal(seal->arg, SEAL_CONTEXT, (struct bytes){data, (size_t)n}, &k->key, e) < 0)
		return -1;
	if (k->key->len != SEAL_KEY_BYTES)
		return fail(e, E_KEY_STORE, "%s holds no master key", path);
	make_id(k);
	return 0;
}

static int
open_one(const char *word, const char *dir, const struct master_seal *seal, struct master_key *k, struct error *e)
{
	const char *source = "";
	struct secret *text CLEANUP(secret_free) = NULL;
	switch (kind_of(word, &source)) {
	case KIND_KEY:
		if (source_read(source, LIMIT_SECRET_FILE_BYTES, &text, e) < 0 || seal_key_parse(text, source, &k->key, e) < 0)
			return -1;
		make_id(k);
		return 0;
	case KIND_PASSPHRASE:
		return from_passphrase(source, dir, k, e);
	default:
		return from_sealed(source, seal, k, e);
	}
}

int
master_open(const char *text, const char *key_dir, const struct master_seal *seal, struct master **ret, struct error *e)
{
	char word[512];
	const char *at = text;
	struct master *m CLEANUP(master_free) = xcalloc(1, sizeof(*m));
	if (master_check(text, e) < 0)
		return -1;
	while (next_word(&at, word, sizeof(word)))
		if (open_one(word, key_dir, seal, &m->keys[m->n++], e) < 0)
			return -1;
	*ret = TAKE(m);
	return 0;
}

void
master_free(struct master *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		secret_free(m->keys[i].key);
	free(m);
}
