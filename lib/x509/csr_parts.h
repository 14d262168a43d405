/* What both forms of a request have, for csr.c and crmf.c. */
#ifndef SIEGEL_LIB_X509_CSR_PARTS_H
#define SIEGEL_LIB_X509_CSR_PARTS_H
#include "lib/x509/csr.h"

/* Reads csr->spki, a whole SubjectPublicKeyInfo (RFC 5280 4.1.2.7): its algorithm and bits. */
int csr_parse_key(struct csr *csr, struct error *e) MUST_CHECK;
/* Extensions (RFC 5280 4.1.2.9) that a client asks for, without the head of the list. */
int csr_parse_extensions(struct der list, struct csr *csr, struct error *e) MUST_CHECK;

#endif
