#include "ca/blocklist.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/limits.h"
#include "lib/x509/der.h"

#define MODULUS_BYTES 10 /* of the SHA-1, from its end */
#define SPKI_BYTES SHA256_DIGEST_LENGTH

/* Hashes of one length, sorted. */
struct list {
	uint8_t *data;
	size_t width, n, room;
};
/* One pair for the whole process: written at its start, read by all that it forks. */
static struct list moduli = {.width = MODULUS_BYTES}, spkis = {.width = SPKI_BYTES};

static size_t sorting_width;

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sorting_width);
}

static bool
list_has(const struct list *l, const uint8_t *hash)
{
	size_t low = 0, high = l->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = memcmp(l->data + middle * l->width, hash, l->width);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A line of exactly the list's width in hexadecimal digits. */
static bool
list_add(struct list *l, const char *line)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->data = xrealloc(l->data, l->room * l->width);
	}
	for (size_t i = 0; i < l->width; i++) {
		int high = digit(line[2 * i]), low = high < 0 ? -1 : digit(line[2 * i + 1]);
		if (low < 0)
			return false;
		l->data[l->n * l->width + i] = (uint8_t)(high << 4 | low);
	}
	l->n++;
	return line[2 * l->width] == '\0';
}

static int
read_file(const char *path, struct list *l, struct error *e)
{
	char line[256];
	FILE *f = fopen(path, "re");
	int rc = 0;
	if (!f)
		return fail(e, E_BAD_VALUE, "%s: %s", path, strerror(errno));
	for (size_t at = 1; rc == 0 && fgets(line, sizeof(line), f); at++) {
		size_t len = strcspn(line, "\r\n");
		line[len] = '\0';
		if (len == 0 || *line == '#')
			continue;
		if (moduli.n + spkis.n >= LIMIT_WEAK_KEYS)
			rc = fail(e, E_BAD_VALUE, "%s: over %d keys in all lists", path, LIMIT_WEAK_KEYS);
		else if (!list_add(l, line))
			rc = fail(e, E_BAD_VALUE, "%s, line %zu: %zu hexadecimal digits are wanted", path, at, 2 * l->width);
	}
	if (rc == 0 && ferror(f))
		rc = fail(e, E_BAD_VALUE, "%s can't be read", path);
	fclose(f);
	return rc;
}

/* Which list a file belongs to; NULL: none. */
static struct list *
list_of(const char *name)
{
	static const char debian[] = "blacklist.RSA-", spki[] = ".spki";
	size_t len = strlen(name);
	if (strncmp(name, debian, sizeof(debian) - 1) == 0)
		return &moduli;
	return len > sizeof(spki) - 1 && strcmp(name + len - (sizeof(spki) - 1), spki) == 0 ? &spkis : NULL;
}

static int
read_folder(const char *dir, struct error *e)
{
	DIR *d = opendir(dir);
	int rc = 0;
	if (!d)
		return fail(e, E_BAD_VALUE, "[ca] weak_key_dir: %s: %s", dir, strerror(errno));
	for (struct dirent *entry; rc == 0 && (entry = readdir(d)) != NULL;) {
		char path[4096];
		struct list *l = list_of(entry->d_name);
		if (*entry->d_name == '.')
			continue;
		if (!l)
			rc = fail(e, E_BAD_VALUE, "[ca] weak_key_dir: %s: a list is called blacklist.RSA-<bits> or <name>.spki", entry->d_name);
		else if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= sizeof(path))
			rc = fail(e, E_BAD_VALUE, "[ca] weak_key_dir: the path is too long");
		else
			rc = read_file(path, l, e);
	}
	closedir(d);
	return rc;
}

static void
list_empty(struct list *l)
{
	free(l->data);
	l->data = NULL;
	l->n = l->room = 0;
}

static void
list_sort(struct list *l)
{
	sorting_width = l->width;
	if (l->n)
		qsort(l->data, l->n, l->width, compare);
}

int
blocklist_load(const char *dir, struct error *e)
{
	list_empty(&moduli);
	list_empty(&spkis);
	if (*dir && read_folder(dir, e) < 0) {
		list_empty(&moduli);
		list_empty(&spkis);
		return -1;
	}
	list_sort(&moduli);
	list_sort(&spkis);
	return 0;
}

size_t
blocklist_count(void)
{
	return moduli.n + spkis.n;
}

bool
blocklist_has_modulus(const BIGNUM *n)
{
	char text[sizeof("Modulus=\n") + LIMIT_RSA_MAX_BITS / 4];
	uint8_t hash[SHA_DIGEST_LENGTH];
	if (!moduli.n)
		return false;
	char *hex = BN_bn2hex(n);
	int len = hex ? snprintf(text, sizeof(text), "Modulus=%s\n", hex) : -1;
	OPENSSL_free(hex);
	/* What can't be looked up isn't known to be good. */
	if (len < 0 || (size_t)len >= sizeof(text))
		return true;
	SHA1((const unsigned char *)text, (size_t)len, hash);
	return list_has(&moduli, hash + sizeof(hash) - MODULUS_BYTES);
}

bool
blocklist_has_spki(struct bytes algorithm, struct bytes bits)
{
	struct buf spki BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct error e;
	if (!spkis.n)
		return false;
	size_t whole = der_begin(&spki, DER_SEQUENCE);
	der_put_raw(&spki, algorithm);
	der_put_bits(&spki, bits.data, bits.len);
	der_close(&spki, whole);
	if (buf_check(&spki, &e) < 0)
		return true;
	SHA256(spki.data, spki.len, hash);
	return list_has(&spkis, hash);
}
