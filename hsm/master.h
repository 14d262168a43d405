/* Master keys of the encrypted key store, from what [ca] master_key says: words separated by blanks, each
 *   key:SOURCE         32 bytes, hexadecimal
 *   passphrase:SOURCE  a passphrase, from which scrypt (RFC 7914) makes the key; salt and parameters are kept in the key folder
 *   sealed:/path       a key that a token sealed; the file is made at first use
 * SOURCE is that of source.h. The first encrypts, all open: a new one is put in front of the old. */
#ifndef SIEGEL_HSM_MASTER_H
#define SIEGEL_HSM_MASTER_H
#include "lib/buf.h"
#include "lib/secret.h"

#define MASTER_KEYS_MAX 8
#define MASTER_ID_BYTES 8

struct master_key {
	struct secret *key;
	uint8_t id[MASTER_ID_BYTES]; /* tells it from others, and nothing of it */
};

struct master {
	struct master_key keys[MASTER_KEYS_MAX];
	size_t n;
};

/* How a sealed key is opened and made. */
struct master_seal {
	int (*seal)(void *arg, const char *context, struct bytes plain, struct buf *out, struct error *e);
	int (*unseal)(void *arg, const char *context, struct bytes sealed, struct secret **ret, struct error *e);
	void *arg;
};

/* E_BAD_VALUE when the text isn't as above. */
int master_check(const char *text, struct error *e) MUST_CHECK;
/* The caller frees *ret. */
int master_open(const char *text, const char *key_dir, const struct master_seal *seal, struct master **ret, struct error *e) MUST_CHECK;
void master_free(struct master *m); /* accepts NULL */
DEFINE_CLEANUP(struct master, master_free)

#endif
