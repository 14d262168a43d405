#include <config.h>

#include "tests/unit/va/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include "lib/seal.h"
#include "lib/x509/keytype.h"

const struct secret *
house_wrap_key(void)
{
	static struct secret *key;

	if (!key)
		key = secret_new("0123456789abcdef0123456789abcdef", 32);
	return key;
}

static void
extension_add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *
certificate_new(const char *cn, EVP_PKEY *key, long life_sec)
{
	static long serial = 0x1000;
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), life_sec);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_pubkey(x, key);
	return x;
}

static struct bytes
der_of_x509(X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);

	ck_assert_int_gt(n, 0);
	return (struct bytes){der, (size_t)n};
}

/* The row as the engine would write it. */
static void
row_fill(struct signer_row *row, const X509 *x, EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	struct buf sealed = BUF_INIT(LIMIT_CERT_BYTES);
	unsigned char *pkcs8 = NULL, *serial = malloc(LIMIT_SERIAL_BYTES);
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8);
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char context[64] = "ocsp-signer:";
	struct error e;

	row->serial = (struct bytes){serial, (size_t)BN_bn2bin(bn, serial)};
	for (size_t i = 0; i < row->serial.len; i++)
		snprintf(context + strlen(context), 3, "%02x", serial[i]);
	ck_assert_int_eq(seal(house_wrap_key(), context, pkcs8, (size_t)n, &sealed, &e), 0);
	row->wrapped_key = (struct bytes){sealed.data, sealed.len};
	BN_free(bn);
	OPENSSL_free(pkcs8);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static void
row_free(struct signer_row *row)
{
	free((void *)(uintptr_t)row->serial.data);
	free((void *)(uintptr_t)row->wrapped_key.data);
	OPENSSL_free((void *)(uintptr_t)row->certificate.data);
}

void
house_signer(struct house *h, long life_sec, enum signer_fault fault)
{
	house_signer_of(h, "p256", life_sec, fault);
}

void
house_signer_of(struct house *h, const char *type, long life_sec, enum signer_fault fault)
{
	EVP_PKEY *key = NULL, *other = EVP_EC_gen("P-256");
	struct error e;

	X509_NAME *stranger = X509_NAME_new();
	X509 *x;

	ck_assert_msg(keytype_generate(keytype_by_name(type), &key, &e) == 0, "%s", e.detail);
	x = certificate_new("OCSP signer", key, life_sec);
	row_free(&h->signer_row);
	X509_NAME_add_entry_by_txt(stranger, "CN", MBSTRING_ASC, (const unsigned char *)"stranger", -1, -1, 0);
	X509_set_issuer_name(x, fault == SIGNER_OTHER_ISSUER ? stranger : X509_get_subject_name(h->ca));
	extension_add(x, h->ca, NID_ext_key_usage, fault == SIGNER_NO_EKU ? "clientAuth" : "OCSPSigning");
	extension_add(x, h->ca, NID_id_pkix_OCSP_noCheck, "ignored");
	ck_assert_int_gt(X509_sign(x, fault == SIGNER_FORGED ? other : h->ca_key, EVP_sha256()), 0);
	h->signer_row.ca_id = h->ca_row.id;
	h->signer_row.certificate = der_of_x509(x);
	row_fill(&h->signer_row, x, fault == SIGNER_OTHER_KEY ? other : key);
	X509_NAME_free(stranger);
	X509_free(x);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

struct house *
house_new(const char *name, int32_t ca_id, long life_sec, enum signer_fault fault)
{
	struct house *h = xcalloc(1, sizeof(*h));

	h->ca_key = EVP_EC_gen("P-256");
	h->ca = certificate_new(name, h->ca_key, 86400);
	X509_set_issuer_name(h->ca, X509_get_subject_name(h->ca));
	extension_add(h->ca, h->ca, NID_basic_constraints, "critical,CA:TRUE");
	ck_assert_int_gt(X509_sign(h->ca, h->ca_key, EVP_sha256()), 0);
	h->ca_row = (struct ca_row){.id = ca_id, .certificate = der_of_x509(h->ca)};
	house_signer(h, life_sec, fault);
	return h;
}

void
house_free(struct house *h)
{
	row_free(&h->signer_row);
	OPENSSL_free((void *)(uintptr_t)h->ca_row.certificate.data);
	X509_free(h->ca);
	EVP_PKEY_free(h->ca_key);
	free(h);
}

struct signer_set *
house_set(struct house **houses, int n, enum responder_id by)
{
	struct ca_row cas[8];
	struct signer_row rows[8];
	struct signer_set *set;
	struct error e;

	for (int i = 0; i < n; i++) {
		cas[i] = houses[i]->ca_row;
		rows[i] = houses[i]->signer_row;
	}
	ck_assert_int_eq(signer_set_new(cas, n, rows, n, house_wrap_key(), by, time(NULL), NULL, NULL, &set, &e), 0);
	return set;
}

struct bytes
house_request(const struct house *h, const EVP_MD *md, int n, int nonce_bytes)
{
	static unsigned char der[LIMIT_OCSP_REQUEST_BYTES];
	OCSP_REQUEST *q = OCSP_REQUEST_new();
	unsigned char *p = der;
	int len;

	for (int i = 1; i <= n; i++) {
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		ASN1_INTEGER_set(serial, i);
		ck_assert_ptr_nonnull(OCSP_request_add0_id(
		    q, OCSP_cert_id_new(md, X509_get_subject_name(h->ca), X509_get0_pubkey_bitstr(h->ca), serial)));
		ASN1_INTEGER_free(serial);
	}
	if (nonce_bytes > 0)
		OCSP_request_add1_nonce(q, NULL, nonce_bytes);
	len = i2d_OCSP_REQUEST(q, NULL);
	ck_assert_int_le(len, (int)sizeof(der));
	i2d_OCSP_REQUEST(q, &p);
	OCSP_REQUEST_free(q);
	return (struct bytes){der, (size_t)len};
}
