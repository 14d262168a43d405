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
 * of the CA is published beside it as .crt when that isn't there or is another one. chain goes on with the audit row. Memory stays flat: entries go
 * through a temporary file in dir. On failure chain stands where it stood; when the failure came after the commit, or at it, it may be
 * wrong, and the caller opens it again. A CRL that is committed and can't be put in place makes another one wanted. */
int crl_make(struct authority *ca, struct hsm *hsm, struct db *db, struct audit_chain *chain, const char *dir, struct crl_made *ret,
             struct error *e) MUST_CHECK;

/* Compares the published files with the rows of the last CRLs, and sets crl_wanted_at where one isn't that: whoever committed the row ended
 * before the file was in place, or somebody changed it. CAs without a CRL are left to the schedule. */
int crl_check_published(struct db *db, const char *dir, struct error *e) MUST_CHECK;

#endif
