/* Revocations that siegel-acme asks for on the evidence of the certificate's own key (RFC 8555 7.6): the engine reads the message itself. */
#ifndef SIEGEL_CA_ACME_REVOCATION_H
#define SIEGEL_CA_ACME_REVOCATION_H
#include "lib/arena.h"
#include "lib/error.h"
#include "lib/ipc/engine.pb-c.h"

/* What the message of q (signed_data, signature: RFC 7515) must be: signed by the key of the certificate in its payload, without an extension that
 * would change what is signed (RFC 7515 4.1.11), and without the address of an account. Url and nonce are the front end's to look at.
 * E_MALFORMED, E_BAD_ALGORITHM, E_FORBIDDEN. */
int acme_revocation_check(const Siegel__Revoke *q, struct error *e) MUST_CHECK;
/* The certificate (DER) in the payload of a message that was checked, in the arena; empty when q has no message. */
struct bytes acme_revocation_certificate(struct arena *a, const Siegel__Revoke *q);

#endif
