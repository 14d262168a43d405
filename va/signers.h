/* The signers in use: loaded from the store, refreshed by a thread of its own, handed out without waiting. */
#ifndef SIEGEL_VA_SIGNERS_H
#define SIEGEL_VA_SIGNERS_H
#include "lib/config.h"
#include "va/signer_set.h"

struct signers;

/* Without a set yet. The caller frees *ret. */
int signers_new(struct signers **ret, struct error *e) MUST_CHECK;
void signers_free(struct signers *s); /* accepts NULL; stops the thread */
DEFINE_CLEANUP(struct signers, signers_free)

/* Starts the thread that loads CAs and signers as [database] role siegel_va: when they are notified of a change, each 2 s while a signer is
 * missing. The log
 * is told when the set changes and when it can't be loaded; meanwhile the last set stays in use for as long as its signers live. */
int signers_start(struct signers *s, const struct config *c, struct error *e) MUST_CHECK;
/* Puts another set in the place of the present one and takes over the caller's reference. */
void signers_set(struct signers *s, struct signer_set *set);
/* Counts the sets: a thread that keeps a reference sees by it that there is a newer one. */
unsigned signers_generation(const struct signers *s);
/* A reference to the present set for the caller to drop, and its generation; NULL while there is none. */
struct signer_set *signers_take(struct signers *s, unsigned *ret_generation);

#endif
