/* A certificate taken apart (RFC 5280 4.1), by our own strict reader: for lint, for comparing identities, for clients' certificates. */
#ifndef SIEGEL_LIB_X509_CERT_H
#define SIEGEL_LIB_X509_CERT_H
#include <stdbool.h>
#include "lib/arena.h"
#include "lib/x509/der.h"

struct cert_extension {
	struct bytes oid;   /* content octets */
	bool critical;
	struct bytes value; /* content of extnValue */
};
#define CERT_MAX_EXTENSIONS 32

/* Views into the DER, which must outlive them. */
struct cert {
	struct bytes whole, tbs;
	struct bytes serial;            /* magnitude */
	struct bytes signature_algorithm, issuer, subject, spki; /* whole elements */
	struct bytes spki_key;          /* the bits of subjectPublicKey */
	struct bytes validity;          /* whole */
	int64_t not_before, not_after;  /* seconds since 1970; not_after is inclusive */
	struct cert_extension extensions[CERT_MAX_EXTENSIONS];
	int n_extensions;
	struct bytes signature;
};

/* Refuses trailing bytes, version other than 3, outer and inner algorithm that differ (RFC 5280 4.1.1.2), an extension that comes
 * twice (4.2). */
int cert_parse(struct bytes der, struct cert *ret, struct error *e) MUST_CHECK;
/* The same for a certificate that only wraps a key, as clients of SCEP make them for themselves (RFC 8894 2.3): of any version, and with a serial
 * number of up to CERT_STRANGE_SERIAL_BYTES. It is no evidence of anything. */
int cert_parse_strange(struct bytes der, struct cert *ret, struct error *e) MUST_CHECK;
#define CERT_STRANGE_SERIAL_BYTES 64 /* certmonger's have 32 octets */
/* The same for a bare tbsCertificate; whole and signature stay empty. */
int cert_parse_tbs(struct bytes tbs, struct cert *ret, struct error *e) MUST_CHECK;
/* The extension of that OID (content octets, see lib/x509/oid.h), or NULL. */
const struct cert_extension *cert_extension_find(const struct cert *c, struct bytes oid);
/* True when the extended key usages name oid, or when there are none and absent_is_ok. */
bool cert_has_eku(const struct cert *c, struct bytes oid, bool absent_is_ok);
/* True when keyUsage has the bit usage (USAGE_... of lib/x509/keytype.h, RFC 5280 4.2.1.3), or when there is none and absent_is_ok. */
bool cert_has_usage(const struct cert *c, int usage, bool absent_is_ok);
/* True when subjectKeyIdentifier (RFC 5280 4.2.1.2) is there and has those octets. */
bool cert_has_key_id(const struct cert *c, struct bytes key_id);
/* True when basicConstraints say CA. */
bool cert_is_ca(const struct cert *c);
/* The subject's subjectAltName extension value, empty when there is none. */
struct bytes cert_san(const struct cert *c);
/* A Name as RFC 4514 text ("CN=a,O=b", most specific first as in RFC 4514 2.1), for people; never NULL, unreadable parts as #hex. */
char *dn_text(struct arena *a, struct bytes name_der) __attribute__((returns_nonnull));

#endif
