/* The maker: a child of a worker that makes keys which take long (RSA, SLH-DSA), so that the worker never waits for one. It is forked before the
 * worker has a key store or a database connection, and knows neither. */
#ifndef SIEGEL_CA_MAKER_H
#define SIEGEL_CA_MAKER_H
#include <openssl/evp.h>
#include <sys/types.h>

#include "lib/x509/keytype.h"

/* True for types whose keys are made in milliseconds and more. */
bool maker_is_for(const struct keytype *type);

struct maker {
	pid_t pid;
	int fd; /* for the worker's loop: readable when a key is there or the maker is gone; -1: not running */
};

/* Starts the process, or ends it. To be started before this process knows anything that the maker shouldn't; -1 when there can be no
 * process. Ending one that isn't running does nothing. */
int maker_start(struct maker *m, struct error *e) MUST_CHECK;
void maker_stop(struct maker *m);
/* Asks for a key; keys come in the order in which they were asked for. E_UNAVAILABLE when too many are asked for;
 * E_UNSUPPORTED when the library here has no such keys. */
int maker_ask(struct maker *m, const struct keytype *type, struct error *e) MUST_CHECK;
/* Takes the key that is there; the caller frees *ret. E_UNAVAILABLE: the maker is gone, start it again and ask again. */
int maker_take(struct maker *m, EVP_PKEY **ret, struct error *e) MUST_CHECK;

#endif
