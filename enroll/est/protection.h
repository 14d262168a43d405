/* Encryption of a private key that serverkeygen hands out, beside that of TLS: RFC 7030 4.4.1, 4.4.2. All that can fail is found out before the
 * key is made. */
#ifndef SIEGEL_ENROLL_EST_PROTECTION_H
#define SIEGEL_ENROLL_EST_PROTECTION_H
#include "enroll/cms.h"
#include "enroll/est/est.h"

/* What a client's SMIMECapabilities (RFC 8551 2.5.2) come to. */
struct protection_wishes {
	const struct cms_cipher *cipher; /* of the content */
	bool oaep;                       /* RSAES-OAEP (RFC 8017 7.1) in place of RSAES-PKCS1-v1_5 */
	const char *digest;              /* OpenSSL's: in OAEP */
	int kdf;                         /* row of the key derivations of RFC 5753 7.1.4 that are known */
	int wrap_bytes;                  /* AES key wrap (RFC 3565 2.3.2): 16, 24 or 32; 0: none is preferred */
	bool wraps[3];                   /* those of 16, 24 and 32 that are taken */
};

struct protection {
	bool wanted;
	struct enroll_ra signer;
	struct protection_wishes wishes;
	struct secret *content_key;
	struct bytes recipient; /* whole RecipientInfo, DER */
	int version;            /* of the EnvelopedData, RFC 5652 6.1 */
};
/* Wipes and frees what it holds; it is as if it was never used. */
void protection_clear(struct protection *p);

/* What the request says: nothing, or one of DecryptKeyIdentifier and AsymmetricDecryptKeyIdentifier with, if it likes, SMIMECapabilities. The content
 * key is made and encrypted here. E_BAD_CSR for what can't be, E_UNSUPPORTED for algorithms that aren't known, E_NOT_FOUND and E_BAD_KEY
 * for a key that isn't there or can't be encrypted to, E_POLICY where the path hands out no key without. protection_clear() frees what *ret holds. */
int protection_find(struct est_exchange *x, struct bytes csr, struct protection *ret, struct error *e) MUST_CHECK;
/* The private key (PKCS#8) as SignedData of an AsymmetricKeyPackage (RFC 5958 4), signed by the registration authority, in EnvelopedData. DER. */
int protection_apply(struct est_exchange *x, const struct protection *p, struct bytes pkcs8, struct bytes *ret, struct error *e) MUST_CHECK;

/* SMIMECapabilities, the content of the outer SEQUENCE; without (empty): what every reader of CMS has. E_UNSUPPORTED when they have nothing that is
 * known. RFC 8551 2.5.2. */
int protection_wishes_read(struct bytes capabilities, struct protection_wishes *ret, struct error *e) MUST_CHECK;
/* A RecipientInfo for who has the private key of a certificate: key transport for RSA (RFC 5652 6.2.1, RFC 3560), key agreement for EC (6.2.2,
 * RFC 5753 3.1). E_BAD_KEY when the certificate's key isn't for that. */
int recipient_for_certificate(struct arena *a, struct bytes certificate, struct bytes content_key, const struct protection_wishes *w,
                              struct protection *ret, struct error *e) MUST_CHECK;
/* For who has a secret key: KEKRecipientInfo (RFC 5652 6.2.3, RFC 3565 2.3.2). */
int recipient_for_secret(struct arena *a, struct bytes identifier, struct bytes encrypted_key, int kek_bytes, const struct protection_wishes *w,
                         struct protection *ret, struct error *e) MUST_CHECK;

#endif
