/* Cryptographic Message Syntax (RFC 5652) as the enrolment protocols use it: SignedData with one signer, EnvelopedData with one recipient. Read
 * strictly by our own reader, with lists of what is allowed, before any cryptography; written as DER. Nothing here knows a key of ours. */
#ifndef SIEGEL_ENROLL_CMS_H
#define SIEGEL_ENROLL_CMS_H
#include <openssl/evp.h>
#include <stdbool.h>
#include "lib/arena.h"
#include "lib/x509/cert.h"
#include "lib/x509/der.h"
#include "lib/x509/keytype.h"

#define CMS_MAX_CERTIFICATES 16 /* of one message: a signer and its chain are under eight */
#define CMS_MAX_ATTRIBUTES 16   /* SCEP sends seven or eight */
#define CMS_MAX_KEY_BYTES 32
#define CMS_IV_BYTES 16         /* the longest */

/* A digest that a signer may name. SHA-1 only where old devices are served. */
struct cms_digest {
	const char *name;     /* OpenSSL's */
	const char *engine;   /* the engine's: Siegel__RaSign, digest */
	struct bytes oid;
	bool legacy;
};
/* By OID or name; NULL when it isn't one of SHA-1, SHA-256, SHA-384, SHA-512. */
const struct cms_digest *cms_digest_by_oid(struct bytes oid);

/* A content cipher: AES-128/192/256-CBC (RFC 3565), and 3DES-CBC only where old devices are served. */
struct cms_cipher {
	const char *name;     /* OpenSSL's */
	const char *engine;   /* the engine's: enroll/ra.h, cipher */
	struct bytes oid;
	size_t key_bytes, iv_bytes;
	bool legacy;
};
const struct cms_cipher *cms_cipher_by_oid(struct bytes oid);
/* By OpenSSL's name, case-insensitive; NULL when there is none. */
const struct cms_cipher *cms_cipher_by_name(const char *name);

/* The digest of RSAES-OAEP (RFC 8017 7.1) in both its places by its parameters (RFC 4055 4.1, DER): "SHA1" or "SHA256", OpenSSL's names; NULL for
 * all others. */
const char *cms_oaep_digest(struct bytes parameters);
/* The parameters, DER, of one of these two; empty for any other. */
struct bytes cms_oaep_parameters(const char *digest);

/* SignerInfo, RFC 5652 5.3. */
struct cms_signer {
	struct bytes issuer, serial;       /* whole Name and magnitude; empty when key_id says who */
	struct bytes key_id;
	const struct cms_digest *digest;
	struct bytes signed_attributes;    /* the elements, without the head of [0] */
	struct bytes signature_algorithm;  /* whole AlgorithmIdentifier */
	struct bytes signature;
};
/* SignedData with exactly one signer, or with none (degenerate: certificates and CRLs alone). Views into the message. */
struct cms_signed {
	struct bytes content_type;         /* OID */
	struct bytes content;              /* of the OCTET STRING; empty when there is none */
	bool has_content;
	struct bytes certificates[CMS_MAX_CERTIFICATES]; /* whole */
	int n_certificates;
	bool has_signer;
	struct cms_signer signer;
};

/* A ContentInfo of type SignedData, in BER or DER → *ret, which lives as long as the arena and in. RFC 5652 3, 5.1. Nothing is verified yet.
 * E_MALFORMED for what can't be read; E_UNSUPPORTED for more than one signer, digests that aren't known, certificates of other kinds. */
int cms_signed_parse(struct arena *a, struct bytes in, struct cms_signed *ret, struct error *e) MUST_CHECK;
/* The only value of a signed attribute, with that tag; content to *ret. E_NOT_FOUND when it isn't there, E_MALFORMED when it comes twice, has
 * several values or another tag. RFC 5652 11. */
int cms_signed_attribute(const struct cms_signed *s, struct bytes oid, int tag, const char *what, struct bytes *ret, struct error *e) MUST_CHECK;
/* The certificate among those of the message that the signer is; NULL when it isn't there. */
const struct bytes *cms_signer_certificate(const struct cms_signed *s);
/* Verifies the signature with the key of cert (DER): contentType and messageDigest among the signed attributes (RFC 5652 5.4, 11.1, 11.2), the
 * signature over the attributes as they were sent, or in DER's order when they weren't. legacy: SHA-1 is taken. E_UNSUPPORTED for an algorithm
 * that isn't taken, E_BAD_KEY for a key below the limits, E_FORBIDDEN for a wrong signature. */
int cms_signed_verify(const struct cms_signed *s, struct bytes cert, bool legacy, struct error *e) MUST_CHECK;

/* CMS_READY is written alone. */
enum cms_recipient_kind { CMS_KEY_TRANSPORT, CMS_PASSWORD, CMS_READY };

