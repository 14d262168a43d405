/* Identifiers of orders as texts: "dns:a.example", "dns:*.a.example", "ip:2001:db8::1" (RFC 5952), "permanent-identifier:…". */
#ifndef SIEGEL_ENROLL_ACME_IDENTIFIER_H
#define SIEGEL_ENROLL_ACME_IDENTIFIER_H
#include "enroll/acme/acme.h"
#include "lib/x509/csr.h"

/* Checks an identifier object (RFC 8555 7.1.3, RFC 8738 3, draft-ietf-acme-device-attest 3) and gives its text in the one form that it has.
 * E_MALFORMED; E_NAME_TYPE: another type; E_REJECTED_NAME: a name for which there are no certificates, such as an address in a dns identifier. */
int acme_identifier_parse(struct arena *a, const json_t *object, const char **ret, struct error *e) MUST_CHECK;
/* Such a text, or one that was refused, as an object (RFC 8555 9.7.7); UTF-8. The caller frees it. */
json_t *acme_identifier_json(const char *identifier) __attribute__((returns_nonnull));
/* The kinds of challenge by which a directory with these ENDPOINT_ bits lets an identifier be validated, "http-01,dns-01"; "" for none. */
const char *acme_identifier_kinds(struct arena *a, unsigned auth, const char *identifier);
/* Sorts, and drops what comes twice; gives how many are left. */
size_t acme_identifiers_sort(const char **identifiers, size_t n);
/* What a CSR asks for (RFC 8555 7.4): its alternative names and its common names, sorted, each once. E_BAD_CSR: a kind of name that no order has,
 * or over max of them. */
int acme_identifiers_of_csr(struct arena *a, const struct csr *csr, const char **ret, size_t max, size_t *ret_n, struct error *e) MUST_CHECK;

#endif
