/* Subject alternative names (RFC 5280 4.2.1.6). A kind of name is one row of the table in names.c. */
#ifndef SIEGEL_LIB_X509_NAMES_H
#define SIEGEL_LIB_X509_NAMES_H
#include "lib/arena.h"
#include "lib/limits.h"
#include "lib/x509/der.h"

/* As Name.Kind of lib/ipc/engine.proto counts them. */
enum name_kind { NAME_DNS, NAME_IP, NAME_EMAIL, NAME_URI, NAME_UPN, NAME_HARDWARE, NAME_RID, NAME_PERMANENT_IDENTIFIER, NAME_KIND_COUNT };
/* "dns", "ip", "email", "uri", "upn", "hardware", "rid", "permanent-identifier" */
extern const char *const name_kind_words[NAME_KIND_COUNT];
const char *name_kind_word(enum name_kind kind);

struct name {
	enum name_kind kind;
	const char *text;    /* canonical: DNS in small letters, IP as inet_ntop writes it */
	struct bytes octets; /* of an IP address; of a registered id; of a hardware module's number; value of a permanent identifier */
	struct bytes type;   /* content octets: of a hardware module's identifier; of a permanent identifier's assigner, empty for none */
};

/* Checks one name and brings it into its canonical form. DNS: letters, digits and hyphens (RFC 1123 2.1), labels of up to 63, 253 in
 * all, no address in its place; a wildcard is the whole leftmost label and at least two follow it, and only where wildcard is true.
 * IP: no IPv4 in IPv6 clothes. Mail: local part and domain in ASCII. URI: a scheme of the list, no white space. UPN (Microsoft's
 * otherName 1.3.6.1.4.1.311.20.2.3): name@domain. Hardware (hardwareModuleName, RFC 4108 5): "1.3.6.1.4.1.99999.7:0a1b", its type
 * and its serial number in hexadecimal digits. Registered id: an object identifier. Permanent identifier (RFC 4043): "ABC-123", or with who assigned
 * it "ABC-123/1.3.6.1.4.1.99999", as draft-ietf-acme-device-attest writes it: the value has no slash, and stands as it is. */
int name_make(struct arena *a, enum name_kind kind, const char *text, size_t len, bool wildcard, struct name *ret, struct error *e) MUST_CHECK;
/* Reads a subjectAltName value. Kinds of names that can't be checked (other otherNames, X.400, directory names …) are refused. */
int names_parse(struct arena *a, struct bytes san, bool wildcard, struct name *ret, size_t max, size_t *ret_n, struct error *e) MUST_CHECK;
/* Writes GeneralNames. */
void names_put(struct buf *b, const struct name *names, size_t n);
/* True when the text is a DNS name that name_make() would take: a common name that can become one. */
bool name_is_dns(struct arena *a, const char *text);

#endif
