/* Certificate signing requests (PKCS#10, RFC 2986), taken apart strictly. */
#ifndef SIEGEL_LIB_X509_CSR_H
#define SIEGEL_LIB_X509_CSR_H
#include <stdbool.h>

#include "lib/arena.h"
#include "lib/x509/der.h"

/* Views into the DER, which must outlive them. */
struct csr {
	struct bytes whole, info;
	struct bytes subject, spki;       /* whole elements */
	struct bytes spki_algorithm;      /* whole AlgorithmIdentifier */
	struct bytes key;                 /* bits of subjectPublicKey */
	struct bytes signature_algorithm; /* whole AlgorithmIdentifier */
	struct bytes signature;
	struct bytes attributes;          /* the elements, without the head of [0]; empty: there are none */
	struct bytes san;                 /* value of the requested subjectAltName, empty when there is none */
	bool has_challenge;               /* a challengePassword (RFC 2985 5.4.1) is there */
	struct bytes challenge;           /* its octets; empty when it has several values or is no text of one octet for a character or UTF-8 */
};

/* Takes it apart; nothing is verified yet. E_BAD_CSR for: anything that isn't DER, trailing octets, another version than 0, an
 * attribute or a requested extension that comes twice, a critical requested extension that we don't know. Requested extensions
 * other than subjectAltName are read and have no effect: the profile alone decides. */
int csr_parse(struct bytes der, struct csr *ret, struct error *e) MUST_CHECK;
/* The value of an attribute that has one, with that tag: its content goes to *ret. E_NOT_FOUND when it isn't there, E_BAD_CSR when it has
 * another tag or several values. RFC 2986 4.1. */
int csr_attribute(const struct csr *csr, struct bytes oid, int tag, const char *what, struct bytes *ret, struct error *e) MUST_CHECK;
/* ChangeSubjectName (RFC 6402 2.8): what is to become of subject (a Name) and names (GeneralNames), both whole elements; empty: it stays. E_NOT_FOUND
 * when the request has no such attribute, E_BAD_CSR when it can't be read or changes nothing. */
int csr_change(const struct csr *csr, struct bytes *ret_subject, struct bytes *ret_names, struct error *e) MUST_CHECK;
/* A CertReqMsg (RFC 4211 3) with subject, public key and a proof of possession by a signature over certReq (4.1 case 3), in the form of the other:
 * info is what is signed. E_BAD_CSR for anything else, also for controls, which would ask for more than the profile is asked for; with CRMF_PROOF as
 * the error's pointer when there is no such proof. What has another form in a CSR is in the arena. */
/* What is said of something that isn't one at all; behind it, why. The console says the reason smaller (web/src/i18n/say.ts). */
#define CSR_UNREADABLE "this can't be read as a certificate request, which begins with -----BEGIN CERTIFICATE REQUEST-----: %s"
#define CRMF_PROOF "popo" /* RFC 4211 3 */
int crmf_parse(struct arena *a, struct bytes der, struct csr *ret, struct error *e) MUST_CHECK;

#endif
