/* What an encrypted key or PKCS#12 asks us to compute before we can know whether the password is right: read from the DER first, so that a
 * file of 2 KiB can't cost minutes. */
#include <string.h>

#include "ca/import/split.h"
#include "lib/limits.h"
#include "lib/x509/der.h"

static const struct bytes pbkdf2 = {(const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c", 9};
static const struct bytes scrypt = {(const uint8_t *)"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b", 9};
static const struct bytes pbes2 = {(const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d", 9};
static const struct bytes pkcs12_pbe = {(const uint8_t *)"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01", 9}; /* and one octet more */

/* PBKDF2-params, RFC 8018 A.2: salt, iterationCount, … */
static bool
pbkdf2_bounded(struct der d)
{
	struct error e;
	long iterations;
	struct bytes salt;
	return der_get_any(&d, "salt", NULL, &salt, NULL, &e) == 0 && salt.len <= LIMIT_IMPORT_SALT_BYTES &&
	    der_get_small(&d, "iterations", LIMIT_IMPORT_ITERATIONS, &iterations, &e) == 0;
}

/* scrypt-params, RFC 7914 7: salt, N, r, p, … */
static bool
scrypt_bounded(struct der d)
{
	struct error e;
	long n, r, p;
	struct bytes salt;
	return der_get_any(&d, "salt", NULL, &salt, NULL, &e) == 0 && salt.len <= LIMIT_IMPORT_SALT_BYTES &&
	    der_get_small(&d, "N", 1 << 20, &n, &e) == 0 && der_get_small(&d, "r", 64, &r, &e) == 0 && der_get_small(&d, "p", 16, &p, &e) == 0 &&
	    128 * n * r <= LIMIT_IMPORT_SCRYPT_BYTES;
}

static bool
derivation_bounded(struct der *d)
{
	struct error e;
	struct der kdf, parameters;
	struct bytes oid;
	if (der_get(d, DER_SEQUENCE, "key derivation", &kdf, &e) < 0 || der_get_oid(&kdf, "key derivation", &oid, &e) < 0 ||
	    der_get(&kdf, DER_SEQUENCE, "key derivation", &parameters, &e) < 0)
		return false;
	return bytes_equal(oid, pbkdf2) ? pbkdf2_bounded(parameters) : bytes_equal(oid, scrypt) && scrypt_bounded(parameters);
}

bool
split_kdf_bounded(struct bytes algorithm)
{
	struct der d = der_of(algorithm), list, parameters;
	struct error e;
	struct bytes oid;
	if (der_get(&d, DER_SEQUENCE, "algorithm", &list, &e) < 0 || der_get_oid(&list, "algorithm", &oid, &e) < 0 ||
	    der_get(&list, DER_SEQUENCE, "parameters", &parameters, &e) < 0)
		return false;
	if (bytes_equal(oid, pbes2))
		return derivation_bounded(&parameters);
	/* PKCS#12's own, RFC 7292 C, and PBES1, RFC 8018 A.3: salt, iterations. */
	bool own = oid.len == pkcs12_pbe.len + 1 && memcmp(oid.data, pkcs12_pbe.data, pkcs12_pbe.len) == 0;
	bool pbes1 = oid.len == pbes2.len && memcmp(oid.data, pbes2.data, pbes2.len - 1) == 0;
	return (own || pbes1) && pbkdf2_bounded(parameters);
}
