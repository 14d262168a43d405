/* Who signs a request (RFC 8555 6.2), and the keys of accounts that signed before. */
#ifndef SIEGEL_ENROLL_ACME_SIGNER_H
#define SIEGEL_ENROLL_ACME_SIGNER_H
#include "enroll/acme/acme.h"

/* Keys of accounts, so that their signatures are verified before the store is asked. What is here says nothing of whether the account is valid, nor
 * that the key is its key still: the store says that in the statement that does what is asked. */
struct acme_keys *acme_keys_new(void) __attribute__((returns_nonnull));
void acme_keys_free(struct acme_keys *p); /* accepts NULL */

/* Verifies who signs x->jws: x->key and x->account are set, the nonce is taken. With late and a key that we knew x->nonce.due is set instead; of
 * x->account the number is known alone, x->key has no canonical form. */
int acme_signer_check(struct acme_exchange *x, bool late, struct error *e) MUST_CHECK;
/* What is due: takes the nonce, and verifies the signature by the account's key as the store has it. */
int acme_signer_begin(struct acme_exchange *x, struct error *e) MUST_CHECK;

#endif
