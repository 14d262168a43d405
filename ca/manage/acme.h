/* What the operations on ACME's directories, keys and accounts share, and advice on renewal. */
#ifndef SIEGEL_CA_MANAGE_ACME_H
#define SIEGEL_CA_MANAGE_ACME_H
#include "ca/manage.h"

/* The member names: what is authorised without a challenge, each brought into the form in which orders are compared: "dns:host", "dns:.domain" (the
 * domain, all below it, wildcards), "ip:10.0.0.0/8". *ret is one a line, NULL when it isn't there; "" for an empty list or null. E_BAD_VALUE. */
int acme_read_names(struct manage *m, const char **ret, struct error *e) MUST_CHECK;
/* Such a list as a text[] of PostgreSQL, in SQL; p: the parameter. */
#define ACME_NAMES_SQL(p) "CASE " p "::text WHEN '' THEN '{}'::text[] ELSE string_to_array(" p "::text, E'\\n') END"
/* The address of a page for people, which goes into a directory's meta, Link headers and explanations (RFC 8555 7.1.1, 7.3.3, RFC 9773 4.2): http or
 * https. text NULL is none. */
int acme_check_page(const char *text, size_t len, struct error *e) MUST_CHECK;

#endif
