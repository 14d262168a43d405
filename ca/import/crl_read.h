/* CRLs of other CAs (RFC 5280 5), read strictly. */
#ifndef SIEGEL_CA_IMPORT_CRL_READ_H
#define SIEGEL_CA_IMPORT_CRL_READ_H
#include "lib/x509/der.h"

/* Views into the DER. */
struct crl_read {
	struct bytes tbs, algorithm, signature, issuer, aki; /* aki: value of the extension, empty when it isn't there */
	int64_t this_update, number;                         /* number -1: none, or over 63 bits */
	struct der entries;                                  /* what crl_entry() goes through */
};

struct crl_entry {
	struct bytes serial;
	int64_t at;
	int reason; /* 0 to 10 (RFC 5280 5.3.1) */
};

/* Takes it apart. E_BAD_VALUE or E_MALFORMED for what isn't DER, for delta CRLs (5.2.4), for CRLs of a part of a CA's certificates (a critical
 * issuing distribution point, 5.2.5), and for any other critical extension: what such a list doesn't say can't be told from what isn't
 * revoked. Nothing is verified yet. */
int crl_read(struct bytes der, struct crl_read *ret, struct error *e) MUST_CHECK;
/* The next entry; *ret_end when there is none. An entry of an indirect CRL (5.3.3) is refused. */
int crl_entry(struct der *entries, struct crl_entry *ret, bool *ret_end, struct error *e) MUST_CHECK;

#endif
