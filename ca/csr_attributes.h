/* What a client should put into its request for a profile: the CSR attributes of EST (RFC 7030 4.5.2, RFC 9908). */
#ifndef SIEGEL_CA_CSR_ATTRIBUTES_H
#define SIEGEL_CA_CSR_ATTRIBUTES_H
#include "ca/profile.h"

/* Appends a CsrAttrs, DER: the old list (types of keys with their curves and sizes, the extensions whose values the profile gives) and, for clients
 * that know it, a template with subject, extensions and, when the profile takes one type of key alone, that (RFC 9908 3.4). */
int csr_attributes_put(struct buf *b, const struct profile *p, struct error *e) MUST_CHECK;

#endif
