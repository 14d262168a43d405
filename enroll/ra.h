/* Registration authorities as front ends use them: the certificates are in the store, the keys stay in the engine, which decrypts and signs
 * by its narrow operations (lib/ipc/engine.proto: RaSign, RaDecrypt, Password). */
#ifndef SIEGEL_ENROLL_RA_H
#define SIEGEL_ENROLL_RA_H
#include "enroll/common.h"
#include "lib/ipc/engine.pb-c.h"
#include "lib/secret.h"

#define ENROLL_RA_MAX 4 /* certificates of one registration authority that live at a time: a new one at half of the life of the last */

/* A certificate of the registration authority of a CA. */
struct enroll_ra {
	int32_t tenant_id, ca_id;
	struct bytes serial;      /* as the certificate has it, without zeros in front */
	struct bytes certificate; /* DER; its key is RSA, its issuer is the CA */
	int64_t not_before, not_after;
};

/* The certificates of a CA's registration authority that are valid now, newest first: the first is handed to clients and signs, all decrypt. At
 * most ENROLL_RA_MAX; *ret_n is at least 1. When there is none the CA is noted as one that needs it (siegel-sched has it made within seconds, and
 * renewed from then on), and it is E_UNAVAILABLE with a time to try again. They live in the arena. */
int enroll_ra_list(struct enroll *en, int32_t tenant_id, int32_t ca_id, struct arena *a, struct enroll_ra ret[ENROLL_RA_MAX], size_t *ret_n,
                   struct error *e) MUST_CHECK;
/* The first of them. */
int enroll_ra_certificate(struct enroll *en, int32_t tenant_id, int32_t ca_id, struct arena *a, struct enroll_ra *ret, struct error *e) MUST_CHECK;

/* What the engine signed, in the arena. */
struct enroll_ra_signature {
	struct bytes signed_attributes;   /* DER of the SET OF: in a SignerInfo its first octet is 0xa0 (RFC 5652 5.4) */
	struct bytes digest_algorithm;    /* DER of the AlgorithmIdentifier */
	struct bytes signature_algorithm; /* likewise: rsaEncryption (RFC 3370 3.2) */
	struct bytes signature;
};
/* Signs an answer (RFC 5652 5.4). request says which kind of answer, digest and content_digest, and what the kind has of its own; tenant, CA and
 * serial are put in. E_BAD_VALUE when the engine finds something in it that can't be. */
int enroll_ra_sign(struct enroll *en, const struct enroll_ra *ra, Siegel__RaSign *request, struct arena *a, struct enroll_ra_signature *ret,
                   struct error *e) MUST_CHECK;

/* The content key of a message to ra, from the encryptedKey of its KeyTransRecipientInfo (RFC 5652 6.2.1): exactly key_bytes octets (16, 24 or
 * 32: what the content cipher wants). scheme: "rsa-pkcs1", "rsa-oaep-sha1" or "rsa-oaep-sha256". What is wrong with encrypted_key can't be
 * told by the answer nor by its time: it is a key that opens nothing. Else who asks often enough could decrypt what others sent (Bleichenbacher's
 * attack). The caller frees *ret. */
int enroll_ra_decrypt(struct enroll *en, const struct enroll_ra *ra, const char *scheme, struct bytes encrypted_key, size_t key_bytes,
                      struct secret **ret, struct error *e) MUST_CHECK;

/* A PasswordRecipientInfo (RFC 5652 6.2.4) taken apart: PBKDF2 (RFC 8018) and id-alg-PWRI-KEK (RFC 3211 2.3). */
struct enroll_ra_password {
	int32_t tenant_id;
	int64_t endpoint_id, code_id; /* whose challenge; one of them is 0 */
	struct bytes salt;            /* 8 to 64 octets */
	int iterations;               /* 1 to 20,000; to wrap: at least 10,000 */
	const char *prf;              /* "hmac-sha1", "hmac-sha256", "hmac-sha512" */
	const char *cipher;           /* "aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des-ede3-cbc" */
	struct bytes iv;
};
/* The content key of a message, as enroll_ra_decrypt() gives it: a wrong password gives a key that opens nothing. The caller frees *ret. */
int enroll_ra_password_unwrap(struct enroll *en, const struct enroll_ra_password *p, struct bytes encrypted_key, size_t key_bytes,
                              struct secret **ret, struct error *e) MUST_CHECK;
/* The encryptedKey for an answer, in the arena. */
int enroll_ra_password_wrap(struct enroll *en, const struct enroll_ra_password *p, struct bytes content_key, struct arena *a, struct bytes *ret,
                            struct error *e) MUST_CHECK;

#endif
