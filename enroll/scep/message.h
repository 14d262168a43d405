/* pkiMessage (RFC 8894 3.2): a SignedData with attributes of SCEP's own around an EnvelopedData. */
#ifndef SIEGEL_ENROLL_SCEP_MESSAGE_H
#define SIEGEL_ENROLL_SCEP_MESSAGE_H
#include "enroll/cms.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"

/* messageType, RFC 8894 3.2.1.2. 18 (UpdateReq of old drafts) and all others aren't known. */
enum scep_type { SCEP_RENEWAL_REQ = 17, SCEP_PKCS_REQ = 19, SCEP_CERT_POLL = 20, SCEP_GET_CERT = 21, SCEP_GET_CRL = 22 };

enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2, SCEP_PENDING = 3 };                          /* RFC 8894 3.2.1.3 */
enum scep_fail { SCEP_BAD_ALG, SCEP_BAD_MESSAGE_CHECK, SCEP_BAD_REQUEST, SCEP_BAD_TIME, SCEP_BAD_CERT_ID }; /* RFC 8894 3.2.1.4.5 */

/* Views into the message, or in the arena. */
struct scep_message {
	struct cms_signed cms;
	const char *transaction;   /* transactionID: printable, at most LIMIT_SCEP_TRANSACTION_BYTES */
	int type;                  /* messageType; -1 when there is none or it is no number */
	struct bytes sender_nonce; /* empty when there is none of 1 to LIMIT_SCEP_NONCE_BYTES octets */
	struct bytes signer;       /* the signer's certificate, DER */
	struct cert signer_cert;
};

/* Takes a message apart, as far as that goes without a key; nothing is verified. E_MALFORMED, E_UNSUPPORTED when there is no transaction or signer to
 * answer to: anything else is told later, in an answer. */
int scep_message_parse(struct arena *a, struct bytes der, struct scep_message *ret, struct error *e) MUST_CHECK;

/* IssuerAndSubject of CertPoll (RFC 8894 3.3.3): whole Names. */
struct scep_names {
	struct bytes issuer, subject;
};
int scep_names_parse(struct bytes der, struct scep_names *ret, struct error *e) MUST_CHECK;
/* IssuerAndSerialNumber of GetCert and GetCRL (RFC 8894 3.3.4, 3.3.5): whole Name, magnitude. */
struct scep_serial {
	struct bytes issuer, serial;
};
int scep_serial_parse(struct bytes der, struct scep_serial *ret, struct error *e) MUST_CHECK;
/* PKCS#10 of PKCSReq and RenewalReq (RFC 8894 3.3.1, 3.3.2), signed by its own key. */
int scep_csr_parse(struct bytes der, struct csr *ret, struct error *e) MUST_CHECK;

/* A PasswordRecipientInfo's parameters: PBKDF2 (RFC 8018 A.2) and id-alg-PWRI-KEK (RFC 3211 2.3). */
struct scep_password {
	struct bytes salt;
	long iterations;
	const char *prf;                 /* "hmac-sha1" … as enroll/ra.h has it */
	const struct cms_cipher *cipher; /* of the key-encryption key */
	struct bytes iv;
};
/* E_UNSUPPORTED for other algorithms, E_MALFORMED for parameters beyond the limits. */
int scep_password_parse(const struct cms_enveloped *v, struct scep_password *ret, struct error *e) MUST_CHECK;
/* Its two AlgorithmIdentifiers (whole), in the arena. */
int scep_password_encode(struct arena *a, const struct scep_password *p, struct bytes *ret_derivation, struct bytes *ret_algorithm,
                         struct error *e) MUST_CHECK;
/* How the content key is encrypted, as enroll/ra.h has it: "rsa-pkcs1", "rsa-oaep-sha1", "rsa-oaep-sha256" (RFC 3370 4.2.1, RFC 3560 3); NULL for
 * any other way. */
const char *scep_key_scheme(const struct cms_enveloped *v);

#endif
