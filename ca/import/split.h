/* Taking files of another PKI apart: into certificates, private keys and CRLs as DER. It is done by OpenSSL's readers of PKCS#12, PKCS#7, PEM
 * and encrypted keys, in a process that is thrown away afterwards: without network, files, secrets of ours, and with little time and
 * memory. */
#ifndef SIEGEL_CA_IMPORT_SPLIT_H
#define SIEGEL_CA_IMPORT_SPLIT_H
#include "lib/arena.h"
#include "lib/buf.h"

enum split_kind {
	SPLIT_CERTIFICATE = 'C', /* DER, not looked into */
	SPLIT_KEY = 'K',         /* PKCS#8 DER, unencrypted */
	SPLIT_CRL = 'R',         /* DER, not looked into */
	SPLIT_SKIPPED = 'S',     /* text: what it was that isn't imported */
	SPLIT_ERROR = 'E',       /* text: why an item, or the rest of the file, isn't taken */
};

struct split_item {
	enum split_kind kind;
	struct bytes data; /* text isn't ended by NUL */
};

/* What came out of one file; the memory is wiped when it is freed, for there may be keys. */
struct split {
	uint8_t *memory;
	size_t size;
	struct split_item *items;
	size_t n;
	int64_t cpu_us; /* that the process took */
};

/* Takes a file apart in a process of its own. passwords: tried in turn on what is encrypted, n at most LIMIT_IMPORT_PASSWORDS. A file that can't
 * be read, or that is too much for the process, is an item SPLIT_ERROR, no failure. The caller frees *ret with split_free(). */
int split_file(struct bytes file, const char *const *passwords, size_t n, struct split *ret, struct error *e) MUST_CHECK;
void split_free(struct split *s);

/* The main function of that process: siegel-ca --split, which siegel-ca runs by itself. The message on descriptor 0, items to 1. */
int split_main(void);

/* Within the process, and for tests and fuzzing: takes a file apart here. Appends records to out: kind, four octets of length (most significant
 * first), data. */
void split_here(struct bytes file, const char *const *passwords, size_t n, struct buf *out);

/* For the parts of the process. */
void split_put(struct buf *out, enum split_kind kind, const void *data, size_t len);
void split_say(struct buf *out, enum split_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The key derivation that an encrypted thing asks for is bounded before it is done (I01). algorithm: AlgorithmIdentifier, DER. */
bool split_kdf_bounded(struct bytes algorithm);
/* DER of a PKCS#12 (RFC 7292). */
void split_pkcs12(struct bytes der, const char *const *passwords, size_t n, struct buf *out);

#endif
