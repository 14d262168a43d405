/* CRLs (RFC 5280 5), written straight as DER from a cursor. */
#ifndef SIEGEL_CA_CRL_H
#define SIEGEL_CA_CRL_H
#include "ca/authority.h"
#include "lib/db/audit.h"

struct crl_made {
	int64_t number, entries, size_bytes, next_update;
};

/* Makes the next CRL of a CA: number, entries as of one snapshot of the store, thisUpdate now (never before that of the last one), signed and
 * verified; its row and audit row are committed, and only then the file <dir>/<ski hex>.crl is put in place by rename. The certificate
 * of the CA is published beside it as .crt when it isn't there. chain goes on with the audit row. Memory stays flat: entries go
 * through a temporary file in dir. */
int crl_make(struct authority *ca, struct hsm *hsm, struct db *db, struct audit_chain *chain, const char *dir, struct crl_made *ret,
             struct error *e) MUST_CHECK;

#endif
