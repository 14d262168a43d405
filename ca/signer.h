/* OCSP signers: short-lived keys, P-256 or ML-DSA for a CA with a post-quantum key, by which siegel-va answers for a CA (RFC 6960
 * 4.2.2.2), and the way in which the engine issues for itself. */
#ifndef SIEGEL_CA_SIGNER_H
#define SIEGEL_CA_SIGNER_H
#include "ca/batch.h"
#include "lib/secret.h"

/* Issues a signer of its own for ca by the profile "ocsp-signer" of its tenant: intent, signature, certificate, then the key, wrapped
 * for siegel-va, in one row with the certificate. Signers that ended are taken out. */
int signer_make(struct authority *ca, const struct registry *r, struct hsm *hsm, struct db *db, struct audit_chain *chain,
                const struct secret *wrap, int64_t *ret_not_after, struct error *e) MUST_CHECK;
/* Stores the intent of one order and signs it. After a failure the intent may be there; intents_abandon() is for it. */
int issue_sign(struct order *o, struct hsm *hsm, struct db *db, struct audit_chain *chain, struct error *e) MUST_CHECK;
/* Stores the certificate of an order that is signed, in the transaction that is open, if one is. */
int issue_store(struct order *o, struct db *db, struct audit_chain *chain, int64_t *ret_id, struct error *e) MUST_CHECK;
/* Stores the intent of one order, signs it, stores the certificate: the way of every certificate, for one that the engine wants
 * itself. */
int issue_one(struct order *o, struct hsm *hsm, struct db *db, struct audit_chain *chain, int64_t *ret_id, struct error *e) MUST_CHECK;

#endif
