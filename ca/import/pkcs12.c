/* PKCS#12 (RFC 7292): what is in it, once a password opens it. */
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "ca/import/split.h"
#include "lib/limits.h"
#include "lib/mem.h"
#include "lib/x509/der.h"

DEFINE_CLEANUP(PKCS12, PKCS12_free)
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
DEFINE_CLEANUP(X509, X509_free)
DEFINE_CLEANUP(X509_CRL, X509_CRL_free)

struct opened {
	struct buf *out;
	const char *password;
	size_t bags; /* counted: nested ones as well */
};

static void
put_key(struct buf *out, const PKCS8_PRIV_KEY_INFO *key)
{
	unsigned char *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(key, &der);
	if (len > 0)
		split_put(out, SPLIT_KEY, der, (size_t)len);
	else
		split_say(out, SPLIT_ERROR, "a private key can't be read");
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
}

static bool
algorithm_bounded(const X509_ALGOR *algorithm)
{
	unsigned char *der = NULL;
	int len = i2d_X509_ALGOR(algorithm, &der);
	bool bounded = len > 0 && split_kdf_bounded((struct bytes){der, (size_t)len});
	OPENSSL_free(der);
	return bounded;
}

static void
put_shrouded(struct opened *o, const PKCS12_SAFEBAG *bag)
{
	const X509_ALGOR *algorithm;
	X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
	if (!algorithm_bounded(algorithm)) {
		split_say(o->out, SPLIT_ERROR, "a private key is encrypted in a way that isn't taken, or with more than %d iterations",
		          LIMIT_IMPORT_ITERATIONS);
		return;
	}
	PKCS8_PRIV_KEY_INFO *key CLEANUP(PKCS8_PRIV_KEY_INFO_free) = PKCS12_decrypt_skey(bag, o->password, -1);
	if (key)
		put_key(o->out, key);
	else
		split_say(o->out, SPLIT_ERROR, "a private key can't be decrypted");
}

static void
put_certificate(struct opened *o, const PKCS12_SAFEBAG *bag)
{
	X509 *certificate CLEANUP(X509_free) = PKCS12_SAFEBAG_get_nid(bag) == NID_certBag && PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate
	    ? PKCS12_SAFEBAG_get1_cert(bag) : NULL;
	unsigned char *der = NULL;
	int len = certificate ? i2d_X509(certificate, &der) : 0;
	if (len > 0)
		split_put(o->out, SPLIT_CERTIFICATE, der, (size_t)len);
	else
		split_say(o->out, SPLIT_ERROR, "a certificate bag isn't X.509");
	OPENSSL_free(der);
}

static void
put_crl(struct opened *o, const PKCS12_SAFEBAG *bag)
{
	X509_CRL *crl CLEANUP(X509_CRL_free) = PKCS12_SAFEBAG_get1_crl(bag);
	unsigned char *der = NULL;
	int len = crl ? i2d_X509_CRL(crl, &der) : 0;
	if (len > 0)
		split_put(o->out, SPLIT_CRL, der, (size_t)len);
	else
		split_say(o->out, SPLIT_ERROR, "a CRL bag can't be read");
	OPENSSL_free(der);
}

static void
put_bags(struct opened *o, const STACK_OF(PKCS12_SAFEBAG) *bags, int depth)
{
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		if (++o->bags > LIMIT_IMPORT_BAGS) {
			if (o->bags == LIMIT_IMPORT_BAGS + 1)
				split_say(o->out, SPLIT_ERROR, "over %d bags: the rest isn't taken", LIMIT_IMPORT_BAGS);
			return;
		}
		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_keyBag:
			put_key(o->out, PKCS12_SAFEBAG_get0_p8inf(bag));
			break;
		case NID_pkcs8ShroudedKeyBag:
			put_shrouded(o, bag);
			break;
		case NID_certBag:
			put_certificate(o, bag);
			break;
		case NID_crlBag:
			put_crl(o, bag);
			break;
		case NID_safeContentsBag:
			if (depth < LIMIT_IMPORT_BAG_DEPTH)
				put_bags(o, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
			else
				split_say(o->out, SPLIT_ERROR, "bags are nested over %d deep", LIMIT_IMPORT_BAG_DEPTH);
			break;
		default:
			split_say(o->out, SPLIT_SKIPPED, "a bag of another kind");
		}
	}
}

