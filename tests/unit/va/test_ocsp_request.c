#include <config.h>

#include "tests/unit/va/suites.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/x509/der.h"
#include "va/ocsp_request.h"

static struct ocsp_request
parse(struct bytes der)
{
	struct ocsp_request r;
	struct error e = {.detail = ""};

	ck_assert_msg(ocsp_request_parse(der, &r, &e) == 0, "%s", e.detail);
	return r;
}

/* What libcrypto wrote is read with each hash, and the views lie where they should. */
START_TEST(reads_libcrypto)
{
	const EVP_MD *mds[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);

	for (int i = 0; i < OCSP_HASH_COUNT; i++) {
		struct ocsp_request r = parse(house_request(h, mds[i], 3, 32));

		ck_assert_int_eq(r.n_ids, 3);
		ck_assert_int_eq(r.ids[2].hash, i);
		ck_assert_uint_eq(r.ids[2].name_hash.len, (size_t)EVP_MD_get_size(mds[i]));
		ck_assert_uint_eq(r.ids[2].key_hash.len, ocsp_hash_bytes(r.ids[2].hash));
		ck_assert_uint_eq(r.ids[2].serial.len, 1);
		ck_assert_uint_eq(r.ids[2].serial.data[0], 3);
		ck_assert_uint_eq(r.ids[2].whole.data[0], DER_SEQUENCE);
		ck_assert_uint_eq(r.nonce.len, 34);
		ck_assert(!r.is_signed);
	}
	house_free(h);
}
END_TEST

START_TEST(reads_no_nonce)
{
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);

	ck_assert_uint_eq(parse(house_request(h, EVP_sha1(), 1, 0)).nonce.len, 0);
	house_free(h);
}
END_TEST

/* A signature is passed over, whoever made it. */
START_TEST(reads_signed)
{
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct bytes plain = house_request(h, EVP_sha1(), 1, 16);
	const unsigned char *p = plain.data;
	unsigned char *der = NULL;
	OCSP_REQUEST *q = d2i_OCSP_REQUEST(NULL, &p, (long)plain.len);
	int n;

	ck_assert_int_eq(OCSP_request_sign(q, h->ca, h->ca_key, EVP_sha256(), NULL, 0), 1);
	n = i2d_OCSP_REQUEST(q, &der);
	ck_assert(parse((struct bytes){der, (size_t)n}).is_signed);
	OPENSSL_free(der);
	OCSP_REQUEST_free(q);
	house_free(h);
}
END_TEST

/* No prefix of a request is a request, and no single changed byte makes the reader leave its input. */
START_TEST(prefixes_and_changes)
{
	struct house *h = house_new("CA", 1, 3600, SIGNER_RIGHT);
	struct bytes der = house_request(h, EVP_sha256(), 2, 32);
	uint8_t *copy;
	struct ocsp_request r;
	struct error e;

	for (size_t n = 0; n < der.len; n++) {
		copy = xcalloc(1, n + 1); /* exact, so that a sanitizer sees one byte too many */
		memcpy(copy, der.data, n);
		ck_assert_int_eq(ocsp_request_parse((struct bytes){copy, n}, &r, &e), -1);
		ck_assert_int_eq(e.code, E_MALFORMED);
		free(copy);
	}
	copy = xcalloc(1, der.len);
	for (size_t i = 0; i < der.len; i++) {
		for (int v = 0; v < 256; v += 3) {
			memcpy(copy, der.data, der.len);
			copy[i] = (uint8_t)v;
			if (ocsp_request_parse((struct bytes){copy, der.len}, &r, &e) == 0)
				ck_assert_int_le(r.n_ids, 2);
		}
	}
	free(copy);
	house_free(h);
}
END_TEST

/* Beyond the limit a request isn't even looked at. */
START_TEST(too_large)
{
	uint8_t *big = xcalloc(1, LIMIT_OCSP_REQUEST_BYTES + 1);
	struct ocsp_request r;
	struct error e;

	ck_assert_int_eq(ocsp_request_parse((struct bytes){big, LIMIT_OCSP_REQUEST_BYTES + 1}, &r, &e), -1);
	ck_assert_int_eq(e.code, E_MALFORMED);
	free(big);
}
END_TEST

static struct bytes
file_read(const char *folder, const char *name)
{
	static uint8_t data[256 * 1024];
	char path[1024];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	return (struct bytes){data, n};
}

/* tests/data/ocsp: the name of each sample says what is to happen. */
START_TEST(samples)
{
	const char *top = TOP_SRCDIR;
	char folder[512];
	struct dirent *entry;
	int ok = 0, refused = 0;
	DIR *d;

	snprintf(folder, sizeof(folder), "%s/tests/data/ocsp", top);
	d = opendir(folder);
	ck_assert_msg(d != NULL, "%s", folder);
	while ((entry = readdir(d))) {
		struct bytes der;
		struct ocsp_request r;
		struct error e = {.detail = ""};
		int rc;

		if (!strstr(entry->d_name, ".der"))
			continue;
		der = file_read(folder, entry->d_name);
		rc = ocsp_request_parse(der, &r, &e);
		if (strncmp(entry->d_name, "ok-", 3) == 0) {
			ck_assert_msg(rc == 0, "%s: %s", entry->d_name, e.detail);
			ok++;
		} else {
			ck_assert_msg(rc < 0 && e.code == E_MALFORMED, "%s was taken", entry->d_name);
			refused++;
		}
	}
	closedir(d);
	ck_assert_int_ge(ok, 20);
	ck_assert_int_ge(refused, 50);
}
END_TEST

TCase *
tcase_ocsp_request(void)
{
	TCase *t = tcase_create("ocsp_request");

	tcase_add_test(t, reads_libcrypto);
	tcase_add_test(t, reads_no_nonce);
	tcase_add_test(t, reads_signed);
	tcase_add_test(t, prefixes_and_changes);
	tcase_add_test(t, too_large);
	tcase_add_test(t, samples);
	return t;
}
