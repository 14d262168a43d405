/* Registration authorities: the RSA key and certificate beside a CA by which messages to it are decrypted and answers are signed (RFC 8894 3.1,
 * RFC 5272 2.1, RFC 7030 4.4.2). Made by the clerk, used by workers; the key never leaves the key store. */
#ifndef SIEGEL_CA_RA_H
#define SIEGEL_CA_RA_H
#include "ca/desk.h"

#define RA_PROFILE "registration-authority"

/* Makes a key and a certificate for the registration authority of a CA, by the internal profile "registration-authority" of its tenant, which is
 * copied from its template where the tenant has none: intent, signature, certificate and row, with audit rows. Those that ended go, with
 * their keys. E_NOT_FOUND: no such CA, or one that issues nothing. */
int ra_make(struct desk *d, int32_t ca_id, Siegel__MadeRa *ret, struct arena *a, struct error *e) MUST_CHECK;

#endif
