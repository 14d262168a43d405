/* Object identifiers that we use, as content octets. */
#ifndef SIEGEL_LIB_X509_OID_H
#define SIEGEL_LIB_X509_OID_H
#include <stdbool.h>

#include "lib/arena.h"
#include "lib/mem.h"

#define OID_BYTES(lit) ((struct bytes){(const uint8_t *)(lit), sizeof(lit) - 1})
#define OID_LIT(lit) {(const uint8_t *)(lit), sizeof(lit) - 1} /* the same in the initialiser of a table */

#define OID_SKI OID_BYTES("\x55\x1d\x0e")
#define OID_KEY_USAGE OID_BYTES("\x55\x1d\x0f")
#define OID_SAN OID_BYTES("\x55\x1d\x11")
#define OID_BASIC_CONSTRAINTS OID_BYTES("\x55\x1d\x13")
#define OID_CRL_NUMBER OID_BYTES("\x55\x1d\x14")
#define OID_CRL_REASON OID_BYTES("\x55\x1d\x15")
#define OID_CERTIFICATE_POLICIES OID_BYTES("\x55\x1d\x20")
#define OID_AKI OID_BYTES("\x55\x1d\x23")
#define OID_EKU OID_BYTES("\x55\x1d\x25")
#define OID_AD_OCSP OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01")
#define OID_AD_CA_ISSUERS OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x02")
#define OID_OCSP_NONCE OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x02")
#define OID_OCSP_EXTENDED_REVOKE OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x09")
#define OID_OCSP_BASIC OID_BYTES("\x2b\x06\x01\x05\x05\x07\x30\x01\x01")
#define OID_EKU_SERVER_AUTH OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x01")
#define OID_EKU_CLIENT_AUTH OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x02")
#define OID_EKU_OCSP_SIGNING OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x09")
#define OID_EKU_CMC_RA OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x1c")
#define OID_EKU_ANY OID_BYTES("\x55\x1d\x25\x00")
#define OID_EKU_TIME_STAMPING OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x08")
#define OID_NAME_CONSTRAINTS OID_BYTES("\x55\x1d\x1e")
#define OID_POLICY_CONSTRAINTS OID_BYTES("\x55\x1d\x24")
#define OID_ANY_POLICY OID_BYTES("\x55\x1d\x20\x00")
#define OID_CPS OID_BYTES("\x2b\x06\x01\x05\x05\x07\x02\x01")
#define OID_UPN OID_BYTES("\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03")
#define OID_HARDWARE_MODULE_NAME OID_BYTES("\x2b\x06\x01\x05\x05\x07\x08\x04")
#define OID_PERMANENT_IDENTIFIER OID_BYTES("\x2b\x06\x01\x05\x05\x07\x08\x03") /* RFC 4043 2 */
#define OID_EKU_AIK OID_BYTES("\x67\x81\x05\x08\x03") /* tcg-kp-AIKCertificate */
#define OID_EXTENSION_REQUEST OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")
#define OID_CHALLENGE_PASSWORD OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07")
#define OID_PKCS7_DATA OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")
#define OID_PKCS7_SIGNED_DATA OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")
#define OID_ENVELOPED_DATA OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03")
#define OID_EC_PUBLIC_KEY OID_BYTES("\x2a\x86\x48\xce\x3d\x02\x01")
#define OID_RSA_ENCRYPTION OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define OID_RSAES_OAEP OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07")
#define OID_SHA1 OID_BYTES("\x2b\x0e\x03\x02\x1a")
#define OID_SHA256 OID_BYTES("\x60\x86\x48\x01\x65\x03\x04\x02\x01")
#define OID_SHA384 OID_BYTES("\x60\x86\x48\x01\x65\x03\x04\x02\x02")
#define OID_SHA512 OID_BYTES("\x60\x86\x48\x01\x65\x03\x04\x02\x03")

/* Longer ones aren't taken: their text takes time that grows with the square (CVE-2023-2650), and nobody uses them. */
#define OID_MAX_OCTETS 64

/* "1.3.6.1.5.5.7.3.1" to content octets in the arena; E_BAD_VALUE. */
int oid_from_text(struct arena *a, const char *text, struct bytes *ret, struct error *e) MUST_CHECK;
/* Content octets to such text; NULL when it isn't an identifier of up to OID_MAX_OCTETS. */
const char *oid_text(struct arena *a, struct bytes oid);
/* True when oid is arc or below it; arc is whole arcs. */
bool oid_below(struct bytes oid, struct bytes arc);

#endif
