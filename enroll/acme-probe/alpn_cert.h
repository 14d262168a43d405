/* The certificate of a tls-alpn-01 responder. */
#ifndef SIEGEL_ENROLL_ACME_PROBE_ALPN_CERT_H
#define SIEGEL_ENROLL_ACME_PROBE_ALPN_CERT_H
#include <stdbool.h>
#include "enroll/acme-probe/egress.h"
#include "lib/mem.h"

/* RFC 8737 3 and RFC 8738 4: subjectAltName with that one name (host, or *address when it isn't NULL) and no other, and the critical extension
 * acmeIdentifier with the digest (32 octets) and nothing else. E_MALFORMED for what isn't a certificate, E_FORBIDDEN with what is wrong. That it is
 * signed by itself isn't looked at here. */
int alpn_cert_check(struct bytes der, const char *host, const struct address *address, struct bytes digest, struct error *e) MUST_CHECK;

#endif
