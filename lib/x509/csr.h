/* Certificate signing requests (PKCS#10, RFC 2986), taken apart strictly. */
#ifndef SIEGEL_LIB_X509_CSR_H
#define SIEGEL_LIB_X509_CSR_H
#include <stdbool.h>

#include "lib/x509/der.h"

/* Views into the DER, which must outlive them. */
struct csr {
	struct bytes whole, info;
	struct bytes subject, spki;       /* whole elements */
	struct bytes spki_algorithm;      /* whole AlgorithmIdentifier */
	struct bytes key;                 /* bits of subjectPublicKey */
	struct bytes signature_algorithm; /* whole AlgorithmIdentifier */
	struct bytes signature;
	struct bytes san;                 /* value of the requested subjectAltName, empty when there is none */
	bool has_challenge;               /* a challengePassword (RFC 2985 5.4.1) is there */
	struct bytes challenge;           /* its octets; empty when it has several values or is no text of one octet for a character or UTF-8 */
};

/* Takes it apart; nothing is verified yet. E_BAD_CSR for: anything that isn't DER, trailing octets, another version than 0, an
 * attribute or a requested extension that comes twice, a critical requested extension that we don't know. Requested extensions
 * other than subjectAltName are read and have no effect: the profile alone decides. */
int csr_parse(struct bytes der, struct csr *ret, struct error *e) MUST_CHECK;

#endif
