#include "tests/bench/pool.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define POOL_THREADS 2

struct part {
	pthread_t thread;
	const char *prefix;
	struct pool_csr *pool;
	size_t from, to;
};

static void
die(const char *what)
{
	fprintf(stderr, "pool: %s failed\n", what);
	exit(2);
}

static void
make(const struct part *part, size_t i)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();
	unsigned char *at = part->pool[i].der;
	char cn[64];
	int len;

	snprintf(cn, sizeof(cn), "%s-%07zu", part->prefix, i);
	if (!key || !req || !name || !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0) ||
	    !X509_REQ_set_subject_name(req, name) || !X509_REQ_set_pubkey(req, key) || !X509_REQ_sign(req, key, EVP_sha256()))
		die("making a request");
	len = i2d_X509_REQ(req, NULL);
	if (len <= 0 || len > POOL_CSR_BYTES || i2d_X509_REQ(req, &at) != len)
		die("encoding a request");
	part->pool[i].len = (size_t)len;
	X509_NAME_free(name);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void *
work(void *arg)
{
	const struct part *part = arg;

	for (size_t i = part->from; i < part->to; i++)
		make(part, i);
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
