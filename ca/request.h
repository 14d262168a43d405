/* What a request may say of who asks, before anything is done with it. */
#ifndef SIEGEL_CA_REQUEST_H
#define SIEGEL_CA_REQUEST_H
#include "ca/channel.h"
#include "ca/doors.h"
#include "ca/registry.h"
#include "lib/error.h"
#include "lib/ipc/engine.h"

/* Whether there is a requestor, and all its texts are UTF-8. protobuf-c takes any bytes for text; the store doesn't, and would refuse them with
 * the whole batch. */
bool request_requestor_valid(const Siegel__Requestor *q);
/* A front end speaks for its own protocol alone: what it says of the source decides rules and stands in the audit log. E_FORBIDDEN otherwise, and
 * when another than siegel-api asks for a certificate without a CSR or for another one's successor, or siegel-acme for one that isn't the CSR's
 * alone. */
int request_source_check(enum caller caller, const Siegel__Request *request, const Siegel__Requestor *q, struct error *e) MUST_CHECK;
/* Whether the CA and the profile that it names are among those that were read, and neither was disabled, pending or offline then: all that may have
 * changed. */
bool request_names_known(const struct registry *r, const Siegel__Issue *q);
/* Whether who asks may have this CA and profile at all: siegel-api all, a front end of enrolment what a door of its protocol binds. True also when
 * there is none of that name: the decision says so. The source was checked before. */
bool request_is_open(const struct doors *d, const struct registry *r, const Siegel__Issue *q);
/* Whether that caller may ask for such a revocation: for a reason of end entities (RFC 5280 5.3.1), else E_BAD_VALUE at "reason"; siegel-acme for one
 * that lasts, at a directory, on the evidence of an account of ACME or of a message of the certificate's own key, and for no account of ours, else
 * E_FORBIDDEN, or what acme_revocation_check() says of the message. */
int request_revoke_check(enum caller caller, const Siegel__Revoke *q, struct error *e) MUST_CHECK;

#endif
