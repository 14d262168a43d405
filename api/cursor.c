/* cursor = base64url(MAC ‖ length of value (2 bytes) ‖ value ‖ id), MAC = the first 16 bytes of HMAC-SHA256(key, list ‖ NUL ‖ rest). */
#include "config.h"
#include "api/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "lib/secret.h"
#include "lib/text.h"

#define MAC_BYTES 16
#define HEAD_BYTES (MAC_BYTES + 2)
#define CURSOR_MAX_BYTES 4096 /* the longest sort value, a subject, with its escapes */

static int
key_make(const char *path, struct error *e)
{
	uint8_t random[32];
	char hex[65], temporary[512];
	int fd, n;

	if (RAND_bytes(random, sizeof random) != 1)
		return fail(e, E_INTERNAL, "no random numbers");
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	n = snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof temporary)
		return fail(e, E_INTERNAL, "the path %s is too long", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(e, E_INTERNAL, "%s can't be written: %s", temporary, strerror(errno));
	n = write(fd, hex, 64) == 64 && fsync(fd) == 0;
	close(fd);
	OPENSSL_cleanse(random, sizeof random);
	OPENSSL_cleanse(hex, sizeof hex);
	/* Of two that start together one wins, and both read its key. */
	if (n && link(temporary, path) && errno != EEXIST)
		n = 0;
	unlink(temporary);
	return n ? 0 : fail(e, E_INTERNAL, "%s can't be written: %s", path, strerror(errno));
}

int
cursor_key_load(const struct config *c, uint8_t ret[32], struct error *e)
{
	CLEANUP(secret_free) struct secret *s = NULL;
	char path[480];
	unsigned byte;

	snprintf(path, sizeof path, "%s/api.cursor-key", config_str(c, OPT_sockets_dir));
	if (access(path, F_OK) && key_make(path, e))
		return -1;
	if (secret_read_file(path, 128, &s, e))
		return -1;
	if (s->len != 64)
		return fail(e, E_INTERNAL, "%s isn't 64 hexadecimal digits", path);
	for (int i = 0; i < 32; i++) {
		if (sscanf((const char *)s->data + (size_t)2 * i, "%2x", &byte) != 1)
			return fail(e, E_INTERNAL, "%s isn't 64 hexadecimal digits", path);
		ret[i] = (uint8_t)byte;
	}
	return 0;
}

static int
mac(const uint8_t key[32], const char *list, const uint8_t *rest, size_t len, struct arena *a, uint8_t ret[EVP_MAX_MD_SIZE],
    struct error *e)
{
	size_t list_len = strlen(list) + 1;
	uint8_t *text = arena_alloc(a, list_len + len);

	memcpy(text, list, list_len);
	memcpy(text + list_len, rest, len);
	if (!HMAC(EVP_sha256(), key, 32, text, list_len + len, ret, NULL))
		return fail(e, E_INTERNAL, "no HMAC");
	return 0;
}

int
cursor_encode(struct arena *a, const uint8_t key[32], const char *list, const char *value, const char *id, char **ret, struct error *e)
{
	size_t value_len = strlen(value), id_len = strlen(id), len = HEAD_BYTES + value_len + id_len;
	uint8_t digest[EVP_MAX_MD_SIZE], *data = arena_alloc(a, len);

	if (len > CURSOR_MAX_BYTES / 2)
		return fail(e, E_TOO_LARGE, "a value is too long to be sorted by");
	data[MAC_BYTES] = (uint8_t)(value_len >> 8);
	data[MAC_BYTES + 1] = (uint8_t)value_len;
	memcpy(data + HEAD_BYTES, value, value_len);
	memcpy(data + HEAD_BYTES + value_len, id, id_len);
	if (mac(key, list, data + MAC_BYTES, len - MAC_BYTES, a, digest, e))
		return -1;
	memcpy(data, digest, MAC_BYTES);
	*ret = base64url_encode(a, (struct bytes){data, len});
	return 0;
}

int
cursor_decode(struct arena *a, const uint8_t key[32], const char *list, const char *cursor, const char **ret_value, const char **ret_id,
              struct error *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct bytes in;
	size_t value_len;

	if (strlen(cursor) > CURSOR_MAX_BYTES || base64url_decode(a, cursor, strlen(cursor), "cursor", &in, e) || in.len < HEAD_BYTES)
		return fail(e, E_MALFORMED, "the cursor isn't one of ours");
	if (mac(key, list, in.data + MAC_BYTES, in.len - MAC_BYTES, a, digest, e))
		return -1;
	value_len = (size_t)in.data[MAC_BYTES] << 8 | in.data[MAC_BYTES + 1];
	if (CRYPTO_memcmp(digest, in.data, MAC_BYTES) != 0 || value_len > in.len - HEAD_BYTES)
		return fail(e, E_MALFORMED, "the cursor belongs to another list, or was changed");
	*ret_value = arena_strndup(a, (const char *)in.data + HEAD_BYTES, value_len);
	*ret_id = arena_strndup(a, (const char *)in.data + HEAD_BYTES + value_len, in.len - HEAD_BYTES - value_len);
	return 0;
}
