/* Distinguished names (RFC 5280 4.1.2.4, RFC 4514). */
#ifndef SIEGEL_LIB_X509_DN_H
#define SIEGEL_LIB_X509_DN_H
#include "lib/arena.h"
#include "lib/x509/der.h"

/* An attribute type that may stand in a name we issue. */
struct dn_type {
	const char *name;   /* "CN" */
	struct bytes oid;
	int tag;            /* of the value: DER_UTF8_STRING, DER_PRINTABLE_STRING or DER_IA5_STRING */
	size_t max_chars;   /* upper bound of RFC 5280 appendix A */
};

struct dn_value {
	const struct dn_type *type;
	const char *value; /* UTF-8 */
};

/* The n-th of them; NULL behind the last. */
const struct dn_type *dn_type_at(size_t n);
/* By its short name ("CN", "O", "serialNumber" …), letters of either case; NULL when there is no such type. */
const struct dn_type *dn_type_by_name(const char *name);

/* Reads a Name (whole element) into values, in its order, as UTF-8 in the arena: one attribute in each RDN, types of the table,
 * bounds and characters checked. PrintableString, UTF8String, IA5String and BMPString are taken; T61String and UniversalString,
 * whose meaning is uncertain, are refused. */
int dn_parse(struct arena *a, struct bytes name, struct dn_value *ret_values, size_t max, size_t *ret_n, struct error *e) MUST_CHECK;
/* Checks one value for its type. */
int dn_check(const struct dn_value *v, struct error *e) MUST_CHECK;
/* Writes a Name from values that were checked. */
void dn_put(struct buf *b, const struct dn_value *values, size_t n);

#endif