/* encryptedData: SEQUENCE { version, EncryptedContentInfo { type, algorithm, … } } (RFC 5652 8) */
static bool
encrypted_bounded(struct bytes content_info)
{
	struct der d = der_of(content_info), list, explicit, data, info;
	struct error e;
	struct bytes oid, algorithm;
	long version;
	return der_get(&d, DER_SEQUENCE, "content", &list, &e) == 0 && der_get_oid(&list, "content", &oid, &e) == 0 &&
	       der_get(&list, DER_CONTEXT_CONSTRUCTED(0), "content", &explicit, &e) == 0 &&
	       der_get(&explicit, DER_SEQUENCE, "content", &data, &e) == 0 && der_get_small(&data, "version", 2, &version, &e) == 0 &&
	       der_get(&data, DER_SEQUENCE, "content", &info, &e) == 0 && der_get_oid(&info, "content", &oid, &e) == 0 &&
	       der_get_any(&info, "algorithm", NULL, &algorithm, NULL, &e) == 0 && split_kdf_bounded(algorithm);
}

static void
put_safe(struct opened *o, PKCS7 *safe)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	unsigned char *der = NULL;
	int len = i2d_PKCS7(safe, &der);
	if (PKCS7_type_is_data(safe)) {
		bags = PKCS12_unpack_p7data(safe);
	} else if (!PKCS7_type_is_encrypted(safe)) {
		split_say(o->out, SPLIT_SKIPPED, "a part that is encrypted for somebody's certificate");
		OPENSSL_free(der);
		return;
	} else if (len > 0 && encrypted_bounded((struct bytes){der, (size_t)len})) {
		bags = PKCS12_unpack_p7encdata(safe, o->password, -1);
	} else {
		split_say(o->out, SPLIT_ERROR, "a part is encrypted in a way that isn't taken, or with more than %d iterations",
		          LIMIT_IMPORT_ITERATIONS);
		OPENSSL_free(der);
		return;
	}
	OPENSSL_free(der);
	if (bags)
		put_bags(o, bags, 0);
	else
		split_say(o->out, SPLIT_ERROR, "a part of it can't be read");
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* MacData is the third member of PFX; its iterations are its third, 1 when absent. */
static bool
mac_bounded(struct bytes der, bool *ret_there)
{
	struct der d = der_of(der), pfx, mac;
	struct error e;
	struct bytes any;
	long version, iterations;
	if (der_get(&d, DER_SEQUENCE, "PFX", &pfx, &e) < 0 || der_get_small(&pfx, "version", 3, &version, &e) < 0 ||
	    der_get_any(&pfx, "content", NULL, &any, NULL, &e) < 0)
		return false;
	*ret_there = !der_at_end(&pfx);
	if (!*ret_there)
		return true;
	if (der_get(&pfx, DER_SEQUENCE, "MAC", &mac, &e) < 0 || der_get_any(&mac, "digest", NULL, &any, NULL, &e) < 0 || any.len > 4096 ||
	    der_get_any(&mac, "salt", NULL, &any, NULL, &e) < 0 || any.len > LIMIT_IMPORT_SALT_BYTES)
		return false;
	return der_at_end(&mac) || der_get_small(&mac, "iterations", LIMIT_IMPORT_ITERATIONS, &iterations, &e) == 0;
}

void
split_pkcs12(struct bytes der, const char *const *passwords, size_t n, struct buf *out)
{
	const unsigned char *p = der.data;
	bool has_mac = false;
	struct opened o = {.out = out};
	if (!mac_bounded(der, &has_mac)) {
		split_say(out, SPLIT_ERROR, "PKCS#12: it can't be read, or its MAC asks for more than %d iterations", LIMIT_IMPORT_ITERATIONS);
		return;
	}
	if (!has_mac) {
		split_say(out, SPLIT_ERROR, "PKCS#12: it has no MAC, so that nobody can know whether it was changed");
		return;
	}
	PKCS12 *file CLEANUP(PKCS12_free) = d2i_PKCS12(NULL, &p, (long)der.len);
	if (!file || p != der.data + der.len) {
		split_say(out, SPLIT_ERROR, "PKCS#12: it can't be read");
		return;
	}
	for (size_t i = 0; i < n && !o.password; i++)
		if (PKCS12_verify_mac(file, passwords[i], -1) == 1)
			o.password = passwords[i];
	if (!o.password && PKCS12_verify_mac(file, "", 0) == 1)
		o.password = "";
	if (!o.password) {
		split_say(out, SPLIT_ERROR,
		          n ? "PKCS#12: none of the passwords for this file opens it" : "PKCS#12: a password for this file is wanted");
		return;
	}
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(file);
	if (!safes || sk_PKCS7_num(safes) > LIMIT_IMPORT_BAGS)
		split_say(out, SPLIT_ERROR, "PKCS#12: its content can't be read");
	for (int i = 0; safes && i < sk_PKCS7_num(safes) && i <= LIMIT_IMPORT_BAGS; i++)
		put_safe(&o, sk_PKCS7_value(safes, i));
	sk_PKCS7_pop_free(safes, PKCS7_free);
}