/* EnvelopedData with exactly one recipient, RFC 5652 6. Views into the message. */
struct cms_enveloped {
	enum cms_recipient_kind kind;
	struct bytes issuer, serial;       /* CMS_KEY_TRANSPORT: whole Name and magnitude; empty when key_id says who */
	struct bytes key_id;
	struct bytes derivation_algorithm; /* CMS_PASSWORD: the elements of keyDerivationAlgorithm (its AlgorithmIdentifier without head) */
	struct bytes key_algorithm;        /* whole AlgorithmIdentifier of keyEncryptionAlgorithm */
	struct bytes encrypted_key;
	struct bytes content_type;         /* OID of what is inside */
	const struct cms_cipher *cipher;
	struct bytes iv;
	struct bytes encrypted;
};

/* A ContentInfo of type EnvelopedData, in BER or DER → *ret. E_MALFORMED for what can't be read; E_UNSUPPORTED for any other content type
 * (AuthEnvelopedData, compressed, digested …), none or several recipients, kinds of recipients and ciphers that aren't taken. All this is told
 * without any key. RFC 5652 6.1, 6.2. */
int cms_enveloped_parse(struct arena *a, struct bytes in, struct cms_enveloped *ret, struct error *e) MUST_CHECK;
/* Decrypts the content with its key of cipher->key_bytes octets. Wrong padding isn't told from wrong content: what comes out is then the content
 * with its padding, which no reader of a structure takes. E_MALFORMED only for what can be seen without the key. *ret lives in the arena. */
int cms_decrypt(struct arena *a, const struct cms_enveloped *v, const uint8_t *key, struct bytes *ret, struct error *e) MUST_CHECK;

/* To whom a content is encrypted. */
struct cms_recipient {
	enum cms_recipient_kind kind;
	struct bytes certificate;          /* CMS_KEY_TRANSPORT: DER, with an RSA key */
	/* CMS_PASSWORD: makes the RecipientInfo's parts for a content key: derivation and key algorithm (whole AlgorithmIdentifiers), encrypted
	 * key. */
	int (*wrap)(void *ctx, struct arena *a, struct bytes content_key, struct bytes *ret_derivation, struct bytes *ret_algorithm,
	            struct bytes *ret_encrypted_key, struct error *e);
	void *ctx;
	/* CMS_READY: the whole RecipientInfo, what it makes the version of the EnvelopedData (RFC 5652 6.1), and the content key, of the cipher's
	 * length, that is encrypted in it. */
	struct bytes info;
	int version;
	const uint8_t *content_key;
};
/* ContentInfo with EnvelopedData of content, which is of type content_type (OID), DER, in the arena. E_BAD_KEY for a recipient's key that isn't RSA
 * of at least LIMIT_RSA_MIN_BITS. RFC 5652 6.1. */
int cms_enveloped_encode(struct arena *a, struct bytes content_type, struct bytes content, const struct cms_cipher *cipher,
                         const struct cms_recipient *to, struct bytes *ret, struct error *e) MUST_CHECK;
/* A KeyTransRecipientInfo (RFC 5652 6.2.1) for the certificate with that RSA key: RSAES-OAEP with oaep_digest (cms_oaep_digest()), or with NULL
 * RSAES-PKCS1-v1_5, which every client with an RSA key opens (RFC 3370 4.2.1). E_BAD_KEY when the key doesn't encrypt. */
int cms_put_key_transport(struct buf *b, const struct cert *c, EVP_PKEY *key, const char *oaep_digest, struct bytes content_key,
                          struct error *e) MUST_CHECK;
/* IssuerAndSerialNumber, RFC 5652 10.2.4. */
void cms_put_issuer_and_serial(struct buf *b, const struct cert *c);

/* What a SignedData is made of. */
struct cms_signature {
	struct bytes signed_attributes;    /* DER of the SET OF, as it was signed */
	struct bytes digest_algorithm, signature_algorithm; /* whole AlgorithmIdentifiers */
	struct bytes signature;
	struct bytes certificate;          /* the signer's, DER */
	const struct bytes *also;          /* other certificates that go with it, DER */
	int n_also;
};
/* ContentInfo with SignedData over content (type content_type; has_content false: none), with the signer's certificate in it. DER, in the arena.
 * RFC 5652 5.1. */
int cms_signed_encode(struct arena *a, struct bytes content_type, struct bytes content, bool has_content, const struct cms_signature *s,
                      struct bytes *ret, struct error *e) MUST_CHECK;
/* A SignedData that holds certificates and CRLs and nothing else (RFC 5652 5.1, RFC 7030 4.1.3, RFC 8894 3.4), DER, in the arena. */
int cms_certs_only_encode(struct arena *a, const struct bytes *certs, int n_certs, const struct bytes *crls, int n_crls, struct bytes *ret,
                          struct error *e) MUST_CHECK;

/* The public key of a SubjectPublicKeyInfo (whole) that may sign a message: at least LIMIT_RSA_MIN_BITS, curves and types that we know. The caller
 * frees *ret. E_BAD_KEY, E_UNSUPPORTED when the cryptographic library lacks the type. */
int cms_public_key(struct bytes spki, const struct keytype **ret_type, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
