#include "lib/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define HEAP_BYTES ((size_t)1024 * 1024) /* PIN, master keys, tokens of requests in flight: some KiB in practice */
#define HEAP_SMALLEST 32

static void
make_heap(void)
{
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(HEAP_BYTES, HEAP_SMALLEST);
}

void
secret_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_heap);
}

struct secret *
secret_new(const void *data, size_t len)
{
	struct secret *s = xcalloc(1, sizeof(*s));

	secret_init();
	s->data = OPENSSL_secure_zalloc(len + 1);
	/* A full heap is no reason to stop: secret_free() wipes either kind. */
	if (!s->data)
		s->data = OPENSSL_zalloc(len + 1);
	if (!s->data)
		abort();
	s->len = len;
	if (data && len)
		memcpy(s->data, data, len);
	return s;
}

void
secret_free(struct secret *s)
{
	if (!s)
		return;
	OPENSSL_secure_clear_free(s->data, s->len + 1);
	free(s);
}

/* Reads up to len bytes; the number read, or -1. */
static ssize_t
read_full(int fd, unsigned char *data, size_t len)
{
	size_t n = 0;

	while (n < len) {
		ssize_t got = read(fd, data + n, len - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static int
read_open(int fd, const char *path, size_t max, struct secret **ret, struct error *e)
{
	CLEANUP(secret_free) struct secret *s = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return fail(e, E_UNAVAILABLE, "can't look at %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(e, E_BAD_VALUE, "%s isn't a regular file", path);
	if (st.st_mode & 077)
		return fail(e, E_BAD_VALUE, "%s may be read by others than its owner: set its mode to 0600", path);
	s = secret_new(NULL, max + 1);
	n = read_full(fd, s->data, max + 1);
	if (n < 0)
		return fail(e, E_UNAVAILABLE, "can't read %s: %s", path, strerror(errno));
	if ((size_t)n > max)
		return fail(e, E_TOO_LARGE, "%s holds more than the allowed %zu bytes", path, max);
	if (n > 0 && s->data[n - 1] == '\n')
		n--;
	*ret = secret_new(s->data, (size_t)n);
	return 0;
}

int
secret_read_file(const char *path, size_t max, struct secret **ret, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us before we can refuse it */
	int rc;

	if (fd < 0)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", path, strerror(errno));
	rc = read_open(fd, path, max, ret, e);
	close(fd);
	return rc;
}

bool
secret_equal(const void *a, size_t alen, const void *b, size_t blen)
{
	return alen == blen && CRYPTO_memcmp(a, b, alen) == 0;
}

int
secret_random_text(size_t n_bytes, struct secret **ret, struct error *e)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 section 6, in lower case */
	CLEANUP(secret_free) struct secret *raw = secret_new(NULL, n_bytes);
	struct secret *text;

	if (RAND_priv_bytes(raw->data, (int)n_bytes) != 1)
		return fail(e, E_INTERNAL, "no random bytes to be had");
	text = secret_new(NULL, (n_bytes * 8 + 4) / 5);
	for (size_t i = 0; i < text->len; i++) {
		size_t bit = i * 5;
		/* the byte after the last is the NUL of struct secret, so the padding bits are zero */
		unsigned pair = (unsigned)raw->data[bit / 8] << 8 | raw->data[bit / 8 + 1];

		text->data[i] = (unsigned char)digits[pair >> (11 - bit % 8) & 31];
	}
	*ret = text;
	return 0;
}
