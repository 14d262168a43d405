/* Parameters of recipients: what RFC 5652 leaves to algorithms. */
#include <string.h>
#include "enroll/scep/message.h"
#include "lib/limits.h"
#include "lib/x509/oid.h"

#define OID_PBKDF2 OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c")
#define OID_PWRI_KEK OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x09")

static const struct {
	const char *name;
	struct bytes oid;
} prfs[] = {
    {"hmac-sha1", OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x02\x07")},
    {"hmac-sha256", OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x02\x09")},
    {"hmac-sha512", OID_LIT("\x2a\x86\x48\x86\xf7\x0d\x02\x0b")},
};

/* PBKDF2-params, RFC 8018 A.2. */
static int
parse_derivation(struct bytes in, struct scep_password *p, long *ret_key_bytes, struct error *e)
{
	struct der d = der_of(in), parameters, salt, prf;
	struct bytes oid;
	if (der_get_oid(&d, "key derivation", &oid, e) < 0)
		return -1;
	if (!bytes_equal(oid, OID_PBKDF2))
		return fail(e, E_UNSUPPORTED, "key derivation: PBKDF2 is wanted (RFC 3370 4.4.1)");
	if (der_get(&d, DER_SEQUENCE, "PBKDF2", &parameters, e) < 0 || der_end(&d, "PBKDF2", e) < 0 ||
	    der_get(&parameters, DER_OCTET_STRING, "PBKDF2's salt", &salt, e) < 0 ||
	    der_get_small(&parameters, "PBKDF2's iteration count", LIMIT_PASSWORD_ITERATIONS, &p->iterations, e) < 0)
		return -1;
	p->salt = der_bytes(&salt);
	if (p->iterations < 1 || p->salt.len < 8 || p->salt.len > 64)
		return fail(e, E_MALFORMED, "PBKDF2: a salt of 8 to 64 octets and up to %d iterations are taken", LIMIT_PASSWORD_ITERATIONS);
	if (der_peek(&parameters) == DER_INTEGER && der_get_small(&parameters, "PBKDF2's key length", CMS_MAX_KEY_BYTES, ret_key_bytes, e) < 0)
		return -1;
	p->prf = prfs[0].name; /* DEFAULT algid-hmacWithSHA1 */
	if (der_at_end(&parameters))
		return 0;
	if (der_get(&parameters, DER_SEQUENCE, "PBKDF2's function", &prf, e) < 0 || der_end(&parameters, "PBKDF2", e) < 0 ||
	    der_get_oid(&prf, "PBKDF2's function", &oid, e) < 0)
		return -1;
	p->prf = NULL;
	for (size_t i = 0; i < ARRAY_LEN(prfs); i++)
		if (bytes_equal(prfs[i].oid, oid))
			p->prf = prfs[i].name;
	return p->prf ? 0 : fail(e, E_UNSUPPORTED, "PBKDF2: HMAC with SHA-1, SHA-256 and SHA-512 are taken");
}

int
scep_password_parse(const struct cms_enveloped *v, struct scep_password *ret, struct error *e)
{
	struct scep_password p = {0};
	long key_bytes = 0;
	struct der d = der_of(v->key_algorithm), kek, cipher, iv;
	struct bytes oid;
	if (parse_derivation(v->derivation_algorithm, &p, &key_bytes, e) < 0 || der_get(&d, DER_SEQUENCE, "key encryption", &kek, e) < 0 ||
	    der_get_oid(&kek, "key encryption", &oid, e) < 0)
		return -1;
	if (!bytes_equal(oid, OID_PWRI_KEK))
		return fail(e, E_UNSUPPORTED, "key encryption: id-alg-PWRI-KEK is wanted (RFC 3211 2.3)");
	if (der_get(&kek, DER_SEQUENCE, "PWRI-KEK", &cipher, e) < 0 || der_end(&kek, "PWRI-KEK", e) < 0 ||
	    der_get_oid(&cipher, "PWRI-KEK's cipher", &oid, e) < 0)
		return -1;
	p.cipher = cms_cipher_by_oid(oid);
	if (!p.cipher)
		return fail(e, E_UNSUPPORTED, "PWRI-KEK's cipher: AES-128, AES-192 and AES-256 in CBC are taken");
	if (der_get(&cipher, DER_OCTET_STRING, "PWRI-KEK's vector", &iv, e) < 0 || der_end(&cipher, "PWRI-KEK's cipher", e) < 0)
		return -1;
	p.iv = der_bytes(&iv);
	if (p.iv.len != p.cipher->iv_bytes || (key_bytes && (size_t)key_bytes != p.cipher->key_bytes))
		return fail(e, E_MALFORMED, "PWRI-KEK: its vector or the length of its key isn't that of the cipher");
	*ret = p;
	return 0;
}

int
scep_password_encode(struct arena *a, const struct scep_password *p, struct bytes *ret_derivation, struct bytes *ret_algorithm, struct error *e)
{
	struct buf BUF_CLEANUP d = BUF_INIT(256), k = BUF_INIT(256);
	size_t outer = der_begin(&d, DER_SEQUENCE);
	der_put(&d, DER_OID, OID_PBKDF2.data, OID_PBKDF2.len);
	size_t parameters = der_begin(&d, DER_SEQUENCE);
	der_put(&d, DER_OCTET_STRING, p->salt.data, p->salt.len);
	der_put_small(&d, p->iterations);
	for (size_t i = 1; i < ARRAY_LEN(prfs); i++) /* the first is the default, which DER leaves out */
		if (strcmp(prfs[i].name, p->prf) == 0) {
			size_t prf = der_begin(&d, DER_SEQUENCE);
			der_put(&d, DER_OID, prfs[i].oid.data, prfs[i].oid.len);
			der_put(&d, DER_NULL, "", 0);
			der_close(&d, prf);
		}
	der_close(&d, parameters);
	der_close(&d, outer);
	outer = der_begin(&k, DER_SEQUENCE);
	der_put(&k, DER_OID, OID_PWRI_KEK.data, OID_PWRI_KEK.len);
	size_t cipher = der_begin(&k, DER_SEQUENCE);
	der_put(&k, DER_OID, p->cipher->oid.data, p->cipher->oid.len);
	der_put(&k, DER_OCTET_STRING, p->iv.data, p->iv.len);
	der_close(&k, cipher);
	der_close(&k, outer);
	if (buf_check(&d, e) < 0 || buf_check(&k, e) < 0)
		return -1;
	*ret_derivation = (struct bytes){arena_dup(a, d.data, d.len), d.len};
	*ret_algorithm = (struct bytes){arena_dup(a, k.data, k.len), k.len};
	return 0;
}

static const char *
oaep_scheme(struct bytes parameters)
{
	const char *digest = cms_oaep_digest(parameters);
	if (!digest)
		return NULL;
	return strcmp(digest, "SHA1") == 0 ? "rsa-oaep-sha1" : "rsa-oaep-sha256";
}

const char *
scep_key_scheme(const struct cms_enveloped *v)
{
	struct error e;
	struct der d = der_of(v->key_algorithm), content;
	struct bytes oid;
	if (der_get(&d, DER_SEQUENCE, "key encryption", &content, &e) < 0 || der_get_oid(&content, "key encryption", &oid, &e) < 0)
		return NULL;
	struct bytes parameters = der_bytes(&content);
	if (bytes_equal(oid, OID_RSA_ENCRYPTION))
		return parameters.len == 0 || bytes_equal(parameters, OID_BYTES("\x05\x00")) ? "rsa-pkcs1" : NULL;
	return bytes_equal(oid, OID_RSAES_OAEP) ? oaep_scheme(parameters) : NULL;
}
