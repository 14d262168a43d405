/* Threads that validate what clients said is ready (RFC 8555 8): they take challenges from the store, have them looked at, and store what was
 * found. Any number of front ends may do so; one that dies has lost its challenge to the next. */
#ifndef SIEGEL_ENROLL_ACME_VALIDATOR_H
#define SIEGEL_ENROLL_ACME_VALIDATOR_H
#include "enroll/acme/acme.h"
#include "enroll/acme/probe.h"

/* As many threads as [acme] validators says. s outlives it. The caller stops *ret. */
int acme_validator_start(struct acme *s, struct acme_validator **ret, struct error *e) MUST_CHECK;
void acme_validator_stop(struct acme_validator *v); /* accepts NULL */
/* There is something to do: one of the threads looks at once. Accepts NULL. */
void acme_validator_wake(struct acme_validator *v);

/* Words with commas between them, as settings of a directory have them; in the arena. */
char **acme_words(struct arena *a, const char *text, size_t *ret_n) __attribute__((returns_nonnull));
/* What a task needs of a directory: its networks, and with caa the names by which CAA records mean us. */
void acme_task_settings(struct arena *a, const struct endpoint *ep, bool caa, Siegel__Task *t);
/* The probe that it asks, for tasks of others; NULL without a validator. */
struct acme_probe *acme_validator_probe(struct acme_validator *v);

#endif
