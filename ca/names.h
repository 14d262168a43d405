/* Subject alternative names (RFC 5280 4.2.1.6): DNS names, IP addresses, mail addresses, URIs. */
#ifndef SIEGEL_CA_NAMES_H
#define SIEGEL_CA_NAMES_H
#include "lib/arena.h"
#include "lib/limits.h"
#include "lib/x509/der.h"

enum name_kind { NAME_DNS, NAME_IP, NAME_EMAIL, NAME_URI, NAME_KIND_COUNT };
/* "dns", "ip", "email", "uri" */
const char *name_kind_word(enum name_kind kind);

struct name {
	enum name_kind kind;
	const char *text;    /* canonical: DNS in small letters, IP as inet_ntop writes it */
	uint8_t octets[16];  /* NAME_IP alone */
	size_t n_octets;
};

/* Checks one name and brings it into its canonical form. DNS: letters, digits and hyphens (RFC 1123 2.1), labels of up to 63, 253 in
 * all, no address in its place; a wildcard is the whole leftmost label and at least two follow it, and only where wildcard is true.
 * IP: no IPv4 in IPv6 clothes. Mail: local part and domain in ASCII. URI: a scheme of the list, no white space. */
int name_make(struct arena *a, enum name_kind kind, const char *text, size_t len, bool wildcard, struct name *ret, struct error *e) MUST_CHECK;
/* Reads a subjectAltName value. Kinds of names that can't be checked (otherName, X.400, directory names …) are refused. */
int names_parse(struct arena *a, struct bytes san, bool wildcard, struct name *ret, size_t max, size_t *ret_n, struct error *e) MUST_CHECK;
/* Writes GeneralNames. */
void names_put(struct buf *b, const struct name *names, size_t n);
/* True when the text is a DNS name that name_make() would take: a common name that can become one. */
bool name_is_dns(struct arena *a, const char *text);

#endif
