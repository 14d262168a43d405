/* Proof of possession by the signature of a request. */
#ifndef SIEGEL_ENROLL_POSSESSION_H
#define SIEGEL_ENROLL_POSSESSION_H
#include "lib/x509/csr.h"

/* Whether a request is signed by the key that it asks a certificate for (RFC 2986 3, RFC 4211 4.1), as far as a front end has to know before the
 * engine does it again. *ret_known false: the algorithm isn't one that is known here, so nothing was verified; the caller says whether the engine is
 * to decide. E_BAD_CSR for a wrong signature; for the key E_BAD_KEY, E_MALFORMED and E_UNSUPPORTED as cms_public_key(). */
int enroll_csr_verify(const struct csr *csr, bool *ret_known, struct error *e) MUST_CHECK;

#endif
