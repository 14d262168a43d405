#include "tests/bench/pool.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#define POOL_THREADS 2
#define POINT_BYTES 65 /* uncompressed, of P-256 */

struct part {
	pthread_t thread;
	const char *prefix;
	struct pool_csr *pool;
	size_t from, to;
};

/* What a thread uses again and again. */
struct maker {
	EVP_PKEY_CTX *keys;
	EVP_MD_CTX *sign;
	EVP_MD *sha256;
};

static void
die(const char *what)
{
	fprintf(stderr, "pool: %s failed\n", what);
	exit(2);
}

/* Puts an element of up to 255 bytes at out + at; data may lie where it goes to. */
static size_t
put(uint8_t *out, size_t at, uint8_t tag, const void *data, size_t len)
{
	size_t head = len > 127 ? 3 : 2;

	memmove(out + at + head, data, len);
	out[at] = tag;
	out[at + 1] = 0x81;
	out[at + head - 1] = (uint8_t)len;
	return at + head + len;
}

/* CertificationRequestInfo, RFC 2986 4.1: version 0, a common name, the key, no attributes. */
static size_t
put_info(uint8_t *out, const char *cn, const uint8_t *point)
{
	static const uint8_t version[] = {0x02, 0x01, 0x00}, attributes[] = {0xa0, 0x00};
	static const uint8_t name_oid[] = {0x06, 0x03, 0x55, 0x04, 0x03};
	static const uint8_t spki_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	                                    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
	uint8_t info[256], name[80];
	size_t n, at = sizeof(version);

	memcpy(name, name_oid, sizeof(name_oid));
	n = put(name, sizeof(name_oid), 0x0c, cn, strlen(cn));
	n = put(name, 0, 0x30, name, n);
	n = put(name, 0, 0x31, name, n);
	memcpy(info, version, sizeof(version));
	at = put(info, at, 0x30, name, n);
	memcpy(info + at, spki_head, sizeof(spki_head));
	memcpy(info + at + sizeof(spki_head), point, POINT_BYTES);
	at += sizeof(spki_head) + POINT_BYTES;
	memcpy(info + at, attributes, sizeof(attributes));
	return put(out, 0, 0x30, info, at + sizeof(attributes));
}

static void
make(const struct part *part, struct maker *m, size_t i)
{
	static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	uint8_t whole[POOL_CSR_BYTES], bits[96] = {0}, point[POINT_BYTES];
	size_t len, signature_len = sizeof(bits) - 1, point_len;
	EVP_PKEY *key = NULL;
	char cn[48];

	snprintf(cn, sizeof(cn), "%.32s-%07zu", part->prefix, i);
	if (EVP_PKEY_generate(m->keys, &key) != 1 ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len) != 1 || point_len != POINT_BYTES)
		die("making a key");
	len = put_info(whole, cn, point);
	if (EVP_DigestSignInit(m->sign, NULL, m->sha256, NULL, key) != 1 || EVP_DigestSign(m->sign, bits + 1, &signature_len, whole, len) != 1)
		die("signing a request");
	EVP_MD_CTX_reset(m->sign);
	EVP_PKEY_free(key);
	memcpy(whole + len, algorithm, sizeof(algorithm));
	len = put(whole, len + sizeof(algorithm), 0x03, bits, signature_len + 1);
	part->pool[i].len = put(part->pool[i].der, 0, 0x30, whole, len);
}

static void *
work(void *arg)
{
	const struct part *part = arg;
	struct maker m = {EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), EVP_MD_CTX_new(), EVP_MD_fetch(NULL, "SHA2-256", NULL)};

	if (!m.keys || !m.sign || !m.sha256 || EVP_PKEY_keygen_init(m.keys) != 1 || EVP_PKEY_CTX_set_group_name(m.keys, "P-256") != 1)
		die("key generation");
	for (size_t i = part->from; i < part->to; i++)
		make(part, &m, i);
	EVP_PKEY_CTX_free(m.keys);
	EVP_MD_CTX_free(m.sign);
	EVP_MD_free(m.sha256);
	return NULL;
}

struct pool_csr *
pool_new(const char *prefix, size_t n)
{
	struct pool_csr *pool = calloc(n, sizeof(*pool));
	struct part parts[POOL_THREADS];

	if (!pool)
		die("allocating");
	for (size_t t = 0; t < POOL_THREADS; t++) {
		parts[t] = (struct part){0, prefix, pool, n * t / POOL_THREADS, n * (t + 1) / POOL_THREADS};
		if (pthread_create(&parts[t].thread, NULL, work, &parts[t]) != 0)
			die("starting a thread");
	}
	for (size_t t = 0; t < POOL_THREADS; t++)
		pthread_join(parts[t].thread, NULL);
	return pool;
}
